//! Clients and leases: who is there, who acts for which recording, and who is asked next.
//!
//! A client is one connection of the stream. Liveness belongs to the connection and runs on real time: there is no
//! renewal, and nothing of this survives a restart. Only the change of a holder is written down, by the caller.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rules::RecordingId;
use rules::journal::ClientNumber;

/// A client that answered no heartbeat for this long holds no lease any more.
pub const SILENT_AFTER: Duration = Duration::from_secs(5);

/// A client that answered no heartbeat for this long is not offered one: it would waste the others' time.
const NOT_ASKED_AFTER: Duration = Duration::from_secs(3);

/// For how long a free lease is offered to one client.
pub const OFFERED_FOR: Duration = Duration::from_millis(300);

/// When everybody was asked and nobody took it, everybody is asked again after this.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// One connection of the stream.
#[derive(Debug, Clone)]
pub struct Client {
    /// Who is signed in there.
    pub person: String,
    /// What its requests prove themselves with.
    pub secret: String,
    /// Whether that person may act for recordings.
    pub operates: bool,
    /// Whether it is the attendant, and no page.
    pub attendant: bool,
    /// When it connected, in real time.
    pub since: Duration,
    /// When it last answered a heartbeat, in real time.
    pub beat_at: Duration,
}

/// Who holds a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The connection.
    pub client: ClientNumber,
    /// The epoch that was written with it.
    pub epoch: u32,
}

#[derive(Debug, Default)]
struct Free {
    offered: Option<(ClientNumber, Duration)>,
    asked: BTreeSet<ClientNumber>,
    rests_until: Duration,
}

/// All clients and all leases.
#[derive(Debug, Default)]
pub struct Leases {
    clients: BTreeMap<ClientNumber, Client>,
    held: BTreeMap<RecordingId, Holding>,
    free: BTreeMap<RecordingId, Free>,
    acted: BTreeMap<RecordingId, (String, Option<ClientNumber>)>,
}

impl Leases {
    /// A new connection.
    pub fn connected(&mut self, number: ClientNumber, client: Client) {
        // A newcomer is asked before the round is over; who only looks on changes nothing.
        if client.operates {
            for free in self.free.values_mut() {
                free.rests_until = Duration::ZERO;
            }
        }
        self.clients.insert(number, client);
    }

    /// The connection of this number.
    pub fn client(&self, number: ClientNumber) -> Option<&Client> {
        self.clients.get(&number)
    }

    /// Every connection, oldest first.
    pub fn clients(&self) -> impl Iterator<Item = (ClientNumber, &Client)> {
        self.clients.iter().map(|(number, client)| (*number, client))
    }

    /// It answered a heartbeat.
    pub fn beat(&mut self, number: ClientNumber, real: Duration) {
        if let Some(client) = self.clients.get_mut(&number) {
            client.beat_at = real;
        }
    }

    /// The connection is gone: its leases are free.
    pub fn gone(&mut self, number: ClientNumber) -> Vec<RecordingId> {
        self.clients.remove(&number);
        self.free_those_of(number)
    }

    /// Frees the leases of clients that have been silent for too long, and tells which.
    pub fn free_silent(&mut self, real: Duration) -> Vec<(ClientNumber, Vec<RecordingId>)> {
        let silent = |client: &Client| real.saturating_sub(client.beat_at) >= SILENT_AFTER;
        let numbers: Vec<_> =
            self.clients.iter().filter(|(_, client)| silent(client)).map(|(number, _)| *number).collect();
        let freed = numbers.into_iter().map(|number| (number, self.free_those_of(number)));
        freed.filter(|(_, recordings)| !recordings.is_empty()).collect()
    }

    fn free_those_of(&mut self, number: ClientNumber) -> Vec<RecordingId> {
        let theirs = self.held.iter().filter(|(_, holding)| holding.client == number);
        let recordings: Vec<_> = theirs.map(|(recording, _)| recording.clone()).collect();
        for recording in &recordings {
            self.held.remove(recording);
            self.free.insert(recording.clone(), Free::default());
        }
        for free in self.free.values_mut() {
            if free.offered.is_some_and(|(offered, _)| offered == number) {
                free.offered = None;
            }
        }
        recordings
    }

    /// Who holds this recording's lease.
    pub fn holder(&self, recording: &RecordingId) -> Option<Holding> {
        self.held.get(recording).copied()
    }

    /// How many leases are held.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Says whether there is a lease for this recording: not for a settled one, nor for one that cannot be read.
    /// Tells who lost it, if somebody held it.
    pub fn exists(&mut self, recording: &RecordingId, exists: bool) -> Option<ClientNumber> {
        if exists {
            if !self.held.contains_key(recording) {
                self.free.entry(recording.clone()).or_default();
            }
            return None;
        }
        self.free.remove(recording);
        self.acted.remove(recording);
        self.held.remove(recording).map(|holding| holding.client)
    }

    /// A person acted on it, perhaps through one of the clients.
    pub fn acted(&mut self, recording: &RecordingId, person: &str, client: Option<ClientNumber>) {
        self.acted.insert(recording.clone(), (person.to_owned(), client));
    }

    /// Whether this client may take the lease now: it is free, and not just offered to another.
    pub fn may_claim(&self, recording: &RecordingId, client: ClientNumber, real: Duration) -> bool {
        let operates = self.clients.get(&client).is_some_and(|client| client.operates);
        let free = self.free.get(recording);
        let to_another =
            |free: &Free| free.offered.is_some_and(|(offered, until)| offered != client && until > real);
        operates && free.is_some_and(|free| !to_another(free))
    }

    /// The lease is this client's from now on; it was written down. Tells who held it before.
    pub fn granted(&mut self, recording: &RecordingId, holding: Holding) -> Option<ClientNumber> {
        self.free.remove(recording);
        let before = self.held.insert(recording.clone(), holding);
        before.map(|before| before.client).filter(|before| *before != holding.client)
    }

    /// The offers that are due: to each client those recordings that it alone may claim for the next 300 ms.
    pub fn offers(&mut self, real: Duration) -> Vec<(ClientNumber, Vec<RecordingId>)> {
        let mut offers: BTreeMap<ClientNumber, Vec<RecordingId>> = BTreeMap::new();
        for (recording, free) in &mut self.free {
            if free.offered.is_some_and(|(_, until)| until > real) || free.rests_until > real {
                continue;
            }
            free.offered = None;
            let acted = self.acted.get(recording);
            let candidates = self.clients.iter().filter(|(number, client)| {
                client.operates
                    && real.saturating_sub(client.beat_at) < NOT_ASKED_AFTER
                    && !free.asked.contains(number)
            });
            let next = candidates.min_by_key(|(number, client)| {
                let acted_here = acted.is_some_and(|(_, page)| *page == Some(**number));
                let acted_by = acted.is_some_and(|(person, _)| *person == client.person && !client.attendant);
                (!acted_here, !acted_by, !client.attendant, client.since, **number)
            });
            match next {
                Some((number, _)) => {
                    free.offered = Some((*number, real + OFFERED_FOR));
                    free.asked.insert(*number);
                    offers.entry(*number).or_default().push(recording.clone());
                }
                None => {
                    free.asked.clear();
                    free.rests_until = real + ASKED_AGAIN_AFTER;
                }
            }
        }
        offers.into_iter().collect()
    }

    /// When something of this is due, in real time: an offer runs out, or a client has been silent for too long.
    pub fn next_due(&self) -> Option<Duration> {
        let someone = self.clients.values().any(|client| client.operates);
        let offers = self.free.values().filter(|_| someone).map(|free| match free.offered {
            Some((_, until)) => until,
            None => free.rests_until,
        });
        let silent = self.held.values().filter_map(|holding| self.clients.get(&holding.client));
        offers.chain(silent.map(|client| client.beat_at + SILENT_AFTER)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn recording(name: &str) -> RecordingId {
        RecordingId::parse(name).expect("a plain name is an id")
    }

    fn page(person: &str, since: u64) -> Client {
        Client {
            person: person.to_owned(),
            secret: String::new(),
            operates: true,
            attendant: false,
            since: real(since),
            beat_at: real(since),
        }
    }

    /// Clients 1, 2, 3, … in this order, all of them beating until 100 s.
    fn leases_with(clients: Vec<Client>) -> Leases {
        let mut leases = Leases::default();
        for (number, client) in (1..).zip(clients) {
            leases.connected(number, Client { beat_at: real(100_000), ..client });
        }
        leases
    }

    #[test]
    fn a_free_lease_is_offered_to_one_client_after_the_other_for_300_ms_each() {
        let mut attendant = page("attendant", 30);
        attendant.attendant = true;
        let mut viewer = page("viewer", 0);
        viewer.operates = false;
        let mut leases = leases_with(vec![viewer, page("old", 10), page("acted", 20), attendant]);
        let id = recording("one");
        leases.acted(&id, "acted", None);
        leases.exists(&id, true);
        let mut asked = Vec::new();
        for millis in (0..=2_200).step_by(100) {
            asked.extend(leases.offers(real(millis)).into_iter().map(|(client, _)| (millis, client)));
        }
        // The page whose user acted on it, the attendant, the oldest page; then a rest, then the same round.
        assert_eq!(asked, [(0, 3), (300, 4), (600, 2), (1_900, 3), (2_200, 4)]);
    }

    #[test]
    fn only_the_client_that_it_is_offered_to_may_claim() {
        let mut leases = leases_with(vec![page("a", 0), page("b", 1)]);
        let id = recording("one");
        leases.exists(&id, true);
        assert_eq!(leases.offers(real(0)), [(1, vec![id.clone()])]);
        assert!(!leases.may_claim(&id, 2, real(299)));
        assert!(leases.may_claim(&id, 1, real(299)));
        assert_eq!(leases.granted(&id, Holding { client: 1, epoch: 7 }), None);
        assert!(!leases.may_claim(&id, 2, real(900)), "it is held");
        assert!(leases.offers(real(900)).is_empty());
        assert_eq!(leases.granted(&id, Holding { client: 2, epoch: 8 }), Some(1));
    }

    #[test]
    fn a_lease_passes_within_five_seconds_and_one_offer_when_its_client_falls_silent() {
        let mut leases = Leases::default();
        leases.connected(1, page("a", 0));
        leases.connected(2, page("b", 0));
        let id = recording("one");
        leases.exists(&id, true);
        leases.offers(real(0));
        leases.granted(&id, Holding { client: 1, epoch: 1 });
        for second in 1..=10 {
            leases.beat(2, real(second * 1_000));
        }
        assert!(leases.free_silent(real(4_999)).is_empty());
        assert_eq!(leases.next_due(), Some(real(5_000)));
        assert_eq!(leases.free_silent(real(5_000)), [(1, vec![id.clone()])]);
        assert_eq!(leases.offers(real(5_000)), [(2, vec![id])]);
    }

    #[test]
    fn the_leases_of_a_closed_connection_are_free_at_once() {
        let mut leases = leases_with(vec![page("a", 0), page("b", 1)]);
        let id = recording("one");
        leases.exists(&id, true);
        leases.offers(real(0));
        leases.granted(&id, Holding { client: 1, epoch: 1 });
        assert_eq!(leases.gone(1), std::slice::from_ref(&id));
        assert_eq!(leases.offers(real(1)), [(2, vec![id])]);
    }

    #[test]
    fn an_offer_to_a_client_that_goes_is_made_to_the_next_one_at_once() {
        let mut leases = leases_with(vec![page("a", 0), page("b", 1)]);
        let id = recording("one");
        leases.exists(&id, true);
        assert_eq!(leases.offers(real(0)), [(1, vec![id.clone()])]);
        leases.gone(1);
        assert_eq!(leases.offers(real(1)), [(2, vec![id])]);
    }

    #[test]
    fn a_settled_recording_has_no_lease() {
        let mut leases = leases_with(vec![page("a", 0)]);
        let id = recording("one");
        leases.exists(&id, true);
        leases.granted(&id, Holding { client: 1, epoch: 1 });
        assert_eq!(leases.exists(&id, false), Some(1));
        assert_eq!(leases.holder(&id), None);
        assert!(leases.offers(real(0)).is_empty());
        assert_eq!(leases.next_due(), None);
    }
}
