//! The simulated Cloud Recording service on loopback: reads requests off connections, asks the service what to answer
//! and when, and writes it, or closes the connection without an answer.

mod arguments;
mod clock;
mod listener;
mod play;
mod webhook;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::Parser as _;
use serde_json::json;
use simulator::Service;
use tokio::sync::Notify;

use crate::arguments::Arguments;
use crate::clock::Clock;
use crate::listener::{Listener, Shared};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help goes to the standard output and is no failure.
            let code = if error.use_stderr() { 2 } else { 0 };
            // A closed output leaves nobody to tell.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tallylight-simulator: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    let config = arguments.config()?;
    let addresses = arguments.addresses()?;
    let (webhook, scenario) = (arguments.webhook()?, arguments.scenario()?);
    let clock = Clock::new(arguments.clock_origin, arguments.clock_rate)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async move {
        let began = clock.now();
        let shared = Arc::new(Shared {
            service: Mutex::new(Service::new(config, arguments.seed)),
            clock,
            faults_changed: Notify::new(),
            something_told: Notify::new(),
            scenario: json!({ "began": began, "scenario": scenario }).to_string(),
        });
        let mut lines = String::new();
        let mut listeners = Vec::new();
        for (domain, address) in addresses {
            let listener = Listener::bind(domain, address)
                .map_err(|error| format!("cannot listen on {address}: {error}"))?;
            lines.push_str(&format!("listening on http://{} ({})\n", listener.address(), domain.as_str()));
            listeners.push(listener);
        }
        let ended = ended()?;
        // All at once, and only now: who reads the first line can rely on all listeners and on an orderly end.
        print!("{lines}");
        for listener in listeners {
            tokio::spawn(listener.serve(Arc::clone(&shared)));
        }
        if let Some(webhook) = webhook {
            tokio::spawn(webhook::post_all(Arc::clone(&shared), webhook));
        }
        if let Some(scenario) = scenario {
            tokio::spawn(play::play(Arc::clone(&shared), scenario, began));
        }
        ended.await;
        Ok(())
    })
}

/// Listens from now on to the signals that ask the process to end; the future waits for one.
fn ended() -> Result<impl Future<Output = ()>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen to signals: {error}"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
