//! Watch a recording that already runs: a form takes its ids, and the next query proves it.

use agora::{ChannelName, Mode, ResourceId, Sid, Uid};
use leptos::prelude::*;
use rules::api::{AdoptRecording, Asked, Capability};

use super::actions::{Sending, footer, problem_banner};
use crate::desk::Desk;
use crate::parts::announcer::Announcer;
use crate::parts::button::Kind;
use crate::parts::choice::{Choice, choices};
use crate::parts::dialog::Dialog;
use crate::parts::field::{Finding, TextField};
use crate::route::{Route, Router, Screen, api};
use crate::socket::{FormKey, Socket};
use crate::words;

/// The dialog.
#[component]
pub fn WatchDialog() -> impl IntoView {
    let (desk, router, socket) =
        (expect_context::<Desk>(), expect_context::<Router>(), expect_context::<Socket>());
    let text = || RwSignal::new(String::new());
    let (channel, uid, resource, sid, app) = (text(), text(), text(), text(), text());
    let mode = RwSignal::new(Mode::Mix.as_str().to_owned());
    Effect::new(move |_| {
        let first = desk.setup.with(|setup| setup.as_ref()?.apps.first().map(|app| app.name.clone()));
        app.set(first.unwrap_or_default());
    });
    let request = move || -> Result<AdoptRecording, String> {
        let sentence = |error: agora::ids::IdError| words::sentence(&error.to_string());
        Ok(AdoptRecording {
            app: app.get(),
            channel: ChannelName::parse(channel.get()).map_err(sentence)?,
            mode: mode.with(|mode| Mode::parse(mode)).unwrap_or_default(),
            uid: uid.with(|uid| Uid::parse(uid)).map_err(sentence)?,
            resource_id: ResourceId::parse(resource.get().trim().to_owned()).map_err(sentence)?,
            sid: Sid::parse(sid.get().trim().to_owned()).map_err(sentence)?,
        })
    };
    let sending = Sending::new();
    let obstacle =
        Signal::derive(move || sending.obstacle(desk, Capability::Operate).or_else(|| request().err()));
    let key = FormKey::new();
    let press = move || {
        let Ok(request) = request() else { return };
        let key = key.of(&request);
        let announcer = use_context::<Announcer>();
        let channel = request.channel.to_string();
        sending.send(
            async move { socket.command::<Asked>(api::ADOPT, &request, Some(&key)).await },
            move |asked| {
                if let Some(announcer) = announcer {
                    announcer.say(words::watched(&channel));
                }
                router.go_on(Route::to(Screen::Recording(asked.recording)));
            },
        );
    };
    // A field says what is wrong once something is in it.
    let finding = move |value: RwSignal<String>, check: fn(String) -> Result<(), agora::ids::IdError>| {
        Signal::derive(move || {
            let text = value.get();
            if text.is_empty() {
                return None;
            }
            check(text).err().map(|error| Finding { blocks: true, says: words::sentence(&error.to_string()) })
        })
    };
    let modes = move || {
        let offered = desk
            .setup
            .with(|setup| setup.as_ref().and_then(|setup| setup.apps.first().map(|app| app.modes.clone())));
        let offered = offered.unwrap_or_else(|| vec![Mode::Mix]);
        let all = [Mode::Mix, Mode::Individual, Mode::Web].map(|mode| Choice {
            value: mode.as_str().to_owned(),
            name: words::capital(words::mode(mode)),
            says: words::mode_says(mode).to_owned(),
            blocked: (!offered.contains(&mode)).then(|| words::MODE_NOT_OFFERED.to_owned()),
        });
        choices("watch-mode", words::MODE.into_any(), all.to_vec(), mode)
    };
    view! {
        <Dialog id="watch-title" title=words::WATCH_TITLE.to_owned() class="wide" on_close=Callback::new(move |()| router.close_dialog())>
            <div class="body">
                <p>{words::WATCH_DOES}</p>
                <div class="fields">
                    <div class="pair">
                        <TextField id="watch-channel" label="Channel" value=channel hint=words::WATCH_CHANNEL_HINT.to_owned() finding=finding(channel, |text| ChannelName::parse(text).map(|_| ())) autofocus=true />
                        <TextField id="watch-uid" label="UID of its acquire" value=uid hint=words::WATCH_UID_HINT.to_owned() finding=finding(uid, |text| Uid::parse(&text).map(|_| ())) mono=true digits=true />
                    </div>
                    <TextField id="watch-resource" label="Resource ID" value=resource hint=words::WATCH_RESOURCE_HINT.to_owned() finding=finding(resource, |text| ResourceId::parse(text.trim().to_owned()).map(|_| ())) mono=true />
                    <TextField id="watch-sid" label="Recording ID (sid)" value=sid hint=words::WATCH_SID_HINT.to_owned() finding=finding(sid, |text| Sid::parse(text.trim().to_owned()).map(|_| ())) mono=true />
                    {modes}
                </div>
                {problem_banner(sending.problem)}
            </div>
            {footer(obstacle, words::CANCEL, Signal::stored(words::WATCH_PRESS.to_owned()), Kind::Primary, move || router.close_dialog(), press)}
        </Dialog>
    }
}
