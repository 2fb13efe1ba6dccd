//! Several logs in one order: by time, and each log's lines in their own order. Holds one line of each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::cursor::Cursor;
use super::read::Line;

/// Cursors, merged.
#[derive(Debug, Default)]
pub(super) struct Merge {
    cursors: Vec<Cursor>,
    heads: Vec<Option<Line>>,
    /// Time and index of each head.
    order: BinaryHeap<Reverse<(i64, usize)>>,
    /// Whether every cursor was asked in this round.
    asked: bool,
}

impl Merge {
    pub(super) fn push(&mut self, cursor: Cursor) {
        self.cursors.push(cursor);
        self.heads.push(None);
        self.asked = false;
    }

    /// Adds the cursors of another one, of which nothing was read.
    pub(super) fn absorb(&mut self, other: Self) {
        for cursor in other.cursors {
            self.push(cursor);
        }
    }

    pub(super) fn cursors(&self) -> &[Cursor] {
        &self.cursors
    }

    /// The next line of this round; None: nothing more now, and the next call begins another round.
    pub(super) fn next_line(&mut self) -> Option<Line> {
        if !self.asked {
            self.asked = true;
            for index in 0..self.cursors.len() {
                self.pull(index);
            }
        }
        let Some(Reverse((_, index))) = self.order.pop() else {
            self.asked = false;
            return None;
        };
        let line = self.heads[index].take();
        self.pull(index);
        line
    }

    fn pull(&mut self, index: usize) {
        if self.heads[index].is_none()
            && let Some(line) = self.cursors[index].next_line()
        {
            self.order.push(Reverse((line.time_ns, index)));
            self.heads[index] = Some(line);
        }
    }
}
