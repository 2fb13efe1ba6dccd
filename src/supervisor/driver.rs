//! The loop: `select!` only names what woke it, a synchronous turn decides and acts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::config::Ports;
use crate::core::{Action, Fleet, Leftover, ShutdownMode};
use crate::graph;
use crate::keeper::link::Link;
use crate::keeper::protocol::{self, FromKeeper, Hello, ToKeeper};
use crate::logs::Capture;
use crate::model::{Moment, Project, ProjectStop, StopOrder};
use crate::sys::{Place, clock};

use super::down::{Down, DownPhase};
use super::effects::Effects;
use super::handle::{Handle, Order};
use super::link::{KeeperLine, Message};
use super::news::News;
use super::owner::Owner;
use super::{Sight, Told};

/// Follows what happens: writes the journal, feeds the streams.
pub trait Observer {
    /// Called with every event, in order, before the next input is handled.
    fn told(&mut self, told: Told);

    /// All that the last input caused has been told.
    fn turn_ended(&mut self);
}

/// What a supervisor is made of.
pub struct Setup<O> {
    /// Where the project's state is.
    pub place: Place,
    /// The line to the keeper.
    pub link: Link,
    /// Follows what happens.
    pub observer: O,
}

/// Why a supervisor could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The capture thread or the line to the keeper could not be set up.
    #[error("the supervisor could not be set up: {0}")]
    Io(#[from] io::Error),
    /// The keeper speaks another protocol.
    #[error(
        "the keeper speaks protocol {theirs}, this supervisor {}: run `tspm down` with the version that started it",
        protocol::VERSION
    )]
    Version {
        /// The keeper's.
        theirs: u32,
    },
    /// The keeper said something else first.
    #[error("the keeper did not greet its supervisor")]
    NoHello,
}

/// Owns all state. See the module's picture.
pub struct Driver<O> {
    pub(super) fleet: Fleet,
    pub(super) effects: Effects,
    pub(super) ports: Ports,
    pub(super) owner: Option<Owner>,
    pub(super) keeper: u32,
    pub(super) stage: Stage,
    pub(super) down: Down,
    orders: mpsc::Receiver<Order>,
    news: UnboundedReceiver<News>,
    observer: O,
    /// SIGTERM reaches the supervisor too when an outer tspm stops everything: it must not just die of it.
    terminate: Signal,
    /// When an environment that nobody has brought up yet ends by itself.
    unused_until: Option<Moment>,
}

/// How far the environment's own life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// No `up` yet.
    New,
    /// An `up` was accepted.
    Up,
    /// The fleet is being shut down.
    Stopping,
    /// The keeper verifies.
    Verifying,
    /// The keeper confirmed: the loop ends.
    Over,
}

/// What woke the loop.
enum Wake {
    Keeper(io::Result<Message>),
    Order(Order),
    News(News),
    OwnerEnded,
    Terminate,
    Time,
}

/// A client that launched a keeper sends its `up` at once. One that died in between must not leave an empty
/// environment behind.
const UNUSED_LIFE: Duration = Duration::from_secs(10);

impl<O: Observer> Driver<O> {
    /// Greets the keeper and takes over. Must be called within a `LocalSet`.
    pub async fn begin(setup: Setup<O>) -> Result<(Self, Handle), StartError> {
        let mut keeper = KeeperLine::new(setup.link)?;
        let hello = match keeper.receive().await? {
            (FromKeeper::Hello(hello), fds) => Self::greeted(*hello, fds)?,
            _ => return Err(StartError::NoHello),
        };
        // Unbounded: a run has a handful of facts under way at a time, and neither the capture thread nor a
        // probe may be held up by a busy driver.
        let (sender, news) = mpsc::unbounded_channel();
        let captured = sender.clone();
        let capture = Capture::start(move |fact| drop(captured.send(News::Capture(fact))))?;
        let (handle, orders) = Handle::new();
        let now = clock::now();
        let mut driver = Self {
            fleet: Fleet::new(Arc::new(no_project(&setup.place)), now.as_nanos()),
            effects: Effects::new(setup.place, keeper, capture, sender),
            ports: Ports::new(),
            owner: None,
            keeper: hello.keeper.0,
            stage: Stage::New,
            down: Down::default(),
            orders,
            news,
            observer: setup.observer,
            terminate: signal(SignalKind::terminate())?,
            unused_until: Some(now + UNUSED_LIFE),
        };
        if hello.generation > 0 {
            tracing::error!("the supervisor before this one crashed: taking everything down");
            driver.finish();
        }
        Ok((driver, handle))
    }

    /// Descriptors of live runs are for a supervisor that can adopt them; dropping ours is harmless, the
    /// keeper holds its own.
    fn greeted(hello: Hello, fds: Vec<OwnedFd>) -> Result<Hello, StartError> {
        drop(fds);
        if hello.version == protocol::VERSION {
            Ok(hello)
        } else {
            Err(StartError::Version { theirs: hello.version })
        }
    }

    /// Runs until everything is down (`Ok`) or the keeper is gone (an error: its shims kill everything).
    pub async fn run(mut self) -> io::Result<()> {
        while self.stage != Stage::Over {
            let wake = self.sleep().await;
            let now = clock::now();
            self.handle(now, wake)?;
            // Everything that is there already belongs to the same turn: one reconciliation serves all.
            while let Some((message, fds)) = self.effects.keeper.try_receive()? {
                self.keeper_said(now, message, fds);
            }
            while let Ok(news) = self.news.try_recv() {
                self.hear(now, news);
            }
            self.turn(now);
        }
        Ok(())
    }

    /// The keeper's pid.
    pub const fn keeper_pid(&self) -> u32 {
        self.keeper
    }

    async fn sleep(&mut self) -> Wake {
        let deadlines = [self.fleet.poll_timeout(), self.effects.helpers.next_deadline(), self.unused_until];
        let left = deadlines.into_iter().flatten().min().map(|deadline| deadline.since(clock::now()));
        let owner = self.owner.as_ref();
        let event = async {
            tokio::select! {
                message = self.effects.keeper.receive() => Wake::Keeper(message),
                Some(news) = self.news.recv() => Wake::News(news),
                Some(order) = self.orders.recv() => Wake::Order(order),
                Some(()) = self.terminate.recv() => Wake::Terminate,
                () = async { match owner { Some(owner) => owner.ended().await, None => std::future::pending().await } } => Wake::OwnerEnded,
            }
        };
        match left {
            Some(left) => tokio::time::timeout(left, event).await.unwrap_or(Wake::Time),
            None => event.await,
        }
    }

    fn handle(&mut self, now: Moment, wake: Wake) -> io::Result<()> {
        match wake {
            Wake::Keeper(message) => {
                let (message, fds) = message?;
                self.keeper_said(now, message, fds);
            }
            Wake::Order(order) => self.obey(now, order),
            Wake::News(news) => self.hear(now, news),
            Wake::OwnerEnded => {
                self.owner = None;
                self.shut_down(now, ShutdownMode::Graceful { timeout: None });
            }
            Wake::Terminate => self.shut_down(now, ShutdownMode::Graceful { timeout: None }),
            Wake::Time => {}
        }
        Ok(())
    }

    fn turn(&mut self, now: Moment) {
        self.effects.kill_overdue(now);
        if self.unused_until.is_some_and(|until| until <= now) && self.stage == Stage::New {
            self.finish();
        }
        if self.fleet.poll_timeout().is_some_and(|timeout| timeout <= now) {
            self.fleet.handle_timeout(now);
        }
        loop {
            while let Some(fact) = self.effects.facts.pop_front() {
                self.fleet.fact(now, fact);
            }
            let Some(action) = self.fleet.poll_action() else { break };
            let quiescent = action == Action::Quiescent;
            self.effects.perform(now, action, &self.fleet);
            if quiescent {
                // Who is gone is told before what comes after.
                self.tell(now);
                self.quiescent();
            }
        }
        self.effects.keeper.flush();
        self.tell(now);
        self.observer.turn_ended();
        self.effects.reap_tasks();
    }

    fn tell(&mut self, now: Moment) {
        while let Some(event) = self.fleet.poll_event() {
            if self.stage == Stage::Stopping {
                self.down.event(&event);
            }
            let view = event.instance.as_ref().and_then(|instance| self.fleet.view(now, instance));
            let sight = view.and_then(|view| self.sight(view));
            self.observer.told(Told { event, generation: self.fleet.generation(), sight });
        }
    }

    /// Begins (or hastens) the teardown.
    pub(super) fn shut_down(&mut self, now: Moment, mode: ShutdownMode) {
        match self.stage {
            Stage::New => self.finish(),
            Stage::Up | Stage::Stopping => {
                if self.stage == Stage::Up {
                    self.stage = Stage::Stopping;
                    self.down.begin(&self.fleet.snapshot(now));
                }
                if mode == ShutdownMode::Force {
                    let names = self.live_names();
                    self.down.force(names);
                }
                // A shutdown is never refused.
                drop(self.fleet.request(now, crate::core::Request::Shutdown(mode)));
            }
            Stage::Verifying | Stage::Over => {}
        }
    }

    /// No run is left: the keeper sweeps and verifies.
    fn quiescent(&mut self) {
        self.down.quiescent();
        self.finish();
    }

    /// Whether this environment is past taking anything on.
    pub(super) const fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Verifying | Stage::Over)
    }

    pub(super) fn finish(&mut self) {
        self.unused_until = None;
        self.stage = Stage::Verifying;
        self.effects.keeper.send(&ToKeeper::Finish);
    }

    pub(super) fn receipt(&mut self, left: Vec<Leftover>, swept: Vec<Leftover>) {
        self.down.receipt(self.keeper, left, swept);
        self.stage = Stage::Over;
    }

    /// A new project is in force.
    pub(super) fn applied(&mut self) {
        self.unused_until = None;
        self.stage = Stage::Up;
        let ranks: BTreeMap<_, _> = graph::ranks(self.fleet.project());
        self.effects.set_ranks(ranks);
    }

    /// One more client follows the teardown.
    pub(super) fn follow_down(&mut self, listener: mpsc::UnboundedSender<super::DownNews>) {
        let phase = match self.stage {
            Stage::New | Stage::Up | Stage::Stopping => DownPhase::Graceful,
            Stage::Verifying | Stage::Over => DownPhase::Verify,
        };
        let names = self.live_names();
        self.down.join(listener, phase, names);
    }

    fn live_names(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.effects.runs.values().map(|run| run.instance.to_string()).collect();
        names.into_iter().collect()
    }

    pub(super) fn sight(&self, view: crate::core::InstanceView) -> Option<Sight> {
        let run = view.phase.run().and_then(|run| self.effects.runs.get(&run));
        let service = match run {
            Some(run) => Arc::clone(&run.service),
            None => Arc::clone(self.fleet.project().service(view.instance.service.as_str())?),
        };
        let log = super::run::log_path(&service, &view.instance, &self.effects.place.logs());
        let pid = run.and_then(|run| run.pid);
        Some(Sight { view, service, log, usage: None, pid })
    }
}

fn no_project(place: &Place) -> Project {
    let dir = place.dir.parent().unwrap_or(&place.dir).to_owned();
    Project {
        name: dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        dir,
        services: BTreeMap::new(),
        groups: BTreeMap::new(),
        profiles: BTreeSet::new(),
        stop: ProjectStop { order: StopOrder::Reverse },
    }
}
