//! `up` in the foreground: states, then logs, until Ctrl-C or until nothing can run any more.
//!
//! ```text
//!  start ─► block ─► logs ─┬─ Ctrl-C, closed terminal: owner ─► teardown; viewer ─► detach
//!                          ├─ all ended ─► (owner) teardown ─► exit
//!                          └─ taken down by somebody else ─► exit
//! ```

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::api::launch::Launched;
use crate::api::wire::{DownRequest, EventView, ServiceView, UpRequest};
use crate::cli::board::{is_moving, is_over};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::printer::{Printer, Wake};
use crate::cli::render::log::Style;
use crate::cli::signals::Signals;
use crate::cli::tail::Tail;
use crate::cli::teardown::{self, First, Say, Stage};
use crate::cli::term::Target as Terminal;
use crate::cli::{out, render};
use crate::logs::{Line, Query, Target};
use crate::sys::clock;

use super::super::stop::now_ms;
use super::super::why::log_tail;
use super::Call;
use super::progress::{Progress, TICK};
use super::session::{self, News, Session};

/// What happened next.
enum Happening {
    News(Result<News, CliError>),
    Log(Option<Line>),
    Beat,
    Interrupted,
    Unread,
    Room,
}

/// Why the watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Ctrl-C, SIGTERM, SIGHUP.
    Interrupted,
    /// Nobody reads standard output any more.
    Unread,
    /// Nothing can run any more.
    Over,
    /// Somebody took the project down.
    TakenDown,
}

/// Runs it.
pub(super) async fn run(call: &Call<'_>, request: UpRequest) -> Result<Exit, CliError> {
    let since_ns = clock::wall_now_ns();
    let mut signals = Signals::listen()?;
    let printer = Printer::start(std::io::stdout())?;
    let session = session::begin(call.home, request, false).await?;
    let mut watcher = Watcher {
        call,
        progress: Progress::new(call.context),
        session,
        printer,
        tail: None,
        style: Style::Text { names: Some(0), times: None },
        followed: BTreeSet::new(),
        since_ns,
        timed: false,
        complained: BTreeSet::new(),
    };
    watcher.greet();
    let end = watcher.watch(&mut signals).await;
    watcher.progress.end(&watcher.session.board.of(&call.about), &mut watcher.printer);
    if matches!(end, Ok(End::Over | End::TakenDown)) {
        watcher.last_lines();
    }
    let exit = match end {
        Ok(end) => watcher.finish(end, &mut signals).await,
        Err(error) => Err(error),
    };
    watcher.last_lines();
    watcher.printer.finish().await;
    exit
}

struct Watcher<'a> {
    call: &'a Call<'a>,
    session: Session,
    progress: Progress,
    printer: Printer,
    /// None while the block is shown.
    tail: Option<Tail>,
    style: Style,
    followed: BTreeSet<PathBuf>,
    since_ns: i64,
    timed: bool,
    /// Services whose failure has been told.
    complained: BTreeSet<String>,
}

impl Watcher<'_> {
    fn is_owner(&self) -> bool {
        self.session.done.owner
    }

    fn greet(&mut self) {
        for note in &self.session.done.notes {
            out::note(note);
        }
        if self.session.launched == Launched::Existing {
            let text = render::plan::summary(&self.session.done.steps, self.call.context.paint);
            self.printer.line(&text);
        }
        if !self.is_owner() {
            if !self.progress.is_block() {
                let paint = self.call.context.paint;
                for view in self.session.board.of(&self.call.about) {
                    let text = render::state::shown(view, now_ms()).text(paint);
                    let width = self.session.board.name_width();
                    self.printer.line(&render::event::prefixed(Some(&view.name), &text, width, paint));
                }
            }
            self.aside("watching a running project: Ctrl-C detaches, `tspm down` stops it");
        }
    }

    async fn watch(&mut self, signals: &mut Signals) -> Result<End, CliError> {
        let mut beat = tokio::time::interval(TICK);
        loop {
            if let Some(end) = self.look()? {
                for event in self.session.rest().await {
                    self.event(&event);
                }
                return Ok(end);
            }
            let logs = self.tail.is_some() && self.printer.has_room();
            let happening = tokio::select! {
                news = self.session.news() => Happening::News(news),
                line = next(&mut self.tail), if logs => Happening::Log(line),
                _ = beat.tick(), if self.progress.is_block() => Happening::Beat,
                _ = signals.next() => Happening::Interrupted,
                wake = self.printer.wake() => match wake {
                    Wake::Room => Happening::Room,
                    Wake::Closed => Happening::Unread,
                },
            };
            match happening {
                Happening::News(news) => match news? {
                    News::Event(event) => self.event(&event),
                    News::Known => {}
                    News::Bye => return Ok(End::TakenDown),
                },
                Happening::Log(Some(line)) => self.log(&line),
                Happening::Log(None) => self.tail = None,
                Happening::Beat => {
                    self.progress.draw(&self.session.board.of(&self.call.about), &mut self.printer);
                }
                Happening::Interrupted => return Ok(End::Interrupted),
                Happening::Unread => return Ok(End::Unread),
                Happening::Room => {}
            }
        }
    }

    /// What follows from what is known: the end of the block, the logs, the end.
    fn look(&mut self) -> Result<Option<End>, CliError> {
        if !self.session.is_current() {
            return Ok(None);
        }
        let about = self.session.board.of(&self.call.about);
        let is_moving = is_moving(&about, now_ms());
        if is_moving && self.tail.is_none() && self.progress.is_block() {
            return Ok(None);
        }
        if self.progress.is_block() {
            self.progress.end(&about, &mut self.printer);
        }
        if !is_moving && self.call.args.timings && !self.timed {
            self.timed = true;
            let text = render::timings::text(&about, self.call.context.paint);
            self.printer.bytes(text.into_bytes());
        }
        self.follow()?;
        let wanted = self.session.board.wanted();
        Ok((is_over(&wanted) && !self.session.board.is_shutting_down()).then_some(End::Over))
    }

    /// Follows the logs of all services that it does not follow yet.
    fn follow(&mut self) -> Result<(), CliError> {
        let names = self.session.board.name_width();
        self.style = Style::Text { names: Some(names), times: None };
        let mut fresh = Vec::new();
        for view in self.session.board.of(&self.call.about) {
            if let Some(path) = view.log_file.as_ref().map(PathBuf::from)
                && self.followed.insert(path.clone())
            {
                fresh.push(Target::File { name: view.name.clone(), path });
            }
        }
        match &mut self.tail {
            Some(tail) => fresh.into_iter().for_each(|target| tail.add(target)),
            None if fresh.is_empty() => {}
            None => {
                let query = Query { since_ns: Some(self.since_ns), ..Query::default() };
                self.tail = Some(Tail::start(fresh, query)?);
            }
        }
        Ok(())
    }

    fn log(&mut self, line: &Line) {
        let paint = self.call.context.paint;
        let mut bytes = render::log::line(line, &self.style, paint);
        // What is there already goes out in one piece.
        while let Some(line) = self.tail.as_mut().and_then(Tail::ready) {
            bytes.extend_from_slice(&render::log::line(&line, &self.style, paint));
            if bytes.len() > 1 << 16 {
                break;
            }
        }
        self.printer.bytes(bytes);
    }

    fn event(&mut self, event: &EventView) {
        self.progress.event(event, &self.session.board, &mut self.printer);
        let Some(view) = &event.view else { return };
        let is_bad = match event.event.as_str() {
            "late" => true,
            // Both the event and the view: of several events at once, the view is that of the last.
            "phase" => matches!(render::event::phase(event), "failed" | "skipped"),
            _ => false,
        };
        if is_bad {
            self.complain(view);
        }
    }

    /// Says what is wrong with a service; its last lines only where they are not on the screen anyway.
    fn complain(&mut self, view: &ServiceView) {
        self.complained.insert(view.name.clone());
        let context = self.call.context;
        let log = if self.tail.is_some() { Vec::new() } else { log_tail(view) };
        let trouble = render::trouble::of(view, now_ms(), log);
        self.aside(trouble.render(context.paint_err).trim_end());
    }

    /// Says something that is no result.
    fn aside(&mut self, text: &str) {
        if self.call.context.is_terminal() && Terminal::stderr() == Terminal::Terminal {
            // Both are the same terminal: in one stream, so that neither the block nor the order is torn.
            self.progress.say(text, &mut self.printer);
        } else {
            out::note(text);
        }
    }

    /// What the end of the watching means for the project.
    async fn finish(&mut self, end: End, signals: &mut Signals) -> Result<Exit, CliError> {
        let failed = self.has_failed();
        if end == End::Over {
            self.complain_of_the_rest();
        }
        let result = if failed { Exit::Failed } else { Exit::Done };
        match (end, self.is_owner()) {
            (End::TakenDown, _) => {
                self.aside("the project was taken down");
                Ok(result)
            }
            (End::Interrupted | End::Unread, false) => {
                self.aside("detached; the services keep running (`tspm down` stops them)");
                Ok(Exit::Interrupted)
            }
            (End::Over, false) => Ok(result),
            (End::Interrupted, true) => {
                if self.call.context.is_terminal() {
                    // Behind the `^C` that the terminal shows.
                    self.printer.line("");
                }
                self.printer.line("stopping (Ctrl-C again to kill)");
                self.down(Say::Everything, First::Kills, signals, Exit::Interrupted).await
            }
            (End::Unread, true) => self.down(Say::Everything, First::Warns, signals, Exit::Interrupted).await,
            (End::Over, true) => {
                let down = self.down(Say::Result, First::Warns, signals, result).await?;
                if down == result {
                    let count = self.session.board.wanted().len();
                    self.printer.line(match count {
                        0 => "nothing is left to run",
                        _ => "everything has ended; 0 processes left",
                    });
                }
                Ok(down)
            }
        }
    }

    /// What failed so fast that it was all over before the first event was read is told too.
    fn complain_of_the_rest(&mut self) {
        let wanted = self.session.board.wanted();
        let bad = wanted.iter().filter(|view| matches!(view.state.as_str(), "failed" | "skipped"));
        let untold = bad.filter(|view| !self.complained.contains(&view.name));
        let untold: Vec<ServiceView> = untold.map(|view| (*view).clone()).collect();
        for view in &untold {
            self.complain(view);
        }
    }

    fn has_failed(&self) -> bool {
        self.session.board.wanted().iter().any(|view| matches!(view.state.as_str(), "failed" | "skipped"))
    }

    /// Takes everything down. `then` is the exit code if nothing is left.
    async fn down(&mut self, say: Say, first: First, signals: &mut Signals, then: Exit) -> Result<Exit, CliError> {
        let mut stage = Stage {
            printer: &mut self.printer,
            paint: self.call.context.paint,
            signals,
            tail: self.tail.as_mut().map(|tail| (tail, &self.style)),
        };
        let request = DownRequest { force: false, timeout_ms: None };
        let outcome = teardown::run(&self.session.client, request, say, first, &mut stage).await?;
        Ok(if outcome == Exit::Done { then } else { outcome })
    }

    /// What was written at the very end is shown too, unless nobody reads or the reader is far behind.
    fn last_lines(&mut self) {
        let Some(tail) = self.tail.take() else { return };
        if self.printer.is_closed() || !self.printer.has_room() {
            return;
        }
        let paint = self.call.context.paint;
        let rest = tail.rest();
        self.printer.bytes(rest.iter().flat_map(|line| render::log::line(line, &self.style, paint)).collect());
    }
}

async fn next(tail: &mut Option<Tail>) -> Option<Line> {
    tail.as_mut()?.next().await
}
