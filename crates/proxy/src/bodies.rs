//! Path and body of each request, from the journal, the IDs in it and the configuration's credentials.
//!
//! The same facts give the same bytes, so that a repeat (D2, S4, S5) is recognised by its hash. The hash is keyed with a
//! secret of the journal's file: a plain one of a body that holds storage credentials could be used to guess them.

use std::collections::BTreeMap;

use agora::request::{self, StorageConfig, StorageExtension};
use agora::{AppId, Operation};
use hmac::{Hmac, KeyInit, Mac};
use rules::journal::Domain;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use switchboard::ports::{Request, RequestFacts, Requests};

use crate::store::{HASH_KEY_BYTES, hex};

/// What requests for one App ID are made of.
#[derive(Debug, Clone)]
pub struct AppRequests {
    /// The App ID.
    pub app_id: AppId,
    /// The host of each domain, as the configuration has it.
    pub hosts: BTreeMap<Domain, String>,
    /// The storage profiles by name.
    pub storage: BTreeMap<String, StorageProfile>,
}

/// Where the files of a recording go, with the credentials that the service needs to put them there.
#[derive(Debug, Clone)]
pub struct StorageProfile {
    /// The service's number of the vendor.
    pub vendor: u8,
    /// The service's number of the vendor's region.
    pub region: u8,
    /// The bucket.
    pub bucket: String,
    /// The access key.
    pub access_key: SecretString,
    /// The secret key.
    pub secret_key: SecretString,
    /// The folders before every file name.
    pub file_name_prefix: Vec<String>,
    /// What some vendors need besides.
    pub extension: Option<StorageExtension>,
}

impl StorageProfile {
    fn config(&self) -> StorageConfig {
        StorageConfig {
            vendor: self.vendor,
            region: self.region,
            bucket: self.bucket.clone(),
            access_key: self.access_key.expose_secret().to_owned(),
            secret_key: self.secret_key.expose_secret().to_owned(),
            sts_token: None,
            sts_expiration: None,
            file_name_prefix: self.file_name_prefix.clone(),
            extension_params: self.extension.clone(),
        }
    }
}

/// Builds every request of every App ID.
pub struct Bodies {
    apps: BTreeMap<String, AppRequests>,
    hash_key: [u8; HASH_KEY_BYTES],
}

impl Bodies {
    /// For these App IDs by name; bodies are hashed under the key of the journal.
    pub fn new(apps: BTreeMap<String, AppRequests>, hash_key: [u8; HASH_KEY_BYTES]) -> Self {
        Self { apps, hash_key }
    }

    fn hash(&self, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.hash_key).expect("HMAC takes keys of any length");
        mac.update(body);
        hex(&mac.finalize().into_bytes())
    }
}

impl Requests for Bodies {
    fn build(&self, facts: &RequestFacts<'_>) -> Result<Request, String> {
        let requested = facts.requested;
        let app = self.apps.get(&requested.app).ok_or_else(|| {
            format!("the configuration has no [[app]] named {:?} any more: add it again", requested.app)
        })?;
        let host = app.hosts.get(&facts.domain).ok_or_else(|| {
            format!("the configuration of {:?} names no domain for {:?} calls", requested.app, facts.domain)
        })?;
        let settings = &requested.settings;
        let path = request::path(&app.app_id, facts.operation, settings.mode, facts.resource_id, facts.sid)
            .ok_or_else(|| {
            format!("this {} needs an ID that the journal does not have", facts.operation)
        })?;
        let (channel, uid) = (&requested.channel, facts.uid);
        let body = match facts.operation {
            Operation::Acquire => request::acquire_body(channel, uid, settings, facts.exclude),
            Operation::Start => {
                let profile = app.storage.get(&requested.storage).ok_or_else(|| {
                    format!(
                        "the configuration of {:?} has no [[app.storage]] named {:?} any more: add it again",
                        requested.app, requested.storage
                    )
                })?;
                request::start_body(channel, uid, settings, &profile.config(), None)
            }
            Operation::Query => String::new(),
            Operation::Stop => request::stop_body(channel, uid, facts.asynchronous),
            Operation::Update | Operation::UpdateLayout => {
                return Err(format!("this version sends no {}", facts.operation));
            }
        };
        let body_hash = if body.is_empty() { String::new() } else { self.hash(body.as_bytes()) };
        Ok(Request { host: host.clone(), path, body: body.into_bytes(), body_hash })
    }
}
