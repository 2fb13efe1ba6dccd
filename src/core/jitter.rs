//! The only randomness in core: a seeded splitmix64, so that a walk of the simulator can be replayed.
//!
//! It never reads entropy and is good for nothing but spreading delays.

/// Splitmix64 (Steele, Lea, Flood 2014): one add and three mixes per number.
#[derive(Debug, Clone)]
pub(super) struct Jitter(u64);

impl Jitter {
    /// The sequence that `seed` determines.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `[-1, 1]`.
    pub(super) fn spread(&mut self) -> f64 {
        // 32 bits are exact in an f64, and plenty for a delay.
        let bits = u32::try_from(self.next() >> 32).expect("a u64 shifted by 32 fits a u32");
        f64::from(bits) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_published_sequence() {
        let mut jitter = Jitter::new(1_234_567);
        assert_eq!(jitter.next(), 6_457_827_717_110_365_317);
        assert_eq!(jitter.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn stays_in_its_range() {
        let mut jitter = Jitter::new(7);
        assert!((0..10_000).all(|_| (-1.0..=1.0).contains(&jitter.spread())));
    }
}
