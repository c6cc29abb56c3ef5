//! What may stand in the configuration file, as it stands there: nothing is checked yet but names and types.

use core::fmt;
use core::marker::PhantomData;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::zeroize::Zeroizing;
use serde::de::value::{BoolDeserializer, I64Deserializer, StrDeserializer};
use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub journal: Journal,
    #[serde(default, rename = "app")]
    pub apps: Vec<App>,
    #[serde(default)]
    pub staff: Vec<Staff>,
    #[serde(default, rename = "token")]
    pub tokens: Vec<Token>,
    #[serde(default, rename = "alert")]
    pub alerts: Vec<Alert>,
    #[serde(default, rename = "policy")]
    pub policies: Vec<NamedNumbers>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub listen: Option<Given<String>>,
    pub public_url: Option<Given<String>>,
    pub assets: Option<Given<String>>,
    #[serde(default)]
    pub allowed_origins: Vec<Given<String>>,
    #[serde(default)]
    pub trusted_proxies: Vec<Given<String>>,
    pub demo: Option<Given<bool>>,
    pub tls: Option<Tls>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    #[serde(rename = "certificate")]
    _certificate: Given<String>,
    #[serde(rename = "key")]
    _key: Given<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub url: Option<Given<String>>,
    pub keep_raw_days: Option<Given<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct App {
    pub name: Given<String>,
    pub app_id: Given<String>,
    pub customer_key: Given<String>,
    pub customer_secret: Given<String>,
    pub app_certificate: Option<Given<String>>,
    pub domains: Option<Vec<Given<String>>>,
    pub region_domain: Option<Given<String>>,
    pub qps: Option<Given<u32>>,
    pub pcw: Option<Given<u32>>,
    pub uid_range: (u32, u32),
    #[serde(default)]
    pub notification_secrets: Vec<Given<String>>,
    #[serde(default)]
    pub resolve: BTreeMap<String, String>,
    #[serde(default)]
    pub storage: Vec<Storage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Storage {
    pub name: Given<String>,
    pub vendor: Given<u8>,
    pub region: Given<u8>,
    pub bucket: Given<String>,
    pub access_key: Given<String>,
    pub secret_key: Given<String>,
    #[serde(default)]
    pub file_name_prefix: Vec<Given<String>>,
    pub endpoint: Option<Given<String>>,
    pub sse: Option<Given<String>>,
    pub tag: Option<Given<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Staff {
    pub name: Given<String>,
    pub role: Given<String>,
    pub password_hash: Option<Given<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    pub name: Given<String>,
    pub role: Given<String>,
    pub token: Given<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alert {
    pub name: Given<String>,
    pub url: Given<String>,
    pub secret: Given<String>,
    pub steps: Option<Vec<Given<String>>>,
    #[serde(default)]
    pub apps: Vec<Given<String>>,
}

#[derive(Deserialize)]
pub(super) struct NamedNumbers {
    pub name: String,
    #[serde(flatten)]
    pub numbers: toml::Table,
}

/// One value: itself, `{ file = "…" }` or `{ env = "…" }`. It has no `Debug`, because it may be a credential.
pub(super) enum Given<T> {
    /// Stands in the file.
    Plain(T),
    /// Is the content of another file, relative to the folder of the configuration.
    File(PathBuf),
    /// Is the value of an environment variable.
    Environment(String),
}

/// Where a value came from, for whoever checks the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    Plain,
    /// Another file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => formatter.write_str("the configuration file"),
            Self::File(path) => write!(formatter, "the file {}", path.display()),
            Self::Environment(name) => write!(formatter, "the environment variable {name}"),
        }
    }
}

impl<T: FromStr> Given<T> {
    /// The value; a file and a variable are read now.
    ///
    /// # Errors
    /// A sentence that says what to change. It never repeats the value.
    pub fn get(self, folder: &Path) -> Result<(T, Origin), String> {
        let (text, origin) = match self {
            Self::Plain(value) => return Ok((value, Origin::Plain)),
            Self::File(path) => {
                let path = folder.join(path);
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| format!("the file {} cannot be read: {error}", path.display()))?;
                (Zeroizing::new(text), Origin::File(path))
            }
            Self::Environment(name) => match std::env::var(&name) {
                Ok(text) => (Zeroizing::new(text), Origin::Environment(name)),
                Err(std::env::VarError::NotPresent) => {
                    return Err(format!("the environment variable {name} is not set"));
                }
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err(format!("the environment variable {name} is not text"));
                }
            },
        };
        // An editor ends a file with a line break, which belongs to no value.
        let trimmed = text.trim_end_matches(['\r', '\n']);
        match trimmed.parse() {
            Ok(value) => Ok((value, origin)),
            Err(_) => Err(format!("what {origin} holds is not of the kind that is needed here")),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor(PhantomData))
    }
}

struct GivenVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for GivenVisitor<T> {
    type Value = Given<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value, { file = \"…\" } or { env = \"…\" }")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        let deserializer: StrDeserializer<'_, E> = value.into_deserializer();
        // The library's own message would repeat the value, which may be a credential.
        T::deserialize(deserializer)
            .map(Given::Plain)
            .map_err(|_| E::custom("a text stands where another kind of value is needed"))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        let deserializer: I64Deserializer<E> = value.into_deserializer();
        T::deserialize(deserializer)
            .map(Given::Plain)
            .map_err(|_| E::custom("a number stands where a text is needed, or it is too small or too large"))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        let deserializer: BoolDeserializer<E> = value.into_deserializer();
        T::deserialize(deserializer)
            .map(Given::Plain)
            .map_err(|_| E::custom("true or false stands where another kind of value is needed"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let wrong = || A::Error::custom("only { file = \"…\" } or { env = \"…\" } may stand here");
        let key: String = map.next_key()?.ok_or_else(wrong)?;
        let given = match key.as_str() {
            "file" => Given::File(map.next_value()?),
            "env" => Given::Environment(map.next_value()?),
            _ => return Err(wrong()),
        };
        match map.next_key::<String>()? {
            None => Ok(given),
            Some(_) => Err(wrong()),
        }
    }
}
