//! The dice of a walk: seeded, so that a walk can be walked again.

use crate::core::jitter::Jitter;

/// Throws.
pub(super) struct Dice(Jitter);

impl Dice {
    /// The throws that `seed` determines.
    pub(super) const fn new(seed: u64) -> Self {
        Self(Jitter::new(seed))
    }

    /// 0 to `end - 1`.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        self.0.next() % end
    }

    /// True once in `odds` throws.
    pub(super) const fn one_in(&mut self, odds: u64) -> bool {
        self.below(odds) == 0
    }

    /// One of `items`.
    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let index = self.below(u64::try_from(items.len()).unwrap());
        items[usize::try_from(index).unwrap()]
    }
}
