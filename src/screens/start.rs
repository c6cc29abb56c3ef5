//! The start sheet: checks while one types, costs before the button, and one recording however often it is pressed.

use agora::{ChannelName, Mode, RecordingSettings, Uid, limits};
use leptos::prelude::*;
use rules::api::{Asked, Capability, RequestRecording};
use rules::{RecordingId, RuleId};

use super::actions::{Sending, footer, problem_banner};
use crate::desk::Desk;
use crate::parts::announcer::Announcer;
use crate::parts::banner::Banner;
use crate::parts::button::Kind;
use crate::parts::choice::{Choice, choices};
use crate::parts::dialog::Dialog;
use crate::parts::field::{Finding, TextField, check_line};
use crate::parts::icon::{Glyph, Tone, glyph};
use crate::parts::rule::rule_mark;
use crate::route::{Route, Router, Screen, api};
use crate::socket::{FormKey, Socket};
use crate::standing::Standing;
use crate::words;

/// One item of the checklist.
struct Check {
    tone: Tone,
    says: String,
    more: Option<String>,
    rule: RuleId,
}

/// What is typed, and what the checks make of it.
#[derive(Clone, Copy)]
struct Form {
    desk: Desk,
    app: RwSignal<String>,
    channel: RwSignal<String>,
    original: RwSignal<String>,
    backup: RwSignal<String>,
    mode: RwSignal<String>,
    storage: RwSignal<String>,
    idle: RwSignal<String>,
    policy: RwSignal<String>,
    beside: RwSignal<bool>,
}

impl Form {
    fn channel(self) -> Result<ChannelName, String> {
        self.channel.with(|text| ChannelName::parse(text.clone())).map_err(|error| error.to_string())
    }

    /// The pair that is typed; none if both are left to the proxy.
    fn uids(self) -> Result<Option<(Uid, Uid)>, (bool, String)> {
        let (original, backup) = (self.original.get(), self.backup.get());
        if original.is_empty() && backup.is_empty() {
            return Ok(None);
        }
        let (no_original, no_backup) = (original.is_empty(), backup.is_empty());
        let original =
            if no_original { None } else { Some(self.uid(&original).map_err(|says| (true, says))?) };
        let backup = if no_backup { None } else { Some(self.uid(&backup).map_err(|says| (false, says))?) };
        let (Some(original), Some(backup)) = (original, backup) else {
            return Err((no_original, words::BOTH_UIDS.to_owned()));
        };
        if original == backup {
            return Err((false, words::SAME_UID.to_owned()));
        }
        Ok(Some((original, backup)))
    }

    fn uid(self, text: &str) -> Result<Uid, String> {
        let uid = Uid::parse(text).map_err(|error| words::sentence(&error.to_string()))?;
        let range = self.app_setup(|app| app.uid_range);
        if let Some((first, last)) = range
            && !(first..=last).contains(&uid.get())
        {
            return Err(words::uid_outside(first, last));
        }
        if let Ok(channel) = self.channel()
            && !self.desk.with_board(&self.app.get(), |board| board.is_free(&channel, uid, None))
        {
            return Err(words::uid_in_use(uid.get()));
        }
        Ok(uid)
    }

    fn idle(self) -> Result<u32, String> {
        let bounds = limits::MAX_IDLE_SECONDS_MIN..=limits::MAX_IDLE_SECONDS_MAX;
        let seconds =
            self.idle.with(|text| text.trim().parse::<u32>().ok()).filter(|seconds| bounds.contains(seconds));
        seconds.ok_or_else(|| words::IDLE_RANGE.to_owned())
    }

    fn app_setup<T>(self, read: impl FnOnce(&rules::api::AppSetup) -> T) -> Option<T> {
        let app = self.app.get();
        self.desk.setup.with(|setup| setup.as_ref()?.apps.iter().find(|known| known.name == app).map(read))
    }

    /// The recordings of this channel that are not over (S10).
    fn others(self) -> Vec<RecordingId> {
        let Ok(channel) = self.channel() else { return Vec::new() };
        self.desk.ids.track();
        self.desk.with_board(&self.app.get(), |board| board.in_channel(&channel).cloned().collect())
    }

    fn settings(self) -> Result<RecordingSettings, String> {
        let mut settings = RecordingSettings {
            mode: self.mode.with(|mode| Mode::parse(mode)).unwrap_or_default(),
            ..RecordingSettings::default()
        };
        settings.recording_config.max_idle_time = self.idle()?;
        Ok(settings)
    }

    /// The whole request, or why it cannot be sent.
    fn request(self) -> Result<RequestRecording, String> {
        let channel = self.channel().map_err(|says| words::sentence(&says))?;
        let uids = self.uids().map_err(|(_, says)| says)?;
        let settings = self.settings()?;
        if self.app_setup(|app| app.storage.is_empty()) == Some(true) || self.storage.with(String::is_empty) {
            return Err(words::NO_STORAGE.to_owned());
        }
        let others = self.others();
        if !others.is_empty() && !self.beside.get() {
            return Err(words::CONFIRM_BESIDE.to_owned());
        }
        Ok(RequestRecording {
            app: self.app.get(),
            channel,
            uids,
            storage: self.storage.get(),
            settings,
            policy: Some(self.policy.get()).filter(|name| !name.is_empty()),
            beside: !others.is_empty(),
        })
    }

    /// The checklist (S1), as far as the page can know it.
    fn checks(self) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut add = |tone, says: String, more, rule| checks.push(Check { tone, says, more, rule });
        match self.channel() {
            Ok(channel) => {
                add(
                    Tone::Recording,
                    words::channel_fits(channel.as_str().len(), ChannelName::MAX_BYTES),
                    None,
                    RuleId::S1,
                );
                let others = self.others();
                match others.is_empty() {
                    true => add(Tone::Recording, words::no_other(channel.as_str()), None, RuleId::S10),
                    false => add(
                        if self.beside.get() { Tone::Caution } else { Tone::Critical },
                        words::others_in_channel(others.len()),
                        Some(words::BOTH_BILLED.to_owned()),
                        RuleId::S10,
                    ),
                }
            }
            Err(_) if self.channel.with(String::is_empty) => {
                add(Tone::Neutral, words::CHANNEL_MISSING.to_owned(), None, RuleId::S1)
            }
            Err(says) => add(Tone::Critical, words::sentence(&says), None, RuleId::S1),
        }
        match self.uids() {
            Ok(None) => add(Tone::Recording, words::UIDS_BY_PROXY.to_owned(), None, RuleId::S11),
            Ok(Some(_)) => add(Tone::Recording, words::UIDS_FREE.to_owned(), None, RuleId::S11),
            Err((_, says)) => add(Tone::Critical, says, None, RuleId::S11),
        }
        match self.idle() {
            Ok(seconds) if seconds < limits::MAX_IDLE_SECONDS_DEFAULT => {
                add(
                    Tone::Caution,
                    words::idle_short(seconds),
                    Some(words::IDLE_SHORT_MORE.to_owned()),
                    RuleId::I1,
                );
            }
            Ok(seconds) => add(Tone::Recording, words::idle_fits(seconds), None, RuleId::I1),
            Err(says) => add(Tone::Critical, says, None, RuleId::I1),
        }
        if let Some(prefix) = self.prefix() {
            let findings = agora::check::check_file_name_prefix(&prefix);
            match findings.into_iter().next() {
                None => add(Tone::Recording, words::PREFIX_FITS.to_owned(), None, RuleId::S1),
                Some(finding) => {
                    let (agora::check::Check::Blocks(says) | agora::check::Check::Warns(says)) =
                        finding.check;
                    add(Tone::Critical, words::sentence(&says), None, RuleId::S1);
                }
            }
        }
        if let Some(pcw) = self.app_setup(|app| app.pcw) {
            let used = self.sessions_now();
            let tone = if used >= pcw as usize { Tone::Caution } else { Tone::Recording };
            let more = (tone == Tone::Caution).then(|| words::NO_ROOM.to_owned());
            add(tone, words::room(used, pcw), more, RuleId::B1);
        }
        checks
    }

    fn prefix(self) -> Option<Vec<String>> {
        let storage = self.storage.get();
        self.app_setup(|app| {
            app.storage.iter().find(|known| known.name == storage).map(|known| known.file_name_prefix.clone())
        })
        .flatten()
    }

    fn sessions_now(self) -> usize {
        self.desk.ids.track();
        let app = self.app.get();
        self.desk.client.with_value(|client| {
            client
                .recordings()
                .values()
                .filter(|recording| recording.app == app)
                .map(|recording| recording.billed().0)
                .sum()
        })
    }
}

/// The sheet.
#[component]
pub fn StartDialog(
    /// A channel that is filled in.
    channel: Option<String>,
) -> impl IntoView {
    let (desk, router, socket) =
        (expect_context::<Desk>(), expect_context::<Router>(), expect_context::<Socket>());
    let text = |text: &str| RwSignal::new(text.to_owned());
    let form = Form {
        desk,
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
    Effect::new(move |_| {
        desk.setup.with(|setup| {
            let Some(setup) = setup else { return };
            if form.app.with_untracked(String::is_empty) {
                form.app.set(setup.apps.first().map(|app| app.name.clone()).unwrap_or_default());
            }
            if form.policy.with_untracked(String::is_empty) {
                form.policy.set(setup.policies.first().map(|policy| policy.name.clone()).unwrap_or_default());
            }
        });
        let app = form.app.get();
        let first = desk.setup.with(|setup| {
            let app = setup.as_ref()?.apps.iter().find(|known| known.name == app)?;
            app.storage.first().map(|storage| storage.name.clone())
        });
        form.storage.set(first.unwrap_or_default());
    });
    // One key for each opened sheet: a second press of its button is the same request.
    let key = FormKey::new();
    let sending = Sending::new();
    let obstacle = Signal::derive(move || {
        sending
            .obstacle(desk, Capability::Operate)
            .or_else(|| form.request().err().map(|why| words::cannot_start(&why)))
    });
    let press = move || {
        let Ok(request) = form.request() else { return };
        let key = key.of(&request);
        let announcer = use_context::<Announcer>();
        let channel = request.channel.to_string();
        sending.send(
            async move { socket.command::<Asked>(api::RECORDINGS, &request, Some(&key)).await },
            move |asked| {
                if let Some(announcer) = announcer {
                    announcer.say(words::asked(&channel, asked.existing));
                }
                router.go_on(Route::to(Screen::Recording(asked.recording)));
            },
        );
    };
    let finding = move |says: String, blocks: bool| Some(Finding { blocks, says });
    let channel_finding = Signal::derive(move || match form.channel() {
        Ok(_) => None,
        Err(_) if form.channel.with(String::is_empty) => None,
        Err(says) => finding(words::sentence(&says), true),
    });
    let channel_hint = Signal::derive(move || match form.channel() {
        Ok(channel) => words::channel_in_files(&agora::files::replaced(&channel)),
        Err(_) => words::CHANNEL_HINT.to_owned(),
    });
    let uid_finding = move |of_original: bool| {
        Signal::derive(move || match form.uids() {
            Err((original, says)) if original == of_original => finding(says, true),
            _ => None,
        })
    };
    let idle_finding = Signal::derive(move || match form.idle() {
        Err(says) => finding(says, true),
        Ok(seconds) if seconds < limits::MAX_IDLE_SECONDS_DEFAULT => {
            finding(words::IDLE_SHORT_MORE.to_owned(), false)
        }
        Ok(_) => None,
    });
    let idle_hint =
        Signal::derive(move || words::idle_hint(form.idle().unwrap_or(limits::MAX_IDLE_SECONDS_RECOMMENDED)));
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if obstacle.with_untracked(Option::is_none) {
            press();
        }
    };
    view! {
        <Dialog id="start-title" title=words::START_TITLE.to_owned() class="start-sheet" on_close=Callback::new(move |()| router.close_dialog())>
            <form on:submit=submit>
                <div class="body">
                    <div class="fields form">
                        <p class="quiet">{words::NOTHING_SENT}</p>
                        <div class="pair">
                            <TextField id="start-channel" label="Channel" value=form.channel hint=channel_hint finding=channel_finding autofocus=true />
                            {storage_field(form)}
                        </div>
                        <fieldset>
                            <legend class="legend">{words::PAIR_OF_UIDS} {rule_mark(RuleId::S11)}</legend>
                            <div class="pair">
                                <TextField id="start-original" label="Original" value=form.original hint=words::ORIGINAL_HINT.to_owned() finding=uid_finding(true) mono=true digits=true />
                                <TextField id="start-backup" label="Backup" value=form.backup hint=words::BACKUP_HINT.to_owned() finding=uid_finding(false) mono=true digits=true />
                            </div>
                        </fieldset>
                        {mode_choices(form)}
                        <TextField id="start-idle" label="maxIdleTime, seconds" value=form.idle hint=idle_hint finding=idle_finding mono=true digits=true />
                        {policy_choices(form)} {beside(form)} {problem_banner(sending.problem)}
                    </div>
                    <aside>
                        <section>
                            <h3>{move || checks_title(form)}</h3>
                            <ul class="checks">
                                {move || form.checks().into_iter().map(|check| check_line(check.tone, check.says, check.more, check.rule)).collect::<Vec<_>>()}
                            </ul>
                        </section>
                        <section>
                            <h3>{words::WHAT_START_DOES}</h3>
                            <ol class="uids">
                                {words::START_STEPS
                                    .map(|(says, rule, mark)| {
                                        view! { <li>{glyph(mark)} <span>{says}</span> {rule_mark(rule)}</li> }
                                    })}
                            </ol>
                            <p class="meta">{words::START_FAILS} " " {rule_mark(RuleId::S4)}</p>
                        </section>
                        <section>
                            <h3>{words::WHAT_IT_COSTS}</h3>
                            <dl class="facts">
                                <dt>"Billed"</dt><dd>{move || words::billed_after(form.others().len())}</dd>
                                <dt>"Sessions (PCW)"</dt>
                                <dd>{move || words::pcw_after(form.sessions_now(), form.app_setup(|app| app.pcw).unwrap_or(limits::CONCURRENT_SESSIONS))}</dd>
                                <dt>"Calls"</dt><dd>{words::CALLS_COST}</dd>
                            </dl>
                        </section>
                    </aside>
                </div>
                // Enter in a field presses this one; the seen button explains itself when it cannot be pressed.
                <button type="submit" class="unseen" tabindex="-1" aria-hidden="true"></button>
            </form>
            {footer(obstacle, words::CANCEL, Signal::stored(words::START_RECORDING.to_owned()), Kind::Primary, move || router.close_dialog(), press)}
        </Dialog>
    }
}

fn checks_title(form: Form) -> String {
    let checks = form.checks();
    let count = |tone| checks.iter().filter(|check| check.tone == tone).count();
    words::checks_title(count(Tone::Critical), count(Tone::Caution), count(Tone::Recording))
}

fn storage_field(form: Form) -> impl IntoView {
    let options = move || {
        let chosen = form.storage.get();
        form.app_setup(|app| {
            app.storage
                .iter()
                .map(|storage| {
                    view! { <option value=storage.name.clone() selected=storage.name == chosen>{format!("{} · {}", storage.name, storage.place)}</option> }
                })
                .collect::<Vec<_>>()
        })
    };
    let prefix = move || {
        form.prefix().filter(|prefix| !prefix.is_empty()).map(|prefix| words::prefix(&prefix.join("/")))
    };
    let apps = move || {
        form.desk.setup.with(|setup| {
            let apps = &setup.as_ref()?.apps;
            (apps.len() > 1).then(|| {
                let options: Vec<_> = apps.iter().map(|app| view! { <option value=app.name.clone()>{app.name.clone()}</option> }).collect();
                view! {
                    <div class="field">
                        <label for="start-app">"App"</label>
                        <select id="start-app" on:change=move |event| form.app.set(event_target_value(&event))>{options}</select>
                    </div>
                }
            })
        })
    };
    view! {
        <div class="fields">
            {apps}
            <div class="field">
                <label for="start-storage">"Storage profile"</label>
                <select id="start-storage" aria-describedby="start-storage-hint" on:change=move |event| form.storage.set(event_target_value(&event))>
                    {options}
                </select>
                <p class="hint" id="start-storage-hint">{prefix} " " {words::KEYS_STAY}</p>
            </div>
        </div>
    }
}

fn mode_choices(form: Form) -> impl IntoView {
    move || {
        // The form has the fields of composite mode so far.
        let offered = [Mode::Mix];
        let all = [Mode::Mix, Mode::Individual, Mode::Web].map(|mode| Choice {
            value: mode.as_str().to_owned(),
            name: words::capital(words::mode(mode)),
            says: words::mode_says(mode).to_owned(),
            blocked: (!offered.contains(&mode)).then(|| words::MODE_NOT_OFFERED.to_owned()),
        });
        choices("mode", words::MODE.into_any(), all.to_vec(), form.mode)
    }
}

fn policy_choices(form: Form) -> impl IntoView {
    move || {
        form.desk.setup.with(|setup| {
            let policies = &setup.as_ref()?.policies;
            let all = policies
                .iter()
                .map(|named| Choice {
                    value: named.name.clone(),
                    name: words::policy_name(&named.name, named.policy.patience),
                    says: words::policy_says(named.policy.patience).to_owned(),
                    blocked: None,
                })
                .collect();
            let legend = view! { {words::IF_404} {rule_mark(RuleId::M3)} }.into_any();
            Some(choices("policy", legend, all, form.policy))
        })
    }
}

/// S10: what records in this channel already, and what another recording costs.
fn beside(form: Form) -> impl IntoView {
    let others = Memo::new(move |_| form.others());
    move || {
        let others = others.get();
        (!others.is_empty()).then(|| {
            let channel = form.channel.get_untracked();
            let named: Vec<_> = others
                .iter()
                .filter_map(|id| form.desk.recording_now(id))
                .map(|recording| {
                    let standing = Standing::of(&recording, form.desk.clock.now());
                    let state = words::standing::word(standing).to_lowercase();
                    let href = Route::to(Screen::Recording(recording.id.clone())).href();
                    view! { <li><a href=href>{recording.id.to_string()}</a> {words::beside_line(&state, &recording.asked_by)}</li> }
                })
                .collect();
            view! {
                <Banner tone=Tone::Caution mark=Glyph::Caution boxed=true>
                    <div>
                        <p><b>{words::channel_has_live(&channel)}</b> " " {words::BOTH_BILLED} " " {rule_mark(RuleId::S10)}</p>
                        <ul>{named}</ul>
                        <label class="tick">
                            <input type="checkbox" prop:checked=move || form.beside.get() on:change=move |event| form.beside.set(event_target_checked(&event)) />
                            {words::record_beside(&channel)}
                        </label>
                    </div>
                </Banner>
            }
        })
    }
}
