//! A simulated Agora Cloud Recording service that fails on request.
//!
//! It does no I/O and has no clock: [`Service::handle`] takes a request and the time, and says what to answer and when.
//! The same seed and the same requests at the same times give the same answers and the same ledger. Its HTTP shell is
//! the program `tallylight-simulator`.
//!
//! # What it does
//!
//! The real paths under `/v1/apps/{app}/cloud_recording`, with Basic auth, for all three modes: `acquire`, `start`,
//! `query`, `update`, `updateLayout`, `stop`. Every documented field of their bodies is checked. `/v1/ncs/ip` and
//! `/v2/ncs/ip` name this machine as the place from which notifications come.
//!
//! | after `start` | status |
//! |---|---|
//! | 0, 0.7, 1.4, 2.2 s | 0, 1, 2, 3 |
//! | 3 s (a page: 5 s) | 4: it records |
//! | 12 s after somebody publishes (individual mode: 45 s; a page: 12 s) | 5: the first file is uploaded, and the file list names it |
//! | `stop`, or nobody in the channel for `maxIdleTime` | 6 while the files are uploaded, 7 for 4 s, then 404 |
//!
//! A fault of its server makes `query`, `update`, `updateLayout` and `stop` answer 404 until it goes on: as a new leg
//! with a random UID, at status 5, with `bak<n>_` before the name of its index at once. A fourth move ends it for good.
//! Channels have two publishers unless something else was said.
//!
//! A `start` that was answered 200 can still fail: a token that is wrong or runs out, a bucket that refuses, a UID that
//! somebody else in the channel has, a page that does not load. All of them are told by notifications, and by a 404.
//!
//! Refusals have the documents' codes: 400/2, 400/401, 400/406 (PCW), 201/7, 400/53, 400/432 (`cname` or `uid` is not
//! that of the resource ID), 400/433, 400/1001, 400/1003 (the `sid` is not that of the resource ID), 404/404 (also once
//! `resourceExpiredHour` is over), 400/49, 206/435; the gateway's 404, 401, 400 and 429 (10 requests let through in any
//! second, all operations together). The rest of the documents' table comes by [`Conditions`]: no server, a suspended
//! account, a backend that is late or away. Where the documents are silent, [`Unknowns`] says what it does.
//!
//! # Notifications
//!
//! With [`Config::notifications`] the sessions tell what they do. [`Service::deliveries`] hands out what is due as data;
//! whoever runs the service posts it and reports back with [`Service::delivered`]. [`Service::next_delivery`] says when
//! to look again. What is not answered 200 within 10 s is repeated three times.
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
//! | `POST /simulator/channels/{cname}/publishers` | `{"publishers":3}`, or `{"join":[{"uid":101,"audio":true,"video":false}],"leave":[102]}`; answers the [`Publisher`]s |
//! | `GET /simulator/channels/{cname}/publishers` | the [`Publisher`]s of a channel |
//! | `GET /simulator/files?sid=…` | every [`LedgerFile`] of a session that is there now |
//! | `GET`, `POST /simulator/conditions` | [`Conditions`], and a [`ConditionsChange`] such as `{"backend":"late"}` |
//! | `GET`, `POST /simulator/storage` | `{"bucket":"b","state":"refused"}` or a list; see [`StorageState`] |
//! | `GET`, `POST /simulator/pages` | `{"url":"https://…","state":"silent"}` or a list; see [`PageState`] |
//! | `GET /simulator/unknowns` | the switches and their settings |
//! | `GET /simulator/notifications?after=N` | the [`LedgerNotice`]s after number N |
//! | `POST /simulator/notifications` | `{"test":true}`: one test event of each type; `{"sid":"…","event":60,"details":{}}`: this event |
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
//! `code` and `reason` left out are the documents' for that status (201 has 7, 206 has 65, 504 has 62 after the start, 404
//! is the service's, 401 and 429 the gateway's). `body` is `empty`, `html`, `gateway`, `megabyte`, `cut` or `deep` instead
//! of the service's JSON; the message of a `gateway` body is the `reason`, or the usual one of the status.
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
//!   {"fault":"token_expires", "cname":"room7"},
//!   {"fault":"domain_down", "domain":"primary", "for_ms":30000},
//!   {"fault":"domain_down", "domain":"secondary", "manner":"refuse"}
//! ]
//! ```
//!
//! Faults of notifications meet the next `times` (1) notices that fit `event`, `sid` and `cname` (each optional).
//!
//! ```json
//! [
//!   {"fault":"notification_lost", "event":12, "cname":"room7"},
//!   {"fault":"notification_late", "event":31, "delay_ms":60000, "times":3},
//!   {"fault":"notification_twice", "event":42}
//! ]
//! ```
//!
//! A domain is down until the faults are cleared or `for_ms` is over: `close` (default) reads the request and closes,
//! `hang` never answers, `refuse` refuses connections, the controls included, so that another domain has to be used to
//! clear it. All times are the service's own, which a clock rate makes run faster than the wall.

mod conditions;
mod config;
mod fault;
mod files;
mod ledger;
mod media;
mod notice;
mod random;
pub mod scenario;
mod service;
mod session;
mod token;
pub mod unknowns;
mod wire;

pub use conditions::{
    Account, AnyNumber, Backend, Conditions, ConditionsChange, Enabled, Managers, PageChange, PageState,
    StorageChange, StorageState, TokenNeed, Workers,
};
pub use config::{Config, Range};
pub use fault::{
    ActiveFault, Calls, Domain, Fault, FaultKind, FaultsAccepted, Manner, Notices, StrangeBody, Target,
};
pub use files::{FILES_MAX, FileKind, LedgerFile, Place};
pub use ledger::{EndedHow, Ledger, LedgerLeg, LedgerRequest, LedgerSession, SessionState, Truth};
pub use media::{PUBLISHERS_MAX, Publisher};
pub use notice::{
    ANSWER_WITHIN, Delivered, Delivery, EVENTS, LedgerDelivery, LedgerNotice, NOTICES_MAX, Notifications,
    REPEATS_MAX, Signatures,
};
pub use service::{REQUESTS_MAX, SESSIONS_MAX, Service};
pub use token::channel_token;
pub use unknowns::Unknowns;
pub use wire::{Handled, Incoming, Outcome, Reply};
