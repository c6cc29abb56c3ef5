//! The only source of chance: the same seed gives the same schedule, on every machine.

/// `SplitMix64`: one addition and three multiplications a number, and no pattern that a schedule could meet.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The stream of this seed. Streams of different `purpose`s have nothing to do with one another, so that a fault that
    /// is left out does not move the others.
    pub const fn new(seed: u64, purpose: u64) -> Self {
        let mut own =
            Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ purpose.wrapping_mul(0xD1B5_4A32_D192_ED03));
        own.draw();
        own
    }

    /// The next number.
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.draw() % end }
    }

    /// A number from `low` to `high`, both included.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True so many times in a hundred.
    pub const fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let count = u64::try_from(list.len()).unwrap_or(1);
        &list[usize::try_from(self.below(count)).unwrap_or(0)]
    }

    /// A number from 0 up, small ones much more often than large ones.
    pub fn skewed(&mut self, high: u64) -> u64 {
        let bits = 64 - high.leading_zeros();
        let shift = self.below(u64::from(bits) + 1);
        self.below(high + 1) >> shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_purpose_gives_others() {
        let numbers = |seed, purpose| {
            let mut chance = Chance::new(seed, purpose);
            (0..4).map(|_| chance.draw()).collect::<Vec<_>>()
        };
        assert_eq!(numbers(7, 1), numbers(7, 1));
        assert_ne!(numbers(7, 1), numbers(7, 2));
        assert_ne!(numbers(7, 1), numbers(8, 1));
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut chance = Chance::new(1, 1);
        for _ in 0..1_000 {
            assert!((3..=9).contains(&chance.between(3, 9)));
            assert!(chance.skewed(100) <= 100);
            assert!(chance.below(1) == 0);
        }
    }
}
