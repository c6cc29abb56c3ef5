//! Whether this client is connected, and when it tries again.

use crate::clock::Moment;

/// Close codes of the stream.
pub mod close {
    /// The sign-in ended.
    pub const SIGNED_OUT: u16 = 4001;
    /// The person may not see this.
    pub const NOT_ALLOWED: u16 = 4003;
    /// This client did not read fast enough.
    pub const TOO_SLOW: u16 = 4008;
    /// The proxy has another build than the page.
    pub const NEW_BUILD: u16 = 4009;
}

/// The first ceiling of the wait before the next attempt, in milliseconds.
const FIRST_CEILING: u64 = 1_000;
/// No wait is longer than this.
const LAST_CEILING: u64 = 30_000;
/// Nor shorter: a proxy that refuses at once is not asked in a tight loop.
const SHORTEST_WAIT: u64 = 100;
/// An attempt that leads nowhere for this many milliseconds is given up. A browser would wait for minutes.
const ATTEMPT: u64 = 10_000;

/// What is known about the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// Nothing was ever heard.
    Connecting,
    /// A heartbeat came within three seconds, and the machine did not sleep.
    Live,
    /// What is shown is as old as `since`. Nothing is done before the next heartbeat.
    Lost {
        /// When the last heartbeat came.
        since: Moment,
    },
    /// It does not try again by itself.
    Ended(EndedBecause),
}

/// Why a client does not connect again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBecause {
    /// The sign-in ended: sign in again.
    SignedOut,
    /// The person may not see this.
    NotAllowed,
    /// The proxy has another build: load the page again.
    NewBuild,
}

impl EndedBecause {
    fn of_code(code: u16) -> Option<Self> {
        match code {
            close::SIGNED_OUT => Some(Self::SignedOut),
            close::NOT_ALLOWED => Some(Self::NotAllowed),
            close::NEW_BUILD => Some(Self::NewBuild),
            // Too slow, a proxy that ends, a broken network: all of them may work the next time.
            _ => None,
        }
    }
}

/// The socket's state, and the waits between attempts: full jitter below a ceiling that grows by 1.7.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    state: State,
    ceiling: u64,
    /// Whatever the close code says, it ends for this.
    ends: Option<EndedBecause>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next attempt is due at this monotonic instant.
    Waiting(u64),
    /// The driver was told to connect, at this monotonic instant.
    Opening(u64),
    /// The socket is open.
    Open,
    /// The driver was told to close it.
    Closing,
    Ended(EndedBecause),
}

impl Default for Connection {
    fn default() -> Self {
        Self { state: State::Waiting(0), ceiling: FIRST_CEILING, ends: None }
    }
}

impl Connection {
    pub(crate) fn opened(&mut self) {
        if let State::Opening(_) = self.state {
            self.state = State::Open;
        }
    }

    /// It proved to work, so the next interruption begins with short waits again.
    pub(crate) fn worked(&mut self) {
        self.ceiling = FIRST_CEILING;
    }

    /// The socket is closed, or never opened. `chance` is a random number from the whole range.
    pub(crate) fn closed(&mut self, moment: Moment, code: Option<u16>, chance: u32) {
        if let State::Ended(_) = self.state {
            return;
        }
        if let Some(because) = self.ends.take().or(code.and_then(EndedBecause::of_code)) {
            self.state = State::Ended(because);
            return;
        }
        let wait = ((self.ceiling * u64::from(chance)) >> 32).max(SHORTEST_WAIT);
        self.ceiling = (self.ceiling * 17 / 10).min(LAST_CEILING);
        self.state = State::Waiting(moment.monotonic.saturating_add(wait));
    }

    /// Once the socket is closed, it is not to be opened again.
    pub(crate) fn end(&mut self, because: EndedBecause) {
        self.ends = Some(because);
    }

    /// Whether the driver is to connect now; said once.
    pub(crate) fn take_attempt(&mut self, moment: Moment) -> bool {
        let due = matches!(self.state, State::Waiting(at) if at <= moment.monotonic);
        if due {
            self.state = State::Opening(moment.monotonic);
        }
        due
    }

    /// Whether an attempt to connect is to be given up.
    pub(crate) fn opens_too_long(&self, moment: Moment) -> bool {
        matches!(self.state, State::Opening(since) if moment.monotonic >= since.saturating_add(ATTEMPT))
    }

    /// Whether the driver is to close the socket now; said once.
    pub(crate) fn take_closing(&mut self) -> bool {
        let open = matches!(self.state, State::Open | State::Opening(_));
        if open {
            self.state = State::Closing;
        }
        open
    }

    pub(crate) fn reconnect_now(&mut self, moment: Moment) {
        if matches!(self.state, State::Waiting(_) | State::Ended(_)) {
            self.state = State::Waiting(moment.monotonic);
        }
    }

    pub(crate) fn next_attempt(&self) -> Option<u64> {
        match self.state {
            State::Waiting(at) => Some(at),
            State::Opening(_) | State::Open | State::Closing | State::Ended(_) => None,
        }
    }

    /// When it has something to do: the next attempt, or the end of the one that is on its way.
    pub(crate) fn next_instant(&self) -> Option<u64> {
        match self.state {
            State::Opening(since) => Some(since.saturating_add(ATTEMPT)),
            _ => self.next_attempt(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub(crate) fn ended(&self) -> Option<EndedBecause> {
        match self.state {
            State::Ended(because) => Some(because),
            State::Waiting(_) | State::Opening(_) | State::Open | State::Closing => self.ends,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::new(millis, 0)
    }

    #[test]
    fn the_waits_grow_by_1_7_up_to_30_seconds_and_chance_takes_a_share_of_them() {
        let mut connection = Connection::default();
        let mut waits = Vec::new();
        for _ in 0..9 {
            assert!(connection.take_attempt(at(1_000_000)));
            connection.closed(at(0), None, u32::MAX);
            waits.push(connection.next_attempt().expect("it waits") + 1);
        }
        assert_eq!(waits, [1_000, 1_700, 2_890, 4_913, 8_352, 14_198, 24_136, 30_000, 30_000]);
        connection.closed(at(0), None, u32::MAX / 2 + 1);
        assert_eq!(connection.next_attempt(), Some(15_000));
        connection.closed(at(0), None, 0);
        assert_eq!(connection.next_attempt(), Some(SHORTEST_WAIT));
    }

    #[test]
    fn a_connection_that_worked_begins_with_short_waits_again() {
        let mut connection = Connection::default();
        for _ in 0..9 {
            connection.closed(at(0), None, u32::MAX);
        }
        connection.worked();
        connection.closed(at(0), Some(1006), u32::MAX);
        assert_eq!(connection.next_attempt(), Some(999));
    }

    #[test]
    fn a_sign_in_that_ended_is_not_tried_again_before_somebody_asks_for_it() {
        let mut connection = Connection::default();
        assert!(connection.take_attempt(at(0)));
        connection.opened();
        connection.closed(at(5), Some(close::SIGNED_OUT), 7);
        assert_eq!(connection.ended(), Some(EndedBecause::SignedOut));
        assert!(!connection.take_attempt(at(1_000_000)));
        connection.reconnect_now(at(1_000_001));
        assert!(connection.take_attempt(at(1_000_001)));
    }
}
