//! A copy of the journal of a proxy that runs: its file is locked, so the proxy hands out the rows itself.

use std::time::Duration;

use reqwest::{Url, redirect};
use switchboard::ports::CopiedRow;
use tokio::runtime::Runtime;

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A proxy that runs.
pub struct Running {
    runtime: Runtime,
    client: reqwest::Client,
    base: Url,
}

impl Running {
    /// The one that listens there: `127.0.0.1:7100`.
    ///
    /// # Errors
    /// When that is no address. A sentence.
    pub fn new(server: &str) -> Result<Self, String> {
        let runtime = Runtime::new().map_err(|error| format!("no threads can be started: {error}"))?;
        let base = Url::parse(&format!("http://{server}/api/v1/backup"))
            .map_err(|_| format!("{server:?} is no address: write 127.0.0.1:7100"))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(crate::upstream::tls(false)?)
            .http1_only()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .build()
            .map_err(|error| format!("the proxy cannot be asked: {error}"))?;
        Ok(Self { runtime, client, base })
    }

    /// The next rows of a table after this place.
    ///
    /// # Errors
    /// When they do not come. A sentence.
    pub fn rows(&self, table: &str, after: &str) -> Result<Vec<CopiedRow>, String> {
        let mut url = self.base.clone();
        url.query_pairs_mut().append_pair("table", table).append_pair("after", after);
        let shown = self.base.authority().to_owned();
        self.runtime.block_on(async {
            let answer = self.client.get(url).send().await.map_err(|_| {
                format!("a proxy has the journal open, and none answers at {shown}: name its address with --server")
            })?;
            let status = answer.status();
            let body = answer.bytes().await.map_err(|_| format!("the proxy at {shown} broke off"))?;
            if !status.is_success() {
                let said = serde_json::from_slice::<rules::api::Problem>(&body);
                let title = said.map_or_else(|_| status.to_string(), |problem| problem.title);
                return Err(format!("the proxy at {shown} refuses: {title}"));
            }
            serde_json::from_slice(&body)
                .map_err(|_| format!("the proxy at {shown} answers in another way: it is of another version"))
        })
    }
}
