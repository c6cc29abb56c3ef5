//! The configuration: read from `tallylight.toml`, checked as a whole, and never printed with a credential in it.
//!
//! Every problem names its key and says what to change, in one line. `docs/configuration.md` explains each key.

mod file;
mod reader;
mod site;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use agora::{Mode, Timestamp};
use reqwest::Url;
use rules::api::{NamedPolicy, Person, Role, StorageSetup};
use rules::journal::Domain;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use file::File;
pub use file::Origin;
use reader::Reader;

use crate::alerts::Target;
use crate::bodies::{AppRequests, StorageProfile};
use crate::secret::{Credentials, Current};
use crate::server::ports::{AppSettings, Settings, TokenHolder};
use crate::signature::Signatures;
use crate::upstream::AppUpstream;

/// The modes that can be asked for.
const MODES: [Mode; 3] = [Mode::Mix, Mode::Individual, Mode::Web];

/// Something that keeps the configuration from being used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, as `app.main.uid_range`; empty where the file itself is meant.
    pub key: String,
    /// What is wrong and what to change.
    pub sentence: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            formatter.write_str(&self.sentence)
        } else {
            write!(formatter, "{}: {}", self.key, self.sentence)
        }
    }
}

/// What the command line says besides the file, and instead of it.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Instead of `server.listen`.
    pub listen: Option<String>,
    /// Instead of `server.assets`, relative to the working folder.
    pub assets: Option<PathBuf>,
    /// How much faster than the wall the journal's time runs.
    pub clock_rate: Option<u32>,
    /// Where it begins to.
    pub clock_origin: Option<Timestamp>,
}

/// The configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The page's folder.
    pub assets: Option<PathBuf>,
    /// The journal's file.
    pub journal: PathBuf,
    /// How long raw answers are kept, in days.
    pub keep_raw_days: u32,
    /// How much faster than the wall the journal's time runs.
    pub clock_rate: u32,
    /// Where it begins to, if the command line says so.
    pub clock_origin: Option<Timestamp>,
    /// A demonstration: one person without a password, and a simulator behind it.
    pub demo: bool,
    public_url: Option<Url>,
    allowed_origins: Vec<String>,
    person: Person,
    policies: Vec<NamedPolicy>,
    apps: Vec<App>,
    staff: Vec<(String, Role)>,
    tokens: Vec<(TokenHolder, Origin)>,
    alerts: Vec<(Target, Origin, Origin)>,
    /// What is not a problem, but not what one may expect either.
    pub warnings: Vec<Problem>,
}

#[derive(Debug, Clone)]
struct App {
    name: String,
    requests: AppRequests,
    addresses: Vec<(Domain, Address)>,
    resolve: BTreeMap<String, Option<SocketAddr>>,
    /// Customer key and secret, and where each came from.
    customer: (Current<Credentials>, Origin, Origin),
    app_certificate: Option<(Current<SecretString>, Origin)>,
    notification_secrets: (Current<Vec<SecretString>>, Vec<Origin>),
    storage: Vec<(String, StorageProfile, Origin, Origin)>,
    qps: u32,
    pcw: u32,
    uid_range: (u32, u32),
}

/// One domain of the configuration.
#[derive(Debug, Clone)]
struct Address {
    /// As calls name it: `api.agora.io`, with the port if one is written.
    host: String,
    /// As it is resolved: without the port.
    name: String,
    /// What goes before a path: `https://api.agora.io`.
    base: String,
}

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// Every problem that was found, at least one.
    pub fn load(path: &Path, overrides: &Overrides) -> Result<Self, Vec<Problem>> {
        let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
            vec![whole(format!(
                "the configuration {} cannot be read: {error}; name it with --config",
                path.display()
            ))]
        })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self::parse(&text, &path.display().to_string(), folder.unwrap_or(Path::new(".")), overrides)
    }

    /// Checks the text of a file that lies in this folder.
    ///
    /// # Errors
    /// Every problem that was found, at least one.
    pub fn parse(text: &str, name: &str, folder: &Path, overrides: &Overrides) -> Result<Self, Vec<Problem>> {
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
            // Not the library's whole text: that shows the line, which may hold a credential.
            vec![whole(format!("{name}, line {line}: {}", error.message().replace('\n', " ")))]
        })?;
        let mut reader = Reader { folder: folder.to_owned(), problems: Vec::new(), warnings: Vec::new() };
        let config = reader.config(file, overrides);
        match config {
            Some(config) if reader.problems.is_empty() => Ok(Self { warnings: reader.warnings, ..config }),
            _ => Err(reader.problems),
        }
    }

    /// What the server may know: no credential.
    pub fn settings(&self, build: &str) -> Settings {
        let own_host = self.public_url.as_ref().and_then(Url::host_str).map(str::to_owned);
        let own_origin = self.public_url.as_ref().map(|url| url.origin().ascii_serialization());
        Settings {
            apps: self.apps.iter().map(App::settings).collect(),
            policies: self.policies.clone(),
            person: self.person.clone(),
            tokens: self.tokens.iter().map(|(holder, _)| holder.clone()).collect(),
            demo: self.demo,
            allowed_origins: self.allowed_origins.iter().cloned().chain(own_origin).collect(),
            allowed_hosts: own_host.into_iter().collect(),
            build: build.to_owned(),
        }
    }

    /// What bodies are made of, by App.
    pub fn requests(&self) -> BTreeMap<String, AppRequests> {
        self.apps.iter().map(|app| (app.name.clone(), app.requests.clone())).collect()
    }

    /// How the service is reached, by App.
    pub fn upstream(&self) -> BTreeMap<String, AppUpstream> {
        let upstream = |app: &App| AppUpstream {
            bases: app
                .addresses
                .iter()
                .map(|(_, address)| (address.host.clone(), address.base.clone()))
                .collect(),
            resolve: app.resolve.clone(),
            customer: app.customer.0.clone(),
        };
        self.apps.iter().map(|app| (app.name.clone(), upstream(app))).collect()
    }

    /// The secrets that notifications are signed with, by App.
    pub fn signatures(&self) -> Signatures {
        let secrets = |app: &App| app.notification_secrets.0.clone();
        Signatures::of(self.apps.iter().map(|app| (app.name.clone(), secrets(app))).collect())
    }

    /// Who outside is told what.
    pub fn alerts(&self) -> Vec<Target> {
        self.alerts.iter().map(|(target, ..)| target.clone()).collect()
    }

    /// The page's address, as people open it.
    pub fn page(&self) -> Option<Url> {
        self.public_url.clone()
    }

    /// The App behind which the simulator answers, in a demonstration.
    pub fn simulator(&self) -> Option<String> {
        self.apps.first().filter(|_| self.demo).map(|app| app.name.clone())
    }
}

/// What came of reading the configuration again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exchanged {
    /// The secrets that are other ones from now on, by their keys.
    pub secrets: Vec<String>,
    /// What else is another one in the file, and waits for a restart.
    pub waiting: Vec<String>,
}

impl Config {
    /// Takes the secrets over that another reading of the same file found: everybody who was given some of this one uses
    /// them from the next request on.
    pub fn exchange(&self, new: &Self) -> Exchanged {
        let mut exchanged = Exchanged::default();
        let mut note = |changed: bool, key: String| {
            if changed {
                exchanged.secrets.push(key);
            }
        };
        for app in &self.apps {
            let Some(now) = new.apps.iter().find(|other| other.name == app.name) else { continue };
            let key = |field: &str| format!("app.{}.{field}", app.name);
            note(app.customer.0.take_over(&now.customer.0), key("customer_key and customer_secret"));
            if let (Some((own, _)), Some((other, _))) = (&app.app_certificate, &now.app_certificate) {
                note(own.take_over(other), key("app_certificate"));
            }
            let own = &app.notification_secrets.0;
            note(own.take_over(&now.notification_secrets.0), key("notification_secrets"));
            for (name, profile, ..) in &app.storage {
                let other = now.storage.iter().find(|(other, ..)| other == name);
                let changed = other.is_some_and(|(_, other, ..)| profile.keys.take_over(&other.keys));
                note(changed, key(&format!("storage.{name}.access_key and secret_key")));
            }
        }
        for (target, ..) in &self.alerts {
            let Some((other, ..)) = new.alerts.iter().find(|(other, ..)| other.name == target.name) else {
                continue;
            };
            note(target.url.take_over(&other.url), format!("alert.{}.url", target.name));
            note(target.secret.take_over(&other.secret), format!("alert.{}.secret", target.name));
        }
        let (own, other) = (self.shapes(), new.shapes());
        let names: BTreeSet<&String> = own.keys().chain(other.keys()).collect();
        let changed = names.into_iter().filter(|name| own.get(*name) != other.get(*name));
        exchanged.waiting = changed.cloned().collect();
        exchanged
    }

    /// Everything that is read at the start only, by section. No secret is among it.
    fn shapes(&self) -> BTreeMap<String, String> {
        let server = (&self.listen, &self.assets, &self.demo, &self.public_url, &self.allowed_origins);
        let journal = (&self.journal, self.keep_raw_days);
        let mut shapes = BTreeMap::from([
            ("server".to_owned(), format!("{server:?}")),
            ("journal".to_owned(), format!("{journal:?}")),
            ("policy".to_owned(), format!("{:?}", self.policies)),
        ]);
        for app in &self.apps {
            let numbers = (app.qps, app.pcw, app.uid_range);
            let shape = format!("{:?}", (&app.requests, &app.addresses, &app.resolve, numbers));
            shapes.insert(format!("app.{}", app.name), shape);
        }
        for (target, ..) in &self.alerts {
            shapes.insert(format!("alert.{}", target.name), format!("{:?}", (&target.steps, &target.apps)));
        }
        shapes
    }
}

impl App {
    fn settings(&self) -> AppSettings {
        AppSettings {
            name: self.name.clone(),
            hosts: self.addresses.iter().map(|(domain, address)| (*domain, address.host.clone())).collect(),
            storage: self
                .storage
                .iter()
                .map(|(name, profile, ..)| StorageSetup {
                    name: name.clone(),
                    place: format!(
                        "{}, region {}, bucket {}",
                        vendor_name(profile.vendor).unwrap_or("unknown vendor"),
                        profile.region,
                        profile.bucket
                    ),
                    file_name_prefix: profile.file_name_prefix.clone(),
                })
                .collect(),
            builds_tokens: self.app_certificate.is_some(),
            modes: MODES.to_vec(),
            qps: self.qps,
            pcw: self.pcw,
            uid_range: self.uid_range,
        }
    }

    /// Whether nothing that is sent for this App leaves the machine.
    fn is_loopback(&self) -> bool {
        self.addresses.iter().all(|(_, address)| is_loopback(address, &self.resolve))
    }
}

/// The effective configuration, one value a line, with where each secret came from instead of the secret.
impl fmt::Display for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = "(none)".to_owned();
        writeln!(out, "[server]")?;
        writeln!(out, "listen = {}", self.listen)?;
        writeln!(out, "public_url = {}", self.public_url.as_ref().map_or(none.clone(), Url::to_string))?;
        let assets = self.assets.as_ref().map_or(none, |assets| assets.display().to_string());
        writeln!(out, "assets = {assets}")?;
        writeln!(out, "allowed_origins = {:?}", self.allowed_origins)?;
        writeln!(out, "demo = {}", self.demo)?;
        writeln!(out, "\n[journal]")?;
        writeln!(out, "url = sqlite:{}", self.journal.display())?;
        writeln!(out, "keep_raw_days = {}", self.keep_raw_days)?;
        writeln!(out, "clock rate = {}", self.clock_rate)?;
        for app in &self.apps {
            writeln!(out, "\n[[app]]")?;
            writeln!(out, "name = {}", app.name)?;
            writeln!(out, "app_id = {}", app.requests.app_id)?;
            writeln!(out, "customer_key = (secret, from {})", app.customer.1)?;
            writeln!(out, "customer_secret = (secret, from {})", app.customer.2)?;
            match &app.app_certificate {
                Some((_, origin)) => writeln!(out, "app_certificate = (secret, from {origin})")?,
                None => writeln!(out, "app_certificate = (none: no channel tokens are built)")?,
            }
            for origin in &app.notification_secrets.1 {
                writeln!(out, "notification_secrets = (secret, from {origin})")?;
            }
            for (domain, address) in &app.addresses {
                let leads = match app.resolve.get(&address.name) {
                    Some(Some(to)) => format!(" -> {to}"),
                    Some(None) => " -> (its name fails)".to_owned(),
                    None => String::new(),
                };
                writeln!(out, "{domain:?} domain = {}{leads}", address.base)?;
            }
            writeln!(out, "qps = {}, pcw = {}", app.qps, app.pcw)?;
            writeln!(out, "uid_range = [{}, {}]", app.uid_range.0, app.uid_range.1)?;
            for (name, profile, access_key, secret_key) in &app.storage {
                writeln!(out, "\n[[app.storage]]")?;
                writeln!(out, "name = {name}")?;
                let vendor = vendor_name(profile.vendor).unwrap_or_default();
                writeln!(out, "vendor = {} ({vendor}), region = {}", profile.vendor, profile.region)?;
                writeln!(out, "bucket = {}", profile.bucket)?;
                writeln!(out, "access_key = (secret, from {access_key})")?;
                writeln!(out, "secret_key = (secret, from {secret_key})")?;
                writeln!(out, "file_name_prefix = {:?}", profile.file_name_prefix)?;
            }
        }
        for (name, role) in &self.staff {
            writeln!(out, "\n[[staff]]\nname = {name}\nrole = {}", role_name(*role))?;
        }
        for (TokenHolder { person, .. }, origin) in &self.tokens {
            let role = role_name(person.role);
            writeln!(
                out,
                "\n[[token]]\nname = {}\nrole = {role}\ntoken = (secret, from {origin})",
                person.name
            )?;
        }
        for (target, url, secret) in &self.alerts {
            let steps: Vec<&str> = target.steps.iter().map(|step| step.name()).collect();
            writeln!(out, "\n[[alert]]\nname = {}", target.name)?;
            writeln!(out, "url = (secret, from {url})\nsecret = (secret, from {secret})")?;
            writeln!(out, "steps = {steps:?}, apps = {:?}", target.apps)?;
        }
        let names: Vec<&str> = self.policies.iter().map(|policy| policy.name.as_str()).collect();
        writeln!(out, "\npolicies = {names:?}")?;
        let person = &self.person;
        write!(out, "everybody who opens the page acts as {} ({})", person.name, role_name(person.role))
    }
}

fn whole(sentence: String) -> Problem {
    Problem { key: String::new(), sentence }
}

/// Whether nothing that is sent to it leaves the machine.
fn is_loopback(address: &Address, resolve: &BTreeMap<String, Option<SocketAddr>>) -> bool {
    match resolve.get(&address.name) {
        // The reader lets nothing else in.
        Some(to) => to.is_none_or(|to| to.ip().is_loopback()),
        None => address.name.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Lead => "lead",
        Role::Attendant => "attendant",
    }
}

/// The service's vendors by its numbers.
const fn vendor_name(vendor: u8) -> Option<&'static str> {
    match vendor {
        1 => Some("Amazon S3"),
        2 => Some("Alibaba Cloud OSS"),
        3 => Some("Tencent Cloud COS"),
        5 => Some("Azure Blob Storage"),
        6 => Some("Google Cloud Storage"),
        7 => Some("Huawei Cloud OBS"),
        8 => Some("Baidu BOS"),
        11 => Some("S3-compatible storage"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
