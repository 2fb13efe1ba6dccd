//! What tasks and the capture thread report to the driver.

use crate::core::Fact;
use crate::logs::CaptureFact;
use crate::model::RunId;

/// A report.
#[derive(Debug)]
pub(super) enum News {
    /// From a probe or port task: ready for the fleet.
    Fact(Fact),
    /// From the capture thread.
    Capture(CaptureFact),
    /// A run's `sd_notify` socket heard something from process `pid`.
    Notified { run: RunId, pid: u32, heard: Heard },
}

/// What `sd_notify` said that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// `READY=1`
    Ready,
    /// `WATCHDOG=1`
    Alive,
}
