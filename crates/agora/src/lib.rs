//! The vocabulary of Agora Cloud Recording, as it is on the wire: operations and their requests, answers and the
//! classes that the rules match on, file names, identifiers and limits.
//!
//! Nothing here decides anything and nothing here does I/O. Facts come from the service's REST documentation; where
//! its pages disagree, the item says which one it follows.
//!
//! # A call, in this vocabulary
//!
//! | step | here |
//! |---|---|
//! | what staff ask for | [`RecordingSettings`]; it holds no credential, so that it can be kept in the journal |
//! | is it likely to work? | [`check`]: findings that block or warn, each with the field it belongs to |
//! | where to send it | [`hosts`], [`request::method`], [`request::path`] |
//! | what to send | [`request::acquire_body`], [`request::start_body`], [`request::stop_body`], …: the same request has the same bytes |
//! | what came back | [`classify()`]: from status and body to an [`AnswerClass`], per operation and mode |
//! | what it notifies about | [`notification`]: the webhook's body, as one flat value per event |
//! | what it recorded | [`files`]: the names to expect of each leg, and the leg that a name tells |
//!
//! ```
//! use agora::{AnswerClass, ChannelName, Mode, Operation, RecordingSettings, Uid, classify, request};
//!
//! let cname = ChannelName::parse("room7").expect("63 bytes at most, of 89 characters");
//! let uid = Uid::parse("900001").expect("1 to 4294967295");
//! let body = request::acquire_body(&cname, uid, &RecordingSettings::default(), &[]);
//! assert_eq!(
//!     body,
//!     r#"{"cname":"room7","uid":"900001","clientRequest":{"scene":0,"resourceExpiredHour":720}}"#
//! );
//!
//! // The same number means different things to different operations.
//! let refused = |operation, status, body: &str| {
//!     classify(operation, Mode::Mix, status, None, body.as_bytes()).class
//! };
//! let full = refused(Operation::Acquire, 400, r#"{"code":406,"reason":"vendor_over_load"}"#);
//! assert_eq!(full, AnswerClass::PcwReached);
//! // A 404 of the service may be a failover; a 404 of the gateway is our own wrong address.
//! let gone = refused(Operation::Query, 404, r#"{"code":404,"reason":"failed to find worker"}"#);
//! assert_eq!(gone, AnswerClass::ServiceNotFound);
//! let wrong = refused(Operation::Query, 404, r#"{"message":"no Route matched with those values"}"#);
//! assert_eq!(wrong, AnswerClass::NoRoute);
//! ```
//!
//! # What comes from outside is bounded
//!
//! Identifiers exist only if they were checked ([`ids`]), in bytes as the service counts. [`classify()`] reads any bytes
//! at all: texts and lists are cut, nesting is limited, numbers may come as texts, and what it does not understand has
//! classes of its own ([`AnswerClass::Unreadable`], [`AnswerClass::ForeignNotFound`], [`AnswerClass::GatewayError`]).

pub mod answer;
pub mod check;
mod classify;
pub mod files;
pub mod hosts;
pub mod ids;
mod lenient;
pub mod limits;
pub mod notification;
pub mod operation;
pub mod request;
pub mod time;

pub use answer::{Answer, AnswerClass, FileEntry, QueryAnswer, StopAnswer, UnansweredCause, classify};
pub use ids::{AppId, ChannelName, IdError, ResourceId, Sid, Uid};
pub use notification::{EventType, Notification};
pub use operation::{Mode, Operation};
pub use request::RecordingSettings;
pub use time::Timestamp;
