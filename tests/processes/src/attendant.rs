//! The attendant in its own process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::binaries::program;
use crate::eventually;

/// A running attendant; it is killed when it is dropped.
#[derive(Debug)]
pub struct Attendant {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    reads: Option<JoinHandle<()>>,
}

impl Attendant {
    /// Starts one for the server at `address`, with the token in this file and with further arguments.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(address: &str, token_file: &Path, further: &[&str]) -> Self {
        let mut child = Command::new(program("tallylight-attendant"))
            .args(["--server", &format!("http://{address}"), "--token-file"])
            .arg(token_file)
            .args(further)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the attendant starts");
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let errors = child.stderr.take().expect("it was asked for");
        let reads = thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { child, said, reads: Some(reads) }
    }

    /// What it logged.
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Waits until it ends by itself, and until all that it said is read.
    ///
    /// # Panics
    /// When it does not.
    pub fn ends_within(&mut self, at_most: Duration) -> ExitStatus {
        let status =
            eventually(at_most, "the attendant ends", || self.child.try_wait().expect("it is a child"));
        // What it said last is read after its end.
        if let Some(reads) = self.reads.take() {
            reads.join().expect("reading does not fail");
        }
        status
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("---- the attendant:\n{}", self.said());
        }
    }
}
