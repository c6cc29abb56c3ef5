//! Where the rows stand. While a hand is on the list nothing moves under it: what is new stands at the end, and what would
//! have moved or gone is counted and waits.

use std::rc::Rc;

use rules::RecordingId;

use crate::screens::board::Listed;
use crate::standing::Group;

/// What has a place among the rows.
pub trait Named {
    /// By what it is known again.
    fn id(&self) -> &RecordingId;
}

impl Named for Rc<Listed> {
    fn id(&self) -> &RecordingId {
        &self.id
    }
}

/// A row's place: the recording, and under which title it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot<One> {
    /// The recording.
    pub one: One,
    /// The title; none where the order is not that of attention.
    pub under: Option<Under>,
}

/// What a group of rows stands under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under {
    /// Pinned in this browser.
    Pinned,
    /// How it stands.
    Group(Group),
    /// It came while a hand was on the list.
    New,
}

/// The rows as they are shown, and what waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<One> {
    /// The rows.
    pub spots: Vec<Spot<One>>,
    /// How many stand at the end until the rows are sorted anew.
    pub new: usize,
    /// How many would stand elsewhere or be gone.
    pub moved: usize,
}

/// Places the rows as they are `wanted`, or leaves them as they were `before` while a hand holds them.
pub fn place<One: Named + Clone>(before: &[Spot<One>], wanted: Vec<Spot<One>>, held: bool) -> Placed<One> {
    if !held || before.is_empty() {
        return Placed { spots: wanted, new: 0, moved: 0 };
    }
    let id = |place: usize| before[place].one.id();
    let mut by_id: Vec<usize> = (0..before.len()).collect();
    by_id.sort_unstable_by(|one, other| id(*one).cmp(id(*other)));
    let stood = |one: &One| by_id.binary_search_by(|place| id(*place).cmp(one.id())).ok().map(|at| by_id[at]);
    let is_new = |spot: &Spot<One>| spot.under == Some(Under::New);
    let mut spots = before.to_vec();
    let (mut places, mut stay) = (Vec::new(), 0);
    for spot in wanted {
        match stood(&spot.one) {
            // One that came under the hand waits for its place like one that comes now.
            Some(place) if is_new(&before[place]) => spots[place].one = spot.one,
            Some(place) => {
                stay += 1;
                spots[place].one = spot.one;
                // One that changed its group stands elsewhere, also where its neighbours are the same.
                if before[place].under == spot.under {
                    places.push(place);
                }
            }
            None => spots.push(Spot { under: Some(Under::New), ..spot }),
        }
    }
    let old = before.iter().filter(|spot| !is_new(spot)).count();
    Placed { new: spots.len() - old, moved: old - stay + stay - rising(places.into_iter()), spots }
}

/// How many of the numbers stand in a longest rising row: those that need not move for the others to fall into place.
fn rising(numbers: impl Iterator<Item = usize>) -> usize {
    // The smallest last number of a rising row of each length.
    let mut lasts: Vec<usize> = Vec::new();
    for number in numbers {
        let place = lasts.partition_point(|last| *last < number);
        match lasts.get_mut(place) {
            Some(last) => *last = number,
            None => lasts.push(number),
        }
    }
    lasts.len()
}

#[cfg(test)]
mod tests {
    use super::{Named, Placed, Spot, Under, place};
    use crate::standing::Group;
    use rules::RecordingId;

    impl Named for RecordingId {
        fn id(&self) -> &RecordingId {
            self
        }
    }

    fn spots(names: &[&str]) -> Vec<Spot<RecordingId>> {
        let spot = |name: &&str| Spot { one: RecordingId::parse(*name).expect("an id"), under: None };
        names.iter().map(spot).collect()
    }

    fn told(before: &[&str], wanted: &[&str], held: bool) -> (Vec<Spot<RecordingId>>, usize, usize) {
        let Placed { spots, new, moved } = place(&spots(before), self::spots(wanted), held);
        (spots, new, moved)
    }

    #[test]
    fn without_a_hand_the_rows_stand_as_they_are_wanted() {
        assert_eq!(told(&["a", "b"], &["b", "c"], false), (spots(&["b", "c"]), 0, 0));
        assert_eq!(told(&[], &["b", "c"], true), (spots(&["b", "c"]), 0, 0), "there was nothing to hold");
    }

    #[test]
    fn under_a_hand_nothing_moves_and_what_waits_is_counted() {
        let before = ["a", "b", "c", "d"];
        let moved = |wanted: &[&str]| told(&before, wanted, true);
        assert_eq!(moved(&before), (spots(&before), 0, 0));
        assert_eq!(moved(&["d", "a", "b", "c"]), (spots(&before), 0, 1), "one goes to the top");
        assert_eq!(moved(&["a", "c", "d"]), (spots(&before), 0, 1), "one is gone");
        assert_eq!(moved(&["d", "c"]), (spots(&before), 0, 3));
    }

    #[test]
    fn what_comes_under_a_hand_stands_at_the_end() {
        let before = spots(&["a", "b"]);
        let once = place(&before, spots(&["x", "a", "b"]), true);
        let names = |placed: &Placed<RecordingId>| {
            placed.spots.iter().map(|spot| spot.one.to_string()).collect::<Vec<_>>()
        };
        assert_eq!((names(&once), once.new, once.moved), (vec!["a".into(), "b".into(), "x".into()], 1, 0));
        assert_eq!(once.spots[2].under, Some(Under::New));
        let twice = place(&once.spots, spots(&["y", "x", "a", "b"]), true);
        assert_eq!((names(&twice).join(" "), twice.new, twice.moved), ("a b x y".to_owned(), 2, 0));
        assert_eq!(
            place(&twice.spots, spots(&["y", "x", "a", "b"]), false).spots,
            spots(&["y", "x", "a", "b"])
        );
    }

    #[test]
    fn one_that_changes_its_group_moves() {
        let mut before = spots(&["a", "b"]);
        let mut wanted = before.clone();
        before[1].under = Some(Under::Group(Group::Recording));
        wanted[1].under = Some(Under::Group(Group::Handled));
        assert_eq!(place(&before, wanted, true).moved, 1);
    }
}
