//! Checks what stands in the file, value by value, and gathers everything that is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use agora::request::StorageExtension;
use agora::{AppId, Uid, check};
use reqwest::Url;
use rules::Policy;
use rules::api::{Capability, NamedPolicy, Person, Role};
use rules::journal::Domain;
use rules::policy::Patience;
use secrecy::{ExposeSecret as _, SecretString};
use switchboard::alerts::Step;

use super::file::{self, File, Given, Origin};
use super::site;
use super::{Address, App, Config, Overrides, Problem, role_name, vendor_name};
use crate::alerts::Target;
use crate::bodies::{AppRequests, StorageProfile};
use crate::secret::{Credentials, Current};
use crate::server::ports::{TokenHolder, digest_of};
use crate::upstream::leads_to_service;

/// Where the server listens if nothing is said.
pub(super) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7100);

/// The journal if nothing is said.
const JOURNAL_URL: &str = "sqlite:tallylight.db";

/// How long raw answers are kept if nothing is said, in days.
const KEEP_RAW_DAYS: u32 = 30;

/// The documented pair of domains (D2).
const DOMAINS: [&str; 2] = ["https://api.agora.io", "https://api.sd-rtn.com"];

/// A recording takes four UIDs of the range (S11).
const UIDS_OF_A_RECORDING: u32 = 4;

/// The shortest secret of notifications that the service's console gives out.
const NOTIFICATION_SECRET_BYTES_MIN: usize = 7;

/// How an App Certificate looks.
const CERTIFICATE_DIGITS: usize = 32;

/// How long a token may be: nobody guesses the shortest, and the longest fits into a header.
const TOKEN_CHARACTERS: core::ops::RangeInclusive<usize> = 32..=512;

/// The shortest secret that alerts are signed with.
const ALERT_SECRET_BYTES_MIN: usize = 16;

/// The person of a demonstration.
const DEMONSTRATION_LEAD: &str = "Demonstration";

/// Reads a file into a configuration and gathers what is wrong.
pub(super) struct Reader {
    pub folder: PathBuf,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, key: impl Into<String>, sentence: impl Into<String>) {
        self.problems.push(Problem { key: key.into(), sentence: sentence.into() });
    }

    fn warning(&mut self, key: impl Into<String>, sentence: impl Into<String>) {
        self.warnings.push(Problem { key: key.into(), sentence: sentence.into() });
    }

    fn value<T: FromStr>(&mut self, key: &str, given: Given<T>) -> Option<T> {
        self.value_and_origin(key, given).map(|(value, _)| value)
    }

    fn value_and_origin<T: FromStr>(&mut self, key: &str, given: Given<T>) -> Option<(T, Origin)> {
        given.get(&self.folder).map_err(|sentence| self.problem(key, sentence)).ok()
    }

    fn values<T: FromStr>(&mut self, key: &str, given: Vec<Given<T>>) -> Vec<T> {
        given.into_iter().filter_map(|given| self.value(key, given)).collect()
    }

    /// A text that is neither empty nor holds anything that cannot be seen.
    fn text(&mut self, key: &str, given: Given<String>) -> Option<String> {
        let text = self.value(key, given)?;
        if text.trim() != text || text.is_empty() || text.chars().any(char::is_control) {
            self.problem(key, "a text is needed, without spaces around it and without control characters");
            return None;
        }
        Some(text)
    }

    /// A name that shows up in addresses, journals and on the screen.
    fn name(&mut self, key: &str, given: Given<String>) -> Option<String> {
        let name = self.text(key, given)?;
        if name.chars().count() > 40 {
            self.problem(key, "a name has at most 40 characters");
            return None;
        }
        Some(name)
    }

    fn secret(&mut self, key: &str, given: Given<String>) -> Option<(SecretString, Origin)> {
        let (text, origin) = self.value_and_origin(key, given)?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.problem(key, "a credential is needed here: visible ASCII characters without spaces");
            return None;
        }
        Some((SecretString::from(text), origin))
    }

    /// The configuration, if nothing in it is wrong; none, with at least one problem, otherwise.
    pub fn config(&mut self, file: File, overrides: &Overrides) -> Option<Config> {
        let demo = file.server.demo.and_then(|given| self.value("server.demo", given)).unwrap_or_default();
        let listen = match &overrides.listen {
            Some(listen) => self.listen("--listen", listen),
            None => match file.server.listen {
                Some(given) => {
                    self.text("server.listen", given).and_then(|listen| self.listen("server.listen", &listen))
                }
                None => Some(LISTEN),
            },
        };
        if listen.is_some_and(|listen| !listen.ip().is_loopback()) {
            let sentence = if demo {
                "a demonstration lets everybody in, so it listens on loopback only: use 127.0.0.1:7100"
            } else {
                "this version has no sign-in yet, so it listens on loopback only: use 127.0.0.1:7100 and reach it through an SSH tunnel"
            };
            self.problem("server.listen", sentence);
        }
        if file.server.tls.is_some() {
            self.problem("server.tls", "this version listens on loopback only, without TLS: remove it");
        }
        if !file.server.trusted_proxies.is_empty() {
            self.problem(
                "server.trusted_proxies",
                "this version has no sign-in yet and must not be reached through another server: remove it",
            );
        }
        let public_url = file.server.public_url.and_then(|given| {
            let text = self.text("server.public_url", given)?;
            let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            if url.is_none() {
                self.problem("server.public_url", "an address is needed, such as https://desk.example.org/");
            }
            url
        });
        let allowed_origins = self.values("server.allowed_origins", file.server.allowed_origins);
        for origin in &allowed_origins {
            let valid = Url::parse(origin).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == *origin
            });
            if !valid {
                self.problem(
                    "server.allowed_origins",
                    format!("{origin:?} is no origin: scheme and host and no path, such as https://desk.example.org"),
                );
            }
        }
        self.sites(public_url.as_ref(), &allowed_origins);
        let assets = match &overrides.assets {
            Some(assets) => self.assets("--assets", assets.clone()),
            None => file.server.assets.and_then(|given| {
                let text = self.text("server.assets", given)?;
                self.assets("server.assets", self.folder.join(text))
            }),
        };
        let journal = match file.journal.url {
            Some(given) => self.text("journal.url", given),
            None => Some(JOURNAL_URL.to_owned()),
        };
        let journal = journal.and_then(|url| {
            let path = url
                .strip_prefix("sqlite:")
                .filter(|path| !path.is_empty())
                .map(|path| self.folder.join(path));
            if path.is_none() {
                self.problem("journal.url", "this version keeps the journal in SQLite: write sqlite:FILE");
            }
            path
        });
        let keep_raw_days = file.journal.keep_raw_days;
        let keep_raw_days = keep_raw_days.and_then(|given| self.value("journal.keep_raw_days", given));
        let keep_raw_days = keep_raw_days.unwrap_or(KEEP_RAW_DAYS);
        if !(1..=3650).contains(&keep_raw_days) {
            self.problem("journal.keep_raw_days", "1 to 3650 days");
        }

        let apps = self.apps(file.apps);
        let staff = self.staff(file.staff);
        let tokens = self.tokens(file.tokens, &staff);
        let policies = self.policies(file.policies);
        let alerts = self.alerts(file.alerts, &apps);
        let clock_rate = overrides.clock_rate.unwrap_or(1);
        if !(1..=1000).contains(&clock_rate) {
            self.problem("--clock-rate", "1 to 1000");
        }
        for app in apps.iter().filter(|app| !app.is_loopback()) {
            let key = format!("app.{}.domains", app.name);
            if demo {
                self.problem(
                    key,
                    "a demonstration has a simulator behind it: lead every domain to this machine with `resolve`, or remove server.demo",
                );
            } else if clock_rate != 1 {
                self.problem(
                    "--clock-rate",
                    format!(
                        "the service of {:?} is not on this machine, and its time runs at 1: leave it out",
                        app.name
                    ),
                );
            }
        }
        let person = if demo {
            Some(person(DEMONSTRATION_LEAD.to_owned(), Role::Lead, true))
        } else {
            staff.first().map(|(name, role)| person(name.clone(), *role, false))
        };
        if person.is_none() {
            self.problem(
                "staff",
                "nobody is named: add a [[staff]] with name and role (this version has no sign-in: everybody who opens the page acts as the first one)",
            );
        } else if !demo {
            self.warning(
                "staff",
                "this version has no sign-in: everybody who opens the page on this machine acts as the first [[staff]]",
            );
        }
        Some(Config {
            listen: listen?,
            assets,
            journal: journal?,
            keep_raw_days,
            clock_rate,
            clock_origin: overrides.clock_origin,
            demo,
            public_url,
            allowed_origins,
            person: person?,
            policies,
            apps,
            staff,
            tokens,
            alerts,
            warnings: Vec::new(),
        })
    }

    /// Whether browsers send the sign-in from pages of these origins.
    fn sites(&mut self, public_url: Option<&Url>, allowed_origins: &[String]) {
        const KEY: &str = "server.allowed_origins";
        let pages = allowed_origins.iter().filter_map(|origin| Url::parse(origin).ok());
        let far: Vec<Url> = pages.filter(|page| !site::is_loopback(page)).collect();
        match public_url {
            None if !far.is_empty() => self.warning(
                KEY,
                "pages of other hosts are let in, and none of them reaches this proxy: name in server.public_url the address that their config.json names, such as https://api.example.org/",
            ),
            None => {}
            Some(own) => {
                for page in far.iter().filter(|page| !site::is_same(own, page)) {
                    let sentence = format!(
                        "{} is another site than {own}: browsers keep the sign-in from it, and its pages are refused; serve both under one domain and with one scheme, such as https://desk.example.org and https://api.example.org",
                        page.origin().ascii_serialization()
                    );
                    self.warning(KEY, sentence);
                }
            }
        }
    }

    fn listen(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        let address = text.replacen("localhost:", "127.0.0.1:", 1).parse().ok();
        if address.is_none() {
            self.problem(key, format!("{text:?} is no address: write 127.0.0.1:7100"));
        }
        address
    }

    fn assets(&mut self, key: &str, folder: PathBuf) -> Option<PathBuf> {
        if folder.join("index.html").is_file() {
            return Some(folder);
        }
        self.problem(
            key,
            format!("{} has no index.html: build the page with `cargo xtask build`", folder.display()),
        );
        None
    }

    fn apps(&mut self, files: Vec<file::App>) -> Vec<App> {
        if files.is_empty() {
            self.problem(
                "app",
                "there is none: add an [[app]] with name, app_id, customer_key and customer_secret",
            );
        }
        let mut apps: Vec<App> = Vec::new();
        for (index, file) in files.into_iter().enumerate() {
            let Some(app) = self.app(index, file) else { continue };
            if apps.iter().any(|other| other.name == app.name) {
                self.problem(format!("app.{}.name", app.name), "two [[app]]s have this name: rename one");
            }
            if apps.iter().any(|other| other.requests.app_id == app.requests.app_id) {
                // The budget is counted by App ID (D1).
                self.problem(format!("app.{}.app_id", app.name), "two [[app]]s have this App ID: remove one");
            }
            apps.push(app);
        }
        apps
    }

    fn app(&mut self, index: usize, file: file::App) -> Option<App> {
        let name = self.name(&format!("app {}: name", index + 1), file.name)?;
        let key = |field: &str| format!("app.{name}.{field}");
        let app_id = self
            .text(&key("app_id"), file.app_id)
            .and_then(|text| AppId::parse(text).map_err(|error| self.problem(key("app_id"), error.0)).ok());
        let customer_key = self.secret(&key("customer_key"), file.customer_key);
        if customer_key.as_ref().is_some_and(|(secret, _)| secret.expose_secret().contains(':')) {
            self.problem(key("customer_key"), "a customer key holds no colon");
        }
        let customer_secret = self.secret(&key("customer_secret"), file.customer_secret);
        let app_certificate = file.app_certificate.and_then(|given| {
            let (secret, origin) = self.secret(&key("app_certificate"), given)?;
            let digits = secret.expose_secret();
            if digits.len() != CERTIFICATE_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                self.problem(
                    key("app_certificate"),
                    format!("the certificate of the console has {CERTIFICATE_DIGITS} hexadecimal digits"),
                );
            }
            Some((Current::new(secret), origin))
        });
        let (mut notification_secrets, mut origins) = (Vec::new(), Vec::new());
        for secret in file.notification_secrets {
            let Some((secret, origin)) = self.secret(&key("notification_secrets"), secret) else { continue };
            if secret.expose_secret().len() < NOTIFICATION_SECRET_BYTES_MIN {
                self.problem(
                    key("notification_secrets"),
                    format!(
                        "a secret is shorter than {NOTIFICATION_SECRET_BYTES_MIN} characters: the console gives out none that are, so a part is missing"
                    ),
                );
            }
            notification_secrets.push(secret);
            origins.push(origin);
        }
        let resolve = self.resolve(&key("resolve"), file.resolve);
        let domains = match file.domains {
            Some(given) => self.values(&key("domains"), given),
            None => DOMAINS.map(str::to_owned).to_vec(),
        };
        if domains.len() != 2 {
            self.problem(key("domains"), "two are needed, the first one and the one to switch to (D2)");
        }
        let mut addresses = Vec::new();
        for (domain, text) in [Domain::Primary, Domain::Secondary].into_iter().zip(&domains) {
            addresses.extend(self.address(&key("domains"), text, &resolve).map(|address| (domain, address)));
        }
        if let Some(text) = file.region_domain.and_then(|given| self.text(&key("region_domain"), given)) {
            let address = self.address(&key("region_domain"), &text, &resolve);
            addresses.extend(address.map(|address| (Domain::Region, address)));
        }
        let hosts: BTreeSet<&str> = addresses.iter().map(|(_, address)| address.host.as_str()).collect();
        if hosts.len() != addresses.len() {
            self.problem(key("domains"), "one of them stands there twice");
        }
        for host in resolve.keys() {
            if !addresses.iter().any(|(_, address)| address.name == *host) {
                self.problem(key("resolve"), format!("{host:?} is none of the domains: remove it"));
            }
        }
        let qps = file.qps.and_then(|given| self.value(&key("qps"), given));
        let qps = qps.unwrap_or(agora::limits::QUERIES_PER_SECOND);
        if !(2..=1000).contains(&qps) {
            self.problem(key("qps"), "2 to 1000 calls a second: an acquire and its start take two");
        }
        let pcw = file.pcw.and_then(|given| self.value(&key("pcw"), given));
        let pcw = pcw.unwrap_or(agora::limits::CONCURRENT_SESSIONS);
        if !(1..=100_000).contains(&pcw) {
            self.problem(key("pcw"), "1 to 100000 concurrent sessions");
        }
        let (first, last) = file.uid_range;
        if first < 1 || last > Uid::ADVISED_MAX || first > last || last - first + 1 < UIDS_OF_A_RECORDING {
            self.problem(
                key("uid_range"),
                format!(
                    "[first, last] within 1 and {}, with at least {UIDS_OF_A_RECORDING} UIDs, which no participant may have",
                    Uid::ADVISED_MAX
                ),
            );
        }
        let storage = self.storage(&key("storage"), file.storage);
        Some(App {
            requests: AppRequests {
                app_id: app_id?,
                app_certificate: app_certificate.as_ref().map(|(secret, _)| secret.clone()),
                hosts: addresses.iter().map(|(domain, address)| (*domain, address.host.clone())).collect(),
                storage: storage.iter().map(|(name, profile, ..)| (name.clone(), profile.clone())).collect(),
            },
            name,
            addresses,
            resolve,
            customer: {
                let ((key, key_origin), (secret, origin)) = (customer_key?, customer_secret?);
                (Current::new(Credentials { key, secret }), key_origin, origin)
            },
            app_certificate,
            notification_secrets: (Current::new(notification_secrets), origins),
            storage,
            qps,
            pcw,
            uid_range: file.uid_range,
        })
    }

    fn resolve(
        &mut self,
        key: &str,
        given: BTreeMap<String, String>,
    ) -> BTreeMap<String, Option<SocketAddr>> {
        let mut resolve = BTreeMap::new();
        for (host, to) in given {
            let address = if to.is_empty() { Some(None) } else { to.parse::<SocketAddr>().ok().map(Some) };
            match address {
                Some(None) => resolve.insert(host, None),
                Some(Some(address)) if address.ip().is_loopback() => resolve.insert(host, Some(address)),
                Some(Some(_)) => {
                    self.problem(
                        key,
                        format!("{host:?} may only be led to this machine, such as 127.0.0.1:7101"),
                    );
                    continue;
                }
                None => {
                    self.problem(
                        key,
                        format!("{host:?} needs an address and a port, such as 127.0.0.1:7101, or \"\" to let its name fail"),
                    );
                    continue;
                }
            };
        }
        resolve
    }

    fn address(
        &mut self,
        key: &str,
        text: &str,
        resolve: &BTreeMap<String, Option<SocketAddr>>,
    ) -> Option<Address> {
        let wrong = format!("{text:?} is no address of a service: write https://HOST");
        let url = match Url::parse(text) {
            Ok(url) => url,
            Err(_) => {
                self.problem(key, wrong);
                return None;
            }
        };
        let bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let (Some(name), "http" | "https", true) = (url.host_str(), url.scheme(), bare) else {
            self.problem(key, wrong);
            return None;
        };
        let host = url.port().map_or(name.to_owned(), |port| format!("{name}:{port}"));
        let base = format!("{}://{host}", url.scheme());
        let led = resolve.contains_key(name);
        if led && url.port().is_some() {
            self.problem(
                key,
                format!("{text:?} has a port, and `resolve` says another one: remove the port here"),
            );
        }
        if url.scheme() == "http" && !led {
            self.problem(
                key,
                format!("{text:?} would carry the credentials in clear text: write https, or lead it to this machine with `resolve`"),
            );
        }
        let address = Address { host, name: name.to_owned(), base };
        if url.scheme() == "https" && !leads_to_service(&address.base, resolve) {
            self.problem(
                key,
                format!("{text:?} is none of the service's domains, and nothing else gets its credentials: write one such as https://api.agora.io or https://api-eu-west-1.sd-rtn.com, or lead it to this machine with `resolve`"),
            );
        }
        Some(address)
    }

    fn storage(
        &mut self,
        key: &str,
        files: Vec<file::Storage>,
    ) -> Vec<(String, StorageProfile, Origin, Origin)> {
        if files.is_empty() {
            self.problem(
                key,
                "there is none: add an [[app.storage]], since every recording needs a place for its files",
            );
        }
        let mut profiles: Vec<(String, StorageProfile, Origin, Origin)> = Vec::new();
        for (index, file) in files.into_iter().enumerate() {
            let Some(name) = self.name(&format!("{key} {}: name", index + 1), file.name) else { continue };
            let key = |field: &str| format!("{key}.{name}.{field}");
            if profiles.iter().any(|(other, ..)| *other == name) {
                self.problem(key("name"), "two profiles have this name: rename one");
            }
            let vendor = self.value(&key("vendor"), file.vendor);
            if vendor.is_some_and(|vendor| vendor_name(vendor).is_none()) {
                self.problem(
                    key("vendor"),
                    "the service's number: 1 S3, 2 Alibaba, 3 Tencent, 5 Azure, 6 Google, 7 Huawei, 8 Baidu, 11 S3-compatible",
                );
            }
            let region = self.value(&key("region"), file.region);
            let bucket = self.text(&key("bucket"), file.bucket);
            let access_key = self.secret(&key("access_key"), file.access_key);
            let secret_key = self.secret(&key("secret_key"), file.secret_key);
            let file_name_prefix = self.values(&key("file_name_prefix"), file.file_name_prefix);
            for finding in check::check_file_name_prefix(&file_name_prefix) {
                match finding.check {
                    check::Check::Blocks(sentence) => self.problem(key("file_name_prefix"), sentence),
                    check::Check::Warns(sentence) => self.warning(key("file_name_prefix"), sentence),
                }
            }
            let endpoint = file.endpoint.and_then(|given| self.text(&key("endpoint"), given));
            let sse = file.sse.and_then(|given| self.text(&key("sse"), given));
            let tag = file.tag.and_then(|given| self.text(&key("tag"), given));
            if vendor == Some(11) && endpoint.is_none() {
                self.problem(key("endpoint"), "S3-compatible storage (vendor 11) needs its address");
            }
            if sse.as_deref().is_some_and(|sse| !matches!(sse, "kms" | "aes256")) {
                self.problem(key("sse"), "kms or aes256");
            }
            let extension = StorageExtension { sse, tag, endpoint };
            let (Some(vendor), Some(region), Some(bucket)) = (vendor, region, bucket) else { continue };
            let (Some((key, access_origin)), Some((secret, secret_origin))) = (access_key, secret_key) else {
                continue;
            };
            let profile = StorageProfile {
                vendor,
                region,
                bucket,
                keys: Current::new(Credentials { key, secret }),
                file_name_prefix,
                extension: (extension != StorageExtension::default()).then_some(extension),
            };
            profiles.push((name, profile, access_origin, secret_origin));
        }
        profiles
    }

    fn staff(&mut self, files: Vec<file::Staff>) -> Vec<(String, Role)> {
        let mut staff: Vec<(String, Role)> = Vec::new();
        for (index, file) in files.into_iter().enumerate() {
            let Some(name) = self.name(&format!("staff {}: name", index + 1), file.name) else { continue };
            let key = |field: &str| format!("staff.{name}.{field}");
            if staff.iter().any(|(other, _)| *other == name) {
                self.problem(key("name"), "two people have this name: the journal could not tell them apart");
            }
            if let Some(hash) = file.password_hash.and_then(|given| self.value(&key("password_hash"), given))
                && !crate::password::is_hash(&hash)
            {
                self.problem(key("password_hash"), "not a hash: make one with `tallylight hash-password`");
            }
            let Some(role) = self.text(&key("role"), file.role) else { continue };
            match [Role::Viewer, Role::Operator, Role::Lead]
                .into_iter()
                .find(|known| role_name(*known) == role)
            {
                Some(role) => staff.push((name, role)),
                None => self.problem(key("role"), "viewer, operator or lead"),
            }
        }
        staff
    }

    /// Who shows a token: what it may do is little, because it lies in a file beside a program.
    fn tokens(&mut self, files: Vec<file::Token>, staff: &[(String, Role)]) -> Vec<(TokenHolder, Origin)> {
        let mut tokens: Vec<(TokenHolder, Origin)> = Vec::new();
        for (index, file) in files.into_iter().enumerate() {
            let Some(name) = self.name(&format!("token {}: name", index + 1), file.name) else { continue };
            let key = |field: &str| format!("token.{name}.{field}");
            let known = staff.iter().map(|(other, _)| other);
            if known.chain(tokens.iter().map(|(holder, _)| &holder.person.name)).any(|other| *other == name) {
                self.problem(
                    key("name"),
                    "somebody has this name already: the journal could not tell them apart",
                );
            }
            let secret = self.secret(&key("token"), file.token);
            let Some(role) = self.text(&key("role"), file.role) else { continue };
            let role = [Role::Viewer, Role::Attendant].into_iter().find(|known| role_name(*known) == role);
            let Some(role) = role else {
                self.problem(key("role"), "attendant, or viewer for a screen on a wall");
                continue;
            };
            let Some((secret, origin)) = secret else { continue };
            if !TOKEN_CHARACTERS.contains(&secret.expose_secret().len()) {
                let (least, most) = (TOKEN_CHARACTERS.start(), TOKEN_CHARACTERS.end());
                self.problem(
                    key("token"),
                    format!("{least} to {most} characters: `openssl rand -hex 32` makes one"),
                );
                continue;
            }
            let digest = digest_of(secret.expose_secret());
            if tokens.iter().any(|(other, _)| other.digest == digest) {
                self.problem(key("token"), "another [[token]] has the same: give each its own");
                continue;
            }
            tokens.push((TokenHolder { digest, person: person(name, role, false) }, origin));
        }
        tokens
    }

    fn alerts(&mut self, files: Vec<file::Alert>, apps: &[App]) -> Vec<(Target, Origin, Origin)> {
        let mut alerts: Vec<(Target, Origin, Origin)> = Vec::new();
        for (index, file) in files.into_iter().enumerate() {
            let Some(name) = self.name(&format!("alert {}: name", index + 1), file.name) else { continue };
            let key = |field: &str| format!("alert.{name}.{field}");
            if alerts.iter().any(|(other, ..)| other.name == name) {
                self.problem(
                    key("name"),
                    "two [[alert]]s have this name: how far each was told is kept under it",
                );
            }
            // It may hold a token, so it is treated as a secret.
            let url = self.secret(&key("url"), file.url).and_then(|(text, origin)| {
                let url = Url::parse(text.expose_secret()).ok()?;
                matches!(url.scheme(), "http" | "https").then_some((text, url, origin))
            });
            if url.is_none() {
                self.problem(
                    key("url"),
                    "an address is needed, such as https://hooks.example.org/tallylight",
                );
            }
            if url.as_ref().is_some_and(|(_, url, _)| url.scheme() == "http" && !is_this_machine(url)) {
                self.problem(
                    key("url"),
                    "what is told names channels: use https, or an address of this machine",
                );
            }
            let secret = self.secret(&key("secret"), file.secret);
            if secret
                .as_ref()
                .is_some_and(|(secret, _)| secret.expose_secret().len() < ALERT_SECRET_BYTES_MIN)
            {
                self.problem(
                    key("secret"),
                    format!("at least {ALERT_SECRET_BYTES_MIN} characters: `openssl rand -hex 32` makes one"),
                );
            }
            let mut steps = Vec::new();
            match file.steps {
                None => steps.push(Step::Needed),
                Some(given) => {
                    for name in self.values(&key("steps"), given) {
                        match Step::ALL.into_iter().find(|step| step.name() == name) {
                            Some(step) => steps.push(step),
                            None => self.problem(key("steps"), "needed, last_try, failover or recovered"),
                        }
                    }
                }
            }
            let of_apps: Vec<String> = self.values(&key("apps"), file.apps);
            for unknown in of_apps.iter().filter(|of| !apps.iter().any(|app| app.name == **of)) {
                self.problem(key("apps"), format!("there is no [[app]] called {unknown:?}"));
            }
            let (Some((url, _, url_origin)), Some((secret, origin))) = (url, secret) else { continue };
            let (url, secret) = (Current::new(url), Current::new(secret));
            alerts.push((Target { name, url, secret, steps, apps: of_apps }, url_origin, origin));
        }
        alerts
    }

    fn policies(&mut self, files: Vec<file::NamedNumbers>) -> Vec<NamedPolicy> {
        let built_in =
            [("patient", Patience::Patient), ("swift", Patience::Swift), ("immediate", Patience::Immediate)];
        let mut policies = built_in
            .map(|(name, patience)| NamedPolicy {
                name: name.to_owned(),
                policy: Policy::with_patience(patience),
            })
            .to_vec();
        for file in files {
            let key = format!("policy.{}", file.name);
            if policies.iter().any(|other| other.name == file.name) {
                self.problem(&key, "there is a policy of this name already: rename it");
                continue;
            }
            if file.name.is_empty() || file.name.chars().count() > 40 {
                self.problem(&key, "a name has 1 to 40 characters");
                continue;
            }
            let numbers = serde_json::to_value(&file.numbers).unwrap_or_default();
            match rules::policy::departures::deserialize(numbers) {
                Ok(policy) => policies.push(NamedPolicy { name: file.name, policy }),
                Err(error) => self.problem(key, error.to_string()),
            }
        }
        policies
    }
}

/// Whether what is posted there stays on this machine.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn person(name: String, role: Role, demo: bool) -> Person {
    let mut capabilities = match role {
        Role::Viewer => vec![Capability::View],
        Role::Operator | Role::Attendant => vec![Capability::View, Capability::Operate],
        Role::Lead => vec![Capability::View, Capability::Operate, Capability::Lead],
    };
    if demo {
        capabilities.push(Capability::Simulate);
    }
    Person { name, role, capabilities }
}
