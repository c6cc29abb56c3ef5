//! The simulator's own controls, beside the real paths.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Service;
use crate::fault::read_faults;
use crate::wire::Reply;

/// One channel of `POST /simulator/channels`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelChange {
    cname: String,
    publishers: u32,
}

impl Service {
    pub(super) fn control(&mut self, method: &str, path: &str, query: &str, body: &[u8]) -> Reply {
        let now = self.now;
        match (method, path) {
            ("GET", "/healthz") => Reply::json(200, &json!({ "status": "ok", "now": now })),
            ("GET", "/simulator/ledger") => {
                let after = query.split('&').find_map(|pair| pair.strip_prefix("after="));
                match after.map_or(Ok(0), str::parse) {
                    Ok(after) => to_reply(&self.ledger(now, after)),
                    Err(_) => wrong("after is the number of a request"),
                }
            }
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
            ("POST", "/simulator/channels") => match read_channels(body) {
                Ok(changes) => {
                    for change in &changes {
                        self.set_publishers(now, &change.cname, change.publishers);
                    }
                    Reply::json(200, &json!({ "channels": changes.len() }))
                }
                Err(error) => wrong(&error),
            },
            ("GET", "/simulator/channels") => {
                let channels: Vec<Value> = self
                    .channels
                    .iter()
                    .map(|(cname, channel)| json!({ "cname": cname, "publishers": channel.publishers }))
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

fn read_channels(body: &[u8]) -> Result<Vec<ChannelChange>, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    let list = if value.is_array() { value } else { Value::Array(vec![value]) };
    serde_json::from_value(list).map_err(|error| format!("not a channel: {error}"))
}
