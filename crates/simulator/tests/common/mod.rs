//! The simulated service and a clock that only the test moves.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::time::Duration;

use agora::request::{StorageConfig, acquire_body, path, start_body, stop_body};
use agora::{
    Answer, AnswerClass, AppId, ChannelName, Operation, QueryAnswer, RecordingSettings, ResourceId, Sid,
    Timestamp, Uid, classify,
};
use serde_json::Value;
use simulator::{
    Calls, Config, Delivered, Delivery, Domain, FaultKind, Handled, Incoming, Ledger, LedgerSession,
    Notifications, Outcome, Service, Target,
};

pub const START_OF_TIME: i64 = 1_700_000_000_000;

/// The service and a clock that only the test moves.
pub struct Stage {
    pub service: Service,
    pub now: Timestamp,
    pub settings: RecordingSettings,
    pub domain: Domain,
}

/// A session as its owner knows it.
#[derive(Clone)]
pub struct Held {
    pub cname: ChannelName,
    pub uid: Uid,
    pub resource_id: ResourceId,
    pub sid: Sid,
}

impl Held {
    pub fn target(&self) -> Target {
        Target { sid: Some(self.sid.to_string()), cname: None }
    }
}

impl Stage {
    pub fn new() -> Self {
        Self::with(1, |_| {})
    }

    pub fn with(seed: u64, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(AppId::parse("demo").expect("an App ID"), "key", "secret");
        // Most tests ask more in one instant than the service would take.
        config.queries_per_second = 1000;
        change(&mut config);
        Self {
            service: Service::new(config, seed),
            now: Timestamp::from_millis(START_OF_TIME),
            settings: RecordingSettings::default(),
            domain: Domain::Primary,
        }
    }

    pub fn wait(&mut self, seconds: f64) {
        self.now = self.now + Duration::from_secs_f64(seconds);
    }

    pub fn raw(&mut self, method: &str, target: &str, body: &str) -> Handled {
        let request = Incoming {
            domain: self.domain,
            host: "api.agora.io".to_owned(),
            method: method.to_owned(),
            target: target.to_owned(),
            authorization: Some("Basic a2V5OnNlY3JldA==".to_owned()),
            content_type: Some(agora::request::CONTENT_TYPE.to_owned()),
            body: body.as_bytes().to_vec(),
        };
        self.service.handle(self.now, &request)
    }

    pub fn call(
        &mut self,
        operation: Operation,
        ids: (Option<&ResourceId>, Option<&Sid>),
        body: &str,
    ) -> Handled {
        let app_id = AppId::parse("demo").expect("an App ID");
        let target = path(&app_id, operation, self.settings.mode, ids.0, ids.1).expect("the IDs are there");
        self.raw(agora::request::method(operation).as_str(), &target, body)
    }

    /// An operation whose answer must come; time does not move.
    pub fn answered(
        &mut self,
        operation: Operation,
        ids: (Option<&ResourceId>, Option<&Sid>),
        body: &str,
    ) -> Answer {
        match self.call(operation, ids, body).outcome {
            Outcome::Answered(reply) => {
                classify(operation, self.settings.mode, reply.status, None, &reply.body)
            }
            other => panic!("{operation} is not answered: {other:?}"),
        }
    }

    pub fn acquire(&mut self, cname: &str, uid: u32) -> Answer {
        let (cname, uid) = names(cname, uid);
        let body = acquire_body(&cname, uid, &self.settings, &[]);
        self.answered(Operation::Acquire, (None, None), &body)
    }

    pub fn acquired(&mut self, cname: &str, uid: u32) -> ResourceId {
        match self.acquire(cname, uid).class {
            AnswerClass::Acquired(resource_id) => resource_id,
            other => panic!("{other:?}"),
        }
    }

    pub fn start_body(&self, cname: &str, uid: u32) -> String {
        let storage = StorageConfig {
            vendor: 1,
            region: 0,
            bucket: "b".to_owned(),
            access_key: "A".to_owned(),
            secret_key: "S".to_owned(),
            sts_token: None,
            sts_expiration: None,
            file_name_prefix: vec!["dept".to_owned()],
            extension_params: None,
        };
        let (cname, uid) = names(cname, uid);
        start_body(&cname, uid, &self.settings, &storage, None)
    }

    pub fn start(&mut self, resource_id: &ResourceId, cname: &str, uid: u32) -> Answer {
        let body = self.start_body(cname, uid);
        self.answered(Operation::Start, (Some(resource_id), None), &body)
    }

    pub fn started(&mut self, cname: &str, uid: u32) -> Held {
        let resource_id = self.acquired(cname, uid);
        match self.start(&resource_id, cname, uid).class {
            AnswerClass::Started(sid) => {
                let (cname, uid) = names(cname, uid);
                Held { cname, uid, resource_id, sid }
            }
            other => panic!("{other:?}"),
        }
    }

    pub fn query(&mut self, held: &Held) -> AnswerClass {
        self.answered(Operation::Query, (Some(&held.resource_id), Some(&held.sid)), "").class
    }

    pub fn status(&mut self, held: &Held) -> QueryAnswer {
        match self.query(held) {
            AnswerClass::Status(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub fn stop(&mut self, held: &Held, async_stop: bool) -> Handled {
        let body = stop_body(&held.cname, held.uid, async_stop);
        self.call(Operation::Stop, (Some(&held.resource_id), Some(&held.sid)), &body)
    }

    pub fn stopped(&mut self, held: &Held) -> AnswerClass {
        let body = stop_body(&held.cname, held.uid, false);
        self.answered(Operation::Stop, (Some(&held.resource_id), Some(&held.sid)), &body).class
    }

    pub fn fault(&mut self, kind: FaultKind) {
        self.service.add_faults(self.now, vec![kind.into()]).expect("the fault fits");
    }

    pub fn kill(&mut self, held: &Held, resumes_after_ms: Option<u64>) {
        self.fault(FaultKind::Kill { target: held.target(), resumes_after_ms });
    }

    pub fn disconnect(&mut self, held: &Held, resumes_after_ms: Option<u64>) {
        self.fault(FaultKind::Disconnect { target: held.target(), resumes_after_ms });
    }

    pub fn ledger(&mut self) -> Ledger {
        self.service.ledger(self.now, 0)
    }

    pub fn truth(&mut self, held: &Held) -> LedgerSession {
        let sessions = self.ledger().sessions;
        sessions.into_iter().find(|session| session.sid == held.sid.as_str()).expect("it is in the ledger")
    }

    /// A stage that sends notifications, each after the same short time.
    pub fn telling(seed: u64, change: impl FnOnce(&mut Config)) -> Self {
        Self::with(seed, |config| {
            let latency = Duration::from_millis(200);
            config.notifications =
                Some(Notifications { latency: (latency, latency), ..Notifications::default() });
            change(config);
        })
    }

    /// Waits and answers every delivery that falls due on the way, each at its own time.
    pub fn listen(&mut self, seconds: f64, mut answer: impl FnMut(&Delivery) -> Delivered) -> Vec<Delivery> {
        let until = self.now + Duration::from_secs_f64(seconds);
        let mut deliveries = Vec::new();
        while let Some(due) = self.service.next_delivery().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            for delivery in self.service.deliveries(self.now) {
                self.service.delivered(self.now, delivery.number, answer(&delivery));
                deliveries.push(delivery);
            }
        }
        self.now = until;
        deliveries
    }

    pub fn control(&mut self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        match self.raw(method, target, &body.to_string()).outcome {
            Outcome::Answered(reply) => (reply.status, serde_json::from_slice(&reply.body).expect("JSON")),
            other => panic!("{other:?}"),
        }
    }
}

pub fn names(cname: &str, uid: u32) -> (ChannelName, Uid) {
    (ChannelName::parse(cname).expect("a channel name"), Uid::new(uid).expect("not 0"))
}

pub fn answer(operation: Operation, times: u32, status: u16) -> FaultKind {
    FaultKind::Answer {
        calls: Calls::of(operation, times),
        status,
        code: None,
        reason: None,
        body: None,
        retry_after_s: None,
        carried_out: false,
    }
}
