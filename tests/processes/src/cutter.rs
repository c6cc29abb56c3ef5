//! Stands between a client and a server, and breaks each connection after a number of bytes from the server.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::Chance;

/// A listener that passes connections on to a server and breaks them.
#[derive(Debug)]
pub struct Cutter {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    cuts: AtomicUsize,
    peaceful: AtomicBool,
    chance: Mutex<Chance>,
    /// Connections live for at most so many bytes.
    bytes_at_most: u64,
    /// Where connections go.
    server: Mutex<Option<String>>,
}

impl Cutter {
    /// Before `server` (`host:port`); once it has begun, each connection breaks after up to `bytes_at_most` bytes, by
    /// chance.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn before(server: &str, seed: u64, bytes_at_most: u64) -> Self {
        let cutter = Self::before_nothing(seed, bytes_at_most);
        cutter.leads_to(server);
        cutter
    }

    /// As [`Cutter::before`], for a server whose address is not known yet; until [`Cutter::leads_to`] says it, connections
    /// are closed.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn before_nothing(seed: u64, bytes_at_most: u64) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State {
            cuts: AtomicUsize::new(0),
            peaceful: AtomicBool::new(true),
            chance: Mutex::new(Chance::new(seed)),
            bytes_at_most,
            server: Mutex::new(None),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let server = shared.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let Some(Ok(far)) = server.map(TcpStream::connect) else { continue };
                pass_on(near, far, &shared);
            }
        });
        Self { address, state }
    }

    /// Where to connect, as `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on connections go to this server (`host:port`).
    pub fn leads_to(&self, server: &str) {
        *self.state.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.to_owned());
    }

    /// How many connections it has broken.
    pub fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }

    /// From now on it breaks connections, also those that are open.
    pub fn begin(&self) {
        self.state.peaceful.store(false, Ordering::SeqCst);
    }

    /// From now on it breaks none.
    pub fn make_peace(&self) {
        self.state.peaceful.store(true, Ordering::SeqCst);
    }
}

fn pass_on(near: TcpStream, far: TcpStream, state: &Arc<State>) {
    let (Ok(mut near_reads), Ok(mut far_writes)) = (near.try_clone(), far.try_clone()) else { return };
    thread::spawn(move || {
        // Ends when either side is shut down.
        let _ = std::io::copy(&mut near_reads, &mut far_writes);
        let _ = far_writes.shutdown(Shutdown::Both);
    });
    let state = Arc::clone(state);
    let limit = {
        let mut chance = state.chance.lock().unwrap_or_else(PoisonError::into_inner);
        1 + chance.below(state.bytes_at_most)
    };
    thread::spawn(move || {
        pass_back(near, far, limit, &state);
    });
}

fn pass_back(mut near: TcpStream, mut far: TcpStream, limit: u64, state: &State) {
    let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = far.read(&mut buffer) {
        let peaceful = state.peaceful.load(Ordering::SeqCst);
        let passed = if peaceful { count } else { count.min(left) };
        if near.write_all(&buffer[..passed]).is_err() {
            break;
        }
        if peaceful {
            continue;
        }
        left -= passed;
        if left == 0 {
            state.cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
    }
    let _ = near.shutdown(Shutdown::Both);
    let _ = far.shutdown(Shutdown::Both);
}
