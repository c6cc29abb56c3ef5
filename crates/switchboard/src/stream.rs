//! What goes out on the stream, packed: entries per tick, snapshots in parts, each encoded once for all clients.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use agora::Timestamp;
use rules::Recording;
use rules::api::{FRAME_BYTES, Frame, FrameContent, FromProxy, StreamEntry};
use rules::board::BoardFacts;
use serde::Serialize;

use crate::ports::Line;

/// Entries wait at most this long, in real time, so that those of one moment travel together.
pub const TICK: Duration = Duration::from_millis(40);

/// What a frame holds beside its content, with some room.
const ENVELOPE_BYTES: usize = 512;

/// A message as text.
pub type Text = Arc<str>;

/// A message of the stream: one value for all clients that it goes to. It is encoded once, when the first of them wants
/// the text; whoever is in the same program takes it as it is.
#[derive(Debug, Clone)]
pub struct Message(Arc<Built>);

#[derive(Debug)]
struct Built {
    message: FromProxy,
    text: OnceLock<Text>,
}

impl Message {
    /// A message that nobody has read yet.
    pub fn new(message: FromProxy) -> Self {
        Self(Arc::new(Built { message, text: OnceLock::new() }))
    }

    /// What it says.
    pub fn get(&self) -> &FromProxy {
        &self.0.message
    }

    /// What travels.
    pub fn text(&self) -> &Text {
        // Every map in these types has text keys and every number is finite.
        let encode = || {
            serde_json::to_string(&self.0.message).expect("messages of the stream always serialise").into()
        };
        self.0.text.get_or_init(encode)
    }
}

/// An entry as the stream shows it: without the raw body, which a page asks for when a recording is opened.
pub fn without_raw(line: Line) -> StreamEntry {
    let Line { recording, mut entry } = line;
    if let Some(raw) = entry.fact.raw_mut() {
        *raw = None;
    }
    StreamEntry { recording, entry }
}

/// The frames that lead a client from `after` to `upto` by these entries.
pub fn entry_frames(after: u64, upto: u64, at: Timestamp, entries: Vec<StreamEntry>) -> Vec<Message> {
    let mut frames = Vec::new();
    let mut after = after;
    for part in parts(entries) {
        let end = part.last().map_or(after, |last| last.entry.board);
        frames.push(Frame { after, upto: end, at, content: FrameContent::Entries(part) });
        after = end;
    }
    match frames.last_mut() {
        Some(last) => last.upto = upto,
        // Everything in between was hidden from this client: it still learns how far it is.
        None => frames.push(Frame { after, upto, at, content: FrameContent::Entries(Vec::new()) }),
    }
    frames.into_iter().map(|frame| Message::new(FromProxy::Frame(frame))).collect()
}

/// The board facts as they are at this position.
pub fn boards_frame(upto: u64, at: Timestamp, boards: Vec<(String, BoardFacts)>) -> Message {
    Message::new(FromProxy::Frame(Frame { after: upto, upto, at, content: FrameContent::Boards(boards) }))
}

/// A whole snapshot. The first part replaces whatever the client knows, so its `after` is 0 for everybody.
pub fn snapshot_frames(
    upto: u64,
    at: Timestamp,
    recordings: Vec<Recording>,
    boards: Vec<(String, BoardFacts)>,
) -> Vec<Message> {
    let mut parts = parts(recordings);
    // The board facts go first, in a part of their own: they have no bound that is worth computing.
    parts.insert(0, Vec::new());
    let last = parts.len() - 1;
    let mut boards = Some(boards);
    let frames = parts.into_iter().enumerate().map(|(index, recordings)| Frame {
        after: if index == 0 { 0 } else { upto },
        upto,
        at,
        content: FrameContent::Snapshot {
            first: index == 0,
            last: index == last,
            recordings,
            boards: boards.take().unwrap_or_default(),
        },
    });
    frames.map(|frame| Message::new(FromProxy::Frame(frame))).collect()
}

/// Counts the bytes of a text that nobody keeps.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Cuts a list so that each part fits into one frame. One item that is too large for any goes alone.
fn parts<Item: Serialize>(items: Vec<Item>) -> Vec<Vec<Item>> {
    if items.len() == 1 {
        return vec![items];
    }
    let mut parts: Vec<Vec<Item>> = Vec::new();
    let mut room = 0;
    for item in items {
        let mut length = Length(0);
        let bytes = serde_json::to_writer(&mut length, &item).map_or(FRAME_BYTES, |()| length.0) + 1;
        match parts.last_mut() {
            Some(part) if bytes <= room => part.push(item),
            _ => {
                room = FRAME_BYTES - ENVELOPE_BYTES;
                parts.push(vec![item]);
            }
        }
        room = room.saturating_sub(bytes);
    }
    parts
}

#[cfg(test)]
mod tests {
    use rules::Fact;
    use rules::RecordingId;
    use rules::journal::{By, CallAnswered, CallId, Entry};

    use super::*;

    fn answered(board: u64, reason: &str) -> Line {
        let answer = agora::Answer {
            status: 500,
            code: None,
            reason: Some(reason.to_owned()),
            class: agora::AnswerClass::ServerError,
        };
        let fact = Fact::CallAnswered(CallAnswered {
            id: CallId("one:1:1:query".to_owned()),
            answer,
            raw: Some("raw".to_owned()),
        });
        let entry = Entry {
            number: 2,
            board,
            at: Timestamp::from_millis(5),
            by: By::Agora,
            version: 1,
            held: false,
            fact,
        };
        Line { recording: RecordingId::parse("one").expect("a plain name is an id"), entry }
    }

    fn read(message: &Message) -> Frame {
        match serde_json::from_str(message.text()).expect("it is a message") {
            FromProxy::Frame(frame) => frame,
            other => panic!("not a frame: {other:?}"),
        }
    }

    #[test]
    fn entries_travel_in_frames_that_follow_one_another_and_hold_no_raw_body() {
        let reason = "x".repeat(1_000);
        let entries: Vec<_> = (11..211).map(|board| without_raw(answered(board, &reason))).collect();
        let frames = entry_frames(10, 215, Timestamp::from_millis(9), entries);
        assert!(frames.len() > 2);
        let mut upto = 10;
        let mut boards = Vec::new();
        for message in &frames {
            let text = message.text();
            assert!(text.len() <= FRAME_BYTES, "{}", text.len());
            assert!(!text.contains("\"raw\""), "raw bodies stay at home");
            let frame = read(message);
            assert_eq!(frame.after, upto);
            upto = frame.upto;
            let FrameContent::Entries(entries) = frame.content else { panic!("no entries") };
            boards.extend(entries.iter().map(|entry| entry.entry.board));
        }
        assert_eq!(upto, 215, "the last frame says how far it is");
        assert!(boards.into_iter().eq(11..211));
    }

    #[test]
    fn a_client_that_sees_none_of_the_new_entries_still_learns_how_far_it_is() {
        let frames = entry_frames(3, 7, Timestamp::from_millis(9), Vec::new());
        assert_eq!(frames.len(), 1);
        assert_eq!((read(&frames[0]).after, read(&frames[0]).upto), (3, 7));
    }

    #[test]
    fn an_empty_board_is_a_snapshot_too() {
        let frames = snapshot_frames(0, Timestamp::from_millis(9), Vec::new(), Vec::new());
        assert_eq!(frames.len(), 1);
        let FrameContent::Snapshot { first, last, recordings, .. } = read(&frames[0]).content else {
            panic!("no snapshot")
        };
        assert!(first && last && recordings.is_empty());
    }
}
