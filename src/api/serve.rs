//! The supervisor process's entry: the driver and the API server on one thread.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::broadcast;
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;

use crate::keeper::link;
use crate::supervisor::{Driver, Observer, Setup, Told};
use crate::sys::{Place, limits, process};

use super::journal::Journal;
use super::server::{Desk, Peer, router};
use super::view;
use super::wire::EventView;

/// Events that a slow reader may be behind; then it gets the whole state instead.
const EVENTS_KEPT: usize = 1024;

/// Clients get this long to read the last lines once everything is down.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs the supervisor of `place` on the descriptors that the keeper passed on. Returns when everything is
/// down, or when the keeper is gone.
pub fn main(place: Place) -> ExitCode {
    keep_diagnostics(&place);
    crash_whole();
    process::set_name(c"tspm");
    match serve(place) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the supervisor ends");
            ExitCode::FAILURE
        }
    }
}

/// The supervisor has no terminal: what it has to say goes to `tspm.log`. Without that file it is silent.
fn keep_diagnostics(place: &Place) {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(place.diagnostics());
    if let Ok(file) = file {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(file)).finish();
        // It fails only where a subscriber is set already, which then does the work.
        drop(tracing::subscriber::set_global_default(subscriber));
    }
}

/// A thread that panics takes the process along. Half a supervisor (no capture thread, say) would hang where a
/// crash is noticed by the keeper, which then makes it good.
fn crash_whole() {
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(%panic, "a bug in tspm: the supervisor crashes");
        std::process::abort();
    }));
}

#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Start(#[from] crate::supervisor::StartError),
    #[error("the keeper is gone: {0}")]
    Keeper(std::io::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

fn serve(place: Place) -> Result<(), ServeError> {
    let (link, listener) = link::inherit()?;
    limits::raise_open_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = LocalSet::new().block_on(&runtime, async {
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener)?;
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        let setup = Setup { link, observer: Chronicle::open(&place, events.clone()), place };
        let (driver, handle) = Driver::begin(setup).await?;
        let over = CancellationToken::new();
        let desk = Desk { handle, events, keeper: driver.keeper_pid(), over };
        run(driver, desk, listener).await
    });
    // A probe's name look-up may hang in a thread of the runtime; nobody waits for it.
    runtime.shutdown_background();
    served
}

async fn run(driver: Driver<Chronicle>, desk: Desk, listener: UnixListener) -> Result<(), ServeError> {
    let over = desk.over.clone();
    let app = router(desk).into_make_service_with_connect_info::<Peer>();
    let server = axum::serve(listener, app).with_graceful_shutdown(over.clone().cancelled_owned());
    let server = tokio::task::spawn_local(async move { server.await });
    let result = driver.run().await.map_err(ServeError::Keeper);
    over.cancel();
    drop(tokio::time::timeout(FAREWELL, server).await);
    result
}

/// Writes each event to the journal and passes it to whoever watches.
struct Chronicle {
    /// None once it could not be written.
    journal: Option<Journal>,
    events: broadcast::Sender<Arc<EventView>>,
}

impl Chronicle {
    fn open(place: &Place, events: broadcast::Sender<Arc<EventView>>) -> Self {
        let journal = Journal::open(place.events())
            .inspect_err(|error| tracing::error!(%error, "the event journal cannot be opened"))
            .ok();
        Self { journal, events }
    }

    fn write(&mut self, write: impl FnOnce(&mut Journal) -> std::io::Result<()>) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = write(journal)
        {
            tracing::error!(%error, "events could not be journalled; no more will be");
            self.journal = None;
        }
    }
}

impl Observer for Chronicle {
    fn told(&mut self, told: Told) {
        let event = view::event(&told);
        self.write(|journal| journal.append(&event));
        if self.events.receiver_count() > 0 {
            let view = told.sight.as_ref().map(|sight| Box::new(view::service(sight)));
            // Whoever has gone meanwhile is no error.
            drop(self.events.send(Arc::new(EventView { view, ..event })));
        }
    }

    fn turn_ended(&mut self) {
        self.write(Journal::flush);
    }
}
