//! Starts the simulated service and the control desk on loopback with a fresh journal, until Ctrl-C or until one ends.

use crate::processes::{self, Running};
use crate::{Outcome, Problem, page, paths, servers};
use serde::Deserialize;
use serde_json::{Value, json};
use simulator::scenario::{Deed, Scenario};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, io};

/// What `cargo xtask demo` takes.
#[derive(clap::Args)]
pub struct Options {
    /// The port of the page
    #[arg(long, default_value_t = 7100)]
    port: u16,
    /// How much faster than the wall the time of both servers runs
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    clock_rate: u32,
    /// What the simulated service's chances begin from: the same seed, the same chances
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A scenario to play, by the name of its file in crates/simulator-server/scenarios
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
}

/// The App ID, customer key and secret of the simulated account. They open nothing else.
const APP_ID: &str = "0123456789abcdef0123456789abcdef";
const CUSTOMER_KEY: &str = "demonstration-key";
const CUSTOMER_SECRET: &str = "demonstration-secret";

/// What the App ID is called in the configuration.
const APP: &str = "demonstration";
/// What the simulated service signs its notifications with.
const NOTIFICATION_SECRET: &str = "demonstration-notices";

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Builds what is missing and runs until it is interrupted.
pub fn run(options: &Options) -> Outcome {
    if let Some(name) = &options.scenario {
        scenario_file(name)?;
    }
    // Asked before minutes of building, and again by the server itself when it starts.
    port_is_free(options.port)?;
    page::build()?;
    servers::build()?;
    let folder = fresh_folder()?;
    let clock = [
        "--clock-rate".to_owned(),
        options.clock_rate.to_string(),
        "--clock-origin".to_owned(),
        milliseconds_since_1970()?.to_string(),
    ];

    let mut simulator = start_simulator(options, &clock)?;
    let configuration = write_configuration(&folder, &simulator.addresses)?;
    import_yesterday(&clock, &configuration)?;
    port_is_free(options.port)?;
    let mut proxy = start_proxy(options, &clock, &configuration)?;
    let address = format!("http://127.0.0.1:{}", options.port);
    wait_until_ready(&address, [&mut simulator.running, &mut proxy])?;
    println!("Tallylight is running at {address}/");
    let mut staff = match &options.scenario {
        Some(_) => Staff::of(&simulator.addresses, &address)?,
        None => Staff::default(),
    };
    while !processes::interrupted() {
        fail_if_ended(&mut simulator.running)?;
        fail_if_ended(&mut proxy)?;
        staff.act();
        processes::pause();
    }
    Ok(())
}

fn port_is_free(port: u16) -> Outcome {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).map_err(|error| {
        Problem::new(match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("Port {port} is in use: end the program that listens there, or choose another port with --port.")
            }
            _ => format!("Port {port} cannot be listened on ({error}): choose another one with --port."),
        })
    })
}

/// `target/demo`, without anything of an earlier demonstration: a journal opens only at the rate it was made with.
fn fresh_folder() -> Outcome<PathBuf> {
    let folder = paths::target().join("demo");
    let made = match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(&folder),
    };
    made.map_err(|error| Problem::new(format!("{} cannot be emptied: {error}.", folder.display())))?;
    Ok(folder)
}

fn milliseconds_since_1970() -> Outcome<u128> {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|duration| duration.as_millis())
        .map_err(|_| Problem::new("The clock of this machine stands before 1970."))
}

struct Simulator {
    running: Running,
    addresses: Addresses,
}

/// Where the simulated service listens, as `host:port`.
struct Addresses {
    primary: String,
    secondary: String,
    region: String,
}

/// The simulated service takes free ports and prints them, one line each, in the order of its listeners.
fn start_simulator(options: &Options, clock: &[String]) -> Outcome<Simulator> {
    let mut command = Command::new(paths::binaries()?.join(servers::SIMULATOR));
    for listener in ["--listen", "--listen-secondary", "--listen-region"] {
        command.args([listener, "127.0.0.1:0"]);
    }
    command
        .args(["--app-id", APP_ID, "--customer-key", CUSTOMER_KEY, "--customer-secret", CUSTOMER_SECRET])
        .args(["--seed", &options.seed.to_string()])
        .args(["--notify", &format!("http://127.0.0.1:{}/api/v1/notifications/{APP}", options.port)])
        .args(["--notify-secret", NOTIFICATION_SECRET])
        .args(clock)
        .stdout(Stdio::piped());
    if let Some(name) = &options.scenario {
        command.arg("--scenario").arg(scenario_file(name)?);
    }
    let mut running = Running::start("The simulated service", &mut command)?;
    let lines = lines_of(&mut running);
    let deadline = Instant::now() + START_LIMIT;
    let mut next = || loop {
        match lines.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => {
                if let Some(address) = address_in(&line) {
                    return Ok(address);
                }
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => fail_if_ended(&mut running)?,
            Err(RecvTimeoutError::Disconnected) => {
                // It closed its output, so it is about to end: its status says more than the missing address.
                while Instant::now() < deadline && !processes::interrupted() {
                    fail_if_ended(&mut running)?;
                    processes::pause();
                }
                return Err(too_slow(&running));
            }
            Err(RecvTimeoutError::Timeout) => return Err(too_slow(&running)),
        }
    };
    let addresses = Addresses { primary: next()?, secondary: next()?, region: next()? };
    Ok(Simulator { running, addresses })
}

/// Reads what a program prints on a thread of its own, to the end, so that it never waits for a full pipe.
fn lines_of(running: &mut Running) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(output) = running.take_output() {
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(io::Result::ok) {
                // Nobody listens once the addresses are known.
                let _ = sender.send(line);
            }
        });
    }
    receiver
}

/// The `host:port` of a line such as `listening on http://127.0.0.1:7101`.
fn address_in(line: &str) -> Option<String> {
    let (_, after) = line.split_once("http://")?;
    let address: String =
        after.chars().take_while(|character| !character.is_whitespace() && *character != '/').collect();
    (line.contains("listening") && address.contains(':')).then_some(address)
}

/// Writes the configuration and the files of its secrets.
fn write_configuration(folder: &Path, addresses: &Addresses) -> Outcome<PathBuf> {
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        fs::write(&file, text)
            .map(|()| file.clone())
            .map_err(|error| Problem::new(format!("{} cannot be written: {error}.", file.display())))
    };
    let quoted = |path: PathBuf| format!("{:?}", path.display().to_string());
    let key = quoted(write("customer-key", CUSTOMER_KEY)?);
    let secret = quoted(write("customer-secret", CUSTOMER_SECRET)?);
    let storage_key = quoted(write("storage-access-key", "demonstration-access-key")?);
    let storage_secret = quoted(write("storage-secret-key", "demonstration-secret-key")?);
    let notification_secret = quoted(write("notification-secret", NOTIFICATION_SECRET)?);
    let database = format!("{:?}", format!("sqlite:{}", folder.join("tallylight.db").display()));
    let assets = quoted(paths::dist());
    let Addresses { primary, secondary, region } = addresses;
    write(
        "tallylight.toml",
        &format!(
            r#"# Written by `cargo xtask demo`; the next demonstration replaces it.
[server]
demo = true
assets = {assets}

[journal]
url = {database}

[[app]]
name = "{APP}"
app_id = "{APP_ID}"
customer_key = {{ file = {key} }}
customer_secret = {{ file = {secret} }}
domains = ["http://api.agora.io", "http://api.sd-rtn.com"]
region_domain = "http://api-us-west-1.agora.io"
resolve = {{ "api.agora.io" = "{primary}", "api.sd-rtn.com" = "{secondary}", "api-us-west-1.agora.io" = "{region}" }}
uid_range = [900000, 999999]
notification_secrets = [{{ file = {notification_secret} }}]

[[app.storage]]
name = "archive"
vendor = 1
region = 0
bucket = "recordings-archive"
access_key = {{ file = {storage_key} }}
secret_key = {{ file = {storage_secret} }}
file_name_prefix = ["archive"]

[[app.storage]]
name = "lessons"
vendor = 1
region = 7
bucket = "recordings-lessons"
access_key = {{ file = {storage_key} }}
secret_key = {{ file = {storage_secret} }}
file_name_prefix = ["lessons"]
"#
        ),
    )
}

/// A lesson that was recorded at the simulated service and failed over once, put into the journal as if it had ended a day
/// ago: something to look back at. `tests/harness/bundle.mjs` records it.
fn import_yesterday(clock: &[String], configuration: &Path) -> Outcome {
    let mut command = Command::new(paths::binaries()?.join(servers::PROXY));
    command
        .args(["import", "--hours-ago", "24", "--config"])
        .arg(configuration)
        .arg("--bundle")
        .arg(paths::root().join("crates/xtask/demo/yesterday.json"))
        .args(clock)
        .stdout(Stdio::null());
    processes::run(&mut command, "Yesterday's recording cannot be imported.")
}

/// The file of a scenario; the names that there are, if there is none of this name.
fn scenario_file(name: &str) -> Outcome<PathBuf> {
    let folder = paths::root().join("crates/simulator-server/scenarios");
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let file = folder.join(format!("{name}.toml"));
    if plain && file.is_file() {
        return Ok(file);
    }
    let entries = fs::read_dir(&folder)
        .map_err(|error| Problem::new(format!("{} cannot be read: {error}.", folder.display())))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.path().file_stem().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Err(Problem::new(format!("There is no scenario {name:?}. There are: {}.", names.join(", "))))
}

/// The staff of a scenario: asks for recordings and stops them through the control desk, as people would.
#[derive(Default)]
struct Staff {
    deeds: VecDeque<(Duration, Deed)>,
    /// When the scenario began, by the service's clock, in milliseconds.
    began: i64,
    service: String,
    desk: String,
    /// The newest recording of each channel.
    recordings: BTreeMap<String, String>,
    keys: u64,
    /// The control desk asked them to wait a little.
    rests_until: Option<Instant>,
}

/// How long staff wait who were told that they asked for too many starts within a minute.
const REST: Duration = Duration::from_millis(500);

/// What became of a command.
enum Posted {
    Taken(Value),
    Later,
    Refused,
}

/// What `GET /simulator/scenario` answers.
#[derive(Deserialize)]
struct Played {
    began: i64,
    scenario: Option<Scenario>,
}

impl Staff {
    fn of(addresses: &Addresses, desk: &str) -> Outcome<Self> {
        // No scenario takes the region's domain down: it would lose the staff its clock.
        let service = format!("http://{}", addresses.region);
        let told = ureq::get(format!("{service}/simulator/scenario"))
            .call()
            .and_then(|mut answer| answer.body_mut().read_to_string())
            .map_err(|error| {
                Problem::new(format!("The simulated service does not tell its scenario: {error}."))
            })?;
        let played: Played = serde_json::from_str(&told)
            .map_err(|error| Problem::new(format!("The scenario cannot be read: {error}.")))?;
        let scenario =
            played.scenario.ok_or_else(|| Problem::new("The simulated service plays no scenario."))?;
        println!("{}", scenario.about);
        println!("Keep the page open: it is the page that makes the calls.");
        Ok(Self {
            deeds: scenario.of_staff().into(),
            began: played.began,
            service,
            desk: desk.to_owned(),
            ..Self::default()
        })
    }

    /// Does what is due.
    fn act(&mut self) {
        let Some((at, _)) = self.deeds.front() else { return };
        let at = *at;
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.rests_until = None;
        let Some(now) = self.now() else { return };
        if Duration::from_millis(u64::try_from(now - self.began).unwrap_or(0)) < at {
            return;
        }
        let Some((_, deed)) = self.deeds.pop_front() else { return };
        match deed.clone() {
            Deed::Record { channel, idle_seconds } => {
                let body = json!({
                    "app": APP,
                    "channel": channel,
                    "storage": "archive",
                    "settings": { "mode": "mix", "recording_config": { "maxIdleTime": idle_seconds } },
                });
                match self.post("/api/v1/recordings", &body) {
                    Posted::Taken(asked) => {
                        if let Some(id) = asked["recording"].as_str() {
                            self.recordings.insert(channel, id.to_owned());
                        }
                    }
                    Posted::Later => {
                        self.rests_until = Some(Instant::now() + REST);
                        self.deeds.push_front((at, deed));
                    }
                    Posted::Refused => {}
                }
            }
            Deed::Stop { channel } => {
                if let Some(id) = self.recordings.remove(&channel) {
                    self.post(&format!("/api/v1/recordings/{id}/stop"), &json!({}));
                }
            }
        }
    }

    /// The service's time, in milliseconds.
    fn now(&self) -> Option<i64> {
        let text =
            ureq::get(format!("{}/healthz", self.service)).call().ok()?.body_mut().read_to_string().ok()?;
        serde_json::from_str::<Value>(&text).ok()?.get("now")?.as_i64()
    }

    /// One command of staff. What the control desk refuses is said and not tried again, as with a person; only where it
    /// asks for patience there is patience.
    fn post(&mut self, path: &str, body: &Value) -> Posted {
        self.keys += 1;
        let answer = ureq::post(format!("{}{path}", self.desk))
            .header("idempotency-key", format!("scenario-{}-{}", self.began, self.keys))
            .content_type("application/json")
            .send(body.to_string());
        match answer.and_then(|mut answer| answer.body_mut().read_to_string()) {
            Ok(text) => Posted::Taken(serde_json::from_str(&text).unwrap_or_default()),
            Err(ureq::Error::StatusCode(429)) => Posted::Later,
            Err(error) => {
                eprintln!("The control desk did not take {path}: {error}.");
                Posted::Refused
            }
        }
    }
}

fn start_proxy(options: &Options, clock: &[String], configuration: &Path) -> Outcome<Running> {
    let mut command = Command::new(paths::binaries()?.join(servers::PROXY));
    command
        .arg("serve")
        .arg("--config")
        .arg(configuration)
        .args(["--listen", &format!("127.0.0.1:{}", options.port)])
        .args(clock)
        // What the demonstration prints is one line with the address, and what goes wrong.
        .env("TALLYLIGHT_LOG", env::var("TALLYLIGHT_LOG").unwrap_or_else(|_| "warn".to_owned()))
        .stdout(Stdio::null());
    Running::start("The control desk", &mut command)
}

fn wait_until_ready(address: &str, servers: [&mut Running; 2]) -> Outcome {
    let deadline = Instant::now() + START_LIMIT;
    let [simulator, proxy] = servers;
    loop {
        if ureq::get(format!("{address}/readyz")).call().is_ok() {
            return Ok(());
        }
        fail_if_ended(simulator)?;
        fail_if_ended(proxy)?;
        if processes::interrupted() {
            return Err(Problem::new(""));
        }
        if Instant::now() > deadline {
            return Err(too_slow(proxy));
        }
        processes::pause();
    }
}

fn fail_if_ended(server: &mut Running) -> Outcome {
    match server.ended()? {
        Some(status) if !processes::interrupted() => Err(Problem::new(format!(
            "{} ended by itself ({status}); its own message stands above.",
            server.name()
        ))),
        _ => Ok(()),
    }
}

fn too_slow(server: &Running) -> Problem {
    Problem::new(format!("{} did not answer within {} s.", server.name(), START_LIMIT.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::{address_in, scenario_file};

    #[test]
    fn a_scenario_that_there_is_not_is_one_sentence_with_those_that_there_are() {
        for name in ["school-day", "regional-outage", "storm-of-50x", "leak", "bad-token", "flapping-host"] {
            assert!(scenario_file(name).is_ok(), "{name}");
        }
        for name in ["", "holiday", "../Cargo", "school-day.toml", "school-day\0", "ä"] {
            let problem = scenario_file(name).expect_err("there is none").to_string();
            assert!(problem.starts_with("There is no scenario ") && !problem.contains('\n'), "{problem}");
            assert!(
                problem.ends_with(
                    "There are: bad-token, flapping-host, leak, regional-outage, school-day, storm-of-50x."
                ),
                "{problem}"
            );
        }
    }

    #[test]
    fn an_address_is_read_from_the_line_that_a_server_prints() {
        assert_eq!(address_in("listening on http://127.0.0.1:7101").as_deref(), Some("127.0.0.1:7101"));
        assert_eq!(
            address_in("listening on http://127.0.0.1:7101/ (secondary)").as_deref(),
            Some("127.0.0.1:7101")
        );
        assert_eq!(address_in("see http://127.0.0.1:7101"), None);
    }
}
