//! Moves bytes and time for the client. Everything that is decided, the rules decide.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client::{Action, Client, EndedBecause, Liveness, Moment, PostId, PostOutcome, Request};
use rules::RecordingId;
use secrecy::SecretString;
use tokio::sync::mpsc;

use crate::server::Server;
use crate::stream::{self, Told};

/// A stream that the proxy ended for good is tried again after this: a token is put right, a proxy goes back to its build.
const AFTER_THE_END: Duration = Duration::from_secs(30);

/// With `--once` nothing is due any more when nothing was posted, and nothing waited for an answer, for this long. Free
/// leases are offered within a second, and what is due is posted at once.
const QUIET: Duration = Duration::from_secs(3);

/// With `--once` a proxy must have been reached within this time.
const REACHED_WITHIN: Duration = Duration::from_secs(30);

/// With `--once` it ends after this time, whatever is still due: what comes next is the next run's.
const ONCE_AT_MOST: Duration = Duration::from_secs(300);

/// As many messages may wait between the stream and the client; then the stream is read no further.
const WAITING_MAX: usize = 256;

/// For how long it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Until it is asked to end. It connects again for ever.
    ForEver,
    /// Until nothing is due that nobody acts for.
    Once,
}

/// What happened to a stream or a post.
enum Event {
    /// Of the stream with this number; a later one has a larger number.
    Stream(u32, Told),
    Answered(PostId, PostOutcome),
}

/// The open stream, or the one that is being opened.
struct Line {
    number: u32,
    outgoing: mpsc::Sender<String>,
}

struct Attendant<'a> {
    server: &'a Server,
    token: SecretString,
    client: Client,
    began: Instant,
    line: Option<Line>,
    lines: u32,
    events: mpsc::Sender<Event>,
    wake: Option<u64>,
    open_posts: usize,
    /// When something was posted or answered last.
    busy_at: Instant,
    held: BTreeSet<RecordingId>,
}

/// Attends until `ended` resolves or, once, until nothing is due any more.
///
/// # Errors
/// A sentence, with [`How::Once`], when the proxy could not be reached or let nobody in.
pub async fn attend(
    server: &Server,
    how: How,
    token: impl Fn() -> Result<SecretString, String>,
    ended: impl Future<Output = ()>,
) -> Result<(), String> {
    let (events, mut told) = mpsc::channel(WAITING_MAX);
    let began = Instant::now();
    let mut attendant = Attendant {
        server,
        token: token()?,
        client: Client::new(),
        began,
        line: None,
        lines: 0,
        events,
        wake: None,
        open_posts: 0,
        busy_at: began,
        held: BTreeSet::new(),
    };
    tokio::pin!(ended);
    loop {
        attendant.turn();
        if let Liveness::Ended(because) = attendant.client.liveness(attendant.moment()) {
            let sentence = end_of(because);
            if how == How::Once {
                return Err(sentence.to_owned());
            }
            tracing::error!("{sentence}; it is tried again in {} s", AFTER_THE_END.as_secs());
            tokio::select! {
                () = tokio::time::sleep(AFTER_THE_END) => {}
                () = &mut ended => return Ok(()),
            }
            match token() {
                Ok(token) => attendant.token = token,
                Err(sentence) => tracing::error!("{sentence}"),
            }
            attendant.begin_anew();
            continue;
        }
        if how == How::Once
            && let Some(done) = attendant.is_done()
        {
            return done;
        }
        let wake = attendant.wake_in(how);
        tokio::select! {
            event = told.recv() => match event {
                Some(event) => attendant.hear(event),
                None => return Ok(()),
            },
            () = tokio::time::sleep(wake) => {}
            () = &mut ended => {
                tracing::info!("it ends; what it acted for is offered to others");
                attendant.let_go().await;
                return Ok(());
            }
        }
    }
}

impl Attendant<'_> {
    fn moment(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Moment::new(millis(self.began.elapsed()), i64::try_from(millis(wall)).unwrap_or(i64::MAX))
    }

    /// Does what the client wants done now.
    fn turn(&mut self) {
        self.wake = None;
        for action in self.client.poll(self.moment()) {
            match action {
                Action::Connect { after, journal } => self.connect(after, journal.as_deref()),
                Action::CloseSocket => {
                    self.line = None;
                    let (moment, chance) = (self.moment(), chance());
                    self.client.closed(moment, None, chance);
                }
                Action::Send(message) => {
                    if let (Some(line), Ok(text)) = (&self.line, serde_json::to_string(&message)) {
                        // A proxy that reads nothing is silent soon, and silence is noticed.
                        let _ = line.outgoing.try_send(text);
                    }
                }
                Action::Post { id, request } => self.post(id, request),
                Action::WakeAt(at) => self.wake = Some(at),
            }
        }
        self.tell_leases();
    }

    fn connect(&mut self, after: Option<u64>, journal: Option<&str>) {
        self.lines += 1;
        let number = self.lines;
        let (outgoing, lines) = mpsc::channel(WAITING_MAX);
        let (tell, mut told) = mpsc::channel(WAITING_MAX);
        self.line = Some(Line { number, outgoing });
        let address = self.server.stream(after, journal);
        tokio::spawn(stream::run(self.server.clone(), address, self.token.clone(), tell, lines));
        let events = self.events.clone();
        tokio::spawn(async move {
            while let Some(told) = told.recv().await {
                if events.send(Event::Stream(number, told)).await.is_err() {
                    return;
                }
            }
        });
    }

    fn post(&mut self, id: PostId, request: Request) {
        match &request {
            Request::Call(recording, call) => {
                tracing::info!(%recording, operation = %call.operation, rule = %call.rule, "call");
            }
            Request::Decision(recording, decision) => {
                tracing::info!(%recording, rule = %decision.rule, "decision");
            }
            Request::Claim(_) => {}
        }
        self.open_posts += 1;
        self.busy_at = Instant::now();
        let (server, token) = (self.server.clone(), self.token.clone());
        let context = self.client.command_context();
        let events = self.events.clone();
        tokio::spawn(async move {
            let outcome = server.post(&token, &request, context.as_ref()).await;
            let _ = events.send(Event::Answered(id, outcome)).await;
        });
    }

    fn hear(&mut self, event: Event) {
        let moment = self.moment();
        match event {
            Event::Stream(number, told) => {
                // What an older stream still tells means nothing.
                if self.line.as_ref().is_none_or(|line| line.number != number) {
                    return;
                }
                match told {
                    Told::Open => {
                        tracing::info!("connected");
                        self.client.connected(moment);
                    }
                    Told::Text(text) => self.client.received_text(&text, moment),
                    Told::Closed(code) => {
                        self.line = None;
                        self.client.closed(moment, code, chance());
                        if let Some(at) = self.client.reconnects_at() {
                            let wait = at.saturating_sub(moment.monotonic);
                            tracing::warn!(code, "not connected; tried again in {:.1} s", wait as f64 / 1e3);
                        }
                    }
                }
            }
            Event::Answered(id, outcome) => {
                self.open_posts = self.open_posts.saturating_sub(1);
                self.busy_at = Instant::now();
                if let PostOutcome::Refused(problem) = &outcome {
                    tracing::warn!(status = problem.status, rule = ?problem.rule, "refused: {}", problem.title);
                }
                self.client.answered(id, outcome, moment);
            }
        }
    }

    /// Says which leases came and went.
    fn tell_leases(&mut self) {
        let held: BTreeSet<RecordingId> = self.client.held().cloned().collect();
        for recording in held.difference(&self.held) {
            tracing::info!(%recording, "acts for it from now on");
        }
        for recording in self.held.difference(&held) {
            tracing::info!(%recording, "acts for it no more");
        }
        self.held = held;
    }

    /// For how long nothing is to be done unless something happens.
    fn wake_in(&self, how: How) -> Duration {
        let wait = self.wake.map(|at| at.saturating_sub(self.moment().monotonic));
        // Never at once: a client that wants to be woken in the past is woken a little later.
        let wait = Duration::from_millis(wait.unwrap_or(3_600_000).clamp(5, 3_600_000));
        if how == How::Once { wait.min(Duration::from_millis(250)) } else { wait }
    }

    /// Whether a single run is over.
    fn is_done(&self) -> Option<Result<(), String>> {
        let live = self.client.liveness(self.moment()) == Liveness::Live && self.client.complete();
        if !live && self.began.elapsed() > REACHED_WITHIN {
            let sentence = "the proxy could not be reached, or did not say what is recorded";
            return Some(Err(sentence.to_owned()));
        }
        let quiet = live && self.open_posts == 0 && self.busy_at.elapsed() > QUIET;
        (quiet || self.began.elapsed() > ONCE_AT_MOST).then(|| {
            tracing::info!("nothing is due; {} recordings were acted for at the end", self.held.len());
            Ok(())
        })
    }

    /// Closes the stream, so that the leases are free at once.
    async fn let_go(&mut self) {
        if let Some(Line { outgoing, .. }) = self.line.take() {
            drop(outgoing);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// As a client that was never connected.
    fn begin_anew(&mut self) {
        self.line = None;
        self.client = Client::new();
    }
}

const fn end_of(because: EndedBecause) -> &'static str {
    match because {
        EndedBecause::SignedOut => {
            "the proxy does not know the token: it belongs into a [[token]] of its configuration"
        }
        EndedBecause::NotAllowed => "the token may not act: its role must be attendant",
        EndedBecause::NewBuild => "the proxy has another build: install the attendant of the same version",
    }
}

/// A random number from the whole range, which spreads the next attempts of many clients.
fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}
