//! Scenarios: what happens around a control desk, step by step. A file names the steps; whoever plays it takes each at
//! its time.
//!
//! Steps of the service (publishers, faults, conditions) become requests to its controls. Steps of staff (recordings
//! that are asked for or stopped) are for who has a control desk; [`rehearse`] takes them itself, as a plain client
//! without a rule, in virtual time.

use core::time::Duration;
use std::collections::BTreeMap;

use agora::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::conditions::{ConditionsChange, PageChange, StorageChange};
use crate::config::Config;
use crate::fault::{Domain, read_faults};
use crate::ledger::Ledger;
use crate::notice::Delivered;
use crate::service::Service;
use crate::wire::{Incoming, Outcome};

/// How many steps a scenario may have.
pub const STEPS_MAX: usize = 1_000;
/// How many recordings one step may ask for.
pub const COUNT_MAX: u32 = 100;
/// How often a rehearsal asks after its sessions.
const LOOK_AGAIN: Duration = Duration::from_secs(120);
/// How long whoever asks for several recordings waits between two: an `acquire` and a `start` are two calls of ten.
pub const BETWEEN: Duration = Duration::from_millis(300);

/// A scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub about: String,
    /// How long it takes, in seconds of the service's time.
    pub seconds: u64,
    /// The steps, in any order.
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When, in seconds of the service's time from the beginning on.
    pub at: u64,
    /// What.
    #[serde(rename = "do")]
    pub action: Action,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Staff ask for recordings.
    Record(Record),
    /// Staff stop the recordings of these channels.
    Stop(Channels),
    /// So many publish in these channels from now on.
    Publishers(Publishers),
    /// A fault, as `POST /simulator/faults` takes it; one of servers may meet nobody.
    Fault(Value),
    /// All faults end.
    ClearFaults(bool),
    /// A change of conditions.
    Conditions(ConditionsChange),
    /// A change of a bucket.
    Storage(StorageChange),
    /// A change of a page.
    Page(PageChange),
}

/// Recordings that staff ask for: of one channel, or of `count` channels with a number behind the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The channel, or what the names of several begin with.
    pub channel: String,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// `maxIdleTime`, in seconds; none: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<u32>,
}

/// Channels: one, or `count` with a number behind the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    /// The channel, or what the names of several begin with.
    pub channel: String,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// So many publishers in channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publishers {
    /// The channel, or what the names of several begin with.
    pub channel: String,
    /// How many channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How many publish in each.
    pub publishers: u32,
}

/// The names of channels: the name itself, or with `-1`, `-2`, … behind it.
pub fn channel_names(channel: &str, count: Option<u32>) -> Vec<String> {
    match count {
        None => vec![channel.to_owned()],
        Some(count) => (1..=count).map(|number| format!("{channel}-{number}")).collect(),
    }
}

impl Scenario {
    /// Checks what the types do not.
    ///
    /// # Errors
    /// The first thing that is wrong, as a sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.steps.len() > STEPS_MAX {
            return Err(format!("at most {STEPS_MAX} steps"));
        }
        for step in &self.steps {
            let wrong = |error: String| format!("the step at {} s: {error}", step.at);
            if step.at > self.seconds {
                return Err(wrong("it comes after the end".to_owned()));
            }
            let count = match &step.action {
                Action::Record(Record { count, .. })
                | Action::Stop(Channels { count, .. })
                | Action::Publishers(Publishers { count, .. }) => *count,
                Action::Fault(fault) => {
                    read_faults(fault.to_string().as_bytes()).map_err(wrong)?;
                    None
                }
                Action::ClearFaults(_) | Action::Conditions(_) | Action::Storage(_) | Action::Page(_) => None,
            };
            if count.is_some_and(|count| !(1..=COUNT_MAX).contains(&count)) {
                return Err(wrong(format!("count is from 1 to {COUNT_MAX}")));
            }
        }
        Ok(())
    }

    /// The steps in the order of their times; at one time in that of the file.
    pub fn in_order(&self) -> Vec<Step> {
        let mut steps = self.steps.clone();
        steps.sort_by_key(|step| step.at);
        steps
    }

    /// What staff do, one channel after the other, each with its time from the beginning on.
    pub fn of_staff(&self) -> Vec<(Duration, Deed)> {
        let mut deeds = Vec::new();
        for step in self.in_order() {
            let (names, idle) = match &step.action {
                Action::Record(record) => (
                    channel_names(&record.channel, record.count),
                    Some(record.idle_seconds.unwrap_or(agora::limits::MAX_IDLE_SECONDS_RECOMMENDED)),
                ),
                Action::Stop(stop) => (channel_names(&stop.channel, stop.count), None),
                Action::Publishers(_)
                | Action::Fault(_)
                | Action::ClearFaults(_)
                | Action::Conditions(_)
                | Action::Storage(_)
                | Action::Page(_) => continue,
            };
            let mut at = step.at();
            for channel in names {
                let deed = match idle {
                    Some(idle_seconds) => Deed::Record { channel, idle_seconds },
                    None => Deed::Stop { channel },
                };
                deeds.push((at, deed));
                at += BETWEEN;
            }
        }
        deeds.sort_by_key(|(at, _)| *at);
        deeds
    }
}

/// What a person at the control desk does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Asks for a recording.
    Record {
        /// Of this channel.
        channel: String,
        /// Its `maxIdleTime`, in seconds.
        idle_seconds: u32,
    },
    /// Stops the newest recording.
    Stop {
        /// Of this channel.
        channel: String,
    },
}

impl Step {
    /// When, from the beginning on.
    pub const fn at(&self) -> Duration {
        Duration::from_secs(self.at)
    }

    /// The path and the body that make the service's controls take this step; none: it is one of staff.
    pub fn order(&self) -> Option<(&'static str, Value)> {
        match &self.action {
            Action::Record(_) | Action::Stop(_) => None,
            Action::Publishers(Publishers { channel, count, publishers }) => {
                let of = |cname| json!({ "cname": cname, "publishers": publishers });
                let list = channel_names(channel, *count).into_iter().map(of).collect();
                Some(("/simulator/channels", list))
            }
            Action::Fault(fault) => {
                let mut fault = fault.clone();
                // One that waits meets whoever runs then, or nobody; one that is due at once would be refused.
                let faults = match &mut fault {
                    Value::Array(list) => list.as_mut_slice(),
                    single => core::slice::from_mut(single),
                };
                for fault in faults {
                    if fault.get("after_ms").is_none() {
                        fault["after_ms"] = 1.into();
                    }
                }
                Some(("/simulator/faults", fault))
            }
            Action::ClearFaults(_) => Some(("/simulator/faults/clear", Value::Null)),
            Action::Conditions(change) => Some(("/simulator/conditions", as_value(change))),
            Action::Storage(change) => Some(("/simulator/storage", as_value(change))),
            Action::Page(change) => Some(("/simulator/pages", as_value(change))),
        }
    }

    /// The request to the service's controls, as [`order`](Self::order) has it.
    pub fn control(&self, domain: Domain) -> Option<Incoming> {
        let (target, body) = self.order()?;
        Some(request(domain, "POST", target.to_owned(), None, &body))
    }
}

fn as_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("the simulator's own types have text keys and finite numbers")
}

fn request(
    domain: Domain,
    method: &str,
    target: String,
    authorization: Option<String>,
    body: &Value,
) -> Incoming {
    Incoming {
        domain,
        host: "api.agora.io".to_owned(),
        method: method.to_owned(),
        target,
        authorization,
        content_type: Some("application/json".to_owned()),
        body: body.to_string().into_bytes(),
    }
}

/// What a rehearsal holds of one recording.
struct Held {
    uid: u32,
    /// The base of the session's paths.
    base: String,
    ask_at: Timestamp,
}

/// Plays a whole scenario in virtual time from `began` on: its own plain client starts and stops the recordings and
/// asks after them every two minutes; every notification is answered 200. The same arguments give the same ledger, byte
/// by byte.
pub fn rehearse(scenario: &Scenario, config: Config, seed: u64, began: Timestamp) -> Ledger {
    let base = format!("/v1/apps/{}/cloud_recording", config.app_id);
    let mut service = Service::new(config, seed);
    let authorization = service.authorization_header();
    let mut held: BTreeMap<String, Held> = BTreeMap::new();
    let mut next_uid = 900_001;
    let orders =
        scenario.in_order().into_iter().filter_map(|step| Some((step.at(), step.control(Domain::Primary)?)));
    let mut orders = orders.peekable();
    let mut deeds = scenario.of_staff().into_iter().peekable();
    let end = began + Duration::from_secs(scenario.seconds);
    loop {
        let order = orders.peek().map(|(at, _)| began + *at);
        let deed = deeds.peek().map(|(at, _)| began + *at);
        let ask = held.values().map(|held| held.ask_at).min();
        let told = service.next_delivery();
        let next = [order, deed, ask, told].into_iter().flatten().min();
        let Some(now) = next.filter(|now| *now <= end) else { break };
        for delivery in service.deliveries(now) {
            service.delivered(now, delivery.number, Delivered::Answered(200));
        }
        while let Some((_, order)) = orders.next_if(|(at, _)| began + *at <= now) {
            service.control_of(now, &order);
        }
        let call = |service: &mut Service, method: &str, target: String, body: &Value| {
            let request = request(Domain::Primary, method, target, Some(authorization.clone()), body);
            match service.handle(now, &request).outcome {
                Outcome::Answered(reply) if reply.status == 200 => {
                    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
                }
                Outcome::Answered(_) | Outcome::Closed | Outcome::Refused => Value::Null,
            }
        };
        for held in held.values_mut().filter(|held| held.ask_at <= now) {
            call(&mut service, "GET", format!("{}/query", held.base), &Value::Null);
            held.ask_at = now + LOOK_AGAIN;
        }
        while let Some((_, deed)) = deeds.next_if(|(at, _)| began + *at <= now) {
            match deed {
                Deed::Record { channel, idle_seconds } => {
                    let uid = next_uid;
                    next_uid += 1;
                    let mut body = json!({ "cname": channel, "uid": uid.to_string(), "clientRequest": {} });
                    let acquired = call(&mut service, "POST", format!("{base}/acquire"), &body);
                    let Some(resource_id) = acquired["resourceId"].as_str() else { continue };
                    body["clientRequest"] = json!({
                        "recordingConfig": { "channelType": 1, "maxIdleTime": idle_seconds },
                        "storageConfig": {
                            "vendor": 1, "region": 0, "bucket": "recordings-archive",
                            "accessKey": "A", "secretKey": "S",
                        },
                    });
                    let target = format!("{base}/resourceid/{resource_id}/mode/mix/start");
                    let started = call(&mut service, "POST", target, &body);
                    let Some(sid) = started["sid"].as_str() else { continue };
                    let base = format!("{base}/resourceid/{resource_id}/sid/{sid}/mode/mix");
                    held.insert(channel, Held { uid, base, ask_at: now + LOOK_AGAIN });
                }
                Deed::Stop { channel } => {
                    let Some(held) = held.remove(&channel) else { continue };
                    let request = json!({ "async_stop": true });
                    let body =
                        json!({ "cname": channel, "uid": held.uid.to_string(), "clientRequest": request });
                    call(&mut service, "POST", format!("{}/stop", held.base), &body);
                }
            }
        }
    }
    service.ledger(end, 0)
}
