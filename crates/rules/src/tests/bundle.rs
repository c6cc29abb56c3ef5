//! What a bundle knows of its board at each entry.

use super::*;
use crate::board::Accepted;
use crate::bundle::{BUNDLE_BYTES, BUNDLE_ENTRIES, BundleProblem, Told};
use crate::{Bundle, RecordingId};

fn facts() -> BoardFacts {
    BoardFacts { qps: 25, has_region: true, fresh_tokens: true, ..BoardFacts::default() }
}

fn told(desk: &Desk, facts: &BoardFacts) -> Told {
    let id = RecordingId::parse("r-1").expect("an id");
    Told::up_to(&id, facts, &desk.entries, desk.recording.last).expect("it begins with a request")
}

#[test]
fn what_the_configuration_says_holds_from_the_first_entry_on() {
    let desk = running();
    let board = told(&desk, &facts()).board(desk.now);
    let known = board.facts();
    assert_eq!((known.qps, known.has_region, known.fresh_tokens), (25, true, true));
}

#[test]
fn of_the_starts_that_were_known_later_each_is_known_once() {
    let desk = running();
    let at = Timestamp::from_millis(ORIGIN);
    let start = |number| Accepted { sid: sid(number), at, registered: false };
    // The journal's own, and another recording's.
    let known = BoardFacts { starts: vec![start(1), start(7)], ..facts() };
    let board = told(&desk, &known).board(desk.now);
    let sids: Vec<Sid> = board.facts().starts.iter().map(|start| start.sid.clone()).collect();
    assert_eq!(sids, [sid(1), sid(7)]);
    let before = told(&desk, &known).board(Timestamp::from_millis(ORIGIN - 1));
    assert_eq!(before.facts().starts.len(), 1, "the other one was later");
}

#[test]
fn a_board_has_the_facts_that_it_was_told() {
    let mut board = Board::restore(BoardFacts::default());
    board.set_facts(facts());
    assert_eq!(*board.facts(), facts());
}

#[test]
fn a_bundle_of_the_largest_size_is_read_and_a_larger_one_is_not() {
    let largest = " ".repeat(BUNDLE_BYTES);
    assert_eq!(Bundle::read(&largest), Err(BundleProblem::NotJson));
    assert_eq!(Bundle::read(&(largest + " ")), Err(BundleProblem::TooLarge));
}

#[test]
fn a_bundle_of_the_most_entries_is_whole_and_a_longer_one_is_not_read() {
    let desk = running();
    let mut entries = desk.entries.clone();
    let last = entries.last().expect("an entry").clone();
    while entries.len() < BUNDLE_ENTRIES {
        let number = last.number + u32::try_from(entries.len() + 1 - desk.entries.len()).expect("small");
        entries.push(Entry { number, ..last.clone() });
    }
    let id = desk.recording.id.clone();
    let mut bundle = Bundle::new(id, entries, facts(), "build".to_owned(), desk.now);
    assert_eq!(bundle.check(), Ok(()), "entries of one instant are in order");
    for _ in 0..2 {
        let number = bundle.entries.len() as u32 + 1;
        bundle.entries.push(Entry { number, ..last.clone() });
        assert_eq!(bundle.check(), Err(BundleProblem::TooLong));
    }
}
