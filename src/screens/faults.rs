//! What can be broken in a demonstration, and the six sample recordings.

use agora::{ChannelName, RecordingSettings};
use leptos::prelude::*;
use rules::api::{Asked, Capability, Problem, RequestRecording};
use serde_json::{Value, json};

use super::actions::{Sending, problem_banner};
use crate::desk::Desk;
use crate::parts::announcer::Announcer;
use crate::parts::icon::{Glyph, Tone, glyph};
use crate::route::api;
use crate::socket::{Socket, new_key};
use crate::words;

/// The channels of the six sample recordings.
pub const SAMPLES: [&str; 6] = ["math-7b", "chem-1", "phys-2a", "econ-5", "lang-6", "music-2"];

/// The button that starts six sample recordings.
pub fn sample_button() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let socket = expect_context::<Socket>();
    let sending = Sending::new();
    let obstacle = Memo::new(move |_| sending.obstacle(desk, Capability::Operate));
    let press = move |_| {
        if obstacle.with_untracked(Option::is_some) {
            return;
        }
        let announcer = use_context::<Announcer>();
        let first = desk.setup.with_untracked(|setup| {
            let app = setup.as_ref()?.apps.first()?;
            Some((app.name.clone(), app.storage.first()?.name.clone()))
        });
        let Some((app, storage)) = first else { return };
        sending.send(
            async move {
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
                    };
                    match socket.command::<Asked>(api::RECORDINGS, &request, Some(&new_key())).await {
                        // One that records already needs no second one.
                        Err(problem) if problem.status != 409 => return Err(problem),
                        Ok(_) | Err(_) => {}
                    }
                }
                Ok::<(), Problem>(())
            },
            move |()| {
                if let Some(announcer) = announcer {
                    announcer.say(words::SAMPLES_STARTED.to_owned());
                }
            },
        );
    };
    view! {
        <button
            class="button large"
            type="button"
            aria-disabled=move || obstacle.with(Option::is_some).then_some("true")
            on:click=press
        >
            {words::START_SAMPLES}
        </button>
        {problem_banner(sending.problem)}
    }
}

/// A fault that can be asked for.
struct Fault {
    name: &'static str,
    says: &'static str,
    mark: Glyph,
    tone: Tone,
    /// Whether it meets one channel.
    channel: bool,
    body: fn(&str) -> Value,
}

const FAULTS: [Fault; 12] = [
    Fault {
        name: "Kill the process",
        says: "Another server goes on within 30 s; queries answer 404 until then.",
        mark: Glyph::Failover,
        tone: Tone::Failover,
        channel: true,
        body: |channel| json!({"fault": "kill", "cname": channel}),
    },
    Fault {
        name: "Disconnect the server",
        says: "It is tried to be reached again for 60 s, then another server goes on within 90 s.",
        mark: Glyph::Failover,
        tone: Tone::Failover,
        channel: true,
        body: |channel| json!({"fault": "disconnect", "cname": channel}),
    },
    Fault {
        name: "End the session",
        says: "It ends for good, without a failover: it will be deemed lost and replaced.",
        mark: Glyph::Critical,
        tone: Tone::Critical,
        channel: true,
        body: |channel| json!({"fault": "end", "cname": channel}),
    },
    Fault {
        name: "Answer start with 500, four times",
        says: "A start is sent again after 3, 6 and 9 s; then the backup UID has its turn.",
        mark: Glyph::Retry,
        tone: Tone::Caution,
        channel: false,
        body: |_| json!({"fault": "answer", "operation": "start", "times": 4, "status": 500}),
    },
    Fault {
        name: "Answer start with 500, always",
        says: "Both UIDs fail: an alarm, and one try a minute. Clear the faults to end it.",
        mark: Glyph::Critical,
        tone: Tone::Critical,
        channel: false,
        body: |_| json!({"fault": "answer", "operation": "start", "times": 100_000, "status": 500}),
    },
    Fault {
        name: "Answer query with 504, five times",
        says: "Unclear whether it still records: asked again after 5, 10, 15 and 30 s.",
        mark: Glyph::Retry,
        tone: Tone::Caution,
        channel: false,
        body: |_| json!({"fault": "answer", "operation": "query", "times": 5, "status": 504}),
    },
    Fault {
        name: "Code 65 to the next start",
        says: "Unclear whether it was carried out: sent again on the same resource ID.",
        mark: Glyph::Retry,
        tone: Tone::Caution,
        channel: false,
        body: |_| json!({"fault": "answer", "operation": "start", "times": 1, "status": 206, "code": 65}),
    },
    Fault {
        name: "Refuse the next acquire",
        says: "400 is final: nothing is sent again, and someone must look.",
        mark: Glyph::Critical,
        tone: Tone::Critical,
        channel: false,
        body: |_| json!({"fault": "answer", "operation": "acquire", "times": 1, "status": 400}),
    },
    Fault {
        name: "A storm of 429",
        says: "The next ten calls are one too many: sent again after 1, 3 and 6 s.",
        mark: Glyph::Retry,
        tone: Tone::Caution,
        channel: false,
        body: |_| json!({"fault": "answer", "times": 10, "status": 429}),
    },
    Fault {
        name: "Lose the next five answers",
        says: "The calls are carried out and their answers never come.",
        mark: Glyph::Unknown,
        tone: Tone::Caution,
        channel: false,
        body: |_| json!({"fault": "answer_lost", "times": 5}),
    },
    Fault {
        name: "First domain down for 60 s",
        says: "Calls go to the other domain; the one that answers stays first.",
        mark: Glyph::Retry,
        tone: Tone::Caution,
        channel: false,
        body: |_| json!({"fault": "domain_down", "domain": "primary", "for_ms": 60_000}),
    },
    Fault {
        name: "Both domains down for 60 s",
        says: "Nothing answers. What records goes on; stops are sent until they are answered.",
        mark: Glyph::Critical,
        tone: Tone::Critical,
        channel: false,
        body: |_| json!([{"fault": "domain_down", "domain": "primary", "for_ms": 60_000}, {"fault": "domain_down", "domain": "secondary", "for_ms": 60_000}]),
    },
];

/// The screen.
#[component]
pub fn FaultsScreen() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let socket = expect_context::<Socket>();
    let announcer = use_context::<Announcer>();
    let sending = Sending::new();
    let channel = RwSignal::new(String::new());
    let channels = Memo::new(move |_| {
        desk.ids.track();
        let mut channels: Vec<String> = desk.client.with_value(|client| {
            client
                .recordings()
                .values()
                .filter(|recording| !recording.settled())
                .map(|recording| recording.channel.to_string())
                .collect()
        });
        channels.sort();
        channels.dedup();
        channels
    });
    Effect::new(move |_| {
        channels.with(|channels| {
            if !channels.contains(&channel.get_untracked()) {
                channel.set(channels.first().cloned().unwrap_or_default());
            }
        });
    });
    let ask = move |name: &'static str, body: Value| {
        sending.send(async move { socket.command::<Value>(api::FAULTS, &body, None).await }, move |_| {
            if let Some(announcer) = announcer {
                announcer.say(words::fault_asked(name));
            }
        });
    };
    let clear = move |_| {
        sending.send(
            async move { socket.command::<Value>(api::CLEAR_FAULTS, &json!({}), None).await },
            move |_| {
                if let Some(announcer) = announcer {
                    announcer.say(words::FAULTS_CLEARED.to_owned());
                }
            },
        );
    };
    let cards: Vec<_> = FAULTS
        .into_iter()
        .map(|fault| {
            let Fault { name, says, mark, tone, channel: of_channel, body } = fault;
            let blocked = Memo::new(move |_| {
                sending.obstacle(desk, Capability::Simulate).is_some()
                    || (of_channel && channel.with(String::is_empty))
            });
            let press = move |_| {
                if !blocked.get_untracked() {
                    ask(name, body(&channel.get_untracked()));
                }
            };
            view! {
                <li class="panel fault" data-tone=tone.name()>
                    {glyph(mark)}
                    <div>
                        <h2>{name}</h2>
                        <p class="quiet">{says}</p>
                    </div>
                    <button
                        class="button"
                        type="button"
                        aria-label=format!("Break: {name}")
                        aria-disabled=move || blocked.get().then_some("true")
                        on:click=press
                    >
                        {words::BREAK}
                    </button>
                </li>
            }
        })
        .collect();
    let options = move || {
        channels.get().into_iter().map(|name| view! { <option value=name.clone() selected=channel.with_untracked(|chosen| *chosen == name)>{name.clone()}</option> }).collect::<Vec<_>>()
    };
    view! {
        <div class="faults">
            <header>
                <h1 id="faults-title" tabindex="-1">{words::FAULTS_TITLE}</h1>
                <p class="quiet">{words::FAULTS_SAY}</p>
            </header>
            <div class="faults-bar">
                <div class="field">
                    <label for="fault-channel">{words::FAULT_CHANNEL}</label>
                    <select id="fault-channel" on:change=move |event| channel.set(event_target_value(&event))>{options}</select>
                </div>
                <span class="buttons">
                    {sample_button()} <button class="button large" type="button" on:click=clear>{words::CLEAR_FAULTS}</button>
                </span>
            </div>
            {problem_banner(sending.problem)}
            <ul class="grid">{cards}</ul>
        </div>
    }
}
