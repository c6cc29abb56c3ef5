//! The checker of every journey: what the simulated service received and runs agrees with what the journal says.
//!
//! It agrees when each request in the ledger has exactly one `CallSent` of the same operation, UID, channel, domain and
//! second, each `CallSent` has at most one request, and each live session of the ledger is on the board.
//! The ledger is read before the journal: an entry is durable before its request leaves, so that a call in between
//! cannot be missing.

use crate::{Outcome, Problem, processes};
use agora::{Operation, Timestamp};
use rules::api::{JournalPage, RecordingPage, Setup};
use rules::journal::{CallSent, Fact};
use rules::recording::{Recording, Session};
use serde::Serialize;
use serde::de::DeserializeOwned;
use simulator::{Ledger, LedgerRequest, LedgerSession};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What `cargo xtask agree` takes.
#[derive(clap::Args)]
pub struct Options {
    /// The address of the control desk, such as `http://127.0.0.1:7100`
    #[arg(long)]
    server: String,
    /// The address of the simulated service, any of its listeners
    #[arg(long)]
    simulator: String,
    /// How many requests somebody else sent to the simulated service, by its bare address
    #[arg(long, default_value_t = 0)]
    others: usize,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// How long a request may take from its entry to the service, and how far two readings of one clock may part; in real
/// time, because it is the machine that takes it.
const SAME_SECOND: Duration = Duration::from_secs(1);

/// A session may start or end between the two readings; a disagreement that lasts longer is one.
const SETTLE: Duration = Duration::from_secs(3);

/// Reads both sides and compares them.
pub fn run(options: &Options) -> Outcome {
    let deadline = Instant::now() + SETTLE;
    let comparison = loop {
        let ledger: Ledger = get(&format!("{}/simulator/ledger", options.simulator))?;
        let comparison = compare(&ledger, &read_board(&options.server)?, options.others);
        if comparison.disagreements.is_empty() || Instant::now() > deadline || processes::interrupted() {
            break comparison;
        }
        processes::pause();
    };
    if options.json {
        let text = serde_json::to_string_pretty(&comparison)
            .map_err(|error| Problem::new(format!("The result cannot be written as JSON: {error}.")))?;
        println!("{text}");
    } else {
        for disagreement in &comparison.disagreements {
            println!("{disagreement}");
        }
        println!("{comparison}");
    }
    if comparison.disagreements.is_empty() { Ok(()) } else { Err(Problem::new("")) }
}

/// What the proxy knows.
struct Board {
    clock_rate: u32,
    recordings: Vec<Recording>,
    calls: Vec<Sent>,
    /// Every journal as text, to look for a `sid` in.
    journals: Vec<String>,
}

/// One `CallSent` with what stands around it.
struct Sent {
    at: Timestamp,
    cname: String,
    call: CallSent,
}

fn read_board(server: &str) -> Outcome<Board> {
    let setup: Setup = get(&format!("{server}/api/v1/setup"))?;
    let mut board = Board {
        clock_rate: setup.clock_rate,
        recordings: Vec::new(),
        calls: Vec::new(),
        journals: Vec::new(),
    };
    let mut before = String::new();
    loop {
        let page: RecordingPage = get(&format!("{server}/api/v1/recordings{before}"))?;
        board.recordings.extend(page.recordings);
        match page.next {
            Some(next) => before = format!("?before={next}"),
            None => break,
        }
    }
    for recording in &board.recordings {
        let mut after = 0;
        loop {
            let page: JournalPage =
                get(&format!("{server}/api/v1/recordings/{}/journal?after={after}", recording.id))?;
            let text = serde_json::to_string(&page.entries)
                .map_err(|error| Problem::new(format!("A journal cannot be written as JSON: {error}.")))?;
            board.journals.push(text);
            after = page.entries.last().map_or(after, |entry| entry.number);
            let ends = !page.more || page.entries.is_empty();
            for entry in page.entries {
                if let Fact::CallSent(call) = entry.fact {
                    board.calls.push(Sent {
                        at: entry.at,
                        cname: recording.channel.as_str().to_owned(),
                        call,
                    });
                }
            }
            if ends {
                break;
            }
        }
    }
    Ok(board)
}

fn get<Answer: DeserializeOwned>(address: &str) -> Outcome<Answer> {
    let mut response = ureq::get(address)
        .call()
        .map_err(|error| Problem::new(format!("{address} does not answer: {error}.")))?;
    let text = response
        .body_mut()
        .with_config()
        .limit(u64::MAX)
        .read_to_string()
        .map_err(|error| Problem::new(format!("The answer of {address} cannot be read: {error}.")))?;
    serde_json::from_str(&text)
        .map_err(|error| Problem::new(format!("The answer of {address} is not what it should be: {error}.")))
}

/// The result.
#[derive(Serialize)]
struct Comparison {
    agrees: bool,
    /// Requests that the service received from the control desk.
    requests: usize,
    /// `CallSent` entries in all journals.
    calls: usize,
    /// `CallSent` entries whose request never arrived: refused, no name, a domain that is down.
    calls_without_request: usize,
    /// Requests that came by a bare address, from somebody else.
    others: usize,
    /// Sessions that record or will go on recording.
    live_sessions: usize,
    /// Every session of the ledger, live or not, whose `sid` stands in no journal: its answer never came.
    unknown_sids: Vec<String>,
    disagreements: Vec<Disagreement>,
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: {} requests, {} calls sent ({} without a request), {} live sessions, {} unknown sids",
            if self.agrees { "agrees" } else { "disagrees" },
            self.requests,
            self.calls,
            self.calls_without_request,
            self.live_sessions,
            self.unknown_sids.len()
        )
    }
}

/// One thing that the two sides do not agree on.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Disagreement {
    /// A request of the ledger that no `CallSent` explains.
    RequestWithoutCall {
        number: u64,
        at: i64,
        operation: Option<Operation>,
        cname: Option<String>,
        uid: Option<String>,
        host: String,
    },
    /// A live session that nobody would find.
    SessionNotOnBoard { sid: String, cname: String, uid: String },
    /// Two live sessions in one channel with one UID.
    EqualUids { cname: String, uid: String, sids: Vec<String> },
    /// Other requests than those that were declared.
    Others { declared: usize, came: usize },
    /// The ledger has forgotten requests, so that it proves nothing.
    LedgerIncomplete { dropped_requests: u64 },
}

impl fmt::Display for Disagreement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestWithoutCall { number, at, operation, cname, uid, host } => {
                let operation =
                    operation.map_or_else(|| "a request".to_owned(), |operation| operation.to_string());
                let unknown = || "?".to_owned();
                write!(
                    formatter,
                    "request {number} at {at} ms has no CallSent: {operation}, channel {}, UID {}, to {host}",
                    cname.clone().unwrap_or_else(unknown),
                    uid.clone().unwrap_or_else(unknown)
                )
            }
            Self::SessionNotOnBoard { sid, cname, uid } => {
                write!(formatter, "session {sid} is live and not on the board: channel {cname}, UID {uid}")
            }
            Self::EqualUids { cname, uid, sids } => {
                write!(formatter, "UID {uid} is live more than once in channel {cname}: {}", sids.join(", "))
            }
            Self::Others { declared, came } => {
                write!(formatter, "{came} requests came from somebody else, {declared} were declared")
            }
            Self::LedgerIncomplete { dropped_requests } => {
                write!(formatter, "the ledger has dropped its first {dropped_requests} requests")
            }
        }
    }
}

fn compare(ledger: &Ledger, board: &Board, declared_others: usize) -> Comparison {
    let mut disagreements = Vec::new();
    if ledger.dropped_requests > 0 {
        disagreements.push(Disagreement::LedgerIncomplete { dropped_requests: ledger.dropped_requests });
    }
    let (others, requests): (Vec<_>, Vec<_>) =
        ledger.requests.iter().partition(|request| is_bare_address(&request.host));
    if others.len() != declared_others {
        disagreements.push(Disagreement::Others { declared: declared_others, came: others.len() });
    }
    let matched = match_requests(&requests, board, &mut disagreements);

    let live: Vec<&LedgerSession> = ledger.sessions.iter().filter(|session| session.live).collect();
    disagreements.extend(live.iter().filter(|session| !is_on_board(session, board)).map(|session| {
        Disagreement::SessionNotOnBoard {
            sid: session.sid.clone(),
            cname: session.cname.clone(),
            uid: session.uid.clone(),
        }
    }));
    let mut by_uid: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for session in &live {
        by_uid.entry((&session.cname, &session.uid)).or_default().push(session.sid.clone());
    }
    disagreements.extend(by_uid.into_iter().filter(|(_, sids)| sids.len() > 1).map(
        |((cname, uid), sids)| Disagreement::EqualUids { cname: cname.to_owned(), uid: uid.to_owned(), sids },
    ));

    let is_known = |sid: &str| board.journals.iter().any(|journal| journal.contains(sid));
    let unknown_sids = ledger
        .sessions
        .iter()
        .filter(|session| !is_known(&session.sid))
        .map(|session| session.sid.clone())
        .collect();
    Comparison {
        agrees: disagreements.is_empty(),
        requests: requests.len(),
        calls: board.calls.len(),
        calls_without_request: board.calls.len() - matched,
        others: others.len(),
        live_sessions: live.len(),
        unknown_sids,
        disagreements,
    }
}

/// Gives each request a `CallSent` of its own and returns how many found one.
///
/// Within one operation, channel, UID and host, both in the order of time: a request takes the first free entry that was
/// written at most a second before it. As that second is the same for all, no other choice would match more.
fn match_requests(
    requests: &[&LedgerRequest],
    board: &Board,
    disagreements: &mut Vec<Disagreement>,
) -> usize {
    let mut free: BTreeMap<(String, String, String, String), Vec<i64>> = BTreeMap::new();
    for sent in &board.calls {
        let key = (
            sent.call.operation.to_string(),
            sent.cname.clone(),
            sent.call.uid.to_string(),
            without_port(&sent.call.host).to_owned(),
        );
        free.entry(key).or_default().push(sent.at.millis());
    }
    for instants in free.values_mut() {
        instants.sort_unstable();
    }
    let early = i64::try_from(SAME_SECOND.as_millis()).expect("a second fits");
    // The journal's seconds are shorter than the machine's at a higher rate.
    let late = early * i64::from(board.clock_rate.max(1));
    let mut in_order = requests.to_vec();
    in_order.sort_by_key(|request| request.at);
    let mut matched = 0;
    for request in in_order {
        let key = (
            request.operation.map(|operation| operation.to_string()).unwrap_or_default(),
            request.cname.clone().unwrap_or_default(),
            request.uid.clone().unwrap_or_default(),
            without_port(&request.host).to_owned(),
        );
        let at = request.at.millis();
        let found = free.get_mut(&key).and_then(|instants| {
            let place = instants.iter().position(|sent| (sent - early..=sent + late).contains(&at))?;
            Some(instants.remove(place))
        });
        match found {
            Some(_) => matched += 1,
            None => disagreements.push(Disagreement::RequestWithoutCall {
                number: request.number,
                at,
                operation: request.operation,
                cname: request.cname.clone(),
                uid: request.uid.clone(),
                host: request.host.clone(),
            }),
        }
    }
    matched
}

/// Whether staff see the session: by its `sid`, or while the answer that tells it is out, by its channel and UID.
fn is_on_board(session: &LedgerSession, board: &Board) -> bool {
    board.recordings.iter().any(|recording| {
        let is_it = |known: &Session| match &known.sid {
            Some(sid) => sid.as_str() == session.sid,
            None => recording.channel.as_str() == session.cname && known.uid.to_string() == session.uid,
        };
        recording.sessions.iter().any(|known| is_it(known) && !known.is_settled())
    })
}

fn without_port(host: &str) -> &str {
    host.split_once(':').map_or(host, |(name, _)| name)
}

/// The control desk names its domains; whoever comes by the number of a machine is somebody else.
fn is_bare_address(host: &str) -> bool {
    without_port(host).parse::<IpAddr>().is_ok() || without_port(host) == "localhost"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HOST: &str = "api.agora.io";

    fn request(number: u64, at: i64, operation: &str, uid: &str, host: &str) -> serde_json::Value {
        json!({
            "number": number, "at": at, "domain": "primary", "host": host, "method": "POST", "operation": operation,
            "cname": "lesson", "uid": uid, "carried_out": true, "status": 200, "answered_at": at + 10
        })
    }

    fn session(sid: &str, uid: &str, live: bool) -> serde_json::Value {
        json!({
            "sid": sid, "resource_id": "r", "cname": "lesson", "uid": uid, "mode": "mix", "started_at": 0,
            "state": if live { "recording" } else { "ended" }, "live": live, "control_until": 0, "failovers": 0, "legs": []
        })
    }

    fn ledger(requests: &[serde_json::Value], sessions: &[serde_json::Value]) -> Ledger {
        let whole = json!({
            "now": 0, "requests": requests, "dropped_requests": 0, "sessions": sessions, "dropped_sessions": 0
        });
        serde_json::from_value(whole).expect("a ledger")
    }

    fn sent(at: i64, operation: &str, uid: u32) -> Sent {
        let call = json!({
            "id": "a:1:1:query", "session": 1, "operation": operation, "uid": uid, "domain": "primary", "host": HOST,
            "rule": "M1", "attempt": { "number": 1 }
        });
        let call = serde_json::from_value(call).expect("a CallSent");
        Sent { at: Timestamp::from_millis(at), cname: "lesson".to_owned(), call }
    }

    fn board(calls: Vec<Sent>) -> Board {
        Board { clock_rate: 1, recordings: Vec::new(), calls, journals: Vec::new() }
    }

    fn unexplained(ledger: &Ledger, board: &Board) -> Vec<u64> {
        let told = compare(ledger, board, 0).disagreements;
        told.iter()
            .filter_map(|one| match one {
                Disagreement::RequestWithoutCall { number, .. } => Some(*number),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_request_needs_a_call_of_the_same_operation_uid_domain_and_second() {
        let requests = [
            request(1, 1_000, "query", "7", HOST),
            request(2, 2_000, "stop", "7", HOST),
            request(3, 3_000, "query", "8", HOST),
            request(4, 4_000, "query", "7", "api.sd-rtn.com"),
            request(5, 9_000, "query", "7", HOST),
        ];
        let calls = [990, 1_990, 2_990, 3_990, 7_990].map(|at| sent(at, "query", 7));
        assert_eq!(unexplained(&ledger(&requests, &[]), &board(calls.into())), [2, 3, 4, 5]);
    }

    #[test]
    fn one_call_explains_one_request_only() {
        let requests = [request(1, 1_000, "query", "7", HOST), request(2, 1_100, "query", "7", HOST)];
        assert_eq!(unexplained(&ledger(&requests, &[]), &board(vec![sent(990, "query", 7)])), [2]);
    }

    #[test]
    fn a_call_whose_request_never_left_does_not_hide_another_one() {
        let requests = [request(1, 1_500, "query", "7", HOST), request(2, 2_500, "query", "7", HOST)];
        let calls = [1_000, 1_400, 2_400].map(|at| sent(at, "query", 7));
        let comparison = compare(&ledger(&requests, &[]), &board(calls.into()), 0);
        assert!(comparison.agrees, "{:?}", comparison.disagreements);
        assert_eq!(comparison.calls_without_request, 1);
    }

    #[test]
    fn a_live_session_that_no_recording_knows_is_told_and_an_ended_one_is_not() {
        let told = compare(
            &ledger(&[], &[session("abc", "7", true), session("def", "8", false)]),
            &board(Vec::new()),
            0,
        );
        let expected = Disagreement::SessionNotOnBoard {
            sid: "abc".to_owned(),
            cname: "lesson".to_owned(),
            uid: "7".to_owned(),
        };
        assert_eq!(told.disagreements, [expected]);
        assert_eq!(told.unknown_sids, ["abc", "def"]);
    }

    #[test]
    fn two_live_sessions_with_one_uid_are_told() {
        let told = compare(
            &ledger(&[], &[session("abc", "7", true), session("def", "7", true)]),
            &board(Vec::new()),
            0,
        );
        let is_equal_uids = |one: &Disagreement| matches!(one, Disagreement::EqualUids { .. });
        assert_eq!(told.disagreements.iter().filter(|one| is_equal_uids(one)).count(), 1);
    }

    #[test]
    fn requests_by_a_bare_address_are_counted_as_somebody_elses() {
        let requests = [request(1, 1_000, "query", "7", "127.0.0.1:7101")];
        assert_eq!(
            compare(&ledger(&requests, &[]), &board(Vec::new()), 0).disagreements,
            [Disagreement::Others { declared: 0, came: 1 }]
        );
        assert!(compare(&ledger(&requests, &[]), &board(Vec::new()), 1).agrees);
    }
}
