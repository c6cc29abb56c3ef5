//! The scenario files: each is read, and played in virtual time it is the same each time and shows what it says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agora::{AppId, Timestamp};
use simulator::scenario::{Scenario, rehearse};
use simulator::{Config, EndedHow, Ledger, Notifications};

fn scenarios() -> BTreeMap<String, Scenario> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = std::fs::read_dir(folder).expect("the folder is there");
    files
        .map(|entry| {
            let path = entry.expect("a file").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).expect("text");
            let scenario: Scenario = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            scenario.check().unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, scenario)
        })
        .collect()
}

fn played(name: &str, seed: u64) -> Ledger {
    let scenario = &scenarios()[name];
    let mut config = Config::new(AppId::parse("demo").expect("an App ID"), "key", "secret");
    config.notifications = Some(Notifications::default());
    rehearse(scenario, config, seed, Timestamp::from_millis(1_700_000_000_000))
}

#[test]
fn the_same_seed_and_scenario_give_the_same_ledger_byte_by_byte() {
    let names: Vec<String> = scenarios().into_keys().collect();
    assert_eq!(
        names,
        ["bad-token", "flapping-host", "leak", "regional-outage", "school-day", "storm-of-50x"]
    );
    for name in names {
        let text = |seed| serde_json::to_string(&played(&name, seed)).expect("it serialises");
        let first = text(7);
        assert!(first.len() > 1_000, "{name}: something happens");
        assert_eq!(first, text(7), "{name}");
        assert_ne!(first, text(8), "{name}");
    }
}

#[test]
fn each_scenario_shows_what_it_says() {
    let ended = |ledger: &Ledger| -> BTreeMap<String, Option<EndedHow>> {
        ledger.sessions.iter().map(|session| (session.cname.clone(), session.ended_how)).collect()
    };
    let day = ended(&played("school-day", 1));
    assert_eq!(day["room-1"], Some(EndedHow::Stopped));
    assert_eq!(day["room-4"], Some(EndedHow::Idle), "a break is longer than its idle time");

    let outage = played("regional-outage", 1);
    assert_eq!(ended(&outage)["studio-8"], Some(EndedHow::Fault));
    assert_eq!(outage.sessions.iter().filter(|session| session.failovers == 1).count(), 6);

    let leak = played("leak", 1);
    assert!(leak.requests.iter().any(|request| request.code == Some(406)));

    let token = ended(&played("bad-token", 1));
    assert_eq!(token["before"], Some(EndedHow::TokenExpired));
    assert_eq!(token["after-1"], Some(EndedHow::TokenWrong));

    let flap = &played("flapping-host", 1).sessions[0];
    assert_eq!((flap.failovers, flap.ended_how), (3, Some(EndedHow::FaultsExhausted)));

    let storm = played("storm-of-50x", 1);
    assert!(
        storm.requests.iter().filter(|request| request.status.is_some_and(|status| status >= 500)).count()
            > 3
    );
}

#[test]
fn a_scenario_with_a_slip_is_refused() {
    for (text, says) in [
        ("about = \"a\"\nseconds = 5\n[[step]]\nat = 6\ndo.record = { channel = \"a\" }", "after the end"),
        (
            "about = \"a\"\nseconds = 5\n[[step]]\nat = 1\ndo.record = { channel = \"a\", count = 101 }",
            "count",
        ),
        ("about = \"a\"\nseconds = 5\n[[step]]\nat = 1\ndo.fault = { fault = \"explode\" }", "not a fault"),
    ] {
        let scenario: Scenario = toml::from_str(text).expect("its form is right");
        assert!(scenario.check().expect_err("it is refused").contains(says), "{text}");
    }
    assert!(toml::from_str::<Scenario>("about = \"a\"\nseconds = 5\nsteps = 1").is_err());
    assert!(
        toml::from_str::<Scenario>("about = \"a\"\nseconds = 5\n[[step]]\nat = 1\ndo.dance = 1").is_err()
    );
}
