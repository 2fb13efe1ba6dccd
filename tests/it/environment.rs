//! What a service is given: environment, interpolation, standard input, colours, working directory.

use crate::support::{Project, Terminal};

fn env_of(project: &Project, service: &str) -> Vec<String> {
    let pid = project.pid(service);
    let bytes = std::fs::read(format!("/proc/{pid}/environ")).expect("the service is alive");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.split('\0').map(str::to_owned).collect()
}

#[track_caller]
fn has(env: &[String], entry: &str) {
    assert!(env.iter().any(|e| e == entry), "`{entry}` should be in {env:#?}");
}

#[test]
fn layers_from_the_lowest_to_the_highest() {
    let project = Project::new(
        "env: {C: project env, D: project env, E: project env}\nenv_file: [p.env]\nservices:\n  it:\n    \
         command: [sleep, \"1000\"]\n    env_file: [s.env]\n    env: {E: service env}\n",
    )
    .env("CALLER", "caller")
    .env("A", "caller");
    project.write(".env", "A=dotenv\nB=dotenv\n");
    project.write("p.env", "B=project file\nC=project file\n");
    project.write("s.env", "D=service file\nE=service file\n");
    project.up();
    let env = env_of(&project, "it");
    for entry in
        ["CALLER=caller", "A=dotenv", "B=project file", "C=project env", "D=service file", "E=service env"]
    {
        has(&env, entry);
    }
    project.tspm("env it --explain").ok().says(&["E='service env'", "tspm.yaml:7", "'service file' from s.env:2"]);
}

#[test]
fn interpolation_reaches_a_list_and_a_shell_alike() {
    let project = Project::new(
        "vars: {greeting: hello}\nservices:\n  \
           list: {command: [sh, -c, 'echo list $$0 >>facts; exec sleep 1000', \"${PORT}\"], ports: [http: auto]}\n  \
           text: {command: 'echo text $PORT >>facts; exec sleep 1000', ports: [http: auto]}\n  \
           other: {command: 'echo other ${service.list.port.http} ${vars.greeting} >>facts; exec sleep 1000'}\n",
    );
    project.up();
    let port = |service: &str| project.view(service)["ports"][0]["port"].as_u64().expect("it was allocated");
    let (list, text) = (port("list"), port("text"));
    assert_ne!(list, text);
    project.wait_fact(&format!("list {list}"));
    project.wait_fact(&format!("text {text}"));
    project.wait_fact(&format!("other {list} hello"));
    project.tspm("restart list").ok();
    assert_eq!(port("list"), list, "an allocated port is kept across restarts");
    has(&env_of(&project, "list"), &format!("PORT_HTTP={list}"));
}

#[test]
fn an_unset_variable_is_an_error_with_its_place() {
    let project = Project::new(
        "services:\n  it:\n    command: sleep 1000\n    env:\n      URL: \"http://${HOSTNAME_OF_DB}/\"\n",
    );
    project.tspm("up -d").code(2).says(&["tspm.yaml:5", "HOSTNAME_OF_DB"]);
    let project = project.env("HOSTNAME_OF_DB", "db.local");
    project.up();
    has(&env_of(&project, "it"), "URL=http://db.local/");
}

#[test]
fn each_run_has_its_token() {
    let project = Project::new("services:\n  it: {command: sleep 1000}\n");
    project.up();
    let token = |project: &Project| {
        let env = env_of(project, "it");
        env.into_iter().find(|entry| entry.starts_with("TSPM_RUN=")).expect("there is a token")
    };
    let first = token(&project);
    assert!(first.contains(".it."), "{first}");
    project.tspm("restart it").ok();
    assert_ne!(token(&project), first);
}

#[test]
fn stdin_is_held_open_for_a_service_and_empty_for_a_oneshot() {
    let project = Project::new(
        "services:\n  \
           service: {command: [./hostile, stdin]}\n  \
           empty: {command: 'read line; echo read $? >>facts', type: oneshot}\n  \
           null: {command: 'cat; echo null ended >>facts; exec sleep 1000', stdin: null}\n",
    );
    project.up();
    project.wait_fact("up");
    project.wait_fact("read 1");
    project.wait_fact("null ended");
    assert_eq!(project.view("service")["state"], "ready");
    assert!(!project.facts().contains(&"stdin ended".to_owned()));
}

#[test]
fn a_service_starts_with_a_clean_slate() {
    // Default dispositions, an empty mask, no foreign descriptors, whatever the caller has.
    let project = Project::new(
        "services:\n  it: {command: 'grep -E \"Sig(Blk|Ign)\" /proc/self/status >slate; ls /proc/self/fd >fds; echo up >>facts; exec sleep 1000'}\n",
    );
    project.shell("trap '' HUP INT TERM PIPE; exec 7</etc/passwd; exec \"$TSPM\" up -d").ok();
    project.wait_fact("up");
    for line in project.read("slate").lines() {
        let mask = line.split_whitespace().last().expect("a mask");
        // 32 and 33 are the C library's own, which it lets nobody touch.
        let mask = u64::from_str_radix(mask, 16).expect("hex") & !(0b11 << 31);
        assert_eq!(mask, 0, "{line}");
    }
    let descriptors = project.read("fds");
    assert!(!descriptors.lines().any(|fd| fd == "7"), "{descriptors}");
}

#[test]
fn command_substitution_of_a_detached_up_does_not_hang() {
    let project = Project::new("services:\n  it: {command: sleep 1000}\n");
    project.shell("said=$(\"$TSPM\" up -d 2>&1); echo \"substituted: $?\"").ok().says(&["substituted: 0"]);
    assert_eq!(project.view("it")["state"], "ready");
}

#[test]
fn colours_follow_the_terminal() {
    const YAML: &str =
        "services:\n  it: {command: sleep 1000}\n  plain: {command: sleep 1000, env: {NO_COLOR: '1'}}\n";
    let coloured = Project::new(YAML);
    let mut terminal = Terminal::run(&coloured, "up -d");
    assert_eq!(terminal.wait(), Some(0), "{}", terminal.shown());
    assert!(terminal.shown().contains("\u{1b}["), "{:?}", terminal.shown());
    has(&env_of(&coloured, "it"), "FORCE_COLOR=1");
    has(&env_of(&coloured, "it"), "CLICOLOR_FORCE=1");
    assert!(!env_of(&coloured, "plain").iter().any(|entry| entry.starts_with("FORCE_COLOR")));

    let plain = Project::new(YAML);
    let ran = plain.up();
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains('\u{1b}'), "{ran}");
    assert!(!env_of(&plain, "it").iter().any(|entry| entry.starts_with("FORCE_COLOR")));

    let without = Project::new(YAML).env("NO_COLOR", "1");
    let mut terminal = Terminal::run(&without, "up -d");
    assert_eq!(terminal.wait(), Some(0), "{}", terminal.shown());
    assert!(!terminal.shown().contains("\u{1b}[3"), "{:?}", terminal.shown());
    assert!(!env_of(&without, "it").iter().any(|entry| entry.starts_with("FORCE_COLOR")));
}

#[test]
fn cwd_is_the_folder_of_the_file_or_what_it_says() {
    let project = Project::new(
        "services:\n  here: {command: 'pwd >here; exec sleep 1000', readiness: {exec: test -s here}}\n  \
         there: {command: 'pwd >where; exec sleep 1000', cwd: sub, readiness: {exec: test -s where}}\n",
    );
    std::fs::create_dir(project.path("sub")).expect("the folder is ours");
    project.shell("cd sub && exec \"$TSPM\" up -d").ok();
    let dir = std::fs::canonicalize(project.dir()).expect("the folder is there");
    assert_eq!(project.read("here").trim(), dir.to_str().expect("a plain path"));
    assert_eq!(project.read("sub/where").trim(), dir.join("sub").to_str().expect("a plain path"));
}
