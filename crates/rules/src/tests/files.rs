//! L, F4: the index files of a session.

use agora::files::Leg;
use agora::{Mode, Operation};

use super::*;
use crate::files::indexes;

/// A session that names no file until `named`, in seconds; the instants of the queries that L1 asks for.
fn asked_for_a_name(mode: Mode, named: i64) -> Vec<i64> {
    let mut requested = requested(Policy::default());
    requested.settings.mode = mode;
    let mut desk = Desk::with(requested);
    desk.run(100, |call| match call.operation {
        Operation::Query if call.at / 1000 < named => status_without_file(5),
        _ => well(call),
    });
    assert_eq!(desk.decided_at(&DecisionKind::Confirmed(1)), Some(5));
    let of_the_rule = desk.calls.iter().filter(|call| call.rule == RuleId::L1);
    of_the_rule.map(|call| call.at / 1000 - 5).collect()
}

#[test]
fn l1_a_name_is_asked_for_15_s_after_it_was_confirmed_and_a_minute_later() {
    assert_eq!(asked_for_a_name(Mode::Mix, 1_000), [15, 75]);
    assert_eq!(asked_for_a_name(Mode::Web, 1_000), [15, 75]);
    assert_eq!(asked_for_a_name(Mode::Mix, 20), [15], "it was named");
    assert_eq!(asked_for_a_name(Mode::Mix, 0), [0; 0], "the verification named it");
}

#[test]
fn l1_in_individual_mode_a_name_is_asked_for_after_a_minute() {
    let mut requested = requested(Policy::default());
    requested.settings.mode = Mode::Individual;
    let mut desk = Desk::with(requested);
    desk.run(200, |call| match call.operation {
        Operation::Query => status_without_file(5),
        _ => well(call),
    });
    let of_the_rule = desk.calls.iter().filter(|call| call.rule == RuleId::L1);
    assert_eq!(of_the_rule.map(|call| call.at / 1000 - 5).collect::<Vec<_>>(), [60, 120]);
}

#[test]
fn f4_every_leg_has_an_index_that_is_predicted_until_somebody_names_it() {
    let mut desk = running();
    desk.run(400, |call| match call.operation {
        Operation::Query => status_with_file(5, "bak1_s_math-7b.m3u8"),
        _ => well(call),
    });
    let session = desk.recording.session(1).expect("a session");
    let found = indexes(&desk.recording, session, &["lessons".to_owned()]);
    let legs: Vec<Leg> = found.iter().map(|index| index.leg).collect();
    assert_eq!(legs, [Leg::Original, Leg::Failover(0), Leg::Failover(1), Leg::Failover(2)]);
    let exists: Vec<bool> = found.iter().map(|index| index.exists).collect();
    assert_eq!(exists, [true, true, true, false]);
    let confirmed: Vec<bool> = found.iter().map(|index| index.confirmed).collect();
    assert_eq!(confirmed, [true, false, true, false]);
    assert_eq!(found[1].names, [format!("lessons/bak0_{}_math-7b.m3u8", sid(1))]);
    assert_eq!(found[2].names, ["bak1_s_math-7b.m3u8"]);
}

#[test]
fn l2_both_spellings_of_a_special_channel_name_are_expected_outside_web_mode() {
    let names = |mode: Mode| {
        let mut requested = requested(Policy::default());
        requested.channel = ChannelName::parse("math_7b").expect("a channel name");
        requested.settings.mode = mode;
        let mut desk = Desk::with(requested);
        desk.run(4, well);
        let session = desk.recording.session(1).expect("a session");
        indexes(&desk.recording, session, &[])[0].names.clone()
    };
    let (hyphen, plain) = (format!("{}_math-7b.m3u8", sid(1)), format!("{}_math_7b.m3u8", sid(1)));
    assert_eq!(names(Mode::Mix), [hyphen.as_str(), plain.as_str()]);
    assert_eq!(names(Mode::Web), [hyphen]);
}
