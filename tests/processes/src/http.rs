//! Plain HTTP to loopback.

use std::time::Duration;

use rules::api::{CLIENT_HEADER, SECRET_HEADER};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// No answer of these programs takes longer, whatever they wait for.
const LIMIT: Duration = Duration::from_secs(20);

/// An HTTP answer of any status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The body, read as JSON.
    ///
    /// # Panics
    /// When it is something else, or the status is not 2xx.
    pub fn read<Body: DeserializeOwned>(&self) -> Body {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.body);
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The `kind` of a refusal.
    pub fn kind(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["kind"].as_str().unwrap_or_default().to_owned()
    }
}

/// Somebody who sends requests to one server.
#[derive(Debug, Clone)]
pub struct Http {
    agent: ureq::Agent,
    base: String,
}

impl Http {
    /// For `host:port`.
    pub fn new(address: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT));
        Self { agent: config.build().new_agent(), base: format!("http://{address}") }
    }

    /// Where a page of this server would come from.
    pub fn origin(&self) -> &str {
        &self.base
    }

    /// `GET`; none when nothing answers.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        let response = self.agent.get(format!("{}{path}", self.base)).call().ok()?;
        Self::answer(response)
    }

    /// `GET`, read as JSON.
    ///
    /// # Panics
    /// When there is no answer, or another one.
    pub fn get<Body: DeserializeOwned>(&self, path: &str) -> Body {
        self.try_get(path).unwrap_or_else(|| panic!("GET {path} has no answer")).read()
    }

    /// `POST` with these headers besides; none when nothing answers.
    pub fn try_post(&self, path: &str, body: &impl Serialize, headers: &[(&str, String)]) -> Option<Answer> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .header("origin", &self.base);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let text = serde_json::to_string(body).expect("a body is JSON");
        Self::answer(request.send(text).ok()?)
    }

    /// `POST` of these very bytes, with these headers and no others of a page; none when nothing answers.
    pub fn try_post_bytes(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Option<Answer> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::answer(request.send(body).ok()?)
    }

    /// `POST`.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn post(&self, path: &str, body: &impl Serialize, headers: &[(&str, String)]) -> Answer {
        self.try_post(path, body, headers).unwrap_or_else(|| panic!("POST {path} has no answer"))
    }

    /// The headers of a client's requests.
    pub fn proof(context: &client::CommandContext) -> Vec<(&'static str, String)> {
        vec![(CLIENT_HEADER, context.client.to_string()), (SECRET_HEADER, context.secret.clone())]
    }

    fn answer(mut response: ureq::http::Response<ureq::Body>) -> Option<Answer> {
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(64 * 1024 * 1024).read_to_string().ok()?;
        Some(Answer { status, body })
    }
}
