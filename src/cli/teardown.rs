//! Taking a project down and telling it: `down`, and the end of an attached `up`.
//!
//! Succeeds only on the keeper's own receipt, and once the keeper itself has ended. Never gives up because nobody
//! reads what it prints.

use std::io;
use std::time::Duration;

use super::error::{CliError, Trouble};
use super::exit::Exit;
use super::printer::Printer;
use super::render;
use super::render::down::How;
use super::signals::{Heard, Signals};
use super::tail::Tail;
use super::term::Paint;
use crate::api::client::{Client, ClientError, Lines};
use crate::api::wire::{DownRequest, DownUpdate};
use crate::sys::reactor::Watched;
use crate::sys::signals::{self as processes, PidFd};
use hyper::Method;

/// After its receipt the keeper removes a few files and ends.
const KEEPER_END: Duration = Duration::from_secs(5);

/// Where the stream breaks although the keeper lives, a new supervisor is asked again, so often.
const ATTEMPTS: u32 = 3;

/// Before a broken stream is blamed on the supervisor: the keeper's own end may be seen a moment later.
const WHO_DIED: Duration = Duration::from_millis(300);

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Say {
    /// The five phases.
    Everything,
    /// Only the result: nothing ran any more.
    Result,
}

/// What the first signal during a teardown means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// It is the second: it was a signal that began the teardown.
    Kills,
    /// It is the first: it only announces what another one does.
    Warns,
}

/// A teardown's surroundings.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    /// Where the lines go.
    pub(crate) printer: &'a mut Printer,
    /// In which colours.
    pub(crate) paint: Paint,
    /// Ctrl-C.
    pub(crate) signals: &'a mut Signals,
    /// Logs that are shown meanwhile, and how.
    pub(crate) tail: Option<(&'a mut Tail, &'a render::log::Style)>,
}

/// Takes everything down. `Exit::Done`: nothing is left. `Exit::Left`: something is, and has been listed.
pub(crate) async fn run(
    client: &Client,
    request: DownRequest,
    say: Say,
    first: First,
    stage: &mut Stage<'_>,
) -> Result<Exit, CliError> {
    let keeper = KeeperEnd::watch(client.keeper_pid());
    let mut forced = request.force;
    let mut warned = first == First::Kills;
    for _ in 0..ATTEMPTS {
        let request = DownRequest { force: forced, ..request.clone() };
        let Some(receipt) = stream(client, &request, say, (&mut forced, &mut warned), stage).await? else {
            if keeper.within(WHO_DIED).await {
                return Err(keeper_died().into());
            }
            continue;
        };
        let Receipt { keeper_pid, left } = receipt;
        if keeper_pid != client.keeper_pid() {
            let what = format!("the confirmation is of another keeper (pid {keeper_pid})");
            return Err(Trouble::new(Exit::Left, what).hint("`tspm ps` tells whether it still runs").into());
        }
        if left > 0 {
            return Ok(Exit::Left);
        }
        if !keeper.within(KEEPER_END).await {
            let what = format!("everything is stopped, but the keeper (pid {keeper_pid}) does not end");
            return Err(Trouble::new(Exit::Left, what).hint("`.tspm/tspm.log` has what it had to say").into());
        }
        return Ok(Exit::Done);
    }
    Err(Trouble::new(Exit::Left, "the supervisor keeps failing during down")
        .hint(format!(
            "`kill {}` makes the keeper take everything down by itself; `.tspm/tspm.log` has the reason",
            client.keeper_pid()
        ))
        .into())
}

struct Receipt {
    keeper_pid: u32,
    left: usize,
}

/// One `POST /v1/down` and its answer. None: it ended without a receipt.
async fn stream(
    client: &Client,
    request: &DownRequest,
    say: Say,
    (forced, warned): (&mut bool, &mut bool),
    stage: &mut Stage<'_>,
) -> Result<Option<Receipt>, CliError> {
    let mut lines = match ask(client, request).await {
        Ok(lines) => lines,
        Err(ClientError::Broken(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let how = if request.force { How::Force } else { How::Graceful };
    let mut harder: Option<Lines<DownUpdate>> = None;
    loop {
        let tail_on = stage.tail.is_some() && stage.printer.has_room();
        tokio::select! {
            update = lines.next() => match update {
                Some(Ok(update)) => {
                    if tells(say, &update) {
                        for line in render::down::lines(&update, how, stage.paint) {
                            stage.printer.line(&line);
                        }
                    }
                    if let DownUpdate::Receipt { keeper_pid, left, .. } = update {
                        return Ok(Some(Receipt { keeper_pid, left: left.len() }));
                    }
                }
                Some(Err(ClientError::Broken(_))) | None => return Ok(None),
                Some(Err(error)) => return Err(error.into()),
            },
            heard = stage.signals.next() => {
                if !*warned {
                    *warned = true;
                    stage.printer.line("stopping (Ctrl-C again to kill)");
                } else if heard == Heard::CtrlC && !*forced {
                    *forced = true;
                    stage.printer.line(&stage.paint.bad("killing"));
                    let force = DownRequest { force: true, timeout_ms: None };
                    // Where this fails, the first stream has failed too and says so.
                    harder = ask(client, &force).await.ok();
                }
            }
            // Only read so that its writer never waits for us; the first stream tells everything.
            over = drain(&mut harder), if harder.is_some() => {
                if over {
                    harder = None;
                }
            }
            line = next_line(&mut stage.tail), if tail_on => match line {
                Some(bytes) => stage.printer.bytes(bytes(stage.paint)),
                None => stage.tail = None,
            },
            _ = stage.printer.wake(), if !stage.printer.has_room() => {}
        }
    }
}

async fn ask(client: &Client, request: &DownRequest) -> Result<Lines<DownUpdate>, ClientError> {
    let body = serde_json::to_value(request)?;
    client.lines(Method::POST, "/v1/down", Some(body)).await
}

/// Reads on. True: it has ended.
async fn drain(lines: &mut Option<Lines<DownUpdate>>) -> bool {
    match lines {
        Some(lines) => !matches!(lines.next().await, Some(Ok(_))),
        None => true,
    }
}

/// The next log line, as a function that makes its bytes.
async fn next_line<'s>(
    tail: &mut Option<(&mut Tail, &'s render::log::Style)>,
) -> Option<impl FnOnce(Paint) -> Vec<u8> + use<'s>> {
    let (tail, style) = tail.as_mut()?;
    let style: &'s render::log::Style = style;
    let line = tail.next().await?;
    Some(move |paint| render::log::line(&line, style, paint))
}

fn tells(say: Say, update: &DownUpdate) -> bool {
    match (say, update) {
        (Say::Everything, _) | (Say::Result, DownUpdate::Note { .. } | DownUpdate::Orphans { .. }) => true,
        (Say::Result, DownUpdate::Receipt { left, released, .. }) => !left.is_empty() || !released.is_empty(),
        (Say::Result, DownUpdate::Phase { .. } | DownUpdate::Gone { .. }) => false,
    }
}

fn keeper_died() -> Trouble {
    Trouble::new(Exit::Left, "the keeper died during down")
        .why("its services were torn down with it, but nobody has verified that nothing is left")
        .hint("`tspm down` once more; `.tspm/tspm.log` has what it had to say")
}

/// Watches a keeper's process.
#[derive(Debug)]
pub(crate) struct KeeperEnd {
    /// None: it is dead already, or cannot be seen from here (another pid namespace).
    process: Option<Watched<PidFd>>,
}

impl KeeperEnd {
    /// Begins to watch. Must be called inside a runtime.
    pub(crate) fn watch(pid: u32) -> Self {
        let open = || -> io::Result<Watched<PidFd>> { Watched::new(processes::open_if(pid, |_| true)?.0) };
        Self { process: open().ok() }
    }

    /// Whether it ends within this time.
    pub(crate) async fn within(&self, time: Duration) -> bool {
        let Some(process) = &self.process else { return true };
        // A pidfd is readable once its process is dead, a zombie included.
        tokio::time::timeout(time, process.readable()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_told_only_where_there_is_something_to_tell() {
        let receipt = DownUpdate::Receipt { keeper_pid: 1, left: vec![], released: vec![], stopped: 0, killed: 0 };
        let phase = DownUpdate::Phase { number: 1, names: vec![] };
        assert!(tells(Say::Everything, &receipt) && tells(Say::Everything, &phase));
        assert!(!tells(Say::Result, &receipt) && !tells(Say::Result, &phase));
        assert!(tells(Say::Result, &DownUpdate::Note { text: String::new() }));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a process to look at")]
    fn the_end_of_a_process_is_seen() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
            let end = KeeperEnd::watch(child.id());
            assert!(!end.within(Duration::ZERO).await);
            drop(child.stdin.take());
            assert!(end.within(KEEPER_END).await);
            child.wait().unwrap();
        });
    }
}
