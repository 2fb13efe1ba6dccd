//! A project in a folder of its own, and everything that is done to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::cgroup::Cgroup;
use super::facts::wait_file;
use super::kernel::{self, Process};
use super::patience::{Deadline, PATIENCE};
use super::ran::Ran;
use super::running::Running;
use super::watch::Watch;

/// A folder with a `tspm.yaml`, its own home and its own marks. When it is dropped, everything that was started in
/// it is killed, whatever the test came to.
pub(crate) struct Project {
    dir: TempDir,
    cgroup: Option<Cgroup>,
    marker: String,
    env: Vec<(String, String)>,
}

/// A port that nobody listens on (just now; the kernel gives the same one out again only after many others).
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    listener.local_addr().expect("it is bound").port()
}

impl Project {
    /// A project with this `tspm.yaml`, and with the program `./hostile` in its folder.
    pub(crate) fn new(yaml: &str) -> Self {
        let project = Self::empty();
        project.write("tspm.yaml", yaml);
        project
    }

    /// A project of `count` services `s0`, `s1`… with these bodies.
    pub(crate) fn with_services(count: usize, body: impl Fn(usize) -> String) -> Self {
        let lines: Vec<String> = (0..count).map(|n| format!("  s{n}: {}", body(n))).collect();
        Self::new(&format!("services:\n{}\n", lines.join("\n")))
    }

    /// A project without a project file.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::Builder::new().prefix("tspm-it-").tempdir().expect("a temporary folder can be made");
        let name = dir.path().file_name().expect("it has a name").to_string_lossy().into_owned();
        let marker = format!("TSPM_IT_MARK={name}");
        let cgroup = Cgroup::create(&name);
        for folder in ["home", "run"] {
            fs::create_dir(dir.path().join(folder)).expect("the folder is ours");
        }
        let project = Self { dir, cgroup, marker, env: Vec::new() };
        project.bring_hostile();
        project
    }

    /// Links (or copies) the workload into the folder, so that its processes bear the folder's mark.
    fn bring_hostile(&self) {
        let me = std::env::current_exe().expect("the test has an executable");
        let built = me.parent().and_then(Path::parent).expect("it is target/…/deps/it").join("examples/hostile");
        let here = self.path("hostile");
        if fs::hard_link(&built, &here).is_err() {
            let copied = fs::copy(&built, &here);
            assert!(copied.is_ok(), "{} is not built: cargo build --example hostile", built.display());
        }
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file in the folder.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        path
    }

    /// What a file in the folder contains; nothing where there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap_or_default()).into_owned()
    }

    /// Sets a variable for every later command.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command line of `program` in the project's folder, environment and cgroup.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = match &self.cgroup {
            Some(cgroup) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", "echo $$ >\"$0\"/cgroup.procs && exec \"$@\""]).arg(cgroup.dir()).arg(program);
                shell
            }
            None => Command::new(program),
        };
        command.args(args).current_dir(self.dir()).env_clear().stdin(Stdio::null());
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", self.path("home")).env("XDG_RUNTIME_DIR", self.path("run")).env("LANG", "C.UTF-8");
        let (name, value) = self.marker.split_once('=').expect("it was made so");
        command.env(name, value).envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts `tspm` with these arguments (separated by blanks) and does not wait.
    pub(crate) fn spawn(&self, args: &str) -> Running {
        self.spawn_with(&args.split_whitespace().collect::<Vec<_>>())
    }

    /// Starts `tspm` with these arguments and does not wait.
    pub(crate) fn spawn_with(&self, args: &[&str]) -> Running {
        let command = self.command(env!("CARGO_BIN_EXE_tspm"), args);
        Running::start(command, format!("tspm {}", args.join(" ")))
    }

    /// Runs `tspm` with these arguments (separated by blanks) to its end.
    #[track_caller]
    pub(crate) fn tspm(&self, args: &str) -> Ran {
        self.spawn(args).wait()
    }

    /// Runs `tspm` with these arguments to its end.
    #[track_caller]
    pub(crate) fn tspm_with(&self, args: &[&str]) -> Ran {
        self.spawn_with(args).wait()
    }

    /// Starts the workload itself, with nobody to supervise it.
    pub(crate) fn unsupervised(&self, args: &[&str]) -> Running {
        Running::start(self.command("./hostile", args), format!("hostile {}", args.join(" ")))
    }

    /// Runs a script of `/bin/sh` with `tspm` as `$TSPM`.
    #[track_caller]
    pub(crate) fn shell(&self, script: &str) -> Ran {
        self.spawn_shell(script).wait()
    }

    /// Starts a script of `/bin/sh` with `tspm` as `$TSPM` and does not wait.
    pub(crate) fn spawn_shell(&self, script: &str) -> Running {
        let mut command = self.command("/bin/sh", &["-c", script]);
        command.env("TSPM", env!("CARGO_BIN_EXE_tspm"));
        Running::start(command, script.to_owned())
    }

    /// `tspm up -d`, which must succeed.
    #[track_caller]
    pub(crate) fn up(&self) -> Ran {
        self.tspm("up -d").ok()
    }

    /// `tspm down`, which must succeed and leave nothing.
    #[track_caller]
    pub(crate) fn down(&self) -> Ran {
        let ran = self.tspm("down").ok();
        self.assert_nothing_left();
        ran
    }

    /// Blocks until the file `facts` has `line`.
    pub(crate) fn wait_fact(&self, line: &str) {
        self.wait_facts(line, 1);
    }

    /// Blocks until the file `facts` has `line` `count` times.
    pub(crate) fn wait_facts(&self, line: &str, count: usize) {
        self.wait_text("facts", &format!("{count} × `{line}`"), |text| {
            text.lines().filter(|l| *l == line).count() >= count
        });
    }

    /// Blocks until `holds` is true of a file in the folder.
    pub(crate) fn wait_text(&self, name: &str, what: &str, holds: impl Fn(&str) -> bool) -> String {
        wait_file(&self.path(name), what, holds)
    }

    /// The lines of `facts`.
    pub(crate) fn facts(&self) -> Vec<String> {
        self.read("facts").lines().map(str::to_owned).collect()
    }

    /// A stream of what happens, from now.
    #[track_caller]
    pub(crate) fn watch(&self) -> Watch {
        Watch::open(&self.path(".tspm/tspm.sock"))
    }

    /// Blocks until `service` is in `state`, and gives its view back.
    #[track_caller]
    pub(crate) fn wait_state(&self, service: &str, state: &str) -> Value {
        self.watch().until(service, state, |view| view["state"] == state)
    }

    /// What `tspm ps --json` says of `service`.
    #[track_caller]
    pub(crate) fn view(&self, service: &str) -> Value {
        let all = self.tspm("ps --json").ok().json();
        let list = all["services"].as_array().expect("`services` is a list");
        list.iter()
            .find(|view| view["name"] == service)
            .unwrap_or_else(|| panic!("no `{service}` in {all}"))
            .clone()
    }

    /// The pid of `service`.
    #[track_caller]
    pub(crate) fn pid(&self, service: &str) -> u32 {
        let view = self.view(service);
        let pid = view["pid"].as_u64().unwrap_or_else(|| panic!("`{service}` has no pid: {view}"));
        u32::try_from(pid).expect("pids are small")
    }

    /// The captured output of `service`, as it is on disk.
    pub(crate) fn log(&self, service: &str) -> String {
        self.read(&format!(".tspm/logs/{service}.log"))
    }

    /// Every live process of the project, tspm's own included.
    pub(crate) fn processes(&self) -> Vec<Process> {
        match &self.cgroup {
            Some(cgroup) => cgroup.frozen(|| self.scan(&cgroup.pids())),
            None => self.marked(),
        }
    }

    /// As [`Self::processes`], by their marks alone: what a test sees where it may make no cgroup. It looks again
    /// and again and takes the most it saw: who forks all the time is not in every picture.
    pub(crate) fn marked(&self) -> Vec<Process> {
        (0..5).map(|_| self.scan(&[])).max_by_key(Vec::len).expect("there are pictures")
    }

    fn scan(&self, members: &[u32]) -> Vec<Process> {
        kernel::processes(&self.canonical(), &self.marker, members)
    }

    /// The folder as the kernel calls it.
    fn canonical(&self) -> PathBuf {
        fs::canonicalize(self.dir()).expect("the folder is there")
    }

    /// Live processes that services started.
    pub(crate) fn workers(&self) -> Vec<Process> {
        self.processes().into_iter().filter(|process| !process.is_tspm).collect()
    }

    /// No process of a service is alive, at this very moment.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let left = self.workers();
        assert!(left.is_empty(), "left alive: {left:#?}");
    }

    /// Blocks until no process of the project is alive, tspm's own included.
    #[track_caller]
    pub(crate) fn wait_empty(&self) {
        self.wait_empty_within(PATIENCE);
    }

    /// As [`Self::wait_empty`], for at most `time`.
    #[track_caller]
    pub(crate) fn wait_empty_within(&self, time: Duration) {
        let deadline = Deadline::after(time);
        if let Some(cgroup) = &self.cgroup {
            let empty = cgroup.wait_empty(deadline);
            assert!(empty, "alive after {time:?}: {:#?}", self.processes());
        }
        while let Some(process) = self.processes().first() {
            let ended = wait_end(process.pid, deadline);
            assert!(ended, "alive after {time:?}: {:#?}", self.processes());
        }
    }

    fn kill_everything(&self) {
        if let Some(cgroup) = &self.cgroup {
            cgroup.kill();
            cgroup.wait_empty(Deadline::start());
        }
        let deadline = Deadline::start();
        let mut clean = 0;
        while clean < 3 && deadline.left().is_some() {
            clean = if kernel::kill(&self.canonical(), &self.marker) == 0 { clean + 1 } else { 0 };
        }
    }

    fn tell_what_happened(&self) {
        for name in [".tspm/tspm.log", ".tspm/events.jsonl", "facts"] {
            let text = self.read(name);
            let tail: Vec<&str> = text.lines().rev().take(40).collect();
            eprintln!("── {name} of {}", self.dir().display());
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
        eprintln!("── alive: {:#?}", self.processes());
    }
}

/// Blocks until the process ends; false: the deadline passed.
fn wait_end(pid: u32, deadline: Deadline) -> bool {
    kernel::open(pid).is_none_or(|pidfd| deadline.poll(&pidfd, rustix::event::PollFlags::IN))
}

impl Drop for Project {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell_what_happened();
        }
        self.kill_everything();
    }
}
