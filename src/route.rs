//! Where the page is: all of it in the query string of one path, so that it works on every static host and under every
//! sub-path. The only file with text of addresses.

use leptos::prelude::*;
use rules::{EntryNumber, RecordingId, RuleId, SessionNumber};
use wasm_bindgen::JsCast;

/// The name of every screen and every dialog that has an address. The journeys keep a list of what they look at, and a
/// test compares the two.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "read by a journey out of this file, and by the tests below")
)]
pub const ROUTES: [&str; 20] = [
    "board",
    "beside",
    "recording",
    "file",
    "faults",
    "wall",
    "audit",
    "start",
    "watch",
    "stop",
    "stop-session",
    "stop-many",
    "try-again",
    "acknowledge",
    "dismiss",
    "notices",
    "why",
    "settings",
    "keys",
    "palette",
];

/// What fills the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Screen {
    /// The list.
    #[default]
    Board,
    /// The list with one recording open beside it.
    Beside(RecordingId),
    /// One recording.
    Recording(RecordingId),
    /// One recording out of a file that was opened here; before one is, where to choose it.
    File,
    /// What can be broken in a demonstration.
    Faults,
    /// For a screen on the wall: nothing to press.
    Wall,
    /// Who did or tried what.
    Audit,
    /// Every part in every state, for who works on the page.
    #[cfg(debug_assertions)]
    Parts,
}

/// What lies over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialog {
    /// Start a recording; a channel may be filled in.
    Start(Option<String>),
    /// Watch one that already runs.
    Watch,
    /// Stop a recording.
    Stop(RecordingId),
    /// Stop one of its sessions.
    StopSession(RecordingId, SessionNumber),
    /// Stop the recordings that are chosen in the list.
    StopMany,
    /// Go on after the rules waited for staff.
    TryAgain(RecordingId),
    /// Note that an alarm was seen.
    Acknowledge(RecordingId, EntryNumber),
    /// Take a session off the board.
    Dismiss(RecordingId, SessionNumber),
    /// What the service notifies, and what of it fits no session.
    Notices,
    /// The reason of a rule.
    Why(RuleId),
    /// How the page looks and what it does.
    Settings,
    /// The shortcuts, and how to change them.
    Keys,
    /// Everything that can be done or gone to, by its name.
    Palette,
}

impl Screen {
    /// Whether the list is on it.
    pub const fn has_list(&self) -> bool {
        matches!(self, Self::Board | Self::Beside(_))
    }

    /// The recording that is open.
    pub const fn recording(&self) -> Option<&RecordingId> {
        match self {
            Self::Beside(id) | Self::Recording(id) => Some(id),
            _ => None,
        }
    }
}

/// Where the page is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// What fills the page.
    pub screen: Screen,
    /// What lies over it.
    pub dialog: Option<Dialog>,
    /// The entry at which a recording is looked at, instead of now.
    pub at: Option<EntryNumber>,
}

impl Route {
    /// The screen alone.
    pub const fn to(screen: Screen) -> Self {
        Self { screen, dialog: None, at: None }
    }

    /// This screen with a dialog over it.
    pub fn with(&self, dialog: Dialog) -> Self {
        Self { screen: self.screen.clone(), dialog: Some(dialog), at: self.at }
    }

    /// Its name in [`ROUTES`]; a dialog's goes before the screen's.
    #[cfg(test)]
    pub const fn name(&self) -> &'static str {
        match (&self.dialog, &self.screen) {
            (Some(Dialog::Start(_)), _) => "start",
            (Some(Dialog::Watch), _) => "watch",
            (Some(Dialog::Stop(_)), _) => "stop",
            (Some(Dialog::StopSession(..)), _) => "stop-session",
            (Some(Dialog::StopMany), _) => "stop-many",
            (Some(Dialog::TryAgain(_)), _) => "try-again",
            (Some(Dialog::Acknowledge(..)), _) => "acknowledge",
            (Some(Dialog::Dismiss(..)), _) => "dismiss",
            (Some(Dialog::Notices), _) => "notices",
            (Some(Dialog::Why(_)), _) => "why",
            (Some(Dialog::Settings), _) => "settings",
            (Some(Dialog::Keys), _) => "keys",
            (Some(Dialog::Palette), _) => "palette",
            (None, Screen::Board) => "board",
            (None, Screen::Beside(_)) => "beside",
            (None, Screen::Recording(_)) => "recording",
            (None, Screen::File) => "file",
            (None, Screen::Faults) => "faults",
            (None, Screen::Wall) => "wall",
            (None, Screen::Audit) => "audit",
            #[cfg(debug_assertions)]
            (None, Screen::Parts) => "parts",
        }
    }

    /// The address, relative to the page.
    pub fn href(&self) -> String {
        let mut query = String::from("?");
        let mut add = |name: &str, value: Option<String>| {
            if query.len() > 1 {
                query.push('&');
            }
            query.push_str(name);
            if let Some(value) = value {
                query.push('=');
                query.push_str(&encoded(&value));
            }
        };
        match &self.screen {
            Screen::Board => {}
            Screen::Beside(id) => add("open", Some(id.to_string())),
            Screen::Recording(id) => add("recording", Some(id.to_string())),
            Screen::File => add("file", None),
            Screen::Faults => add("faults", None),
            Screen::Wall => add("wall", None),
            Screen::Audit => add("audit", None),
            #[cfg(debug_assertions)]
            Screen::Parts => add("parts", None),
        }
        if let Some(entry) = self.at {
            add("at", Some(entry.to_string()));
        }
        match &self.dialog {
            None => {}
            Some(Dialog::Start(channel)) => add("start", channel.clone()),
            Some(Dialog::Watch) => add("watch", None),
            Some(Dialog::Stop(id)) => add("stop", Some(id.to_string())),
            Some(Dialog::StopSession(id, session)) => {
                add("stop", Some(id.to_string()));
                add("session", Some(session.to_string()));
            }
            Some(Dialog::StopMany) => add("stop-many", None),
            Some(Dialog::TryAgain(id)) => add("try-again", Some(id.to_string())),
            Some(Dialog::Acknowledge(id, entry)) => {
                add("acknowledge", Some(id.to_string()));
                add("entry", Some(entry.to_string()));
            }
            Some(Dialog::Dismiss(id, session)) => {
                add("dismiss", Some(id.to_string()));
                add("session", Some(session.to_string()));
            }
            Some(Dialog::Notices) => add("notices", None),
            Some(Dialog::Why(rule)) => add("why", Some(rule.to_string())),
            Some(Dialog::Settings) => add("settings", None),
            Some(Dialog::Keys) => add("keys", None),
            Some(Dialog::Palette) => add("palette", None),
        }
        query
    }

    /// The route that a query string names. What cannot be read is left out: an odd address is the list.
    pub fn parse(query: &str) -> Self {
        let pairs = pairs(query);
        let get = |name: &str| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.as_str());
        let recording = |name: &str| get(name).and_then(RecordingId::parse);
        let session = || get("session").and_then(|session| session.parse::<SessionNumber>().ok());
        let screen = if let Some(id) = recording("recording") {
            Screen::Recording(id)
        } else if let Some(id) = recording("open") {
            Screen::Beside(id)
        } else if get("file").is_some() {
            Screen::File
        } else if get("faults").is_some() {
            Screen::Faults
        } else if get("wall").is_some() {
            Screen::Wall
        } else if get("audit").is_some() {
            Screen::Audit
        } else {
            Screen::Board
        };
        #[cfg(debug_assertions)]
        let screen = if get("parts").is_some() { Screen::Parts } else { screen };
        let dialog =
            if let Some(channel) = get("start") {
                Some(Dialog::Start((!channel.is_empty()).then(|| channel.to_owned())))
            } else if get("watch").is_some() {
                Some(Dialog::Watch)
            } else if let Some(id) = recording("stop") {
                Some(session().map_or_else(
                    || Dialog::Stop(id.clone()),
                    |session| Dialog::StopSession(id.clone(), session),
                ))
            } else if get("stop-many").is_some() {
                Some(Dialog::StopMany)
            } else if let Some(id) = recording("try-again") {
                Some(Dialog::TryAgain(id))
            } else if let Some(id) = recording("acknowledge") {
                get("entry").and_then(|entry| entry.parse().ok()).map(|entry| Dialog::Acknowledge(id, entry))
            } else if let Some(id) = recording("dismiss") {
                session().map(|session| Dialog::Dismiss(id, session))
            } else if get("notices").is_some() {
                Some(Dialog::Notices)
            } else if get("settings").is_some() {
                Some(Dialog::Settings)
            } else if get("keys").is_some() {
                Some(Dialog::Keys)
            } else if get("palette").is_some() {
                Some(Dialog::Palette)
            } else {
                get("why").and_then(RuleId::parse).map(Dialog::Why)
            };
        let at = get("at").and_then(|entry| entry.parse().ok());
        Self { screen, dialog, at }
    }
}

/// The parameters of a query string.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

/// The parameters as a part of a query string.
pub fn joined(pairs: &[(&'static str, String)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.push_str(&encoded(value));
    }
    query
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = (bytes[index] == b'%')
            .then(|| bytes.get(index + 1..index + 3))
            .flatten()
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match hex {
            Some(byte) => {
                decoded.push(byte);
                index += 3;
            }
            None => {
                decoded.push(if bytes[index] == b'+' { b' ' } else { bytes[index] });
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The addresses of the proxy, relative to the page.
pub mod api {
    use rules::{EntryNumber, RecordingId, SessionNumber};

    /// The address of the proxy, which ends in a slash: the folder of the page, unless the `config.json` beside it names
    /// another one. `boot.js` reads that before the page starts.
    pub fn proxy() -> String {
        let left = js_sys::Reflect::get(&js_sys::global(), &"proxy".into()).ok();
        left.and_then(|left| left.as_string()).unwrap_or_default()
    }

    /// The origin of the page, if the proxy is not of the same.
    pub fn elsewhere() -> Option<String> {
        let origin = leptos::prelude::window().location().origin().unwrap_or_default();
        (!proxy().starts_with(&[&origin, "/"].concat())).then_some(origin)
    }

    /// Where a request goes: to the proxy, and for a file beside the page to where that came from.
    pub fn at(path: &str) -> String {
        if path.starts_with("api/") { [&proxy(), path].concat() } else { path.to_owned() }
    }

    /// The texts of the rules, a file beside the page.
    pub const RULE_TEXTS: &str = "rules.json";
    /// Who is signed in.
    pub const ME: &str = "api/v1/me";
    /// What can be asked for.
    pub const SETUP: &str = "api/v1/setup";
    /// The list, and where a recording is asked for.
    pub const RECORDINGS: &str = "api/v1/recordings";
    /// Where one that runs is watched.
    pub const ADOPT: &str = "api/v1/recordings/adopt";
    /// Where offered leases are claimed.
    pub const LEASES: &str = "api/v1/leases";
    /// The simulator's faults, in a demonstration.
    pub const FAULTS: &str = "api/v1/simulator/faults";
    /// Where all of them are taken back; the proxy passes no DELETE on.
    pub const CLEAR_FAULTS: &str = "api/v1/simulator/faults/clear";

    /// A command about one recording: `stop`, `calls`, `decisions`, `try-again`…
    pub fn command(id: &RecordingId, name: &str) -> String {
        format!("{RECORDINGS}/{id}/{name}")
    }

    /// The stop of a whole recording, which can be taken back for five seconds.
    pub fn stop(id: &RecordingId, undo: u32) -> String {
        format!("{RECORDINGS}/{id}/stop?undo={undo}")
    }

    /// That this possible orphan is the session of a `sid`.
    pub fn adopt_orphan(id: &RecordingId, session: SessionNumber) -> String {
        format!("{RECORDINGS}/{id}/sessions/{session}/adopt")
    }

    /// The notifications of an App ID that fit no session, the newest first.
    pub fn unmatched(app: &str) -> String {
        format!("api/v1/notifications/{}", super::encoded(app))
    }

    /// Sets up the notifications of an App ID.
    pub fn set_up(app: &str) -> String {
        [&unmatched(app), "/setup"].concat()
    }

    /// What the audit tells of an App ID, or of all; of whoever's name or address holds a text; before a record.
    pub fn audit(app: &str, who: &str, refused: bool, before: Option<u64>) -> String {
        let mut address = String::from("api/v1/audit?limit=50");
        let before = before.map(|before| before.to_string()).unwrap_or_default();
        for (name, value) in [("app", app), ("who", who), ("before", &before)] {
            if !value.is_empty() {
                address.push_str(&format!("&{name}={}", super::encoded(value)));
            }
        }
        if refused {
            address.push_str("&refused=true");
        }
        address
    }

    /// The stop of one session.
    pub fn stop_session(id: &RecordingId, session: SessionNumber) -> String {
        format!("{RECORDINGS}/{id}/sessions/{session}/stop")
    }

    /// The views that the team shares.
    pub const VIEWS: &str = "api/v1/views";

    /// Those that ended and were ever known by these words, the newest first, after this one.
    pub fn ended(find: &str, before: Option<&str>) -> String {
        let mut address = ENDED.to_owned();
        for (name, value) in [("find", Some(find).filter(|find| !find.is_empty())), ("before", before)] {
            if let Some(value) = value {
                address.push_str(&format!("&{name}={}", super::encoded(value)));
            }
        }
        address
    }

    /// Those that ended, the newest first.
    pub const ENDED: &str = "api/v1/recordings?state=ended&limit=50";

    /// The entries of one recording after this number.
    pub fn journal(id: &RecordingId, after: EntryNumber) -> String {
        format!("{RECORDINGS}/{id}/journal?after={after}")
    }

    /// One recording, folded.
    pub fn recording(id: &RecordingId) -> String {
        format!("{RECORDINGS}/{id}")
    }

    /// The stream, from what is known on: an absolute address, since a socket needs one.
    pub fn stream(after: Option<u64>, journal: Option<&str>) -> String {
        let mut address = proxy().replacen("http", "ws", 1);
        address.push_str("api/v1/stream");
        if let (Some(after), Some(journal)) = (after, journal) {
            address.push_str(&format!("?after={after}&journal={}", super::encoded(journal)));
        }
        address
    }
}

/// The page's way through its routes. A handle: copies are the same way.
#[derive(Debug, Clone, Copy)]
pub struct Router {
    route: RwSignal<Route>,
    /// The parameters of the address that was opened or come back to: how the list is looked at is among them.
    parameters: RwSignal<Vec<(String, String)>>,
    /// How the list is looked at, as it stands in the address of the list.
    view: StoredValue<String>,
}

impl Router {
    /// Reads where the page is, and follows the browser's history and the page's own links from then on.
    pub fn new() -> Self {
        let router = Self {
            route: RwSignal::new(Route::parse(&query())),
            parameters: RwSignal::new(pairs(&query())),
            view: StoredValue::new(String::new()),
        };
        window_event_listener(leptos::ev::popstate, move |_| {
            let route = Route::parse(&query());
            if route.screen.has_list() {
                router.parameters.set(pairs(&query()));
            }
            router.route.set(route);
        });
        window_event_listener(leptos::ev::click, move |event| router.follow(&event));
        router
    }

    /// Where the page is.
    pub fn route(self) -> Route {
        self.route.get()
    }

    /// The parameters of the address that was opened, or come back to with the browser's own buttons.
    pub fn parameters(self) -> Vec<(String, String)> {
        self.parameters.get()
    }

    /// Keeps in the address of the list how it is looked at.
    pub fn keep(self, view: &[(&'static str, String)]) {
        self.view.set_value(joined(view));
        let route = self.route_now();
        if route.screen.has_list() {
            self.travel(route, true);
        }
    }

    /// Shows the list with this query.
    pub fn show(self, query: &str) {
        self.parameters.set(vec![("q".to_owned(), query.to_owned())]);
        self.go_on(Route::default());
    }

    /// Where the page is, without following it.
    pub fn route_now(self) -> Route {
        self.route.get_untracked()
    }

    /// Goes there, and the browser's back button comes back.
    pub fn go(self, route: Route) {
        self.travel(route, false);
    }

    /// Goes on from a dialog that is done with: the back button comes to what was before it.
    pub fn go_on(self, route: Route) {
        self.travel(route, true);
    }

    /// Takes the dialog away.
    pub fn close_dialog(self) {
        let mut route = self.route_now();
        if route.dialog.take().is_some() {
            self.travel(route, true);
        }
    }

    fn travel(self, route: Route, replace: bool) {
        if let Ok(history) = window().history() {
            let mut href = route.href();
            let view = self.view.get_value();
            if route.screen.has_list() && !view.is_empty() {
                if href.len() > 1 {
                    href.push('&');
                }
                href.push_str(&view);
            }
            // An address of only a question mark would be the same page with a mark: the bare path is meant.
            let address = if href == "?" { window().location().pathname().unwrap_or_default() } else { href };
            let state = &wasm_bindgen::JsValue::NULL;
            let _ = if replace {
                history.replace_state_with_url(state, "", Some(&address))
            } else {
                history.push_state_with_url(state, "", Some(&address))
            };
        }
        if self.route.get_untracked() != route {
            self.route.set(route);
        }
    }

    /// A plain press on one of the page's own links is a change of route, not a load.
    fn follow(self, event: &web_sys::MouseEvent) {
        if event.default_prevented()
            || event.button() != 0
            || event.ctrl_key()
            || event.meta_key()
            || event.shift_key()
        {
            return;
        }
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let Some(link) = target.and_then(|target| target.closest("a[href]").ok().flatten()) else { return };
        let Some(href) = link.get_attribute("href").filter(|href| href.starts_with('?')) else { return };
        event.prevent_default();
        self.go(Route::parse(&href));
    }
}

fn query() -> String {
    window().location().search().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Dialog, ROUTES, Route, Screen};
    use rules::{RecordingId, RuleId};

    fn every_route() -> Vec<Route> {
        let id = || RecordingId::parse("r-1").expect("a valid id");
        let recording = Route::to(Screen::Recording(id()));
        vec![
            Route::default(),
            Route::to(Screen::Beside(id())),
            recording.clone(),
            Route { at: Some(12), ..recording.clone() },
            Route::to(Screen::File),
            Route::to(Screen::Faults),
            Route::to(Screen::Wall),
            Route::to(Screen::Audit),
            Route::default().with(Dialog::Start(None)),
            Route::default().with(Dialog::Start(Some("math 7b & more=ü".to_owned()))),
            recording.with(Dialog::Watch),
            recording.with(Dialog::Stop(id())),
            recording.with(Dialog::StopSession(id(), 2)),
            Route::default().with(Dialog::StopMany),
            recording.with(Dialog::TryAgain(id())),
            recording.with(Dialog::Acknowledge(id(), 12)),
            recording.with(Dialog::Dismiss(id(), 3)),
            recording.with(Dialog::Notices),
            recording.with(Dialog::Why(RuleId::M3)),
            Route { at: Some(7), ..recording.clone() }.with(Dialog::Why(RuleId::M3)),
            recording.with(Dialog::Settings),
            recording.with(Dialog::Keys),
            recording.with(Dialog::Palette),
        ]
    }

    #[test]
    fn every_route_is_found_again_by_its_address() {
        for route in every_route() {
            assert_eq!(Route::parse(&route.href()), route, "{}", route.href());
        }
    }

    #[test]
    fn the_list_of_names_is_the_list_of_routes() {
        let mut names: Vec<_> = every_route().iter().map(Route::name).collect();
        names.dedup();
        assert_eq!(names, ROUTES);
    }

    #[test]
    fn an_odd_address_is_the_list() {
        for odd in ["?recording=NOT%20AN%20ID", "?stop=", "?why=Z9", "?%", "?=&&", "?acknowledge=r-1"] {
            assert_eq!(Route::parse(odd), Route::default(), "{odd}");
        }
    }
}
