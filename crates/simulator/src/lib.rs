//! A simulated Agora Cloud Recording service that fails on request.
//!
//! It does no I/O and has no clock: [`Service::handle`] takes a request and the time, and says what to answer and when.
//! The same seed and the same requests at the same times give the same answers and the same ledger. Its HTTP shell is
//! the program `tallylight-simulator`.
//!
//! # What it does
//!
//! The real paths under `/v1/apps/{app}/cloud_recording`, with Basic auth, for composite mode: `acquire`, `start`,
//! `query`, `update`, `updateLayout`, `stop`.
//!
//! | after `start` | status |
//! |---|---|
//! | 0, 0.7, 1.4, 2.2 s | 0, 1, 2, 3 |
//! | 3 s | 4: it records |
//! | 15 s, and 12 s after somebody publishes | 5: the first file is uploaded, and the file list names it |
//! | `stop`, or nobody in the channel for `maxIdleTime` | 6 while the files are uploaded, 7 for 4 s, then 404 |
//!
//! A fault of its server makes `query`, `update`, `updateLayout` and `stop` answer 404 until it goes on: as a new leg
//! with a random UID, at status 5, with `bak<n>_` before the name of its index at once. A fourth move ends it for good.
//! Channels have two publishers unless something else was said.
//!
//! Refusals have the documents' codes: 400/2, 400/401, 400/406 (PCW), 201/7, 400/53, 400/432 (`cname` or `uid` is not
//! that of the resource ID), 400/433, 400/1001, 400/1003 (the `sid` is not that of the resource ID), 404/404 (also once
//! `resourceExpiredHour` is over), 400/49, 206/435; the gateway's 404, 401, 400 and 429 (10 requests let through in any
//! second, all operations together). Where the documents are silent the choice stands at [`Config`].
//!
//! # Controls
//!
//! | path | what |
//! |---|---|
//! | `GET /healthz` | `{"status":"ok","now":…}` |
//! | `GET /simulator/ledger` | a [`Ledger`]; `?after=N` leaves out the requests up to number N |
//! | `POST /simulator/faults` | one [`Fault`] or a list; answers [`FaultsAccepted`], or 400 `{"error": …}` and does nothing |
//! | `GET /simulator/faults` | the [`ActiveFault`]s that wait or are at work |
//! | `DELETE /simulator/faults`, or `POST /simulator/faults/clear` | clears them all; what they did stays done |
//! | `POST /simulator/channels` | `{"cname":"room7","publishers":0}` or a list |
//! | `GET /simulator/channels` | the channels of which something was said |
//!
//! # Faults
//!
//! Faults of calls meet the next `times` (1) calls that fit `operation`, `cname`, `uid` and `domain` (each optional).
//! Requests that the gateway refuses (401, 429, …) do not use them up. Of several that fit, the oldest counts; a `delay`
//! may come on top of another.
//!
//! ```json
//! [
//!   {"fault":"answer", "operation":"start", "times":4, "status":500},
//!   {"fault":"answer", "operation":"query", "cname":"room7", "status":504, "body":"html"},
//!   {"fault":"answer", "operation":"start", "status":206, "code":65, "carried_out":true},
//!   {"fault":"answer", "operation":"acquire", "status":400, "code":406, "reason":"vendor_over_load"},
//!   {"fault":"answer", "status":429, "retry_after_s":5},
//!   {"fault":"delay", "operation":"query", "delay_ms":12000},
//!   {"fault":"answer_lost", "operation":"start"},
//!   {"fault":"request_lost", "operation":"stop"}
//! ]
//! ```
//!
//! `code` and `reason` left out are the documents' for that status (201 has 7, 206 has 65, 404 is the service's, 401 and
//! 429 the gateway's). `body` is `empty`, `html`, `gateway`, `megabyte`, `cut` or `deep` instead of the service's JSON.
//!
//! Faults of servers meet the session with this `sid`, or all running ones of this `cname`; without `after_ms` a session
//! that does not run is an error. `resumes_after_ms` fixes what else chance decides within the documented windows
//! (killed: within 30 s; disconnected: 60 s and then within 90 s in all). A disconnected server that is reached again
//! before 60 s goes on with its leg: no failover.
//!
//! ```json
//! [
//!   {"fault":"kill", "cname":"room7"},
//!   {"fault":"kill", "sid":"0123456789abcdef0123456789abcdef", "resumes_after_ms":12000, "after_ms":5000},
//!   {"fault":"disconnect", "cname":"room7"},
//!   {"fault":"disconnect", "cname":"room7", "resumes_after_ms":20000},
//!   {"fault":"end", "cname":"room7"},
//!   {"fault":"domain_down", "domain":"primary", "for_ms":30000},
//!   {"fault":"domain_down", "domain":"secondary", "manner":"refuse"}
//! ]
//! ```
//!
//! A domain is down until the faults are cleared or `for_ms` is over: `close` (default) reads the request and closes,
//! `hang` never answers, `refuse` refuses connections, the controls included, so that another domain has to be used to
//! clear it. All times are the service's own, which a clock rate makes run faster than the wall.

mod config;
mod fault;
mod ledger;
mod random;
mod service;
mod session;
mod wire;

pub use config::{Config, Range};
pub use fault::{ActiveFault, Calls, Domain, Fault, FaultKind, FaultsAccepted, Manner, StrangeBody, Target};
pub use ledger::{EndedHow, Ledger, LedgerLeg, LedgerRequest, LedgerSession, SessionState, Truth};
pub use service::{REQUESTS_MAX, SESSIONS_MAX, Service};
pub use wire::{Handled, Incoming, Outcome, Reply};
