//! From a service's definition to what the keeper executes: program, arguments, environment.
//!
//! Everything that needs a look-up happens here, before the fork: the keeper never blocks.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::core::SpawnFailure;
use crate::keeper::protocol::{Bytes, Output, Spawn, Stdin, Target, Will};
use crate::model::{self, Command, Environment, InstanceId, Service, SignalScope};

/// Everything that a spawn is made of, beside the service.
pub(super) struct Blueprint<'a> {
    /// The keeper's number for it.
    pub(super) run: u64,
    /// For the journal and for people.
    pub(super) label: String,
    /// Whose it is.
    pub(super) service: &'a Service,
    /// Which instance.
    pub(super) instance: &'a InstanceId,
    /// What is run.
    pub(super) command: &'a Command,
    /// Its standard input.
    pub(super) stdin: Stdin,
    /// For the run token.
    pub(super) project_id: &'a str,
    /// The address of its `sd_notify` socket.
    pub(super) notify: Option<&'a OsStr>,
    /// Its rank in the stop order.
    pub(super) rank: u32,
}

/// The kernel takes at most 6 MiB (`_STK_LIM / 4 * 3`, execve(2)); the keeper's frames hold more.
const MAX_SIZE: usize = 6 << 20;

/// Words that a shell acts on itself (POSIX special and regular built-ins, reserved words): `exec` must not be
/// put in front of them, and no file needs to exist for them.
const SHELL_WORDS: &[&str] = &[
    ".", ":", "alias", "bg", "break", "case", "cd", "command", "continue", "do", "done", "echo", "elif", "else",
    "esac", "eval", "exec", "exit", "export", "false", "fg", "fi", "for", "function", "getopts", "hash", "if",
    "in", "jobs", "kill", "local", "newgrp", "printf", "pwd", "read", "readonly", "return", "set", "shift",
    "source", "test", "then", "time", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias",
    "unset", "until", "wait", "while", "[", "[[", "{", "}", "!",
];

/// Shells whose `exec` and quoting are POSIX's.
const POSIX_SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "ash"];

impl Blueprint<'_> {
    /// Looks everything up.
    pub(super) fn build(self) -> Result<Spawn, SpawnFailure> {
        let cwd = &self.service.cwd;
        check_cwd(cwd)?;
        let search = Search::new(&self.service.env, cwd);
        let (program, argv) = match self.command {
            Command::Argv(argv) => (search.find(&argv[0])?, argv.clone()),
            Command::Shell { shell, script } => {
                let script = search.shell_script(shell, script)?;
                let mut argv = shell.clone();
                argv.push(script);
                (search.find(&shell[0])?, argv)
            }
        };
        let argv: Vec<Bytes> = argv.into_iter().map(String::into_bytes).collect();
        let env = environment(self.service, self.instance, self.project_id, self.run, self.notify);
        let size: usize = argv.iter().chain(&env).map(Vec::len).sum();
        if size > MAX_SIZE {
            let text =
                format!("its arguments and environment have {size} bytes, more than a process may be given");
            return Err(SpawnFailure::Other(text));
        }
        Ok(Spawn {
            run: self.run,
            label: self.label,
            program: program.into_os_string().into_vec(),
            argv,
            env,
            cwd: cwd.as_os_str().as_bytes().to_vec(),
            stdin: self.stdin,
            output: Output::Pipes,
            release: self.service.release.iter().map(|name| name.clone().into_bytes()).collect(),
            will: will(self.service, self.rank),
        })
    }
}

/// What the keeper does with a run of `service` when there is no supervisor.
pub(super) fn will(service: &Service, rank: u32) -> Will {
    Will {
        rank,
        signal: service.stop.signal.number(),
        timeout_ms: u32::try_from(service.stop.timeout.as_millis()).unwrap_or(u32::MAX),
        to: match service.stop.scope {
            SignalScope::Group => Target::Group,
            SignalScope::Leader => Target::Leader,
        },
    }
}

/// The standard input that `service` asks for.
pub(super) const fn stdin_of(service: &Service) -> Stdin {
    match service.stdin {
        model::Stdin::Null => Stdin::Null,
        model::Stdin::Pipe => Stdin::Pipe,
    }
}

fn check_cwd(cwd: &Path) -> Result<(), SpawnFailure> {
    match std::fs::metadata(cwd) {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => Err(SpawnFailure::Cwd(format!(
            "the working directory `{}` is not a folder: correct `cwd`",
            cwd.display()
        ))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(SpawnFailure::Cwd(format!(
            "the working directory `{}` does not exist: create it, or correct `cwd`",
            cwd.display()
        ))),
        Err(error) => Err(SpawnFailure::Cwd(format!(
            "the working directory `{}` cannot be used ({error}): correct it, or `cwd`",
            cwd.display()
        ))),
    }
}

/// The whole `envp`: the service's environment, the run token and the notify socket.
fn environment(
    service: &Service,
    instance: &InstanceId,
    project_id: &str,
    run: u64,
    notify: Option<&OsStr>,
) -> Vec<Bytes> {
    let mut vars: Vec<Bytes> = Vec::with_capacity(service.env.len() + 2);
    let mut token = OsString::new();
    for (name, var) in &service.env {
        match name.as_bytes() {
            b"TSPM_RUN" => token.push(&var.value),
            b"NOTIFY_SOCKET" => {}
            _ => vars.push(pair(name, &var.value)),
        }
    }
    if !token.is_empty() {
        token.push("/");
    }
    token.push(format!("{project_id}.{}.{}.{run}", instance.service, instance.index));
    vars.push(pair(OsStr::new("TSPM_RUN"), &token));
    if let Some(address) = notify {
        vars.push(pair(OsStr::new("NOTIFY_SOCKET"), address));
    }
    vars
}

fn pair(name: &OsStr, value: &OsStr) -> Bytes {
    let mut bytes = Vec::with_capacity(name.len() + value.len() + 1);
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(b'=');
    bytes.extend_from_slice(value.as_bytes());
    bytes
}

/// Finds programs as `execvp` would, in the *service's* `PATH` and from its working directory.
struct Search<'a> {
    path: OsString,
    cwd: &'a Path,
}

impl<'a> Search<'a> {
    /// What `execvp` searches where `PATH` is unset (confstr `_CS_PATH`).
    const DEFAULT_PATH: &'static str = "/bin:/usr/bin";

    fn new(env: &Environment, cwd: &'a Path) -> Self {
        let path = env
            .get(OsStr::new("PATH"))
            .map_or_else(|| OsString::from(Self::DEFAULT_PATH), |var| var.value.as_ref().to_owned());
        Self { path, cwd }
    }

    fn find(&self, name: &str) -> Result<PathBuf, SpawnFailure> {
        if name.contains('/') {
            let file = self.cwd.join(name);
            return match executable(&file) {
                Executable::Yes => Ok(file),
                Executable::No => Err(SpawnFailure::NotExecutable(format!(
                    "`{}` is not executable: chmod +x it, or start it through its interpreter",
                    file.display()
                ))),
                Executable::Missing => Err(SpawnFailure::NotFound(format!(
                    "`{}` does not exist: correct `command`, or build it first",
                    file.display()
                ))),
            };
        }
        let mut refused = None;
        for folder in std::env::split_paths(&self.path) {
            let file = self.cwd.join(folder).join(name);
            match executable(&file) {
                Executable::Yes => return Ok(file),
                Executable::No => refused = Some(file),
                Executable::Missing => {}
            }
        }
        Err(match refused {
            Some(file) => {
                SpawnFailure::NotExecutable(format!("`{}` is not executable: chmod +x it", file.display()))
            }
            None => SpawnFailure::NotFound(format!(
                "`{name}` was not found in PATH ({}): install it, or write its path",
                self.path.display()
            )),
        })
    }

    /// The script as the shell gets it. `exec` is put in front where that cannot change what it means: every
    /// word is plain and the first is a file, not something that the shell does itself. Then there is no shell
    /// between the service and its signals.
    fn shell_script(&self, shell: &[String], script: &str) -> Result<String, SpawnFailure> {
        let name = Path::new(&shell[0]).file_name().and_then(OsStr::to_str).unwrap_or_default();
        let posix = POSIX_SHELLS.contains(&name) && shell.len() == 2 && shell[1] == "-c";
        let Some(first) = script.split_ascii_whitespace().next() else { return Ok(script.to_owned()) };
        if !posix || !script.bytes().all(is_plain) || first.contains('=') || SHELL_WORDS.contains(&first) {
            return Ok(script.to_owned());
        }
        self.find(first)?;
        Ok(format!("exec {}", script.trim()))
    }
}

/// Bytes that no POSIX shell gives a meaning to, and blanks.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b' ' | b'\t' | b'_' | b'-' | b'.' | b'/' | b':' | b'=' | b'@' | b'%' | b'+' | b',')
}

enum Executable {
    Yes,
    No,
    Missing,
}

fn executable(file: &Path) -> Executable {
    match std::fs::metadata(file) {
        Ok(meta) if meta.is_file() => match rustix::fs::access(file, rustix::fs::Access::EXEC_OK) {
            Ok(()) => Executable::Yes,
            Err(_) => Executable::No,
        },
        Ok(_) | Err(_) => Executable::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Result<String, SpawnFailure> {
        let search = Search { path: OsString::from("/bin:/usr/bin"), cwd: Path::new("/") };
        search.shell_script(&["/bin/sh".into(), "-c".into()], text)
    }

    #[test]
    fn exec_is_put_in_front_of_plain_commands_only() {
        assert_eq!(script("sleep 60").as_deref(), Ok("exec sleep 60"));
        assert_eq!(script(" sleep  60\t").as_deref(), Ok("exec sleep  60"));
        for text in
            ["sleep 60 && true", "A=1 sleep 60", "cd /tmp", "sleep $N", "sleep 1; sleep 2", "echo 'x'", "~/x", ""]
        {
            assert_eq!(script(text).as_deref(), Ok(text), "{text}");
        }
    }

    #[test]
    fn a_plain_command_that_is_not_there_names_the_path_searched() {
        let Err(SpawnFailure::NotFound(text)) = script("no-such-program-at-all --flag") else { panic!() };
        assert!(text.contains("`no-such-program-at-all` was not found in PATH (/bin:/usr/bin)"), "{text}");
    }

    #[test]
    fn other_shells_get_their_script_as_it_is() {
        let search = Search { path: OsString::from("/bin"), cwd: Path::new("/") };
        let text = "sleep 60";
        assert_eq!(search.shell_script(&["/usr/bin/fish".into(), "-c".into()], text).as_deref(), Ok(text));
        assert_eq!(search.shell_script(&["/bin/bash".into(), "-ec".into()], text).as_deref(), Ok(text));
    }
}
