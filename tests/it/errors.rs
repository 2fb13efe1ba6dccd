//! Every way in which a start can fail says what happened, to which service, why, and what helps.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Project, free_port};

fn one(service: &str) -> Project {
    Project::new(&format!("services:\n  it: {service}\n"))
}

#[test]
fn command_not_found() {
    let project = one("{command: [no-such-program, now], restart: no}");
    project.tspm("up -d").code(1).says(&["it", "no-such-program", "PATH", "/usr/bin"]);
    project.tspm("why it").ok().says(&["no-such-program", "PATH"]);
    assert_eq!(project.view("it")["state"], "failed");
}

#[test]
fn command_not_found_by_the_shell() {
    let project = one("{command: 'no-such-program || exit 127', restart: no, readiness: {exec: 'false'}}");
    project.tspm("up -d").code(1).says(&["it", "127", "no-such-program"]);
}

#[test]
fn the_path_of_the_service_counts() {
    let project = one("{command: [its-own], env: {PATH: \"${project.dir}/bin:/usr/bin:/bin\"}, restart: no}");
    fs::create_dir(project.path("bin")).expect("the folder is ours");
    let program = project.write("bin/its-own", "#!/bin/sh\necho found >>facts; exec sleep 1000\n");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("the file is ours");
    project.up();
    project.wait_fact("found");
}

#[test]
fn cwd_missing() {
    let project = one("{command: sleep 1000, cwd: nowhere, restart: no}");
    project.tspm("up -d").code(1).says(&["it", "nowhere"]);
}

#[test]
fn not_executable() {
    let project = one("{command: [./script], restart: no}");
    project.write("script", "#!/bin/sh\nexit 0\n");
    project.tspm("up -d").code(1).says(&["it", "script", "execut"]);
}

#[test]
fn a_missing_interpreter() {
    let project = one("{command: [./script], restart: no}");
    let script = project.write("script", "#!/no/such/interpreter\n");
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("the file is ours");
    project.tspm("up -d").code(1).says(&["it", "script"]);
}

#[test]
fn exits_before_ready_with_its_last_lines() {
    let project = one(
        "{command: 'echo reading config; echo cannot open database >&2; exit 5', restart: no, readiness: {exec: 'false'}}",
    );
    project.tspm("up -d").code(1).says(&["it", "exit 5", "cannot open database"]);
}

#[test]
fn a_oneshot_that_fails_shows_its_last_lines() {
    let project = one("{command: 'echo table users is missing; exit 6', type: oneshot}");
    project.tspm("up -d").code(1).says(&["it", "exit 6", "table users is missing"]);
}

#[test]
fn ready_timeout_with_the_last_probe_output() {
    let port = free_port();
    let project = one(&format!("{{command: sleep 1000, readiness: {port}, ready_timeout: 300ms}}"));
    project.tspm("up -d").code(1).says(&["it", "refused", &port.to_string()]);
}

#[test]
fn wait_timeout_ends_the_wait() {
    let project = one("{command: sleep 1000, readiness: {exec: 'echo still booting; false'}}");
    project.tspm("up -d --wait-timeout 300ms").code(1).says(&["it", "still booting"]);
    assert_eq!(project.view("it")["state"], "starting");
    project.down();
}

#[test]
fn a_declared_port_that_is_taken_names_the_taker() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let port = listener.local_addr().expect("it is bound").port();
    let project =
        one(&format!("{{command: 'echo started >>facts; exec sleep 1000', ports: [{port}], restart: no}}"));
    let me = std::process::id().to_string();
    project.tspm("up -d").code(1).says(&["it", &format!("port {port} is taken by pid {me}"), "auto"]);
    assert_eq!(project.facts(), Vec::<String>::new(), "it was not even started");
}

#[test]
fn a_port_taken_by_another_project_names_its_service() {
    let port = free_port();
    let yaml = format!(
        "name: first\nservices:\n  db: {{command: [./hostile, listen, \"{port}\"], ports: [{port}], readiness: {port}}}\n"
    );
    let first = Project::new(&yaml);
    let second = Project::empty();
    second.write(
        "tspm.yaml",
        &format!("name: second\nservices:\n  api: {{command: [./hostile, listen, \"{port}\"], ports: [{port}], restart: no}}\n"),
    );
    first.up();
    second.tspm("up -d").code(1).says(&["api", &format!("port {port} is taken by"), "db"]);
    second.tspm("ports").ok().says(&[&port.to_string()]);
    assert_eq!(first.view("db")["state"], "ready");
}

#[test]
fn a_failed_dependency_is_told_as_a_chain() {
    let project = Project::new(
        "services:\n  \
           db: {command: 'exit 9', type: oneshot}\n  \
           api: {command: sleep 1000, depends_on: [db]}\n  \
           web: {command: sleep 1000, depends_on: [api]}\n",
    );
    project.tspm("up -d").code(1).says(&["web", "api", "db", "exit 9"]);
    project.tspm("why web").ok().says(&["web", "api", "db", "exit 9"]);
}

#[test]
fn a_cycle_is_shown_whole() {
    let project = Project::new(
        "services:\n  \
           a: {command: sleep 1, depends_on: [b]}\n  \
           b: {command: sleep 1, depends_on: [c]}\n  \
           c: {command: sleep 1, depends_on: [a]}\n",
    );
    let ran = project.tspm("up -d").code(2).says(&["cycle"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    let path = regex::Regex::new(r"(a\W+b\W+c\W+a|b\W+c\W+a\W+b|c\W+a\W+b\W+c)").expect("the pattern is right");
    assert!(path.is_match(&said), "{ran}");
    assert_eq!(project.processes(), []);
}

#[test]
fn an_unreadable_file() {
    let project = Project::empty();
    fs::create_dir(project.path("tspm.yaml")).expect("the folder is ours");
    project.tspm("up -d").code(2).says(&["tspm.yaml"]);
    let project = Project::empty();
    project.tspm("up -d -f nowhere.yaml").code(2).says(&["nowhere.yaml"]);
}

#[test]
fn no_file_at_all() {
    let project = Project::empty();
    project.tspm("up -d").code(2).says(&["tspm.yaml"]);
}

#[test]
fn two_files_in_one_folder() {
    let project = one("{command: sleep 1000}");
    project.write("tspm.json", "{}");
    project.tspm("up -d").code(2).says(&["tspm.yaml", "tspm.json"]);
}

#[test]
fn a_state_folder_that_cannot_be_written() {
    let project = one("{command: sleep 1000}");
    // A file in its place: that stops root too.
    project.write(".tspm", "not a folder");
    let code = project.tspm("up -d").says(&[".tspm"]).code;
    assert!(matches!(code, Some(1..=4)), "{code:?}");
    assert_eq!(project.processes(), []);
}

#[test]
fn a_lock_held_by_somebody_else() {
    let project = one("{command: sleep 1000}");
    fs::create_dir(project.path(".tspm")).expect("the folder is ours");
    let lock = fs::File::create(project.path(".tspm/lock")).expect("the folder is ours");
    lock.try_lock().expect("nobody holds it");
    let ran = project.tspm("up -d").says(&["lock"]);
    assert!(matches!(ran.code, Some(1..=4)), "{ran}");
    assert_eq!(project.processes(), []);
    drop(lock);
    project.up();
    project.down();
}

#[test]
fn a_stale_lock_file_and_socket_do_not_matter() {
    let project = one("{command: sleep 1000}");
    project.up();
    for process in project.processes() {
        let pid = i32::try_from(process.pid).expect("pids are small");
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
    }
    project.wait_empty();
    assert!(project.path(".tspm/tspm.sock").exists());
    project.tspm("ps").code(4);
    project.up();
    project.down();
}

/// Somebody who speaks another version: a supervisor of yesterday.
#[test]
fn a_supervisor_of_another_version() {
    use std::io::{Read as _, Write as _};
    let project = one("{command: sleep 1000}");
    fs::create_dir(project.path(".tspm")).expect("the folder is ours");
    let listener = std::os::unix::net::UnixListener::bind(project.path(".tspm/tspm.sock")).expect("it is free");
    let lock = fs::File::create(project.path(".tspm/lock")).expect("the folder is ours");
    lock.try_lock().expect("nobody holds it");
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                while connection.read(&mut request).is_ok_and(|read| read > 0) {
                    let body =
                        "{\"schema_version\":999,\"tspm\":\"99.0.0\",\"supervisor_pid\":1,\"keeper_pid\":1}";
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ntspm-schema: 999\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    if connection.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    for command in ["up -d", "ps", "down"] {
        let ran = project.tspm(command).says(&["version"]);
        assert!(matches!(ran.code, Some(1..=4)), "{ran}");
    }
    drop(lock);
}

#[test]
fn a_failing_pre_start_hook_fails_the_start() {
    let project = one(
        "{command: 'echo started >>facts', restart: no, hooks: {pre_start: {command: 'echo no disk; exit 3', timeout: 5s}}}",
    );
    project.tspm("up -d").code(1).says(&["it", "pre_start", "exit 3", "no disk"]);
    assert_eq!(project.facts(), Vec::<String>::new());
}

#[test]
fn every_problem_of_a_file_at_once() {
    let project = Project::new(
        "services:\n  \
           api:\n    comand: serve\n    depends_on: [databse]\n    stop: {timeout: 10}\n  \
           database: {command: sleep 1000, restart: sometimes}\n\
         groups: {all: [api, nobody]}\n",
    );
    let ran = project.tspm("check").code(2);
    ran.says(&[
        "tspm.yaml:3",
        "comand",
        "command",
        "tspm.yaml:4",
        "databse",
        "database",
        "tspm.yaml:5",
        "timeout",
        "tspm.yaml:6",
        "sometimes",
        "nobody",
    ]);
}

#[test]
fn what_is_not_built_yet_is_refused() {
    for key in [
        "instances: 3",
        "watch: ['**/*.rs']",
        "limits: {memory: 1GiB}",
        "listen: [8000]",
        "tty: true",
        "user: nobody",
    ] {
        let project = Project::new(&format!("services:\n  it:\n    command: sleep 1000\n    {key}\n"));
        let name = key.split(':').next().expect("a key");
        project.tspm("check").code(2).says(&[name, "not-yet"]);
    }
}
