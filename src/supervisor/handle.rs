//! What clients may ask of the supervisor, typed; the only way in.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::config::{Bundle, Report};
use crate::core::{Denied, Explain, Recreate, Request, ShutdownMode, Step, WithDeps};
use crate::model::{InstanceId, Service, ServiceName, Signal};

use super::{DownNews, Scene, Sight};

/// Asks the supervisor. Cheap to clone; every call answers, or says that the supervisor is gone.
#[derive(Debug, Clone)]
pub struct Handle {
    orders: mpsc::Sender<Order>,
}

/// The supervisor ended before it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the supervisor is ending")]
pub struct Gone;

/// `tspm up`.
#[derive(Debug)]
pub struct UpOrder {
    /// What the client read.
    pub bundle: Bundle,
    /// Which services; empty: what starts by itself.
    pub services: Vec<ServiceName>,
    /// `--no-deps`.
    pub deps: WithDeps,
    /// `--force-recreate`.
    pub recreate: Recreate,
    /// What becomes of the ownership.
    pub attach: Attach,
    /// Whether it is carried out or only planned.
    pub rehearsal: Rehearsal,
}

/// `--dry-run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rehearsal {
    /// Say what would be done.
    Plan,
    /// Do it.
    Perform,
}

/// What an `up` does to the ownership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attach {
    /// The client with this pid owns the environment, if it is new.
    Own(u32),
    /// Nothing.
    View,
    /// Nobody owns it any more.
    Detach,
}

/// An accepted order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What it does, in start order.
    pub steps: Vec<Step>,
    /// The fleet's generation right after it.
    pub generation: u64,
    /// Whether the caller owns the environment now.
    pub owner: bool,
}

/// Who got a signal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signalled {
    /// Instances that got it.
    pub reached: Vec<InstanceId>,
    /// Instances without a process.
    pub idle: Vec<InstanceId>,
}

/// Why an order was refused; nothing happened.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// By the fleet.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The project does not load.
    #[error("the project file has problems")]
    BadProject(Report),
    /// A free port could not be found.
    #[error("no free port could be allocated: {0}")]
    NoPort(std::io::Error),
    /// The supervisor is ending.
    #[error(transparent)]
    Gone(#[from] Gone),
}

/// Everything about one instance.
#[derive(Debug)]
pub struct Examination {
    /// As in `ps`.
    pub sight: Sight,
    /// The facts behind it.
    pub explain: Explain,
    /// Its definition as of its live run, or as the file has it.
    pub service: Arc<Service>,
    /// Pids of its tree, leader first.
    pub pids: Vec<u32>,
}

pub(super) type Reply<T> = oneshot::Sender<T>;

/// An order with the way back.
#[derive(Debug)]
pub(super) enum Order {
    Up(Box<UpOrder>, Reply<Result<Outcome, Refusal>>),
    Do(Request, Reply<Result<Outcome, Refusal>>),
    Signal(Vec<ServiceName>, Signal, Reply<Result<Signalled, Refusal>>),
    Down(ShutdownMode, mpsc::UnboundedSender<DownNews>),
    Look(Reply<Scene>),
    Examine(InstanceId, Reply<Option<Box<Examination>>>),
}

impl Handle {
    /// 64 orders may wait; a client that sends more waits itself, and nobody else is held up by it.
    const WAITING_ORDERS: usize = 64;

    pub(super) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, inbox) = mpsc::channel(Self::WAITING_ORDERS);
        (Self { orders }, inbox)
    }

    /// `tspm up`.
    pub async fn up(&self, order: UpOrder) -> Result<Outcome, Refusal> {
        self.ask(|reply| Order::Up(Box::new(order), reply)).await?
    }

    /// Start, stop, restart.
    pub async fn request(&self, request: Request) -> Result<Outcome, Refusal> {
        self.ask(|reply| Order::Do(request, reply)).await?
    }

    /// Sends `signal` to the leaders' groups of these services.
    pub async fn signal(&self, services: Vec<ServiceName>, signal: Signal) -> Result<Signalled, Refusal> {
        self.ask(|reply| Order::Signal(services, signal, reply)).await?
    }

    /// Takes everything down. What happens is told over the channel, the receipt last.
    ///
    /// The channel is unbounded: a project has a few lines per service to tell, and a client that does not
    /// read must not hold up the teardown.
    pub async fn down(&self, mode: ShutdownMode) -> Result<mpsc::UnboundedReceiver<DownNews>, Gone> {
        let (told, news) = mpsc::unbounded_channel();
        self.orders.send(Order::Down(mode, told)).await.map_err(|_| Gone)?;
        Ok(news)
    }

    /// What everything looks like now.
    pub async fn look(&self) -> Result<Scene, Gone> {
        self.ask(Order::Look).await
    }

    /// Everything about one instance; `None` if there is no such.
    pub async fn examine(&self, instance: InstanceId) -> Result<Option<Box<Examination>>, Gone> {
        self.ask(|reply| Order::Examine(instance, reply)).await
    }

    async fn ask<T>(&self, order: impl FnOnce(Reply<T>) -> Order) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}
