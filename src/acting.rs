//! What makes the page take part: the rules, the posting of their steps, and what is fetched beside the stream. The list
//! can be shown without all this, so the built page fetches it later (see `later`).

use agora::Timestamp;
use client::{Client, CommandContext, Eyes, Hands, PostId, PostOutcome, Request};
use gloo_net::http::Method;
use leptos::prelude::*;
use rules::api::{RecordingPage, Setup};
use rules::{Board, Call, Reason, Recording};
use serde::Serialize;

use crate::route::api;
use crate::socket::{PostStep, Socket, bounded, get, with_context};
use crate::tasks::spawn;

/// Names every call that the rules plan for a recording, the earliest first.
pub type Planner = fn(&Recording, &Board, Timestamp) -> Vec<(Timestamp, Call, Reason)>;

/// What the page acts with.
#[derive(Clone, Copy)]
pub struct Acting {
    eyes: fn() -> Eyes,
    hands: fn() -> Hands,
    planner: Planner,
    post: PostStep,
    /// Fetches what is not on the stream: to be called with every new connection.
    pub fetch: fn(Socket),
}

/// All of it.
pub const fn acting() -> Acting {
    Acting {
        eyes: Eyes::new,
        hands: Hands::new,
        planner: rules::planned,
        post: post_step,
        fetch: fetch_what_the_stream_does_not_tell,
    }
}

impl Acting {
    /// The page takes part from now on.
    pub fn begin(self, socket: Socket) {
        socket.desk.plan_with(self.planner);
        socket.take_part((self.eyes)(), (self.hands)(), self.post);
    }
}

fn post_step(socket: Socket, id: PostId, request: Request) {
    let context = socket.desk.client.with_value(Client::command_context);
    spawn(async move {
        let outcome = match &request {
            Request::Call(recording, body) => step(&api::command(recording, "calls"), body, context).await,
            Request::Decision(recording, body) => {
                step(&api::command(recording, "decisions"), body, context).await
            }
            Request::Claim(body) => step(api::LEASES, body, context).await,
        };
        socket.tell(|client| client.answered(id, outcome, crate::clock::moment()));
    });
}

async fn step(path: &str, body: &impl Serialize, context: Option<CommandContext>) -> PostOutcome {
    let request = with_context(bounded(path), context).method(Method::POST);
    let Ok(request) = request.json(body) else { return PostOutcome::Unreachable };
    match request.send().await {
        Err(_) => PostOutcome::Unreachable,
        Ok(answer) => PostOutcome::of_answer(answer.status(), &answer.text().await.unwrap_or_default()),
    }
}

fn fetch_what_the_stream_does_not_tell(socket: Socket) {
    let desk = socket.desk;
    // What the signed-in person can ask for.
    spawn(async move {
        if let Ok(setup) = get::<Setup>(api::SETUP).await {
            desk.setup.set(Some(setup));
        }
    });
    // The newest of those that ended.
    spawn(async move {
        if let Ok(page) = get::<RecordingPage>(api::ENDED).await {
            desk.take_older(page.recordings);
        }
    });
    crate::screens::pause::look_for_another_build();
    // The texts of the rules, once: they are wanted most when the connection is lost.
    if desk.rule_texts.with_untracked(Vec::is_empty) {
        spawn(async move {
            if let Ok(texts) = get(api::RULE_TEXTS).await {
                desk.rule_texts.set(texts);
            }
        });
    }
}
