//! The messages of the proxy as far as they can be understood without the code that reads and folds entries: the same
//! text as [`rules::api::FromProxy`], with snapshots as the only frames.

use agora::Timestamp;
use from_json::FromJson;
use rules::api::{Heartbeat, Hello};
use rules::board::BoardFacts;
use rules::{Recording, RecordingId};

#[derive(Debug, FromJson)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Early {
    Hello(Hello),
    Frame(EarlyFrame),
    Heartbeat(Heartbeat),
    Offer(Vec<RecordingId>),
    Released(Vec<RecordingId>),
}

#[derive(Debug, FromJson)]
pub(crate) struct EarlyFrame {
    pub after: u64,
    pub upto: u64,
    pub at: Timestamp,
    pub content: EarlyContent,
}

#[derive(Debug, FromJson)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EarlyContent {
    Snapshot {
        first: bool,
        last: bool,
        recordings: Vec<Recording>,
        #[serde(default)]
        boards: Vec<(String, BoardFacts)>,
    },
}
