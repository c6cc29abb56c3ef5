//! One domain: a listener that serves connections, or refuses them while the domain is down.
//!
//! A port whose domain refuses stays taken: a socket is bound to it that does not listen. So no other process gets it,
//! and the kernel itself refuses the connections.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agora::Timestamp;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming as IncomingBody};
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use simulator::{Domain, Incoming, Outcome, Reply, Service};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, watch};

use crate::clock::Clock;

/// The most that is read of a request's body.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;
/// How long an answer that is being written may take when its domain goes down: the command that took it down is
/// answered itself.
const GRACE: Duration = Duration::from_millis(50);
/// How long until a listener that failed tries again: the machine may be short of file handles.
const PAUSE: Duration = Duration::from_millis(50);

/// What all listeners share.
pub(crate) struct Shared {
    pub(crate) service: Mutex<Service>,
    pub(crate) clock: Clock,
    /// Woken after each request to the controls: a domain may have begun or ceased to refuse.
    pub(crate) faults_changed: Notify,
    /// Woken after each request: a notification may be due earlier than was known.
    pub(crate) something_told: Notify,
    /// The scenario that is played, as `GET /simulator/scenario` answers it.
    pub(crate) scenario: String,
}

impl Shared {
    pub(crate) fn with_service<Answer>(
        &self,
        work: impl FnOnce(&mut Service, Timestamp) -> Answer,
    ) -> Answer {
        // A panic in the service is a bug of its own; what it left behind still answers the other tests.
        let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut service, self.clock.now())
    }

    /// Waits until this instant of the service's clock.
    pub(crate) async fn wait_until(&self, at: Timestamp) {
        let span = self.clock.on_the_wall(at.since(self.clock.now()));
        if !span.is_zero() {
            tokio::time::sleep(span).await;
        }
    }

    /// Waits until it is worth asking again which domains refuse.
    async fn next_change(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => tokio::select! {
                () = self.wait_until(at) => {}
                () = self.faults_changed.notified() => {}
            },
            None => self.faults_changed.notified().await,
        }
    }
}

/// The port of one domain.
pub(crate) struct Listener {
    domain: Domain,
    address: SocketAddr,
    socket: TcpListener,
}

impl Listener {
    /// Takes the port and listens.
    pub(crate) fn bind(domain: Domain, address: SocketAddr) -> io::Result<Self> {
        let socket = bound(address)?.listen(BACKLOG)?;
        Ok(Self { domain, address: socket.local_addr()?, socket })
    }

    /// Where it listens; the port is the one that was taken.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves for ever.
    pub(crate) async fn serve(self, shared: Arc<Shared>) {
        let Self { domain, address, mut socket } = self;
        loop {
            let (cut, is_cut) = watch::channel(());
            accept_until_refused(&socket, domain, &shared, &is_cut).await;
            drop(socket);
            // Connections that are still open belong to the domain as well.
            drop(cut);
            let held = keep_trying(|| bound(address)).await;
            while shared.with_service(|service, now| service.refuses(now, domain)) {
                let change = shared.with_service(|service, _| service.next_domain_change());
                shared.next_change(change).await;
            }
            socket = match held.listen(BACKLOG) {
                Ok(socket) => socket,
                Err(_) => keep_trying(|| bound(address)?.listen(BACKLOG)).await,
            };
        }
    }
}

/// A socket on this address that does not listen yet.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn keep_trying<Socket>(take: impl Fn() -> io::Result<Socket>) -> Socket {
    loop {
        match take() {
            Ok(socket) => return socket,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn accept_until_refused(
    socket: &TcpListener,
    domain: Domain,
    shared: &Arc<Shared>,
    is_cut: &watch::Receiver<()>,
) {
    loop {
        // Made before the question is asked: a change in between is not missed.
        let mut changed = pin!(shared.faults_changed.notified());
        changed.as_mut().enable();
        if shared.with_service(|service, now| service.refuses(now, domain)) {
            return;
        }
        let change = shared.with_service(|service, _| service.next_domain_change());
        let due = async {
            match change {
                Some(at) => shared.wait_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(serve_connection(stream, domain, Arc::clone(shared), is_cut.clone()));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            () = changed => {}
            () = due => {}
        }
    }
}

async fn serve_connection(
    stream: TcpStream,
    domain: Domain,
    shared: Arc<Shared>,
    mut is_cut: watch::Receiver<()>,
) {
    // Answers are small and wanted at once; without the option they are only slower.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| answer(request, domain, Arc::clone(&shared)));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    // An error is a connection that broke, or one that we closed: nothing to do about either.
    tokio::select! {
        _ = connection.as_mut() => return,
        // The sender is gone: the domain went down.
        _ = is_cut.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection => {}
        () = tokio::time::sleep(GRACE) => {}
    }
}

/// Why a connection is closed without an answer.
#[derive(Debug)]
struct Unanswered;

impl fmt::Display for Unanswered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("closed without an answer")
    }
}

impl Error for Unanswered {}

async fn answer(
    request: Request<IncomingBody>,
    domain: Domain,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Unanswered> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(response(Reply::too_large())),
        // A body that breaks off was never a request.
        Err(_) => return Err(Unanswered),
    };
    let incoming = Incoming {
        domain,
        host: text_of(&head.headers, header::HOST).unwrap_or_default(),
        method: head.method.as_str().to_owned(),
        target: head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        authorization: text_of(&head.headers, header::AUTHORIZATION),
        content_type: text_of(&head.headers, header::CONTENT_TYPE),
        body: body.to_vec(),
    };
    if incoming.method == "GET" && incoming.target == "/simulator/scenario" {
        // The program's own: the service knows no scenario.
        let body = shared.scenario.clone().into_bytes();
        return Ok(response(Reply {
            status: 200,
            content_type: "application/json",
            retry_after_s: None,
            body,
        }));
    }
    let handled = shared.with_service(|service, now| service.handle(now, &incoming));
    if incoming.target.starts_with("/simulator/") {
        shared.faults_changed.notify_waiters();
    }
    shared.something_told.notify_one();
    shared.wait_until(handled.at).await;
    match handled.outcome {
        Outcome::Answered(reply) => Ok(response(reply)),
        Outcome::Closed | Outcome::Refused => Err(Unanswered),
    }
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response =
        Response::builder().status(reply.status).header(header::CONTENT_TYPE, reply.content_type);
    if let Some(seconds) = reply.retry_after_s {
        response = response.header(header::RETRY_AFTER, seconds);
    }
    response
        .body(Full::new(Bytes::from(reply.body)))
        .expect("the service's statuses are from 200 to 599 and its headers are plain text")
}
