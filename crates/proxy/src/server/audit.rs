//! Who did or tried what, as the audit keeps it (`docs/audit.md`).
//!
//! One middleware around everything begins what is to be audited, and whoever knows more on the way adds it. A command is
//! audited by the switchboard in the transaction that writes what it led to; what is left over is noted here before it is
//! answered: refusals, attempts by nobody, and what leads to no entry. Of what repeats a few are kept one by one and the rest
//! is counted, so that a flood fills no disk.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use agora::Timestamp;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::rejection::QueryRejection;
use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use rules::RecordingId;
use rules::api::{AuditOutcome, AuditRecord};
use serde::Deserialize;
use switchboard::audit::Asking;
use switchboard::ports::AuditFilter;

use super::Server;
use super::answer::{Answer, Kind, Refused, json};
use super::desk::Desk;
use super::signed::{self, Peer, Signed};

/// How many records of one kind are kept one by one within a [`WINDOW`].
const OF_A_KIND: u32 = 5;

/// How many are kept one by one within a [`WINDOW`] in all.
const IN_ALL: u32 = 60;

/// How many kinds are counted each by itself within a [`WINDOW`]; what is beyond is counted together.
const KINDS_MAX: usize = 50;

/// After this real time what was counted is written, and counting begins anew.
const WINDOW: Duration = Duration::from_secs(60);

/// The longest path that a record keeps, in characters.
const PATH_MAX: usize = 200;

/// The most records on one page, and how many there are if nothing is said.
const PAGE_MAX: usize = 500;
const PAGE: usize = 100;

tokio::task_local! {
    /// What the request that this task answers is audited as.
    static PENDING: Arc<Pending>;
}

/// What a request is worth to the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// Only that nobody could do it: who reads is not audited.
    Denials,
    /// What is refused: what is done is audited with what it leads to.
    Refusals,
    /// Everything.
    All,
}

/// What is known of a request so far.
#[derive(Debug)]
pub(crate) struct Pending {
    known: Mutex<(Asking, Worth)>,
    /// The switchboard audited it with what it led to.
    written: AtomicBool,
}

impl Pending {
    fn known(&self) -> MutexGuard<'_, (Asking, Worth)> {
        // Nothing in here is left half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who asks, for the switchboard; none for what only reads.
    pub(crate) fn asking(&self) -> Option<Asking> {
        let known = self.known();
        (known.1 > Worth::Denials).then(|| known.0.clone())
    }

    /// The switchboard audited it.
    pub(crate) fn is_written(&self) {
        self.written.store(true, Ordering::Relaxed);
    }
}

/// What the request that this task answers is audited as, if it is one.
pub(crate) fn pending() -> Option<Arc<Pending>> {
    PENDING.try_with(Arc::clone).ok()
}

fn know(change: impl FnOnce(&mut (Asking, Worth))) {
    if let Some(pending) = pending() {
        change(&mut pending.known());
    }
}

/// This request is about this App ID, which its address does not tell.
pub(crate) fn about_app(app: &str) {
    know(|(asking, _)| asking.app = Some(app.to_owned()));
}

/// This request changes nothing at the service: only that it was denied is worth a record.
pub(crate) fn is_routine() {
    know(|(_, worth)| *worth = Worth::Denials);
}

/// What this request leads to is audited when it is written; here it is worth a record only when it is refused.
pub(crate) fn is_audited_later() {
    know(|(_, worth)| *worth = Worth::Refusals);
}

/// This request comes from the service, not from a person, and is in the journal when it is taken.
pub(crate) fn is_of_the_service() {
    know(|(asking, worth)| {
        (asking.who, asking.role, *worth) = (String::new(), None, Worth::Refusals);
    });
}

/// This request only reads, and is worth a record all the same.
pub(crate) fn is_worth_it() {
    know(|(_, worth)| *worth = Worth::All);
}

/// Around everything: notes what came of a request, unless the switchboard did.
pub(crate) async fn audited(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with("/api/") {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let known_route = route.filter(|route| *route != "/api/{*path}");
    let mut within = path.strip_prefix("/api/v1/").unwrap_or_default().split('/');
    let (first, second) = (within.next().unwrap_or_default(), within.next());
    let asking = Asking {
        from: peer.map(|ConnectInfo(peer)| peer.0.ip().to_string()).unwrap_or_default(),
        action: format!("{} {}", request.method(), known_route.unwrap_or("unknown")),
        app: second.filter(|_| first == "notifications").map(str::to_owned),
        recording: second
            .filter(|name| first == "recordings" && *name != "adopt")
            .and_then(RecordingId::parse),
        about: match known_route {
            Some(route) if route.matches('{').count() < 2 => String::new(),
            _ => path.chars().take(PATH_MAX).collect(),
        },
        ..Asking::default()
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // Who is signed in is asked by everybody who is not.
    let asks_who = reads && route == Some("/api/v1/me");
    let worth = if reads { Worth::Denials } else { Worth::All };
    let pending = Arc::new(Pending { known: Mutex::new((asking, worth)), written: AtomicBool::new(false) });
    let response = PENDING.scope(pending.clone(), next.run(request)).await;
    if pending.written.load(Ordering::Relaxed) || asks_who {
        return response;
    }
    let status = response.status();
    let denied = matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::MISDIRECTED_REQUEST
            | StatusCode::TOO_MANY_REQUESTS
    );
    let refused = status.is_client_error() || status.is_server_error();
    let (asking, worth) = pending.known().clone();
    let noted = match worth {
        Worth::Denials => denied,
        Worth::Refusals => refused,
        Worth::All => true,
    };
    if noted {
        let outcome = if refused { AuditOutcome::Refused } else { AuditOutcome::Done };
        let kind = response.extensions().get::<Kind>().map(|Kind(kind)| kind.clone()).unwrap_or_default();
        let record = AuditRecord {
            status: Some(status.as_u16()),
            kind,
            ..asking.record(outcome, Timestamp::default())
        };
        server.floods.note(&server.desk, record).await;
    }
    response
}

/// Within what finds out who is behind a request: takes it down.
pub(crate) async fn with_person(request: Request, next: Next) -> Response {
    let known = request.extensions();
    if let Some(signed::From(from)) = known.get::<signed::From>() {
        know(|(asking, _)| asking.from = from.to_string());
    }
    if let Some(Signed { person, sign_in, from }) = known.get::<Signed>() {
        know(|(asking, _)| {
            asking.who.clone_from(&person.name);
            asking.role = Some(person.role);
            asking.sign_in = sign_in.as_deref().unwrap_or_default().to_owned();
            asking.from = from.to_string();
        });
    }
    next.run(request).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    before: Option<u64>,
    limit: Option<usize>,
    app: Option<String>,
    recording: Option<String>,
    #[serde(default)]
    who: String,
    #[serde(default)]
    refused: bool,
}

/// One page of the audit.
pub(crate) async fn page(
    State(server): State<Arc<Server>>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Answer {
    let Query(query) = query.map_err(|error| Refused::bad_request(error.body_text()))?;
    let wrong = || Refused::bad_request("`recording` is no name of a recording.");
    let recording = query.recording.map(|id| RecordingId::parse(id).ok_or_else(wrong)).transpose()?;
    let apps = query.app.map(|app| vec![app]);
    let filter = AuditFilter { apps, recording, who: query.who, refused: query.refused };
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let page =
        server.desk.ask(move |switchboard, _| switchboard.audit_page(&filter, query.before, limit)).await?;
    match page {
        Ok(page) => Ok(json(StatusCode::OK, &page)),
        Err(error) => {
            let title = format!("The audit cannot be read: {error}.");
            Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "journal_unreadable", title))
        }
    }
}

/// What is noted by itself: a few one by one, the rest counted.
#[derive(Debug, Default)]
pub(crate) struct Floods {
    window: Mutex<Option<Counting>>,
}

/// What makes two records one kind: who, where, what, and what came of it.
type KindOf = (String, String, String, Option<u16>, String);

#[derive(Debug)]
struct Counting {
    since: Instant,
    kept: u32,
    of_kinds: BTreeMap<KindOf, u32>,
    /// Those that were counted, the first of each kind.
    counted: BTreeMap<KindOf, AuditRecord>,
    /// Beyond all of these.
    beyond: u64,
}

impl Counting {
    const fn new(since: Instant) -> Self {
        Self { since, kept: 0, of_kinds: BTreeMap::new(), counted: BTreeMap::new(), beyond: 0 }
    }

    /// Gives the record back if it is to be kept as it is.
    fn take(&mut self, record: AuditRecord) -> Option<AuditRecord> {
        let kind = (
            record.who.clone(),
            record.from.clone(),
            record.action.clone(),
            record.status,
            record.kind.clone(),
        );
        let room = self.of_kinds.len() < KINDS_MAX;
        let same = self.of_kinds.get(&kind).copied().unwrap_or_default();
        if same < OF_A_KIND && self.kept < IN_ALL && (same > 0 || room) {
            self.of_kinds.insert(kind, same + 1);
            self.kept += 1;
            return Some(record);
        }
        if let Some(counted) = self.counted.get_mut(&kind) {
            counted.more += 1;
        } else if self.counted.len() < KINDS_MAX {
            self.counted.insert(kind, AuditRecord { more: 1, about: String::new(), ..record });
        } else {
            self.beyond += 1;
        }
        None
    }

    fn summaries(self) -> Vec<AuditRecord> {
        let mut records: Vec<AuditRecord> = self.counted.into_values().collect();
        if self.beyond > 0 {
            let asking = Asking { action: "others".to_owned(), ..Asking::default() };
            let record = asking.record(AuditOutcome::Refused, Timestamp::default());
            records.push(AuditRecord { more: self.beyond, ..record });
        }
        records
    }
}

impl Floods {
    fn window(&self) -> MutexGuard<'_, Option<Counting>> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes this down, or counts it.
    async fn note(&self, desk: &Desk, record: AuditRecord) {
        let mut records = self.summaries(Instant::now());
        records.extend(self.window().get_or_insert_with(|| Counting::new(Instant::now())).take(record));
        if !records.is_empty() {
            // It fails only when the program ends.
            let _ = desk.ask(move |switchboard, now| switchboard.audit(records, now)).await;
        }
    }

    /// What was counted in a window that is over.
    fn summaries(&self, now: Instant) -> Vec<AuditRecord> {
        let over = self.window().take_if(|window| now.duration_since(window.since) >= WINDOW);
        over.map(Counting::summaries).unwrap_or_default()
    }

    /// Writes what was counted: when its window is over, or at once where the program ends.
    pub(crate) fn flush(&self, desk: &Desk, ends: bool) {
        let now = Instant::now();
        let records = if ends {
            self.window().take().map(Counting::summaries).unwrap_or_default()
        } else {
            self.summaries(now)
        };
        if !records.is_empty() {
            desk.tell(move |switchboard, now| switchboard.audit(records, now));
        }
    }
}

/// Writes what was counted, window by window, for as long as the desk runs.
pub(crate) async fn tend(server: Arc<Server>) {
    let mut rounds = tokio::time::interval(WINDOW / 4);
    loop {
        rounds.tick().await;
        server.floods.flush(&server.desk, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(who: &str, status: u16) -> AuditRecord {
        let asking =
            Asking { who: who.to_owned(), action: "POST /api/v1/recordings".to_owned(), ..Asking::default() };
        AuditRecord { status: Some(status), ..asking.record(AuditOutcome::Refused, Timestamp::default()) }
    }

    #[test]
    fn a_flood_of_refusals_is_counted_and_not_kept_one_by_one() {
        let mut window = Counting::new(Instant::now());
        let kept = (0..100_000).filter_map(|_| window.take(record("Somebody", 403))).count();
        assert_eq!(kept, OF_A_KIND as usize);
        // Somebody else's are kept beside it.
        assert!(window.take(record("Other", 403)).is_some());
        let summaries = window.summaries();
        assert_eq!(summaries.len(), 1);
        assert_eq!(summaries[0].more, 100_000 - u64::from(OF_A_KIND));
        assert_eq!(summaries[0].who, "Somebody");
    }

    #[test]
    fn a_flood_from_everywhere_is_bounded_too_and_nothing_goes_uncounted() {
        let mut window = Counting::new(Instant::now());
        let all = 50_000;
        let kept =
            (0..all).filter_map(|number| window.take(record(&format!("Nobody {number}"), 401))).count();
        assert!(kept <= IN_ALL as usize, "{kept}");
        let summaries = window.summaries();
        assert!(summaries.len() <= KINDS_MAX + 1, "{}", summaries.len());
        let counted: u64 = summaries.iter().map(|record| record.more).sum();
        assert_eq!(counted + kept as u64, all);
    }

    #[test]
    fn what_was_counted_is_written_when_its_minute_is_over() {
        let floods = Floods::default();
        let begun = Instant::now();
        *floods.window() = Some(Counting::new(begun));
        for _ in 0..20 {
            let _ = floods.window().as_mut().expect("begun").take(record("Somebody", 401));
        }
        assert_eq!(floods.summaries(begun + WINDOW / 2), []);
        let summaries = floods.summaries(begun + WINDOW);
        assert_eq!(summaries.first().map(|record| record.more), Some(u64::from(20 - OF_A_KIND)));
        assert_eq!(floods.summaries(begun + WINDOW * 2), [], "once");
    }
}
