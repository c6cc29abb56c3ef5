//! Builds the page with trunk, writes each file's brotli beside it, and keeps what the first load needs below a limit.

use crate::{Outcome, Problem, paths, processes, split, tools};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use brotli::enc::BrotliEncoderParams;
use sha2::{Digest as _, Sha384};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the first load weighs at most, in bytes of brotli.
const FIRST_LOAD_LIMIT_BYTES: u64 = 150_000;

/// The largest window that every browser accepts, and the most effort: a file is compressed once and sent often.
const BROTLI_WINDOW_BITS: i32 = 22;
const BROTLI_QUALITY: i32 = 11;

/// Where the page finds its proxy. Not compressed: whoever hosts the page writes it, and a copy would stay as it was.
const CONFIG: &str = "config.json";

/// Builds the page into `dist/`.
pub fn build() -> Outcome {
    let tools = tools::for_the_page()?;
    let mut trunk = Command::new(&tools.trunk);
    trunk
        .args(["build", "--release", "--offline"])
        .current_dir(paths::root())
        .env(tools::BUILD, tools::build_id()?)
        // This version of trunk refuses the value that the rest of the world gives it.
        .env_remove("NO_COLOR")
        // Its own backtrace would bury the message of the compiler.
        .env_remove("RUST_BACKTRACE");
    split::stand_ins(&mut trunk, &tools)?;
    processes::run(&mut trunk, "The page could not be built: see trunk's own message above.")?;
    split::add_later(&paths::dist())?;
    expect_the_start(&paths::dist())?;
    name_the_build()
}

/// Has the document name the hash of the script that starts the page: trunk names those of all the others, and that one is
/// what checks the program.
fn expect_the_start(dist: &Path) -> Outcome {
    let problem =
        |error| Problem::new(format!("The page's document cannot be given the hash of boot.js: {error}."));
    let script = fs::read(dist.join("boot.js")).map_err(problem)?;
    let document = fs::read_to_string(dist.join("index.html")).map_err(problem)?;
    let expected = with_integrity(&document, &script)
        .ok_or_else(|| Problem::new("The page's document does not start boot.js as was expected."))?;
    fs::write(dist.join("index.html"), expected).map_err(problem)
}

/// The document with the hash of this script; nothing if it does not name it once.
fn with_integrity(document: &str, script: &[u8]) -> Option<String> {
    let begin = "<script type=\"module\" src=\"./boot.js\"";
    let hash = STANDARD.encode(Sha384::digest(script));
    let once = document.matches(begin).count() == 1;
    once.then(|| document.replace(begin, &format!("{begin} integrity=\"sha384-{hash}\"")))
}

/// Writes which build lies here, so that a page that is open notices when another one was put in its place.
fn name_the_build() -> Outcome {
    let file = paths::dist().join("version.json");
    let text = serde_json::json!({ "build": tools::build_id()? }).to_string();
    fs::write(&file, text)
        .map_err(|error| Problem::new(format!("{} cannot be written: {error}.", file.display())))
}

/// Writes the brotli of every file of the built page beside it, prints the sizes, and fails above the limit.
pub fn compress_and_weigh() -> Outcome {
    let mut sizes = Vec::new();
    for file in files_below(&paths::dist())? {
        let size = if file.ends_with(CONFIG) {
            fs::metadata(&file).map_or(0, |file| file.len())
        } else {
            compress(&file)?
        };
        sizes.push((size, file));
    }
    report(&sizes)
}

/// Every file in `folder` and below in the order of names, without the compressed copies.
fn files_below(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let unreadable = |error| Problem::new(format!("{} cannot be read: {error}.", folder.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else if path.extension().is_none_or(|extension| extension != "br") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes `file`.br and returns its size.
fn compress(file: &Path) -> Outcome<u64> {
    let problem = |error| Problem::new(format!("{} cannot be compressed: {error}.", file.display()));
    let plain = fs::read(file).map_err(problem)?;
    let parameters = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW_BITS,
        size_hint: plain.len(),
        ..BrotliEncoderParams::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut plain.as_slice(), &mut compressed, &parameters).map_err(problem)?;
    let mut name = file.as_os_str().to_owned();
    name.push(".br");
    fs::write(&name, &compressed).map_err(problem)?;
    Ok(compressed.len() as u64)
}

/// Prints what the first load needs: the document, what it names, and the snippets that the glue imports.
fn report(sizes: &[(u64, PathBuf)]) -> Outcome {
    let dist = paths::dist();
    let document = fs::read_to_string(dist.join("index.html"))
        .map_err(|error| Problem::new(format!("The built index.html cannot be read: {error}.")))?;
    let needed: Vec<(u64, String)> = sizes
        .iter()
        .filter_map(|(size, path)| {
            let name = path.strip_prefix(&dist).unwrap_or(path).to_string_lossy().into_owned();
            let file_name = path.file_name()?.to_str()?;
            let needed = name == "index.html"
                || name == CONFIG
                || document.contains(file_name)
                || name.starts_with("snippets");
            needed.then_some((*size, name))
        })
        .collect();
    let total: u64 = needed.iter().map(|(size, _)| size).sum();
    let everything: u64 = sizes.iter().map(|(size, _)| size).sum();
    println!("{:>9}  the first load, bytes of brotli", "size");
    for (size, name) in &needed {
        println!("{size:>9}  {name}");
    }
    println!("{total:>9}  in all; the limit is {FIRST_LOAD_LIMIT_BYTES}");
    println!("{:>9}  fetched after it, when the list is there", everything - total);
    if total > FIRST_LOAD_LIMIT_BYTES {
        return Err(Problem::new(format!(
            "The first load weighs {total} bytes of brotli, more than the {FIRST_LOAD_LIMIT_BYTES} that are allowed."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::with_integrity;

    #[test]
    fn the_script_that_starts_the_page_is_named_with_its_hash() {
        let document = r#"<head><script type="module" src="./boot.js"></script></head>"#;
        let expected = with_integrity(document, b"start()").expect("it is named once");
        // `printf 'start()' | openssl dgst -sha384 -binary | base64`
        let hash = "YO9eH3sX36qyw+UuhVDLik67J+J6POpRYTtOKqiZdbEbjICi3NUmlZIasD9C8qpz";
        let line = format!(r#"<script type="module" src="./boot.js" integrity="sha384-{hash}"></script>"#);
        assert!(expected.contains(&line), "{expected}");
        assert_eq!(with_integrity("<head></head>", b""), None);
    }
}
