//! Showing a start: a status block on a terminal, lines elsewhere.

use std::time::Duration;

use console::Term;

use crate::api::wire::{EventView, ServiceView};
use crate::cli::board::Board;
use crate::cli::context::Context;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::cli::render::block::Frame;
use crate::cli::screen::Screen;
use crate::cli::term::Paint;

use super::super::stop::now_ms;

/// The spinner's beat.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// What is on the screen.
#[derive(Debug)]
pub(super) struct Progress {
    paint: Paint,
    /// While the block is shown.
    screen: Option<Screen>,
    ticks: usize,
}

impl Progress {
    /// With a block where somebody looks at it.
    pub(super) fn new(context: &Context) -> Self {
        Self { paint: context.paint, screen: context.is_terminal().then(Screen::default), ticks: 0 }
    }

    /// Whether the block is shown (and wants its beat).
    pub(super) const fn is_block(&self) -> bool {
        self.screen.is_some()
    }

    /// Something happened: a line, unless the block shows it.
    pub(super) fn event(&mut self, event: &EventView, board: &Board, printer: &mut Printer) {
        let is_state = matches!(event.event.as_str(), "phase" | "late" | "applied");
        if self.is_block() && is_state {
            return;
        }
        if let Some(line) = render::event::change(event, board.name_width(), self.paint) {
            self.say(&line, printer);
        }
    }

    /// Whole lines, above the block.
    pub(super) fn say(&mut self, text: &str, printer: &mut Printer) {
        match &mut self.screen {
            // The block comes back with the next beat.
            Some(screen) => printer.bytes(screen.draw(&format!("{text}\n"), &[])),
            None => printer.line(text),
        }
    }

    /// Draws the block. A slow terminal gets fewer frames.
    pub(super) fn draw(&mut self, services: &[&ServiceView], printer: &mut Printer) {
        if printer.has_room() {
            self.draw_anyway(services, printer);
        }
    }

    fn draw_anyway(&mut self, services: &[&ServiceView], printer: &mut Printer) {
        let Some(screen) = &mut self.screen else { return };
        let (height, width) = Term::stdout().size();
        let frame = Frame { width: width.into(), height: height.into(), tick: self.ticks };
        self.ticks += 1;
        let lines = render::block::lines(services, now_ms(), frame, self.paint);
        printer.bytes(screen.draw("", &lines));
    }

    /// The block is drawn for the last time and stays; from now on there are lines.
    pub(super) fn end(&mut self, services: &[&ServiceView], printer: &mut Printer) {
        self.draw_anyway(services, printer);
        self.screen = None;
    }
}
