//! Connections of the stream: what each is told, whether it is alive, and which leases it holds.

use std::time::Duration;

use rules::RecordingId;
use rules::api::{ClaimLeases, FromProxy, Heartbeat, Hello, PROTOCOL, Problem};
use rules::journal::{By, ClientNumber, Leased};
use rules::{BoardFacts, Fact, Recording};

use crate::held::is_being_stopped;
use crate::leases::{Client, Holding};
use crate::ports::StoreError;
use crate::stream::{self, Message, TICK};
use crate::{Actor, Draft, Now, Output, Switchboard, problem, unwritable};

/// How long nothing is due when nobody is connected and nothing waits.
const IDLE_FOR: Duration = Duration::from_secs(60);

/// A client that missed more entries than this gets a snapshot instead.
const RESUME_MAX: usize = 5_000;

/// A connection that was just opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Who is signed in there.
    pub person: String,
    /// Whether that person may act for recordings.
    pub operates: bool,
    /// Whether it is the attendant, and no page.
    pub attendant: bool,
    /// A fresh secret for it.
    pub secret: String,
    /// How far it is, and in which journal; none if it knows nothing.
    pub resume: Option<(String, u64)>,
}

impl Switchboard {
    /// A client connected. It is told hello, and what it does not know yet.
    pub fn connected(&mut self, arrival: Arrival, now: Now) -> ClientNumber {
        let Arrival { person, operates, attendant, secret, resume } = arrival;
        if self.leases.clients().next().is_none() {
            // Heartbeats keep to whole seconds, whoever comes first.
            self.beat_at = Some(next_second(now.real));
        }
        // The others first, so that all of them are equally far.
        let waits = !operates && !self.unsent.is_empty();
        if !waits {
            self.stream_out(now);
        }
        let number = self.next_client;
        self.next_client = self.next_client.saturating_add(1);
        let hello = Hello {
            protocol: PROTOCOL,
            build: self.config.build.clone(),
            journal_id: self.journal_id.clone(),
            client: number,
            secret: secret.clone(),
            now: self.journal_now(now),
            clock_rate: self.config.clock_rate,
        };
        let client = Client { person, secret, operates, attendant, since: now.real, beat_at: now.real };
        self.leases.connected(number, client);
        self.tell(number, Message::new(FromProxy::Hello(hello)), false);
        if waits {
            self.newcomers.push((number, resume));
        } else {
            self.tell_all_of_it(number, resume, now);
        }
        self.offer(now);
        number
    }

    /// What a client does not know yet.
    fn tell_all_of_it(&mut self, client: ClientNumber, resume: Option<(String, u64)>, now: Now) {
        let missed = resume.and_then(|(journal, after)| self.missed(&journal, after, now));
        let frames = missed.unwrap_or_else(|| self.snapshot_frames(now));
        for message in frames {
            self.tell(client, message, false);
        }
    }

    /// A client answered a heartbeat.
    pub fn beat(&mut self, client: ClientNumber, now: Now) {
        self.leases.beat(client, now.real);
    }

    /// A client saw a gap: it gets a snapshot.
    pub fn resync(&mut self, client: ClientNumber, now: Now) {
        let operates = self.leases.client(client).is_some_and(|client| client.operates);
        if !operates && !self.unsent.is_empty() {
            self.newcomers.push((client, None));
            return;
        }
        self.stream_out(now);
        self.tell_all_of_it(client, None, now);
    }

    /// A connection is gone: its leases are free at once.
    pub fn gone(&mut self, client: ClientNumber, now: Now) {
        self.newcomers.retain(|(newcomer, _)| *newcomer != client);
        self.leases.gone(client);
        self.offer(now);
    }

    /// A client takes what it was offered. Gives back what it holds now.
    ///
    /// # Errors
    /// When the request proves no client, or the journal cannot be written.
    pub fn claimed(&mut self, actor: &Actor, claim: &ClaimLeases, now: Now) -> Result<ClaimLeases, Problem> {
        let client = self.proven_client(actor)?.ok_or_else(|| {
            problem(
                403,
                "no_lease",
                "This needs the number and the secret of an open stream, in its two headers.",
            )
        })?;
        let may = |id: &&RecordingId| self.leases.may_claim(id, client, now.real);
        let mut granted: Vec<RecordingId> = claim.recordings.iter().filter(may).cloned().collect();
        granted.sort();
        granted.dedup();
        if let Err(error) = self.write_leases(&granted, client, now) {
            // On a disk that takes nothing, what is being stopped is acted for all the same (D9).
            granted
                .retain(|id| self.recording(id).is_some_and(|recording| is_being_stopped(recording, None)));
            if granted.is_empty() {
                return Err(unwritable(&error));
            }
            self.write_leases(&granted, client, now).map_err(|error| unwritable(&error))?;
        }
        for id in &granted {
            self.grant(id, client);
        }
        let holds =
            |id: &&RecordingId| self.leases.holder(id).is_some_and(|holding| holding.client == client);
        let recordings = claim.recordings.iter().filter(holds).cloned().collect();
        Ok(ClaimLeases { recordings })
    }

    fn write_leases(
        &mut self,
        recordings: &[RecordingId],
        client: ClientNumber,
        now: Now,
    ) -> Result<(), StoreError> {
        let drafts = recordings.iter().filter_map(|id| self.lease_draft(id, client)).collect();
        self.write(drafts, None, now).map(drop)
    }

    /// The client that a request names, if it names one and knows its secret.
    pub(crate) fn proven_client(&self, actor: &Actor) -> Result<Option<ClientNumber>, Problem> {
        let Some((number, secret)) = &actor.client else { return Ok(None) };
        let known = self.leases.client(*number);
        let proven =
            known.is_some_and(|client| client.person == actor.person && same_secret(&client.secret, secret));
        if proven {
            return Ok(Some(*number));
        }
        let title = format!("Client {number} is not an open stream of yours: open the stream again.");
        Err(problem(403, "no_lease", title))
    }

    /// The entry that gives this client the lease, if it does not hold it.
    pub(crate) fn lease_draft(&self, id: &RecordingId, client: ClientNumber) -> Option<Draft> {
        let kept = self.ledger.recordings.get(id);
        if kept.is_some_and(|kept| kept.folded.settled() || kept.folded.unreadable) {
            return None;
        }
        let epoch = kept.map_or(0, |kept| kept.epoch) + 1;
        let known = self.leases.client(client).filter(|client| client.operates)?;
        if self.leases.holder(id).is_some_and(|holding| holding.client == client) {
            return None;
        }
        let holder = known.person.clone();
        let by = By::Client { client, epoch, name: holder.clone() };
        Some(Draft { recording: id.clone(), by, fact: Fact::Leased(Leased { client, epoch, holder }) })
    }

    /// The lease that was just written is this client's.
    pub(crate) fn grant(&mut self, id: &RecordingId, client: ClientNumber) {
        let Some(kept) = self.ledger.recordings.get(id) else { return };
        if kept.folded.settled() || kept.folded.unreadable {
            return;
        }
        let holding = Holding { client, epoch: kept.epoch };
        if let Some(before) = self.leases.granted(id, holding) {
            self.tell_released(before, vec![id.clone()]);
        }
    }

    pub(crate) fn tell_released(&mut self, client: ClientNumber, recordings: Vec<RecordingId>) {
        if self.leases.client(client).is_some() {
            self.tell(client, Message::new(FromProxy::Released(recordings)), true);
        }
    }

    /// Beats, frees the leases of the silent, offers free ones, streams what is new.
    pub(crate) fn tend_clients(&mut self, now: Now) {
        // What comes alone goes at once; what comes in a crowd travels together.
        if now.real >= self.streamed_at + TICK {
            self.stream_out(now);
        }
        for (client, recordings) in self.leases.free_silent(now.real) {
            self.tell_released(client, recordings);
        }
        self.offer(now);
        if self.beat_at.is_none_or(|at| now.real >= at) {
            self.beat_at = Some(next_second(now.real));
            self.beat += 1;
            let heartbeat = Heartbeat {
                now: self.journal_now(now),
                beat: self.beat,
                newest: self.ledger.newest,
                unwritten: self.unwritten(),
            };
            self.tell_all(&Message::new(FromProxy::Heartbeat(heartbeat)));
        }
    }

    /// After how much real time there is something to tell a client.
    pub(crate) fn client_due(&self, now: Now) -> Duration {
        // Nobody hears a heartbeat where nobody is.
        let someone = self.leases.clients().next().is_some();
        let beat = someone.then_some(self.beat_at.unwrap_or_default());
        let stream = (!self.unsent.is_empty()).then_some(self.streamed_at + TICK);
        let instants = [beat, stream, self.leases.next_due()];
        let first = instants.into_iter().flatten().min().unwrap_or(now.real + IDLE_FOR);
        first.saturating_sub(now.real)
    }

    fn offer(&mut self, now: Now) {
        for (client, recordings) in self.leases.offers(now.real) {
            self.tell(client, Message::new(FromProxy::Offer(recordings)), true);
        }
    }

    /// Sends every client what was written since the last time, encoded once.
    pub(crate) fn stream_out(&mut self, now: Now) {
        if self.unsent.is_empty() {
            return;
        }
        let entries = std::mem::take(&mut self.unsent);
        let (after, upto) = (self.streamed, self.ledger.newest);
        self.streamed = upto;
        self.streamed_at = now.real;
        let newcomers = std::mem::take(&mut self.newcomers);
        let is_new = |client: &ClientNumber| newcomers.iter().any(|(newcomer, _)| newcomer == client);
        let numbers = self.leases.clients().map(|(number, _)| number);
        let clients: Vec<ClientNumber> = numbers.filter(|number| !is_new(number)).collect();
        for message in stream::entry_frames(after, upto, self.journal_now(now), entries) {
            for client in &clients {
                self.tell(*client, message.clone(), true);
            }
        }
        for (client, resume) in newcomers {
            self.tell_all_of_it(client, resume, now);
        }
    }

    /// Tells every client the board facts that changed in a way that no entry on the stream tells.
    pub(crate) fn stream_boards(&mut self, now: Now) {
        if self.changed_boards.is_empty() {
            return;
        }
        // What came before goes out before, so that the facts are those of this position.
        self.stream_out(now);
        let changed = std::mem::take(&mut self.changed_boards);
        let boards = self.facts_of(|app| changed.contains(app));
        let message = stream::boards_frame(self.streamed, self.journal_now(now), boards);
        self.tell_all(&message);
    }

    fn facts_of(&self, wanted: impl Fn(&String) -> bool) -> Vec<(String, BoardFacts)> {
        let boards = self.ledger.boards.iter().filter(|(app, _)| wanted(app));
        boards.map(|(app, board)| (app.clone(), board.facts().clone())).collect()
    }

    /// What a client missed, if it comes from this journal and did not miss too much.
    fn missed(&mut self, journal: &str, after: u64, now: Now) -> Option<Vec<Message>> {
        let newest = self.streamed;
        if journal != self.journal_id || after > newest {
            return None;
        }
        let lines = self.lines_after(after, RESUME_MAX + 1).ok()?;
        if lines.len() > RESUME_MAX {
            return None;
        }
        let entries = lines.into_iter().map(stream::without_raw).collect();
        let at = self.journal_now(now);
        let mut frames = stream::entry_frames(after, newest, at, entries);
        frames.push(stream::boards_frame(newest, at, self.facts_of(|_| true)));
        Some(frames)
    }

    /// The live recordings as they are now; encoded once for everybody who asks before the next entry.
    fn snapshot_frames(&mut self, now: Now) -> Vec<Message> {
        let upto = self.streamed;
        if let Some((known, frames)) = &self.snapshot
            && *known == upto
        {
            return frames.clone();
        }
        let live = self.ledger.order.iter().filter_map(|id| self.recording(id));
        let live: Vec<Recording> = live.filter(|recording| !recording.settled()).cloned().collect();
        let boards = self.facts_of(|_| true);
        let frames = stream::snapshot_frames(upto, self.journal_now(now), live, boards);
        self.snapshot = Some((upto, frames.clone()));
        frames
    }

    fn tell_all(&mut self, message: &Message) {
        let clients: Vec<ClientNumber> = self.leases.clients().map(|(number, _)| number).collect();
        for client in clients {
            self.tell(client, message.clone(), true);
        }
    }

    fn tell(&mut self, client: ClientNumber, message: Message, counted: bool) {
        self.outputs.push_back(Output::ToClient { client, message, counted });
    }
}

/// The next whole second of real time: with each a heartbeat goes out, and what changed on the boards.
pub(crate) const fn next_second(real: Duration) -> Duration {
    Duration::from_secs(real.as_secs() + 1)
}

/// Compares without telling by its time how much was right.
fn same_secret(known: &str, given: &str) -> bool {
    let difference = known.bytes().zip(given.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b));
    known.len() == given.len() && difference == 0
}
