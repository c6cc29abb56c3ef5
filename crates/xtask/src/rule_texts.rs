//! Makes the file of the rules' texts that the page fetches: `docs/rules.md` as data, text only.
//!
//! Trunk calls this before every build. The texts are no part of the program: few pages open one of them, and a text that is
//! not compiled needs no new program when it changes.

use crate::{Outcome, Problem, paths};
use rules::RuleId;
use serde::Serialize;
use std::fs;

/// One rule as the page shows it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct RuleText {
    id: RuleId,
    /// The heading of its section, without the letter.
    section: String,
    /// Its paragraphs.
    text: Vec<String>,
    /// Its numbers with their defaults; none where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<String>,
    /// Which of the service's documents it comes from.
    source: String,
}

/// Writes `target/page/rules.json` in the checkout.
pub fn write() -> Outcome {
    let document = paths::root().join("docs/rules.md");
    let text = fs::read_to_string(&document)
        .map_err(|error| Problem::new(format!("{} cannot be read: {error}.", document.display())))?;
    let texts = serde_json::to_string(&read(&text)?).map_err(|error| {
        Problem::new(format!("The texts of the rules cannot be written as JSON: {error}."))
    })?;
    let folder = paths::target().join("page");
    let file = folder.join("rules.json");
    // An unchanged file keeps its time, so that a watching trunk does not build again because of its own build.
    if fs::read_to_string(&file).is_ok_and(|present| present == texts) {
        return Ok(());
    }
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&file, texts))
        .map_err(|error| Problem::new(format!("{} cannot be written: {error}.", file.display())))
}

/// The rules of the document.
fn read(document: &str) -> Outcome<Vec<RuleText>> {
    let mut rules: Vec<RuleText> = Vec::new();
    let mut section = String::new();
    let mut within = false;
    for paragraph in document.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        if let Some(id) = paragraph.strip_prefix("### ") {
            let id = RuleId::parse(id).ok_or_else(|| {
                Problem::new(format!("docs/rules.md has a heading for {id}, which is no rule."))
            })?;
            let section = section.clone();
            rules.push(RuleText { id, section, text: Vec::new(), numbers: None, source: String::new() });
            within = true;
            continue;
        }
        if let Some(heading) = paragraph.strip_prefix("## ") {
            heading.split_once(" · ").map_or(heading, |(_, name)| name).clone_into(&mut section);
            within = false;
            continue;
        }
        let Some(rule) = rules.last_mut().filter(|_| within) else { continue };
        let plain = |text: &str| text.replace('`', "").replace('\n', " ");
        if let Some(numbers) = paragraph.strip_prefix("Numbers: ") {
            rule.numbers = Some(plain(numbers));
        } else if let Some(source) = paragraph.strip_prefix("Source: ") {
            rule.source = plain(source);
        } else if !paragraph.starts_with("Tests: ") {
            rule.text.push(plain(paragraph));
        }
    }
    for id in RuleId::ALL {
        let told = rules.iter().find(|rule| rule.id == *id);
        if told.is_none_or(|rule| rule.text.is_empty() || rule.source.is_empty()) {
            return Err(Problem::new(format!("docs/rules.md lacks the text or the source of {id}.")));
        }
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_read_into_every_rule_with_its_section_text_numbers_and_source() {
        let document = fs::read_to_string(paths::root().join("docs/rules.md")).expect("the document");
        let rules = read(&document).expect("every rule");
        let ids: Vec<RuleId> = rules.iter().map(|rule| rule.id).collect();
        assert_eq!(ids, RuleId::ALL);
        let d4 = &rules[3];
        assert_eq!((d4.id, d4.section.as_str()), (RuleId::D4, "Every call"));
        assert_eq!(d4.numbers.as_deref(), Some("rate_limited_gaps = [1, 3, 6]."));
        for rule in &rules {
            let all = rule.text.join(" ") + &rule.source + rule.numbers.as_deref().unwrap_or_default();
            assert!(!all.contains('`') && !all.contains("Tests: ") && !all.contains('#'), "{rule:?}");
        }
    }

    #[test]
    fn a_document_without_a_rule_or_with_one_too_many_is_refused() {
        let document = fs::read_to_string(paths::root().join("docs/rules.md")).expect("the document");
        assert!(read(&document.replace("### M3\n", "")).is_err());
        assert!(read(&document.replace("### M3\n", "### M12\n")).is_err());
    }
}
