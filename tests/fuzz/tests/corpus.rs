//! Everything that fuzzing ever found worth keeping, and small changes of it, the same each time.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often each file is changed and told again.
const CHANGES: u64 = 5;

/// Numbers that look like chance and are the same each time (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() % u64::try_from(end.max(1)).expect("small")).expect("below a usize")
    }
}

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let files = fs::read_dir(&folder).expect("the folder is there").map(|file| file.expect("a file").path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read(path).expect("it can be read"))
    };
    files.into_iter().map(read).collect()
}

/// Changes some bytes, cuts, repeats, or goes on with another file.
fn changed(input: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..1 + chance.below(4) {
        let place = chance.below(bytes.len());
        match chance.below(5) {
            0 if !bytes.is_empty() => bytes[place] ^= 1 << chance.below(8),
            1 if !bytes.is_empty() => bytes[place] = b"{}[],:\"\\0-e\xff\n"[chance.below(13)],
            2 => bytes.truncate(place),
            3 => {
                let from = chance.below(bytes.len());
                let piece = bytes[from.min(place)..from.max(place)].to_vec();
                bytes.splice(place..place, piece);
            }
            _ => {
                bytes.truncate(place);
                bytes.extend(&other[chance.below(other.len())..]);
            }
        }
    }
    bytes
}

fn tell_all(name: &str, tell: fn(&[u8])) {
    let corpus = corpus(name);
    assert!(corpus.len() >= 20, "{}", corpus.len());
    let mut chance = Chance(1);
    for (file, input) in &corpus {
        let telling = |input: &[u8], what: &str| {
            let told = std::panic::catch_unwind(|| tell(input));
            assert!(told.is_ok(), "{file}, {what}: {:?}", String::from_utf8_lossy(input));
        };
        telling(input, "as it is");
        for change in 0..CHANGES {
            let other = &corpus[chance.below(corpus.len())].1;
            telling(&changed(input, other, &mut chance), &format!("change {change}"));
        }
    }
}

/// The server catches a panic of one request and goes on: it is counted here.
#[test]
fn requests_are_answered_whatever_they_are() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(panic);
    }));
    tell_all("head", fuzz_tests::head);
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
}

#[test]
fn answers_are_read_whatever_they_are() {
    tell_all("answer", fuzz_tests::answer);
}

#[test]
fn notifications_are_taken_whatever_they_are() {
    tell_all("receiver", fuzz_tests::receiver);
}
