//! Whether the catalogue says every text of the page, and nothing else: read out of the sources, as they stand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Literals outside the words that look like texts and are none: names of keys, of tags, of headers, of languages.
const NO_TEXTS: [&str; 23] = [
    "ArrowDown",
    "ArrowLeft",
    "ArrowRight",
    "ArrowUp",
    "BODY",
    "Content-Type",
    "Ctrl K",
    "DateTimeFormat",
    "End",
    "English",
    "Enter",
    "Escape",
    "Home",
    "Idempotency-Key",
    "input, textarea, select, [contenteditable]",
    "Intl",
    "Notification",
    "PageDown",
    "PageUp",
    "Parts",
    "Tab",
    "TALLYLIGHT_BUILD",
    "text is not compared otherwise",
];

/// A text of a source, and what stands right before and behind it.
struct Literal {
    text: String,
    before: String,
    behind: String,
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("words/complete.rs") {
            found.push(path);
        }
    }
}

/// The literals of a source, without those of comments, attributes and tests.
fn literals(source: &str) -> Vec<Literal> {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let text: Vec<char> = source.chars().collect();
    let tells = |place: usize, what: &str| {
        what.chars().enumerate().all(|(step, c)| text.get(place + step) == Some(&c))
    };
    let mut found = Vec::new();
    let mut code = String::new();
    let mut place = 0;
    while place < text.len() {
        if tells(place, "//") {
            while place < text.len() && text[place] != '\n' {
                place += 1;
            }
        } else if tells(place, "#[") || tells(place, "#![") {
            let mut depth = 0;
            loop {
                match text[place] {
                    '[' => depth += 1,
                    ']' => depth -= 1,
                    '"' => place = behind_quote(&text, place) - 1,
                    _ => {}
                }
                place += 1;
                if depth == 0 && text[place - 1] == ']' {
                    break;
                }
            }
        } else if tells(place, "r#\"") {
            let mut end = place + 3;
            while !tells(end, "\"#") {
                end += 1;
            }
            place = end + 2;
        } else if text[place] == '"' {
            let end = behind_quote(&text, place);
            let raw: String = text[place + 1..end - 1].iter().collect();
            let behind: String = text[end..text.len().min(end + 40)].iter().collect();
            let before =
                code.trim_end().chars().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect();
            found.push(Literal { text: unescaped(&raw), before, behind: behind.trim_start().to_owned() });
            code.push('"');
            place = end;
        } else if text[place] == '\'' && text.get(place + 1) == Some(&'\\') {
            place += 4;
        } else if text[place] == '\'' && text.get(place + 2) == Some(&'\'') {
            place += 3;
        } else {
            code.push(text[place]);
            place += 1;
        }
    }
    found
}

fn behind_quote(text: &[char], quote: usize) -> usize {
    let mut end = quote + 1;
    while text[end] != '"' {
        end += if text[end] == '\\' { 2 } else { 1 };
    }
    end + 1
}

fn unescaped(raw: &str) -> String {
    let mut text = String::new();
    let mut rest = raw.chars().peekable();
    while let Some(letter) = rest.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match rest.next() {
            Some('\n') => {
                while rest.peek().is_some_and(|next| next.is_whitespace()) {
                    rest.next();
                }
            }
            Some('n') => text.push('\n'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// How many letters stand in a row at most.
fn letters_in_a_row(text: &str) -> usize {
    text.split(|letter: char| !letter.is_ascii_alphabetic()).map(str::len).max().unwrap_or_default()
}

/// Outside the words a literal is a text if it looks like one.
fn looks_like_a_text(text: &str) -> bool {
    let mut letters = text.chars();
    let capital = letters.next().is_some_and(|first| first.is_ascii_uppercase())
        && letters.next().is_some_and(|second| second.is_ascii_lowercase());
    letters_in_a_row(text) > 1
        && (capital || text.contains(' '))
        && !text.contains(['=', '{', '}', '#'])
        // Something is drawn with these.
        && !text.chars().all(|letter| !letter.is_alphabetic() || "MmLlHhVvZzAaCc".contains(letter))
        && !text.starts_with("button ")
        && !NO_TEXTS.contains(&text)
}

/// Every literal of the page, those that have to be in a catalogue, and what is wrong with some.
fn texts() -> (BTreeSet<String>, BTreeSet<String>, Vec<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    let (mut all, mut wanted, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        let source = fs::read_to_string(&file).expect("the source can be read");
        let words = name.starts_with("src/words");
        for Literal { text, before, behind } in literals(&source) {
            all.insert(text.clone());
            let matched = behind.starts_with("=>") || behind.starts_with(") =>") || behind.starts_with("| ");
            if matched || before.ends_with("expect(") || before.ends_with("reason =") {
                continue;
            }
            if !words && name.ends_with("screens/parts.rs") {
                continue;
            }
            if !words {
                // A command line is the same in every language.
                if looks_like_a_text(&text) && !name.ends_with("curl.rs") {
                    wanted.insert(text);
                }
                continue;
            }
            if name.ends_with("catalogue.rs") {
                continue;
            }
            let formats = before.ends_with("format!(");
            let mut inside = text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
            if formats || inside.any(|place| !place.is_empty()) {
                let outside: String =
                    text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest)).collect();
                if letters_in_a_row(&outside) > 0 {
                    wrong.push(format!("{name}: {text:?} is never looked up: say!(\"… {{}} …\", value) is"));
                }
            } else if letters_in_a_row(&text) > 0 {
                wanted.insert(text);
            }
        }
    }
    let page = fs::read_to_string(root.join("index.html")).expect("the page can be read");
    for part in page.split(" data-say>").skip(1) {
        let text = part.split('<').next().unwrap_or_default().to_owned();
        all.insert(text.clone());
        wanted.insert(text);
    }
    (all, wanted, wrong)
}

fn catalogue() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/words/zh-CN.json");
    serde_json::from_str(&fs::read_to_string(path).expect("the catalogue can be read"))
        .expect("it is JSON of texts")
}

/// The places of a template: `{}` or `{2}`.
fn places(text: &str) -> Vec<usize> {
    let inside = text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    let mut places: Vec<usize> =
        inside.enumerate().map(|(place, named)| named.parse().unwrap_or(place + 1)).collect();
    places.sort_unstable();
    places
}

#[test]
fn every_text_is_in_the_catalogue_and_none_that_is_not_said() {
    let ((all, wanted, wrong), catalogue) = (texts(), catalogue());
    let missing: Vec<_> = wanted
        .iter()
        .filter(|text| !catalogue.contains_key(*text))
        .map(|text| format!("  {}: \"\",", serde_json::to_string(text).unwrap_or_default()))
        .collect();
    let unused: Vec<_> = catalogue.keys().filter(|text| !all.contains(*text)).collect();
    assert!(
        missing.is_empty() && unused.is_empty() && wrong.is_empty(),
        "src/words/zh-CN.json misses\n{}\nand has without need {unused:#?}\n{wrong:#?}",
        missing.join("\n"),
    );
}

#[test]
fn a_translation_has_the_values_of_its_text() {
    for (text, said) in catalogue() {
        assert_eq!(places(&text), places(&said), "{text:?}: {said:?}");
        assert!(!said.is_empty() || text.trim().is_empty(), "{text:?} has no translation");
        assert_eq!(text.starts_with(' '), said.starts_with(' ') || text.starts_with(' '), "{text:?}");
    }
}

#[test]
fn the_catalogue_is_in_order_so_that_two_changes_seldom_meet() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/words/zh-CN.json");
    let text = fs::read_to_string(path).expect("the catalogue can be read");
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("  \"")).collect();
    let keys: Vec<String> = lines
        .iter()
        .map(|line| {
            let pair = format!("{{{}}}", line.trim().trim_end_matches(','));
            let pair: BTreeMap<String, String> = serde_json::from_str(&pair).expect("one text on each line");
            pair.into_keys().next().unwrap_or_default()
        })
        .collect();
    let mut sorted = keys.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(keys, sorted);
    assert_eq!(keys.len(), catalogue().len(), "one text on each line");
}
