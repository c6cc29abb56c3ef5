//! The service's clock: it may run faster than the wall.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use agora::Timestamp;

/// Journal time = origin + (wall − origin) × rate. Another process with the same two numbers shows the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: i64,
    rate: u32,
}

impl Clock {
    /// The clock with this rate; without an origin it agrees with the wall now.
    pub(crate) fn new(origin: Option<i64>, rate: u32) -> Result<Self, String> {
        if !(1..=1000).contains(&rate) {
            return Err("--clock-rate: from 1 to 1000".to_owned());
        }
        let wall = wall();
        let origin = origin.unwrap_or(wall);
        if !(0..=wall).contains(&origin) {
            return Err("--clock-origin: milliseconds since the Unix epoch, not in the future".to_owned());
        }
        Ok(Self { origin, rate })
    }

    pub(crate) fn now(self) -> Timestamp {
        let elapsed = wall().saturating_sub(self.origin);
        Timestamp::from_millis(self.origin.saturating_add(elapsed.saturating_mul(i64::from(self.rate))))
    }

    /// How long the wall takes for a span of this clock.
    pub(crate) fn on_the_wall(self, span: Duration) -> Duration {
        span / self.rate
    }
}

fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
