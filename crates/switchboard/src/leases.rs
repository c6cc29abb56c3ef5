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

/// A client that missed a heartbeat, or let an offer pass within this time, is asked after those that did not: it may be
/// frozen, or not ready to act, and whoever is to act soon is.
const MISSED_AFTER: Duration = Duration::from_millis(1_500);
const PASSED_LATELY: Duration = Duration::from_secs(10);

/// For how long a free lease is offered to one client.
pub const OFFERED_FOR: Duration = Duration::from_millis(300);

/// How many are asked one after the other. If they let it pass, it is offered to so many of the others at once, and the
/// first to claim it has it: a lease that lapsed is to be held again within a second, whoever is frozen.
const ASKED_ALONE: usize = 2;
const ASKED_TOGETHER: usize = 8;

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
    offered: Option<Offer>,
    asked: BTreeSet<ClientNumber>,
    rests_until: Duration,
}

#[derive(Debug)]
struct Offer {
    to: Vec<ClientNumber>,
    until: Duration,
}

/// All clients and all leases.
#[derive(Debug, Default)]
pub struct Leases {
    clients: BTreeMap<ClientNumber, Client>,
    held: BTreeMap<RecordingId, Holding>,
    free: BTreeMap<RecordingId, Free>,
    /// When a client last let an offer pass.
    passed: BTreeMap<ClientNumber, Duration>,
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
        self.passed.remove(&number);
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
            if let Some(offer) = &mut free.offered {
                offer.to.retain(|offered| *offered != number);
            }
            free.offered.take_if(|offer| offer.to.is_empty());
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
        let to_another = |free: &Free| {
            free.offered.as_ref().is_some_and(|offer| offer.until > real && !offer.to.contains(&client))
        };
        operates && free.is_some_and(|free| !to_another(free))
    }

    /// The lease is this client's from now on; it was written down. Tells who held it before.
    pub fn granted(&mut self, recording: &RecordingId, holding: Holding) -> Option<ClientNumber> {
        self.free.remove(recording);
        self.passed.remove(&holding.client);
        let before = self.held.insert(recording.clone(), holding);
        before.map(|before| before.client).filter(|before| *before != holding.client)
    }

    /// The offers that are due: to each client those recordings that it may claim for the next 300 ms, alone or with few.
    pub fn offers(&mut self, real: Duration) -> Vec<(ClientNumber, Vec<RecordingId>)> {
        let mut offers: BTreeMap<ClientNumber, Vec<RecordingId>> = BTreeMap::new();
        for (recording, free) in &mut self.free {
            if free.offered.as_ref().is_some_and(|offer| offer.until > real) || free.rests_until > real {
                continue;
            }
            if let Some(Offer { to, until }) = free.offered.take() {
                self.passed.extend(to.into_iter().map(|client| (client, until)));
            }
            let acted = self.acted.get(recording);
            let candidates = self.clients.iter().filter(|(number, client)| {
                client.operates
                    && real.saturating_sub(client.beat_at) < NOT_ASKED_AFTER
                    && !free.asked.contains(number)
            });
            let mut next: Vec<_> = candidates.collect();
            next.sort_by_key(|(number, client)| {
                let missed = real.saturating_sub(client.beat_at) >= MISSED_AFTER;
                let passed = self.passed.get(number).is_some_and(|at| real < *at + PASSED_LATELY);
                let acted_here = acted.is_some_and(|(_, page)| *page == Some(**number));
                let acted_by = acted.is_some_and(|(person, _)| *person == client.person && !client.attendant);
                (missed || passed, !acted_here, !acted_by, !client.attendant, client.since, **number)
            });
            next.truncate(if free.asked.len() < ASKED_ALONE { 1 } else { ASKED_TOGETHER });
            if next.is_empty() {
                free.asked.clear();
                free.rests_until = real + ASKED_AGAIN_AFTER;
                continue;
            }
            let to: Vec<ClientNumber> = next.into_iter().map(|(number, _)| *number).collect();
            for number in &to {
                offers.entry(*number).or_default().push(recording.clone());
            }
            free.asked.extend(&to);
            free.offered = Some(Offer { to, until: real + OFFERED_FOR });
        }
        offers.into_iter().collect()
    }

    /// When something of this is due, in real time: an offer runs out, or a client has been silent for too long.
    pub fn next_due(&self) -> Option<Duration> {
        let someone = self.clients.values().any(|client| client.operates);
        let offers = self.free.values().filter(|_| someone).map(|free| match &free.offered {
            Some(offer) => offer.until,
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
    fn when_two_let_it_pass_it_is_offered_to_eight_at_once_and_the_first_to_claim_has_it() {
        let mut leases = leases_with((0..13).map(|since| page("a", since)).collect());
        let id = recording("one");
        leases.exists(&id, true);
        let mut asked = Vec::new();
        for millis in (0..=900).step_by(300) {
            asked.push(leases.offers(real(millis)).into_iter().map(|(client, _)| client).collect::<Vec<_>>());
        }
        assert_eq!(asked, [vec![1], vec![2], (3..=10).collect(), vec![11, 12, 13]]);
        assert!(leases.may_claim(&id, 12, real(901)) && leases.may_claim(&id, 13, real(901)));
        assert!(!leases.may_claim(&id, 3, real(901)), "its time is over");
        leases.granted(&id, Holding { client: 12, epoch: 1 });
        assert!(!leases.may_claim(&id, 13, real(901)));
    }

    #[test]
    fn who_let_an_offer_pass_or_missed_a_heartbeat_is_asked_after_the_others_for_a_while() {
        let mut leases = Leases::default();
        for (number, person) in [(1, "acted"), (2, "missed"), (3, "well")] {
            leases.connected(number, page(person, 0));
        }
        let (one, two) = (recording("one"), recording("two"));
        leases.acted(&one, "acted", None);
        leases.acted(&two, "acted", None);
        leases.exists(&one, true);
        assert_eq!(leases.offers(real(0)), [(1, vec![one.clone()])]);
        for (client, beat) in [(1, 2_000), (2, 400), (3, 2_000)] {
            leases.beat(client, real(beat));
        }
        // It had its 300 ms; the second one missed a heartbeat.
        assert_eq!(leases.offers(real(2_000)), [(3, vec![one])]);
        leases.exists(&two, true);
        assert_eq!(leases.offers(real(2_001)), [(3, vec![two.clone()])]);
        for client in [1, 2, 3] {
            leases.beat(client, real(13_000));
        }
        leases.exists(&two, false);
        leases.acted(&two, "acted", None);
        leases.exists(&two, true);
        let asked = leases.offers(real(13_000)).into_iter().find(|(_, ids)| ids.contains(&two));
        assert_eq!(asked.map(|(client, _)| client), Some(1), "who acted on it comes first again");
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
