//! A keeper under test, and what the tests ask of it and of the kernel.

use std::collections::VecDeque;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;
use tspm::keeper::link::Link;
use tspm::keeper::protocol::{
    FromKeeper, Hello, Output, Process, Run, Spawn, SpawnStep, Stdin, Target, ToKeeper, Usage, Will,
};
use tspm::sys::{Place, identity, peer, signals, tree};

/// Longer than anything here takes on a busy machine: a test that waits for this long has failed.
const PATIENCE: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// One environment: a keeper, reached through its test supervisor.
pub(crate) struct Env {
    pub(crate) place: Place,
    pub(crate) keeper: (u32, u64),
    pub(crate) hello: Hello,
    pub(crate) hello_fds: Vec<OwnedFd>,
    /// In the command line of every workload, and of nothing else.
    pub(crate) mark: String,
    link: Link,
    early: VecDeque<(FromKeeper, Vec<OwnedFd>)>,
    _dir: TempDir,
}

impl Env {
    pub(crate) fn new() -> Self {
        Self::of(None)
    }

    /// One whose keeper is another user's.
    pub(crate) fn of(user: Option<u32>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(dir.path(), user, None).unwrap();
        let place = place(dir.path());
        assert_eq!(start_as(user, &place), "ready\n");
        let (link, hello, hello_fds, keeper) = connect(&place);
        let mark = format!("mark-{}", place.project_id);
        Self { place, keeper, hello, hello_fds, mark, link, early: VecDeque::new(), _dir: dir }
    }

    /// To the supervisor that is there now, which begins with its `Hello`.
    pub(crate) fn reconnect(&mut self) {
        (self.link, self.hello, self.hello_fds, _) = connect(&self.place);
        self.early.clear();
    }

    pub(crate) fn send(&mut self, message: &ToKeeper) {
        self.link.send(message, &[]).unwrap();
    }

    pub(crate) fn store(&mut self, key: &str, fd: &OwnedFd) {
        self.link.send(&ToKeeper::Store { key: key.to_owned() }, &[fd.as_fd()]).unwrap();
    }

    /// The next message for which `want` gives something; others are kept for later.
    pub(crate) fn expect<T>(&mut self, want: impl Fn(&FromKeeper) -> Option<T>) -> (T, Vec<OwnedFd>) {
        if let Some(place) = self.early.iter().position(|(message, _)| want(message).is_some()) {
            let (message, fds) = self.early.remove(place).unwrap();
            return (want(&message).unwrap(), fds);
        }
        loop {
            self.link.flush().unwrap();
            if let Some((message, fds)) = self.link.try_recv().expect("the supervisor lives") {
                if let Some(wanted) = want(&message) {
                    return (wanted, fds);
                }
                self.early.push_back((message, fds));
                continue;
            }
            let out = if self.link.wants_write() { PollFlags::OUT } else { PollFlags::empty() };
            let ready = poll(&mut [PollFd::new(&self.link, PollFlags::IN | out)], Some(&PATIENCE)).unwrap();
            assert!(ready > 0, "nothing comes; what came: {:?}", self.early);
        }
    }

    /// Whether a message is there that `want`s something, once everything that was sent was handled.
    pub(crate) fn has(&mut self, want: impl Fn(&FromKeeper) -> bool) -> bool {
        // The keeper answers in order: a refused spawn is an answer.
        self.send(&ToKeeper::Spawn(Box::new(Spawn { program: b"\0".to_vec(), ..self.work(u64::MAX / 2, &[]) })));
        self.failed(u64::MAX / 2);
        self.early.iter().any(|(message, _)| want(message))
    }

    /// A spawn of this binary as a workload.
    pub(crate) fn work(&self, run: Run, words: &[&str]) -> Spawn {
        let exe = std::env::current_exe().unwrap().into_os_string().into_encoded_bytes();
        let fixed = [exe.clone(), b"__work".to_vec()].into_iter();
        let rest = words.iter().map(|word| word.as_bytes().to_vec()).chain([self.mark.clone().into_bytes()]);
        Spawn {
            run,
            label: format!("run{run}"),
            program: exe,
            argv: fixed.chain(rest).collect(),
            env: vec![format!("TSPM_RUN={}.work.0.{run}", self.place.project_id).into_bytes()],
            cwd: b"/".to_vec(),
            stdin: Stdin::Null,
            output: Output::Pipes,
            release: Vec::new(),
            will: Will { rank: 0, signal: libc::SIGTERM, timeout_ms: 5000, to: Target::Group },
        }
    }

    /// Starts a workload and waits until it says that it is as it should be.
    pub(crate) fn spawn(&mut self, run: Run, words: &[&str]) -> Started {
        let spawn = self.work(run, words);
        self.spawn_this(spawn)
    }

    pub(crate) fn spawn_this(&mut self, spawn: Spawn) -> Started {
        let run = spawn.run;
        self.send(&ToKeeper::Spawn(Box::new(spawn)));
        let (pid, fds) = self.expect(|message| match message {
            FromKeeper::Spawned { run: r, pid, start, fds } if *r == run => Some((*pid, *start, *fds)),
            FromKeeper::SpawnFailed { run: r, step, errno } if *r == run => panic!("{step:?} {errno}"),
            _ => None,
        });
        let mut pipes = Pipes::new(fds);
        pipes.wait_for("ok");
        Started { run, pid: pid.0, start: pid.1, pipes }
    }

    pub(crate) fn signal(&mut self, run: Run, signal: i32, to: Target) {
        self.send(&ToKeeper::Signal { run, signal, to });
    }

    pub(crate) fn failed(&mut self, run: Run) -> (SpawnStep, i32) {
        self.expect(|message| match message {
            FromKeeper::SpawnFailed { run: r, step, errno } if *r == run => Some((*step, *errno)),
            _ => None,
        })
        .0
    }

    pub(crate) fn exited(&mut self, run: Run) -> (Option<i32>, Usage) {
        self.expect(|message| match message {
            FromKeeper::Exited { run: r, status, usage } if *r == run => Some((*status, *usage)),
            _ => None,
        })
        .0
    }

    pub(crate) fn emptied(&mut self, run: Run) -> Vec<Process> {
        self.expect(|message| match message {
            FromKeeper::Emptied { run: r, released } if *r == run => Some(released.clone()),
            FromKeeper::Survived { run: r, left } if *r == run => panic!("survived: {left:?}"),
            _ => None,
        })
        .0
    }

    /// Kills it, and checks through the kernel that nothing is left.
    pub(crate) fn kill(&mut self, started: &mut Started) {
        self.send(&ToKeeper::Kill { run: started.run });
        self.emptied(started.run);
        started.pipes.assert_closed();
    }

    /// `Finish`, and the end of the keeper. What the receipt says is left.
    pub(crate) fn finish(mut self) -> Vec<Process> {
        self.send(&ToKeeper::Finish);
        let left = self.receipt();
        self.assert_nothing_lives();
        self.ends();
        left
    }

    pub(crate) fn receipt(&mut self) -> Vec<Process> {
        self.expect(|message| match message {
            FromKeeper::Receipt { left, .. } => Some(left.clone()),
            _ => None,
        })
        .0
    }

    /// Hangs up; the supervisor and then the keeper end.
    pub(crate) fn ends(mut self) {
        let (other, _) = UnixStream::pair().unwrap();
        self.link = Link::new(other.into());
        wait_for_death(self.keeper);
        assert!(!self.place.socket.exists() && !self.place.journal().exists(), "tracking files are removed");
        assert!(self.place.lock().exists(), "the lock file is not");
    }

    /// The supervisor's pid: the keeper's only child that is none of its shims.
    pub(crate) fn supervisor(&self) -> u32 {
        let of = |pid: &u32| tree::command_line(*pid).contains("__relay");
        tree::children(self.keeper.0).into_iter().find(of).expect("there is a supervisor")
    }

    /// No workload lives: asked of the kernel.
    pub(crate) fn assert_nothing_lives(&self) {
        let left: Vec<_> = self.living().into_iter().map(|pid| (pid, tree::command_line(pid))).collect();
        assert!(left.is_empty(), "left: {left:?}");
    }

    /// Workloads that live.
    pub(crate) fn living(&self) -> Vec<u32> {
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let marked = |pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.windows(self.mark.len()).any(|part| part == self.mark.as_bytes())
        };
        pids.filter(marked).filter(|pid| tree::stat(*pid).is_ok_and(|stat| !stat.is_dead())).collect()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.place.diagnostics()).unwrap_or_default()
    }
}

impl Drop for Env {
    /// A failed test leaves nothing: without their keeper the shims kill what they hold.
    fn drop(&mut self) {
        if let Ok(keeper) = signals::open(self.keeper.0, self.keeper.1) {
            let _ = keeper.send(libc::SIGKILL);
        }
    }
}

/// A run.
pub(crate) struct Started {
    pub(crate) run: Run,
    pub(crate) pid: u32,
    pub(crate) start: u64,
    pub(crate) pipes: Pipes,
}

/// The ends of a run's pipes: stdin (if it has one), stdout, stderr.
pub(crate) struct Pipes {
    pub(crate) fds: Vec<OwnedFd>,
    seen: String,
}

impl Pipes {
    pub(crate) fn new(fds: Vec<OwnedFd>) -> Self {
        Self { fds, seen: String::new() }
    }

    fn stdout(&self) -> &OwnedFd {
        &self.fds[self.fds.len() - 2]
    }

    /// Reads stdout until a line begins with `word`; gives that line.
    pub(crate) fn wait_for(&mut self, word: &str) -> String {
        loop {
            if let Some((line, rest)) = self.seen.split_once('\n') {
                let line = line.to_owned();
                self.seen = rest.to_owned();
                if line.starts_with(word) {
                    return line;
                }
                continue;
            }
            assert!(self.read() > 0, "stdout ended before it said `{word}`: {}", self.seen);
        }
    }

    /// All there is until everybody has closed it.
    pub(crate) fn rest(&mut self) -> String {
        while self.read() > 0 {}
        std::mem::take(&mut self.seen)
    }

    /// Nobody holds the write end any more: at once, without waiting.
    pub(crate) fn assert_closed(&mut self) {
        rustix::io::ioctl_fionbio(self.stdout(), true).unwrap();
        let mut buffer = [0; 4096];
        loop {
            match rustix::io::read(self.stdout(), &mut buffer) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => panic!("somebody still holds stdout: {error}"),
            }
        }
    }

    fn read(&mut self) -> usize {
        let ready = poll(&mut [PollFd::new(self.stdout(), PollFlags::IN)], Some(&PATIENCE)).unwrap();
        assert!(ready > 0, "stdout says nothing; it said: {}", self.seen);
        let mut buffer = [0; 4096];
        let read = rustix::io::read(self.stdout(), &mut buffer).unwrap();
        self.seen += std::str::from_utf8(&buffer[..read]).unwrap();
        read
    }
}

pub(crate) fn place(dir: &std::path::Path) -> Place {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let project_id = format!("test{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let dir = dir.join("state");
    Place { socket: dir.join("tspm.sock"), dir, project_id }
}

/// Runs `__keeper` and gives what it writes, up to the end of its output.
pub(crate) fn start(place: &Place) -> String {
    start_as(None, place)
}

#[expect(clippy::disallowed_methods, reason = "the tests start the keeper")]
fn start_as(user: Option<u32>, place: &Place) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("__keeper").args([&place.dir, &place.socket]).arg(&place.project_id);
    user.map(|user| command.uid(user));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    child.stdout.take().unwrap().read_to_string(&mut line).unwrap();
    child.wait().unwrap();
    line
}

fn connect(place: &Place) -> (Link, Hello, Vec<OwnedFd>, (u32, u64)) {
    let stream = UnixStream::connect(&place.socket).unwrap();
    let (pid, _) = peer::credentials(&stream).unwrap();
    let mut link = Link::new(stream.into());
    loop {
        match link.try_recv().unwrap() {
            Some((FromKeeper::Hello(hello), fds)) => {
                assert_eq!(
                    hello.keeper,
                    (pid, identity::start_time(pid).unwrap()),
                    "the listener is the keeper's"
                );
                return (link, *hello, fds, (pid, identity::start_time(pid).unwrap()));
            }
            Some((message, _)) => panic!("before its `Hello`: {message:?}"),
            None => assert!(poll(&mut [PollFd::new(&link, PollFlags::IN)], Some(&PATIENCE)).unwrap() > 0),
        }
    }
}

/// Waits until this process is dead.
pub(crate) fn wait_for_death((pid, start): (u32, u64)) {
    if let Ok(process) = signals::open(pid, start) {
        let dead = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&PATIENCE)).unwrap();
        assert!(dead > 0, "it lives on: {}", tree::command_line(pid));
    }
}

/// Kills one process, the one that was meant.
pub(crate) fn kill_9(pid: u32) {
    let start = identity::start_time(pid).unwrap();
    signals::open(pid, start).unwrap().send(libc::SIGKILL).unwrap();
    wait_for_death((pid, start));
}
