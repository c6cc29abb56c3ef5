//! One page's WebSocket: the queue out, the heartbeats in.

use core::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt as _;
use rules::api::FromClient;
use rules::journal::ClientNumber;
use switchboard::Arrival;
use tokio::sync::watch;

use super::desk::{Desk, Item, Wire};

/// Why a stream was closed, as the page reads it.
pub(crate) mod close {
    /// The program ends; the page connects again.
    pub(crate) const GOING_AWAY: u16 = 1001;
    /// A message that is none of ours.
    pub(crate) const NOT_UNDERSTOOD: u16 = 1003;
    /// It did not read fast enough, or said nothing for long.
    pub(crate) const TOO_SLOW: u16 = 4008;
    /// The page was built for another version of the interface.
    pub(crate) const NEW_BUILD: u16 = 4009;
}

/// The largest message of a client, in bytes: a heartbeat's answer is thirty.
pub(crate) const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// What is kept to read a client's messages into, in bytes. Every page has one, and the library's own is 128 kB.
pub(crate) const READ_BUFFER_BYTES: usize = 512;

/// A client that answered nothing for this long has no network any more, and does not know it. Its leases are free
/// long before.
const SILENT_FOR: Duration = Duration::from_secs(60);

/// Messages leave together until they have so many bytes: the library keeps what it once needed to write.
const BYTES_TOGETHER: usize = 8 * 1024;

/// Messages that take longer than this to leave go to a client that reads nothing.
const SENT_WITHIN: Duration = Duration::from_secs(20);

/// Serves one connection until either side ends it.
pub(crate) async fn serve(mut socket: WebSocket, desk: Desk, arrival: Arrival) {
    let Ok((client, mut wire)) = desk.connect(arrival).await else {
        refuse(socket, close::GOING_AWAY).await;
        return;
    };
    let code = talk(&mut socket, &desk, client, &mut wire).await;
    // Before the goodbye, which may take a while: somebody else is to act at once.
    desk.disconnect(client);
    if let Some(code) = code {
        refuse(socket, code).await;
    }
}

/// Closes a connection with a code.
pub(crate) async fn refuse(mut socket: WebSocket, code: u16) {
    let frame = CloseFrame { code, reason: "".into() };
    let _ = tokio::time::timeout(SENT_WITHIN, socket.send(Message::Close(Some(frame)))).await;
}

/// Gives back the code to close with; none if the other side is gone.
async fn talk(socket: &mut WebSocket, desk: &Desk, client: ClientNumber, wire: &mut Wire) -> Option<u16> {
    let closed = wire.closed.clone();
    let silence = tokio::time::sleep(SILENT_FOR);
    tokio::pin!(silence);
    loop {
        tokio::select! {
            item = wire.items.recv() => {
                let Some(item) = item else { return Some(close::GOING_AWAY) };
                let mut bytes = item.text.len();
                let mut items = vec![item];
                while bytes < BYTES_TOGETHER && let Ok(item) = wire.items.try_recv() {
                    bytes += item.text.len();
                    items.push(item);
                }
                if let Err(code) = send(socket, wire, items).await {
                    return code;
                }
            }
            code = told_to_close(closed.clone()) => return Some(code),
            () = &mut silence => return Some(close::TOO_SLOW),
            message = socket.recv() => {
                let message = message?.ok()?;
                silence.as_mut().reset(tokio::time::Instant::now() + SILENT_FOR);
                match message {
                    Message::Text(text) => match serde_json::from_str(&text) {
                        Ok(FromClient::Beat(_)) => desk.tell(move |switchboard, now| switchboard.beat(client, now)),
                        Ok(FromClient::Resync) => desk.tell(move |switchboard, now| switchboard.resync(client, now)),
                        Err(_) => return Some(close::NOT_UNDERSTOOD),
                    },
                    Message::Binary(_) => return Some(close::NOT_UNDERSTOOD),
                    Message::Ping(_) | Message::Pong(_) => {}
                    Message::Close(_) => return None,
                }
            }
        }
    }
}

/// Sends what waits, unless the client is closed meanwhile for being too far behind. Where much is to be told to many, what
/// came while others were told leaves at once, and each of them is woken only once for it.
async fn send(socket: &mut WebSocket, wire: &Wire, items: Vec<Item>) -> Result<(), Option<u16>> {
    let sending = async {
        for item in &items {
            socket.feed(Message::Text(item.text.as_ref().into())).await?;
        }
        socket.flush().await
    };
    tokio::select! {
        sent = tokio::time::timeout(SENT_WITHIN, sending) => match sent {
            Ok(Ok(())) => {
                for item in &items {
                    wire.sent(item);
                }
                Ok(())
            }
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some(close::TOO_SLOW)),
        },
        code = told_to_close(wire.closed.clone()) => Err(Some(code)),
    }
}

async fn told_to_close(mut closed: watch::Receiver<Option<u16>>) -> u16 {
    loop {
        if let Some(code) = *closed.borrow_and_update() {
            return code;
        }
        if closed.changed().await.is_err() {
            // The desk let go of this socket; the queue's end says so in its turn.
            std::future::pending::<()>().await;
        }
    }
}
