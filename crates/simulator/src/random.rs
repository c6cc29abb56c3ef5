//! The simulator's only source of chance: the same seed and the same requests at the same times give the same service.

/// `SplitMix64`: small, fast, and good enough for identifiers and delays of a simulation. Nothing secret is made of it.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        if high <= low {
            return low;
        }
        let width = high - low;
        if width == u64::MAX {
            return self.next();
        }
        // The tiny preference for small numbers does not matter here.
        low + self.next() % (width + 1)
    }

    /// A text of this length over this alphabet.
    pub(crate) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        let last = u64::try_from(alphabet.len()).unwrap_or(1).saturating_sub(1);
        (0..length)
            .map(|_| {
                let index = usize::try_from(self.between(0, last)).unwrap_or(0);
                char::from(alphabet[index])
            })
            .collect()
    }
}
