//! `tallylight`: the page, the journal and the one way out to the service.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use agora::Timestamp;
use clap::{Args, Parser, Subcommand};
use proxy::bodies::Bodies;
use proxy::clock::{self, JournalClock};
use proxy::config::{Config, Overrides, Problem};
use proxy::server::{self, Parts};
use proxy::store::audit::{AUDIT, AuditRow, Chain, Follow};
use proxy::store::copy::{self, Checked, Closed, Copy, NotRead};
use proxy::store::{JournalTime, SqliteStore};
use proxy::upstream::HttpUpstream;
use proxy::{backup, import, password, reload, statics};
use switchboard::ports::CopiedRow;
use tokio::net::TcpListener;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The build, as every page sees it.
const BUILD: &str = match option_env!("TALLYLIGHT_BUILD") {
    Some(build) => build,
    None => env!("CARGO_PKG_VERSION"),
};

/// A configuration that cannot be used, as an exit status.
const BAD_CONFIGURATION: u8 = 2;

/// How long open requests may take to end after the signal to end.
const DRAIN: Duration = Duration::from_secs(5);

/// The control desk for Agora Cloud Recording
#[derive(Parser)]
#[command(name = "tallylight", version = BUILD, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the page and keeps the journal, until SIGTERM or Ctrl-C
    Serve(Serve),
    /// Checks a configuration and prints what it amounts to, without any secret
    Check(Check),
    /// Copies the whole journal into a new file, also while a proxy serves it
    Backup(Backup),
    /// Reads a whole journal, or a copy of one, and says what is damaged
    Verify(Verify),
    /// Checks the audit, or writes it out
    Audit(Audit),
    /// Writes a bundle of an ended recording into the journal of a demonstration, while no proxy serves it
    Import(Import),
    /// Reads a password from standard input and prints its hash for the configuration
    HashPassword,
}

#[derive(Args)]
struct Serve {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "tallylight.toml")]
    config: PathBuf,
    /// Where to listen, instead of server.listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The folder of the built page, instead of server.assets
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
    /// How much faster than the wall the journal's time runs; only with a simulator
    #[arg(long, value_name = "N")]
    clock_rate: Option<u32>,
    /// Where it begins to, in milliseconds since 1970; the simulator gets the same
    #[arg(long, value_name = "MS", requires = "clock_rate")]
    clock_origin: Option<i64>,
}

#[derive(Args)]
struct Check {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "tallylight.toml")]
    config: PathBuf,
}

#[derive(Args)]
struct Backup {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "tallylight.toml")]
    config: PathBuf,
    /// The file to be made
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Where the running proxy listens, instead of server.listen
    #[arg(long, value_name = "ADDR")]
    server: Option<String>,
}

#[derive(Args)]
struct Verify {
    /// The configuration file, which names the journal
    #[arg(long, value_name = "FILE", default_value = "tallylight.toml")]
    config: PathBuf,
    /// The journal's file, or a copy, instead of the one that the configuration names
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

#[derive(Args)]
struct Audit {
    #[command(subcommand)]
    what: AuditWhat,
}

#[derive(Subcommand)]
enum AuditWhat {
    /// Follows the chain of the audit from its first record to its last, and prints the last one's number and hash
    Verify(AuditVerify),
    /// Prints the audit as JSON lines, oldest first
    Export(AuditExport),
}

#[derive(Args)]
struct AuditOf {
    /// The configuration file, which names the journal
    #[arg(long, value_name = "FILE", default_value = "tallylight.toml")]
    config: PathBuf,
    /// The journal's file, or a copy, instead of the one that the configuration names
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Where the running proxy listens, instead of server.listen
    #[arg(long, value_name = "ADDR", conflicts_with = "journal")]
    server: Option<String>,
}

#[derive(Args)]
struct AuditVerify {
    #[command(flatten)]
    of: AuditOf,
    /// The hash of the newest record that was known: it must be in the chain
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
}

#[derive(Args)]
struct AuditExport {
    #[command(flatten)]
    of: AuditOf,
    /// Only what comes after the record of this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
}

#[derive(Args)]
struct Import {
    /// The configuration file; `server.demo` must be true in it
    #[arg(long, value_name = "FILE", default_value = "tallylight.toml")]
    config: PathBuf,
    /// The bundle, as the page downloads it
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// The App ID's name that it is to belong to, instead of the first of the configuration
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// How many hours ago its last entry is to be
    #[arg(long, value_name = "N", default_value_t = 24)]
    hours_ago: u16,
    /// How much faster than the wall the journal's time runs, as for `serve`
    #[arg(long, value_name = "N")]
    clock_rate: Option<u32>,
    /// Where it begins to, in milliseconds since 1970
    #[arg(long, value_name = "MS", requires = "clock_rate")]
    clock_origin: Option<i64>,
}

fn main() -> ExitCode {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("tallylight: two providers of cryptography are compiled in");
        return ExitCode::FAILURE;
    }
    match Arguments::parse().command {
        Command::Serve(arguments) => serve(arguments),
        Command::Check(arguments) => check(&arguments.config),
        Command::Backup(arguments) => backup(&arguments),
        Command::Verify(arguments) => verify(&arguments),
        Command::Audit(Audit { what: AuditWhat::Verify(arguments) }) => audit_verify(&arguments),
        Command::Audit(Audit { what: AuditWhat::Export(arguments) }) => audit_export(&arguments),
        Command::Import(arguments) => import_bundle(&arguments),
        Command::HashPassword => hash_password(),
    }
}

fn serve(arguments: Serve) -> ExitCode {
    log();
    let overrides = Overrides {
        listen: arguments.listen,
        assets: arguments.assets,
        clock_rate: arguments.clock_rate,
        clock_origin: arguments.clock_origin.map(Timestamp::from_millis),
    };
    let config = match Config::load(&arguments.config, &overrides) {
        Ok(config) => config,
        Err(problems) => return refuse(&arguments.config, &problems),
    };
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no threads can be started: {error}")),
    };
    {
        let _within = runtime.enter();
        runtime.spawn(reload::on_hangup(config.clone(), arguments.config, overrides.clone()));
    }
    let outcome = runtime.block_on(run(&config));
    // What still waits for an answer is closed at the next start (D2).
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => fail(&sentence),
    }
}

async fn run(config: &Config) -> Result<(), String> {
    // The port first: a second instance by mistake is told so, not that its journal is in use.
    let listener = TcpListener::bind(config.listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!(
                "{} is in use: end the program that listens there, or use --listen with another port",
                config.listen
            )
        }
        _ => format!("{} cannot be listened on: {error}", config.listen),
    })?;
    let address = listener.local_addr().map_err(|error| format!("the listener has no address: {error}"))?;
    let time = JournalTime { rate: config.clock_rate, origin: config.clock_origin, now: clock::wall() };
    let opened = SqliteStore::open_or_read(&config.journal, time, config.keep_raw_days)
        .map_err(|error| error.to_string())?;
    tracing::info!("the audit stands at record {}", opened.audit);
    let parts = Parts {
        settings: config.settings(BUILD),
        store: Box::new(opened.store),
        signatures: config.signatures(),
        requests: Box::new(Bodies::new(config.requests(), opened.hash_key)),
        upstream: Arc::new(HttpUpstream::new(config.upstream(), config.simulator())?),
        clock: Arc::new(JournalClock::new(opened.origin, config.clock_rate, opened.newest_at)),
        statics: statics::router(config.assets.as_deref()),
        alerts: config.alerts(),
        page: config.page(),
        shutdown: Box::pin(ended()),
    };
    // A page that does not let go of its connection must not hold up the end.
    let overdue = async {
        ended().await;
        tokio::time::sleep(DRAIN).await;
    };
    println!("listening on http://{address}");
    tokio::select! {
        served = server::serve(parts, listener) => served.map_err(|error| error.to_string()),
        () = overdue => Ok(()),
    }
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

fn check(file: &Path) -> ExitCode {
    match Config::load(file, &Overrides::default()) {
        Ok(config) => {
            println!("{config}");
            for warning in &config.warnings {
                println!("note: {warning}");
            }
            println!("{}: no problem found", file.display());
            ExitCode::SUCCESS
        }
        Err(problems) => {
            for problem in &problems {
                eprintln!("tallylight: {problem}");
            }
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

fn backup(arguments: &Backup) -> ExitCode {
    let config = match Config::load(&arguments.config, &Overrides::default()) {
        Ok(config) => config,
        Err(problems) => return refuse(&arguments.config, &problems),
    };
    match copy_to(&config, arguments) {
        Ok(checked) => {
            println!(
                "{}: {} entries of {} recordings copied, and read back without damage",
                arguments.to.display(),
                checked.entries,
                checked.recordings
            );
            ExitCode::SUCCESS
        }
        Err(sentence) => fail(&sentence),
    }
}

fn copy_to(config: &Config, arguments: &Backup) -> Result<Checked, String> {
    let mut copy = Copy::begin(&arguments.to)?;
    match Closed::open(&config.journal) {
        Ok(mut journal) => {
            journal.complete()?;
            copy.take_all(|table, after| journal.rows(table, after).map_err(|error| error.to_string()))?;
        }
        Err(NotRead::InUse) => {
            let server = arguments.server.clone().unwrap_or_else(|| config.listen.to_string());
            let running = backup::Running::new(&server)?;
            copy.take_all(|table, after| running.rows(table, after))?;
        }
        Err(NotRead::Because(sentence)) => return Err(sentence),
    }
    copy.finish()?;
    let checked = read_back(&arguments.to)?;
    match checked.damage.first() {
        None => Ok(checked),
        Some(first) => Err(format!(
            "{} was written, and is as damaged as the journal: {first} (see `tallylight verify --journal {}`)",
            arguments.to.display(),
            arguments.to.display()
        )),
    }
}

fn read_back(file: &Path) -> Result<Checked, String> {
    match Closed::open(file) {
        Ok(journal) => copy::check(&journal),
        Err(NotRead::Because(sentence)) => Err(sentence),
        Err(NotRead::InUse) => Err(format!(
            "a proxy has the journal {} open: make a copy with `tallylight backup` and verify that",
            file.display()
        )),
    }
}

fn verify(arguments: &Verify) -> ExitCode {
    let file = match &arguments.journal {
        Some(file) => file.clone(),
        None => match Config::load(&arguments.config, &Overrides::default()) {
            Ok(config) => config.journal,
            Err(problems) => return refuse(&arguments.config, &problems),
        },
    };
    let checked = match read_back(&file) {
        Ok(checked) => checked,
        Err(sentence) => return fail(&sentence),
    };
    for what in &checked.damage {
        println!("{what}");
    }
    let Checked { entries, recordings, without_sum, damage, audit } = checked;
    let older = match without_sum {
        0 => String::new(),
        count => format!(" ({count} of an older build, which have no sum to compare)"),
    };
    if damage.is_empty() {
        println!("{}: {entries} entries of {recordings} recordings{older}, no damage found", file.display());
        println!("{}: the audit is whole, up to record {audit}", file.display());
        return ExitCode::SUCCESS;
    }
    fail(&format!(
        "{} is damaged in {} places; {entries} entries of {recordings} recordings could be found{older}",
        file.display(),
        damage.len()
    ))
}

/// Gives the rows after a place.
type NextRows = Box<dyn FnMut(&str) -> Result<Vec<CopiedRow>, String>>;

/// Hands out the rows of the audit one by one, from the file or from the proxy that has it open, until `take` has enough.
fn each_audit_row(
    of: &AuditOf,
    take: &mut dyn FnMut(AuditRow) -> Result<bool, String>,
) -> Result<PathBuf, (bool, String)> {
    let failed = |sentence: String| (false, sentence);
    let (file, listen) = match &of.journal {
        Some(file) => (file.clone(), None),
        None => match Config::load(&of.config, &Overrides::default()) {
            Ok(config) => (config.journal.clone(), Some(config.listen.to_string())),
            Err(problems) => {
                let first = problems.first().map(ToString::to_string).unwrap_or_default();
                return Err((true, first));
            }
        },
    };
    let mut next: NextRows = match Closed::open(&file) {
        Ok(journal) if !journal.has_audit() => return Ok(file),
        Ok(journal) => Box::new(move |after| journal.rows(AUDIT, after).map_err(|error| error.to_string())),
        Err(NotRead::InUse) => {
            let server = of.server.clone().or(listen).ok_or_else(|| {
                failed(format!("a proxy has the journal {} open: name it with --config", file.display()))
            })?;
            let running = backup::Running::new(&server).map_err(failed)?;
            Box::new(move |after| running.rows(AUDIT, after))
        }
        Err(NotRead::Because(sentence)) => return Err(failed(sentence)),
    };
    let mut after = String::new();
    loop {
        let rows = next(&after).map_err(failed)?;
        let Some(last) = rows.last() else { return Ok(file) };
        after.clone_from(&last.place);
        for row in &rows {
            let row =
                AuditRow::of(row).ok_or_else(|| failed("a record of the audit is damaged".to_owned()))?;
            if !take(row).map_err(failed)? {
                return Ok(file);
            }
        }
    }
}

fn refuse_or_fail((is_configuration, sentence): (bool, String)) -> ExitCode {
    eprintln!("tallylight: {sentence}");
    if is_configuration { ExitCode::from(BAD_CONFIGURATION) } else { ExitCode::FAILURE }
}

fn audit_verify(arguments: &AuditVerify) -> ExitCode {
    let mut follow = Follow::new(arguments.head.as_deref());
    let followed = each_audit_row(&arguments.of, &mut |row| Ok(follow.row(row.number, &row.json, &row.hash)));
    let file = match followed {
        Ok(file) => file,
        Err(failed) => return refuse_or_fail(failed),
    };
    let Chain { head, broken, .. } = follow.end();
    if let Some(broken) = broken {
        return fail(&format!("{}: {broken}; the chain is whole up to {head}", file.display()));
    }
    println!("{}: the audit is whole, up to record {head}", file.display());
    ExitCode::SUCCESS
}

fn audit_export(arguments: &AuditExport) -> ExitCode {
    let mut output = std::io::stdout().lock();
    let exported = each_audit_row(&arguments.of, &mut |row| {
        if row.number.unsigned_abs() <= arguments.after {
            return Ok(true);
        }
        let line = row.line()?;
        match writeln!(output, "{line}") {
            Ok(()) => Ok(true),
            // Whoever reads has enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(format!("the audit cannot be written out: {error}")),
        }
    });
    match exported {
        Ok(_) => ExitCode::SUCCESS,
        Err(failed) => refuse_or_fail(failed),
    }
}

fn import_bundle(arguments: &Import) -> ExitCode {
    let overrides = Overrides {
        clock_rate: arguments.clock_rate,
        clock_origin: arguments.clock_origin.map(Timestamp::from_millis),
        ..Overrides::default()
    };
    let config = match Config::load(&arguments.config, &overrides) {
        Ok(config) => config,
        Err(problems) => return refuse(&arguments.config, &problems),
    };
    if !config.demo {
        eprintln!(
            "tallylight: a bundle is imported only into the journal of a demonstration: server.demo is not true in {}",
            arguments.config.display()
        );
        return ExitCode::from(BAD_CONFIGURATION);
    }
    match import_into(&config, arguments) {
        Ok(sentence) => {
            println!("{sentence}");
            ExitCode::SUCCESS
        }
        Err(sentence) => fail(&sentence),
    }
}

fn import_into(config: &Config, arguments: &Import) -> Result<String, String> {
    let bundle = import::read(&arguments.bundle)?;
    let apps: Vec<String> = config.settings(BUILD).apps.into_iter().map(|app| app.name).collect();
    let app = arguments.app.as_ref().or(apps.first()).filter(|app| apps.contains(app));
    let app = app.ok_or_else(|| format!("there is no such App ID; there are: {}", apps.join(", ")))?;
    let time = JournalTime { rate: config.clock_rate, origin: config.clock_origin, now: clock::wall() };
    let mut opened =
        SqliteStore::open(&config.journal, time, config.keep_raw_days).map_err(|error| error.to_string())?;
    let ago = Duration::from_secs(u64::from(arguments.hours_ago) * 3600);
    let channel = import::write(&mut opened.store, bundle, app, time.now - ago)?;
    Ok(format!("imported the recording of {channel}, which ended {} hours ago", arguments.hours_ago))
}

fn hash_password() -> ExitCode {
    let mut password = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut password) {
        return fail(&format!("the password cannot be read: {error}"));
    }
    match password::hash(password.trim_end_matches(['\r', '\n'])) {
        Ok(hash) => {
            println!("{hash}");
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            eprintln!("tallylight: {sentence}");
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

/// One line, whatever number of problems there is.
fn refuse(file: &Path, problems: &[Problem]) -> ExitCode {
    let first = problems.first().map(ToString::to_string).unwrap_or_default();
    let more = match problems.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more: see `tallylight check --config {}`)", count - 1, file.display()),
    };
    eprintln!("tallylight: {first}{more}");
    ExitCode::from(BAD_CONFIGURATION)
}

fn fail(sentence: &str) -> ExitCode {
    eprintln!("tallylight: {sentence}");
    ExitCode::FAILURE
}

/// The log goes to standard error: warnings of everything, and of our own what `TALLYLIGHT_LOG` names (`info` if it
/// names nothing). No module of ours logs a body or a credential.
fn log() {
    let own = std::env::var("TALLYLIGHT_LOG")
        .ok()
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let targets = tracing_subscriber::filter::Targets::new().with_default(LevelFilter::WARN).with_targets([
        ("tallylight", own),
        ("proxy", own),
        ("switchboard", own),
    ]);
    tracing_subscriber::registry()
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal()),
        )
        .with(targets)
        .init();
}
