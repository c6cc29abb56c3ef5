//! Watch a recording that already runs: a form takes its ids, and the next query proves it.

use agora::{ChannelName, Mode, ResourceId, Sid, Uid};
use leptos::prelude::*;
use rules::api::{AdoptRecording, Capability};

use super::actions::{Sending, footer, opened, problem_banner};
use super::start::mode_choices;
use crate::desk::Desk;
use crate::dom::{Node, el};
use crate::here::here;
use crate::nodes;
use crate::parts::button::Kind;
use crate::parts::dialog::dialog;
use crate::parts::field::{Finding, TextField, text_field};
use crate::route::api;
use crate::socket::FormKey;
use crate::words;

/// What is typed.
#[derive(Clone, Copy)]
struct Form {
    channel: RwSignal<String>,
    uid: RwSignal<String>,
    resource: RwSignal<String>,
    sid: RwSignal<String>,
    mode: RwSignal<String>,
}

/// The dialog.
pub fn watch_dialog() -> Node {
    opened(|sending| {
        let desk = here().desk;
        let text = || RwSignal::new(String::new());
        let form = Form {
            channel: text(),
            uid: text(),
            resource: text(),
            sid: text(),
            mode: RwSignal::new(Mode::Mix.as_str().to_owned()),
        };
        let key = FormKey::new();
        move || draw(sending, desk, form, &key)
    })
}

fn draw(sending: Sending, desk: Desk, form: Form, key: &FormKey) -> Node {
    let app = desk.setup.with(|setup| setup.as_ref()?.apps.first().cloned());
    let channel = ChannelName::parse(form.channel.get())
        .map_err(|_| form.channel.with(|text| words::bad_channel(text)));
    let uid = form.uid.with(|uid| Uid::parse(uid)).map_err(|_| words::said(words::BAD_UID));
    let resource = ResourceId::parse(form.resource.get().trim().to_owned())
        .map_err(|_| words::said(words::BAD_RESOURCE));
    let sid = Sid::parse(form.sid.get().trim().to_owned()).map_err(|_| words::said(words::BAD_SID));
    let fields = [
        field("watch-channel", "Channel", form.channel, words::WATCH_CHANNEL_HINT, channel.as_ref().err()),
        field("watch-uid", "UID of its acquire", form.uid, words::WATCH_UID_HINT, uid.as_ref().err()),
        field(
            "watch-resource",
            "Resource ID",
            form.resource,
            words::WATCH_RESOURCE_HINT,
            resource.as_ref().err(),
        ),
        field("watch-sid", "Recording ID (sid)", form.sid, words::WATCH_SID_HINT, sid.as_ref().err()),
    ];
    let [channel_field, uid_field, resource_field, sid_field] = fields;
    let modes = app.as_ref().map(|app| app.modes.as_slice());
    let body = el("div.body")
        .add(el("p").add(words::WATCH_DOES))
        .add(
            el("div.fields")
                .add(
                    el("div.pair")
                        .add(text_field(TextField { autofocus: true, ..channel_field }))
                        .add(text_field(TextField { mono: true, digits: true, ..uid_field })),
                )
                .add(text_field(TextField { mono: true, ..resource_field }))
                .add(text_field(TextField { mono: true, ..sid_field }))
                .add(mode_choices("watch-mode", modes, form.mode)),
        )
        .add(problem_banner(sending.problem));
    let request = move || {
        Ok(AdoptRecording {
            app: app.map(|app| app.name).unwrap_or_default(),
            channel: channel?,
            mode: form.mode.with(|mode| Mode::parse(mode)).unwrap_or_default(),
            uid: uid?,
            resource_id: resource?,
            sid: sid?,
        })
    };
    let request: Result<AdoptRecording, String> = request();
    let obstacle = sending.obstacle(desk, Capability::Operate).or_else(|| request.as_ref().err().cloned());
    let key = key.clone();
    let press = move || {
        if let Ok(request) = &request {
            let body = serde_json::to_string(request).unwrap_or_default();
            let done = |channel: &str, _| words::watched(channel);
            sending.ask(api::ADOPT, body, &key, request.channel.to_string(), done);
        }
    };
    let close = move || sending.router.close_dialog();
    let content =
        nodes![body, footer(obstacle, words::CANCEL, words::WATCH_PRESS, Kind::Primary, close, press)];
    dialog("watch-title", words::WATCH_TITLE.into(), "wide", close, content).into()
}

/// A field says what is wrong once something is in it.
fn field(
    id: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    hint: &'static str,
    wrong: Option<&String>,
) -> TextField {
    let wrong = wrong.filter(|_| !value.with(String::is_empty));
    let finding = wrong.map(|says| Finding { blocks: true, says: says.clone().into() });
    TextField { finding, ..TextField::new(id, label, value, hint) }
}
