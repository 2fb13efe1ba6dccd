//! How a keeper begins: detached from whoever started it, in possession of the project's state folder.

#![allow(unsafe_code)]

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::sys::process::{self, Forked};
use crate::sys::title::Title;
use crate::sys::{Place, clock, limits};

use super::home::{Home, Refused};
use super::journal::Journal;
use super::keeper::Keeper;
use super::overseer::Overseer;
use super::run::Common;

/// What a keeper is started with.
#[derive(Debug, Clone)]
pub struct Args {
    /// Where the project keeps its state.
    pub place: Place,
    /// The project's folder, for the journal; the state folder if it is not given.
    pub project_dir: Option<PathBuf>,
    /// The supervisor's executable.
    pub program: PathBuf,
    /// Its arguments, the zeroth included.
    pub arguments: Vec<OsString>,
}

impl Args {
    /// From what follows `tspm __keeper`: `DIR SOCKET PROJECT_ID [PROJECT_DIR]`. The supervisor is this same
    /// executable (whatever has become of its file), with `__supervisor DIR SOCKET PROJECT_ID`.
    ///
    /// None: something is missing, or too much.
    pub fn parse(arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut words: Vec<OsString> = arguments.collect();
        let project_dir = (words.len() == 4).then(|| words.pop()).flatten().map(PathBuf::from);
        let [dir, socket, project_id] = <[OsString; 3]>::try_from(words).ok()?;
        let arguments =
            vec!["tspm".into(), "__supervisor".into(), dir.clone(), socket.clone(), project_id.clone()];
        let place = Place { dir: dir.into(), socket: socket.into(), project_id: project_id.into_string().ok()? };
        Some(Self { place, project_dir, program: "/proc/self/exe".into(), arguments })
    }
}

/// A keeper's life. The process that calls it returns at once; its fork, a session leader without a
/// terminal, becomes the keeper and returns at the end.
///
/// It writes one line to standard output, then closes it: `ready`, `locked` (another keeper lives) or
/// `error: …`. To be called first of all, in a process with one thread that was started for it.
pub fn main(args: Args) -> ExitCode {
    // Nothing that the caller had open is to be held for as long as the environment lives.
    process::close_all_but(&mut []);
    // SAFETY: one thread, the caller's promise.
    match unsafe { process::fork() } {
        Ok(Forked::Parent(_)) => return ExitCode::SUCCESS,
        Ok(Forked::Child) => {}
        Err(error) => return refuse(&format!("error: cannot fork: {error}")),
    }
    let (keeper, mut answer) = match begin(args) {
        Ok(begun) => begun,
        Err(refused) => return refuse(&refused.to_string()),
    };
    // Who started it may be gone already.
    let _ = answer.write_all(b"ready\n");
    drop(answer);
    match keeper.run() {
        Ok(clean) => {
            if clean {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(3)
            }
        }
        Err(error) => {
            log(format_args!("the loop failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A line of the keeper's own in `tspm.log`.
pub(super) fn log(text: fmt::Arguments<'_>) {
    let line = format!("{} keeper[{}]: {text}\n", clock::wall_now_ns() / 1_000_000, std::process::id());
    // There is nobody to tell that the log cannot be written.
    let _ = io::stderr().write_all(line.as_bytes());
}

fn refuse(line: &str) -> ExitCode {
    let _ = writeln!(io::stdout(), "{line}");
    ExitCode::FAILURE
}

/// Everything up to the first supervisor. Also gives back the standard output there was.
fn begin(mut args: Args) -> Result<(Keeper, File), Refused> {
    let failed = |step| move |error: io::Error| Refused::Failed { step, path: "the keeper".into(), error };
    for path in [&mut args.place.dir, &mut args.place.socket].into_iter().chain(&mut args.project_dir) {
        *path = std::path::absolute(&*path).map_err(failed("find the folder of"))?;
    }
    let _ = rustix::process::setsid();
    let home = Home::take(args.place.clone())?;
    let answer = detach(&home).map_err(failed("detach"))?;
    let signals = process::take_signals(&[libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGHUP])
        .map_err(failed("take the signals of"))?;
    process::adopt_orphans().map_err(failed("make a subreaper of"))?;
    let files = limits::open_files();
    limits::raise_open_files().map_err(failed("raise the open files of"))?;
    let files = (files.rlim_cur != files.rlim_max).then_some(files);
    let null = File::open("/dev/null").map_err(failed("open `/dev/null` for"))?;
    let title = Title::find();
    process::set_name(c"tspm-keeper");
    let folder = args.project_dir.as_ref().unwrap_or(&home.place.dir);
    let journal = Journal::begin(home.place.journal(), &home.place.project_id, folder)
        .map_err(failed("begin the journal of"))?;
    let overseer = Overseer::of(&args).map_err(failed("name the supervisor of"))?;
    let common = Common { signals, null: null.into(), files, title };
    let keeper = Keeper::new(home, common, journal, overseer).map_err(failed("start the supervisor of"))?;
    Ok((keeper, answer))
}

/// Leaves the caller's terminal, folder and output; diagnostics go to `tspm.log` from here on.
fn detach(home: &Home) -> io::Result<File> {
    let answer = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    let path = home.place.diagnostics();
    let log: OwnedFd = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?.into();
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    nix::unistd::dup2_stdout(&log)?;
    nix::unistd::dup2_stderr(&log)?;
    std::env::set_current_dir("/")?;
    Ok(answer.into())
}
