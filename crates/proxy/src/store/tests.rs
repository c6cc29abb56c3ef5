use std::time::Instant;

use agora::{Answer, AnswerClass, Operation};
use rules::api::{AuditOutcome, AuditRecord};
use rules::journal::{By, CallAnswered, CallId, JOURNAL_VERSION};
use switchboard::audit::Asking;
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
        held: false,
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
        opened.store.ended();
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

// ---- journals of earlier builds ------------------------------------------------------------------------------------

/// What every build that was ever delivered wrote, as the statements that make it.
fn earlier() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("journals");
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).expect("the hashes of the journals");
    let mut journals = Vec::new();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").expect("a hash and a name");
        let text = std::fs::read_to_string(folder.join(name)).expect("a journal");
        assert_eq!(hex(&Sha256::digest(text.as_bytes())), sum, "{name} never changes");
        journals.push((name.to_owned(), text));
    }
    let files = std::fs::read_dir(&folder).expect("a folder").count();
    assert_eq!(journals.len() + 1, files, "each has its hash");
    journals
}

#[test]
fn the_journals_of_all_earlier_builds_are_read_and_go_on() {
    let journals = earlier();
    assert!(journals.len() >= 5);
    for (name, statements) in journals {
        let folder = folder();
        let file = folder.path().join("tallylight.db");
        Connection::open(&file).and_then(|file| file.execute_batch(&statements)).expect(&name);
        let before = {
            let mut opened = open(&folder);
            let lines = all(&mut opened.store);
            assert_eq!(lines.len(), 6, "{name}");
            let known = |line: &Line| !matches!(line.entry.fact, Fact::Unknown(_));
            assert!(lines.iter().all(known), "{name}: every entry is read");
            let recording = lines[0].recording.clone();
            let with_raw = opened.store.entries(&recording, 4, 1).expect("readable");
            assert!(
                matches!(&with_raw[0].fact, Fact::CallAnswered(answered) if answered.raw.is_some()),
                "{name}"
            );
            let key_use = opened.store.key_use("Demonstration", "a-key", Timestamp::from_millis(0));
            assert_eq!(key_use.expect("readable").expect("it was used").recording, recording, "{name}");
            let next = Entry { number: 7, board: 7, fact: Fact::Hurried, ..lines[5].entry.clone() };
            opened.store.append(&batch(vec![Line { recording, entry: next }])).expect("it goes on");
            opened.store.put_alerted("night", 7).expect("what is new has its place");
            let asking = Asking { action: "something".to_owned(), ..Asking::default() };
            let record = asking.record(AuditOutcome::Done, Timestamp::from_millis(7));
            let audit = Batch { audit: vec![record], ..Batch::default() };
            opened.store.append(&audit).expect("the audit goes on, or begins");
            all(&mut opened.store)
        };
        assert_eq!(all(&mut open(&folder).store), before, "{name}");
        let checked = copy::check(&copy::Closed::open(&file).expect("nobody has it open")).expect("readable");
        assert_eq!((checked.entries, checked.damage), (7, Vec::new()), "{name}");
    }
}

// ---- disks ---------------------------------------------------------------------------------------------------------

#[test]
fn a_full_disk_takes_nothing_of_a_batch_and_everything_when_there_is_room() {
    let folder = folder();
    let mut store = open(&folder).store;
    store.append(&batch(vec![line("one", 1, 1, 10, Fact::Hurried)])).expect("written");
    let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).expect("a number");
    store.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).expect("it is set");
    let long = "x".repeat(100_000);
    let large = batch(vec![
        line("one", 2, 2, 11, Fact::Hurried),
        line("one", 3, 3, 11, answered(Some(&long))),
        line("one", 4, 4, 11, Fact::Hurried),
    ]);
    let error = store.append(&large).expect_err("there is no room");
    assert_eq!(error.reason(), "the disk is full (database or disk is full)");
    assert_eq!(all(&mut store).len(), 1, "nothing of it");
    store
        .connection
        .pragma_update_and_check(None, "max_page_count", 1_000_000, |_| Ok(()))
        .expect("it is set");
    store.append(&large).expect("there is room");
    assert_eq!(all(&mut store).len(), 4);
    drop(store);
    assert_eq!(all(&mut open(&folder).store).len(), 4);
}

// ---- damage --------------------------------------------------------------------------------------------------------

/// A closed journal of two recordings in turn, whose rows fill many pages.
fn closed(folder: &TempDir, count: u32) -> std::path::PathBuf {
    let mut store = open(folder).store;
    let lines = (1..=count).flat_map(|number| {
        let board = u64::from(number) * 2;
        let at = i64::from(number);
        let fact =
            Fact::Dismissed(rules::journal::Dismissed { session: 1, reason: format!("reason-{board}-") });
        [line("one", number, board - 1, at, Fact::Hurried), line("two", number, board, at, fact)]
    });
    for lines in lines.collect::<Vec<_>>().chunks(50) {
        store.append(&batch(lines.to_vec())).expect("written");
    }
    folder.path().join("tallylight.db")
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).expect("the file");
    change(&mut bytes);
    std::fs::write(file, bytes).expect("written");
}

fn find(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect("it is there")
}

fn damaged(lines: &[Line]) -> Vec<(&str, EntryNumber)> {
    let damaged = lines.iter().filter(|line| line.entry.fact.damage().is_some());
    damaged.map(|line| (line.recording.as_str(), line.entry.number)).collect()
}

/// What a check finds; the entries here are few words, and no journal of theirs begins with a request.
fn checked(file: &Path) -> Vec<String> {
    let found = copy::check(&copy::Closed::open(file).expect("nobody has it open")).expect("it is a journal");
    let beginning = |what: &String| what.ends_with("does not begin with a request");
    found.damage.into_iter().filter(|what| !beginning(what)).collect()
}

#[test]
fn a_byte_that_changed_sets_one_recording_aside_and_nothing_is_guessed() {
    let folder = folder();
    let file = closed(&folder, 100);
    // Still JSON, still a reason: only the sum can tell.
    change(&file, |bytes| {
        let at = find(bytes, "reason-40-");
        bytes[at + 7] = b'9';
    });
    let mut opened = open(&folder);
    let lines = all(&mut opened.store);
    assert_eq!(lines.len(), 200, "every other entry is read");
    assert_eq!(damaged(&lines), [("two", 20)]);
    let said = lines[39].entry.fact.damage().expect("it is damaged");
    assert_eq!(said, "entry 40 of the journal is damaged: it is not what was written");
    // The same wherever it is read.
    let of_two = opened.store.entries(&id("two"), 18, 3).expect("readable");
    let numbers: Vec<_> = of_two.iter().map(|entry| (entry.number, entry.fact.damage().is_some())).collect();
    assert_eq!(numbers, [(19, false), (20, true), (21, false)]);
    assert_eq!(opened.store.lines_after(38, 3).expect("readable"), lines[38..41]);
    assert_eq!(opened.store.entries(&id("one"), 0, 500).expect("readable").len(), 100);
    // It goes on behind it.
    opened.store.append(&batch(vec![line("two", 101, 201, 500, Fact::Hurried)])).expect("written");
    drop(opened);
    assert_eq!(
        damaged(&all(&mut open(&folder).store)),
        [("two", 20)],
        "and is still so after the next start"
    );
    let follows = "entry 21 of two does not follow on entry 19";
    assert_eq!(checked(&file), ["entry 40 of the journal is damaged: it is not what was written", follows]);
}

#[test]
fn a_lost_page_sets_aside_whom_the_index_names() {
    let folder = folder();
    let file = closed(&folder, 400);
    assert_eq!(checked(&file), [""; 0]);
    change(&file, |bytes| {
        let page = find(bytes, "reason-400-") / 4096 * 4096;
        bytes[page..page + 4096].fill(0xa5);
    });
    let mut opened = open(&folder);
    let lines = all(&mut opened.store);
    assert_eq!(lines.len(), 800);
    let boards: Vec<u64> = lines.iter().map(|line| line.entry.board).collect();
    assert!(boards.into_iter().eq(1..=800));
    let lost = damaged(&lines);
    assert!(lost.contains(&("two", 200)) && (4..200).contains(&lost.len()), "{lost:?}");
    assert!(lines.iter().zip(1..).all(|(line, board)| {
        line.entry.number == u32::div_ceil(board, 2)
            && line.recording == id(if board % 2 == 0 { "two" } else { "one" })
    }));
    opened.store.append(&batch(vec![line("three", 1, 801, 900, Fact::Hurried)])).expect("it goes on");
    drop(opened);
    let said = checked(&file);
    assert!(said.iter().any(|what| what.starts_with("the file is damaged")), "{said:?}");
    assert!(said.iter().any(|what| what.starts_with("entry 400 of the journal")), "{said:?}");
}

#[test]
fn a_flipped_byte_anywhere_is_reported_or_harmless_and_never_read_as_something_else() {
    let folder = folder();
    let file = closed(&folder, 60);
    let whole = std::fs::read(&file).expect("the file");
    let lines = all(&mut open(&folder).store);
    let (mut reported, mut refused) = (0, 0);
    // A fixed walk through the file with a step that shares nothing with its pages.
    for flip in (0..whole.len()).step_by(whole.len() / 97) {
        let mut bytes = whole.clone();
        bytes[flip] ^= 1 << (flip % 8);
        let broken = self::folder();
        std::fs::write(broken.path().join("tallylight.db"), bytes).expect("written");
        let Ok(mut opened) = try_open(&broken, TIME) else {
            refused += 1;
            continue;
        };
        let mut found = Vec::new();
        if opened.store.each_line(&mut |line| found.push(line)).is_err() {
            refused += 1;
            continue;
        }
        reported += usize::from(!damaged(&found).is_empty());
        for line in found {
            assert!(line.entry.fact.damage().is_some() || lines.contains(&line), "byte {flip}: {line:?}");
        }
    }
    assert!(reported > 10 && refused > 0, "{reported} {refused}");
}

#[test]
fn where_nothing_tells_whose_an_entry_was_the_journal_is_not_opened() {
    let folder = folder();
    let file = closed(&folder, 400);
    change(&file, |bytes| {
        let page = find(bytes, "reason-400-") / 4096 * 4096;
        bytes[page..page + 4096].fill(0xa5);
    });
    // The index over recordings and numbers as well: its root says where everything else of it is.
    let root: i64 = Connection::open(&file)
        .and_then(|file| {
            file.query_row(
                "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_entries_1'",
                [],
                |row| row.get(0),
            )
        })
        .expect("it has one");
    change(&file, |bytes| {
        let page = usize::try_from(root - 1).expect("a page") * 4096;
        bytes[page..page + 4096].fill(0xa5);
    });
    let mut opened = open(&folder);
    let error = opened.store.each_line(&mut |_| {}).expect_err("nothing is guessed");
    assert!(error.0.contains("whose they are cannot either"), "{error}");
}

// ---- copies --------------------------------------------------------------------------------------------------------

#[test]
fn a_copy_made_while_the_journal_goes_on_is_whole_and_a_journal_of_its_own() {
    let folder = folder();
    drop(closed(&folder, 300));
    let mut opened = open(&folder);
    opened
        .store
        .append(&batch(vec![line("one", 301, 601, 900, answered(Some("{\"a\":1}")))]))
        .expect("written");
    let views = SharedViews { version: 3, ..SharedViews::default() };
    opened.store.put_views(&views).expect("written");
    opened.store.put_alerted("night", 600).expect("written");
    let file = folder.path().join("copy.db");
    let mut copy = copy::Copy::begin(&file).expect("there is room");
    let mut board = 601;
    copy.take_all(|table, after| {
        let rows = opened.store.copied(table, after).map_err(|error| error.0);
        // The desk goes on meanwhile.
        board += 1;
        let number = u32::try_from(board - 601).expect("few");
        let next = line("later", number, board, 1_000, answered(Some("raw")));
        opened.store.append(&batch(vec![next])).expect("written");
        rows
    })
    .expect("copied");
    assert!(!file.exists(), "it has its name only when it is whole");
    copy.finish().expect("written");
    assert_eq!(checked(&file), [""; 0]);
    assert!(
        copy::Copy::begin(&file).is_err_and(|error| error.ends_with("is there already: name a new file"))
    );

    let mut copied = SqliteStore::open(&file, TIME, 30).expect("it is a journal");
    let (before, after) = (all(&mut opened.store), all(&mut copied.store));
    assert!(after.len() > 601);
    assert_eq!(after[..], before[..after.len()], "what was there, and perhaps some of what came");
    assert_eq!(copied.store.views(), Ok(views));
    assert_eq!(copied.store.alerted("night"), Ok(Some(600)));
    let raw = copied.store.entries(&id("one"), 300, 1).expect("readable");
    assert_eq!(raw[0].fact, answered(Some("{\"a\":1}")));
    assert_ne!(copied.store.journal_id(), opened.store.journal_id());
    assert_ne!(copied.hash_key, opened.hash_key);
}

#[test]
fn a_run_that_did_not_end_in_order_leaves_a_name_that_nobody_goes_on_from() {
    let folder = folder();
    let first = open(&folder).store.journal_id();
    let second = {
        let mut opened = open(&folder);
        opened.store.ended();
        opened.store.journal_id()
    };
    assert_ne!(first, second, "it was killed");
    assert_eq!(open(&folder).store.journal_id(), second, "it ended in order");
    assert_ne!(open(&folder).store.journal_id(), second, "and then it was killed again");
}

// ---- the audit -----------------------------------------------------------------------------------------------------

fn record(who: &str) -> AuditRecord {
    let asking = Asking { who: who.to_owned(), action: "something".to_owned(), ..Asking::default() };
    AuditRecord {
        app: Some("desk".to_owned()),
        ..asking.record(AuditOutcome::Done, Timestamp::from_millis(7))
    }
}

fn note(store: &mut SqliteStore, records: Vec<AuditRecord>) {
    store.append(&Batch { audit: records, ..Batch::default() }).expect("written");
}

#[test]
fn the_audit_is_one_chain_over_all_runs_and_in_every_copy() {
    let folder = folder();
    note(&mut open(&folder).store, vec![record("One"), record("Two")]);
    let mut opened = open(&folder);
    assert_eq!(opened.audit.number, 2);
    // With an entry, in one transaction.
    let both = Batch { audit: vec![record("Three")], ..batch(vec![line("one", 1, 1, 10, Fact::Hurried)]) };
    opened.store.append(&both).expect("written");
    let page = opened.store.audit_page(&AuditFilter::default(), None, 2).expect("readable");
    let who: Vec<&str> = page.records.iter().map(|record| record.who.as_str()).collect();
    assert_eq!((who, page.next, page.newest), (vec!["Three", "Two"], Some(2), 3));
    let rest = opened.store.audit_page(&AuditFilter::default(), page.next, 2).expect("readable");
    assert_eq!((rest.records.len(), rest.next), (1, None));
    let none = AuditFilter { apps: Some(vec!["other".to_owned()]), ..AuditFilter::default() };
    assert_eq!(opened.store.audit_page(&none, None, 9).expect("readable").records, []);
    drop(opened);
    let file = copy::Closed::open(&folder.path().join("tallylight.db")).expect("nobody has it open");
    let chain = file.audit(Some(&page.head));
    assert_eq!((chain.broken, chain.head.hash.as_str()), (None, page.head.as_str()));
    let other = folder.path().join("copy.db");
    let mut copied = copy::Copy::begin(&other).expect("begun");
    copied
        .take_all(|table, after| file.rows(table, after).map_err(|error| error.to_string()))
        .expect("copied");
    copied.finish().expect("finished");
    let copied = copy::Closed::open(&other).expect("it is there");
    assert_eq!(copied.audit(Some(&page.head)).broken, None);
}

#[test]
fn a_record_of_the_audit_can_neither_be_changed_nor_removed_unnoticed() {
    let folder = folder();
    let mut store = open(&folder).store;
    note(&mut store, vec![record("One"), record("Two"), record("Three")]);
    for statement in ["UPDATE audit SET json = '{}'", "DELETE FROM audit"] {
        let error = store.connection.execute(statement, []).expect_err("refused");
        assert!(error.to_string().contains("of the audit"), "{error}");
    }
    // Whoever has the file can do it all the same, and is noticed.
    store
        .connection
        .execute_batch(
            "DROP TRIGGER audit_never_changes; UPDATE audit SET json = replace(json, 'Two', 'Too')",
        )
        .expect("changed");
    drop(store);
    let file = folder.path().join("tallylight.db");
    let checked = copy::check(&copy::Closed::open(&file).expect("nobody has it open")).expect("readable");
    assert_eq!(checked.damage, ["record 2 of the audit is not what was written"]);
    assert_eq!(checked.audit.number, 1);
}

#[test]
fn nothing_is_written_when_the_audit_of_it_cannot_be() {
    let folder = folder();
    let mut store = open(&folder).store;
    store.connection.execute_batch("DROP TABLE audit").expect("dropped");
    let both = Batch { audit: vec![record("One")], ..batch(vec![line("one", 1, 1, 10, Fact::Hurried)]) };
    assert!(store.append(&both).is_err());
    assert_eq!(all(&mut store), []);
}
