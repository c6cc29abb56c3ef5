//! What people ask for. A command is one entry; it also gives the lease to the page that it came from.

use std::collections::BTreeSet;
use std::time::Duration;

use agora::check::{Check, Finding, check_layout, check_settings, check_update};
use agora::request::UpdateSettings;
use agora::{Mode, Operation, Sid, Uid};
use rules::api::{AdoptRecording, Asked, ChangeLayout, ChangeUpdate, Problem, RequestRecording, Written};
use rules::journal::{
    Acknowledged, Adopted, By, ClientNumber, Dismissed, LayoutRequested, PolicyChanged, RULES_VERSION,
    Requested, StopRequested, Uids, UpdateRequested,
};
use rules::{Call, EntryNumber, Fact, Policy, Recording, RecordingId, RuleId, SessionNumber};

use crate::ledger::Kept;
use crate::ports::KeyUse;
use crate::{Actor, AppConfig, Draft, Now, Switchboard, no_recording, problem, unwritable};

/// How long an `Idempotency-Key` is remembered, in the journal's time.
const KEY_LIVES: Duration = Duration::from_secs(72 * 3_600);

/// Who asks for a recording no later than this after somebody else asked for the same, in real time, cannot have seen that:
/// both wish for one (S10), also where the first is started by then.
const SAME_WISH: Duration = Duration::from_secs(2);

/// How many starts one person may ask for in a minute of the journal's time.
const STARTS_A_MINUTE: usize = 10;

/// The longest time in which a stop can be taken back, in real time.
pub const UNDO_MAX: Duration = Duration::from_secs(60);

/// How many changes one recording can have (U1): they are kept for as long as it runs.
const CHANGES_MAX: usize = 500;

/// The longest reason for a stop or a dismissal, in characters.
const REASON_CHARACTERS_MAX: usize = 500;

/// A command about one recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Stop all of it, or one session (T7).
    Stop {
        /// The session; none: the whole recording.
        session: Option<SessionNumber>,
        /// For how long it can be taken back, in real time. Nothing is sent before.
        undo: Duration,
        /// The stops that the page that presses wants sent then. Kept here, so that they leave although it is gone.
        calls: Vec<Call>,
        /// Why, if a reason was given.
        reason: String,
    },
    /// Take the stop back before it is due.
    WithdrawStop,
    /// Another policy, by name.
    ChangePolicy(String),
    /// Change what its sessions subscribe to, hold a page, or give them new storage credentials (U1).
    Update(Box<ChangeUpdate>),
    /// Another layout (U2).
    Layout(Box<ChangeLayout>),
    /// Go on where it waits for staff.
    TryAgain,
    /// The next query now.
    Hurry,
    /// This possible orphan is the session of that `sid` (S9).
    Adopt {
        /// The session.
        session: SessionNumber,
        /// The recording ID that an unmatched notification named.
        sid: Sid,
    },
    /// The alarm that this entry raised was seen.
    Acknowledge(EntryNumber),
    /// Take a possible orphan, or a session out of control, off the board.
    Dismiss {
        /// The session.
        session: SessionNumber,
        /// Why.
        reason: String,
    },
}

/// Which recordings a page of the list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this App ID.
    pub app: Option<String>,
    /// Only those that are not settled, or only those that are.
    pub live: Option<bool>,
    /// Whose channel's name holds this text.
    pub channel: Option<String>,
    /// Which were ever known by each of these words, or parts of names, in whatever case: [`Filter::finding`].
    pub find: Vec<String>,
}

impl Filter {
    /// Whose channel, id, UIDs, recording IDs, resource IDs and file names hold every word of this text.
    #[must_use]
    pub fn finding(mut self, text: &str) -> Self {
        self.find = text.split_whitespace().map(str::to_lowercase).collect();
        self
    }

    pub(crate) fn fits(&self, kept: &Kept) -> bool {
        let recording = &kept.folded;
        self.app.as_ref().is_none_or(|app| *app == recording.app)
            && self.live.is_none_or(|live| live != recording.settled())
            && self.channel.as_ref().is_none_or(|text| recording.channel.as_str().contains(text.as_str()))
            && self.find.iter().all(|word| kept.is_known_by(word))
    }
}

impl Switchboard {
    /// Staff ask for a recording. `entropy` becomes its id.
    ///
    /// # Errors
    /// The refusal, which says what to change. Then nothing was written.
    pub fn asked(
        &mut self,
        actor: &Actor,
        key: &str,
        ask: &RequestRecording,
        entropy: [u8; 16],
        now: Now,
    ) -> Result<Asked, Problem> {
        let client = self.proven_client(actor)?;
        let key_use = self.key_use(actor, key, ask, now)?;
        if let Some(asked) = self.asked_before(&key_use)? {
            return Ok(asked);
        }
        let app = self.app(&ask.app)?;
        let (policy_name, policy) = self.policy(ask.policy.as_deref())?;
        check_request(app, ask)?;
        let board = self.ledger.boards.entry(ask.app.clone()).or_default();
        let starting = board.starting(&ask.channel, ask.settings.mode).cloned();
        if let Some(first) = starting.or_else(|| self.same_wish(ask, now)) {
            // S10: a second request meanwhile is not queued, it is answered with the first one.
            let key_use = KeyUse { recording: first.clone(), ..key_use };
            self.write(Vec::new(), Some(key_use), now).map_err(|error| unwritable(&error))?;
            return Ok(Asked { recording: first, existing: true });
        }
        let app = self.app(&ask.app)?.clone();
        let uids = self.choose_uids(&app, ask)?;
        let board = self.ledger.boards.entry(ask.app.clone()).or_default();
        rules::permits_request(board, &ask.channel, ask.settings.mode, &uids, ask.beside).map_err(
            |refusal| {
                let (status, kind) = match refusal.rule {
                    Some(RuleId::S10) => (409, "beside"),
                    _ => (422, "uids"),
                };
                Problem { rule: refusal.rule, ..problem(status, kind, refusal.sentence) }
            },
        )?;
        if ask.assured {
            rules::permits_pair(&uids).map_err(|refusal| Problem {
                rule: refusal.rule,
                ..problem(422, "uids", refusal.sentence)
            })?;
        }
        rules::permits_policy(board, &policy).map_err(|refusal| unfit(&refusal))?;
        let requested = Requested {
            app: ask.app.clone(),
            channel: ask.channel.clone(),
            uids,
            storage: ask.storage.clone(),
            settings: ask.settings.clone(),
            policy_name,
            policy,
            rules: RULES_VERSION,
            watched: false,
            assured: ask.assured,
        };
        self.count_start(&actor.person, now)?;
        let facts = vec![Fact::Requested(Box::new(requested))];
        self.begin(actor, client, key_use, facts, entropy, now)
    }

    /// Staff want a recording watched that already runs.
    ///
    /// # Errors
    /// The refusal, which says what to change. Then nothing was written.
    pub fn adopted(
        &mut self,
        actor: &Actor,
        key: &str,
        adopt: &AdoptRecording,
        entropy: [u8; 16],
        now: Now,
    ) -> Result<Asked, Problem> {
        let client = self.proven_client(actor)?;
        let key_use = self.key_use(actor, key, adopt, now)?;
        if let Some(asked) = self.asked_before(&key_use)? {
            return Ok(asked);
        }
        let app = self.app(&adopt.app)?.clone();
        if !app.modes.contains(&adopt.mode) {
            return Err(wrong_mode(&app));
        }
        let has_sid = |recording: &Recording| {
            recording.app == adopt.app
                && recording.sessions.iter().any(|session| session.sid.as_ref() == Some(&adopt.sid))
        };
        let known = self.ledger.recordings.values().find(|kept| has_sid(&kept.folded));
        if let Some(known) = known.map(|kept| kept.folded.id.clone()) {
            let title = format!("The session {} is already watched, as recording {known}.", adopt.sid);
            return Err(problem(409, "watched", title));
        }
        let Some(storage) = app.storage.first().cloned() else {
            return Err(problem(422, "bad_request", format!("{} has no storage profile.", app.name)));
        };
        let (policy_name, policy) = self.policy(None)?;
        let mut free = self.free_uids(&app, &adopt.channel, &[adopt.uid]).into_iter();
        let Some(backup) = free.next() else { return Err(no_uids(&app)) };
        let settings = agora::RecordingSettings { mode: adopt.mode, ..agora::RecordingSettings::default() };
        let requested = Requested {
            app: adopt.app.clone(),
            channel: adopt.channel.clone(),
            uids: Uids { original: adopt.uid, backup, reserves: free.take(2).collect() },
            storage,
            settings,
            policy_name,
            policy,
            rules: RULES_VERSION,
            watched: true,
            assured: false,
        };
        let adopted = Adopted {
            session: 1,
            uid: adopt.uid,
            resource_id: adopt.resource_id.clone(),
            sid: adopt.sid.clone(),
        };
        let facts = vec![Fact::Requested(Box::new(requested)), Fact::Adopted(adopted)];
        self.begin(actor, client, key_use, facts, entropy, now)
    }

    /// A person's command about one recording. Said twice, it is written once.
    ///
    /// # Errors
    /// The refusal, which says why. Then nothing was written.
    pub fn commanded(
        &mut self,
        actor: &Actor,
        id: &RecordingId,
        command: &Command,
        now: Now,
    ) -> Result<Written, Problem> {
        let client = self.proven_client(actor)?;
        let starts = matches!(command, Command::TryAgain);
        let fact = match self.fact_of(id, command, now)? {
            Said::New(fact) => *fact,
            Said::Before(number) => return Ok(Written { number }),
        };
        if starts {
            self.count_start(&actor.person, now)?;
        }
        let mut drafts = vec![Draft { recording: id.clone(), by: By::Staff(actor.person.clone()), fact }];
        drafts.extend(client.and_then(|client| self.lease_draft(id, client)));
        let numbers = self.write(drafts, None, now).map_err(|error| unwritable(&error))?;
        self.leases.acted(id, &actor.person, client);
        if let (Some(client), Some(_)) = (client, numbers.get(1)) {
            self.grant(id, client);
        }
        self.update_lease_of(id);
        match command {
            Command::Stop { calls, .. } => self.keep_stops(actor, client, id, calls, now),
            // What could be taken back is taken back.
            Command::WithdrawStop => self.forget_kept_stops(id),
            _ => {}
        }
        self.pump(now);
        Ok(Written { number: numbers.first().copied().unwrap_or_default() })
    }

    fn fact_of(&self, id: &RecordingId, command: &Command, now: Now) -> Result<Said, Problem> {
        let recording = self.recording(id).ok_or_else(|| no_recording(id))?;
        let at = self.journal_now(now);
        let no_session = |number: SessionNumber| {
            problem(404, "no_session", format!("Recording {id} has no session {number}."))
        };
        let fact = match command {
            Command::Stop { session, undo, calls, reason } => {
                for_a_stop(*session, calls)?;
                if reason.trim().chars().count() > REASON_CHARACTERS_MAX {
                    let title =
                        format!("Give a reason of at most {REASON_CHARACTERS_MAX} characters, or none.");
                    return Err(problem(422, "bad_request", title));
                }
                if let Some(stop) = &recording.stop {
                    return Ok(Said::Before(stop.entry));
                }
                if let Some(number) = session {
                    let session = recording.session(*number).ok_or_else(|| no_session(*number))?;
                    if session.stop_asked.is_some() {
                        return Ok(Said::Before(recording.last));
                    }
                }
                if recording.settled() {
                    let title = "Nothing of this recording runs any more, so there is nothing to stop.";
                    return Err(problem(409, "not_running", title));
                }
                let undo = (*undo).min(UNDO_MAX) * self.config.clock_rate.max(1);
                Fact::StopRequested(StopRequested {
                    session: *session,
                    not_before: at + undo,
                    reason: reason.trim().to_owned(),
                })
            }
            Command::WithdrawStop => {
                let Some(stop) = &recording.stop else {
                    return Err(problem(409, "no_stop", "No stop was asked for."));
                };
                if at >= stop.not_before {
                    return Err(problem(409, "too_late", "The stop was already due, so it stays."));
                }
                Fact::StopWithdrawn
            }
            Command::ChangePolicy(name) => {
                let (name, policy) = self.policy(Some(name))?;
                if recording.policy == policy && recording.policy_name == name {
                    return Ok(Said::Before(recording.last));
                }
                if let Some(board) = self.ledger.boards.get(&recording.app) {
                    rules::permits_policy(board, &policy).map_err(|refusal| unfit(&refusal))?;
                }
                Fact::PolicyChanged(PolicyChanged { name, policy })
            }
            Command::Update(update) => {
                self.can_change(id, recording)?;
                let ChangeUpdate { settings, storage } = update.as_ref();
                if *settings == UpdateSettings::default() && storage.is_none() {
                    return Err(problem(
                        422,
                        "bad_request",
                        "Say what is to be changed: the body asks for nothing.",
                    ));
                }
                blocked(check_update(recording.mode, settings))?;
                if let Some(storage) = storage {
                    has_storage(self.app(&recording.app)?, storage)?;
                }
                Fact::UpdateRequested(Box::new(UpdateRequested {
                    settings: settings.clone(),
                    storage: storage.clone(),
                }))
            }
            Command::Layout(change) => {
                self.can_change(id, recording)?;
                if recording.mode != Mode::Mix {
                    return Err(problem(422, "bad_request", "Only a composed picture has a layout."));
                }
                blocked(check_layout(&change.layout))?;
                Fact::LayoutRequested(Box::new(LayoutRequested { layout: change.layout.clone() }))
            }
            Command::TryAgain => {
                if recording.waiting.is_none() {
                    return Err(problem(409, "not_waiting", "This recording does not wait for anybody."));
                }
                Fact::TryAgainRequested
            }
            Command::Hurry => {
                if recording.settled() {
                    return Err(problem(409, "not_running", "Nothing of this recording runs any more."));
                }
                Fact::Hurried
            }
            Command::Adopt { session, sid } => {
                let known = recording.session(*session).ok_or_else(|| no_session(*session))?;
                if known.sid.as_ref() == Some(sid) {
                    return Ok(Said::Before(recording.last));
                }
                let orphan = known.sid.is_none() && !known.may_run.is_no() && !known.dismissed;
                let Some(resource) = known.resource.as_ref().filter(|_| orphan) else {
                    let title =
                        format!("Session {session} is no possible orphan: there is nothing to adopt.");
                    return Err(Problem { rule: Some(RuleId::S9), ..problem(409, "no_orphan", title) });
                };
                if !self.is_unmatched(&recording.app, sid) {
                    let title =
                        format!("No unmatched notification names {sid}, or a session has it already.");
                    return Err(Problem { rule: Some(RuleId::S9), ..problem(409, "no_orphan", title) });
                }
                let resource_id = resource.id.clone();
                Fact::Adopted(Adopted { session: *session, uid: known.uid, resource_id, sid: sid.clone() })
            }
            Command::Acknowledge(alarm) => {
                let known = recording.alarms.iter().find(|known| known.entry == *alarm);
                match known {
                    None => {
                        let title = format!("Entry {alarm} of recording {id} raised no alarm.");
                        return Err(problem(404, "no_alarm", title));
                    }
                    Some(known) if known.acknowledged => return Ok(Said::Before(recording.last)),
                    Some(_) => Fact::Acknowledged(Acknowledged { alarm: *alarm }),
                }
            }
            Command::Dismiss { session, reason } => {
                let known = recording.session(*session).ok_or_else(|| no_session(*session))?;
                let length = reason.trim().chars().count();
                if length == 0 || length > REASON_CHARACTERS_MAX {
                    let title = format!("Give a reason of 1 to {REASON_CHARACTERS_MAX} characters.");
                    return Err(problem(422, "bad_request", title));
                }
                if known.dismissed {
                    return Ok(Said::Before(recording.last));
                }
                Fact::Dismissed(Dismissed { session: *session, reason: reason.trim().to_owned() })
            }
        };
        Ok(Said::New(Box::new(fact)))
    }

    /// Whether what staff ask for can still reach a session.
    fn can_change(&self, id: &RecordingId, recording: &Recording) -> Result<(), Problem> {
        if recording.stop.is_some() {
            return Err(problem(409, "stopping", "A stop was asked for, so nothing is changed any more."));
        }
        if recording.settled() {
            return Err(problem(409, "not_running", "Nothing of this recording runs any more."));
        }
        let changes = self.ledger.recordings.get(id).map_or(0, |kept| kept.changes.len());
        if changes >= CHANGES_MAX {
            let title = format!(
                "This recording was changed {CHANGES_MAX} times, which is the limit: start another one."
            );
            return Err(problem(409, "too_many_changes", title));
        }
        Ok(())
    }

    /// The recording of the same channel and mode that somebody asked for a moment ago, unless another one beside it is meant.
    fn same_wish(&self, ask: &RequestRecording, now: Now) -> Option<RecordingId> {
        let since = self.journal_now(now) - SAME_WISH * self.config.clock_rate.max(1);
        let board = self.ledger.boards.get(&ask.app).filter(|_| !ask.beside)?;
        let live = board.in_channel(&ask.channel).filter_map(|id| self.recording(id));
        let mut same = live.filter(|recording| recording.mode == ask.settings.mode && recording.is_wanted());
        same.find(|recording| recording.asked_at >= since).map(|recording| recording.id.clone())
    }

    /// Writes the first entries of a new recording, and gives its lease to the page that asked.
    fn begin(
        &mut self,
        actor: &Actor,
        client: Option<ClientNumber>,
        key_use: KeyUse,
        facts: Vec<Fact>,
        entropy: [u8; 16],
        now: Now,
    ) -> Result<Asked, Problem> {
        let id = self.new_id(entropy)?;
        let by = By::Staff(actor.person.clone());
        let draft = |fact| Draft { recording: id.clone(), by: by.clone(), fact };
        let mut drafts: Vec<Draft> = facts.into_iter().map(draft).collect();
        let lease = client.and_then(|client| self.lease_draft(&id, client));
        let leased = lease.is_some();
        drafts.extend(lease);
        let key_use = KeyUse { recording: id.clone(), ..key_use };
        self.write(drafts, Some(key_use), now).map_err(|error| unwritable(&error))?;
        self.leases.acted(&id, &actor.person, client);
        if let Some(client) = client.filter(|_| leased) {
            self.grant(&id, client);
        }
        self.pump(now);
        Ok(Asked { recording: id, existing: false })
    }

    /// Sixty bits in letters and digits that cannot be mistaken for one another.
    fn new_id(&self, entropy: [u8; 16]) -> Result<RecordingId, Problem> {
        const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let text: String =
            entropy.iter().take(12).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
        RecordingId::parse(text)
            .filter(|id| !self.ledger.recordings.contains_key(id))
            .ok_or_else(|| problem(503, "no_id", "No free name was found for the recording. Try again."))
    }

    fn key_use(
        &self,
        actor: &Actor,
        key: &str,
        body: &impl serde::Serialize,
        now: Now,
    ) -> Result<KeyUse, Problem> {
        let body = serde_json::to_string(body)
            .map_err(|error| problem(422, "bad_request", format!("The body cannot be kept: {error}")))?;
        // Filled in by whoever writes it.
        let recording = RecordingId::parse("none").expect("four letters are an id");
        let at = self.journal_now(now);
        Ok(KeyUse { person: actor.person.clone(), key: key.to_owned(), body, recording, at })
    }

    /// What this key led to before.
    fn asked_before(&mut self, key_use: &KeyUse) -> Result<Option<Asked>, Problem> {
        let since = key_use.at - KEY_LIVES;
        let known = self.store.key_use(&key_use.person, &key_use.key, since);
        match known.map_err(|error| unwritable(&error))? {
            None => Ok(None),
            Some(known) if known.body == key_use.body => {
                Ok(Some(Asked { recording: known.recording, existing: true }))
            }
            Some(_) => {
                let title = "This Idempotency-Key was used with another body: send a new key.";
                Err(problem(422, "key_reused", title))
            }
        }
    }

    pub(crate) fn app(&self, name: &str) -> Result<&AppConfig, Problem> {
        self.config.apps.iter().find(|app| app.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.config.apps.iter().map(|app| app.name.as_str()).collect();
            let title = format!("There is no App ID {name:?}; the configuration has {}.", names.join(", "));
            problem(422, "bad_request", title)
        })
    }

    fn policy(&self, name: Option<&str>) -> Result<(String, Policy), Problem> {
        let named = match name {
            None => self.config.policies.first(),
            Some(name) => self.config.policies.iter().find(|policy| policy.name == name),
        };
        named.map(|named| (named.name.clone(), named.policy.clone())).ok_or_else(|| {
            let names: Vec<&str> = self.config.policies.iter().map(|policy| policy.name.as_str()).collect();
            let title = format!("There is no such policy; the configuration has {}.", names.join(", "));
            problem(422, "bad_request", title)
        })
    }

    /// The four UIDs (S11): those that were asked for if they are free, else free ones of the range.
    fn choose_uids(&self, app: &AppConfig, ask: &RequestRecording) -> Result<Uids, Problem> {
        let Some((original, backup)) = ask.uids else {
            let mut free = self.free_uids(app, &ask.channel, &[]).into_iter();
            let (Some(original), Some(backup)) = (free.next(), free.next()) else { return Err(no_uids(app)) };
            return Ok(Uids { original, backup, reserves: free.take(2).collect() });
        };
        let (first, last) = app.uid_range;
        let refuse = |title: String| Err(Problem { rule: Some(RuleId::S11), ..problem(422, "uids", title) });
        if original == backup {
            return refuse(format!("Both UIDs are {original}: give two different ones."));
        }
        let held = self.uids_in_channel(&app.name, &ask.channel);
        for uid in [original, backup] {
            if !(first..=last).contains(&uid.get()) {
                return refuse(format!("UID {uid} is outside the reserved range {first} to {last}."));
            }
            if held.contains(&uid) {
                return refuse(format!("UID {uid} is in use in this channel: choose another, or none."));
            }
        }
        let reserves = self.free_uids(app, &ask.channel, &[original, backup]).into_iter().take(2).collect();
        Ok(Uids { original, backup, reserves })
    }

    /// UIDs that no recording of this channel has; those that no live recording of the App ID has come first.
    fn free_uids(&self, app: &AppConfig, channel: &agora::ChannelName, without: &[Uid]) -> Vec<Uid> {
        const ENOUGH: usize = 4;
        let in_channel = self.uids_in_channel(&app.name, channel);
        let elsewhere: BTreeSet<Uid> = self.live_uids(|recording| recording.app == app.name);
        let range = || (app.uid_range.0..=app.uid_range.1).filter_map(Uid::new);
        let free = |uid: &Uid| !in_channel.contains(uid) && !without.contains(uid);
        let mut chosen: Vec<Uid> =
            range().filter(|uid| free(uid) && !elsewhere.contains(uid)).take(ENOUGH).collect();
        if chosen.len() < ENOUGH {
            let more: Vec<Uid> = range()
                .filter(|uid| free(uid) && !chosen.contains(uid))
                .take(ENOUGH - chosen.len())
                .collect();
            chosen.extend(more);
        }
        chosen
    }

    fn uids_in_channel(&self, app: &str, channel: &agora::ChannelName) -> BTreeSet<Uid> {
        self.live_uids(|recording| recording.app == app && recording.channel == *channel)
    }

    fn live_uids(&self, fits: impl Fn(&Recording) -> bool) -> BTreeSet<Uid> {
        let live = self.ledger.recordings.values().map(|kept| &kept.folded);
        let live = live.filter(|recording| !recording.settled() && fits(recording));
        live.flat_map(|recording| {
            let Uids { original, backup, reserves } = &recording.uids;
            let sessions = recording.sessions.iter().map(|session| session.uid);
            [*original, *backup].into_iter().chain(reserves.iter().copied()).chain(sessions)
        })
        .collect()
    }

    /// Ten starts a minute for one person.
    fn count_start(&mut self, person: &str, now: Now) -> Result<(), Problem> {
        let minute = Duration::from_secs(60) / self.config.clock_rate.max(1);
        let starts = self.asked_for.entry(person.to_owned()).or_default();
        while starts.front().is_some_and(|at| now.real.saturating_sub(*at) >= minute) {
            starts.pop_front();
        }
        if starts.len() >= STARTS_A_MINUTE {
            let title = format!("You asked for {STARTS_A_MINUTE} starts within a minute: wait a little.");
            return Err(problem(429, "too_many_starts", title));
        }
        starts.push_back(now.real);
        Ok(())
    }
}

/// What comes with a press of stop are stops, of what is to be stopped, each once.
fn for_a_stop(session: Option<SessionNumber>, calls: &[Call]) -> Result<(), Problem> {
    let fits = |call: &Call| {
        call.operation == Operation::Stop
            && call.rule == RuleId::T7
            && session.is_none_or(|number| number == call.session)
    };
    let again =
        |(place, call): (usize, &Call)| calls[..place].iter().any(|before| before.session == call.session);
    if calls.iter().all(fits) && !calls.iter().enumerate().any(again) {
        return Ok(());
    }
    let title = "The calls of a stop are stops by rule T7 of the sessions that it stops, one for each.";
    Err(problem(422, "bad_request", title))
}

enum Said {
    New(Box<Fact>),
    /// It was said before; this entry tells of it.
    Before(EntryNumber),
}

fn check_request(app: &AppConfig, ask: &RequestRecording) -> Result<(), Problem> {
    if !app.modes.contains(&ask.settings.mode) {
        return Err(wrong_mode(app));
    }
    has_storage(app, &ask.storage)?;
    blocked(check_settings(&ask.settings))
}

fn has_storage(app: &AppConfig, name: &str) -> Result<(), Problem> {
    if app.storage.iter().any(|known| known == name) {
        return Ok(());
    }
    let known = app.storage.join(", ");
    let title = format!("{} has no storage profile {name:?}; the configuration has {known}.", app.name);
    Err(problem(422, "bad_request", title))
}

/// The first finding that blocks, as a refusal (S1).
fn blocked(findings: Vec<Finding>) -> Result<(), Problem> {
    let blocks = findings.into_iter().find_map(|finding| match finding.check {
        Check::Blocks(sentence) => Some(sentence),
        Check::Warns(_) => None,
    });
    match blocks {
        Some(sentence) => Err(Problem { rule: Some(RuleId::S1), ..problem(422, "checklist", sentence) }),
        None => Ok(()),
    }
}

fn wrong_mode(app: &AppConfig) -> Problem {
    let modes: Vec<&str> = app.modes.iter().copied().map(Mode::as_str).collect();
    problem(422, "bad_request", format!("{} records in these modes: {}.", app.name, modes.join(", ")))
}

fn no_uids(app: &AppConfig) -> Problem {
    let (first, last) = app.uid_range;
    let title = format!(
        "No two UIDs of the range {first} to {last} are free in this channel: stop a recording, or widen it."
    );
    Problem { rule: Some(RuleId::S11), ..problem(422, "uids", title) }
}

/// A policy that acts on what this App ID has not shown to have (V4).
fn unfit(refusal: &rules::Refusal) -> Problem {
    Problem { rule: refusal.rule, ..problem(409, "policy", refusal.sentence.clone()) }
}
