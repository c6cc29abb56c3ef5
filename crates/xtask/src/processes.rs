//! Starts programs, each as the leader of its own process group, and ends every group when this program ends.
//!
//! A group of its own means that Ctrl-C at the terminal reaches this program only, which then ends the groups
//! in one place, the compilers and browsers that the programs started included.

use crate::{Outcome, Problem};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program has to end by itself after it was asked to.
const TIME_TO_END: Duration = Duration::from_secs(5);

/// How often a waiting loop looks again at a program, which cannot be waited for with a limit in the standard library.
const LOOK_AGAIN: Duration = Duration::from_millis(30);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn groups() -> MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on SIGINT, SIGTERM and SIGHUP ask every started group to end; a second one kills them.
pub fn end_all_on_a_signal() {
    let installed = ctrlc::set_handler(|| {
        let again = INTERRUPTED.swap(true, Ordering::SeqCst);
        signal_all(if again { Signal::SIGKILL } else { Signal::SIGTERM });
    });
    if let Err(error) = installed {
        eprintln!("Ctrl-C cannot be caught ({error}); programs started from here may outlive it.");
    }
}

/// Whether this program was asked to end.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Ends every group that still runs when it is dropped, kindly first.
pub struct EndAll;

impl Drop for EndAll {
    fn drop(&mut self) {
        signal_all(Signal::SIGTERM);
        let deadline = Instant::now() + TIME_TO_END;
        while groups().iter().any(|group| killpg(*group, None).is_ok()) && Instant::now() < deadline {
            thread::sleep(LOOK_AGAIN);
            reap();
        }
        signal_all(Signal::SIGKILL);
    }
}

/// Takes notice of programs that have ended: until then their groups count as alive.
fn reap() {
    for group in groups().iter() {
        // One that was waited for elsewhere is not a child any more, which is just as well.
        let _ = waitpid(*group, Some(WaitPidFlag::WNOHANG));
    }
}

fn signal_all(signal: Signal) {
    for group in groups().iter() {
        // A group that is gone already is what was wanted.
        let _ = killpg(*group, signal);
    }
}

/// A program that runs beside this one.
pub struct Running {
    name: String,
    child: Child,
}

impl Running {
    /// Starts `command` in a group of its own, without input.
    pub fn start(name: &str, command: &mut Command) -> Outcome<Self> {
        // What `cargo run` told this program about itself would make a cargo that is started from here build packages
        // again whose build scripts look at it.
        for (variable, _) in env::vars_os() {
            let name = variable.to_string_lossy();
            let is_own = name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
            if is_own && !command.get_envs().any(|(given, _)| given == variable) {
                command.env_remove(&variable);
            }
        }
        // The lock is held from before the start until the group is listed, so that a signal in between misses nothing.
        let mut groups = groups();
        if interrupted() {
            return Err(Problem::new(""));
        }
        let child = command.stdin(Stdio::null()).process_group(0).spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy().into_owned();
            Problem::new(format!("{name} cannot be started: {program}: {error}."))
        })?;
        groups.push(group_of(&child));
        Ok(Self { name: name.to_owned(), child })
    }

    /// The name it was started under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it prints, if it was started with a pipe.
    pub fn take_output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, or nothing while it runs.
    pub fn ended(&mut self) -> Outcome<Option<ExitStatus>> {
        let status = self.child.try_wait().map_err(|error| self.cannot_be_watched(&error))?;
        if status.is_some() {
            self.forget();
        }
        Ok(status)
    }

    /// Waits until it ends.
    pub fn wait(mut self) -> Outcome<ExitStatus> {
        let status = self.child.wait().map_err(|error| self.cannot_be_watched(&error))?;
        self.forget();
        if interrupted() { Err(Problem::new("")) } else { Ok(status) }
    }

    /// Waits until it ends, and kills it with all it started after `limit`: then there is no status.
    pub fn wait_at_most(mut self, limit: Duration) -> Outcome<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.ended()? {
                return if interrupted() { Err(Problem::new("")) } else { Ok(Some(status)) };
            }
            thread::sleep(LOOK_AGAIN);
        }
        let _ = killpg(group_of(&self.child), Signal::SIGKILL);
        self.wait().map(|_| None)
    }

    fn forget(&self) {
        let group = group_of(&self.child);
        // What the program itself left running goes with it.
        let _ = killpg(group, Signal::SIGTERM);
        groups().retain(|other| *other != group);
    }

    fn cannot_be_watched(&self, error: &std::io::Error) -> Problem {
        Problem::new(format!("{} cannot be watched: {error}.", self.name))
    }
}

fn group_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a process id of Unix is a positive i32"))
}

/// Runs `command` to its end with its output on this terminal; `failure` is the sentence told if it does not succeed.
pub fn run(command: &mut Command, failure: &str) -> Outcome {
    let status = Running::start(&program_name(command), command)?.wait()?;
    if status.success() { Ok(()) } else { Err(Problem::new(failure)) }
}

/// What `command` prints, or nothing when it cannot be started or fails.
pub fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn program_name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// A deliberate pause of a loop that watches programs; ends early when this program is asked to end.
pub fn pause() {
    thread::sleep(LOOK_AGAIN);
}
