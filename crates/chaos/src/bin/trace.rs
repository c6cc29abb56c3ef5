//! `trace`: the trace hash of the first seeds, in a form that also a WebAssembly module without any import can tell.
//!
//! `wasm32-unknown-unknown` has neither arguments nor output, only what `main` gives back: one byte. So each call tells the
//! next byte of the hash. Natively it is printed.

use std::process::ExitCode;

#[cfg(target_family = "wasm")]
fn main() -> ExitCode {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static HASH: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let hash = HASH.get_or_init(|| chaos::trace_hash(chaos::TRACED_SEEDS));
    let place = NEXT.fetch_add(1, Ordering::Relaxed);
    ExitCode::from(hash.to_be_bytes()[place % 8])
}

#[cfg(not(target_family = "wasm"))]
fn main() -> ExitCode {
    println!("{:016x}", chaos::trace_hash(chaos::TRACED_SEEDS));
    ExitCode::SUCCESS
}
