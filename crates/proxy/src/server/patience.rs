//! How long a connection may be silent, and how long a request may take to come: without limits whoever opens connections
//! and says nothing on them, or says it letter by letter, would keep them for ever.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};

/// How long nothing may pass on a connection, in real time. A page's stream has a heartbeat and its answer every second, and
/// the service is advised to keep its connections for 10 s and longer.
pub(crate) const SILENT_MAX: Duration = Duration::from_secs(75);

/// How long it may take from the first byte of a request until the first of its answer, in real time. A body has 10 s, and
/// the longest answer is waited for about as long; on a page's stream something is sent every second.
pub(crate) const UNANSWERED_MAX: Duration = Duration::from_secs(40);

/// How long a connection is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How long nothing may pass.
    pub(crate) silent: Duration,
    /// How long something may be read without anything being written.
    pub(crate) unanswered: Duration,
}

impl Limits {
    /// Those of a server.
    pub(crate) const SERVER: Self = Self { silent: SILENT_MAX, unanswered: UNANSWERED_MAX };
}

/// A listener whose connections end when nothing passes on them for so long, or a request does not come to its end.
pub(crate) struct Patient {
    listener: TcpListener,
    limits: Limits,
}

impl Patient {
    pub(crate) const fn new(listener: TcpListener, limits: Limits) -> Self {
        Self { listener, limits }
    }
}

impl Listener for Patient {
    type Io = Heard;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Heard, SocketAddr) {
        // What of `accept` fails, and when to try again, is decided there.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let silence = Box::pin(tokio::time::sleep(self.limits.silent));
        (Heard { stream, silence, unanswered_since: None, limits: self.limits }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that knows for how long nothing has passed on it, and since when a request is coming.
pub(crate) struct Heard {
    stream: TcpStream,
    silence: Pin<Box<Sleep>>,
    /// When the first byte was read after the last one that was written.
    unanswered_since: Option<Instant>,
    limits: Limits,
}

impl Heard {
    fn passed(&mut self) {
        let silent = Instant::now() + self.limits.silent;
        let until = self.unanswered_since.map_or(silent, |since| silent.min(since + self.limits.unanswered));
        self.silence.as_mut().reset(until);
    }

    fn read(&mut self) {
        self.unanswered_since.get_or_insert_with(Instant::now);
        self.passed();
    }

    fn written(&mut self) {
        self.unanswered_since = None;
        self.passed();
    }

    /// Something passed and was noted, or it is waited for; an error once that was for too long.
    fn watched<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match polled {
            Poll::Ready(ready) => Poll::Ready(ready),
            Poll::Pending => match self.silence.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.read();
            // Who sends one letter after the other is not waited for either.
            if self.silence.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        self.watched(context, polled)
    }
}

impl AsyncWrite for Heard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if polled.is_ready() {
            self.written();
        }
        self.watched(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        if polled.is_ready() {
            self.written();
        }
        self.watched(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::routing::get;
    use std::io::{Read as _, Write as _};

    /// A server whose connections are waited for so long.
    fn serve(limits: Limits) -> SocketAddr {
        let (tell, address) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell.send(listener.local_addr().expect("bound")).expect("the test waits");
                let router = Router::new().route("/", get(async || "well"));
                axum::serve(Patient::new(listener, limits), router).await
            })
        });
        address.recv().expect("it listens")
    }

    fn connect(address: SocketAddr) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("not zero");
        stream
    }

    #[test]
    fn a_connection_that_says_nothing_or_half_a_request_is_closed_and_others_are_answered() {
        let address = serve(Limits { silent: Duration::from_millis(300), unanswered: UNANSWERED_MAX });
        let mut streams: Vec<_> =
            ["", "GET", "GET / HTTP/1.1\r\nhost: a\r\n", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"]
                .iter()
                .map(|begin| {
                    let mut stream = connect(address);
                    stream.write_all(begin.as_bytes()).expect("it is read");
                    stream
                })
                .collect();
        for (place, stream) in streams.iter_mut().enumerate() {
            let mut answer = Vec::new();
            // It is closed, whether in order or not; before that only a whole request is answered.
            let _ = stream.read_to_end(&mut answer);
            assert_eq!(answer.ends_with(b"well"), place == 3, "{place}");
        }
    }

    #[test]
    fn a_connection_that_goes_on_speaking_stays() {
        // Six of these requests are longer than both limits.
        let limit = Duration::from_millis(600);
        let address = serve(Limits { silent: limit, unanswered: limit });
        let mut stream = connect(address);
        for _ in 0..6 {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("it is read");
            let mut answer = Vec::new();
            while !answer.ends_with(b"well") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("it stays open");
                answer.push(byte[0]);
            }
            std::thread::sleep(Duration::from_millis(150));
        }
    }

    #[test]
    fn a_request_that_comes_letter_by_letter_is_not_waited_for() {
        let limit = Duration::from_millis(500);
        let address = serve(Limits { silent: Duration::from_secs(20), unanswered: limit });
        let mut stream = connect(address);
        let begun = std::time::Instant::now();
        // It is never silent for long, and would end after a minute.
        let letters = std::iter::once("GET / HTTP/1.1\r\nhost: a\r\nx: ").chain(std::iter::repeat("y"));
        for letters in letters.take(600) {
            if stream.write_all(letters.as_bytes()).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "it was closed");
    }
}
