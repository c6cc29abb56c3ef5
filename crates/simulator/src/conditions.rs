//! What the service around the sessions is like at the moment: its account, its servers, the customers' buckets, the
//! pages that it is asked to record. Conditions stay until they are changed; faults on request are used up.

use agora::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of the service as a whole, as `GET /simulator/conditions` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Conditions {
    /// The customer's account.
    pub account: Account,
    /// Whether Cloud Recording is enabled for the App ID.
    pub recording: Enabled,
    /// What assigns servers to an `acquire`.
    pub managers: Managers,
    /// How many sessions the servers can take; none: as many as are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// What is behind the gateway.
    pub backend: Backend,
    /// Whether recorders need a token.
    pub token: TokenNeed,
}

/// A change of [`Conditions`]: what is not named stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionsChange {
    /// See [`Conditions::account`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// See [`Conditions::recording`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Enabled>,
    /// See [`Conditions::managers`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managers: Option<Managers>,
    /// See [`Conditions::workers`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Workers>,
    /// See [`Conditions::backend`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// See [`Conditions::token`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenNeed>,
}

/// A number of sessions, or `"any"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Workers {
    /// So many.
    Number(u32),
    /// As many as are wanted.
    Any(AnyNumber),
}

/// The word `any`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnyNumber {
    /// As many as are wanted.
    Any,
}

impl Conditions {
    pub(crate) fn change(&mut self, change: &ConditionsChange) {
        self.account = change.account.unwrap_or(self.account);
        self.recording = change.recording.unwrap_or(self.recording);
        self.managers = change.managers.unwrap_or(self.managers);
        self.backend = change.backend.unwrap_or(self.backend);
        self.token = change.token.unwrap_or(self.token);
        match change.workers {
            None => {}
            Some(Workers::Number(number)) => self.workers = Some(number),
            Some(Workers::Any(AnyNumber::Any)) => self.workers = None,
        }
    }
}

/// The customer's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// In order.
    #[default]
    Active,
    /// Suspended or overdue: `acquire` is refused with 405.
    Suspended,
}

/// Whether Cloud Recording is enabled for the App ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enabled {
    /// It is.
    #[default]
    Enabled,
    /// It is not: `acquire` is refused with code 400, `invalid_appid`.
    Disabled,
    /// It is not, as older servers told it: `acquire` is refused with code 62.
    DisabledOld,
}

/// What assigns servers to an `acquire`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Managers {
    /// It works.
    #[default]
    Ready,
    /// There is none: 500 with 501.
    None,
    /// It takes too long: 500 with 504.
    Slow,
    /// It is broken: 500 with 500.
    Broken,
}

/// What is behind the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// It works.
    #[default]
    Ready,
    /// Calls reach it and its answers come too late: 206 with 65.
    Late,
    /// Calls do not reach it: code 62, with 500 for `start` and 504 for the others.
    Away,
    /// It fails: 500.
    Broken,
}

/// Whether recorders need a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenNeed {
    /// If the service was given an App Certificate.
    #[default]
    ByCertificate,
    /// They do, and without a certificate to compare with every token is wrong.
    Required,
    /// They do not.
    Ignored,
}

/// A customer's bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageState {
    /// It takes files.
    #[default]
    Ready,
    /// It refuses the credentials: the session ends some seconds after its 200, and no backup is kept.
    Refused,
    /// It takes no file: they go to the service's backup.
    Failing,
    /// Uploads take 30 s longer.
    Slow,
}

/// A bucket's state, and since when it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Storage {
    pub(crate) state: StorageState,
    pub(crate) since: Timestamp,
}

/// A page's state, and since when it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Page {
    pub(crate) state: PageState,
    pub(crate) since: Timestamp,
}

/// A page that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageState {
    /// It loads.
    #[default]
    Ready,
    /// Its address leads nowhere, or answers 404 or 50x.
    Unreachable,
    /// It never says that it is ready; matters where `readyTimeout` is not 0.
    Silent,
    /// It needs more than a recorder has: the session ends after a minute.
    TooHeavy,
    /// The recorder cannot start its browser.
    EngineFails,
    /// The recorder breaks after a minute.
    RecorderFails,
}

/// A bucket in `POST /simulator/storage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageChange {
    /// The bucket.
    pub bucket: String,
    /// Its state from now on.
    pub state: StorageState,
}

/// A page in `POST /simulator/pages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageChange {
    /// Its address, as the start names it.
    pub url: String,
    /// Its state from now on.
    pub state: PageState,
}
