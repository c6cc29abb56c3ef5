//! Posts the notifications that fall due, and reports to the service what became of each.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::header;
use hyper_util::rt::TokioIo;
use simulator::{ANSWER_WITHIN, Delivered, Delivery, Signatures};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::arguments::Webhook;
use crate::listener::Shared;

/// How many notifications are under way at the same time.
const AT_ONCE: usize = 64;

/// Posts for ever.
pub(crate) async fn post_all(shared: Arc<Shared>, webhook: Webhook) {
    let webhook = Arc::new(webhook);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let (deliveries, next) =
            shared.with_service(|service, now| (service.deliveries(now), service.next_delivery()));
        for delivery in deliveries {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let (shared, webhook) = (Arc::clone(&shared), Arc::clone(&webhook));
            tokio::spawn(async move {
                let number = delivery.number;
                let limit = shared.clock.on_the_wall(ANSWER_WITHIN);
                let outcome = match tokio::time::timeout(limit, post(&webhook, delivery)).await {
                    Ok(Ok(status)) => Delivered::Answered(status),
                    Ok(Err(_)) | Err(_) => Delivered::Unanswered,
                };
                shared.with_service(|service, now| service.delivered(now, number, outcome));
                // Its repeat may be due at once.
                shared.something_told.notify_one();
                drop(place);
            });
        }
        match next {
            Some(at) => tokio::select! {
                () = shared.wait_until(at) => {}
                () = shared.something_told.notified() => {}
            },
            None => shared.something_told.notified().await,
        }
    }
}

/// Posts one notification on a connection of its own; the status that it is answered with.
async fn post(
    webhook: &Webhook,
    delivery: Delivery,
) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(webhook.address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let mut request = Request::post(webhook.target.as_str())
        .header(header::HOST, webhook.host.as_str())
        .header(header::CONTENT_TYPE, "application/json");
    if delivery.signed {
        let signatures = Signatures::of(&webhook.secret, &delivery.body);
        request = request
            .header("Agora-Signature", signatures.sha1)
            .header("Agora-Signature-V2", signatures.sha256);
    }
    let request = request.body(Full::new(Bytes::from(delivery.body)))?;
    let answered = async move {
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        // An answer that breaks off is none; its content is not looked at.
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok::<_, hyper::Error>(status)
    };
    let (status, _) = tokio::join!(answered, connection);
    Ok(status?)
}
