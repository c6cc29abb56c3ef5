//! What the six operations do.

use core::time::Duration;

use agora::limits;
use agora::{ChannelName, Mode, Operation, ResourceId, Sid, Uid};
use serde_json::{Value, json};

use super::parameters::{acquire_parameters, layout_parameters, start_parameters, update_parameters};
use super::request::{Envelope, Route};
use super::{Resource, SESSIONS_MAX, Service};
use crate::conditions::{Account, Backend, Enabled, Managers, TokenNeed};
use crate::fault::Domain;
use crate::session::{Identity, Session, StopMet};
use crate::token::{self, TokenFault};
use crate::unknowns::{
    AfterAsyncStop, AfterExpiry, AfterNotCompleted, BadLayout, BadName, ErrorBody, Mismatch, NoWorker,
    StartTimeout, TokenChecked,
};
use crate::wire::{Incoming, Reply};

const RESOURCES_MAX: usize = 20_000;
/// The longest label of a web recording, in bytes.
const LABEL_BYTES_MAX: usize = 1024;

/// What an operation came to.
pub(super) struct Done {
    pub(super) reply: Reply,
    pub(super) carried_out: bool,
    pub(super) delay: Duration,
    pub(super) resource_id: Option<String>,
    pub(super) sid: Option<String>,
}

impl Service {
    pub(super) fn perform(&mut self, request: &Incoming, route: &Route, envelope: Option<Envelope>) -> Done {
        match self.conditions.backend {
            Backend::Ready => self.perform_in_order(request, route, envelope),
            Backend::Away => {
                let status =
                    if matches!(route.operation, Operation::Acquire | Operation::Start) { 500 } else { 504 };
                let reply = match route.operation {
                    // Of acquire the table knows no code 62: nobody there assigns a server.
                    Operation::Acquire => Reply::error(500, 504, "allocate_timeout"),
                    Operation::Start if self.config.unknowns.start_timeout == StartTimeout::Old => {
                        Reply::error(500, 52, "start timeout")
                    }
                    _ => Reply::error(status, 62, "request timeout"),
                };
                self.refused(reply)
            }
            Backend::Broken => self.refused(Reply::error(500, 500, "internal_error")),
            Backend::Late if route.operation == Operation::Acquire => {
                self.refused(Reply::error(500, 504, "allocate_timeout"))
            }
            Backend::Late if !self.config.unknowns.not_completed_was_carried_out => {
                self.refused(Reply::error(206, 65, "request not completed"))
            }
            Backend::Late => {
                let mut done = self.perform_in_order(request, route, envelope);
                if done.carried_out {
                    done.reply = self.not_completed(route, &done);
                }
                done
            }
        }
    }

    /// The answer to a call that was carried out and whose own answer came too late.
    fn not_completed(&mut self, route: &Route, done: &Done) -> Reply {
        let mut body = json!({ "code": 65, "reason": "request not completed" });
        if route.operation == Operation::Query && self.config.unknowns.not_completed_query_tells {
            let told: Option<Value> = serde_json::from_slice(&done.reply.body).ok();
            if let Some(response) = told.as_ref().and_then(|told| told.get("serverResponse")) {
                body["serverResponse"] = response.clone();
            }
        }
        if let Some(resource) = route.resource_id.as_ref().and_then(|id| self.resources.get_mut(id)) {
            resource.not_completed |= route.operation == Operation::Start;
        }
        Reply::json(206, &body)
    }

    fn perform_in_order(&mut self, request: &Incoming, route: &Route, envelope: Option<Envelope>) -> Done {
        if route.operation == Operation::Query {
            return self.query(request.domain, route);
        }
        let is_json = request.content_type.as_deref().is_none_or(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/json")
        });
        if !is_json {
            return self.refused_old(8, "invalid content type");
        }
        let Some(envelope) = envelope else {
            return self.refused(Reply::error(400, 2, "api body validate failed!"));
        };
        match route.operation {
            Operation::Acquire => self.acquire(&envelope),
            Operation::Start => self.start(request.domain, route, &envelope),
            Operation::Query => self.query(request.domain, route),
            Operation::Update => self.update(request.domain, route, &envelope),
            Operation::UpdateLayout => self.update_layout(request.domain, route, &envelope),
            Operation::Stop => self.stop(request.domain, route, &envelope),
        }
    }

    fn refused(&mut self, reply: Reply) -> Done {
        let delay = self.span(self.config.answer_delay);
        Done { reply, carried_out: false, delay, resource_id: None, sid: None }
    }

    /// Refused with a code of the older list, whose HTTP status nobody documents.
    fn refused_old(&mut self, code: u32, reason: &str) -> Done {
        let reply = self.old_error(code, reason);
        self.refused(reply)
    }

    fn old_error(&self, code: u32, reason: &str) -> Reply {
        Reply::error(self.config.unknowns.older_codes_status, code, reason)
    }

    fn accepted(&mut self, body: &Value) -> Done {
        let delay = self.span(self.config.answer_delay);
        Done { reply: Reply::json(200, body), carried_out: true, delay, resource_id: None, sid: None }
    }

    fn acquire(&mut self, envelope: &Envelope) -> Done {
        match (self.conditions.account, self.conditions.recording, self.conditions.managers) {
            (_, Enabled::Disabled, _) => return self.refused(Reply::error(400, 400, "invalid_appid")),
            (_, Enabled::DisabledOld, _) => return self.refused_old(62, "cloud recording is not enabled"),
            (Account::Suspended, ..) => return self.refused(Reply::error(400, 405, "no_active_status")),
            (_, _, Managers::None) => {
                return self.refused(Reply::error(500, 501, "no_worker_manager_available"));
            }
            (_, _, Managers::Slow) => return self.refused(Reply::error(500, 504, "allocate_timeout")),
            (_, _, Managers::Broken) => return self.refused(Reply::error(500, 500, "internal_error")),
            (Account::Active, Enabled::Enabled, Managers::Ready) => {}
        }
        let for_page = envelope.client_request.get("scene").and_then(Value::as_u64) == Some(1);
        let is_name = if for_page {
            !envelope.cname.is_empty() && envelope.cname.len() <= LABEL_BYTES_MAX
        } else {
            ChannelName::parse(envelope.cname.as_str()).is_ok()
        };
        if !is_name {
            return match self.config.unknowns.bad_name {
                BadName::Documented => self.refused(Reply::error(400, 401, "invalid_channel_name")),
                BadName::Old => self.refused_old(1013, "invalid channel name"),
            };
        }
        let Ok(uid) = Uid::parse(&envelope.uid) else {
            return self.refused(Reply::error(400, 2, "api body validate failed!"));
        };
        let parameters = match acquire_parameters(&envelope.client_request) {
            Ok(parameters) => parameters,
            Err(reason) => return self.refused(Reply::error(400, 2, &reason)),
        };
        let counts = |number: &&u64| {
            self.sessions
                .get(number)
                .is_some_and(|session| session.is_live() && (session.id.mode == Mode::Web) == for_page)
        };
        let live = self.open.iter().filter(counts).count();
        let limit =
            if for_page { self.config.concurrent_web_sessions } else { self.config.concurrent_sessions };
        if live >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return self.refused(Reply::error(400, 406, "vendor_over_load"));
        }
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let resource_id = self.random.text(alphabet, 172);
        let cname = envelope.cname.clone();
        let body = json!({ "cname": cname, "uid": uid.to_string(), "resourceId": resource_id });
        self.resources.insert(
            resource_id.clone(),
            Resource {
                cname,
                uid,
                created_at: self.now,
                control: Duration::from_secs(parameters.hours * 3600),
                scene: parameters.scene,
                start_parameter: parameters.start_parameter,
                sid: None,
                not_completed: false,
            },
        );
        self.resource_order.push_back(resource_id.clone());
        if self.resource_order.len() > RESOURCES_MAX
            && let Some(oldest) = self.resource_order.pop_front()
        {
            self.resources.remove(&oldest);
        }
        let mut done = self.accepted(&body);
        done.resource_id = Some(resource_id);
        done
    }

    fn start(&mut self, domain: Domain, route: &Route, envelope: &Envelope) -> Done {
        let resource_id = route.resource_id.clone().unwrap_or_default();
        let Some(resource) = self.resources.get(&resource_id) else {
            return self.refused_old(1001, "resourceId cannot be parsed");
        };
        if resource.cname != envelope.cname || resource.uid.to_string() != envelope.uid {
            return self.refused_old(432, "cname or uid does not match the resourceId");
        }
        if let Some(sid) = resource.sid.clone() {
            return self.started_before(&resource_id, &sid);
        }
        if self.now.since(resource.created_at) > limits::RESOURCE_LIFETIME {
            return self.refused_old(433, "resourceId expired");
        }
        let Some(mode) = route.mode.as_deref().and_then(Mode::parse) else {
            return self.refused(Reply::error(400, 2, "there is no such mode"));
        };
        if (mode == Mode::Web) != (resource.scene == 1) {
            return self.refused(Reply::error(400, 2, "the mode does not fit the scene of the acquire"));
        }
        if resource.start_parameter.as_ref().is_some_and(|announced| *announced != envelope.client_request) {
            let reason = "request_hash mismatch";
            return match self.config.unknowns.start_parameter_mismatch {
                Mismatch::BadParameter => self.refused(Reply::error(400, 2, reason)),
                Mismatch::NotOfResource => self.refused_old(432, reason),
            };
        }
        let spelling = self.config.unknowns.unsubscribe_spelling;
        let parameters = match start_parameters(mode, &envelope.client_request, spelling, self.now) {
            Ok(parameters) => parameters,
            Err(reason) => return self.refused(Reply::error(400, 2, &reason)),
        };
        let (cname, uid) = (resource.cname.clone(), resource.uid);
        let (control, postponed) = (resource.control, resource.scene == 2);
        if mode != Mode::Web
            && self.config.unknowns.token_checked == TokenChecked::AtStart
            && (self.conditions.token == TokenNeed::Required
                || (self.conditions.token == TokenNeed::ByCertificate
                    && self.config.app_certificate.is_some()))
        {
            match token::check(parameters.token.as_deref(), &self.config, &cname, uid, self.now) {
                Ok(_) => {}
                Err(TokenFault::Expired) => return self.refused_old(109, "token expired"),
                Err(TokenFault::Wrong) => return self.refused_old(110, "token invalid"),
            }
        }
        let holds =
            |number: &u64| self.sessions.get(number).is_some_and(|session| session.holds(&cname, uid));
        if self.open.iter().any(holds) {
            return self.refused(Reply::error(400, 53, "task conflict"));
        }
        let live = self.open.iter().filter(|number| self.sessions.get(number).is_some_and(Session::is_live));
        if let Some(workers) = self.conditions.workers
            && live.count() >= usize::try_from(workers).unwrap_or(usize::MAX)
        {
            return self.refused(match self.config.unknowns.no_worker {
                NoWorker::Documented => Reply::error(500, 502, "Failed to allocate worker"),
                NoWorker::Seen => {
                    Reply::json(500, &json!({ "resourceId": resource_id, "sid": "", "code": 15 }))
                }
            });
        }
        let Ok(parsed) = ResourceId::parse(resource_id.as_str()) else {
            return self.refused_old(1001, "resourceId cannot be parsed");
        };
        let sid =
            Sid::parse(self.random.text(b"0123456789abcdef", 32)).expect("32 hexadecimal digits are a sid");
        let body =
            json!({ "cname": cname, "uid": uid.to_string(), "resourceId": resource_id, "sid": sid.as_str() });
        let identity = Identity {
            sid: sid.clone(),
            resource_id: parsed,
            cname,
            uid,
            mode,
            postponed,
            by_region: domain == Domain::Region,
        };
        let session = Session::new(identity, self.now, self.now + control, parameters);
        self.add_session(session);
        if let Some(resource) = self.resources.get_mut(&resource_id) {
            resource.sid = Some(sid.clone());
        }
        let mut done = self.accepted(&body);
        done.delay = self.span(self.config.start_delay);
        done.sid = Some(sid.to_string());
        done
    }

    /// A second start on a resource ID.
    fn started_before(&mut self, resource_id: &str, sid: &Sid) -> Done {
        if let Some(resource) = self.resources.get_mut(resource_id) {
            let first_was_late = core::mem::take(&mut resource.not_completed);
            if first_was_late && self.config.unknowns.after_not_completed == AfterNotCompleted::Started {
                let body = json!({
                    "cname": resource.cname,
                    "uid": resource.uid.to_string(),
                    "resourceId": resource_id,
                    "sid": sid.as_str(),
                });
                return self.accepted(&body);
            }
        }
        if let Some(number) = self.numbers.get(sid.as_str()).copied() {
            self.with_session(number, |session, (now, world), happenings| {
                if !session.has_ended() {
                    session.tell_status_update(now, world.config, happenings);
                }
            });
        }
        let mut body = json!({ "code": 7, "reason": "already started" });
        if self.config.unknowns.started_twice_returns_sid {
            body["sid"] = sid.as_str().into();
        }
        self.refused(Reply::json(201, &body))
    }

    fn add_session(&mut self, session: Session) {
        let number = self.next_session;
        self.next_session += 1;
        self.numbers.insert(session.id.sid.to_string(), number);
        self.sessions.insert(number, session);
        self.open.insert(number);
        self.with_session(number, |_, _, _| {});
        if self.sessions.len() > SESSIONS_MAX
            && let Some(oldest) = self.sessions.keys().copied().find(|number| !self.open.contains(number))
            && let Some(dropped) = self.sessions.remove(&oldest)
        {
            self.numbers.remove(dropped.id.sid.as_str());
            self.dropped_sessions += 1;
        }
    }

    pub(super) fn session_of(&self, route: &Route) -> Option<&Session> {
        let number = self.numbers.get(route.sid.as_ref()?)?;
        self.sessions.get(number)
    }

    /// The number of the session that a path names, if it can be spoken to; else the refusal.
    fn reachable(&self, domain: Domain, route: &Route) -> Result<u64, Reply> {
        let number = route.sid.as_ref().and_then(|sid| self.numbers.get(sid));
        let Some((number, session)) = number.and_then(|number| Some((number, self.sessions.get(number)?)))
        else {
            return Err(Reply::error(404, 404, "failed to find worker"));
        };
        if route.resource_id.as_deref() != Some(session.id.resource_id.as_str()) {
            return Err(self.old_error(1003, "sid does not match the resourceId"));
        }
        if route.mode.as_deref() != Some(session.id.mode.as_str()) {
            return Err(Reply::error(400, 2, "the mode is not the one of the start"));
        }
        let unknowns = &self.config.unknowns;
        let same_region = unknowns.region_reaches_all || session.id.by_region == (domain == Domain::Region);
        let same_sid = unknowns.failover_keeps_sid || session.failovers == 0;
        let in_time = self.now < session.control_until;
        if session.status(self.now).is_some() && same_region && same_sid && in_time {
            return Ok(*number);
        }
        match unknowns.after_expiry {
            AfterExpiry::Unreadable if !in_time => {
                return Err(self.old_error(1001, "resourceId cannot be parsed"));
            }
            AfterExpiry::Expired if !in_time => return Err(self.old_error(433, "resourceId expired")),
            AfterExpiry::NotFound | AfterExpiry::Unreadable | AfterExpiry::Expired => {}
        }
        let (cname, uid) = (session.id.cname.as_str(), session.id.uid.to_string());
        Err(match unknowns.not_found_body {
            ErrorBody::Documented => {
                let reason = "failed to find worker";
                Reply::json(404, &json!({ "cname": cname, "code": 404, "reason": reason, "uid": uid }))
            }
            ErrorBody::Seen => {
                let mut body = ids(session);
                body["code"] = 404.into();
                body["serverResponse"] = json!({
                    "command": "StopCloudRecorder",
                    "payload": { "message": "failed to find worker" },
                });
                Reply::json(404, &body)
            }
        })
    }

    fn query(&mut self, domain: Domain, route: &Route) -> Done {
        let session = match self.reachable(domain, route) {
            Ok(number) => &self.sessions[&number],
            Err(reply) => return self.refused(reply),
        };
        match session.after_async_stop(&self.config) {
            None | Some(AfterAsyncStop::Status) => {}
            Some(AfterAsyncStop::NotFound) => {
                return self.refused(Reply::error(404, 404, "failed to find worker"));
            }
            Some(AfterAsyncStop::Exiting) => return self.refused_old(501, "exiting"),
        }
        let mut response = session.file_list(false, &self.config);
        response["status"] = session.status(self.now).into();
        let mut body = ids(session);
        body["serverResponse"] = response;
        self.accepted(&body)
    }

    /// The session that an update or a stop is about, if its body is of it; else the refusal.
    fn addressed(&mut self, domain: Domain, route: &Route, envelope: &Envelope) -> Result<u64, Reply> {
        let number = self.reachable(domain, route)?;
        let session = &self.sessions[&number];
        if session.id.cname != envelope.cname || !session.answers_to(&envelope.uid, &self.config) {
            return Err(self.old_error(432, "cname or uid does not match the resourceId"));
        }
        Ok(number)
    }

    /// The same for an update, which a session that exits does not take.
    fn updatable(&mut self, domain: Domain, route: &Route, envelope: &Envelope) -> Result<u64, Reply> {
        let number = self.addressed(domain, route, envelope)?;
        if self.sessions[&number].status(self.now).is_some_and(|status| status > 5) {
            self.with_session(number, |session, (now, world), happenings| {
                session.tell_status_update(now, world.config, happenings);
            });
            return Err(Reply::error(400, 2, "the session is exiting"));
        }
        Ok(number)
    }

    fn update(&mut self, domain: Domain, route: &Route, envelope: &Envelope) -> Done {
        let number = match self.updatable(domain, route, envelope) {
            Ok(number) => number,
            Err(reply) => return self.refused(reply),
        };
        let session = &self.sessions[&number];
        let spelling = self.config.unknowns.unsubscribe_spelling;
        let update = match update_parameters(session.id.mode, &envelope.client_request, spelling, self.now) {
            Ok(update) => update,
            Err(reason) => return self.refused(Reply::error(400, 2, &reason)),
        };
        let body = ids(session);
        self.with_session(number, |session, (now, world), happenings| {
            let parameters = &mut session.parameters;
            if let Some(audio) = update.audio {
                parameters.subscribed.audio = audio;
            }
            if let Some(video) = update.video {
                parameters.subscribed.video = video;
            }
            if let (Some(onhold), Some(web)) = (update.onhold, parameters.web.as_mut()) {
                web.onhold = onhold;
            }
            if update.rtmp.is_some() {
                parameters.rtmp = update.rtmp;
            }
            if let Some(storage) = update.storage {
                // The files go on under the names of the start.
                (parameters.bucket, parameters.sts_expires) = (storage.bucket, storage.sts_expires);
            }
            session.look_around(now, world, happenings);
        });
        self.accepted(&body)
    }

    fn update_layout(&mut self, domain: Domain, route: &Route, envelope: &Envelope) -> Done {
        let number = match self.updatable(domain, route, envelope) {
            Ok(number) => number,
            Err(reply) => return self.refused(reply),
        };
        if self.sessions[&number].id.mode != Mode::Mix {
            return self.refused(Reply::error(400, 2, "updateLayout is for composite mode"));
        }
        if let Err(reason) = layout_parameters(&envelope.client_request) {
            return match self.config.unknowns.bad_layout {
                BadLayout::Documented => self.refused(Reply::error(400, 2, &reason)),
                BadLayout::Old => self.refused_old(1028, &reason),
            };
        }
        let body = ids(&self.sessions[&number]);
        self.accepted(&body)
    }

    fn stop(&mut self, domain: Domain, route: &Route, envelope: &Envelope) -> Done {
        if let Err(reply) = self.reachable(domain, route) {
            return self.refused(reply);
        }
        let asynchronous = match envelope.client_request.get("async_stop") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(asynchronous)) => *asynchronous,
            Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                return self.refused(Reply::error(400, 2, "async_stop is true or false"));
            }
        };
        let number = match self.addressed(domain, route, envelope) {
            Ok(number) => number,
            Err(reply) => return self.refused(reply),
        };
        let upload = self.span(self.config.upload);
        let now = self.now;
        let met = self.with_session(number, |session, (now, world), happenings| {
            session.stop(now, upload, asynchronous, world, happenings)
        });
        let session = &self.sessions[&number];
        let mut body = ids(session);
        let mut response = session.file_list(true, &self.config);
        let (backuped, is_web) = (session.is_backuped(), session.id.mode == Mode::Web);
        let uploading_status = session.uploading_status();
        match met {
            None | Some(StopMet::NotFound) => self.refused(Reply::error(404, 404, "failed to find worker")),
            Some(StopMet::AlreadyExiting) => {
                body["code"] = 49.into();
                match self.config.unknowns.exiting_body {
                    ErrorBody::Documented => body["reason"] = "invalid operation".into(),
                    ErrorBody::Seen => {
                        let list = response.get("fileList").cloned().unwrap_or_default();
                        body["serverResponse"] = json!({
                            "fileListMode": "string",
                            "fileListStr": list,
                            "payload": { "message": "Failed" },
                        });
                    }
                }
                self.refused(Reply::json(400, &body))
            }
            Some(StopMet::NothingRecorded) => {
                body["code"] = 435.into();
                body["reason"] = "no recorded data".into();
                let mut done = self.accepted(&body);
                done.reply = Reply::json(206, &body);
                done
            }
            Some(StopMet::Stops { .. }) if asynchronous => {
                let mut response =
                    if self.config.unknowns.async_stop_lists_files { response } else { json!({}) };
                if is_web {
                    response["extensionServiceState"] = json!([
                        { "serviceName": "upload_service", "payload": { "uploadingStatus": "unknown" } },
                    ]);
                } else {
                    response["uploadingStatus"] = "unknown".into();
                }
                body["serverResponse"] = response;
                self.accepted(&body)
            }
            Some(StopMet::Stops { uploaded_at }) => {
                if !is_web {
                    response["uploadingStatus"] = uploading_status.into();
                }
                body["serverResponse"] = response;
                let status = if backuped { self.config.unknowns.backuped_stop_status } else { 200 };
                let mut done = self.accepted(&body);
                done.reply = Reply::json(status, &body);
                let wait = uploaded_at.since(now);
                if wait > limits::UPLOAD_WAIT {
                    let status = self.config.unknowns.upload_timeout_status;
                    done.reply = Reply::error(status, 50, "upload timeout");
                }
                done.delay = wait.min(limits::UPLOAD_WAIT);
                done
            }
        }
    }
}

fn ids(session: &Session) -> Value {
    json!({
        "cname": session.id.cname,
        "uid": session.id.uid.to_string(),
        "resourceId": session.id.resource_id,
        "sid": session.id.sid,
    })
}
