//! The webhook of the service (N1): the signature over the raw bytes first, then the disk, then 200.
//!
//! Only 200 is success to the service, so nothing else is ever answered for one; and what could not be stored is answered
//! with 503, so that it comes again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use agora::Notification;
use agora::notification::NOTIFICATION_BYTES_MAX;
use axum::body::{Bytes, HttpBody as _};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest as _, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rules::AppEntryNumber;
use serde::{Deserialize, Serialize};
use switchboard::notices::Delivery;

use super::Server;
use super::answer::{Answer, Refused, json};
use super::desk::NotTaken;
use super::routes::{actor, sized};
use super::signed::Signed;
use crate::signature::{V1_HEADER, V2_HEADER};

type Shared = State<Arc<Server>>;

/// How long a body may take to come, in real time: the service itself gives a delivery up after 10 s.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// The answer to every delivery that is durable: `{}`.
#[derive(Serialize)]
struct Taken {}

/// `POST /api/v1/notifications/{app}`.
pub(crate) async fn deliver(State(server): Shared, Path(app): Path<String>, request: Request) -> Answer {
    super::audit::is_of_the_service();
    let headers = request.headers().clone();
    let body = whole(request).await?;
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if server.signatures.fit(&app, header(V2_HEADER), header(V1_HEADER), &body) {
        let read = Notification::read(&body);
        let delivery = Delivery { app, read, body: body.to_vec() };
        return match server.desk.notify(delivery).await {
            Ok(_) => Ok(taken()),
            Err(not_taken) => Err(refusal(&not_taken)),
        };
    }
    server.unsigned.fetch_add(1, Ordering::Relaxed);
    let is_test = server.signatures.knows(&app) && Notification::read(&body).is_ok_and(|read| read.is_test());
    if is_test {
        let name = app.clone();
        if server.desk.ask(move |switchboard, now| switchboard.tested(&name, now)).await? {
            return Ok(taken());
        }
    }
    let title = "No secret of this App ID made the signature of this body: compare notification_secrets with the \
                 console.";
    Err(Refused::new(StatusCode::UNAUTHORIZED, "signature", title))
}

/// The body, if it comes whole, in time and is not too large.
async fn whole(request: Request) -> Result<Bytes, Refused> {
    let too_large = || {
        let title = "A notification has at most 64 KB.";
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", title)
    };
    // What is announced as too large is not waited for.
    if request.body().size_hint().lower() > NOTIFICATION_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let late = |_| {
        let title = format!("The body did not arrive within {} s.", BODY_WITHIN.as_secs());
        Refused::new(StatusCode::REQUEST_TIMEOUT, "too_slow", title)
    };
    let read = tokio::time::timeout(BODY_WITHIN, Bytes::from_request(request, &()));
    let body = sized(read.await.map_err(late)?)?;
    if body.len() > NOTIFICATION_BYTES_MAX { Err(too_large()) } else { Ok(body) }
}

fn taken() -> Response {
    json(StatusCode::OK, &Taken {}).into_response()
}

fn refusal(not_taken: &NotTaken) -> Refused {
    let title = match not_taken {
        NotTaken::Crowded => "Too many notifications wait to be written. Send it again.".to_owned(),
        NotTaken::Unwritable(error) => format!("The journal cannot be written: {error}. Send it again."),
        NotTaken::Ended => "The server is ending. Send it again.".to_owned(),
    };
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, "journal_unwritable", title)
}

/// `POST /api/v1/notifications/{app}/setup`.
pub(crate) async fn set_up(
    State(server): Shared,
    Path(app): Path<String>,
    signed: Signed,
    headers: HeaderMap,
) -> Answer {
    let actor = actor(&signed, &headers)?;
    let until = server.desk.ask(move |switchboard, now| switchboard.set_up_notifications(&actor, &app, now));
    Ok(json(StatusCode::OK, &until.await??))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnmatchedQuery {
    before: Option<AppEntryNumber>,
}

/// `GET /api/v1/notifications/{app}`.
pub(crate) async fn unmatched(
    State(server): Shared,
    Path(app): Path<String>,
    query: Result<Query<UnmatchedQuery>, QueryRejection>,
) -> Answer {
    let Query(UnmatchedQuery { before }) = query.map_err(|error| Refused::bad_request(error.body_text()))?;
    let page = server.desk.ask(move |switchboard, _| switchboard.unmatched(&app, before));
    Ok(json(StatusCode::OK, &page.await??))
}
