//! I, B: what fits, and how near the limits are.

use core::time::Duration;

use crate::limits::{
    Region, Streams, Use, calls_per_second, idle_time_for, streams_max, streams_used, used_of,
};

#[test]
fn i1_an_idle_time_is_twice_the_break_within_its_range() {
    let fits = |seconds| idle_time_for(Duration::from_secs(seconds));
    assert_eq!([fits(0), fits(14), fits(15), fits(16)], [30, 30, 30, 32]);
    assert_eq!(fits(300), 600, "breaks of 5 minutes");
    assert_eq!([fits(1_296_000), fits(1_296_001), fits(u64::MAX)], [2_592_000; 3]);
}

#[test]
fn b1_use_is_told_from_80_percent_on_and_blocks_nothing() {
    assert_eq!([used_of(0, 50), used_of(39, 50)], [Use::Well; 2]);
    assert_eq!([used_of(40, 50), used_of(50, 50)], [Use::Nearly; 2]);
    assert_eq!([used_of(51, 50), used_of(u32::MAX, 50)], [Use::Over; 2]);
}

#[test]
fn b1_the_estimate_is_sessions_over_interval_rounded_up() {
    let calls = |sessions, seconds| calls_per_second(sessions, Duration::from_secs(seconds));
    assert_eq!([calls(0, 120), calls(1, 120), calls(120, 120), calls(121, 120)], [0, 1, 1, 2]);
    assert_eq!([calls(50, 15), calls(7, 0)], [4, 7_000]);
    assert_eq!(calls(u32::MAX, 0), u32::MAX);
}

#[test]
fn b2_each_resolution_has_its_limit_and_all_together_the_largest_of_theirs() {
    let europe = |sd, hd, fhd| streams_used(Region::Europe, Streams { sd, hd, fhd });
    assert_eq!([europe(0, 0, 0), europe(39, 0, 0), europe(0, 23, 0)], [Use::Well; 3]);
    assert_eq!([europe(40, 0, 0), europe(0, 24, 0), europe(0, 0, 8), europe(30, 20, 0)], [Use::Nearly; 4]);
    assert_eq!([europe(51, 0, 0), europe(0, 31, 0), europe(0, 0, 11)], [Use::Over; 3]);
    assert_eq!(europe(31, 20, 0), Use::Over, "SD and HD together are at most 50");
    assert_eq!(europe(0, 21, 10), Use::Over, "HD and Full HD together are at most 30");
    assert_eq!(europe(u32::MAX, u32::MAX, 0), Use::Over);
    let of = |region| streams_max(region);
    assert_eq!(of(Region::China), Streams { sd: 100, hd: 50, fhd: 30 });
    assert_eq!(of(Region::America), of(Region::Asia));
    assert_eq!(of(Region::Asia), Streams { sd: 50, hd: 50, fhd: 30 });
}
