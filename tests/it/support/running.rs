//! A run of `tspm` that goes on: its streams can be waited for, it can be signalled, its end can be awaited.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::event::PollFlags;
use rustix::process::{PidfdFlags, pidfd_open};

use super::patience::{Deadline, Stopwatch};
use super::ran::Ran;

/// What a reader thread has read so far.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    ended: bool,
}

/// One captured stream.
#[derive(Clone, Default)]
struct Stream(Arc<(Mutex<Heard>, Condvar)>);

impl Stream {
    /// Reads to the end, in a thread; `both` gets a copy.
    fn read(mut from: impl Read + Send + 'static, both: &Self) -> Self {
        let stream = Self::default();
        let (shared, both) = (stream.clone(), both.clone());
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            loop {
                let read = from.read(&mut buffer).unwrap_or(0);
                both.hear(&buffer[..read]);
                shared.hear(&buffer[..read]);
                if read == 0 {
                    return;
                }
            }
        });
        stream
    }

    /// Nothing means the end. (The copy of both streams ends with the first of them: who waits for a word there waits
    /// while the program lives.)
    fn hear(&self, bytes: &[u8]) {
        let (heard, changed) = &*self.0;
        let mut heard = heard.lock().expect("nobody panics with this lock");
        heard.bytes.extend_from_slice(bytes);
        heard.ended |= bytes.is_empty();
        changed.notify_all();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.0.lock().expect("nobody panics with this lock").bytes).into_owned()
    }

    /// Blocks until `holds` is true; false: the stream ended, or the deadline passed.
    fn wait(&self, deadline: Deadline, holds: impl Fn(&Heard) -> bool) -> bool {
        let (heard, changed) = &*self.0;
        let mut heard = heard.lock().expect("nobody panics with this lock");
        loop {
            if holds(&heard) {
                return true;
            }
            let Some(left) = deadline.left().filter(|_| !heard.ended) else { return false };
            heard = changed.wait_timeout(heard, left).expect("nobody panics with this lock").0;
        }
    }
}

/// A `tspm` (or another program) that was started and not waited for. Killed when dropped.
pub(crate) struct Running {
    line: String,
    child: Child,
    pidfd: OwnedFd,
    stdout: Stream,
    stderr: Stream,
    both: Stream,
    since: Stopwatch,
}

impl Running {
    /// Starts `command` with both streams captured.
    pub(crate) fn start(mut command: Command, line: String) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let since = Stopwatch::start();
        let mut child = command.spawn().unwrap_or_else(|problem| panic!("`{line}`: {problem}"));
        let pid =
            i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid is positive");
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("the child is not reaped yet");
        let both = Stream::default();
        let stdout = Stream::read(child.stdout.take().expect("it is piped"), &both);
        let stderr = Stream::read(child.stderr.take().expect("it is piped"), &both);
        Self { line, child, pidfd, stdout, stderr, both, since }
    }

    /// Its pid.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).expect("pids are small");
        kill(Pid::from_raw(pid), signal).expect("the child is not reaped yet");
    }

    /// What it has said so far, on both streams.
    pub(crate) fn said(&self) -> String {
        format!("{}\n── stderr\n{}", self.stdout.text(), self.stderr.text())
    }

    /// Standard output so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Blocks until standard output holds `part`.
    #[track_caller]
    pub(crate) fn wait_stdout(&self, part: &str) -> &Self {
        self.wait_in(&self.stdout, part)
    }

    /// Blocks until one of the two streams holds `part`.
    #[track_caller]
    pub(crate) fn wait_said(&self, part: &str) -> &Self {
        self.wait_in(&self.both, part)
    }

    #[track_caller]
    fn wait_in(&self, stream: &Stream, part: &str) -> &Self {
        let heard =
            stream.wait(Deadline::start(), |heard| memchr::memmem::find(&heard.bytes, part.as_bytes()).is_some());
        assert!(heard, "`{}` never said `{part}`; it said:\n{}", self.line, self.said());
        self
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        Deadline::after(Duration::from_millis(1)).poll(&self.pidfd, PollFlags::IN)
    }

    /// Blocks until it ends, then until both its streams do: whoever still holds them is a failure of its own.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ran {
        let ended = Deadline::start().poll(&self.pidfd, PollFlags::IN);
        assert!(ended, "`{}` did not end; it said:\n{}", self.line, self.said());
        let took = self.since.elapsed();
        let status = self.child.wait().expect("the child is ours");
        for stream in [&self.stdout, &self.stderr] {
            let closed = stream.wait(Deadline::after(Duration::from_secs(10)), |heard| heard.ended);
            assert!(
                closed,
                "`{}` has ended, but somebody holds its output open; it said:\n{}",
                self.line,
                self.said()
            );
        }
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        Ran { line: self.line.clone(), code: status.code(), signal: status.signal(), stdout, stderr, took }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both do nothing where it has been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
