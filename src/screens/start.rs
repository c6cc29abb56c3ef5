//! The start sheet: checks while one types, costs before the button, and one recording however often it is pressed.

use std::rc::Rc;

use agora::{ChannelName, Mode, RecordingSettings, Uid, limits};
use leptos::prelude::*;
use rules::api::{AppSetup, Capability, RequestRecording, StorageSetup};
use rules::{RecordingId, RuleId};

use super::actions::{Sending, footer, opened, problem_banner};
use crate::desk::Desk;
use crate::dom::{Element, Node, Text, el};
use crate::here::here;
use crate::nodes;
use crate::parts::banner::banner;
use crate::parts::button::Kind;
use crate::parts::choice::{Choice, choices};
use crate::parts::dialog::dialog;
use crate::parts::field::{Finding, TextField, check_line, text_field};
use crate::parts::icon::{Glyph, Tone, glyph};
use crate::parts::rule::rule_mark;
use crate::route::{Route, Screen, api};
use crate::socket::FormKey;
use crate::standing::Standing;
use crate::words;

/// One item of the checklist.
struct Check {
    tone: Tone,
    says: Text,
    more: Option<&'static str>,
    rule: RuleId,
}

/// What is typed and chosen.
#[derive(Clone, Copy)]
struct Form {
    desk: Desk,
    /// The name of an App ID; the first one's while it is empty.
    app: RwSignal<String>,
    channel: RwSignal<String>,
    original: RwSignal<String>,
    backup: RwSignal<String>,
    mode: RwSignal<String>,
    /// The name of a storage profile; what is none of the App ID's stands for its first.
    storage: RwSignal<String>,
    idle: RwSignal<String>,
    /// The name of a policy; the first one's while it is empty.
    policy: RwSignal<String>,
    beside: RwSignal<bool>,
}

/// What the page makes of it.
struct Filled {
    form: Form,
    /// None while the page does not know yet what can be asked for.
    app: Option<AppSetup>,
    channel: Result<ChannelName, String>,
    /// The pair that is typed; none if both are left to the proxy. Else what is wrong, and whether with the original.
    uids: Result<Option<(Uid, Uid)>, (bool, String)>,
    idle: Result<u32, String>,
    /// The recordings of this channel that are not over (S10).
    others: Vec<RecordingId>,
}

impl Form {
    fn filled(self) -> Filled {
        // The board facts change with the recordings.
        self.desk.ids.track();
        let app = self.desk.setup.with(|setup| {
            let apps = &setup.as_ref()?.apps;
            let chosen = self.app.with(|name| apps.iter().find(|app| app.name == *name));
            chosen.or(apps.first()).cloned()
        });
        let channel = self.channel.with(|text| ChannelName::parse(text.clone()));
        let channel = channel.map_err(|_| self.channel.with(|text| words::bad_channel(text)));
        let bounds = limits::MAX_IDLE_SECONDS_MIN..=limits::MAX_IDLE_SECONDS_MAX;
        let idle = self.idle.with(|text| text.trim().parse::<u32>().ok());
        let idle =
            idle.filter(|seconds| bounds.contains(seconds)).ok_or_else(|| words::said(words::IDLE_RANGE));
        let mut filled = Filled { form: self, app, channel, uids: Ok(None), idle, others: Vec::new() };
        if let Ok(channel) = &filled.channel {
            filled.others =
                self.desk.with_board(filled.app_name(), |board| board.in_channel(channel).cloned().collect());
        }
        filled.uids = filled.uids();
        filled
    }
}

impl Filled {
    fn app_name(&self) -> &str {
        self.app.as_ref().map_or("", |app| &app.name)
    }

    fn uids(&self) -> Result<Option<(Uid, Uid)>, (bool, String)> {
        let (original, backup) = (self.form.original.get(), self.form.backup.get());
        if original.is_empty() && backup.is_empty() {
            return Ok(None);
        }
        let uid = |text: &str| if text.is_empty() { Ok(None) } else { self.uid(text).map(Some) };
        let (first, second) =
            (uid(&original).map_err(|says| (true, says))?, uid(&backup).map_err(|says| (false, says))?);
        let (Some(first), Some(second)) = (first, second) else {
            return Err((original.is_empty(), words::said(words::BOTH_UIDS)));
        };
        if first == second {
            return Err((false, words::said(words::SAME_UID)));
        }
        Ok(Some((first, second)))
    }

    fn uid(&self, text: &str) -> Result<Uid, String> {
        let uid = Uid::parse(text).map_err(|_| words::said(words::BAD_UID))?;
        if let Some(app) = &self.app {
            let (first, last) = app.uid_range;
            if !(first..=last).contains(&uid.get()) {
                return Err(words::uid_outside(first, last));
            }
        }
        if let Ok(channel) = &self.channel
            && !self.form.desk.with_board(self.app_name(), |board| board.is_free(channel, uid, None))
        {
            return Err(words::uid_in_use(uid.get()));
        }
        Ok(uid)
    }

    fn storage(&self) -> Option<&StorageSetup> {
        let profiles = &self.app.as_ref()?.storage;
        let chosen = self.form.storage.with(|name| profiles.iter().find(|known| known.name == *name));
        chosen.or(profiles.first())
    }

    /// The name of the policy; empty if there is none to choose.
    fn policy(&self) -> String {
        let chosen = self.form.policy.get();
        if !chosen.is_empty() {
            return chosen;
        }
        let first = |setup: &rules::api::Setup| Some(setup.policies.first()?.name.clone());
        self.form.desk.setup.with(|setup| setup.as_ref().and_then(first)).unwrap_or_default()
    }

    /// The whole request, or why it cannot be sent.
    fn request(&self) -> Result<RequestRecording, String> {
        let channel = self.channel.clone()?;
        let uids = self.uids.clone().map_err(|(_, says)| says)?;
        let mut settings = RecordingSettings {
            mode: self.form.mode.with(|mode| Mode::parse(mode)).unwrap_or_default(),
            ..RecordingSettings::default()
        };
        settings.recording_config.max_idle_time = self.idle.clone()?;
        let Some(storage) = self.storage() else { return Err(words::said(words::NO_STORAGE)) };
        let beside = !self.others.is_empty();
        if beside && !self.form.beside.get() {
            return Err(words::said(words::CONFIRM_BESIDE));
        }
        Ok(RequestRecording {
            app: self.app_name().to_owned(),
            channel,
            uids,
            storage: storage.name.clone(),
            settings,
            policy: Some(self.policy()).filter(|name| !name.is_empty()),
            beside,
            assured: false,
        })
    }

    /// The checklist (S1), as far as the page can know it.
    fn checks(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut add = |tone, says: Text, more, rule| checks.push(Check { tone, says, more, rule });
        match &self.channel {
            Ok(channel) => {
                let bytes = channel.as_str().len();
                add(
                    Tone::Recording,
                    words::channel_fits(bytes, ChannelName::MAX_BYTES).into(),
                    None,
                    RuleId::S1,
                );
                if self.others.is_empty() {
                    add(Tone::Recording, words::no_other(channel.as_str()).into(), None, RuleId::S10);
                } else {
                    add(
                        if self.form.beside.get() { Tone::Caution } else { Tone::Critical },
                        words::others_in_channel(self.others.len()).into(),
                        Some(words::BOTH_BILLED),
                        RuleId::S10,
                    );
                }
            }
            Err(_) if self.no_channel() => {
                add(Tone::Neutral, words::CHANNEL_MISSING.into(), None, RuleId::S1);
            }
            Err(says) => add(Tone::Critical, says.clone().into(), None, RuleId::S1),
        }
        match &self.uids {
            Ok(None) => add(Tone::Recording, words::UIDS_BY_PROXY.into(), None, RuleId::S11),
            Ok(Some(_)) => add(Tone::Recording, words::UIDS_FREE.into(), None, RuleId::S11),
            Err((_, says)) => add(Tone::Critical, says.clone().into(), None, RuleId::S11),
        }
        match &self.idle {
            Ok(seconds) if *seconds < limits::MAX_IDLE_SECONDS_DEFAULT => {
                let more = Some(words::IDLE_SHORT_MORE);
                add(Tone::Caution, words::idle_short(*seconds).into(), more, RuleId::I1);
            }
            Ok(seconds) => add(Tone::Recording, words::idle_fits(*seconds).into(), None, RuleId::I1),
            Err(says) => add(Tone::Critical, says.clone().into(), None, RuleId::I1),
        }
        if let Some(storage) = self.storage() {
            let findings = agora::check::check_file_name_prefix(&storage.file_name_prefix);
            match findings.into_iter().next() {
                None => add(Tone::Recording, words::PREFIX_FITS.into(), None, RuleId::S1),
                Some(finding) => {
                    let (agora::check::Check::Blocks(says) | agora::check::Check::Warns(says)) =
                        finding.check;
                    add(Tone::Critical, words::sentence(&says).into(), None, RuleId::S1);
                }
            }
        }
        if let Some(app) = &self.app {
            let used = self.sessions_now();
            let full = used >= app.pcw as usize;
            let tone = if full { Tone::Caution } else { Tone::Recording };
            add(tone, words::room(used, app.pcw).into(), full.then_some(words::NO_ROOM), RuleId::B1);
        }
        checks
    }

    fn no_channel(&self) -> bool {
        self.form.channel.with(String::is_empty)
    }

    fn sessions_now(&self) -> usize {
        let app = self.app_name();
        self.form.desk.client.with_value(|client| {
            let recordings = client.recordings().values();
            recordings.filter(|recording| recording.app == app).map(|recording| recording.billed().0).sum()
        })
    }
}

/// The sheet. A `channel` may be filled in.
pub fn start_dialog(channel: Option<String>) -> Node {
    opened(move |sending| {
        let text = |text: &str| RwSignal::new(text.to_owned());
        let form = Form {
            desk: here().desk,
            app: text(""),
            channel: RwSignal::new(channel.unwrap_or_default()),
            original: text(""),
            backup: text(""),
            mode: text(Mode::Mix.as_str()),
            storage: text(""),
            idle: RwSignal::new(limits::MAX_IDLE_SECONDS_RECOMMENDED.to_string()),
            policy: text(""),
            beside: RwSignal::new(false),
        };
        // One key for each opened sheet: a second press of its button is the same request.
        let key = FormKey::new();
        move || draw(sending, form.filled(), &key)
    })
}

fn draw(sending: Sending, filled: Filled, key: &FormKey) -> Node {
    let request = filled.request();
    let obstacle = sending
        .obstacle(filled.form.desk, Capability::Operate)
        .or_else(|| request.as_ref().err().map(|why| words::cannot_start(why)));
    let request = request.ok().filter(|_| obstacle.is_none());
    let key = key.clone();
    let press = Rc::new(move || {
        if let Some(request) = &request {
            let body = serde_json::to_string(request).unwrap_or_default();
            sending.ask(api::RECORDINGS, body, &key, request.channel.to_string(), words::asked);
        }
    });
    let submit = Rc::clone(&press);
    let body = el("div.body").add(fields(sending, &filled)).add(beside_the_form(&filled));
    let form = el("form")
        .on("submit", move |event| {
            event.prevent_default();
            submit();
        })
        .add(body)
        // Enter in a field presses this one; the seen button explains itself when it cannot be pressed.
        .add(el("button.unseen").set("type", "submit").set("tabindex", "-1").set("aria-hidden", "true"));
    let close = move || sending.router.close_dialog();
    let footer =
        footer(obstacle, words::CANCEL, words::START_RECORDING, Kind::Primary, close, move || press());
    dialog("start-title", words::START_TITLE.into(), "start-sheet", close, nodes![form, footer]).into()
}

fn fields(sending: Sending, filled: &Filled) -> Element {
    let form = filled.form;
    let finding = |says: Text, blocks: bool| Some(Finding { blocks, says });
    let wrong = |says: &String| finding(says.clone().into(), true);
    let channel_hint: Text = match &filled.channel {
        Ok(channel) => words::channel_in_files(&agora::files::replaced(channel)).into(),
        Err(_) => words::CHANNEL_HINT.into(),
    };
    let channel_wrong = filled.channel.as_ref().err().filter(|_| !filled.no_channel());
    let channel = TextField {
        autofocus: true,
        finding: channel_wrong.and_then(wrong),
        ..TextField::new("start-channel", "Channel", form.channel, channel_hint)
    };
    let uid = |id, label, value, hint, of_original: bool| TextField {
        mono: true,
        digits: true,
        finding: match &filled.uids {
            Err((original, says)) if *original == of_original => wrong(says),
            _ => None,
        },
        ..TextField::new(id, label, value, hint)
    };
    let original = uid("start-original", "Original", form.original, words::ORIGINAL_HINT, true);
    let backup = uid("start-backup", "Backup", form.backup, words::BACKUP_HINT, false);
    let (idle_seconds, idle_finding) = match &filled.idle {
        Err(says) => (limits::MAX_IDLE_SECONDS_RECOMMENDED, wrong(says)),
        Ok(seconds) if *seconds < limits::MAX_IDLE_SECONDS_DEFAULT => {
            (*seconds, finding(words::IDLE_SHORT_MORE.into(), false))
        }
        Ok(seconds) => (*seconds, None),
    };
    let idle_hint = words::idle_hint(idle_seconds);
    let idle = TextField {
        mono: true,
        digits: true,
        finding: idle_finding,
        ..TextField::new("start-idle", "maxIdleTime, seconds", form.idle, idle_hint)
    };
    let pair = el("div.pair").add(text_field(original)).add(text_field(backup));
    let legend = el("legend.legend").add(words::PAIR_OF_UIDS).add(rule_mark(RuleId::S11));
    // The form has the fields of composite mode so far.
    let modes: Option<&[Mode]> = Some(&[Mode::Mix]);
    el("div.fields.form")
        .add(el("p.quiet").add(words::NOTHING_SENT))
        .add(el("div.pair").add(text_field(channel)).add(storage_field(filled)))
        .add(el("fieldset").add(legend).add(pair))
        .add(mode_choices("mode", modes, form.mode))
        .add(text_field(idle))
        .add(policy_choices(form))
        .add(beside(filled))
        .add(problem_banner(sending.problem))
}

/// The checks, what a start does, and what it costs.
fn beside_the_form(filled: &Filled) -> Element {
    let checks = filled.checks();
    let count = |tone| checks.iter().filter(|check| check.tone == tone).count();
    let title = words::checks_title(count(Tone::Critical), count(Tone::Caution), count(Tone::Recording));
    let mut list = el("ul.checks");
    for Check { tone, says, more, rule } in checks {
        list = list.add(check_line(tone, says, more, rule));
    }
    let mut steps = el("ol.uids");
    for (says, rule, mark) in words::START_STEPS {
        steps = steps.add(el("li").add(glyph(mark)).add(el("span").add(says)).add(rule_mark(rule)));
    }
    let pcw = filled.app.as_ref().map_or(limits::CONCURRENT_SESSIONS, |app| app.pcw);
    let costs = el("dl.facts")
        .add(el("dt").add("Billed"))
        .add(el("dd").add(words::billed_after(filled.others.len())))
        .add(el("dt").add("Sessions (PCW)"))
        .add(el("dd").add(words::pcw_after(filled.sessions_now(), pcw)))
        .add(el("dt").add("Calls"))
        .add(el("dd").add(words::CALLS_COST));
    let fails = el("p.meta").add(words::START_FAILS).add(" ").add(rule_mark(RuleId::S4));
    el("aside")
        .add(el("section").add(el("h3").add(title)).add(list))
        .add(el("section").add(el("h3").add(words::WHAT_START_DOES)).add(steps).add(fails))
        .add(el("section").add(el("h3").add(words::WHAT_IT_COSTS)).add(costs))
}

fn storage_field(filled: &Filled) -> Element {
    let form = filled.form;
    let apps = form.desk.setup.with(|setup| {
        let apps = &setup.as_ref()?.apps;
        if apps.len() < 2 {
            return None;
        }
        let mut select =
            el("select").id("start-app").value(filled.app_name().to_owned()).on("change", move |event| {
                form.app.set(event_target_value(event));
                form.storage.set(String::new());
            });
        for app in apps {
            select = select.add(el("option").set("value", app.name.clone()).add(app.name.clone()));
        }
        Some(el("div.field").add(el("label").set("for", "start-app").add("App")).add(select))
    });
    let chosen = filled.storage();
    let mut select = el("select")
        .id("start-storage")
        .set("aria-describedby", "start-storage-hint")
        .value(chosen.map(|storage| storage.name.clone()).unwrap_or_default())
        .on("change", move |event| form.storage.set(event_target_value(event)));
    for storage in filled.app.iter().flat_map(|app| &app.storage) {
        let says = [storage.name.as_str(), " · ", &storage.place].concat();
        select = select.add(el("option").set("value", storage.name.clone()).add(says));
    }
    let prefix = chosen.map(|storage| &storage.file_name_prefix).filter(|prefix| !prefix.is_empty());
    let hint = el("p.hint")
        .id("start-storage-hint")
        .add(prefix.map(|prefix| words::prefix(&prefix.join("/"))))
        .add(" ")
        .add(words::KEYS_STAY);
    let label = el("label").set("for", "start-storage").add("Storage profile");
    el("div.fields").add(apps).add(el("div.field").add(label).add(select).add(hint))
}

/// The modes, of which those that are not `offered` cannot be chosen; until it is known, only the usual one can.
pub fn mode_choices(group: &'static str, offered: Option<&[Mode]>, chosen: RwSignal<String>) -> Element {
    let offered = offered.unwrap_or(&[Mode::Mix]);
    let all = [Mode::Mix, Mode::Individual, Mode::Web].map(|mode| Choice {
        value: mode.as_str().to_owned(),
        name: words::capital(words::translated(words::mode(mode))),
        says: words::mode_says(mode),
        blocked: (!offered.contains(&mode)).then_some(words::MODE_NOT_OFFERED),
    });
    choices(group, words::MODE.into(), &all, chosen)
}

fn policy_choices(form: Form) -> Node {
    form.desk.setup.with(|setup| {
        let Some(setup) = setup else { return Node::Nothing };
        let mut all = Vec::new();
        for named in &setup.policies {
            all.push(Choice {
                value: named.name.clone(),
                name: words::policy_name(&named.name, named.policy.patience),
                says: words::policy_says(named.policy.patience),
                blocked: None,
            });
        }
        choices("policy", nodes![words::IF_404, rule_mark(RuleId::M3)], &all, form.policy).into()
    })
}

/// S10: what records in this channel already, and what another recording costs.
fn beside(filled: &Filled) -> Node {
    let form = filled.form;
    let Ok(channel) = &filled.channel else { return Node::Nothing };
    if filled.others.is_empty() {
        return Node::Nothing;
    }
    let mut named = el("ul");
    for recording in filled.others.iter().filter_map(|id| form.desk.recording_now(id)) {
        let standing = Standing::of(&recording, form.desk.clock.now());
        let state = words::translated(words::standing::word(standing)).to_lowercase();
        let href = Route::to(Screen::Recording(recording.id.clone())).href();
        let link = el("a").set("href", href).add(recording.id.to_string());
        named = named.add(el("li").add(link).add(words::beside_line(&state, &recording.asked_by)));
    }
    let says = el("p")
        .add(el("b").add(words::channel_has_live(channel.as_str())))
        .add(" ")
        .add(words::BOTH_BILLED)
        .add(" ")
        .add(rule_mark(RuleId::S10));
    let tick = el("input")
        .set("type", "checkbox")
        .checked(form.beside.get())
        .on("change", move |event| form.beside.set(event_target_checked(event)));
    let tick = el("label.tick").add(tick).add(words::record_beside(channel.as_str()));
    banner(Tone::Caution, Glyph::Caution, true).add(el("div").add(says).add(named).add(tick)).into()
}
