//! The conversation behind an `up`: a keeper, a stream of updates, the request, and what is known since.

use hyper::Method;

use crate::api::client::{Client, ClientError, ConnectError, Lines};
use crate::api::launch::{Launched, connect_or_launch};
use crate::api::wire::{Attach, Done, DownRequest, DownUpdate, EventView, State, UpRequest, Update};
use crate::cli::board::Board;
use crate::cli::context::Home;
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::sys::Place;

/// How often a supervisor that vanished is looked for, and how far apart: a respawn takes 200 ms.
const LOOKS: u32 = 50;
const BETWEEN_LOOKS: std::time::Duration = std::time::Duration::from_millis(100);

/// The stream is a few microseconds behind the answer to a request, if it is behind at all.
const REST: std::time::Duration = std::time::Duration::from_millis(50);

/// An accepted `up`.
#[derive(Debug)]
pub(super) struct Session {
    /// The supervisor.
    pub(super) client: Client,
    /// What the request was answered with.
    pub(super) done: Done,
    /// Whether this call made the environment.
    pub(super) launched: Launched,
    /// What is known.
    pub(super) board: Board,
    watch: Lines<Update>,
    place: Place,
    /// The generation up to which the stream has told what happened. The board may be ahead of it.
    told: u64,
    /// Services may have come and gone: the whole state is to be asked for.
    stale: bool,
    /// Vain looks for a supervisor in a row.
    looks: u32,
}

/// What the stream had to say.
#[derive(Debug)]
pub(super) enum News {
    /// Something happened, and the board knows.
    Event(Box<EventView>),
    /// The board knows more; nothing to tell.
    Known,
    /// The project is down.
    Bye,
}

/// A step of [`Session::begin`] at which it may be interrupted: nothing has been asked for yet.
pub(super) async fn begin(home: &Home, mut request: UpRequest, detach: bool) -> Result<Session, CliError> {
    let program = std::env::current_exe()
        .map_err(|error| Trouble::new(Exit::Failed, format!("tspm cannot find its own program: {error}")))?;
    let (client, launched) = connect_or_launch(&home.place, &program, &home.dir).await?;
    request.attach = match (detach, launched) {
        (true, _) => Attach::Detach,
        (false, Launched::New) => Attach::Own,
        (false, Launched::Existing) => Attach::View,
    };
    let accepted = accept(&client, &request).await;
    let (watch, done, board) = match accepted {
        Ok(accepted) => accepted,
        Err(error) => {
            if launched == Launched::New {
                // Nobody else knows of it yet: a refused project leaves nothing behind.
                discard(&client).await;
            }
            return Err(error.into());
        }
    };
    let place = home.place.clone();
    Ok(Session { client, done, launched, board, watch, place, told: 0, stale: false, looks: 0 })
}

/// Watches first: nothing that the request brings about is missed.
async fn accept(client: &Client, request: &UpRequest) -> Result<(Lines<Update>, Done, Board), ClientError> {
    let watch = client.lines(Method::GET, "/v1/watch", None).await?;
    let done = client.post("/v1/up", request).await?;
    let mut board = Board::default();
    board.replace(&client.get::<State>("/v1/state").await?);
    Ok((watch, done, board))
}

async fn discard(client: &Client) {
    let Ok(request) = serde_json::to_value(DownRequest { force: true, timeout_ms: None }) else { return };
    if let Ok(mut lines) = client.lines::<DownUpdate>(Method::POST, "/v1/down", Some(request)).await {
        while let Some(Ok(_)) = lines.next().await {}
    }
}

impl Session {
    /// Whether the board shows what the request brought about.
    pub(super) const fn is_current(&self) -> bool {
        self.board.generation() >= self.done.generation
    }

    /// The next news. A supervisor that crashes is waited for; a keeper that is gone is an error unless the project
    /// was being taken down. Loses nothing when it is dropped half-way.
    pub(super) async fn news(&mut self) -> Result<News, CliError> {
        if self.stale {
            let state = self.client.get::<State>("/v1/state").await?;
            self.board.replace(&state);
            self.stale = false;
            return Ok(News::Known);
        }
        match self.watch.next().await {
            Some(Ok(update)) => {
                let is_bye = matches!(update, Update::Bye);
                self.told = self.told.max(match &update {
                    Update::State(state) => state.generation,
                    Update::Event(event) => event.generation,
                    Update::Bye => u64::MAX,
                });
                self.stale = matches!(&update, Update::Event(event) if event.event == "applied");
                let event = self.board.apply(update);
                Ok(match event {
                    _ if is_bye => News::Bye,
                    Some(event) => News::Event(Box::new(event)),
                    None => News::Known,
                })
            }
            Some(Err(ClientError::Broken(_))) | None => self.reconnect().await,
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// What has happened already but has not been told: to be called before something final is said.
    pub(super) async fn rest(&mut self) -> Vec<EventView> {
        let mut rest = Vec::new();
        while self.told < self.board.generation() {
            match tokio::time::timeout(REST, self.news()).await {
                Ok(Ok(News::Event(event))) => rest.push(*event),
                Ok(Ok(News::Known)) => {}
                // Not every change is an event: it may be that there is nothing more to tell.
                Ok(Ok(News::Bye) | Err(_)) | Err(_) => break,
            }
        }
        rest
    }

    async fn reconnect(&mut self) -> Result<News, CliError> {
        let mut pause = tokio::time::interval(BETWEEN_LOOKS);
        while self.looks < LOOKS {
            pause.tick().await;
            self.looks += 1;
            let client = match Client::connect(&self.place).await {
                Ok(client) => client,
                Err(ConnectError::NotRunning) if self.board.is_shutting_down() => return Ok(News::Bye),
                Err(ConnectError::NotRunning) => break,
                Err(error) => return Err(error.into()),
            };
            if let Ok(watch) = client.lines(Method::GET, "/v1/watch", None).await {
                (self.client, self.watch) = (client, watch);
                self.looks = 0;
                return Ok(News::Known);
            }
        }
        Err(Trouble::new(Exit::Left, "the project's keeper has gone")
            .why("its services were torn down with it, but nobody has verified that nothing is left")
            .hint("`tspm down` cleans up; `.tspm/tspm.log` has what it had to say")
            .into())
    }
}
