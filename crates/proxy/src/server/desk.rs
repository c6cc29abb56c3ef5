//! The desk: the one thread that the switchboard runs on, and the loop around it.
//!
//! Everything that happens comes as a job, one after the other; after each, what is due is done and what came out is
//! carried out: requests leave on the runtime's threads, messages go into the queues of the sockets. The store is written
//! on this thread, so a job has its effect on the disk before the next one begins.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rules::Fact;
use rules::journal::ClientNumber;
use switchboard::notices::{Delivery, Receipt};
use switchboard::ports::{Line, StoreError};
use switchboard::stream::Text;
use switchboard::{Arrival, Now, Outgoing, Output, Switchboard};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};

use super::audit;
use super::ports::{Clock, Outcome, OutgoingCall, Upstream};
use super::socket::close;

/// A client that is more than this behind is closed: it would only fall back further.
const BEHIND_BYTES_MAX: usize = 1024 * 1024;

/// How much longer than the rule waits a late answer is listened for, in the journal's time (D8).
const LISTEN_LONGER: Duration = Duration::from_secs(60);

/// The shortest rest between two rounds: instants of the journal's time are whole milliseconds.
const SHORTEST_REST: Duration = Duration::from_millis(1);

/// How many jobs are done before what is due has its turn.
const JOBS_AT_ONCE: usize = 64;

/// How long the end of the program waits for answers to calls that have left: the `sid` of a start is worth it.
const ENDING: Duration = Duration::from_secs(2);

/// How often it looks whether they have come.
const ENDING_REST: Duration = Duration::from_millis(20);

/// How many deliveries may wait to be written; each has 64 KB at most.
const INBOX_MAX: usize = 1024;

/// How many are written in one transaction, so that nothing else waits long.
const WRITTEN_TOGETHER: usize = 256;

type Job = Box<dyn FnOnce(&mut Loop, Now) + Send>;

/// The way to the desk, from everywhere.
#[derive(Clone)]
pub(crate) struct Desk {
    jobs: Sender<Job>,
    inbox: Arc<Mutex<Vec<Unwritten>>>,
}

/// A delivery that waits to be written, and whoever waits for that.
struct Unwritten {
    delivery: Delivery,
    written: oneshot::Sender<Result<Receipt, StoreError>>,
}

/// Why a delivery was not taken. The service sends it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// More of them wait than are worth keeping.
    Crowded,
    /// The journal cannot be written.
    Unwritable(StoreError),
    /// The program ends.
    Ended,
}

/// The desk has ended, because the program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended;

impl Desk {
    /// Has something done and gives back what came of it.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Switchboard, Now) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (answer, answered) = oneshot::channel();
        let pending = audit::pending();
        self.post(Box::new(move |desk, now| {
            desk.switchboard.asking(pending.as_ref().and_then(|pending| pending.asking()));
            let done = job(&mut desk.switchboard, now);
            if desk.switchboard.asked_for()
                && let Some(pending) = pending
            {
                pending.is_written();
            }
            // Whoever asked may be gone; what was asked is done all the same.
            let _ = answer.send(done);
        }));
        answered.await.map_err(|_| Ended)
    }

    /// Has something done.
    pub(crate) fn tell(&self, job: impl FnOnce(&mut Switchboard, Now) + Send + 'static) {
        self.post(Box::new(move |desk, now| job(&mut desk.switchboard, now)));
    }

    /// Has a notification written. While the disk is busy with some, the next ones gather, and are written together.
    pub(crate) async fn notify(&self, delivery: Delivery) -> Result<Receipt, NotTaken> {
        let (written, answer) = oneshot::channel();
        let first = {
            let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
            if inbox.len() >= INBOX_MAX {
                return Err(NotTaken::Crowded);
            }
            inbox.push(Unwritten { delivery, written });
            inbox.len() == 1
        };
        if first {
            let inbox = self.inbox.clone();
            self.post(Box::new(move |desk, now| {
                let mut waiting = std::mem::take(&mut *inbox.lock().unwrap_or_else(PoisonError::into_inner));
                while !waiting.is_empty() {
                    let some: Vec<Unwritten> = waiting.drain(..waiting.len().min(WRITTEN_TOGETHER)).collect();
                    write_down(&mut desk.switchboard, some, now);
                }
            }));
        }
        answer.await.map_err(|_| NotTaken::Ended)?.map_err(NotTaken::Unwritable)
    }

    /// Brings a new connection to the switchboard.
    pub(crate) async fn connect(&self, arrival: Arrival) -> Result<(ClientNumber, Wire), Ended> {
        let (answer, answered) = oneshot::channel();
        self.post(Box::new(move |desk, now| {
            let number = desk.switchboard.connected(arrival, now);
            let (socket, wire) = Socket::new();
            desk.sockets.insert(number, socket);
            let _ = answer.send((number, wire));
        }));
        answered.await.map_err(|_| Ended)
    }

    /// A connection is gone.
    pub(crate) fn disconnect(&self, client: ClientNumber) {
        self.post(Box::new(move |desk, now| {
            desk.sockets.remove(&client);
            desk.switchboard.gone(client, now);
        }));
    }

    /// Ends the loop when everything before this is done. All sockets close at once, so that nothing new is asked for;
    /// answers that may still come are waited for a little.
    pub(crate) fn end(&self) {
        self.post(Box::new(|desk, _| {
            desk.ended = true;
            desk.sockets.clear();
        }));
    }

    fn post(&self, job: Job) {
        // It fails only when the loop has ended; then nobody waits for an answer that matters.
        let _ = self.jobs.send(job);
    }
}

/// Writes these together, and tells everybody who waits for that.
fn write_down(switchboard: &mut Switchboard, some: Vec<Unwritten>, now: Now) {
    let (deliveries, waiting): (Vec<_>, Vec<_>) =
        some.into_iter().map(|unwritten| (unwritten.delivery, unwritten.written)).unzip();
    // Whoever waits may be gone; it is written all the same.
    match switchboard.notified(deliveries, now) {
        Ok(receipts) => {
            for (written, receipt) in waiting.into_iter().zip(receipts) {
                let _ = written.send(Ok(receipt));
            }
        }
        Err(error) => {
            for written in waiting {
                let _ = written.send(Err(error.clone()));
            }
        }
    }
}

/// One message for a socket.
pub(crate) struct Item {
    pub(crate) text: Text,
    pub(crate) counted: bool,
}

/// A socket's end of its queue.
pub(crate) struct Wire {
    pub(crate) items: UnboundedReceiver<Item>,
    behind: Arc<AtomicUsize>,
    /// Becomes a close code when the connection is to end.
    pub(crate) closed: watch::Receiver<Option<u16>>,
}

impl Wire {
    /// This message has left.
    pub(crate) fn sent(&self, item: &Item) {
        if item.counted {
            self.behind.fetch_sub(item.text.len(), Ordering::Relaxed);
        }
    }
}

struct Socket {
    queue: UnboundedSender<Item>,
    behind: Arc<AtomicUsize>,
    closing: watch::Sender<Option<u16>>,
}

impl Socket {
    fn new() -> (Self, Wire) {
        let (queue, items) = unbounded_channel();
        let (closing, closed) = watch::channel(None);
        let behind = Arc::new(AtomicUsize::new(0));
        (Self { queue, behind: behind.clone(), closing }, Wire { items, behind, closed })
    }

    fn push(&self, item: Item) {
        if item.counted {
            let behind = self.behind.fetch_add(item.text.len(), Ordering::Relaxed) + item.text.len();
            if behind > BEHIND_BYTES_MAX {
                self.closing.send_replace(Some(close::TOO_SLOW));
                return;
            }
        }
        // It fails when the socket's task has ended; that is reported on its own.
        let _ = self.queue.send(item);
    }
}

struct Loop {
    switchboard: Switchboard,
    sockets: HashMap<ClientNumber, Socket>,
    upstream: Arc<dyn Upstream>,
    clock: Arc<dyn Clock>,
    desk: Desk,
    runtime: Handle,
    /// Calls that have left and of which nothing was told yet.
    unheard: usize,
    ended: bool,
}

/// The two times at this moment, with real time since `start`.
pub(crate) fn now(clock: &dyn Clock, start: Instant) -> Now {
    Now { journal: clock.now(), real: start.elapsed() }
}

/// Starts the loop on a thread of its own. What is given back besides resolves when that
/// thread is no more: with an error if it fell over.
pub(crate) fn start(
    switchboard: Switchboard,
    upstream: Arc<dyn Upstream>,
    clock: Arc<dyn Clock>,
    start: Instant,
) -> std::io::Result<(Desk, oneshot::Receiver<()>)> {
    let (ends, ended) = oneshot::channel();
    let (jobs, posted) = channel();
    let desk = Desk { jobs, inbox: Arc::default() };
    let mut state = Loop {
        switchboard,
        sockets: HashMap::new(),
        upstream,
        clock,
        desk: desk.clone(),
        runtime: Handle::current(),
        unheard: 0,
        ended: false,
    };
    std::thread::Builder::new().name("desk".to_owned()).spawn(move || {
        state.run(&posted, start);
        state.end(start);
        // Dropped unsent if that fell over.
        let _ = ends.send(());
    })?;
    Ok((desk, ended))
}

impl Loop {
    fn run(&mut self, posted: &Receiver<Job>, start: Instant) {
        let mut until = None;
        loop {
            let at = now(self.clock.as_ref(), start);
            let mut rest = self.switchboard.next_due(at).max(SHORTEST_REST);
            if self.ended {
                let until = *until.get_or_insert(at.real + ENDING);
                if self.unheard == 0 || at.real >= until {
                    return;
                }
                rest = rest.min(ENDING_REST);
            }
            match posted.recv_timeout(rest) {
                Ok(job) => {
                    job(self, now(self.clock.as_ref(), start));
                    for job in posted.try_iter().take(JOBS_AT_ONCE) {
                        job(self, now(self.clock.as_ref(), start));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.switchboard.tick(now(self.clock.as_ref(), start));
            while let Some(output) = self.switchboard.poll_output() {
                match output {
                    Output::Send(outgoing) => self.send(*outgoing),
                    Output::ToClient { client, message, counted } => {
                        self.queue(client, Item { text: message.text().clone(), counted });
                    }
                }
            }
        }
    }

    /// Writes what could not be written before, for the last time. What is lost then is said in the log: it stood on every
    /// page as not recorded.
    fn end(&mut self, start: Instant) {
        for line in self.switchboard.last_words(now(self.clock.as_ref(), start)) {
            let Line { recording, entry } = line;
            let what = match &entry.fact {
                Fact::CallSent(sent) => format!("{} left for session {}", sent.operation, sent.session),
                Fact::CallAnswered(answered) => {
                    format!("{} was answered with {}", answered.id, answered.answer.status)
                }
                Fact::CallUnanswered(unanswered) => format!("{} had no answer", unanswered.id),
                Fact::StopRequested(_) => "a stop was asked for".to_owned(),
                Fact::StopWithdrawn => "the stop was taken back".to_owned(),
                _ => "something else happened".to_owned(),
            };
            tracing::error!(%recording, number = entry.number, "not recorded, and lost: {what}");
        }
    }

    fn queue(&mut self, client: ClientNumber, item: Item) {
        if let Some(socket) = self.sockets.get(&client) {
            socket.push(item);
        }
    }

    /// Lets one request leave, and brings what comes back to the desk.
    fn send(&mut self, outgoing: Outgoing) {
        let Outgoing { call, app, get, request, wait } = outgoing;
        let rate = self.clock.rate().max(1);
        let outgoing =
            OutgoingCall { app, get, request, wait: wait / rate, listen_longer: LISTEN_LONGER / rate };
        let (tell, mut told) = unbounded_channel();
        let sending = self.upstream.send(outgoing, tell);
        let desk = self.desk.clone();
        self.unheard += 1;
        self.runtime.spawn(sending);
        self.runtime.spawn(async move {
            let mut silent = true;
            // Ends when the upstream has nothing more to tell, and also if it fell over.
            while let Some(outcome) = told.recv().await {
                let first = std::mem::take(&mut silent);
                let call = call.clone();
                desk.post(Box::new(move |desk, now| {
                    desk.unheard -= usize::from(first);
                    match outcome {
                        Outcome::Answered { status, retry_after, body } => {
                            desk.switchboard.answered(&call, status, retry_after.as_deref(), &body, now);
                        }
                        Outcome::Unanswered(cause) => desk.switchboard.unanswered(&call, cause, now),
                    }
                }));
            }
            desk.post(Box::new(move |desk, now| {
                if silent {
                    desk.unheard -= 1;
                    desk.switchboard.unanswered(&call, agora::UnansweredCause::Reset, now);
                }
                desk.switchboard.finished(&call);
            }));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(bytes: usize, counted: bool) -> Item {
        Item { text: "x".repeat(bytes).into(), counted }
    }

    #[test]
    fn a_client_more_than_a_megabyte_behind_is_closed() {
        let (socket, mut wire) = Socket::new();
        // A snapshot is as large as it is.
        socket.push(item(3 * BEHIND_BYTES_MAX, false));
        socket.push(item(BEHIND_BYTES_MAX, true));
        assert_eq!(*wire.closed.borrow(), None);
        while let Ok(item) = wire.items.try_recv() {
            wire.sent(&item);
        }
        socket.push(item(BEHIND_BYTES_MAX, true));
        assert_eq!(*wire.closed.borrow(), None, "it caught up");
        socket.push(item(1, true));
        assert_eq!(*wire.closed.borrow(), Some(close::TOO_SLOW));
    }
}
