//! What can be broken in a demonstration, and the six sample recordings.

use agora::{ChannelName, RecordingSettings};
use leptos::prelude::*;
use rules::api::{Capability, Problem, RequestRecording};

use super::actions::{NO_BODY, Sending, problem_banner};
use crate::desk::Desk;
use crate::dom::{Element, Node, el, part};
use crate::here::here;
use crate::nodes;
use crate::parts::icon::{Glyph, Tone, glyph};
use crate::route::api;
use crate::socket::{Socket, new_key};
use crate::words;

/// The channels of the six sample recordings.
pub const SAMPLES: [&str; 6] = ["math-7b", "chem-1", "phys-2a", "econ-5", "lang-6", "music-2"];

/// The button that starts six sample recordings.
pub fn sample_button() -> Node {
    part("samples", || {
        let (desk, socket, announcer) = (here().desk, here().socket, here().announcer);
        let sending = Sending::new();
        move || {
            let blocked = sending.obstacle(desk, Capability::Operate).is_some();
            let press = move || {
                let first = desk.setup.with_untracked(|setup| {
                    let app = setup.as_ref()?.apps.first()?;
                    Some((app.name.clone(), app.storage.first()?.name.clone()))
                });
                let Some((app, storage)) = first else { return };
                sending.send(async move {
                    start_samples(socket, app, storage).await?;
                    announcer.say(words::said(words::SAMPLES_STARTED));
                    Ok(())
                });
            };
            nodes![
                button("button large", words::START_SAMPLES, blocked, press),
                problem_banner(sending.problem)
            ]
        }
    })
}

async fn start_samples(socket: Socket, app: String, storage: String) -> Result<(), Problem> {
    for name in SAMPLES {
        let Ok(channel) = ChannelName::parse(name) else { continue };
        let request = RequestRecording {
            app: app.clone(),
            channel,
            uids: None,
            storage: storage.clone(),
            settings: RecordingSettings::default(),
            policy: None,
            beside: false,
            assured: false,
        };
        let body = serde_json::to_string(&request).unwrap_or_default();
        match socket.order(api::RECORDINGS, body, Some(&new_key())).await {
            // One that records already needs no second one.
            Err(problem) if problem.status != 409 => return Err(problem),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn button(class: &'static str, text: &'static str, blocked: bool, press: impl Fn() + 'static) -> Element {
    el("button")
        .set("class", class)
        .set("type", "button")
        .set_some("aria-disabled", blocked.then_some("true"))
        .on("click", move |_| {
            if !blocked {
                press();
            }
        })
        .add(text)
}

/// A fault that can be asked for.
struct Fault {
    name: &'static str,
    says: &'static str,
    mark: Glyph,
    tone: Tone,
    /// Whether it meets one channel.
    channel: bool,
    /// What is asked for, as JSON. If it meets one channel, the channel's name and a closing brace are missing.
    body: &'static str,
}

static FAULTS: [Fault; 12] = [
    Fault {
        name: "Kill the process",
        says: "Another server goes on within 30 s; queries answer 404 until then.",
        mark: Glyph::Failover,
        tone: Tone::Failover,
        channel: true,
        body: r#"{"fault":"kill","cname":"#,
    },
    Fault {
        name: "Disconnect the server",
        says: "It is tried to be reached again for 60 s, then another server goes on within 90 s.",
        mark: Glyph::Failover,
        tone: Tone::Failover,
        channel: true,
        body: r#"{"fault":"disconnect","cname":"#,
    },
    Fault {
        name: "End the session",
        says: "It ends for good, without a failover: it will be deemed lost and replaced.",
        mark: Glyph::Critical,
        tone: Tone::Critical,
        channel: true,
        body: r#"{"fault":"end","cname":"#,
    },
    Fault {
        name: "Answer start with 500, four times",
        says: "A start is sent again after 3, 6 and 9 s; then the backup UID has its turn.",
        mark: Glyph::Retry,
        tone: Tone::Caution,
        channel: false,
        body: r#"{"fault":"answer","operation":"start","times":4,"status":500}"#,
    },
    Fault {
        name: "Answer start with 500, always",
        says: "Both UIDs fail: an alarm, and one try a minute. Clear the faults to end it.",
        mark: Glyph::Critical,
        tone: Tone::Critical,
        channel: false,
        body: r#"{"fault":"answer","operation":"start","times":100000,"status":500}"#,
    },
    Fault {
        name: "Answer query with 504, five times",
        says: "Unclear whether it still records: asked again after 5, 10, 15 and 30 s.",
        mark: Glyph::Retry,
        tone: Tone::Caution,
        channel: false,
        body: r#"{"fault":"answer","operation":"query","times":5,"status":504}"#,
    },
    Fault {
        name: "Code 65 to the next start",
        says: "Unclear whether it was carried out: sent again on the same resource ID.",
        mark: Glyph::Retry,
        tone: Tone::Caution,
        channel: false,
        body: r#"{"fault":"answer","operation":"start","times":1,"status":206,"code":65}"#,
    },
    Fault {
        name: "Refuse the next acquire",
        says: "400 is final: nothing is sent again, and someone must look.",
        mark: Glyph::Critical,
        tone: Tone::Critical,
        channel: false,
        body: r#"{"fault":"answer","operation":"acquire","times":1,"status":400}"#,
    },
    Fault {
        name: "A storm of 429",
        says: "The next ten calls are one too many: sent again after 1, 3 and 6 s.",
        mark: Glyph::Retry,
        tone: Tone::Caution,
        channel: false,
        body: r#"{"fault":"answer","times":10,"status":429}"#,
    },
    Fault {
        name: "Lose the next five answers",
        says: "The calls are carried out and their answers never come.",
        mark: Glyph::Unknown,
        tone: Tone::Caution,
        channel: false,
        body: r#"{"fault":"answer_lost","times":5}"#,
    },
    Fault {
        name: "First domain down for 60 s",
        says: "Calls go to the other domain; the one that answers stays first.",
        mark: Glyph::Retry,
        tone: Tone::Caution,
        channel: false,
        body: r#"{"fault":"domain_down","domain":"primary","for_ms":60000}"#,
    },
    Fault {
        name: "Both domains down for 60 s",
        says: "Nothing answers. What records goes on; stops are sent until they are answered.",
        mark: Glyph::Critical,
        tone: Tone::Critical,
        channel: false,
        body: r#"[{"fault":"domain_down","domain":"primary","for_ms":60000},{"fault":"domain_down","domain":"secondary","for_ms":60000}]"#,
    },
];

/// The screen.
pub fn faults_screen() -> Node {
    part("faults", || {
        let desk = here().desk;
        let sending = Sending::new();
        // A channel that does not record any more stands for the first one that does.
        let chosen = RwSignal::new(String::new());
        move || {
            let channels = channels(desk);
            let channel = chosen.with(|chosen| channels.iter().find(|known| *known == chosen));
            let channel = channel.or(channels.first()).cloned().unwrap_or_default();
            let mut select = el("select")
                .id("fault-channel")
                .value(channel.clone())
                .on("change", move |event| chosen.set(event_target_value(event)));
            for name in channels {
                select = select.add(el("option").set("value", name.clone()).add(name));
            }
            let label = el("label").set("for", "fault-channel").add(words::FAULT_CHANNEL);
            let clear = move || {
                let done = words::said(words::FAULTS_CLEARED);
                sending.post(api::CLEAR_FAULTS.to_owned(), NO_BODY.to_owned(), done, Box::new(|| ()));
            };
            let buttons = el("span.buttons").add(sample_button()).add(button(
                "button large",
                words::CLEAR_FAULTS,
                false,
                clear,
            ));
            let refused = sending.obstacle(desk, Capability::Simulate).is_some();
            let mut cards = el("ul.grid");
            for fault in &FAULTS {
                cards = cards.add(card(fault, sending, &channel, refused));
            }
            let header = el("header")
                .add(el("h1").id("faults-title").set("tabindex", "-1").add(words::FAULTS_TITLE))
                .add(el("p.quiet").add(words::FAULTS_SAY));
            el("div.faults")
                .add(header)
                .add(el("div.faults-bar").add(el("div.field").add(label).add(select)).add(buttons))
                .add(problem_banner(sending.problem))
                .add(cards)
                .into()
        }
    })
}

/// The channels that something records in, by name.
fn channels(desk: Desk) -> Vec<String> {
    desk.ids.track();
    let mut channels = Vec::new();
    desk.client.with_value(|client| {
        for recording in client.recordings().values() {
            if !recording.settled() {
                channels.push(recording.channel.to_string());
            }
        }
    });
    channels.sort();
    channels.dedup();
    channels
}

fn card(fault: &'static Fault, sending: Sending, channel: &str, refused: bool) -> Element {
    let blocked = refused || (fault.channel && channel.is_empty());
    let channel = channel.to_owned();
    let press = move || {
        let body = match fault.channel {
            true => [fault.body, &serde_json::to_string(&channel).unwrap_or_default(), "}"].concat(),
            false => fault.body.to_owned(),
        };
        let done = words::fault_asked(fault.name);
        sending.post(api::FAULTS.to_owned(), body, done, Box::new(|| ()));
    };
    let says = el("div").add(el("h2").add(fault.name)).add(el("p.quiet").add(fault.says));
    let name = words::break_by(words::translated(fault.name));
    el("li.panel.fault")
        .set("data-tone", fault.tone.name())
        .add(glyph(fault.mark))
        .add(says)
        .add(button("button", words::BREAK, blocked, press).set("aria-label", name))
}
