//! The language of the page. The English text is the key: a catalogue such as `zh-CN.json` says the same in another language,
//! and `boot.js` fetches it before the page starts, if it was chosen. Without one every text stands as it was written.
//!
//! What is ours and what is data is told by the type: a `&'static str` is a text of ours and is looked up where it reaches
//! the page (`src/dom.rs`), a `String` is data, or was looked up when it was made.

use core::cell::Cell;
use core::fmt::{Display, Write};

/// Where `boot.js` leaves the catalogue, and what it puts between the texts: the browser reads JSON, and the program need not.
const LEFT_AT: &str = "words";
const BETWEEN: char = '\0';

thread_local! {
    /// Each text and its translation, in the order of the texts.
    static CATALOGUE: Cell<&'static [(String, String)]> = const { Cell::new(&[]) };
}

/// Takes the catalogue that was fetched, if one was. To be called before anything is drawn.
pub fn settle() {
    let left = js_sys::Reflect::get(&js_sys::global(), &LEFT_AT.into()).ok();
    if let Some(catalogue) = left.and_then(|left| left.as_string()) {
        take(&catalogue);
    }
}

/// Texts and their translations in turns, in the order of the texts as the file has them.
fn take(catalogue: &str) {
    let mut parts = catalogue.split(BETWEEN);
    let mut texts = Vec::new();
    while let (Some(text), Some(said)) = (parts.next(), parts.next()) {
        texts.push((text.to_owned(), said.to_owned()));
    }
    CATALOGUE.set(Vec::leak(texts));
}

/// A text of ours in the language of the page.
pub fn translated(text: &'static str) -> &'static str {
    let catalogue = CATALOGUE.get();
    match catalogue.binary_search_by(|(known, _)| known.as_str().cmp(text)) {
        Ok(place) => &catalogue[place].1,
        Err(_) => text,
    }
}

/// A sentence with values in it: each `{}` takes the next one. A translation that needs another order numbers them from 1:
/// `{2}`, `{1}`.
pub fn fill(template: &'static str, values: &[&dyn Display]) -> String {
    let mut text = String::new();
    let mut next = values.iter();
    let mut rest = translated(template);
    while let Some((before, (place, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        text.push_str(before);
        let value = match place.bytes().next() {
            Some(digit) => values.get(usize::from(digit.wrapping_sub(b'1'))),
            None => next.next(),
        };
        if let Some(value) = value {
            // Writing to a text cannot fail.
            let _ = write!(text, "{value}");
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// A sentence of ours as a `String`, in the language of the page: `say!("Stop {} now?", channel)`. Words among the values
/// that are ours have to be [`translated`].
macro_rules! say {
    ($text:expr) => { String::from($crate::words::translated($text)) };
    ($text:expr, $($value:expr),+ $(,)?) => { $crate::words::fill($text, &[$(&$value),+]) };
}
pub(crate) use say;

#[cfg(test)]
mod tests {
    use super::{fill, take, translated};

    #[test]
    fn a_text_is_said_in_the_language_of_the_page_and_otherwise_as_it_was_written() {
        assert_eq!(fill("Session {} of {}", &[&2, &"math-7b"]), "Session 2 of math-7b");
        take("Open\0打开\0Session {} of {}\0{2} 的会话 {1}\0odd");
        assert_eq!(translated("Open"), "打开");
        assert_eq!(translated("odd"), "odd");
        assert_eq!(translated("Close"), "Close");
        assert_eq!(fill("Session {} of {}", &[&2, &"math-7b"]), "math-7b 的会话 2");
        // A value is never looked up, and a brace in it is one.
        assert_eq!(fill("{}, {}", &[&"Open", &"{1}"]), "Open, {1}");
        assert_eq!(fill("Not closed {", &[]), "Not closed {");
        assert_eq!(fill("Too few {} {} {9}", &[&1]), "Too few 1  ");
    }
}
