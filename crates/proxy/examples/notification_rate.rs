//! How fast the receiver of notifications is: signed deliveries at a constant rate over loopback to the real program, and
//! the same deliveries to a bare handler that does nothing but `fsync`. `cargo xtask bench notifications` runs it.
//!
//! Every delivery has an instant at which it is due, whatever became of the ones before, and its time counts from there:
//! a server that stalls is seen as slow for everything that was due meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Deliveries a second.
const RATE: usize = 500;
/// How long it is measured.
const SECONDS: usize = 20;
/// Before that, it runs so long unmeasured.
const WARM_UP_SECONDS: usize = 3;
/// Connections that stay open, as the service keeps them.
const CONNECTIONS: usize = 32;
/// So many rounds count, in each of which program and bare handler take turns.
const ROUNDS: usize = 3;
/// A round counts if the bare handler's own p99 stays below the limit: a disk that something else keeps busier than that
/// tells nothing about this program. So many rounds are tried.
const ROUNDS_TRIED: usize = 9;
const SECRET: &str = "a-secret-of-the-bench";
const RECORDINGS: usize = 10;
/// What one p99 has to stay below.
const LIMIT: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let Some(program) = std::env::args().nth(1) else {
        eprintln!("say where the program tallylight is: cargo xtask bench notifications");
        return ExitCode::FAILURE;
    };
    match measure(Path::new(&program)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(program: &Path) -> std::io::Result<bool> {
    let folder = tempfile::tempdir()?;
    let desk = Desk::start(program, folder.path())?;
    watch_recordings(desk.address)?;
    let bare = bare_handler(folder.path())?;
    println!(
        "{RATE} signed deliveries a second over {CONNECTIONS} connections, {SECONDS} s each, {ROUNDS} rounds in turn"
    );
    let mut worst = Duration::ZERO;
    let (mut serial, mut counted) = (0, 0);
    for round in 1..=ROUNDS_TRIED {
        let (own_50, own_99) = drive("tallylight", round, desk.address, &mut serial)?;
        let (bare_50, bare_99) = drive("bare fsync", round, bare, &mut serial)?;
        println!(
            "round {round}: ratio p50 {:.2}, p99 {:.2}",
            own_50.as_secs_f64() / bare_50.as_secs_f64(),
            own_99.as_secs_f64() / bare_99.as_secs_f64()
        );
        if bare_99 >= LIMIT {
            println!("round {round}: does not count, the disk is busy with something else");
            continue;
        }
        worst = worst.max(own_99);
        counted += 1;
        if counted == ROUNDS {
            break;
        }
    }
    println!("worst p99 of tallylight in {counted} rounds that count {:.2} ms", worst.as_secs_f64() * 1000.0);
    if counted == 0 {
        println!("the disk was too busy in every round: nothing can be said");
    } else if worst >= LIMIT {
        println!("that is not below {} ms", LIMIT.as_millis());
    }
    Ok(counted > 0 && worst < LIMIT)
}

/// Sends at the rate, and gives back p50 and p99.
fn drive(
    name: &str,
    round: usize,
    address: SocketAddr,
    serial: &mut usize,
) -> std::io::Result<(Duration, Duration)> {
    let total = RATE * (SECONDS + WARM_UP_SECONDS);
    let requests: Vec<Vec<u8>> = (0..total).map(|number| request(*serial + number)).collect();
    *serial += total;
    let next = AtomicUsize::new(0);
    let times = Mutex::new(Vec::with_capacity(total));
    let begin = Instant::now() + Duration::from_millis(200);
    let outcomes: Vec<std::io::Result<()>> = thread::scope(|scope| {
        let connection = || -> std::io::Result<()> {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(20)))?;
            let mut writer = stream.try_clone()?;
            let mut reader = BufReader::new(stream);
            let mut own = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(number) else { break };
                let due = begin + Duration::from_micros(number as u64 * 1_000_000 / RATE as u64);
                thread::sleep(due.saturating_duration_since(Instant::now()));
                writer.write_all(request)?;
                let status = read_answer(&mut reader)?;
                if status != 200 {
                    return Err(std::io::Error::other(format!("{name} answered {status}")));
                }
                if number >= RATE * WARM_UP_SECONDS {
                    own.push(due.elapsed());
                }
            }
            times.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(own);
            Ok(())
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(connection)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    });
    outcomes.into_iter().collect::<std::io::Result<()>>()?;
    let mut times = times.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "round {round}, {name}: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms, {} deliveries",
        millis(at(50)),
        millis(at(99)),
        millis(times[times.len() - 1]),
        times.len()
    );
    Ok((at(50), at(99)))
}

/// One delivery that never came before.
fn request(number: usize) -> Vec<u8> {
    let sid = sid(number % RECORDINGS);
    let body = format!(
        r#"{{"noticeId":"bench-{number}","productId":3,"eventType":42,"notifyMs":1790000000000,"payload":{{"cname":"room","uid":"900000","sid":"{sid}","sequence":{number},"sendts":1790000000000,"serviceType":1,"details":{{"msgName":"recorder_slice_start","startUtcMs":1790000000000,"discontinueUtcMs":1790000000000,"mixedAllUser":true,"streamUid":"0","trackType":"audio_and_video"}}}}}}"#
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body.as_bytes());
    let signature = proxy::store::hex(&mac.finalize().into_bytes());
    format!(
        "POST /api/v1/notifications/bench HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nagora-signature-v2: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn sid(recording: usize) -> String {
    format!("{recording:032x}")
}

/// Reads one answer whole, and gives back its status.
fn read_answer(reader: &mut impl BufRead) -> std::io::Result<u16> {
    let bad = || std::io::Error::other("that is no HTTP answer");
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(bad)?;
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let field = line.trim().to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| bad())?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(status)
}

/// The real program; ends with it.
struct Desk {
    process: Child,
    address: SocketAddr,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Desk {
    fn start(program: &Path, folder: &Path) -> std::io::Result<Self> {
        let database = folder.join("tallylight.db");
        let configuration = folder.join("tallylight.toml");
        // Nobody acts for the recordings, so nothing is ever sent to the service.
        let text = format!(
            r#"
[server]
demo = true
[journal]
url = "sqlite:{}"
[[app]]
name = "bench"
app_id = "0123456789abcdef0123456789abcdef"
customer_key = "key"
customer_secret = "secret"
domains = ["http://api.agora.io", "http://api.sd-rtn.com"]
resolve = {{ "api.agora.io" = "127.0.0.1:9", "api.sd-rtn.com" = "127.0.0.1:9" }}
uid_range = [900000, 999999]
notification_secrets = ["{SECRET}"]
[[app.storage]]
name = "archive"
vendor = 1
region = 0
bucket = "bench"
access_key = "access"
secret_key = "secret"
"#,
            database.display()
        );
        std::fs::write(&configuration, text)?;
        let mut process = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&configuration)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let address = said.trim().rsplit('/').next().and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| std::io::Error::other("the program did not start"))?;
        Ok(Self { process, address })
    }
}

/// Has the recordings watched that the notifications are about.
fn watch_recordings(address: SocketAddr) -> std::io::Result<()> {
    for recording in 0..RECORDINGS {
        let body = format!(
            r#"{{"app":"bench","channel":"room-{recording}","mode":"mix","uid":900000,"resource_id":"resource","sid":"{}"}}"#,
            sid(recording)
        );
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "POST /api/v1/recordings/adopt HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nidempotency-key: {recording}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let status = read_answer(&mut BufReader::new(stream))?;
        if status != 201 {
            return Err(std::io::Error::other(format!("a recording could not be watched: {status}")));
        }
    }
    Ok(())
}

/// A handler that appends each body to a file and waits until it is on the disk, one after the other.
fn bare_handler(folder: &Path) -> std::io::Result<SocketAddr> {
    let file = std::fs::File::create(folder.join("bare"))?;
    let file = Arc::new(Mutex::new(file));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
        runtime.block_on(async move {
            let handler = move |body: Bytes| {
                let file = file.clone();
                async move {
                    let written = tokio::task::spawn_blocking(move || {
                        let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        file.write_all(&body).and_then(|()| file.sync_data())
                    });
                    written.await.expect("it does not panic").expect("the disk takes it");
                    "{}"
                }
            };
            let router = Router::new().route("/api/v1/notifications/{app}", post(handler));
            let listener = tokio::net::TcpListener::from_std(listener).expect("it is a listener");
            axum::serve(listener, router).await.expect("it serves");
        });
    });
    Ok(address)
}
