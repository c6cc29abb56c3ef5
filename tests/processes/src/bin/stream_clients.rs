//! Many pages without a screen at one control desk: `cargo xtask bench stream` starts it.
//!
//! Each is the same client as in a page, with a socket and posts of its own, and takes part like one. It prints `ready` once
//! all of them know everything, and after its standard input has ended how late entries reached them.

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client::{Action, Client, Moment, PostId, PostOutcome, Request};
use futures_util::{SinkExt as _, StreamExt as _};
use process_tests::{Chance, Http};
use rules::api::{FrameContent, FromProxy, PROTOCOL};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// What is kept to read messages into, in bytes; a frame of entries has a few thousand.
const READ_BUFFER_BYTES: usize = 8 * 1024;

/// So many connect at once.
const AT_ONCE: usize = 50;

/// How long all of them may take until they know everything.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// What all clients share.
struct Fleet {
    address: String,
    http: Http,
    began: Instant,
    /// When the clock of the control desk and the wall showed the same, in milliseconds since 1970, and how much faster than
    /// the wall it runs.
    origin: i64,
    rate: i64,
    complete: AtomicUsize,
    posts: AtomicUsize,
    connections: AtomicUsize,
    /// How late each entry came, in tenths of a millisecond.
    late: Mutex<Vec<i64>>,
    over: watch::Receiver<bool>,
}

impl Fleet {
    fn moment(&self) -> Moment {
        let monotonic = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Moment::new(monotonic, wall_micros() / 1000)
    }
}

fn wall_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<i64> = arguments.iter().skip(1).filter_map(|text| text.parse().ok()).collect();
    let ([address, ..], [count, rate, origin]) = (&arguments[..], &numbers[..]) else {
        eprintln!("stream_clients ADDRESS COUNT CLOCK_RATE CLOCK_ORIGIN: see cargo xtask bench stream");
        return ExitCode::from(2);
    };
    let (count, rate) = (usize::try_from(*count).unwrap_or(0), (*rate).max(1));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no threads can be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(run(address, count, rate, *origin))
}

async fn run(address: &str, count: usize, rate: i64, origin: i64) -> ExitCode {
    let (end, over) = watch::channel(false);
    let fleet = Arc::new(Fleet {
        address: address.to_owned(),
        http: Http::new(address),
        began: Instant::now(),
        origin,
        rate,
        complete: AtomicUsize::new(0),
        posts: AtomicUsize::new(0),
        connections: AtomicUsize::new(0),
        late: Mutex::new(Vec::new()),
        over,
    });
    let mut clients = Vec::with_capacity(count);
    for number in 0..count {
        clients.push(tokio::spawn(live(Arc::clone(&fleet), number)));
        while number + 1 > fleet.complete.load(Ordering::SeqCst) + AT_ONCE {
            if fleet.began.elapsed() > READY_WITHIN {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    while fleet.complete.load(Ordering::SeqCst) < count {
        if fleet.began.elapsed() > READY_WITHIN {
            let complete = fleet.complete.load(Ordering::SeqCst);
            eprintln!("after {} s {complete} of {count} clients know everything", READY_WITHIN.as_secs());
            return ExitCode::FAILURE;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fleet.late.lock().unwrap_or_else(PoisonError::into_inner).clear();
    println!("ready");
    let told_to_end = tokio::task::spawn_blocking(|| {
        let mut rest = Vec::new();
        std::io::stdin().read_to_end(&mut rest).is_ok()
    });
    if !told_to_end.await.unwrap_or(false) {
        eprintln!("the standard input cannot be read");
    }
    // Whoever receives it is a client that ends.
    let _ = end.send(true);
    for client in clients {
        if client.await.is_err() {
            eprintln!("a client broke down");
            return ExitCode::FAILURE;
        }
    }
    let mut late = core::mem::take(&mut *fleet.late.lock().unwrap_or_else(PoisonError::into_inner));
    late.sort_unstable();
    let share = |of: usize| late.get(late.len() * of / 1000).map(|tenths| *tenths as f64 / 10.0);
    println!(
        "{}",
        json!({
            "clients": count,
            "entries": late.len(),
            "p50": share(500),
            "p99": share(990),
            "longest": late.last().map(|tenths| *tenths as f64 / 10.0),
            "posts": fleet.posts.load(Ordering::SeqCst),
            "connections": fleet.connections.load(Ordering::SeqCst),
        })
    );
    ExitCode::SUCCESS
}

type Socket = WebSocketStream<TcpStream>;

/// One client, from its first connection until all end.
async fn live(fleet: Arc<Fleet>, number: usize) {
    let mut client = Client::new();
    let mut chance = Chance::new(number as u64);
    let mut over = fleet.over.clone();
    let (tell, mut outcomes) = mpsc::unbounded_channel::<(PostId, PostOutcome)>();
    let mut socket: Option<Socket> = None;
    let mut was_complete = false;
    loop {
        let wake = turn(&fleet, &mut client, &mut socket, &mut chance, &tell).await;
        if !was_complete && client.complete() {
            was_complete = true;
            fleet.complete.fetch_add(1, Ordering::SeqCst);
        }
        let sleep = wake.map(|at| Duration::from_millis(at.saturating_sub(fleet.moment().monotonic).max(1)));
        let heard = async {
            match &mut socket {
                Some(socket) => socket.next().await,
                None => std::future::pending().await,
            }
        };
        let slept = async {
            match sleep {
                Some(sleep) => tokio::time::sleep(sleep).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            message = heard => match message {
                Some(Ok(Message::Text(text))) => hear(&fleet, &mut client, &text, was_complete),
                Some(Ok(Message::Close(frame))) => {
                    socket = None;
                    let code = frame.map(|frame| u16::from(frame.code));
                    client.closed(fleet.moment(), code, chance.draw());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    socket = None;
                    client.closed(fleet.moment(), None, chance.draw());
                }
            },
            Some((post, outcome)) = outcomes.recv() => client.answered(post, outcome, fleet.moment()),
            () = slept => {}
            _ = over.changed() => return,
        }
    }
}

fn hear(fleet: &Fleet, client: &mut Client, text: &str, measured: bool) {
    let came = wall_micros();
    let moment = fleet.moment();
    let Ok(message) = serde_json::from_str::<FromProxy>(text) else {
        client.received_text(text, moment);
        return;
    };
    if measured
        && let FromProxy::Frame(frame) = &message
        && let FrameContent::Entries(entries) = &frame.content
    {
        let mut late = fleet.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.extend(entries.iter().map(|told| {
            let written = fleet.origin * 1000 + (told.entry.at.millis() - fleet.origin) * 1000 / fleet.rate;
            (came - written) / 100
        }));
    }
    client.received(&message, moment);
}

/// Does what the client wants done; when it wants to be looked at again.
async fn turn(
    fleet: &Arc<Fleet>,
    client: &mut Client,
    socket: &mut Option<Socket>,
    chance: &mut Chance,
    tell: &mpsc::UnboundedSender<(PostId, PostOutcome)>,
) -> Option<u64> {
    loop {
        let (mut wake, mut again) = (None, false);
        for action in client.poll(fleet.moment()) {
            match action {
                Action::Connect { after, journal } => {
                    *socket = connect(fleet, after, journal.as_deref()).await;
                    let moment = fleet.moment();
                    if socket.is_some() {
                        fleet.connections.fetch_add(1, Ordering::SeqCst);
                        client.connected(moment);
                    } else {
                        client.closed(moment, None, chance.draw());
                    }
                    again = true;
                }
                Action::CloseSocket => {
                    *socket = None;
                    client.closed(fleet.moment(), None, chance.draw());
                    again = true;
                }
                Action::Send(message) => {
                    let text = serde_json::to_string(&message).expect("a message is JSON");
                    if let Some(open) = socket
                        && open.send(Message::text(text)).await.is_err()
                    {
                        *socket = None;
                        client.closed(fleet.moment(), None, chance.draw());
                        again = true;
                    }
                }
                Action::Post { id, request } => post(fleet, client, tell, id, request),
                Action::WakeAt(at) => wake = Some(at),
            }
        }
        if !again {
            return wake;
        }
    }
}

async fn connect(fleet: &Fleet, after: Option<u64>, journal: Option<&str>) -> Option<Socket> {
    let mut query = format!("?protocol={PROTOCOL}");
    if let (Some(after), Some(journal)) = (after, journal) {
        query.push_str(&format!("&after={after}&journal={journal}"));
    }
    let address = format!("ws://{}/api/v1/stream{query}", fleet.address);
    let mut request = address.into_client_request().expect("it is an address");
    let origin = format!("http://{}", fleet.address);
    request.headers_mut().insert("origin", origin.parse().expect("an origin is plain text"));
    let stream = TcpStream::connect(&fleet.address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    // Each read clears the whole of what it reads into, and 128 kB of that for each of a thousand would be most of the work.
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let (socket, _) =
        tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await.ok()?;
    Some(socket)
}

fn post(
    fleet: &Arc<Fleet>,
    client: &Client,
    tell: &mpsc::UnboundedSender<(PostId, PostOutcome)>,
    id: PostId,
    request: Request,
) {
    fleet.posts.fetch_add(1, Ordering::SeqCst);
    let headers = client.command_context().as_ref().map(Http::proof).unwrap_or_default();
    let (http, tell) = (fleet.http.clone(), tell.clone());
    tokio::task::spawn_blocking(move || {
        let answer = match &request {
            Request::Call(id, call) => {
                http.try_post(&format!("/api/v1/recordings/{id}/calls"), call, &headers)
            }
            Request::Decision(id, decision) => {
                http.try_post(&format!("/api/v1/recordings/{id}/decisions"), decision, &headers)
            }
            Request::Claim(claim) => http.try_post("/api/v1/leases", claim, &headers),
        };
        let outcome = answer
            .map_or(PostOutcome::Unreachable, |answer| PostOutcome::of_answer(answer.status, &answer.body));
        // The client may have ended by now.
        let _ = tell.send((id, outcome));
    });
}
