//! Builds the page smaller than trunk alone does: the standard library is compiled for size with the page, and code
//! that the page does not need at first goes to a file of its own (`src/later.rs`).
//!
//! Trunk knows neither, but it runs the `cargo` and the `wasm-bindgen` that it finds on PATH. [`stand_ins`] puts this
//! program there under both names; [`stand_in`] adds what is missing and hands on to the real ones. `trunk serve` and
//! `trunk build` without `cargo xtask build` go without, and give the same page in one file.

use crate::{Outcome, Problem, paths, tools};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha384};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use wasm_split_cli_support::Options;

/// Where the real programs are.
const CARGO: &str = "TALLYLIGHT_CARGO";
const WASM_BINDGEN: &str = "TALLYLIGHT_WASM_BINDGEN";

/// The name of the code that comes later, as `src/later.rs` gives it.
const LATER: &str = "later";

/// What the page's own compilation is told beside `Cargo.toml`. A panic ends the page without a text: it cannot be
/// read by whom it happens to, and its texts are a tenth of the download. Relocations tell what needs what.
const RUSTFLAGS: &str =
    "-Zunstable-options -Cpanic=immediate-abort -Zfmt-debug=none --cfg split -Clink-args=--emit-relocs";

fn folder() -> PathBuf {
    paths::target().join("page")
}

/// Makes the folder with the stand-ins, and gives trunk's command its environment.
pub fn stand_ins(trunk: &mut Command, tools: &tools::PageTools) -> Outcome {
    let stand_ins = folder().join("bin");
    let problem = |error| Problem::new(format!("{} cannot be filled: {error}.", stand_ins.display()));
    fs::create_dir_all(&stand_ins).map_err(problem)?;
    let this = paths::this_program()?;
    for name in ["cargo", "wasm-bindgen"] {
        let place = stand_ins.join(name);
        // A file that runs cannot be written over, but replaced.
        let _ = fs::remove_file(&place);
        if fs::hard_link(this, &place).is_err() {
            fs::copy(this, &place).map_err(problem)?;
        }
    }
    let mut path = vec![stand_ins];
    path.extend(env::split_paths(&tools.path));
    let path =
        env::join_paths(path).map_err(|error| Problem::new(format!("PATH cannot be extended: {error}.")))?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    trunk.env("PATH", path).env(CARGO, cargo).env(WASM_BINDGEN, &tools.wasm_bindgen);
    Ok(())
}

/// What this program is to do when it was started under another name.
pub fn stand_in() -> Option<ExitCode> {
    let name = PathBuf::from(env::args_os().next()?);
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let outcome = match name.file_stem()?.to_str()? {
        "cargo" => cargo(&arguments),
        "wasm-bindgen" => wasm_bindgen(&arguments),
        _ => return None,
    };
    Some(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    })
}

fn real(variable: &str) -> Outcome<Command> {
    let program = env::var_os(variable)
        .ok_or_else(|| Problem::new(format!("{variable} is not set: run `cargo xtask build`.")))?;
    Ok(Command::new(program))
}

fn cargo(arguments: &[OsString]) -> Outcome {
    let mut cargo = real(CARGO)?;
    let of_the_page =
        arguments.iter().any(|argument| argument.to_str() == Some(&format!("--target={}", tools::WASM)));
    if of_the_page {
        // Trunk is told to stay off the network; the standard library's own packages may have to be fetched once.
        cargo.args(arguments.iter().filter(|argument| *argument != "--offline"));
        cargo.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"]);
        // The names of functions are wanted until the code is split.
        cargo.env("CARGO_PROFILE_WASM_RELEASE_STRIP", "none");
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", RUSTFLAGS);
        cargo.env("RUSTC_BOOTSTRAP", "1");
    } else {
        cargo.args(arguments);
    }
    quiet(&mut cargo)
}

/// Runs it, which says itself what went wrong.
fn quiet(command: &mut Command) -> Outcome {
    let name = command.get_program().to_string_lossy().into_owned();
    let status =
        command.status().map_err(|error| Problem::new(format!("{name} cannot be started: {error}.")))?;
    if status.success() { Ok(()) } else { Err(Problem::new(format!("{name} failed."))) }
}

fn wasm_bindgen(arguments: &[OsString]) -> Outcome {
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let value = |name: &str| texts.iter().find_map(|text| text.strip_prefix(name));
    let input = texts.iter().copied().find(|text| text.ends_with(".wasm"));
    let (Some(input), Some(out), Some(name)) = (input, value("--out-dir="), value("--out-name=")) else {
        return quiet(real(WASM_BINDGEN)?.args(arguments));
    };
    let main = split(Path::new(input), Path::new(out), name)?;
    let mut bindgen = real(WASM_BINDGEN)?;
    bindgen.args(arguments.iter().filter(|argument| argument.to_str() != Some(input)));
    bindgen.args(["--keep-lld-exports", "--remove-name-section", "--remove-producers-section"]).arg(main);
    quiet(&mut bindgen)
}

/// Splits the compiled page. The code for later goes to `target/page/later`, the script that fetches it to the
/// snippets in `out`, of which trunk takes care. Gives back what is left for wasm-bindgen.
fn split(input: &Path, out: &Path, name: &str) -> Outcome<PathBuf> {
    let problem = |what: &Path, error: &dyn std::fmt::Display| {
        Problem::new(format!("{} cannot be split: {error}.", what.display()))
    };
    let compiled = fs::read(input).map_err(|error| problem(input, &error))?;
    let work = folder().join("split");
    let chunks = folder().join(LATER);
    let snippets = out.join("snippets");
    for folder in [&work, &chunks, &snippets] {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(problem(folder, &error));
            }
            _ => {}
        }
    }
    // Trunk's own: the same hash of the same file gives the main script its name.
    let hash = seahash::hash(&compiled);
    let script = format!("snippets/{LATER}/{LATER}-{hash:016x}.js");
    let script_folder = format!("snippets/{LATER}");
    for folder in [&work.join(&script_folder), &chunks, &out.join(&script_folder)] {
        fs::create_dir_all(folder).map_err(|error| problem(folder, &error))?;
    }

    let main = work.join(format!("{name}.wasm"));
    let link_name = format!("./{script}");
    let main_module = format!("../../{name}-{hash:x}.js");
    let mut options = Options::new(&compiled);
    options.output_dir = &work;
    options.main_out_path = &main;
    options.link_name = &link_name;
    options.main_module = &main_module;
    let done = wasm_split_cli_support::transform(options).map_err(|error| problem(input, &error))?;
    let [chunk] = done.split_modules.as_slice() else {
        return Err(problem(input, &format!("it has {} parts instead of one", done.split_modules.len())));
    };

    let bytes = fs::read(chunk).map_err(|error| problem(chunk, &error))?;
    let bytes = without_custom_sections(&bytes)
        .ok_or_else(|| problem(chunk, &"it is not the WebAssembly that was expected"))?;
    let file = format!("{LATER}-{:016x}.wasm", seahash::hash(&bytes));
    fs::write(chunks.join(&file), &bytes).map_err(|error| problem(chunk, &error))?;

    // The browser is told what to expect, as trunk tells it of every other file.
    let written = fs::read_to_string(work.join(&script)).map_err(|error| problem(input, &error))?;
    let chunk_name = chunk.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let fetched = format!("new URL(\"./{chunk_name}\", import.meta.url)");
    let integrity = STANDARD.encode(Sha384::digest(&bytes));
    let checked = format!(
        "new URL(\"../../{file}\", import.meta.url), {{ integrity: \"sha384-{integrity}\", credentials: \"same-origin\" }}"
    );
    if written.matches(&fetched).count() != 1 {
        return Err(problem(input, &"the script that fetches the part is not the one that was expected"));
    }
    fs::write(out.join(&script), written.replace(&fetched, &checked))
        .map_err(|error| problem(input, &error))?;
    Ok(main)
}

/// Puts the code for later beside the page that trunk built.
pub fn add_later(dist: &Path) -> Outcome {
    let problem = |error| Problem::new(format!("The page's second file cannot be added: {error}."));
    for entry in fs::read_dir(folder().join(LATER)).map_err(problem)? {
        let entry = entry.map_err(problem)?;
        fs::copy(entry.path(), dist.join(entry.file_name())).map_err(problem)?;
    }
    // The script names the page's main script, which it did not see: without it nothing would be fetched.
    let scripts = dist.join("snippets").join(LATER);
    for entry in fs::read_dir(scripts).map_err(problem)? {
        let text = fs::read_to_string(entry.map_err(problem)?.path()).map_err(problem)?;
        let main = text.split('"').find_map(|part| part.strip_prefix("../../"));
        if !main.is_some_and(|main| dist.join(main).is_file()) {
            return Err(Problem::new(
                "The page's parts do not fit together: trunk named the main script otherwise.",
            ));
        }
    }
    Ok(())
}

/// A module without its custom sections (names, producers): nothing in them is needed to run it. Nothing if it is none.
fn without_custom_sections(module: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 8;
    let mut kept = module.get(..HEADER)?.to_vec();
    let mut rest = module.get(HEADER..)?;
    while let [id, sized @ ..] = rest {
        let (size, length) = leb128(sized)?;
        let end = 1 + length + size;
        let section = rest.get(..end)?;
        if *id != 0 {
            kept.extend_from_slice(section);
        }
        rest = &rest[end..];
    }
    Some(kept)
}

/// An unsigned LEB128 of 32 bits, and how many bytes it takes.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    for (place, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::without_custom_sections;

    #[test]
    fn custom_sections_go_and_the_others_stay() {
        let header = *b"\0asm\x01\0\0\0";
        let names = [0, 3, 1, b'n', 7];
        let memory = [5, 3, 1, 0, 1];
        let module = [&header[..], &names, &memory, &names].concat();
        assert_eq!(without_custom_sections(&module), Some([&header[..], &memory].concat()));
        assert_eq!(without_custom_sections(&module[..12]), None);
        assert_eq!(without_custom_sections(b"\0as"), None);
    }
}
