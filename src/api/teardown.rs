//! The lines of `down`, from the supervisor's words to the wire's.

use crate::supervisor::{DownNews, GoneHow};

use super::view;
use super::wire::DownUpdate;

/// One line.
pub(super) fn update(news: &DownNews) -> DownUpdate {
    match news {
        DownNews::Phase(phase, names) => DownUpdate::Phase { number: *phase as u8, names: names.clone() },
        DownNews::Gone { name, took, how } => DownUpdate::Gone {
            name: name.clone(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            killed: *how == GoneHow::Killed,
        },
        DownNews::Note(text) => DownUpdate::Note { text: text.clone() },
        DownNews::Orphans(found) => DownUpdate::Orphans { found: found.iter().map(view::process).collect() },
        DownNews::Receipt(receipt) => DownUpdate::Receipt {
            keeper_pid: receipt.keeper,
            left: receipt.left.iter().map(view::process).collect(),
            released: receipt.released.iter().map(view::process).collect(),
            stopped: receipt.stopped,
            killed: receipt.killed,
        },
    }
}
