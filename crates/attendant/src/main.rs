//! `tallylight-attendant`: the same rules as in the page, without a screen, for nights.
//!
//! It takes the leases that the proxy offers it, which are those that no page acts for, and gives one back as soon as a
//! person acts. It decides nothing itself: [`client`] does, and [`attend`] moves its bytes and its time.

mod attend;
mod server;
mod stream;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use secrecy::SecretString;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use attend::How;
use server::Server;

/// A command line or a token that cannot be used, as an exit status.
const BAD_CONFIGURATION: u8 = 2;

/// The shortest token that the proxy accepts, in characters.
const TOKEN_MIN: usize = 32;
/// A longer one fits into no header.
const TOKEN_MAX: usize = 512;

/// Acts for recordings by the rules while no page does
#[derive(Parser)]
#[command(name = "tallylight-attendant", version, arg_required_else_help = true)]
struct Arguments {
    /// The address of the proxy, such as `https://api.example.org`
    #[arg(long, value_name = "URL")]
    server: String,
    /// The file that holds the token of a [[token]] with the role `attendant`
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Ends when nothing that nobody acts for is due any more, instead of staying
    #[arg(long)]
    once: bool,
}

fn main() -> ExitCode {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return fail("two providers of cryptography are compiled in", 1);
    }
    log();
    let Arguments { server, token_file, once } = Arguments::parse();
    // Read before anything is begun, so that a mistake is told at once and not in the night.
    if let Err(sentence) = token_of(&token_file) {
        return fail(&sentence, BAD_CONFIGURATION);
    }
    let server = match Server::parse(&server) {
        Ok(server) => server,
        Err(sentence) => return fail(&sentence, BAD_CONFIGURATION),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("it cannot be started: {error}"), 1),
    };
    let how = if once { How::Once } else { How::ForEver };
    let attended = runtime.block_on(async {
        // Read anew with every connection: a token is changed without a restart.
        attend::attend(&server, how, || token_of(&token_file), ended()).await
    });
    match attended {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => fail(&sentence, 1),
    }
}

/// The token that a file holds.
fn token_of(file: &Path) -> Result<SecretString, String> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("the token {name} cannot be read ({error}): name it with --token-file"))?;
    let token = text.trim();
    let fits = (TOKEN_MIN..=TOKEN_MAX).contains(&token.len());
    if !fits || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "the file {name} holds no token: {TOKEN_MIN} to {TOKEN_MAX} visible ASCII characters without spaces"
        ));
    }
    Ok(SecretString::from(token))
}

fn fail(sentence: &str, status: u8) -> ExitCode {
    eprintln!("tallylight-attendant: {sentence}");
    ExitCode::from(status)
}

fn log() {
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    tracing_subscriber::registry().with(layer).with(LevelFilter::INFO).init();
}

/// Resolves when the program is asked to end: Ctrl-C, or SIGTERM where there is such a thing.
async fn ended() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
