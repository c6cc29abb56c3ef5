//! Moves bytes and time for the client: the stream, and the requests of the page. It decides nothing.

use core::future::poll_fn;
use core::task::Poll;
use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use client::{Action, Client, CommandContext, Eyes, Hands, PostId, Request, close};
use from_json::FromJson;
use futures_util::{SinkExt, StreamExt};
use gloo_net::http::RequestBuilder;
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, WebSocketError};
use leptos::prelude::*;
use rules::RecordingId;
use rules::api::{Asked, CLIENT_HEADER, JournalPage, Problem, SECRET_HEADER};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, RequestCredentials, RequestInit};

use crate::clock::moment;
use crate::desk::{Desk, Hop};
use crate::route::api;
use crate::tasks::spawn;

/// A request without an answer for this long is given up, in milliseconds of the device. The proxy answers commands at once.
const PATIENCE_MILLIS: u32 = 10_000;

/// Posts a step of the rules, and tells the client what came of it.
pub type PostStep = fn(Socket, PostId, Request);

/// A socket, until it is closed from here. Whoever waits for it then waits in vain and is forgotten with it.
type Wire = Rc<RefCell<Option<WebSocket>>>;

/// The open stream; a later one has a larger number, and what an older one still tells is ignored.
#[derive(Default)]
struct Line {
    number: u32,
    socket: Option<Wire>,
    wake: Option<TimeoutHandle>,
    /// What posts a step of the rules, once the page takes part.
    post: Option<PostStep>,
}

/// The page's side of the wire. A handle: copies are the same side.
#[derive(Clone, Copy)]
pub struct Socket {
    /// What the page knows.
    pub desk: Desk,
    line: StoredValue<Line, LocalStorage>,
}

impl Socket {
    /// Connects, and stays connected for as long as the page lives.
    pub fn start(desk: Desk) -> Self {
        let socket = Self { desk, line: StoredValue::new_local(Line::default()) };
        socket.turn();
        window_event_listener_untyped("online", move |_| socket.reconnect_now());
        window_event_listener_untyped("visibilitychange", move |_| socket.turn());
        socket
    }

    /// Tries to connect at once.
    pub fn reconnect_now(self) {
        self.desk.client.update_value(|client| client.reconnect_now(moment()));
        self.turn();
    }

    /// Does what the client wants done now, and shows what it knows.
    pub fn turn(self) {
        let actions = self.desk.client.try_update_value(|client| client.poll(moment())).unwrap_or_default();
        for action in actions {
            match action {
                Action::Connect { after, journal } => self.connect(after, journal),
                Action::CloseSocket => {
                    let wire = self.line.try_update_value(|line| {
                        line.number += 1;
                        line.socket.take()
                    });
                    if let Some(wire) = wire.flatten() {
                        wire.take();
                    }
                    self.tell(|client| client.closed(moment(), None, chance()));
                }
                Action::Send(message) => self.send(&message),
                Action::Post { id, request } => {
                    if let Some(post) = self.line.with_value(|line| line.post) {
                        post(self, id, request);
                    }
                }
                Action::WakeAt(at) => self.wake_at(at),
            }
        }
        self.desk.show();
    }

    /// From now on the page follows what happens, acts for recordings, and posts their steps with `post`.
    pub fn take_part(self, eyes: Eyes, hands: Hands, post: PostStep) {
        self.line.update_value(|line| line.post = Some(post));
        self.tell(|client| {
            client.open_eyes(eyes, moment());
            client.take_part(hands);
        });
    }

    /// Tells the client something, and does what it wants done then.
    pub fn tell(self, what: impl FnOnce(&mut Client)) {
        self.desk.client.update_value(what);
        self.turn();
    }

    fn wake_at(self, at: u64) {
        // Never at once: a client that wants to be woken in the past is woken a little later.
        let wait = Duration::from_millis(at.saturating_sub(moment().monotonic).clamp(10, 3_600_000));
        let handle = set_timeout_with_handle(move || self.turn(), wait).ok();
        self.line.update_value(|line| {
            if let Some(before) = core::mem::replace(&mut line.wake, handle) {
                before.clear();
            }
        });
    }

    fn connect(self, after: Option<u64>, journal: Option<String>) {
        let address = api::stream(after, journal.as_deref());
        let number = self.line.try_update_value(|line| {
            line.number += 1;
            line.number
        });
        let number = number.unwrap_or_default();
        if api::elsewhere().is_none() {
            return self.open(&address, number);
        }
        // A browser says with a request of which site the page is, and not with a socket: so one goes first.
        spawn(async move {
            match status_of(api::ME).await {
                Some(200..=299) if self.is_current(number) => self.open(&address, number),
                status => self.refused(number, status),
            }
        });
    }

    fn open(self, address: &str, number: u32) {
        match WebSocket::open(address) {
            Ok(socket) => {
                let socket = Rc::new(RefCell::new(Some(socket)));
                self.line.update_value(|line| line.socket = Some(Rc::clone(&socket)));
                spawn(self.listen(socket, number));
            }
            Err(_) => spawn(self.ask_why(number)),
        }
    }

    fn is_current(self, number: u32) -> bool {
        self.line.with_value(|line| line.number == number)
    }

    async fn listen(self, wire: Wire, number: u32) {
        let opened = poll_fn(|context| match &mut *wire.borrow_mut() {
            Some(socket) => socket.poll_ready_unpin(context),
            None => Poll::Pending,
        });
        let opened = opened.await;
        // The browser says that a socket is ready also when it failed to open; then its first word is an error.
        let mut open = false;
        let mut code = None;
        if opened.is_ok() {
            loop {
                if !self.is_current(number) {
                    return;
                }
                let message = poll_fn(|context| match &mut *wire.borrow_mut() {
                    Some(socket) => socket.poll_next_unpin(context),
                    None => Poll::Pending,
                });
                let message = message.await;
                if !self.is_current(number) {
                    return;
                }
                match message {
                    Some(Ok(message)) => {
                        if !open {
                            open = true;
                            self.desk.hop.set(None);
                            self.desk.client.update_value(|client| client.connected(moment()));
                        }
                        self.hear(message);
                    }
                    Some(Err(WebSocketError::ConnectionClose(event))) => code = Some(event.code),
                    Some(Err(_)) => {}
                    None => break,
                }
            }
        }
        if open {
            self.ended(number, code);
        } else {
            self.ask_why(number).await;
        }
    }

    fn hear(self, message: Message) {
        // The stream is text; what is not is of another build, and so is what cannot be read.
        let Message::Text(text) = message else { return };
        self.tell(|client| client.received_text(&text, moment()));
    }

    fn ended(self, number: u32, code: Option<u16>) {
        if self.is_current(number) {
            self.line.update_value(|line| line.socket = None);
            self.tell(|client| client.closed(moment(), code, chance()));
        }
    }

    /// A refused handshake tells a page nothing: it asks why.
    async fn ask_why(self, number: u32) {
        let status = status_of(api::ME).await;
        self.refused(number, status);
    }

    /// There is no stream; this is what the proxy answered to the question why, if it answered.
    fn refused(self, number: u32, status: Option<u16>) {
        let (hop, code) = match (status, api::elsewhere()) {
            (None, Some(origin)) => (Some(Hop::NotLetIn(origin)), None),
            (None, None) => (Some(Hop::ProxySilent), None),
            (Some(200..=299), _) => (None, None),
            (Some(401), _) => (None, Some(close::SIGNED_OUT)),
            (Some(403), Some(_)) => (Some(Hop::OtherSite), None),
            (Some(403), None) => (None, Some(close::NOT_ALLOWED)),
            (Some(status), _) => (Some(Hop::ProxyRefuses(status)), None),
        };
        if self.is_current(number) {
            self.desk.hop.set(hop);
        }
        self.ended(number, code);
    }

    fn send(self, message: &rules::api::FromClient) {
        let Ok(text) = serde_json::to_string(message) else { return };
        let socket = self.line.with_value(|line| line.socket.clone());
        if let Some(socket) = socket
            && let Ok(mut socket) = socket.try_borrow_mut()
            && let Some(socket) = &mut *socket
        {
            // A socket that is closing refuses; its end is told by the next event.
            let _ = socket.start_send_unpin(Message::Text(text));
        }
    }

    /// Fetches the entries of a recording that somebody opened, until none is missing.
    pub fn fetch_entries(self, id: RecordingId, failed: RwSignal<Option<Problem>>) {
        spawn(async move {
            let mut page_goes_on = None;
            loop {
                // The stream tells nothing about one that ended long ago: it is read from its beginning.
                let missing = self.desk.client.with_value(|client| {
                    let known =
                        client.recordings().contains_key(&id) || client.entries_for(&id).next().is_some();
                    client.entries_missing_after(&id).or((!known).then_some(0))
                });
                let Some(after) = page_goes_on.or(missing) else { return };
                match get::<JournalPage>(&api::journal(&id, after)).await {
                    Ok(page) => {
                        failed.try_set(None);
                        page_goes_on = page.entries.last().filter(|_| page.more).map(|entry| entry.number);
                        let empty = page.entries.is_empty();
                        self.desk.client.update_value(|client| client.loaded(&id, page.entries));
                        self.desk.entries.update(|count| *count += 1);
                        if empty || page_goes_on.is_none() {
                            return;
                        }
                    }
                    Err(problem) => {
                        failed.try_set(Some(problem));
                        return;
                    }
                }
            }
        });
    }

    /// Sends a command of the person at this page, whose answer says no more than that it was taken.
    ///
    /// # Errors
    /// The proxy's refusal, or one that says that it could not be reached.
    pub async fn order(self, path: &str, body: String, idempotency_key: Option<&str>) -> Result<(), Problem> {
        read::<serde_json::Value>(self.post(path, body, idempotency_key).await).await.map(|_| ())
    }

    /// Asks for a recording.
    ///
    /// # Errors
    /// The proxy's refusal, or one that says that it could not be reached.
    pub async fn ask(self, path: &str, body: String, idempotency_key: &str) -> Result<Asked, Problem> {
        read(self.post(path, body, Some(idempotency_key)).await).await
    }

    /// Puts something in the place of what the proxy has, and reads what it has then.
    ///
    /// # Errors
    /// The proxy's refusal, or one that says that it could not be reached.
    pub async fn put<Answer: FromJson>(self, path: &str, body: String) -> Result<Answer, Problem> {
        let context = self.desk.client.with_value(Client::command_context);
        let request = with_context(bounded(path), context)
            .method(gloo_net::http::Method::PUT)
            .header("Content-Type", "application/json")
            .body(body);
        match request {
            Ok(request) => read(request.send().await).await,
            Err(error) => read(Err(error)).await,
        }
    }

    async fn post(
        self,
        path: &str,
        body: String,
        idempotency_key: Option<&str>,
    ) -> Result<gloo_net::http::Response, gloo_net::Error> {
        let context = self.desk.client.with_value(Client::command_context);
        let mut request = with_context(bounded(path), context)
            .method(gloo_net::http::Method::POST)
            .header("Content-Type", "application/json");
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        request.body(body)?.send().await
    }
}

/// Fetches and reads.
///
/// # Errors
/// The proxy's refusal, or one that says that it could not be reached.
pub async fn get<Answer: FromJson>(path: &str) -> Result<Answer, Problem> {
    read(bounded(path).send().await).await
}

async fn read<Answer: FromJson>(
    answer: Result<gloo_net::http::Response, gloo_net::Error>,
) -> Result<Answer, Problem> {
    let answer = answer.map_err(|_| unreachable_proxy())?;
    let (status, ok) = (answer.status(), answer.ok());
    let text = answer.text().await.map_err(|_| unreachable_proxy())?;
    if ok {
        // Some commands answer with nothing.
        let text = if text.is_empty() { "null" } else { &text };
        return client::read(text).map_err(|_| unreadable(status));
    }
    Err(client::read(&text).unwrap_or_else(|_| unreadable(status)))
}

/// The status of what is answered there, if anything is. Asked without the library that the page has for it, which comes
/// later.
async fn status_of(path: &str) -> Option<u16> {
    let how = RequestInit::new();
    how.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE_MILLIS)));
    how.set_credentials(RequestCredentials::Include);
    let answer = JsFuture::from(window().fetch_with_str_and_init(&api::at(path), &how)).await.ok()?;
    let answer = answer.dyn_into::<web_sys::Response>().ok()?;
    // Read to its end, or it would be broken off.
    let _ = JsFuture::from(answer.text().ok()?).await;
    Some(answer.status())
}

/// A request that is given up after a while. The sign-in goes with it, also to a proxy on another host of this site.
pub fn bounded(path: &str) -> RequestBuilder {
    RequestBuilder::new(&api::at(path))
        .credentials(RequestCredentials::Include)
        .abort_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE_MILLIS)))
}

/// A request that rests on this connection.
pub fn with_context(request: RequestBuilder, context: Option<CommandContext>) -> RequestBuilder {
    match context {
        None => request,
        Some(context) => {
            request.header(CLIENT_HEADER, &context.client.to_string()).header(SECRET_HEADER, &context.secret)
        }
    }
}

fn unreachable_proxy() -> Problem {
    problem("unreachable", 0, crate::words::said(crate::words::PROXY_SILENT))
}

fn unreadable(status: u16) -> Problem {
    problem("unreadable", status, crate::words::proxy_unreadable(status))
}

fn problem(kind: &str, status: u16, title: String) -> Problem {
    Problem { kind: kind.to_owned(), title, status, rule: None, entries: Vec::new() }
}

/// A random number from the whole range, which spreads the next attempts of many pages.
fn chance() -> u32 {
    (js_sys::Math::random() * f64::from(u32::MAX)) as u32
}

/// A key that names one opened form: a second press of its button is the same request.
pub fn new_key() -> String {
    format!("{:08x}{:08x}{:08x}", chance(), chance(), js_sys::Date::now() as u64 as u32)
}

/// The key of one opened form: the same for every press with the same content, and a new one once the content has changed.
/// A handle: copies are the same key.
#[derive(Clone)]
pub struct FormKey(Rc<RefCell<(String, Option<String>)>>);

impl FormKey {
    /// The key of a form that was just opened.
    pub fn new() -> Self {
        Self(Rc::new(RefCell::new((new_key(), None))))
    }

    /// The key to send this content under. What was changed after a refusal is another request.
    pub fn of(&self, body: &str) -> String {
        let (key, sent) = &mut *self.0.borrow_mut();
        if sent.as_ref().is_some_and(|sent| sent != body) {
            *key = new_key();
        }
        *sent = Some(body.to_owned());
        key.clone()
    }
}
