use std::path::Path;

use rules::Policy;
use rules::api::Capability;

use super::reader::LISTEN;
use super::*;

const APP: &str = r#"
[[app]]
name = "main"
app_id = "0123456789abcdef0123456789abcdef"
customer_key = "key"
customer_secret = "very-secret-text"
uid_range = [900000, 999999]
[[app.storage]]
name = "archive"
vendor = 1
region = 0
bucket = "recordings"
access_key = "access-secret-text"
secret_key = "storage-secret-text"
file_name_prefix = ["archive"]
"#;

const STAFF: &str = "[[staff]]\nname = \"Desk\"\nrole = \"operator\"\n";

/// The domains of a demonstration, to be put before the first table of an app.
const LOOPBACK: &str = r#"domains = ["http://api.agora.io", "http://api.sd-rtn.com"]
resolve = { "api.agora.io" = "127.0.0.1:7101", "api.sd-rtn.com" = "" }
"#;

fn load(text: &str, overrides: &Overrides) -> Result<Config, Vec<Problem>> {
    Config::parse(text, "tallylight.toml", Path::new("."), overrides)
}

/// An app whose requests stay on this machine.
fn on_loopback() -> String {
    APP.replacen("[[app.storage]]", &format!("{LOOPBACK}[[app.storage]]"), 1)
}

#[test]
fn pages_of_another_site_are_told_apart_from_those_of_another_host() {
    let notes = |server: &str| -> Vec<String> {
        let text = format!("[server]\n{server}\n{APP}{STAFF}");
        let config = load(&text, &Overrides::default()).unwrap_or_else(|problems| panic!("{problems:?}"));
        let about = config.warnings.iter().filter(|note| note.key == "server.allowed_origins");
        about.map(|note| note.sentence.clone()).collect()
    };
    let own = "public_url = \"https://api.example.org/\"";
    assert_eq!(notes(&format!("{own}\nallowed_origins = [\"https://desk.example.org\"]")), [""; 0]);
    let both = "allowed_origins = [\"https://desk.example.net\", \"http://desk.example.org\"]";
    let told = notes(&format!("{own}\n{both}"));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("https://desk.example.net is another site than https://api.example.org/"));
    assert!(told[1].starts_with("http://desk.example.org is another site"));
    let unnamed = notes("allowed_origins = [\"https://desk.example.org\"]");
    assert!(unnamed.len() == 1 && unnamed[0].contains("server.public_url"), "{unnamed:?}");
    // A page under development.
    assert_eq!(notes("allowed_origins = [\"http://localhost:8080\"]"), [""; 0]);
}

/// The only problem of a text.
#[track_caller]
fn problem(text: &str, overrides: &Overrides) -> String {
    match load(text, overrides) {
        Ok(_) => panic!("it was taken: {text}"),
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(lines.len(), 1, "{lines:#?}");
            assert!(!lines[0].contains('\n'), "one line: {lines:?}");
            lines[0].clone()
        }
    }
}

#[track_caller]
fn refuses(text: &str, expected: &str) {
    let problem = problem(text, &Overrides::default());
    assert!(problem.contains(expected), "{problem}");
}

#[test]
fn the_smallest_configuration_takes_the_documented_values() {
    let config = load(&format!("{APP}{STAFF}"), &Overrides::default()).expect("it is complete");
    assert_eq!(config.listen, LISTEN);
    assert_eq!(config.journal, Path::new("./tallylight.db"));
    assert_eq!(config.keep_raw_days, 30);
    assert!(!config.demo);
    let settings = config.settings("build");
    assert_eq!(settings.person.name, "Desk");
    assert_eq!(settings.person.capabilities, [Capability::View, Capability::Operate]);
    let names: Vec<&str> = settings.policies.iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!(names, ["patient", "swift", "immediate"]);
    let app = &settings.apps[0];
    assert_eq!(
        app.hosts,
        [(Domain::Primary, "api.agora.io".to_owned()), (Domain::Secondary, "api.sd-rtn.com".to_owned())]
    );
    assert_eq!((app.qps, app.pcw), (10, 50));
    assert_eq!(app.storage[0].place, "Amazon S3, region 0, bucket recordings");
    assert_eq!(config.upstream()["main"].bases["api.agora.io"], "https://api.agora.io");
}

#[test]
fn nothing_that_is_printed_holds_a_secret() {
    let config = load(&format!("{APP}{STAFF}"), &Overrides::default()).expect("it is complete");
    let printed = format!("{config}\n{config:?}\n{:?}\n{:?}", config.settings("build"), config.requests());
    assert!(printed.contains("from the configuration file"));
    for secret in ["very-secret-text", "access-secret-text", "storage-secret-text"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn an_error_in_the_file_names_its_line_and_repeats_no_secret() {
    refuses("[server]\nlisten = \"127.0.0.1:1\"\nlissten = 1\n", "line 3: unknown field `lissten`");
    let secret = "[[app]]\nname = \"main\"\ncustomer_key = \"very-secret-text\nqps = 1\n";
    let problem = problem(secret, &Overrides::default());
    assert!(problem.contains("line 3") && !problem.contains("very-secret-text"), "{problem}");
    let number = format!("{APP}{STAFF}").replace("\"very-secret-text\"", "12345678901");
    refuses(&number, "a number stands where a text is needed");
}

#[test]
fn a_value_comes_from_a_file_or_from_the_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret"), "from-a-file\n").expect("written");
    let text = format!("{APP}{STAFF}")
        .replace("\"very-secret-text\"", "{ file = \"secret\" }")
        .replace("bucket = \"recordings\"", "bucket = { env = \"CARGO_PKG_NAME\" }")
        .replace("region = 0", "region = { env = \"CARGO_PKG_VERSION_MAJOR\" }");
    let config = Config::parse(&text, "tallylight.toml", folder.path(), &Overrides::default());
    let config = config.expect("all are there");
    let secret = &config.apps[0].customer.0.now().secret;
    assert_eq!(secrecy::ExposeSecret::expose_secret(secret), "from-a-file");
    assert_eq!(config.apps[0].storage[0].1.bucket, "proxy");
    assert!(config.to_string().contains("customer_secret = (secret, from the file"));

    let missing = format!("{APP}{STAFF}").replace("\"very-secret-text\"", "{ file = \"not-there\" }");
    refuses(&missing, "app.main.customer_secret: the file ./not-there cannot be read");
    let unset =
        format!("{APP}{STAFF}").replace("\"very-secret-text\"", "{ env = \"TALLYLIGHT_TEST_NOT_SET\" }");
    refuses(&unset, "the environment variable TALLYLIGHT_TEST_NOT_SET is not set");
    let both = format!("{APP}{STAFF}").replace("\"very-secret-text\"", "{ env = \"A\", file = \"B\" }");
    refuses(&both, "only { file = ");
}

#[test]
fn without_sign_in_it_listens_on_loopback_only() {
    refuses(&format!("[server]\nlisten = \"0.0.0.0:7100\"\n{APP}{STAFF}"), "no sign-in yet");
    refuses(
        &format!("[server]\ndemo = true\nlisten = \"192.0.2.1:7100\"\n{}", on_loopback()),
        "on loopback only",
    );
    let overrides = Overrides { listen: Some("0.0.0.0:0".to_owned()), ..Overrides::default() };
    assert!(problem(&format!("{APP}{STAFF}"), &overrides).contains("no sign-in yet"));
    let overrides = Overrides { listen: Some("localhost:0".to_owned()), ..Overrides::default() };
    assert_eq!(load(&format!("{APP}{STAFF}"), &overrides).expect("loopback").listen.port(), 0);
    refuses(&format!("[server]\nlisten = \"here\"\n{APP}{STAFF}"), "is no address");
    refuses(&format!("[server]\ntrusted_proxies = [\"192.0.2.1\"]\n{APP}{STAFF}"), "server.trusted_proxies");
    refuses(&format!("[server]\ntls = {{ certificate = \"a\", key = \"b\" }}\n{APP}{STAFF}"), "server.tls");
    refuses(APP, "staff: nobody is named");
}

#[test]
fn a_demonstration_reaches_this_machine_only() {
    refuses(&format!("[server]\ndemo = true\n{APP}"), "app.main.domains: a demonstration");
    let config = load(&format!("[server]\ndemo = true\n{}", on_loopback()), &Overrides::default());
    let config = config.expect("it stays here");
    assert_eq!(config.simulator().as_deref(), Some("main"));
    let person = config.settings("build").person;
    assert_eq!(person.role, Role::Lead);
    assert!(person.capabilities.contains(&Capability::Simulate));
}

#[test]
fn time_runs_faster_only_before_a_simulator() {
    let overrides = Overrides { clock_rate: Some(10), ..Overrides::default() };
    assert!(problem(&format!("{APP}{STAFF}"), &overrides).contains("--clock-rate"));
    assert_eq!(load(&format!("{}{STAFF}", on_loopback()), &overrides).expect("it stays here").clock_rate, 10);
    let overrides = Overrides { clock_rate: Some(0), ..Overrides::default() };
    assert!(problem(&format!("{}{STAFF}", on_loopback()), &overrides).contains("1 to 1000"));
}

#[test]
fn credentials_never_travel_in_clear_text_beyond_this_machine() {
    let app =
        |domains: &str| APP.replacen("[[app.storage]]", &format!("{domains}\n[[app.storage]]"), 1) + STAFF;
    refuses(&app("domains = [\"http://api.agora.io\", \"https://api.sd-rtn.com\"]"), "in clear text");
    refuses(&app("domains = [\"https://api.agora.io\"]"), "two are needed");
    refuses(&app("domains = [\"https://api.agora.io\", \"https://api.agora.io\"]"), "twice");
    refuses(
        &app("domains = [\"https://api.agora.io/v1\", \"https://api.sd-rtn.com\"]"),
        "no address of a service",
    );
    refuses(&app("resolve = { \"api.agora.io\" = \"192.0.2.1:80\" }"), "only be led to this machine");
    refuses(&app("resolve = { \"api.agora.io\" = \"127.0.0.1\" }"), "an address and a port");
    refuses(&app("resolve = { \"example.org\" = \"127.0.0.1:80\" }"), "none of the domains");
    refuses(
        &app(
            "domains = [\"https://api.agora.io:444\", \"https://api.sd-rtn.com\"]\nresolve = { \"api.agora.io\" = \"127.0.0.1:80\" }",
        ),
        "remove the port here",
    );
}

#[test]
fn s11_the_range_of_uids_has_room_for_a_recording_and_stays_below_2_to_the_31() {
    for range in ["[0, 100]", "[10, 12]", "[12, 10]", "[1, 2147483648]"] {
        refuses(&format!("{APP}{STAFF}").replace("[900000, 999999]", range), "app.main.uid_range");
    }
    for range in ["[1, 4]", "[2147483644, 2147483647]"] {
        let text = format!("{APP}{STAFF}").replace("[900000, 999999]", range);
        assert!(load(&text, &Overrides::default()).is_ok(), "{range}");
    }
}

#[test]
fn names_that_something_hangs_on_are_unique() {
    let second = APP.replace("\"main\"", "\"second\"");
    refuses(&format!("{APP}{second}{STAFF}"), "app.second.app_id");
    refuses(&format!("{APP}{STAFF}{STAFF}"), "staff.Desk.name");
    let storage = &APP[APP.find("[[app.storage]]").expect("there is one")..];
    refuses(&format!("{APP}{storage}{STAFF}"), "app.main.storage.archive.name");
}

#[test]
fn a_storage_profile_is_what_the_service_takes() {
    let text = format!("{APP}{STAFF}");
    refuses(&text.replace("vendor = 1", "vendor = 4"), "app.main.storage.archive.vendor");
    refuses(&text.replace("vendor = 1", "vendor = 11"), "app.main.storage.archive.endpoint");
    refuses(&text.replace("[\"archive\"]", "[\"an archive\"]"), "app.main.storage.archive.file_name_prefix");
    refuses(
        &format!("{}{STAFF}", &APP[..APP.find("[[app.storage]]").expect("there is one")]),
        "app.main.storage",
    );
}

#[test]
fn a_policy_of_ones_own_departs_from_the_documented_one() {
    let policy = "[[policy]]\nname = \"watchful\"\nmonitor_interval = 60\n";
    let config = load(&format!("{APP}{STAFF}{policy}"), &Overrides::default()).expect("one number");
    let own = &config.settings("build").policies[3];
    assert_eq!((own.name.as_str(), own.policy.monitor_interval), ("watchful", 60));
    assert_eq!(Policy { monitor_interval: 120, ..own.policy.clone() }, Policy::default());
    refuses(
        &format!("{APP}{STAFF}{}", policy.replace("monitor_interval", "interval")),
        "policy.watchful: unknown field",
    );
    refuses(&format!("{APP}{STAFF}{}", policy.replace("watchful", "swift")), "policy.swift");
    let switches =
        policy.replace("monitor_interval = 60", "restart_after_idle = true\nstarted_notification = true");
    let config = load(&format!("{APP}{STAFF}{switches}"), &Overrides::default()).expect("two switches");
    let own = &config.settings("build").policies[3].policy;
    assert!(own.restart_after_idle && own.started_notification);
}

#[test]
fn every_problem_is_found_at_once() {
    let text = format!("{APP}{STAFF}").replace("vendor = 1", "vendor = 4").replace("operator", "boss");
    let problems = load(&text, &Overrides::default()).expect_err("two are wrong");
    // Without the only person it is not known who acts.
    assert_eq!(problems.len(), 3, "{problems:?}");
}

#[test]
fn the_page_must_have_been_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let overrides = Overrides { assets: Some(folder.path().to_owned()), ..Overrides::default() };
    assert!(problem(&format!("{APP}{STAFF}"), &overrides).contains("cargo xtask build"));
    std::fs::write(folder.path().join("index.html"), "").expect("written");
    assert!(load(&format!("{APP}{STAFF}"), &overrides).is_ok());
}

#[test]
fn secrets_that_were_exchanged_are_used_at_once_and_the_rest_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret"), "old-customer-secret").expect("written");
    let text = format!("{APP}{STAFF}").replace("\"very-secret-text\"", "{ file = \"secret\" }");
    let read = |text: &str| {
        Config::parse(text, "tallylight.toml", folder.path(), &Overrides::default()).expect("a configuration")
    };
    let config = read(&text);
    // Whoever was given it at the start.
    let (requests, upstream) = (config.requests(), config.upstream());
    assert_eq!(config.exchange(&read(&text)), Exchanged::default());

    std::fs::write(folder.path().join("secret"), "new-customer-secret").expect("written");
    let changed = text
        .replace("storage-secret-text", "storage-secret-changed")
        .replace("bucket = \"recordings\"", "bucket = \"other\"");
    let exchanged = config.exchange(&read(&changed));
    assert_eq!(
        exchanged.secrets,
        ["app.main.customer_key and customer_secret", "app.main.storage.archive.access_key and secret_key"]
    );
    assert_eq!(exchanged.waiting, ["app.main"]);
    use secrecy::ExposeSecret as _;
    assert_eq!(upstream["main"].customer.now().secret.expose_secret(), "new-customer-secret");
    let storage = &requests["main"].storage["archive"];
    assert_eq!(storage.keys.now().secret.expose_secret(), "storage-secret-changed");
    assert_eq!(storage.bucket, "recordings", "it waits for a restart");
    let printed = format!("{exchanged:?} {config:?} {config}");
    assert!(!printed.contains("customer-secret\"") && !printed.contains("secret-changed"), "{printed}");
}
