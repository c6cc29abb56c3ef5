//! The simulator's own controls, beside the real paths.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Service;
use crate::conditions::{ConditionsChange, Page, PageChange, Storage, StorageChange};
use crate::fault::read_faults;
use crate::media::Publisher;
use crate::wire::Reply;

/// One channel of `POST /simulator/channels`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelChange {
    cname: String,
    publishers: u32,
}

/// The body of `POST /simulator/channels/{cname}/publishers`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishersChange {
    /// So many from now on.
    #[serde(default)]
    publishers: Option<u32>,
    #[serde(default)]
    join: Vec<Publisher>,
    #[serde(default)]
    leave: Vec<u32>,
}

/// The body of `POST /simulator/notifications`.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum NoticeRequest {
    Test {
        test: bool,
    },
    Event {
        sid: String,
        event: u16,
        #[serde(default)]
        uid: Option<String>,
        #[serde(default)]
        details: Map<String, Value>,
    },
}

impl Service {
    fn publishers_control(&mut self, method: &str, cname: &str, body: &[u8]) -> Reply {
        let now = self.now;
        match method {
            "GET" => to_reply(&self.publishers(cname)),
            "POST" => match read::<PublishersChange>(body, "a change of publishers") {
                Ok(change) => {
                    if let Some(count) = change.publishers {
                        self.set_publishers(now, cname, count);
                    }
                    for uid in change.leave {
                        self.publisher_leaves(now, cname, uid);
                    }
                    for publisher in change.join {
                        if let Err(error) = self.publisher_joins(now, cname, publisher) {
                            return wrong(&error);
                        }
                    }
                    to_reply(&self.publishers(cname))
                }
                Err(error) => wrong(&error),
            },
            _ => Reply::json(404, &json!({ "error": "the simulator has no such control" })),
        }
    }

    pub(super) fn control(&mut self, method: &str, path: &str, query: &str, body: &[u8]) -> Reply {
        let now = self.now;
        match (method, path) {
            ("GET", "/healthz") => Reply::json(200, &json!({ "status": "ok", "now": now })),
            ("GET", "/simulator/ledger") => match parameter(query, "after").map_or(Ok(0), str::parse) {
                Ok(after) => to_reply(&self.ledger(now, after)),
                Err(_) => wrong("after is the number of a request"),
            },
            ("GET", "/simulator/faults") => to_reply(&self.faults),
            ("POST", "/simulator/faults") => {
                match read_faults(body).and_then(|faults| self.add_faults(now, faults)) {
                    Ok(accepted) => to_reply(&accepted),
                    Err(error) => wrong(&error),
                }
            }
            ("DELETE", "/simulator/faults") | ("POST", "/simulator/faults/clear") => {
                self.clear_faults(now);
                to_reply(&self.faults)
            }
            ("POST", "/simulator/channels") => match read_list::<ChannelChange>(body, "a channel") {
                Ok(changes) => {
                    for change in &changes {
                        self.set_publishers(now, &change.cname, change.publishers);
                    }
                    Reply::json(200, &json!({ "channels": changes.len() }))
                }
                Err(error) => wrong(&error),
            },
            ("GET", "/simulator/files") => match parameter(query, "sid").and_then(|sid| self.files(now, sid))
            {
                Some((files, more)) => Reply::json(200, &json!({ "files": files, "more": more })),
                None => wrong("?sid= names a session that is in the ledger"),
            },
            ("GET", "/simulator/conditions") => to_reply(&self.conditions),
            ("POST", "/simulator/conditions") => {
                match read::<ConditionsChange>(body, "a change of conditions") {
                    Ok(change) => {
                        self.change_conditions(now, &change);
                        to_reply(&self.conditions)
                    }
                    Err(error) => wrong(&error),
                }
            }
            ("POST", "/simulator/storage") => match read_list::<StorageChange>(body, "a bucket") {
                Ok(changes) => {
                    for change in &changes {
                        self.change_storage(now, change);
                    }
                    Reply::json(200, &json!({ "buckets": changes.len() }))
                }
                Err(error) => wrong(&error),
            },
            ("GET", "/simulator/storage") => {
                let state = |(bucket, storage): (&String, &Storage)| json!({ "bucket": bucket, "state": storage.state });
                Reply::json(200, &self.storages.iter().map(state).collect())
            }
            ("POST", "/simulator/pages") => match read_list::<PageChange>(body, "a page") {
                Ok(changes) => {
                    for change in &changes {
                        self.change_page(now, change);
                    }
                    Reply::json(200, &json!({ "pages": changes.len() }))
                }
                Err(error) => wrong(&error),
            },
            ("GET", "/simulator/pages") => {
                let state = |(url, page): (&String, &Page)| json!({ "url": url, "state": page.state });
                Reply::json(200, &self.pages.iter().map(state).collect())
            }
            ("GET", "/simulator/unknowns") => {
                let row = |[name, words, setting, about]: [String; 4]| json!({ "name": name, "words": words, "setting": setting, "about": about });
                Reply::json(200, &self.config.unknowns.table().into_iter().map(row).collect())
            }
            ("GET", "/simulator/notifications") => {
                match parameter(query, "after").map_or(Ok(0), str::parse) {
                    Ok(after) => Reply::json(
                        200,
                        &json!({ "notices": self.outbox.ledger(after), "dropped": self.outbox.dropped() }),
                    ),
                    Err(_) => wrong("after is the number of a notice"),
                }
            }
            ("POST", "/simulator/notifications") => match read::<NoticeRequest>(body, "a notification") {
                Ok(NoticeRequest::Test { test: true }) => {
                    Reply::json(200, &json!({ "notices": self.send_test_events(now) }))
                }
                Ok(NoticeRequest::Test { test: false }) => Reply::json(200, &json!({ "notices": 0 })),
                Ok(NoticeRequest::Event { sid, event, uid, details }) => {
                    match self.send_event(now, &sid, event, uid, Value::Object(details)) {
                        Ok(()) => Reply::json(200, &json!({ "notices": 1 })),
                        Err(error) => wrong(&error),
                    }
                }
                Err(error) => wrong(&error),
            },
            (method, path) if channel_in(path).is_some() => {
                let cname = channel_in(path).unwrap_or_default();
                self.publishers_control(method, &cname, body)
            }
            ("GET", "/simulator/channels") => {
                let channels: Vec<Value> = self
                    .channels
                    .iter()
                    .map(|(cname, channel)| json!({ "cname": cname, "publishers": channel.count }))
                    .collect();
                Reply::json(200, &channels.into())
            }
            _ => Reply::json(404, &json!({ "error": "the simulator has no such control" })),
        }
    }
}

fn to_reply(value: &impl Serialize) -> Reply {
    let value =
        serde_json::to_value(value).expect("the simulator's own types have text keys and finite numbers");
    Reply::json(200, &value)
}

fn wrong(error: &str) -> Reply {
    Reply::json(400, &json!({ "error": error }))
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The channel of `/simulator/channels/{cname}/publishers`.
fn channel_in(path: &str) -> Option<String> {
    let cname = path.strip_prefix("/simulator/channels/")?.strip_suffix("/publishers")?;
    if cname.is_empty() || cname.contains('/') { None } else { unescaped(cname) }
}

/// A segment of a path without its percent signs.
fn unescaped(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn read<Body: DeserializeOwned>(body: &[u8], what: &str) -> Result<Body, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    serde_json::from_value(value).map_err(|error| format!("not {what}: {error}"))
}

fn read_list<Item: DeserializeOwned>(body: &[u8], what: &str) -> Result<Vec<Item>, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    let list = if value.is_array() { value } else { Value::Array(vec![value]) };
    serde_json::from_value(list).map_err(|error| format!("not {what}: {error}"))
}
