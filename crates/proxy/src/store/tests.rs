use std::time::Instant;

use agora::{Answer, AnswerClass, Operation};
use rules::journal::{By, CallAnswered, CallId, JOURNAL_VERSION};
use tempfile::TempDir;

use super::*;

const TIME: JournalTime =
    JournalTime { rate: 1, origin: None, now: Timestamp::from_millis(1_700_000_000_000) };

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn open(folder: &TempDir) -> Opened {
    try_open(folder, TIME).expect("it opens")
}

fn try_open(folder: &TempDir, time: JournalTime) -> Result<Opened, StoreError> {
    SqliteStore::open(&folder.path().join("tallylight.db"), time, 30)
}

#[track_caller]
fn refused(opened: Result<Opened, StoreError>) -> String {
    match opened {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.0,
    }
}

fn id(name: &str) -> RecordingId {
    RecordingId::parse(name).expect("valid")
}

fn line(recording: &str, number: EntryNumber, board: u64, at: i64, fact: Fact) -> Line {
    let entry = Entry {
        number,
        board,
        at: Timestamp::from_millis(at),
        by: By::Proxy,
        version: JOURNAL_VERSION,
        fact,
    };
    Line { recording: id(recording), entry }
}

fn answered(raw: Option<&str>) -> Fact {
    Fact::CallAnswered(CallAnswered {
        id: CallId::new(&id("one"), 1, 1, Operation::Query),
        answer: Answer { status: 503, code: None, reason: None, class: AnswerClass::GatewayError },
        raw: raw.map(str::to_owned),
    })
}

fn batch(lines: Vec<Line>) -> Batch {
    Batch { lines, ..Batch::default() }
}

fn all(store: &mut SqliteStore) -> Vec<Line> {
    let mut lines = Vec::new();
    store.each_line(&mut |line| lines.push(line)).expect("readable");
    lines
}

#[test]
fn what_was_written_is_there_after_the_next_start() {
    let folder = folder();
    let lines = vec![line("one", 1, 1, 10, Fact::Hurried), line("two", 1, 2, 20, Fact::StopWithdrawn)];
    let (journal_id, hash_key) = {
        let mut opened = open(&folder);
        assert_eq!(opened.newest_at, None);
        opened.store.append(&batch(lines.clone())).expect("written");
        (opened.store.journal_id().expect("it has one"), opened.hash_key)
    };
    let mut opened = open(&folder);
    assert_eq!(all(&mut opened.store), lines);
    assert_eq!(opened.newest_at, Some(Timestamp::from_millis(20)));
    assert_eq!(opened.store.journal_id(), Ok(journal_id.clone()));
    assert_eq!(opened.hash_key, hash_key);
    assert_eq!(opened.store.lines_after(1, 10).expect("readable"), lines[1..]);
    assert_eq!(opened.store.lines_after(0, 1).expect("readable"), lines[..1]);
    assert_eq!(opened.store.entries(&id("two"), 0, 10).expect("readable"), [lines[1].entry.clone()]);
    assert_eq!(opened.store.entries(&id("two"), 1, 10).expect("readable"), []);
    let other = self::folder();
    assert_ne!(open(&other).store.journal_id(), Ok(journal_id));
}

#[cfg(unix)]
#[test]
fn a_new_journal_is_read_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let _opened = open(&folder);
    let metadata = std::fs::metadata(folder.path().join("tallylight.db")).expect("it is there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_batch_is_written_as_a_whole_or_not_at_all() {
    let folder = folder();
    let mut store = open(&folder).store;
    let first = line("one", 1, 1, 10, Fact::Hurried);
    store.append(&batch(vec![first.clone()])).expect("written");
    // A number of the board left out, and a number of the recording used twice.
    let gap = batch(vec![line("one", 2, 2, 11, Fact::Hurried), line("one", 3, 4, 11, Fact::Hurried)]);
    assert!(store.append(&gap).expect_err("a gap").0.contains("board number 4 where 3 follows"));
    let twice = batch(vec![line("two", 1, 2, 11, Fact::Hurried), line("one", 1, 3, 11, Fact::Hurried)]);
    assert!(store.append(&twice).is_err());
    assert_eq!(all(&mut store), std::slice::from_ref(&first));
    // And it goes on as if nothing had been tried.
    let second = line("one", 2, 2, 12, Fact::Hurried);
    store.append(&batch(vec![second.clone()])).expect("written");
    assert_eq!(all(&mut store), [first, second]);
}

#[test]
fn an_entry_can_neither_be_changed_nor_removed() {
    let folder = folder();
    let mut store = open(&folder).store;
    store.append(&batch(vec![line("one", 1, 1, 10, Fact::Hurried)])).expect("written");
    for statement in ["UPDATE entries SET json = '{}'", "DELETE FROM entries"] {
        let error = store.connection.execute(statement, []).expect_err("refused");
        assert!(
            error.to_string().contains("of the journal is never")
                || error.to_string().contains("never changes")
        );
    }
    assert_eq!(all(&mut store).len(), 1);
}

#[test]
fn raw_bodies_come_with_one_recording_and_are_dropped_after_a_while() {
    const DAY: i64 = 86_400_000;
    let folder = folder();
    let mut store = open(&folder).store;
    store.append(&batch(vec![line("one", 1, 1, 0, answered(Some("<html>")))])).expect("written");
    assert_eq!(store.entries(&id("one"), 0, 10).expect("readable")[0].fact, answered(Some("<html>")));
    assert_eq!(all(&mut store)[0].entry.fact, answered(None));
    assert_eq!(store.lines_after(0, 10).expect("readable")[0].entry.fact, answered(None));
    store.append(&batch(vec![line("one", 2, 2, 30 * DAY, Fact::Hurried)])).expect("written");
    assert_eq!(store.entries(&id("one"), 0, 1).expect("readable")[0].fact, answered(Some("<html>")));
    store.append(&batch(vec![line("one", 3, 3, 31 * DAY, Fact::Hurried)])).expect("written");
    assert_eq!(store.entries(&id("one"), 0, 1).expect("readable")[0].fact, answered(None));
}

#[test]
fn a_journal_opens_only_at_the_rate_it_was_made_with() {
    let folder = folder();
    let origin = Some(Timestamp::from_millis(5));
    let fast = JournalTime { rate: 10, origin, ..TIME };
    assert_eq!(try_open(&folder, fast).expect("new").origin, Timestamp::from_millis(5));
    let sentence = refused(try_open(&folder, TIME));
    assert!(sentence.contains("use --clock-rate 10"), "{sentence}");
    // Without an origin it is the one that it was made with.
    let again = JournalTime { origin: None, ..fast };
    assert_eq!(try_open(&folder, again).expect("the same rate").origin, Timestamp::from_millis(5));
    let without = self::folder();
    assert_eq!(open(&without).origin, TIME.now);
}

#[test]
fn a_journal_is_open_once() {
    let folder = folder();
    let _first = open(&folder);
    let sentence = refused(try_open(&folder, TIME));
    assert!(sentence.contains("another process has it open"), "{sentence}");
}

#[test]
fn what_is_no_journal_is_refused_with_its_reason() {
    let folder = folder();
    let missing = SqliteStore::open(&folder.path().join("missing/tallylight.db"), TIME, 30);
    assert!(refused(missing).contains("its folder does not exist"));
    std::fs::write(
        folder.path().join("tallylight.db"),
        "something else, and long enough for a header".repeat(9),
    )
    .expect("written");
    let sentence = refused(try_open(&folder, TIME));
    assert!(sentence.contains("not a SQLite database"), "{sentence}");
    let other = self::folder();
    let connection = Connection::open(other.path().join("tallylight.db")).expect("opened");
    connection.execute_batch("CREATE TABLE something (id INTEGER)").expect("made");
    drop(connection);
    let sentence = refused(try_open(&other, TIME));
    assert!(!sentence.is_empty());
}

#[test]
fn a_newer_format_is_left_alone() {
    let folder = folder();
    open(&folder)
        .store
        .connection
        .execute("UPDATE meta SET value = '2' WHERE name = 'schema'", [])
        .expect("set");
    let sentence = refused(try_open(&folder, TIME));
    assert!(sentence.contains("has the format 2"), "{sentence}");
}

#[test]
fn a_key_leads_to_its_recording_for_its_person_and_time() {
    let folder = folder();
    let mut store = open(&folder).store;
    let key_use = KeyUse {
        person: "Desk".to_owned(),
        key: "k1".to_owned(),
        body: "hash".to_owned(),
        recording: id("one"),
        at: Timestamp::from_millis(100),
    };
    let lines = vec![line("one", 1, 1, 100, Fact::Hurried)];
    store.append(&Batch { lines, key_use: Some(key_use.clone()), ..Batch::default() }).expect("written");
    let since = |millis| Timestamp::from_millis(millis);
    assert_eq!(store.key_use("Desk", "k1", since(99)), Ok(Some(key_use)));
    assert_eq!(store.key_use("Desk", "k1", since(100)), Ok(None));
    assert_eq!(store.key_use("Other", "k1", since(0)), Ok(None));
    assert_eq!(store.key_use("Desk", "k2", since(0)), Ok(None));
}

#[test]
fn a_journal_that_cannot_be_written_says_so() {
    let folder = folder();
    let mut store = open(&folder).store;
    assert_eq!(store.probe(), Ok(()));
    assert_eq!(store.probe(), Ok(()));
    // As small as it is: the next page does not fit, as on a full disk.
    let pages: i64 =
        store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("a number");
    store.connection.pragma_update(None, "max_page_count", pages).expect("set");
    let long = "x".repeat(100_000);
    let error = store.append(&batch(vec![line("one", 1, 1, 10, answered(Some(&long)))])).expect_err("full");
    assert!(error.0.contains("cannot be written: the disk is full"), "{error}");
    assert_eq!(all(&mut store), []);
    store.connection.pragma_update(None, "max_page_count", pages + 1000).expect("set");
    store.append(&batch(vec![line("one", 1, 1, 10, answered(Some(&long)))])).expect("room again");
    store.connection.pragma_update(None, "query_only", true).expect("set");
    assert!(store.probe().is_err());
}

#[test]
fn three_hundred_recordings_with_two_hundred_entries_are_read_within_seconds() {
    let folder = folder();
    let mut store = open(&folder).store;
    let mut board = 0;
    for number in 1..=200 {
        let lines = (0..300).map(|recording| {
            board += 1;
            line(&format!("recording-{recording}"), number, board, i64::from(number), answered(Some("{}")))
        });
        store.append(&batch(lines.collect())).expect("written");
    }
    let started = Instant::now();
    let mut count = 0;
    store.each_line(&mut |_| count += 1).expect("readable");
    let elapsed = started.elapsed();
    assert_eq!(count, 60_000);
    // Within 1 s in a release build; a debug build on a busy machine gets ten times that.
    println!("60 000 entries in {elapsed:?}");
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
}
