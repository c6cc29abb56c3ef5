//! What the server needs from the rest of the proxy: the service, the clock, and the configuration as it sees it.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;

use agora::{Mode, Timestamp, UnansweredCause};
use rules::api::{NamedPolicy, Person, StorageSetup};
use rules::journal::Domain;
use switchboard::ports::Request;
use tokio::sync::mpsc::UnboundedSender;

/// A future on the heap.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// One request that is to leave now. All spans are real ones: the clock rate is already divided out.
#[derive(Debug, Clone)]
pub struct OutgoingCall {
    /// The name of the App ID's section in the configuration.
    pub app: String,
    /// Whether it goes out as `GET` without a body (`query`) or as `POST`.
    pub get: bool,
    /// Host, path, body.
    pub request: Request,
    /// How long the rule waits (D8). Then `Unanswered(Timeout)` is told.
    pub wait: Duration,
    /// How much longer a late answer is listened for; it is told as a second outcome.
    pub listen_longer: Duration,
}

/// How a call went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An HTTP answer of any status.
    Answered {
        /// The status.
        status: u16,
        /// A `Retry-After` header, as it came.
        retry_after: Option<String>,
        /// The body, cut at a limit of the upstream's own.
        body: Vec<u8>,
    },
    /// No answer (D2). After `Timeout` an `Answered` may still follow; after any other cause nothing does.
    Unanswered(UnansweredCause),
}

/// The service, over HTTP.
pub trait Upstream: Send + Sync + 'static {
    /// Sends one request, once: no retry, no redirect, no proxy. Tells one outcome, or `Unanswered(Timeout)` and then
    /// perhaps an `Answered`. A broken connection inside the longer listening is told by nothing.
    fn send(&self, call: OutgoingCall, tell: UnboundedSender<Outcome>) -> Boxed<()>;

    /// Passes a request on to the simulator's controls (`path` begins with `/simulator/`) and gives back status, content
    /// type and body. Used only in a demonstration.
    fn simulator(&self, get: bool, path: String, body: Vec<u8>) -> Boxed<Result<Passed, UnansweredCause>>;
}

/// An answer that is passed on as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The status.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// The journal's time.
pub trait Clock: Send + Sync + 'static {
    /// Now: origin + (wall − origin) × rate. It may step back with the wall; the switchboard never does.
    fn now(&self) -> Timestamp;

    /// How much faster than the wall it runs.
    fn rate(&self) -> u32;
}

/// The configuration as the server sees it: no credential.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The App IDs.
    pub apps: Vec<AppSettings>,
    /// The policies by name; the first is the default.
    pub policies: Vec<NamedPolicy>,
    /// Who is signed in: the demonstration's lead, or the first of `[[staff]]`.
    pub person: Person,
    /// Who is known by a token.
    pub tokens: Vec<TokenHolder>,
    /// Whether this is a demonstration.
    pub demo: bool,
    /// Origins from which pages may open the stream and send commands, such as `https://desk.example.org`.
    pub allowed_origins: Vec<String>,
    /// Values of `Host` that are answered, without a port; loopback names are always among them while the server listens
    /// on loopback.
    pub allowed_hosts: Vec<String>,
    /// The build of this program.
    pub build: String,
}

/// Who shows a token with each request: an attendant, or a screen on a wall.
#[derive(Debug, Clone)]
pub struct TokenHolder {
    /// SHA-256 of the token: the token itself is not kept.
    pub digest: [u8; 32],
    /// What the journal calls it, and what it may do.
    pub person: Person,
}

/// By what a token is known.
pub fn digest_of(token: &str) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(token.as_bytes()).into()
}

/// One App ID as the server sees it.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// Its name.
    pub name: String,
    /// Its host names by domain: primary, secondary, region.
    pub hosts: Vec<(Domain, String)>,
    /// Whether it has an App Certificate to build channel tokens with.
    pub builds_tokens: bool,
    /// Its storage profiles.
    pub storage: Vec<StorageSetup>,
    /// The modes that can be asked for.
    pub modes: Vec<Mode>,
    /// Calls per second (B1).
    pub qps: u32,
    /// Concurrent sessions (B1).
    pub pcw: u32,
    /// The first and the last UID of the reserved range (S11).
    pub uid_range: (u32, u32),
}
