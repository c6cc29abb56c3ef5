//! The stream of the proxy as a task: it tells what comes, and sends what it is given.

use std::time::Duration;

use client::close;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Url;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::server::Server;

/// A connection that does not stand after this is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The proxy sends frames of at most 64 kB; a single entry may be somewhat larger.
const MESSAGE_MAX: usize = 1024 * 1024;

/// What the stream tells.
#[derive(Debug)]
pub enum Told {
    /// It is open.
    Open,
    /// A message came.
    Text(String),
    /// It is closed, or was never open. The close code, if one came.
    Closed(Option<u16>),
}

/// Anything that a stream can run over.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<Any: AsyncRead + AsyncWrite + Send + Unpin> Wire for Any {}

/// Opens the stream and stays until it is closed, or until `outgoing` is.
pub async fn run(
    server: Server,
    address: Url,
    token: SecretString,
    tell: mpsc::Sender<Told>,
    mut outgoing: mpsc::Receiver<String>,
) {
    let mut socket = match timeout(PATIENCE, open(&server, &address, &token)).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the stream cannot be opened");
            let _ = tell.send(Told::Closed(why(&server, &token).await)).await;
            return;
        }
        Err(_) => {
            tracing::warn!("the proxy does not answer");
            let _ = tell.send(Told::Closed(None)).await;
            return;
        }
    };
    if tell.send(Told::Open).await.is_err() {
        return;
    }
    let mut code = None;
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    if tell.send(Told::Text(text.as_str().to_owned())).await.is_err() {
                        return;
                    }
                }
                Some(Ok(Message::Close(frame))) => code = frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            },
            text = outgoing.recv() => match text {
                // One that cannot be sent is told by what comes next.
                Some(text) => drop(socket.send(Message::text(text)).await),
                None => {
                    // The proxy gives the leases to others at once then.
                    drop(timeout(Duration::from_secs(1), socket.close(None)).await);
                    return;
                }
            },
        }
    }
    let _ = tell.send(Told::Closed(code)).await;
}

async fn open(
    server: &Server,
    address: &Url,
    token: &SecretString,
) -> Result<WebSocketStream<Box<dyn Wire>>, String> {
    let host = address.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = address.port_or_known_default().unwrap_or(443);
    let said = |error: &dyn core::fmt::Display| error.to_string();
    let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(|error| said(&error))?;
    tcp.set_nodelay(true).map_err(|error| said(&error))?;
    let wire: Box<dyn Wire> = if address.scheme() == "wss" {
        let name = ServerName::try_from(host).map_err(|error| said(&error))?;
        let encrypted = TlsConnector::from(server.tls.clone()).connect(name, tcp).await;
        Box::new(encrypted.map_err(|error| said(&error))?)
    } else {
        Box::new(tcp)
    };
    let mut request = address.as_str().into_client_request().map_err(|error| said(&error))?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| "the token fits into no header".to_owned())?;
    bearer.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let limits =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_MAX)).max_frame_size(Some(MESSAGE_MAX));
    let (socket, _) =
        client_async_with_config(request, wire, Some(limits)).await.map_err(|error| said(&error))?;
    Ok(socket)
}

/// A refused handshake is asked about, so that the log says what to change.
async fn why(server: &Server, token: &SecretString) -> Option<u16> {
    match server.me(token).await? {
        401 => Some(close::SIGNED_OUT),
        403 => Some(close::NOT_ALLOWED),
        _ => None,
    }
}
