//! Tells somebody outside what the journal says is worth it: `[[alert]]` of the configuration.
//!
//! Each target has a task of its own. It asks the desk what came after the last thing that was told, posts one after the
//! other, and goes on when the answer is 200; then how far it is is durable. So nothing is lost by a restart, and the same
//! is posted again only if its answer was lost: it has the same `id` then. That the journal cannot be written is told
//! too, from memory, since there is nowhere to write it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use agora::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::Sha256;
use switchboard::alerts::{Alert, Step};
use tokio::time::{sleep, timeout};

use crate::secret::Current;
use crate::server::desk::Desk;
use crate::store::hex;

/// The header of the signature: `t=1790000000,v1=…`, HMAC-SHA256 in hexadecimal of `1790000000.` and the body.
pub const SIGNATURE_HEADER: &str = "tallylight-signature";

/// The header of the `id`, which is the same whenever the same is posted again.
pub const ID_HEADER: &str = "tallylight-alert";

/// How often it is looked whether there is something to tell.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// After so many entries without anything to tell it is kept how far that was: a restart looks through no more.
const KEPT_EVERY: u64 = 1_000;

/// How long a target may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The wait after the first try that failed; it doubles up to the second.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Who is to be told, and of what.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name: how far it was told is kept under it.
    pub name: String,
    /// Where to: `https://…`. It may hold a token, so it is as secret as the rest.
    pub url: Current<SecretString>,
    /// What it is signed with.
    pub secret: Current<SecretString>,
    /// Of which steps.
    pub steps: Vec<Step>,
    /// Of which App IDs, by name; empty: of all.
    pub apps: Vec<String>,
}

/// Counts since the start, for `/metrics`.
#[derive(Debug, Default)]
pub struct Told {
    /// Alerts that were answered with 200.
    pub posted: AtomicU64,
    /// Posts that were not.
    pub failed: AtomicU64,
}

/// What is posted.
#[derive(Serialize)]
struct Body<'a> {
    /// Which target it was meant for.
    alert: &'a str,
    /// Where the page shows it, if the configuration says where the page is.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum What<'a> {
    Entry(&'a Alert),
    /// The journal cannot be written, or can be again.
    Journal {
        id: &'a str,
        step: Step,
        at: Timestamp,
        title: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        held: Option<u32>,
    },
}

/// One target and the way to it.
pub(crate) struct Teller {
    target: Target,
    client: reqwest::Client,
    desk: Desk,
    told: Arc<Told>,
    /// The page's address.
    page: Option<reqwest::Url>,
    /// Since when the journal cannot be written, if that was told.
    trouble: Option<Timestamp>,
}

impl Teller {
    pub(crate) fn new(
        target: Target,
        page: Option<reqwest::Url>,
        desk: Desk,
        told: Arc<Told>,
    ) -> Result<Self, String> {
        let encrypted = target.url.now().expose_secret().starts_with("https:");
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(crate::upstream::tls(encrypted)?)
            .http1_only()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("tallylight/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("no alert can be posted: {error}"))?;
        Ok(Self { target, client, desk, told, page, trouble: None })
    }

    /// Tells for as long as the program runs.
    pub(crate) async fn run(mut self) {
        let name = self.target.name.clone();
        let mut upto = loop {
            let name = name.clone();
            match self.desk.ask(move |switchboard, _| switchboard.alerted(&name)).await {
                Ok(Ok(upto)) => break upto,
                Ok(Err(error)) => tracing::warn!(alert = self.target.name, "{error}"),
                Err(_) => return,
            }
            sleep(WAITS.1).await;
        };
        // Kept at once: what comes from now on is told, also if the program ends before it could be.
        let mut kept = None;
        let mut told = upto;
        loop {
            let Ok(unwritten) = self.desk.ask(|switchboard, _| switchboard.unwritten()).await else { return };
            self.tell_of_journal(unwritten).await;
            let Ok(found) = self.desk.ask(move |switchboard, _| switchboard.alerts_after(upto)).await else {
                return;
            };
            match found {
                Ok((alerts, looked_at)) => {
                    for alert in alerts.iter().filter(|alert| self.wants(alert)) {
                        self.post(&alert.id, &What::Entry(alert), Some(alert.recording.as_str())).await;
                        told = alert.board;
                        self.keep(told, &mut kept).await;
                    }
                    upto = looked_at;
                }
                Err(error) => tracing::warn!(alert = self.target.name, "{error}"),
            }
            if upto >= told + KEPT_EVERY {
                told = upto;
            }
            self.keep(told, &mut kept).await;
            sleep(LOOK_EVERY).await;
        }
    }

    /// Keeps how far the target was told. Where that cannot be written now, it is tried again with the next look.
    async fn keep(&self, told: u64, kept: &mut Option<u64>) {
        if *kept == Some(told) {
            return;
        }
        let name = self.target.name.clone();
        let written = self.desk.ask(move |switchboard, _| switchboard.put_alerted(&name, told)).await;
        if matches!(written, Ok(Ok(()))) {
            *kept = Some(told);
        }
    }

    fn wants(&self, alert: &Alert) -> bool {
        let of_app = self.target.apps.is_empty() || self.target.apps.contains(&alert.app);
        of_app && self.target.steps.contains(&alert.step)
    }

    async fn tell_of_journal(&mut self, unwritten: Option<rules::api::Unwritten>) {
        match (unwritten, self.trouble) {
            (Some(unwritten), None) if self.target.steps.contains(&Step::Needed) => {
                let id = format!("journal:{}", unwritten.since.millis());
                let title = format!(
                    "The journal cannot be written: {}. Starts are refused; stops go out, and are not recorded.",
                    unwritten.reason
                );
                let (step, at) = (Step::Needed, unwritten.since);
                let what = What::Journal { id: &id, step, at, title: &title, held: Some(unwritten.held) };
                self.post(&id, &what, None).await;
                self.trouble = Some(unwritten.since);
            }
            (None, Some(since)) => {
                self.trouble = None;
                if self.target.steps.contains(&Step::Recovered) {
                    let id = format!("journal:{}:again", since.millis());
                    let title = "The journal can be written again.";
                    let what = What::Journal { id: &id, step: Step::Recovered, at: since, title, held: None };
                    self.post(&id, &what, None).await;
                }
            }
            (Some(_) | None, _) => {}
        }
    }

    /// Posts it until it is answered with 200.
    async fn post(&self, id: &str, what: &What<'_>, recording: Option<&str>) {
        let link = self.page.as_ref().map(|page| {
            let mut link = page.clone();
            if let Some(recording) = recording {
                link.query_pairs_mut().append_pair("recording", recording);
            }
            link.to_string()
        });
        let body = Body { alert: &self.target.name, link, what: What::shared(what) };
        let body = serde_json::to_string(&body).expect("an alert has text keys and finite numbers");
        let mut wait = WAITS.0;
        loop {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let request = self
                .client
                .post(self.target.url.now().expose_secret())
                .header(CONTENT_TYPE, "application/json")
                .header(ID_HEADER, id)
                .header(SIGNATURE_HEADER, signature(&self.target.secret.now(), since, &body))
                .body(body.clone());
            let why = match timeout(ANSWER_WITHIN, request.send()).await {
                Ok(Ok(answer)) if answer.status().as_u16() == 200 => {
                    self.told.posted.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Ok(Ok(answer)) => format!("it was answered with {}", answer.status().as_u16()),
                // Not the whole error: that has the address, which may hold a token.
                Ok(Err(error)) if error.is_connect() => "nothing answers there".to_owned(),
                Ok(Err(_)) => "the connection broke".to_owned(),
                Err(_) => "there was no answer in time".to_owned(),
            };
            self.told.failed.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                alert = self.target.name,
                id,
                "an alert was not taken: {why}; once more in {wait:?}"
            );
            sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
    }
}

impl<'a> What<'a> {
    const fn shared(what: &'a What<'a>) -> Self {
        match what {
            Self::Entry(alert) => Self::Entry(alert),
            Self::Journal { id, step, at, title, held } => {
                Self::Journal { id, step: *step, at: *at, title, held: *held }
            }
        }
    }
}

/// What stands in [`SIGNATURE_HEADER`].
pub fn signature(secret: &SecretString, since: u64, body: &str) -> String {
    let key = secret.expose_secret().as_bytes();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(format!("{since}.{body}").as_bytes());
    format!("t={since},v1={}", hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_the_documentation_says() {
        // `printf '1790000000.{"id":"a:1"}' | openssl dgst -sha256 -hmac a-secret-of-tests`
        let made = signature(&SecretString::from("a-secret-of-tests"), 1_790_000_000, r#"{"id":"a:1"}"#);
        assert_eq!(made, "t=1790000000,v1=211e0a5b29a07c049e0f920bdba18032fe4d39cab6ecac8b7315778f16e6add8");
    }
}
