//! Probe answers, translated for the fleet.

use std::rc::Rc;

use tokio::sync::mpsc::UnboundedSender;

use crate::core::{Exit, Fact, PortHolder, ProbeOutcome, ProbeWhich};
use crate::model::{Probe, RunId, Service};
use crate::probe::{Answer, NotifySocket, ask};

use super::helper::HelperResult;
use super::news::{Heard, News};
use super::owners::{ListenerTable, RunOwners};

/// The probe of that kind, if the service has one.
pub(super) const fn probe_of(service: &Service, which: ProbeWhich) -> Option<&Probe> {
    match which {
        ProbeWhich::Readiness => service.readiness.as_ref(),
        ProbeWhich::Liveness => service.liveness.as_ref(),
    }
}

/// Asks a tcp, unix or http probe once and reports the answer.
pub(super) async fn ask_once(
    run: RunId,
    which: ProbeWhich,
    probe: Probe,
    shim: u32,
    table: Rc<ListenerTable>,
    news: UnboundedSender<News>,
) {
    let outcome = match ask(&probe, &RunOwners { table, shim }).await {
        Answer::Good { note } => ProbeOutcome::Good { note },
        Answer::Bad { output } => ProbeOutcome::Bad { output },
        Answer::Foreign { port, pid, command, owner } => {
            ProbeOutcome::Foreign { holder: PortHolder { port, pid, command, owner } }
        }
    };
    let _ = news.send(News::Fact(Fact::Probed { run, which, outcome }));
}

/// The answer of an exec probe.
pub(super) fn exec_outcome(result: HelperResult, output: &str, probe: &Probe) -> ProbeOutcome {
    let how = match result {
        HelperResult::Exited(Exit::Code(0)) => return ProbeOutcome::Good { note: None },
        HelperResult::Exited(exit) => exit.to_string(),
        HelperResult::NotSpawned(why) => why,
        HelperResult::TimedOut => format!("timed out after {:?} (killed with its tree)", probe.timeout),
    };
    ProbeOutcome::Bad { output: if output.is_empty() { how } else { format!("{how}: {output}") } }
}

/// Listens on a run's `sd_notify` socket until it is aborted.
pub(super) async fn listen(run: RunId, socket: NotifySocket, news: UnboundedSender<News>) {
    while let Ok(notify) = socket.recv().await {
        let heard = [(notify.ready, Heard::Ready), (notify.watchdog, Heard::Alive)];
        for (_, heard) in heard.into_iter().filter(|(said, _)| *said) {
            if news.send(News::Notified { run, pid: notify.pid, heard }).is_err() {
                return;
            }
        }
    }
}
