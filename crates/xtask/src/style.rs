//! Joins the style sheets: `style/main.css` and what it imports, in order, become one small file, and `style/later.css`
//! another, which the page fetches when the list is there.
//!
//! Trunk calls this before every build. A browser would fetch each `@import` only after it has read the file before,
//! and building needs no Node.

use crate::{Outcome, Problem, paths};
use std::fs;
use std::path::{Path, PathBuf};

/// Writes `target/style/app.css` and `target/style/later.css` in the checkout.
pub fn write_joined_sheets() -> Outcome {
    for (from, to) in [("main.css", "app.css"), ("later.css", "later.css")] {
        let sheet = paths::root().join("style").join(from);
        write(&paths::target().join("style").join(to), shrink(&join(&sheet, &mut Vec::new())?))?;
    }
    Ok(())
}

fn write(file: &Path, joined: String) -> Outcome {
    // An unchanged file keeps its time, so that a watching trunk does not build again because of its own build.
    if fs::read_to_string(file).is_ok_and(|present| present == joined) {
        return Ok(());
    }
    let folder = paths::target().join("style");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(file, joined))
        .map_err(|error| Problem::new(format!("{} cannot be written: {error}.", file.display())))
}

/// The text of `sheet` with each import replaced by what it names. `open` are the sheets being joined, outermost first.
fn join(sheet: &Path, open: &mut Vec<PathBuf>) -> Outcome<String> {
    if open.iter().any(|other| other == sheet) {
        return Err(Problem::new(format!("{} imports itself.", sheet.display())));
    }
    let text = fs::read_to_string(sheet).map_err(|error| {
        Problem::new(format!("The style sheet {} cannot be read: {error}.", sheet.display()))
    })?;
    open.push(sheet.to_path_buf());
    let mut joined = String::with_capacity(text.len());
    for piece in pieces(&without_comments(&text)) {
        match piece {
            Piece::Text(text) => joined.push_str(text),
            Piece::Import(statement) => {
                let import = Import::parse(statement).ok_or_else(|| {
                    Problem::new(format!(
                        "{} has an import that cannot be joined: {statement}",
                        sheet.display()
                    ))
                })?;
                let imported = join(&sheet.parent().unwrap_or(Path::new("")).join(import.path), open)?;
                match import.layer {
                    Some(layer) => {
                        joined.push_str(&format!("@layer {layer}{{"));
                        joined.push_str(&imported);
                        joined.push('}');
                    }
                    None => joined.push_str(&imported),
                }
            }
        }
    }
    open.pop();
    Ok(joined)
}

enum Piece<'a> {
    Text(&'a str),
    /// From `@import` to before its semicolon.
    Import(&'a str),
}

/// Splits a sheet without comments at its import statements; one in a string does not count.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    let mut import = None;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '@') if text[at..].starts_with("@import") => {
                pieces.push(Piece::Text(&text[from..at]));
                import = Some(at);
            }
            (None, ';') => {
                if let Some(start) = import.take() {
                    pieces.push(Piece::Import(&text[start..at]));
                    from = at + 1;
                }
            }
            (None, _) => {}
        }
    }
    pieces.push(Piece::Text(&text[from..]));
    pieces
}

struct Import<'a> {
    path: &'a str,
    layer: Option<&'a str>,
}

impl<'a> Import<'a> {
    /// Reads `@import "x.css"` or `@import url("x.css")`, either with `layer(name)`. Conditions are not joined.
    fn parse(statement: &'a str) -> Option<Self> {
        let rest = statement.strip_prefix("@import")?.trim();
        let (path, rest) = match rest.strip_prefix("url(") {
            Some(inner) => inner.split_once(')')?,
            None => {
                let quote = rest.chars().next().filter(|character| matches!(character, '"' | '\''))?;
                rest[1..].split_once(quote)?
            }
        };
        let path = path.trim().trim_matches(['"', '\'']);
        let rest = rest.trim();
        let layer = match rest.strip_prefix("layer(") {
            Some(name) => Some(name.strip_suffix(')')?.trim()),
            None if rest.is_empty() => None,
            None => return None,
        };
        (!path.contains("://")).then_some(Self { path, layer })
    }
}

/// The sheet with each comment outside a string replaced by one space.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    let mut quote = None;
    while let Some(character) = rest.chars().next() {
        if quote.is_none()
            && let Some(comment) = rest.strip_prefix("/*")
        {
            kept.push(' ');
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
            continue;
        }
        let mut length = character.len_utf8();
        if character == '\\' {
            length += rest[length..].chars().next().map_or(0, char::len_utf8);
        } else if quote == Some(character) {
            quote = None;
        } else if quote.is_none() && matches!(character, '"' | '\'') {
            quote = Some(character);
        }
        kept.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    kept
}

/// The sheet without the white space that can never matter: around braces, after semicolons and commas.
fn shrink(text: &str) -> String {
    let mut small = String::with_capacity(text.len());
    let mut quote = None;
    let mut space = false;
    let mut escaped = false;
    for character in text.chars() {
        if let Some(open) = quote {
            small.push(character);
            if !escaped && character == open {
                quote = None;
            }
            escaped = !escaped && character == '\\';
            continue;
        }
        if character.is_ascii_whitespace() {
            space = true;
            continue;
        }
        let needless =
            matches!(character, '{' | '}') || small.is_empty() || small.ends_with(['{', '}', ';', ',']);
        if space && !needless {
            small.push(' ');
        }
        space = false;
        if matches!(character, '"' | '\'') {
            quote = Some(character);
        }
        small.push(character);
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrunk(text: &str) -> String {
        shrink(&without_comments(text))
    }

    #[test]
    fn white_space_and_comments_go_where_they_cannot_matter() {
        assert_eq!(
            shrunk("/* a */\n.a > .b ,\n .c {\n  color : red;\n  margin: 0 auto ;\n}\n"),
            ".a > .b ,.c{color : red;margin: 0 auto ;}"
        );
        assert_eq!(shrunk("a { width: calc( 1px + 2px ) }"), "a{width: calc( 1px + 2px )}");
        assert_eq!(
            shrunk("@media (width > 1px) and (hover) { a { b: c } }"),
            "@media (width > 1px) and (hover){a{b: c}}"
        );
    }

    #[test]
    fn strings_stay_as_they_are() {
        assert_eq!(
            shrunk("a::before { content: \"/*  { \\\" */  x\" }"),
            "a::before{content: \"/*  { \\\" */  x\"}"
        );
    }

    #[test]
    fn an_import_names_a_path_and_may_name_a_layer() {
        let plain = Import::parse("@import \"a.css\"").expect("a plain import");
        assert_eq!((plain.path, plain.layer), ("a.css", None));
        let layered =
            Import::parse("@import url('parts/b.css') layer(parts)").expect("an import into a layer");
        assert_eq!((layered.path, layered.layer), ("parts/b.css", Some("parts")));
        assert!(Import::parse("@import \"a.css\" screen").is_none());
        assert!(Import::parse("@import \"https://example.org/a.css\"").is_none());
    }

    #[test]
    fn imports_are_joined_in_order_and_wrapped_in_their_layer() {
        let folder = std::env::temp_dir().join(format!("tallylight-style-{}", std::process::id()));
        fs::create_dir_all(folder.join("parts")).expect("a temporary folder");
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a temporary file");
        write(
            "main.css",
            "@layer base, parts;\n/* @import \"no.css\"; */\n@import \"base.css\" layer(base);\n@import \"parts/all.css\" layer(parts);\n",
        );
        write("base.css", "a { b: c }");
        write("parts/all.css", "@import \"one.css\";\n.x { content: \"@import 'y';\" }");
        write("parts/one.css", ".one {}");
        let joined = join(&folder.join("main.css"), &mut Vec::new()).map(|text| shrink(&text));
        write("parts/one.css", "@import \"all.css\";");
        let circle = join(&folder.join("main.css"), &mut Vec::new());
        fs::remove_dir_all(&folder).expect("the temporary folder goes");
        assert_eq!(
            joined.expect("the sheets join"),
            "@layer base,parts;@layer base{a{b: c}}@layer parts{.one{}.x{content: \"@import 'y';\"}}"
        );
        assert!(circle.is_err());
    }
}
