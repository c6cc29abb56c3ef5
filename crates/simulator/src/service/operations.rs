//! What the six operations do.

use core::time::Duration;

use agora::limits;
use agora::{ChannelName, Mode, Operation, ResourceId, Sid, Uid};
use serde_json::{Value, json};

use super::request::{Envelope, Route, layout_is_valid, start_parameters};
use super::{Resource, SESSIONS_MAX, Service};
use crate::session::{Session, StopMet};
use crate::wire::{Incoming, Reply};

const RESOURCES_MAX: usize = 20_000;

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
        if route.operation == Operation::Query {
            return self.query(route);
        }
        let is_json = request.content_type.as_deref().is_none_or(|kind| kind.starts_with("application/json"));
        if !is_json {
            return self.refused(Reply::error(400, 8, "invalid content type"));
        }
        let Some(envelope) = envelope else {
            return self.refused(Reply::error(400, 2, "api body validate failed!"));
        };
        match route.operation {
            Operation::Acquire => self.acquire(&envelope),
            Operation::Start => self.start(route, &envelope),
            Operation::Query => self.query(route),
            Operation::Update | Operation::UpdateLayout => self.update(route, &envelope),
            Operation::Stop => self.stop(route, &envelope),
        }
    }

    fn refused(&mut self, reply: Reply) -> Done {
        let delay = self.span(self.config.answer_delay);
        Done { reply, carried_out: false, delay, resource_id: None, sid: None }
    }

    fn accepted(&mut self, body: &Value) -> Done {
        let delay = self.span(self.config.answer_delay);
        Done { reply: Reply::json(200, body), carried_out: true, delay, resource_id: None, sid: None }
    }

    fn acquire(&mut self, envelope: &Envelope) -> Done {
        let Ok(cname) = ChannelName::parse(envelope.cname.as_str()) else {
            return self.refused(Reply::error(400, 401, "invalid_channel_name"));
        };
        let Ok(uid) = Uid::parse(&envelope.uid) else {
            return self.refused(Reply::error(400, 2, "api body validate failed!"));
        };
        let hours = match envelope.client_request.get("resourceExpiredHour") {
            None => u64::from(limits::RESOURCE_EXPIRED_HOURS_DEFAULT),
            Some(value) => match value.as_u64() {
                Some(hours @ 1..=720) => hours,
                _ => {
                    let reason = "Acquire: invalid resourceExpiredHour value!";
                    return self.refused(Reply::error(400, 2, reason));
                }
            },
        };
        if envelope
            .client_request
            .get("scene")
            .is_some_and(|scene| scene.as_u64().is_none_or(|scene| scene > 2))
        {
            return self.refused(Reply::error(400, 2, "Acquire: invalid scene value!"));
        }
        let live = self.open.iter().filter(|number| self.sessions.get(number).is_some_and(Session::is_live));
        if live.count() >= usize::try_from(self.config.concurrent_sessions).unwrap_or(usize::MAX) {
            return self.refused(Reply::error(400, 406, "vendor_over_load"));
        }
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let resource_id = self.random.text(alphabet, 172);
        self.resources.insert(
            resource_id.clone(),
            Resource {
                cname: cname.clone(),
                uid,
                created_at: self.now,
                control: Duration::from_secs(hours * 3600),
                sid: None,
            },
        );
        self.resource_order.push_back(resource_id.clone());
        if self.resource_order.len() > RESOURCES_MAX
            && let Some(oldest) = self.resource_order.pop_front()
        {
            self.resources.remove(&oldest);
        }
        let mut done =
            self.accepted(&json!({ "cname": cname, "uid": uid.to_string(), "resourceId": resource_id }));
        done.resource_id = Some(resource_id);
        done
    }

    fn start(&mut self, route: &Route, envelope: &Envelope) -> Done {
        let resource_id = route.resource_id.clone().unwrap_or_default();
        let Some(resource) = self.resources.get(&resource_id) else {
            return self.refused(Reply::error(400, 1001, "resourceId cannot be parsed"));
        };
        if resource.cname.as_str() != envelope.cname || resource.uid.to_string() != envelope.uid {
            return self.refused(Reply::error(400, 432, "cname or uid does not match the resourceId"));
        }
        if let Some(sid) = resource.sid.clone() {
            let told = self.config.already_started_tells_sid;
            let mut body = json!({ "code": 7, "reason": "already started" });
            if told {
                body["sid"] = sid.as_str().into();
            }
            return self.refused(Reply::json(201, &body));
        }
        if self.now.since(resource.created_at) > limits::RESOURCE_LIFETIME {
            return self.refused(Reply::error(400, 433, "resourceId expired"));
        }
        if route.mode.as_deref() != Some(Mode::Mix.as_str()) {
            let reason = "the simulator knows composite mode only";
            return self.refused(Reply::error(400, 2, reason));
        }
        let parameters = match start_parameters(&envelope.client_request) {
            Ok(parameters) => parameters,
            Err(reason) => return self.refused(Reply::error(400, 2, &reason)),
        };
        let (cname, uid, control) = (resource.cname.clone(), resource.uid, resource.control);
        let holds =
            |number: &u64| self.sessions.get(number).is_some_and(|session| session.holds(&cname, uid));
        if self.open.iter().any(holds) {
            return self.refused(Reply::error(400, 53, "task conflict"));
        }
        let Ok(parsed) = ResourceId::parse(resource_id.as_str()) else {
            return self.refused(Reply::error(400, 1001, "resourceId cannot be parsed"));
        };
        let sid =
            Sid::parse(self.random.text(b"0123456789abcdef", 32)).expect("32 hexadecimal digits are a sid");
        let body =
            json!({ "cname": cname, "uid": uid.to_string(), "resourceId": resource_id, "sid": sid.as_str() });
        let session = Session::new(
            parsed,
            sid.clone(),
            (cname, uid),
            Mode::Mix,
            self.now,
            self.now + control,
            parameters,
        );
        self.add_session(session);
        if let Some(resource) = self.resources.get_mut(&resource_id) {
            resource.sid = Some(sid.clone());
        }
        let mut done = self.accepted(&body);
        done.delay = self.span(self.config.start_delay);
        done.sid = Some(sid.to_string());
        done
    }

    fn add_session(&mut self, session: Session) {
        let number = self.next_session;
        self.next_session += 1;
        self.numbers.insert(session.sid.to_string(), number);
        self.sessions.insert(number, session);
        self.open.insert(number);
        if self.sessions.len() > SESSIONS_MAX
            && let Some(oldest) = self.sessions.keys().copied().find(|number| !self.open.contains(number))
            && let Some(dropped) = self.sessions.remove(&oldest)
        {
            self.numbers.remove(dropped.sid.as_str());
            self.dropped_sessions += 1;
        }
    }

    pub(super) fn session_of(&self, route: &Route) -> Option<&Session> {
        let number = self.numbers.get(route.sid.as_ref()?)?;
        self.sessions.get(number)
    }

    /// The number of the session that a path names, if it can be spoken to; else the refusal.
    fn reachable(&self, route: &Route) -> Result<u64, Reply> {
        let not_found = || Reply::error(404, 404, "failed to find worker");
        let number = route.sid.as_ref().and_then(|sid| self.numbers.get(sid)).ok_or_else(not_found)?;
        let session = self.sessions.get(number).ok_or_else(not_found)?;
        if route.resource_id.as_deref() != Some(session.resource_id.as_str()) {
            return Err(Reply::error(400, 1003, "sid does not match the resourceId"));
        }
        if route.mode.as_deref() != Some(session.mode.as_str()) {
            return Err(Reply::error(400, 2, "the mode is not the one of the start"));
        }
        if session.status(self.now).is_none() || self.now >= session.control_until {
            let (cname, uid) = (session.cname.as_str(), session.uid.to_string());
            let body = json!({ "cname": cname, "code": 404, "reason": "failed to find worker", "uid": uid });
            return Err(Reply::json(404, &body));
        }
        Ok(*number)
    }

    fn query(&mut self, route: &Route) -> Done {
        let session = match self.reachable(route) {
            Ok(number) => &self.sessions[&number],
            Err(reply) => return self.refused(reply),
        };
        let mut response = session.file_list(&self.config);
        response["status"] = session.status(self.now).into();
        let mut body = ids(session);
        body["serverResponse"] = response;
        self.accepted(&body)
    }

    fn update(&mut self, route: &Route, envelope: &Envelope) -> Done {
        let session = match self.reachable(route) {
            Ok(number) => &self.sessions[&number],
            Err(reply) => return self.refused(reply),
        };
        if !is_of(session, envelope) {
            return self.refused(Reply::error(400, 432, "cname or uid does not match the resourceId"));
        }
        if session.status(self.now).is_some_and(|status| status > 5) {
            return self.refused(Reply::error(400, 2, "the session is exiting"));
        }
        let keys: &[&str] = match route.operation {
            Operation::Update => &["streamSubscribe", "storageConfig"],
            Operation::UpdateLayout => &[
                "mixedVideoLayout",
                "maxResolutionUid",
                "backgroundColor",
                "backgroundImage",
                "defaultUserBackgroundImage",
                "layoutConfig",
                "backgroundConfig",
            ],
            Operation::Acquire | Operation::Start | Operation::Query | Operation::Stop => &[],
        };
        let request = &envelope.client_request;
        if !request.keys().any(|key| keys.contains(&key.as_str())) || !layout_is_valid(request) {
            let code = if route.operation == Operation::UpdateLayout { 1028 } else { 2 };
            return self.refused(Reply::error(400, code, "api body validate failed!"));
        }
        let body = ids(session);
        self.accepted(&body)
    }

    fn stop(&mut self, route: &Route, envelope: &Envelope) -> Done {
        let number = match self.reachable(route) {
            Ok(number) => number,
            Err(reply) => return self.refused(reply),
        };
        let asynchronous = match envelope.client_request.get("async_stop") {
            None => false,
            Some(Value::Bool(asynchronous)) => *asynchronous,
            Some(Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                return self.refused(Reply::error(400, 2, "async_stop is true or false"));
            }
        };
        if !is_of(&self.sessions[&number], envelope) {
            return self.refused(Reply::error(400, 432, "cname or uid does not match the resourceId"));
        }
        let upload = self.span(self.config.upload);
        let (now, exit) = (self.now, self.config.exit);
        let Some(session) = self.sessions.get_mut(&number) else {
            return self.refused(Reply::error(404, 404, "failed to find worker"));
        };
        let met = session.stop(now, upload, exit);
        let mut body = ids(session);
        let files = session.file_list(&self.config);
        match met {
            StopMet::NotFound => self.refused(Reply::error(404, 404, "failed to find worker")),
            StopMet::AlreadyExiting => {
                body["code"] = 49.into();
                body["reason"] = "invalid operation".into();
                self.refused(Reply::json(400, &body))
            }
            StopMet::NothingRecorded => {
                body["code"] = 435.into();
                body["reason"] = "no recorded data".into();
                let mut done = self.accepted(&body);
                done.reply = Reply::json(206, &body);
                done
            }
            StopMet::Stops { .. } if asynchronous => {
                body["serverResponse"] = json!({ "uploadingStatus": "unknown" });
                self.accepted(&body)
            }
            StopMet::Stops { uploaded_at } => {
                body["serverResponse"] = files;
                body["serverResponse"]["uploadingStatus"] = "uploaded".into();
                let mut done = self.accepted(&body);
                let wait = uploaded_at.since(now);
                if wait > limits::UPLOAD_WAIT {
                    done.reply = Reply::error(504, 50, "upload timeout");
                }
                done.delay = wait.min(limits::UPLOAD_WAIT);
                done
            }
        }
    }
}

fn ids(session: &Session) -> Value {
    json!({
        "cname": session.cname,
        "uid": session.uid.to_string(),
        "resourceId": session.resource_id,
        "sid": session.sid,
    })
}

fn is_of(session: &Session, envelope: &Envelope) -> bool {
    session.cname.as_str() == envelope.cname && session.uid.to_string() == envelope.uid
}
