//! The vocabulary of Agora Cloud Recording, as it is on the wire: operations and their requests, answers and the
//! classes that the rules match on, file names, identifiers and limits.
//!
//! Nothing here decides anything and nothing here does I/O. Facts come from the service's REST documentation; where
//! its pages disagree, the item says which one it follows.

pub mod answer;
pub mod check;
mod classify;
pub mod files;
pub mod ids;
pub mod limits;
pub mod operation;
pub mod request;
pub mod time;

pub use answer::{Answer, AnswerClass, FileEntry, QueryAnswer, StopAnswer, UnansweredCause, classify};
pub use ids::{AppId, ChannelName, IdError, ResourceId, Sid, Uid};
pub use operation::{Mode, Operation};
pub use request::RecordingSettings;
pub use time::Timestamp;
