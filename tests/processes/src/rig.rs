//! The two servers, each in its own process, and what a test asks of them.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use agora::{ChannelName, Mode, Operation, RecordingSettings, ResourceId, Sid, Uid};
use client::CommandContext;
use rules::api::{AdoptRecording, Asked, JournalPage, RecordingPage, RequestRecording};
use rules::journal::CallSent;
use rules::{Entry, Fact, Recording, RecordingId};
use serde_json::{Value, json};
use simulator::{Ledger, LedgerRequest};
use tempfile::TempDir;

use crate::binaries::program;
use crate::{Answer, Cutter, Http};

/// The App ID's name in the configuration of a rig.
pub const APP: &str = "tests";

/// What the journal calls the attendant of a rig.
pub const ATTENDANT: &str = "Night attendant";

/// What notifications to a rig may be signed with. The simulated service signs with the first.
pub const NOTIFICATION_SECRETS: [&str; 2] = ["tests-notify-secret", "tests-notify-secret-2"];

/// A connection of the service to the webhook breaks after at most so many bytes of the answer, once the test wants it:
/// about every second answer gets through.
const WEBHOOK_BYTES: u64 = 400;

/// The user and group that own nothing.
const NOBODY: u32 = 65_534;

const APP_ID: &str = "0123456789abcdef0123456789abcdef";
const CUSTOMER_KEY: &str = "test-key";
const CUSTOMER_SECRET: &str = "test-secret";

/// How long a server may take until it answers, on a machine that has other things to do.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How often a waiting test looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits until `look` gives something.
///
/// # Panics
/// After `at_most`; `what` says what did not come.
pub fn eventually<T>(at_most: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + at_most;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "within {} s it does not come to this: {what}", at_most.as_secs());
        thread::sleep(LOOK_AGAIN);
    }
}

/// What a rig is started with.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How much faster than the wall both servers' time runs.
    pub clock_rate: u32,
    /// The simulated service's seed.
    pub seed: u64,
    /// Whether the service sends notifications, and with which options besides.
    pub notifications: Option<&'static [&'static str]>,
}

impl Default for Options {
    fn default() -> Self {
        Self { clock_rate: 10, seed: 1, notifications: None }
    }
}

/// The simulated service and the control desk.
#[derive(Debug)]
pub struct Rig {
    folder: TempDir,
    clock: [String; 4],
    simulator: Server,
    proxy: Option<Server>,
    address: String,
    /// The control desk.
    pub http: Http,
    /// The simulated service, by the number of its machine.
    pub service: Http,
    /// What stands between the service and the webhook.
    pub webhook: Cutter,
    keys: AtomicU64,
}

impl Rig {
    /// Starts both with a fresh journal.
    ///
    /// # Panics
    /// When one of them does not start.
    pub fn start(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let origin = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_millis();
        let clock = [
            "--clock-rate".to_owned(),
            options.clock_rate.to_string(),
            "--clock-origin".to_owned(),
            origin.to_string(),
        ];
        let mut command = Command::new(program("tallylight-simulator"));
        for listener in ["--listen", "--listen-secondary", "--listen-region"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        command
            .args(["--app-id", APP_ID, "--customer-key", CUSTOMER_KEY])
            .args(["--customer-secret", CUSTOMER_SECRET, "--seed", &options.seed.to_string()])
            .args(&clock);
        let webhook = Cutter::before_nothing(options.seed, WEBHOOK_BYTES);
        if let Some(besides) = options.notifications {
            let url = format!("http://{}/api/v1/notifications/{APP}", webhook.address());
            command.args(["--notify", &url, "--notify-secret", NOTIFICATION_SECRETS[0]]).args(besides);
        }
        let (simulator, addresses) = Server::start("the simulated service", &mut command, 3);
        let [primary, secondary, region] = &addresses[..] else { panic!("three addresses: {addresses:?}") };
        write_configuration(&folder, primary, secondary, region);
        let service = Http::new(primary);
        let mut rig = Self {
            folder,
            clock,
            simulator,
            proxy: None,
            address: "127.0.0.1:0".to_owned(),
            http: Http::new(primary),
            service,
            webhook,
            keys: AtomicU64::new(0),
        };
        rig.start_proxy();
        rig
    }

    /// Where the control desk listens, as `host:port`; the same after a restart.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The folder of the journal and the configuration.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// Starts the control desk, which was killed.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn start_proxy(&mut self) {
        self.start_proxy_by(Command::new(program("tallylight")));
    }

    /// As [`Rig::start_proxy`], where no file can become larger than so many blocks of 512 bytes: what is written beyond
    /// fails as on a full disk.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn start_proxy_with_little_room(&mut self, blocks: u32) {
        // The signal that says so is ignored, so that the program meets an error of the write.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(program("tallylight"));
        self.start_proxy_by(command);
    }

    /// As [`Rig::start_proxy`], on a disk whose room [`Rig::set_room`] decides on while it runs. `at_first`: whether there
    /// is any.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn start_proxy_on_a_disk_that_fills(&mut self, at_first: bool) {
        let limit = if at_first { "" } else { "ulimit -S -f 0; " };
        let script = format!("trap '' XFSZ; {limit}exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(program("tallylight"));
        self.start_proxy_and_wait(command, if at_first { "/readyz" } else { "/healthz" });
    }

    /// As [`Rig::start_proxy`], where the journal and its folder can be read and not written, before
    /// [`Rig::let_everything_be_written`].
    ///
    /// # Panics
    /// When it does not answer.
    pub fn start_proxy_where_nothing_may_be_written(&mut self) {
        let mut command = Command::new(program("tallylight"));
        self.as_somebody_who_may_not_write(&mut command);
        self.start_proxy_and_wait(command, "/healthz");
    }

    /// Takes the permission to write from the folder and all in it. Whoever runs everything as root is refused nothing, so
    /// the command is run as somebody else then, to whom all of it belongs.
    ///
    /// # Panics
    /// When the folder is not this process's own.
    pub fn as_somebody_who_may_not_write(&self, command: &mut Command) {
        use std::os::unix::fs::MetadataExt as _;
        use std::os::unix::process::CommandExt as _;
        let is_root = fs::metadata(self.folder.path()).expect("it is there").uid() == 0;
        for path in self.everything() {
            if is_root {
                std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).expect("root may");
            }
        }
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        self.permit(0o555, 0o444);
    }

    /// Takes back what [`Rig::as_somebody_who_may_not_write`] did to the files.
    ///
    /// # Panics
    /// When the folder is not this process's own.
    pub fn let_everything_be_written(&self) {
        self.permit(0o755, 0o644);
    }

    fn permit(&self, folder: u32, file: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        for path in self.everything() {
            let mode = if path.is_dir() { folder } else { file };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its own file");
        }
    }

    /// The folder and what lies in it.
    fn everything(&self) -> Vec<PathBuf> {
        let inside = fs::read_dir(self.folder.path()).expect("it is there");
        let inside = inside.map(|entry| entry.expect("it can be read").path());
        core::iter::once(self.folder.path().to_owned()).chain(inside).collect()
    }

    /// Whether the control desk can write anything from now on.
    ///
    /// # Panics
    /// When `prlimit` is missing, or the control desk does not run.
    pub fn set_room(&self, room: bool) {
        let limit = if room { "--fsize=unlimited:" } else { "--fsize=0:" };
        let done = Command::new("prlimit").args(["--pid", &self.proxy_process().to_string(), limit]).status();
        assert!(done.expect("prlimit is there").success());
    }

    /// The number of the control desk's process.
    ///
    /// # Panics
    /// When it does not run.
    pub fn proxy_process(&self) -> u32 {
        self.proxy.as_ref().expect("it runs").child.id()
    }

    /// Asks the control desk to end, and waits for it. Gives back its exit status and what it said.
    ///
    /// # Panics
    /// When it does not end.
    pub fn end_proxy(&mut self) -> (Option<i32>, String) {
        let mut server = self.proxy.take().expect("it runs");
        let asked = Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status();
        assert!(asked.expect("kill is there").success());
        let status = eventually(START_LIMIT, "the control desk ends", || {
            server.child.try_wait().expect("its own process can be waited for")
        });
        let said: Vec<String> = server.said.iter().collect();
        (status.code(), said.join("\n"))
    }

    /// Runs one of the control desk's commands with its configuration. Gives back the exit status and what it printed.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn command(&self, name: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(program("tallylight"))
            .args([name, "--config"])
            .arg(self.folder.path().join("tallylight.toml"))
            .args(arguments)
            .output()
            .expect("the program is there");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    }

    /// What starts the control desk, for a test that wants it to fail.
    pub fn serving(&self) -> Command {
        let mut command = Command::new(program("tallylight"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]);
        command.arg(self.folder.path().join("tallylight.toml")).args(&self.clock);
        command
    }

    /// Adds something to the control desk's configuration, from its next start on.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn configure(&self, more: &str) {
        let file = self.folder.path().join("tallylight.toml");
        let text = fs::read_to_string(&file).expect("the configuration");
        fs::write(file, text + more).expect("the folder can be written");
    }

    fn start_proxy_by(&mut self, command: Command) {
        self.start_proxy_and_wait(command, "/readyz");
    }

    /// Starts it, and waits until this path is answered with 200.
    fn start_proxy_and_wait(&mut self, mut command: Command, path: &str) {
        command
            .args(["serve", "--listen", &self.address, "--config"])
            .arg(self.folder.path().join("tallylight.toml"))
            .args(&self.clock);
        let (server, addresses) = Server::start("the control desk", &mut command, 1);
        self.proxy = Some(server);
        self.address.clone_from(&addresses[0]);
        self.http = Http::new(&self.address);
        self.webhook.leads_to(&self.address);
        eventually(START_LIMIT, "the control desk is ready", || {
            self.http.try_get(path).filter(|answer| answer.status == 200)
        });
    }

    /// Ends the control desk as a power cut would: `kill -9`.
    pub fn kill_proxy(&mut self) {
        // Dropping it kills it and waits for its end.
        self.proxy = None;
    }

    /// Where the token of the attendant lies.
    pub fn token_file(&self) -> PathBuf {
        self.folder.path().join("attendant.token")
    }

    // ---- staff -----------------------------------------------------------------------------------------------------

    /// A key that was not used yet.
    pub fn key(&self) -> String {
        format!("key-{}", self.keys.fetch_add(1, Ordering::SeqCst))
    }

    /// What asks for a recording of this channel.
    ///
    /// # Panics
    /// When that is no name of a channel.
    pub fn request(channel: &str) -> RequestRecording {
        let channel = ChannelName::parse(channel).expect("a valid channel");
        let mut request: RequestRecording = serde_json::from_value(json!({
            "app": APP, "channel": channel, "storage": "archive", "settings": RecordingSettings::default(),
        }))
        .expect("what is left out has a default");
        request.settings.mode = Mode::Mix;
        request
    }

    /// Asks for a recording.
    ///
    /// # Panics
    /// When it is refused.
    pub fn ask(&self, channel: &str, context: Option<&CommandContext>) -> RecordingId {
        let mut headers = vec![("idempotency-key", self.key())];
        headers.extend(context.map(Http::proof).unwrap_or_default());
        let answer = self.http.post("/api/v1/recordings", &Self::request(channel), &headers);
        answer.read::<Asked>().recording
    }

    /// Watches a session that runs already, or is said to.
    ///
    /// # Panics
    /// When it is refused.
    pub fn adopt(&self, channel: &str, uid: u32, sid: &str) -> RecordingId {
        let adopt = AdoptRecording {
            app: APP.to_owned(),
            channel: ChannelName::parse(channel).expect("a valid channel"),
            mode: Mode::Mix,
            uid: Uid::new(uid).expect("not 0"),
            resource_id: ResourceId::parse(format!("resource-{sid}")).expect("a valid resource ID"),
            sid: Sid::parse(sid).expect("a valid sid"),
        };
        let headers = [("idempotency-key", self.key())];
        self.http.post("/api/v1/recordings/adopt", &adopt, &headers).read::<Asked>().recording
    }

    /// Stops a recording at once.
    ///
    /// # Panics
    /// When nothing answers.
    pub fn stop(&self, id: &RecordingId) -> Answer {
        self.http.post(&format!("/api/v1/recordings/{id}/stop?undo=0"), &json!({}), &[])
    }

    /// Breaks something in the simulated service.
    ///
    /// # Panics
    /// When that is no fault.
    pub fn fault(&self, fault: &Value) {
        let answer = self.service.post("/simulator/faults", fault, &[]);
        assert!((200..300).contains(&answer.status), "{answer:?}");
    }

    // ---- what is so --------------------------------------------------------------------------------------------------

    /// What the service received and runs.
    pub fn ledger(&self) -> Ledger {
        self.service.get("/simulator/ledger")
    }

    /// The requests of one operation that the service received.
    pub fn requests(&self, operation: Operation) -> Vec<LedgerRequest> {
        self.ledger().requests.into_iter().filter(|request| request.operation == Some(operation)).collect()
    }

    /// A recording as the control desk folds it.
    pub fn recording(&self, id: &RecordingId) -> Recording {
        self.http.get(&format!("/api/v1/recordings/{id}"))
    }

    /// Every recording, live or not.
    pub fn recordings(&self) -> Vec<Recording> {
        let mut all = Vec::new();
        let mut before = String::new();
        loop {
            let page: RecordingPage = self.http.get(&format!("/api/v1/recordings{before}"));
            all.extend(page.recordings);
            match page.next {
                Some(next) => before = format!("?before={next}"),
                None => return all,
            }
        }
    }

    /// A whole journal.
    pub fn journal(&self, id: &RecordingId) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(0, |entry| entry.number);
            let page: JournalPage = self.http.get(&format!("/api/v1/recordings/{id}/journal?after={after}"));
            let ends = !page.more || page.entries.is_empty();
            entries.extend(page.entries);
            if ends {
                return entries;
            }
        }
    }

    /// The calls that left for a recording.
    pub fn calls(&self, id: &RecordingId) -> Vec<CallSent> {
        let sent = |entry: Entry| match entry.fact {
            Fact::CallSent(sent) => Some(sent),
            _ => None,
        };
        self.journal(id).into_iter().filter_map(sent).collect()
    }

    /// Whether ledger and journals agree, by the checker of every journey; what it found, if not.
    ///
    /// # Errors
    /// What they do not agree on.
    ///
    /// # Panics
    /// When the checker cannot be run.
    pub fn agree(&self) -> Result<Value, String> {
        let output = Command::new(program("xtask"))
            .args(["agree", "--json", "--server", self.http.origin(), "--simulator", self.service.origin()])
            .stdin(Stdio::null())
            .output()
            .expect("the checker starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            return Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr)));
        }
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if thread::panicking() {
            // What the servers said is the first thing that one wants to read.
            for server in [Some(&self.simulator), self.proxy.as_ref()].into_iter().flatten() {
                eprintln!("---- {}:", server.name);
                for line in server.said.try_iter() {
                    eprintln!("{line}");
                }
            }
        }
    }
}

fn write_configuration(folder: &TempDir, primary: &str, secondary: &str, region: &str) {
    let database = format!("sqlite:{}", folder.path().join("tallylight.db").display());
    let text = format!(
        r#"
[server]
demo = true

[journal]
url = {database:?}

[[app]]
name = "{APP}"
app_id = "{APP_ID}"
customer_key = "{CUSTOMER_KEY}"
customer_secret = "{CUSTOMER_SECRET}"
domains = ["http://api.agora.io", "http://api.sd-rtn.com"]
region_domain = "http://api-us-west-1.agora.io"
resolve = {{ "api.agora.io" = "{primary}", "api.sd-rtn.com" = "{secondary}", "api-us-west-1.agora.io" = "{region}" }}
uid_range = [900000, 999999]
notification_secrets = {NOTIFICATION_SECRETS:?}

[[token]]
name = "{ATTENDANT}"
role = "attendant"
token = {{ file = "attendant.token" }}

[[app.storage]]
name = "archive"
vendor = 1
region = 0
bucket = "recordings-archive"
access_key = "test-access-key"
secret_key = "test-secret-key"
file_name_prefix = ["archive"]
"#
    );
    fs::write(folder.path().join("attendant.token"), "0123456789abcdef0123456789abcdef\n")
        .expect("the folder can be written");
    fs::write(folder.path().join("tallylight.toml"), text).expect("the folder can be written");
}

/// A process that is killed when it is dropped.
#[derive(Debug)]
struct Server {
    name: &'static str,
    child: Child,
    said: Receiver<String>,
}

impl Server {
    /// Starts a server and waits for the addresses that it prints.
    fn start(name: &'static str, command: &mut Command, addresses: usize) -> (Self, Vec<String>) {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        let (sender, said) = mpsc::channel();
        let (found, listening) = mpsc::channel();
        let errors = child.stderr.take().expect("it was asked for");
        let output = child.stdout.take().expect("it was asked for");
        let heard = sender.clone();
        // Both are read to their end, so that the program never waits for a full pipe. Nobody may listen any more.
        thread::spawn(move || lines(errors).for_each(|line| drop(heard.send(line))));
        thread::spawn(move || {
            for line in lines(output) {
                if let Some(address) = address_in(&line) {
                    let _ = found.send(address);
                }
                let _ = sender.send(line);
            }
        });
        let server = Self { name, child, said };
        let mut known = Vec::new();
        while known.len() < addresses {
            match listening.recv_timeout(START_LIMIT) {
                Ok(address) => known.push(address),
                Err(_) => {
                    let said: Vec<String> = server.said.try_iter().collect();
                    panic!("{name} does not say where it listens: {}", said.join("\n"));
                }
            }
        }
        (server, known)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(output: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(output).lines().map_while(Result::ok)
}

/// The `host:port` of a line such as `listening on http://127.0.0.1:7101 (primary)`.
fn address_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("listening on http://")?;
    let end = rest.find(|end: char| end.is_whitespace() || end == '/').unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}
