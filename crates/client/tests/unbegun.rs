//! A connection whose first message has not come yet: what the simulation found.

use agora::Timestamp;
use client::{Action, Client, Moment};
use rules::api::{Frame, FrameContent, FromProxy, Hello, PROTOCOL};

fn at(millis: u64) -> Moment {
    Moment::new(millis, i64::try_from(millis).expect("small"))
}

fn hello(now: i64) -> FromProxy {
    FromProxy::Hello(Hello {
        protocol: PROTOCOL,
        build: "build".to_owned(),
        journal_id: "journal".to_owned(),
        client: 1,
        secret: "secret".to_owned(),
        now: Timestamp::from_millis(now),
        clock_rate: 1,
    })
}

fn frame(after: u64, upto: u64, content: FrameContent) -> FromProxy {
    FromProxy::Frame(Frame { after, upto, at: Timestamp::from_millis(1_000), content })
}

#[test]
fn a_page_that_lacks_entries_rests_until_its_new_stream_has_begun() {
    let mut client = Client::new();
    client.poll(at(0));
    client.connected(at(10));
    client.received(&hello(1_000), at(20));
    let snapshot =
        FrameContent::Snapshot { first: true, last: true, recordings: Vec::new(), boards: Vec::new() };
    client.received(&frame(0, 5, snapshot), at(30));
    // Something is missing: a snapshot is asked for, and again every few seconds.
    client.received(&frame(7, 8, FrameContent::Entries(Vec::new())), at(40));
    client.poll(at(50));
    client.closed(at(60), Some(1006), 0);
    let mut now = 4_000;
    while !client.poll(at(now)).iter().any(|action| matches!(action, Action::Connect { .. })) {
        now += 50;
    }
    client.connected(at(now));
    // Long past the instant at which it would have asked again, and the first message has still not come.
    let late = now + 2_500;
    let wakes = client.poll(at(late)).into_iter().filter_map(|action| match action {
        Action::WakeAt(wake) => Some(wake),
        _ => None,
    });
    assert!(wakes.min().is_none_or(|wake| wake > late), "nothing is due before the stream has begun");
}
