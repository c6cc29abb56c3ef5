//! Every route, each with the capability that it needs, in one table; and what each does.

use std::sync::Arc;

use agora::Operation;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post, put};
use rules::api::{
    Acknowledge, AdoptOrphan, AdoptRecording, AppSetup, CLIENT_HEADER, Capability, ChangeLayout,
    ChangePolicy, ChangeUpdate, ClaimLeases, Dismiss, JournalPage, MakeCall, MakeDecision, PROTOCOL,
    PressStop, PutViews, RequestRecording, Role, SECRET_HEADER, Setup,
};
use rules::{EntryNumber, RecordingId, SessionNumber};
use serde::Deserialize;
use switchboard::{Actor, Arrival, Command, Filter};

use crate::store::copy;

use super::answer::{Answer, BODY_BYTES_MAX, Refused, json, read};
use super::signed::{self, Signed, Unsigned};
use super::socket::{MESSAGE_BYTES_MAX, READ_BUFFER_BYTES, close};
use super::{Server, audit, gate, metrics, notifications, socket};

/// Where the stream is.
pub(crate) const STREAM: &str = "/api/v1/stream";

/// The most recordings on one page of the list, and how many there are if nothing is said.
const PAGE_MAX: usize = 100;
const PAGE: usize = 50;

/// The longest text that is looked for, in bytes.
const FIND_BYTES_MAX: usize = 256;

/// The most entries on one page of a journal.
const ENTRIES_MAX: usize = 500;

/// The longest `Idempotency-Key`.
const KEY_BYTES_MAX: usize = 128;

type Shared = State<Arc<Server>>;

/// One route.
struct Route {
    path: &'static str,
    /// What the person must be able to do; none: anybody who reaches the server.
    needs: Option<Capability>,
    /// Only in a demonstration.
    demo: bool,
    handler: fn() -> MethodRouter<Arc<Server>>,
}

const fn open(path: &'static str, handler: fn() -> MethodRouter<Arc<Server>>) -> Route {
    Route { path, needs: None, demo: false, handler }
}

const fn needs(needs: Capability, path: &'static str, handler: fn() -> MethodRouter<Arc<Server>>) -> Route {
    Route { path, needs: Some(needs), demo: false, handler }
}

const fn simulate(path: &'static str, handler: fn() -> MethodRouter<Arc<Server>>) -> Route {
    Route { path, needs: Some(Capability::Simulate), demo: true, handler }
}

use Capability::{Lead, Operate, View};

/// The table.
const ROUTES: &[Route] = &[
    open("/healthz", || get(healthz)),
    open("/readyz", || get(readyz)),
    open("/metrics", || get(metrics_text)),
    open("/api/v1/me", || get(me)),
    needs(View, "/api/v1/setup", || get(setup)),
    needs(View, STREAM, || get(stream)),
    needs(View, "/api/v1/views", || get(views)),
    needs(Lead, "/api/v1/views", || put(put_views)),
    needs(Lead, "/api/v1/backup", || get(backup)),
    needs(Lead, "/api/v1/audit", || get(audit::page)),
    needs(View, "/api/v1/recordings", || get(list)),
    needs(View, "/api/v1/recordings/{id}", || get(one)),
    needs(View, "/api/v1/recordings/{id}/journal", || get(journal)),
    needs(Operate, "/api/v1/recordings", || post(ask)),
    needs(Operate, "/api/v1/recordings/adopt", || post(adopt)),
    needs(Operate, "/api/v1/recordings/{id}/stop", || post(stop)),
    needs(Operate, "/api/v1/recordings/{id}/stop/withdraw", || post(withdraw)),
    needs(Operate, "/api/v1/recordings/{id}/sessions/{session}/stop", || post(stop_session)),
    needs(Operate, "/api/v1/recordings/{id}/sessions/{session}/adopt", || post(adopt_orphan)),
    needs(Operate, "/api/v1/recordings/{id}/policy", || post(policy)),
    needs(Operate, "/api/v1/recordings/{id}/update", || post(update)),
    needs(Operate, "/api/v1/recordings/{id}/layout", || post(layout)),
    needs(Operate, "/api/v1/recordings/{id}/try-again", || post(try_again)),
    needs(Operate, "/api/v1/recordings/{id}/hurry", || post(hurry)),
    needs(Operate, "/api/v1/recordings/{id}/acknowledge", || post(acknowledge)),
    needs(Lead, "/api/v1/recordings/{id}/dismiss", || post(dismiss)),
    needs(Operate, "/api/v1/leases", || post(claim)),
    needs(Operate, "/api/v1/recordings/{id}/calls", || post(call)),
    needs(Operate, "/api/v1/recordings/{id}/decisions", || post(decide)),
    open("/api/v1/notifications/{app}", || post(notifications::deliver)),
    needs(View, "/api/v1/notifications/{app}", || get(notifications::unmatched)),
    needs(Lead, "/api/v1/notifications/{app}/setup", || post(notifications::set_up)),
    simulate("/api/v1/simulator/{*path}", || get(simulator).post(simulator)),
];

/// Everything that this server answers, around the page's files.
pub(crate) fn router(server: &Arc<Server>, statics: Router) -> Router {
    let mut router = Router::new();
    for route in ROUTES.iter().filter(|route| server.settings.demo || !route.demo) {
        let mut handler = (route.handler)();
        if let Some(capability) = route.needs {
            handler = handler.layer(middleware::from_fn_with_state(capability, capable));
        }
        router = router.route(route.path, handler);
    }
    router
        .route("/api/{*path}", any(nothing_here))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(audit::with_person))
        .layer(middleware::from_fn_with_state(server.clone(), signed::identify))
        .with_state(server.clone())
        .fallback_service(statics)
        .layer(middleware::from_fn_with_state(server.clone(), gate::guard))
        .layer(middleware::from_fn_with_state(server.clone(), audit::audited))
        // Refusals of the gate too: whatever a browser is shown runs nothing and is framed by nobody.
        .layer(middleware::map_response(secured))
}

async fn secured(mut response: Response) -> Response {
    crate::statics::secure(response.headers_mut());
    response
}

async fn capable(State(needed): State<Capability>, request: Request, next: Next) -> Response {
    let known = request.extensions();
    let Some(signed) = known.get::<Signed>() else {
        let from = known.get::<signed::From>().map(|signed::From(from)| from);
        tracing::info!(from = ?from, path = ?request.uri().path(), "refused: nobody is signed in");
        let why = known.get::<Unsigned>().map(|Unsigned(problem)| problem.clone());
        return Refused::from(why.unwrap_or_else(signed::nobody)).into_response();
    };
    if signed.person.capabilities.contains(&needed) {
        return next.run(request).await;
    }
    let Signed { person, sign_in, from } = signed;
    tracing::info!(person = ?person.name, ?sign_in, %from, path = ?request.uri().path(), "refused: not allowed");
    let title = format!("{} may not do this.", signed.person.name);
    Refused::new(StatusCode::FORBIDDEN, "not_allowed", title).into_response()
}

async fn nothing_here(uri: Uri) -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "no_route", format!("There is nothing at {}.", uri.path()))
}

async fn wrong_method(uri: Uri) -> Refused {
    let title = format!("{} is asked in another way: see the documentation.", uri.path());
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "no_route", title)
}

// ---- what watches this server ----------------------------------------------------------------------------------

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(server): Shared) -> Answer {
    let writable = server.desk.ask(|switchboard, _| switchboard.writable()).await?;
    match writable {
        Ok(()) => Ok("ready\n".into_response()),
        Err(error) => {
            let title = format!("The journal cannot be written: {error}.");
            Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "journal_unwritable", title))
        }
    }
}

async fn metrics_text(State(server): Shared) -> Answer {
    let (counts, gauges) =
        server.desk.ask(|switchboard, now| (switchboard.counts(), switchboard.gauges(now))).await?;
    let read = |count: &std::sync::atomic::AtomicU64| count.load(std::sync::atomic::Ordering::Relaxed);
    let outside = metrics::Outside {
        unsigned: read(&server.unsigned),
        alerts_posted: read(&server.told.posted),
        alerts_failed: read(&server.told.failed),
    };
    let text = metrics::text(&counts, &outside, &gauges);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

// ---- what a page reads -----------------------------------------------------------------------------------------

async fn me(known: Extensions) -> Answer {
    match (known.get::<Signed>(), known.get::<Unsigned>()) {
        (Some(signed), _) => Ok(json(StatusCode::OK, &signed.person)),
        (None, Some(Unsigned(problem))) => Err(problem.clone().into()),
        (None, None) => Err(signed::nobody().into()),
    }
}

async fn setup(State(server): Shared, signed: Signed) -> Answer {
    let damaged = server.desk.ask(|switchboard, _| switchboard.damaged().cloned().collect()).await?;
    let settings = &server.settings;
    let apps = settings.apps.iter().map(|app| AppSetup {
        name: app.name.clone(),
        hosts: app.hosts.iter().map(|(_, host)| host.clone()).collect(),
        storage: app.storage.clone(),
        modes: app.modes.clone(),
        qps: app.qps,
        pcw: app.pcw,
        uid_range: app.uid_range,
    });
    let setup = Setup {
        build: settings.build.clone(),
        protocol: PROTOCOL,
        person: signed.person,
        apps: apps.collect(),
        policies: settings.policies.clone(),
        demo: settings.demo,
        clock_rate: server.clock_rate,
        damaged,
    };
    Ok(json(StatusCode::OK, &setup))
}

#[derive(Deserialize)]
struct BackupQuery {
    table: String,
    #[serde(default)]
    after: String,
}

/// The next rows of a table, for `tallylight backup`: the journal's file is locked for this process.
async fn backup(State(server): Shared, query: Result<Query<BackupQuery>, QueryRejection>) -> Answer {
    let Query(query) = query
        .map_err(|rejection| Refused::new(StatusCode::BAD_REQUEST, "bad_request", rejection.body_text()))?;
    if query.after.is_empty() && Some(query.table.as_str()) == copy::tables().next() {
        audit::is_worth_it();
    }
    let rows = server.desk.ask(move |switchboard, _| switchboard.copied(&query.table, &query.after)).await?;
    match rows {
        Ok(rows) => Ok(json(StatusCode::OK, &rows)),
        Err(error) => {
            let title = format!("The journal cannot be copied: {error}.");
            Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "journal_unreadable", title))
        }
    }
}

#[derive(Deserialize)]
struct StreamQuery {
    after: Option<u64>,
    journal: Option<String>,
    protocol: Option<u16>,
}

async fn stream(
    State(server): Shared,
    Query(query): Query<StreamQuery>,
    signed: Signed,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer {
    let upgrade = upgrade
        .map_err(|_| Refused::new(StatusCode::UPGRADE_REQUIRED, "bad_request", "This is a WebSocket."))?;
    let person = signed.person;
    let arrival = Arrival {
        person: person.name,
        operates: person.capabilities.contains(&Operate),
        attendant: person.role == Role::Attendant,
        secret: secret()?,
        resume: query.journal.zip(query.after),
    };
    let desk = server.desk.clone();
    let upgrade = upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |connection| async move {
        match query.protocol {
            Some(other) if other != PROTOCOL => socket::refuse(connection, close::NEW_BUILD).await,
            _ => socket::serve(connection, desk, arrival).await,
        }
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    app: Option<String>,
    state: Option<ListState>,
    channel: Option<String>,
    find: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ListState {
    Live,
    Ended,
}

async fn list(State(server): Shared, query: Result<Query<ListQuery>, QueryRejection>) -> Answer {
    let Query(query) = query.map_err(|error| Refused::bad_request(error.body_text()))?;
    let live = query.state.map(|state| matches!(state, ListState::Live));
    let before = query.before.as_deref().map(id_of).transpose()?;
    let find = query.find.unwrap_or_default();
    if find.len() > FIND_BYTES_MAX {
        let title = format!("`find` has at most {FIND_BYTES_MAX} bytes.");
        return Err(Refused::bad_request(title));
    }
    let filter = Filter { app: query.app, live, channel: query.channel, ..Filter::default() }.finding(&find);
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let page =
        server.desk.ask(move |switchboard, _| switchboard.page(&filter, before.as_ref(), limit)).await?;
    Ok(json(StatusCode::OK, &page))
}

async fn views(State(server): Shared) -> Answer {
    let views = server.desk.ask(|switchboard, _| switchboard.views()).await??;
    Ok(json(StatusCode::OK, &views))
}

async fn put_views(
    State(server): Shared,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let put: PutViews = read(&headers, &sized(body)?)?;
    let actor = actor(&signed, &headers)?;
    let views = server.desk.ask(move |switchboard, now| switchboard.views_put(&actor, &put, now));
    Ok(json(StatusCode::OK, &views.await??))
}

async fn one(State(server): Shared, Path(id): Path<String>) -> Answer {
    let id = id_of(&id)?;
    let missing = no_recording(&id);
    let recording = server.desk.ask(move |switchboard, _| switchboard.recording(&id).cloned()).await?;
    Ok(json(StatusCode::OK, &recording.ok_or(missing)?))
}

#[derive(Deserialize)]
struct JournalQuery {
    after: Option<EntryNumber>,
    limit: Option<usize>,
}

async fn journal(
    State(server): Shared,
    Path(id): Path<String>,
    query: Result<Query<JournalQuery>, QueryRejection>,
) -> Answer {
    let Query(query) = query.map_err(|error| Refused::bad_request(error.body_text()))?;
    let id = id_of(&id)?;
    let missing = no_recording(&id);
    let after = query.after.unwrap_or(0);
    let limit = query.limit.unwrap_or(ENTRIES_MAX).clamp(1, ENTRIES_MAX);
    let page = server.desk.ask(move |switchboard, _| {
        switchboard.recording(&id)?;
        Some(switchboard.entries(&id, after, limit))
    });
    match page.await?.ok_or(missing)? {
        Ok((entries, more)) => Ok(json(StatusCode::OK, &JournalPage { entries, more })),
        Err(error) => {
            let title = format!("The journal cannot be read: {error}.");
            Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "journal_unreadable", title))
        }
    }
}

// ---- what people ask for ---------------------------------------------------------------------------------------

async fn ask(
    State(server): Shared,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let ask: RequestRecording = read(&headers, &sized(body)?)?;
    audit::about_app(&ask.app);
    let (actor, key, entropy) = (actor(&signed, &headers)?, idempotency_key(&headers)?, entropy()?);
    let asked = server.desk.ask(move |switchboard, now| switchboard.asked(&actor, &key, &ask, entropy, now));
    let asked = asked.await??;
    let status = if asked.existing { StatusCode::OK } else { StatusCode::CREATED };
    Ok(json(status, &asked))
}

async fn adopt(
    State(server): Shared,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let adopt: AdoptRecording = read(&headers, &sized(body)?)?;
    audit::about_app(&adopt.app);
    let (actor, key, entropy) = (actor(&signed, &headers)?, idempotency_key(&headers)?, entropy()?);
    let asked =
        server.desk.ask(move |switchboard, now| switchboard.adopted(&actor, &key, &adopt, entropy, now));
    let asked = asked.await??;
    let status = if asked.existing { StatusCode::OK } else { StatusCode::CREATED };
    Ok(json(status, &asked))
}

#[derive(Deserialize)]
struct StopQuery {
    /// For how many real seconds the stop can be taken back; it is sent at once unless the request asks for some.
    undo: Option<u64>,
}

impl StopQuery {
    fn command(
        &self,
        session: Option<SessionNumber>,
        headers: &HeaderMap,
        body: Result<Bytes, BytesRejection>,
    ) -> Result<Command, Refused> {
        let undo = core::time::Duration::from_secs(self.undo.unwrap_or(0));
        let body = sized(body)?;
        let PressStop { calls, reason } =
            if body.is_empty() { PressStop::default() } else { read(headers, &body)? };
        Ok(Command::Stop { session, undo, calls, reason })
    }
}

async fn stop(
    State(server): Shared,
    Path(id): Path<String>,
    Query(query): Query<StopQuery>,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let stop = query.command(None, &headers, body)?;
    command(&server, &id, &signed, &headers, stop).await
}

async fn stop_session(
    State(server): Shared,
    Path((id, session)): Path<(String, SessionNumber)>,
    Query(query): Query<StopQuery>,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let stop = query.command(Some(session), &headers, body)?;
    command(&server, &id, &signed, &headers, stop).await
}

async fn withdraw(
    State(server): Shared,
    Path(id): Path<String>,
    signed: Signed,
    headers: HeaderMap,
) -> Answer {
    command(&server, &id, &signed, &headers, Command::WithdrawStop).await
}

async fn try_again(
    State(server): Shared,
    Path(id): Path<String>,
    signed: Signed,
    headers: HeaderMap,
) -> Answer {
    command(&server, &id, &signed, &headers, Command::TryAgain).await
}

async fn hurry(State(server): Shared, Path(id): Path<String>, signed: Signed, headers: HeaderMap) -> Answer {
    command(&server, &id, &signed, &headers, Command::Hurry).await
}

async fn policy(
    State(server): Shared,
    Path(id): Path<String>,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let ChangePolicy { policy } = read(&headers, &sized(body)?)?;
    command(&server, &id, &signed, &headers, Command::ChangePolicy(policy)).await
}

async fn update(
    State(server): Shared,
    Path(id): Path<String>,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let change: ChangeUpdate = read(&headers, &sized(body)?)?;
    command(&server, &id, &signed, &headers, Command::Update(Box::new(change))).await
}

async fn layout(
    State(server): Shared,
    Path(id): Path<String>,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let change: ChangeLayout = read(&headers, &sized(body)?)?;
    command(&server, &id, &signed, &headers, Command::Layout(Box::new(change))).await
}

async fn acknowledge(
    State(server): Shared,
    Path(id): Path<String>,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let Acknowledge { alarm } = read(&headers, &sized(body)?)?;
    command(&server, &id, &signed, &headers, Command::Acknowledge(alarm)).await
}

async fn adopt_orphan(
    State(server): Shared,
    Path((id, session)): Path<(String, SessionNumber)>,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let AdoptOrphan { sid } = read(&headers, &sized(body)?)?;
    command(&server, &id, &signed, &headers, Command::Adopt { session, sid }).await
}

async fn dismiss(
    State(server): Shared,
    Path(id): Path<String>,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let Dismiss { session, reason } = read(&headers, &sized(body)?)?;
    command(&server, &id, &signed, &headers, Command::Dismiss { session, reason }).await
}

async fn command(
    server: &Server,
    id: &str,
    signed: &Signed,
    headers: &HeaderMap,
    command: Command,
) -> Answer {
    let (id, actor) = (id_of(id)?, actor(signed, headers)?);
    let written = server.desk.ask(move |switchboard, now| switchboard.commanded(&actor, &id, &command, now));
    Ok(json(StatusCode::OK, &written.await??))
}

// ---- what a controller sends -----------------------------------------------------------------------------------

async fn claim(
    State(server): Shared,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    audit::is_audited_later();
    let claim: ClaimLeases = read(&headers, &sized(body)?)?;
    let actor = actor(&signed, &headers)?;
    let held = server.desk.ask(move |switchboard, now| switchboard.claimed(&actor, &claim, now));
    Ok(json(StatusCode::OK, &held.await??))
}

async fn call(
    State(server): Shared,
    Path(id): Path<String>,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let call: MakeCall = read(&headers, &sized(body)?)?;
    match call.operation {
        Operation::Query => audit::is_routine(),
        _ => audit::is_audited_later(),
    }
    let (id, actor) = (id_of(&id)?, actor(&signed, &headers)?);
    let posted = server.desk.ask(move |switchboard, now| switchboard.call_posted(&actor, &id, call, now));
    Ok(json(StatusCode::ACCEPTED, &posted.await??))
}

async fn decide(
    State(server): Shared,
    Path(id): Path<String>,
    signed: Signed,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let decision: MakeDecision = read(&headers, &sized(body)?)?;
    let (id, actor) = (id_of(&id)?, actor(&signed, &headers)?);
    let written =
        server.desk.ask(move |switchboard, now| switchboard.decision_posted(&actor, &id, decision, now));
    Ok(json(StatusCode::CREATED, &written.await??))
}

// ---- the demonstration -----------------------------------------------------------------------------------------

async fn simulator(
    State(server): Shared,
    Path(path): Path<String>,
    method: axum::http::Method,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    audit::is_routine();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let body = sized(body)?.to_vec();
    let reads = method == axum::http::Method::GET;
    let passed = server.upstream.simulator(reads, format!("/simulator/{path}{query}"), body).await;
    let passed = passed.map_err(|_| {
        Refused::new(StatusCode::BAD_GATEWAY, "simulator", "The simulator does not answer. Is it running?")
    })?;
    let mut response = Body::from(passed.body).into_response();
    *response.status_mut() = StatusCode::from_u16(passed.status).unwrap_or(StatusCode::BAD_GATEWAY);
    if let Ok(content_type) = HeaderValue::from_str(&passed.content_type) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(response)
}

// ---- what requests have in common ------------------------------------------------------------------------------

pub(crate) fn sized(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refused> {
    body.map_err(|rejection| {
        let title = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                format!("The body is larger than {BODY_BYTES_MAX} bytes.")
            }
            _ => "The body did not arrive whole.".to_owned(),
        };
        Refused::new(rejection.status(), "bad_request", title)
    })
}

fn id_of(text: &str) -> Result<RecordingId, Refused> {
    let missing =
        || Refused::new(StatusCode::NOT_FOUND, "no_recording", "There is no recording of this name.");
    RecordingId::parse(text).ok_or_else(missing)
}

fn no_recording(id: &RecordingId) -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "no_recording", format!("There is no recording {id}."))
}

/// The person, and the page if the request names one.
pub(crate) fn actor(signed: &Signed, headers: &HeaderMap) -> Result<Actor, Refused> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let client = match (text(CLIENT_HEADER), text(SECRET_HEADER)) {
        (None, None) => None,
        (Some(number), Some(secret)) => {
            let number = number.parse().map_err(|_| {
                Refused::bad_request(format!("{CLIENT_HEADER} is the number of the stream's hello."))
            })?;
            Some((number, secret.to_owned()))
        }
        (Some(_), None) | (None, Some(_)) => {
            let title = format!("{CLIENT_HEADER} and {SECRET_HEADER} go together.");
            return Err(Refused::bad_request(title));
        }
    };
    Ok(Actor { person: signed.person.name.clone(), client })
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Refused> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        let title = format!(
            "This needs an Idempotency-Key header of 1 to {KEY_BYTES_MAX} characters, new for each wish."
        );
        return Err(Refused::bad_request(title));
    }
    Ok(key.to_owned())
}

fn entropy() -> Result<[u8; 16], Refused> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "no_entropy", "The machine gives no random numbers.")
    })?;
    Ok(bytes)
}

fn secret() -> Result<String, Refused> {
    Ok(entropy()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::ROUTES;

    #[test]
    fn the_document_names_every_route() {
        let document = include_str!("../../../../docs/api.md");
        for route in ROUTES {
            let path = route.path.replace("{*path}", "{path}");
            let ends = |rest: &str| !rest.starts_with(|next: char| next == '/' || next.is_alphanumeric());
            assert!(document.split(&path).skip(1).any(ends), "docs/api.md does not name {path}");
        }
    }

    #[test]
    fn the_document_names_every_kind_of_refusal() {
        let document = include_str!("../../../../docs/api.md");
        let sources = [
            include_str!("../../../switchboard/src/calls.rs"),
            include_str!("../../../switchboard/src/clients.rs"),
            include_str!("../../../switchboard/src/lib.rs"),
            include_str!("../../../switchboard/src/notices.rs"),
            include_str!("../../../switchboard/src/staff.rs"),
            include_str!("../../../switchboard/src/views.rs"),
            include_str!("answer.rs"),
            include_str!("gate.rs"),
            include_str!("notifications.rs"),
            include_str!("routes.rs"),
            include_str!("signed.rs"),
        ];
        let calls = ["problem(", "Refused::new(", "refused_or_stale("];
        let refusals = sources.iter().flat_map(|source| {
            calls
                .iter()
                .flat_map(move |call| source.split(call).skip(1).filter_map(|rest| rest.split(';').next()))
        });
        let kinds: std::collections::BTreeSet<&str> = refusals
            .filter_map(|refusal| refusal.split('"').nth(1))
            .filter(|kind| kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
            .collect();
        assert!(kinds.len() > 20, "{kinds:?}");
        for kind in kinds {
            assert!(document.contains(&format!("`{kind}`")), "docs/api.md does not name {kind}");
        }
    }
}
