//! Workloads, most of them hostile. Each says `ok` on its standard output once its processes are as they
//! should be; all of them keep that output open, so that its end proves their death.

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

static TERMINATED: AtomicBool = AtomicBool::new(false);

/// `words`: the mode, its arguments, the mark.
pub(crate) fn main(words: &[String]) -> ExitCode {
    match words[0].as_str() {
        "plain" => {}
        "exit" => {
            say("ok");
            return ExitCode::from(words[1].parse::<u8>().unwrap());
        }
        "environment" => {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let mask = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
            let fds = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
            let fds: Vec<_> = fds.filter_map(|path| std::fs::read_link(path).ok()).collect();
            let limit = tspm::sys::limits::open_files();
            say("ok");
            say(&format!("{} {}", mask("SigBlk"), limit.rlim_cur));
            say(&format!("{} {}", fds.len(), std::env::current_dir().unwrap().display()));
            let me = tspm::sys::tree::stat(std::process::id()).unwrap();
            say(&format!("{} {}", me.pid == me.pgrp, me.pid == me.session));
            return ExitCode::SUCCESS;
        }
        "escape" => escape(),
        "daemon" => {
            if fork() == 0 {
                setsid();
                escape();
                say("ok");
                pause();
            }
            return ExitCode::SUCCESS;
        }
        "scrub" => {
            if fork() == 0 {
                setsid();
                become_anew("nothing", &["plain", words.last().unwrap()], &[]);
            }
        }
        "root" => assert_eq!(unsafe { libc::setuid(0) }, 0),
        "stubborn" => ignore(&[libc::SIGTERM, libc::SIGINT, libc::SIGHUP]),
        "stop" => {
            say("ok");
            unsafe { libc::raise(libc::SIGSTOP) };
            pause();
        }
        "fork-on-term" => {
            handle(libc::SIGTERM, on_term_fork);
            escape();
        }
        "many" => {
            for _ in 0..words[1].parse::<u32>().unwrap() {
                if fork() == 0 {
                    setsid();
                    ignore(&[libc::SIGTERM]);
                    pause();
                }
            }
        }
        "chain" => {
            // Each the child of the one before; the last one says so.
            for _ in 0..words[1].parse::<u32>().unwrap() {
                if fork() != 0 {
                    pause();
                }
            }
        }
        "refork" => {
            for _ in 0..words[1].parse::<u32>().unwrap() {
                if fork() == 0 {
                    refork();
                }
            }
        }
        "thread" => {
            // A child of a thread that is not the first is listed with that thread.
            let child = std::thread::spawn(|| {
                if fork() == 0 {
                    escape();
                    say("ok");
                    pause();
                }
                std::thread::park();
            });
            let _ = child.join();
        }
        "stop-shim" => {
            unsafe { libc::kill(libc::getppid(), libc::SIGSTOP) };
        }
        "note" => {
            // Says in a file when it was asked to end.
            handle(libc::SIGTERM, on_term_note);
            say("ok");
            let mut mask = unsafe { std::mem::zeroed() };
            unsafe { libc::sigemptyset(&raw mut mask) };
            while !TERMINATED.load(Ordering::SeqCst) {
                unsafe { libc::sigsuspend(&raw const mask) };
            }
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&words[1]).unwrap();
            file.write_all(words[2].as_bytes()).unwrap();
            return ExitCode::SUCCESS;
        }
        "leave" => {
            // Leaves a daemon of that name.
            if fork() == 0 {
                setsid();
                if fork() == 0 {
                    let token = format!("TSPM_RUN={}", std::env::var("TSPM_RUN").unwrap());
                    become_anew(&words[1], &["plain", words.last().unwrap()], &[token]);
                }
                unsafe { libc::_exit(0) };
            }
            if words[2] == "end" {
                return ExitCode::SUCCESS;
            }
            pause();
        }
        mode => panic!("{mode}"),
    }
    say("ok");
    pause()
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    out.write_all(format!("{text}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn fork() -> i32 {
    unsafe { libc::fork() }
}

fn setsid() {
    unsafe { libc::setsid() };
}

fn pause() -> ! {
    loop {
        unsafe { libc::pause() };
    }
}

/// A double fork: the grandchild is an orphan in a session of its own.
fn escape() {
    if fork() == 0 {
        setsid();
        if fork() == 0 {
            pause();
        }
        unsafe { libc::_exit(0) };
    }
    unsafe { libc::wait(std::ptr::null_mut()) };
}

/// For ever a new process, in a new session, every few milliseconds.
fn refork() -> ! {
    loop {
        unsafe { libc::usleep(2000) };
        match fork() {
            0 => setsid(),
            _ => unsafe { libc::_exit(0) },
        }
    }
}

fn ignore(signals: &[i32]) {
    for &signal in signals {
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

fn handle(signal: i32, handler: extern "C" fn(i32)) {
    unsafe { libc::signal(signal, handler as *const () as libc::sighandler_t) };
}

extern "C" fn on_term_fork(_: i32) {
    escape();
    unsafe { libc::write(1, c"forked\n".as_ptr().cast(), 7) };
}

extern "C" fn on_term_note(_: i32) {
    TERMINATED.store(true, Ordering::SeqCst);
}

fn become_anew(zeroth: &str, words: &[&str], env: &[String]) -> ! {
    let c = |text: &str| std::ffi::CString::new(text).unwrap();
    let exe = std::env::current_exe().unwrap();
    let arguments: Vec<_> = [zeroth, "__work"].into_iter().chain(words.iter().copied()).map(c).collect();
    let environment: Vec<_> = env.iter().map(|entry| c(entry)).collect();
    let _ = nix::unistd::execve(&c(exe.to_str().unwrap()), &arguments, &environment);
    unsafe { libc::_exit(1) }
}
