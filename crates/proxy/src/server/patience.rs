//! How long a connection may be silent: without a limit whoever opens connections and says nothing on them, or breaks
//! off in the middle of a request, would keep them for ever.

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

/// A listener whose connections end when nothing passes on them for so long.
pub(crate) struct Patient {
    listener: TcpListener,
    silent_max: Duration,
}

impl Patient {
    pub(crate) const fn new(listener: TcpListener, silent_max: Duration) -> Self {
        Self { listener, silent_max }
    }
}

impl Listener for Patient {
    type Io = Heard;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Heard, SocketAddr) {
        // What of `accept` fails, and when to try again, is decided there.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let silence = Box::pin(tokio::time::sleep(self.silent_max));
        (Heard { stream, silence, silent_max: self.silent_max }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that knows for how long nothing has passed on it.
pub(crate) struct Heard {
    stream: TcpStream,
    silence: Pin<Box<Sleep>>,
    silent_max: Duration,
}

impl Heard {
    fn passed(&mut self) {
        let until = Instant::now() + self.silent_max;
        self.silence.as_mut().reset(until);
    }

    /// Something passed, or it is waited for; an error once that was for too long.
    fn watched<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match polled {
            Poll::Ready(ready) => {
                self.passed();
                Poll::Ready(ready)
            }
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
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
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

    /// A server whose connections may be silent for this long.
    fn serve(silent_max: Duration) -> SocketAddr {
        let (tell, address) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell.send(listener.local_addr().expect("bound")).expect("the test waits");
                let router = Router::new().route("/", get(async || "well"));
                axum::serve(Patient::new(listener, silent_max), router).await
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
        let address = serve(Duration::from_millis(300));
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
        let address = serve(Duration::from_millis(600));
        let mut stream = connect(address);
        for _ in 0..6 {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("it is read");
            let mut answer = Vec::new();
            while !answer.ends_with(b"well") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("it stays open");
                answer.push(byte[0]);
            }
            // Six of these are longer than the limit.
            std::thread::sleep(Duration::from_millis(150));
        }
    }
}
