//! What the team shares, and what is found of recordings that ended.

mod common;

use common::World;
use rules::api::{PutView, PutViews};
use switchboard::{Actor, Filter};

fn put(version: u64, names: &[&str]) -> PutViews {
    let view = |name: &&str| PutView { name: (*name).to_owned(), view: "q=state%3Alost".to_owned() };
    PutViews { version, views: names.iter().map(view).collect() }
}

#[test]
fn views_are_shared_and_nobody_writes_over_what_another_changed() {
    let mut world = World::new();
    let person = |name: &str| Actor { person: name.to_owned(), client: None };
    let now = world.now();
    assert_eq!(world.switchboard.views().expect("they are read").version, 0);
    let first =
        world.switchboard.views_put(&person("ada"), &put(0, &["Lost"]), now).expect("none were there");
    assert_eq!((first.version, first.by.as_deref()), (1, Some("ada")));
    // Whoever saw none of it is told who was there before.
    let refused =
        world.switchboard.views_put(&person("ben"), &put(0, &["Mine"]), now).expect_err("it is stale");
    assert_eq!((refused.status, refused.kind.as_str()), (409, "views_changed"));
    assert!(refused.title.starts_with("ada "), "{}", refused.title);
    let both =
        world.switchboard.views_put(&person("ben"), &put(1, &["Lost", "Mine"]), now).expect("it is new");
    let by: Vec<&str> = both.views.iter().map(|one| one.by.as_str()).collect();
    assert_eq!(by, ["ada", "ben"], "what stays as it was keeps who shared it");
    world.restart();
    assert_eq!(world.switchboard.views().expect("they are read"), both);
}

#[test]
fn views_are_few_and_have_names_of_their_own() {
    let mut world = World::new();
    let (actor, now) = (world.nobody(), world.now());
    let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = "x".repeat(41);
    for names in [&many[..], &["a", "a"], &[""], &[" a"], &[long.as_str()], &["a\nb"]] {
        let refused = world.switchboard.views_put(&actor, &put(0, names), now).expect_err("it is wrong");
        assert_eq!(refused.status, 422, "{names:?}");
    }
    let mut large = put(0, &["a"]);
    large.views[0].view = "x".repeat(1_001);
    assert_eq!(world.switchboard.views_put(&actor, &large, now).expect_err("it is long").status, 422);
    assert_eq!(world.switchboard.views().expect("they are read").version, 0);
}

#[test]
fn a_recording_is_found_by_all_that_it_was_ever_known_by() {
    let mut world = World::new();
    let page = world.connect();
    let id = world.running(page, "Math-7b");
    world.running(page, "chem");
    let session = world.recording(&id).sessions[0].clone();
    let sid = session.sid.expect("it has one").to_string();
    let resource = session.resource.expect("it has one").id.to_string();
    let uid = session.uid.to_string();
    for restarted in [false, true] {
        if restarted {
            world.restart();
        }
        for text in ["math", "MATH-7B", &sid, &resource, id.as_str(), &format!("math {uid}")] {
            let found = world.switchboard.page(&Filter::default().finding(text), None, 10);
            assert_eq!(found.recordings.iter().map(|one| &one.id).collect::<Vec<_>>(), [&id], "{text}");
            assert_eq!(found.total, 1);
        }
        assert_eq!(world.switchboard.page(&Filter::default().finding("math chem"), None, 10).total, 0);
        assert_eq!(world.switchboard.page(&Filter::default().finding(" "), None, 10).total, 2);
    }
}
