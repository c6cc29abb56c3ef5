//! The way in and out: the gateway before the service, the faults on request around it, and the ledger's entry.

use core::time::Duration;

use agora::{Mode, Operation, Timestamp};
use serde_json::json;

use super::request::{Envelope, Route};
use super::{REQUESTS_MAX, Service};
use crate::fault::{Calls, Domain, FaultKind, Manner, StrangeBody};
use crate::ledger::LedgerRequest;
use crate::unknowns::{AddressesPath, RateWindow};
use crate::wire::{Handled, Incoming, Outcome, Reply};

/// How long a request hangs that nobody will answer.
const HANG: Duration = Duration::from_secs(600);

impl Service {
    pub(super) fn handle_call(&mut self, request: &Incoming, path: &str, down: Option<Manner>) -> Handled {
        let route = Route::read(&request.method, path);
        let envelope = Envelope::read(&request.body);
        let session = route.as_ref().and_then(|route| self.session_of(route));
        let cname = session
            .map(|session| session.id.cname.clone())
            .or_else(|| envelope.as_ref().map(|envelope| cut(&envelope.cname)));
        let uid = session
            .map(|session| session.id.uid.to_string())
            .or_else(|| envelope.as_ref().map(|envelope| cut(&envelope.uid)));
        let mut entry = LedgerRequest {
            number: self.next_request,
            at: self.now,
            domain: request.domain,
            host: cut(&request.host),
            method: cut(&request.method),
            operation: route.as_ref().map(|route| route.operation),
            mode: route.as_ref().and_then(|route| route.mode.as_deref()).and_then(Mode::parse),
            cname,
            uid,
            resource_id: route.as_ref().and_then(|route| route.resource_id.as_deref()).map(cut),
            sid: route.as_ref().and_then(|route| route.sid.as_deref()).map(cut),
            carried_out: false,
            status: None,
            code: None,
            answered_at: self.now,
            faults: Vec::new(),
        };
        self.next_request += 1;

        let handled = if let Some(manner) = down {
            entry.faults.push("domain_down".to_owned());
            let wait = if manner == Manner::Hang { HANG } else { Duration::ZERO };
            Handled { at: self.now + wait, outcome: Outcome::Closed }
        } else if self.tells_addresses(&request.method, path) {
            let reply = self.proved(request).err().unwrap_or_else(addresses);
            let at = self.now + self.span(self.config.answer_delay);
            Handled { at, outcome: Outcome::Answered(reply) }
        } else {
            match self.refused_at_the_gate(request, route.as_ref()) {
                Err(reply) => {
                    let at = self.now + self.span(self.config.answer_delay);
                    Handled { at, outcome: Outcome::Answered(reply) }
                }
                Ok(route) => self.carry_out(request, route, envelope, &mut entry),
            }
        };
        entry.answered_at = handled.at;
        if let Outcome::Answered(reply) = &handled.outcome {
            entry.status = Some(reply.status);
            entry.code = reply.code();
        }
        self.requests.push_back(entry);
        while self.requests.len() > REQUESTS_MAX {
            self.requests.pop_front();
        }
        handled
    }

    /// What the gateway before the service does: routes, credentials, rate.
    fn refused_at_the_gate<'a>(
        &mut self,
        request: &Incoming,
        route: Option<&'a Route>,
    ) -> Result<&'a Route, Reply> {
        let Some(route) = route else {
            return Err(Reply::message(404, "no Route matched with those values"));
        };
        self.proved(request)?;
        if route.app_id != self.config.app_id.as_str() {
            return Err(Reply::message(400, "appid is invalid"));
        }
        self.let_through_by_rate(route.operation)?;
        Ok(route)
    }

    /// Whether the request has the account's credentials; else the refusal.
    fn proved(&self, request: &Incoming) -> Result<(), Reply> {
        let Some(authorization) = &request.authorization else {
            return Err(Reply::message(401, "Unauthorized"));
        };
        let proof = authorization.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
        if proof.map(|(_, proof)| proof.trim()) != Some(self.authorization.as_str()) {
            return Err(Reply::message(401, "Invalid authentication credentials"));
        }
        Ok(())
    }

    /// Whether this asks from which addresses notifications come. It is of no App ID, so no rate counts it.
    fn tells_addresses(&self, method: &str, path: &str) -> bool {
        let known = match self.config.unknowns.addresses_path {
            AddressesPath::Both => ["/v1/ncs/ip", "/v2/ncs/ip"].contains(&path),
            AddressesPath::First => path == "/v1/ncs/ip",
            AddressesPath::Second => path == "/v2/ncs/ip",
        };
        known && method == "GET"
    }

    fn let_through_by_rate(&mut self, operation: Operation) -> Result<(), Reply> {
        let unknowns = &self.config.unknowns;
        let oldest = match unknowns.rate_window {
            // What came a whole second ago counts no more.
            RateWindow::Sliding => self.now - Duration::from_millis(999),
            RateWindow::Calendar => Timestamp::from_millis(self.now.millis().div_euclid(1000) * 1000),
        };
        while self.let_through.front().is_some_and(|(at, _)| *at < oldest) {
            self.let_through.pop_front();
        }
        let limit = usize::try_from(self.config.queries_per_second).unwrap_or(usize::MAX);
        let counts =
            |(_, earlier): &&(Timestamp, Operation)| !unknowns.rate_per_operation || *earlier == operation;
        if self.let_through.iter().filter(counts).count() >= limit {
            let mut reply = Reply::message(429, "API rate limit exceeded");
            reply.retry_after_s = unknowns.rate_limit_tells_retry_after.then_some(1);
            return Err(reply);
        }
        self.let_through.push_back((self.now, operation));
        Ok(())
    }

    /// The operation, with the faults on request around it.
    fn carry_out(
        &mut self,
        request: &Incoming,
        route: &Route,
        envelope: Option<Envelope>,
        entry: &mut LedgerRequest,
    ) -> Handled {
        let is_delay = |kind: &FaultKind| matches!(kind, FaultKind::Delay { .. });
        let delay = self.take_fault(request.domain, entry, is_delay);
        let fault = self.take_fault(request.domain, entry, |kind| !is_delay(kind));
        let mut late = match delay {
            Some(FaultKind::Delay { delay_ms, .. }) => Duration::from_millis(delay_ms),
            _ => Duration::ZERO,
        };
        let replaced = match &fault {
            Some(FaultKind::Answer { status, code, reason, body, retry_after_s, .. }) => {
                let mut reply = match body {
                    // Code 15 was seen in this form only.
                    None if *code == Some(15) && reason.is_none() => Reply::json(
                        *status,
                        &json!({ "resourceId": route.resource_id, "sid": "", "code": 15 }),
                    ),
                    Some(StrangeBody::Gateway) if reason.is_some() => {
                        Reply::message(*status, reason.as_deref().unwrap_or_default())
                    }
                    Some(body) => Reply::strange(*status, *body),
                    None => usual_reply(route.operation, *status, *code, reason.as_deref()),
                };
                reply.retry_after_s = *retry_after_s;
                Some(reply)
            }
            _ => None,
        };
        let reaches_the_service = match &fault {
            Some(FaultKind::Answer { carried_out, .. }) => *carried_out,
            Some(FaultKind::RequestLost { .. }) => false,
            _ => true,
        };
        let done = if reaches_the_service { Some(self.perform(request, route, envelope)) } else { None };
        late += match &done {
            Some(done) => done.delay,
            None => self.span(self.config.answer_delay),
        };
        if let (Some(reply), Some(_), Operation::Start) = (&replaced, &done, route.operation)
            && reply.code() == Some(65)
            && let Some(resource) = route.resource_id.as_ref().and_then(|id| self.resources.get_mut(id))
        {
            resource.not_completed = resource.sid.is_some();
        }
        if let Some(done) = &done {
            entry.carried_out = done.carried_out;
            entry.resource_id = entry.resource_id.take().or_else(|| done.resource_id.clone());
            entry.sid = entry.sid.take().or_else(|| done.sid.clone());
        }
        let outcome = match (&fault, replaced, done) {
            (Some(FaultKind::AnswerLost { .. } | FaultKind::RequestLost { .. }), _, _) => Outcome::Closed,
            (_, Some(reply), _) => Outcome::Answered(reply),
            (_, None, Some(done)) => Outcome::Answered(done.reply),
            (_, None, None) => Outcome::Closed,
        };
        Handled { at: self.now + late, outcome }
    }

    /// Takes the first fault of calls that meets this request, and counts it down.
    fn take_fault(
        &mut self,
        domain: Domain,
        entry: &mut LedgerRequest,
        is_wanted: impl Fn(&FaultKind) -> bool,
    ) -> Option<FaultKind> {
        let now = self.now;
        let meets = |calls: &Calls| {
            calls.times > 0
                && calls.operation.is_none_or(|operation| Some(operation) == entry.operation)
                && calls.domain.is_none_or(|wanted| wanted == domain)
                && calls.cname.as_ref().is_none_or(|cname| Some(cname) == entry.cname.as_ref())
                && calls.uid.as_ref().is_none_or(|uid| Some(uid) == entry.uid.as_ref())
        };
        let index = self.faults.iter().position(|active| {
            active.from <= now
                && is_wanted(&active.fault.kind)
                && active.fault.kind.calls().is_some_and(meets)
        })?;
        let kind = self.faults[index].fault.kind.clone();
        entry.faults.push(kind.name().to_owned());
        if self.faults[index].fault.kind.use_once() {
            self.faults.remove(index);
        }
        Some(kind)
    }
}

/// From where notifications come: this machine, and no other.
fn addresses() -> Reply {
    Reply::json(200, &json!({ "data": { "service": { "hosts": [{ "primaryIP": "127.0.0.1" }] } } }))
}

/// What the ledger keeps of a text that came from outside.
fn cut(text: &str) -> String {
    text.chars().take(512).collect()
}

/// The answer that the documents have for a status of an operation, where a fault leaves code or reason open.
fn usual_reply(operation: Operation, status: u16, code: Option<u32>, reason: Option<&str>) -> Reply {
    let code = match (status, code) {
        (_, Some(code)) => code,
        (401, None) => return Reply::message(401, reason.unwrap_or("Invalid authentication credentials")),
        (429, None) => return Reply::message(429, reason.unwrap_or("API rate limit exceeded")),
        (200, None) => return Reply::json(200, &json!({})),
        (201, None) => 7,
        (504, None) if !matches!(operation, Operation::Acquire | Operation::Start) => 62,
        (206, None) => 65,
        (400, None) => 2,
        (status, None) => u32::from(status),
    };
    let usual = match (operation, code) {
        (_, 2) => "invalid parameter",
        (_, 7) => "already started",
        (_, 49) => "invalid operation",
        (_, 50) => "upload timeout",
        (_, 53) => "task conflict",
        (_, 62) => "request timeout",
        (_, 65) => "request not completed",
        (Operation::Acquire, 400) => "invalid_appid",
        (Operation::Acquire, 401) => "invalid_channel_name",
        (_, 404) => "failed to find worker",
        (_, 405) => "no_active_status",
        (_, 406) => "vendor_over_load",
        (_, 432) => "cname or uid does not match the resourceId",
        (_, 433) => "resourceId expired",
        (_, 435) => "no recorded data",
        (Operation::Acquire, 501) => "no_worker_manager_available",
        (Operation::Acquire, 504) => "allocate_timeout",
        (Operation::Start, 502) => "Failed to allocate worker",
        (_, 8) => "invalid content type",
        (_, 52) => "start timeout",
        (_, 109) => "token expired",
        (_, 110) => "token invalid",
        (_, 501) => "exiting",
        (_, 1001) => "resourceId cannot be parsed",
        (_, 1003) => "sid does not match the resourceId",
        (_, 1013) => "invalid channel name",
        (_, 1028) => "api body validate failed!",
        _ => "internal_error",
    };
    Reply::error(status, code, reason.unwrap_or(usual))
}
