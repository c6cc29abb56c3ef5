//! A page without a screen: the client with a real socket, real posts and a real clock.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client::{Action, Client, Moment, PostId, PostOutcome, Request};
use rules::RecordingId;
use rules::api::PROTOCOL;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use crate::{Chance, Http};

/// How long the socket is read before posts and the clock are looked at again. At clock rate 10 it is 30 ms of the
/// journal's time.
const LISTEN: Duration = Duration::from_millis(3);

/// A page that runs on a thread of its own until it is closed.
#[derive(Debug)]
pub struct Controller {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    client: Mutex<Client>,
    posted: Mutex<Vec<(Request, PostOutcome)>>,
    stop: AtomicBool,
    /// Whether it connects again at once, as when somebody presses the button.
    impatient: bool,
    began: Instant,
}

impl Shared {
    fn client(&self) -> MutexGuard<'_, Client> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moment(&self) -> Moment {
        let since = |span: Duration| u64::try_from(span.as_millis()).expect("tests are short");
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, since);
        Moment::new(since(self.began.elapsed()), i64::try_from(wall).expect("it is not that late"))
    }
}

impl Controller {
    /// Opens a page of the server at `address`.
    pub fn open(address: &str, seed: u64) -> Self {
        Self::start(address, address, seed, false)
    }

    /// Opens a page whose socket goes to another address than its posts, and which connects again at once.
    pub fn open_through(socket_address: &str, address: &str, seed: u64) -> Self {
        Self::start(socket_address, address, seed, true)
    }

    fn start(socket_address: &str, address: &str, seed: u64, impatient: bool) -> Self {
        let shared = Arc::new(Shared {
            client: Mutex::new(Client::new()),
            posted: Mutex::new(Vec::new()),
            stop: AtomicBool::new(false),
            impatient,
            began: Instant::now(),
        });
        let (tell, outcomes) = mpsc::channel();
        let driver = Driver {
            shared: Arc::clone(&shared),
            socket_address: socket_address.to_owned(),
            http: Http::new(address),
            chance: Chance::new(seed),
            socket: None,
            outcomes,
            tell,
            wake: None,
        };
        let thread = thread::spawn(move || driver.run());
        Self { shared, thread: Some(thread) }
    }

    /// Looks at the client.
    pub fn with<T>(&self, look: impl FnOnce(&Client, Moment) -> T) -> T {
        look(&self.shared.client(), self.shared.moment())
    }

    /// Whether this page acts for the recording.
    pub fn holds(&self, id: &RecordingId) -> bool {
        self.with(|client, _| client.holds(id))
    }

    /// Every post so far with what came of it.
    pub fn posted(&self) -> Vec<(Request, PostOutcome)> {
        self.shared.posted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the page.
    pub fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the page broke down");
        }
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.end();
    }
}

struct Driver {
    shared: Arc<Shared>,
    socket_address: String,
    http: Http,
    chance: Chance,
    socket: Option<WebSocket<TcpStream>>,
    outcomes: Receiver<(PostId, PostOutcome)>,
    tell: Sender<(PostId, PostOutcome)>,
    wake: Option<u64>,
}

impl Driver {
    fn run(mut self) {
        self.poll();
        while !self.shared.stop.load(Ordering::SeqCst) {
            let mut event = self.listen();
            while let Ok((post, outcome)) = self.outcomes.try_recv() {
                let moment = self.shared.moment();
                self.shared.client().answered(post, outcome, moment);
                event = true;
            }
            if event || self.wake.is_some_and(|at| at <= self.shared.moment().monotonic) {
                self.poll();
            }
        }
        if let Some(mut socket) = self.socket.take() {
            // A page that is closed says so; whether it is heard does not matter.
            let _ = socket.close(None);
            let _ = socket.flush();
        }
    }

    /// Reads the socket for a while; true if something came of it.
    fn listen(&mut self) -> bool {
        let Some(socket) = &mut self.socket else {
            thread::sleep(LISTEN);
            return false;
        };
        let code = match socket.read() {
            Ok(Message::Text(text)) => {
                let moment = self.shared.moment();
                self.shared.client().received_text(&text, moment);
                return true;
            }
            Ok(Message::Close(frame)) => frame.map(|frame| u16::from(frame.code)),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_)) => return false,
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                return false;
            }
            Err(_) => None,
        };
        self.closed(code);
        true
    }

    fn closed(&mut self, code: Option<u16>) {
        self.socket = None;
        let (moment, chance) = (self.shared.moment(), self.chance.draw());
        let mut client = self.shared.client();
        client.closed(moment, code, chance);
        if self.shared.impatient {
            client.reconnect_now(moment);
        }
    }

    fn poll(&mut self) {
        loop {
            self.wake = None;
            let moment = self.shared.moment();
            let actions = self.shared.client().poll(moment);
            let mut again = false;
            for action in actions {
                match action {
                    Action::Connect { after, journal } => {
                        match self.connect(after, journal.as_deref()) {
                            Some(socket) => {
                                self.socket = Some(socket);
                                self.shared.client().connected(self.shared.moment());
                            }
                            None => self.closed(None),
                        }
                        again = true;
                    }
                    Action::CloseSocket => {
                        self.closed(None);
                        again = true;
                    }
                    Action::Send(message) => {
                        let text = serde_json::to_string(&message).expect("a message is JSON");
                        if let Some(socket) = &mut self.socket
                            && socket.send(Message::text(text)).is_err()
                        {
                            self.closed(None);
                            again = true;
                        }
                    }
                    Action::Post { id, request } => self.post(id, request),
                    Action::WakeAt(at) => self.wake = Some(at),
                }
            }
            if !again {
                break;
            }
        }
    }

    fn connect(&self, after: Option<u64>, journal: Option<&str>) -> Option<WebSocket<TcpStream>> {
        let mut query = format!("?protocol={PROTOCOL}");
        if let (Some(after), Some(journal)) = (after, journal) {
            query.push_str(&format!("&after={after}&journal={journal}"));
        }
        let address = format!("ws://{}/api/v1/stream{query}", self.socket_address);
        let mut request = address.into_client_request().expect("it is an address");
        let origin = format!("http://{}", self.socket_address);
        request.headers_mut().insert("origin", origin.parse().expect("an origin is plain text"));
        let stream = TcpStream::connect(&self.socket_address).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        let (socket, _) = tungstenite::client(request, stream).ok()?;
        socket.get_ref().set_read_timeout(Some(LISTEN)).ok()?;
        Some(socket)
    }

    fn post(&self, id: PostId, request: Request) {
        let context = self.shared.client().command_context();
        let (http, sender, shared) = (self.http.clone(), self.tell.clone(), Arc::clone(&self.shared));
        thread::spawn(move || {
            let headers = context.as_ref().map(Http::proof).unwrap_or_default();
            let answer = match &request {
                Request::Call(id, call) => {
                    http.try_post(&format!("/api/v1/recordings/{id}/calls"), call, &headers)
                }
                Request::Decision(id, decision) => {
                    http.try_post(&format!("/api/v1/recordings/{id}/decisions"), decision, &headers)
                }
                Request::Claim(claim) => http.try_post("/api/v1/leases", claim, &headers),
            };
            let outcome = answer.map_or(PostOutcome::Unreachable, |answer| {
                PostOutcome::of_answer(answer.status, &answer.body)
            });
            let mut posted = shared.posted.lock().unwrap_or_else(PoisonError::into_inner);
            posted.push((request, outcome.clone()));
            drop(posted);
            // The page may be closed by now.
            let _ = sender.send((id, outcome));
        });
    }
}
