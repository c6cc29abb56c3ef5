//! Reads the types of the wire with little code.
//!
//! What a browser downloads has a limit, and the code that serde derives for reading is large: it can read from every
//! format, and it is made anew for every source. A page reads one thing, a [`Value`], so [`FromJson`] does only that.
//!
//! # One definition of the format
//!
//! The derive reads the `#[serde(…)]` attributes that are on the types for serde's own derives, and refuses those that
//! it does not know. What it reads, and what it refuses, is what `serde_json::from_value` reads and refuses, to the last
//! quirk; [`agreement`] proves it for every type that derives both.
//!
//! ```
//! use from_json::{FromJson, from_text};
//! use serde::Deserialize;
//!
//! #[derive(Debug, PartialEq, Deserialize, FromJson)]
//! #[serde(rename_all = "camelCase")]
//! struct Picture {
//!     image_width: u16,
//!     #[serde(default)]
//!     caption: Option<String>,
//! }
//!
//! let picture = from_text::<Picture>(r#"{"imageWidth":640}"#);
//! assert_eq!(picture, Ok(Picture { image_width: 640, caption: None }));
//! let refused = from_text::<Picture>(r#"{"imageWidth":-1}"#).expect_err("no such width");
//! assert_eq!(refused.to_string(), "expected a whole number in its range at or near \"imageWidth\"");
//! ```
//!
//! # Why it is small
//!
//! - Reading never stops: what cannot be read is noted in the [`Reader`], and any value goes on in its place. Nobody gets
//!   to see it, because [`from_value`] asks the reader first. So no field needs a branch, nor the code that drops the
//!   fields before it, and a struct is made where it will lie.
//! - A field is one call: of [`Object::field`], one for each *type* of field. Whatever depends on no type is one
//!   function for all ([`Reader::object`], [`Reader::variant`], …).
//! - A value is borrowed, so nothing has to be taken out of a map.

extern crate self as from_json;

pub mod agreement;
mod object;
mod parse;
mod types;

use core::fmt;

pub use from_json_derive::FromJson;
pub use object::Object;
pub use serde_json::Value;

/// Why something could not be read: the first thing that did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadError {
    /// What should have been there.
    pub expected: &'static str,
    /// The field that was looked for last: the one at fault, or one beside it. Empty outside of every field.
    pub field: &'static str,
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in ["expected ", self.expected, " at or near \"", self.field, "\""] {
            formatter.write_str(part)?;
        }
        Ok(())
    }
}

impl core::error::Error for ReadError {}

/// A type that can be read from a [`Value`].
///
/// Derived beside serde's `Deserialize`. Where that is written by hand, so is this: [`Reader`] has what is needed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read by the page",
    label = "has no `FromJson`",
    note = "every type that a page reads derives `from_json::FromJson` beside `serde::Deserialize`"
)]
pub trait FromJson: Sized {
    /// Whether its fields may stand among those of another struct (`#[serde(flatten)]`).
    const FLATTENS: bool = false;

    /// Reads a value; none where a field is missing. What does not fit is told to the reader, and any value of the type
    /// is given back.
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self;
}

/// Reads a value.
///
/// # Errors
/// When it is not of this type.
pub fn from_value<T: FromJson>(value: &Value) -> Result<T, ReadError> {
    let mut reader = Reader::default();
    let read = T::from_json(Some(value), &mut reader);
    reader.error.map_or(Ok(read), Err)
}

/// Reads a text.
///
/// # Errors
/// When it is not JSON, or not of this type.
pub fn from_text<T: FromJson>(text: &str) -> Result<T, ReadError> {
    from_value(&parse(text)?)
}

fn parse(text: &str) -> Result<Value, ReadError> {
    parse::parse(text).ok_or(ReadError { expected: "JSON", field: "" })
}

/// Notes the first thing that did not fit, and reads what depends on no type.
#[derive(Debug, Default)]
pub struct Reader {
    field: &'static str,
    error: Option<ReadError>,
}

impl Reader {
    /// Something else was expected here. The first that says so is remembered.
    #[cold]
    #[inline(never)]
    pub const fn refuse(&mut self, expected: &'static str) {
        if self.error.is_none() {
            self.error = Some(ReadError { expected, field: self.field });
        }
    }

    /// Whether something did not fit.
    pub const fn refused(&self) -> bool {
        self.error.is_some()
    }

    /// The fields of a struct. A list has the fields in their order and without their names, as with serde.
    #[inline(never)]
    pub fn object<'v, 'r>(&'r mut self, value: Option<&'v Value>) -> Object<'v, 'r> {
        match value {
            Some(Value::Array(items)) => Object::of_list(items, self),
            other => self.named_fields(other),
        }
    }

    /// The fields of a struct or a variant that cannot be given as a list.
    #[inline(never)]
    pub fn named_fields<'v, 'r>(&'r mut self, value: Option<&'v Value>) -> Object<'v, 'r> {
        if let Some(Value::Object(fields)) = value {
            return Object::of_fields(fields, self);
        }
        self.refuse("an object");
        Object::of_list(&[], self)
    }

    /// The items of a list.
    #[inline(never)]
    pub fn list<'v>(&mut self, value: Option<&'v Value>) -> &'v [Value] {
        if let Some(Value::Array(items)) = value {
            return items;
        }
        self.refuse("a list");
        &[]
    }

    /// The items of a list that has so many. May give back another number of them.
    #[inline(never)]
    pub fn list_of<'v>(&mut self, count: usize, value: Option<&'v Value>) -> &'v [Value] {
        let items = self.list(value);
        if items.len() != count {
            self.refuse("a list of a certain length");
        }
        items
    }

    /// A text; empty where there is none.
    #[inline(never)]
    pub fn text<'v>(&mut self, value: Option<&'v Value>) -> &'v str {
        if let Some(Value::String(text)) = value {
            return text;
        }
        self.refuse("a text");
        ""
    }

    /// A whole number from 0 to `largest`.
    #[inline(never)]
    pub fn natural(&mut self, largest: u64, value: Option<&Value>) -> u64 {
        match value.and_then(Value::as_u64) {
            Some(number) if number <= largest => number,
            _ => {
                self.refuse(WHOLE_NUMBER);
                0
            }
        }
    }

    /// A whole number from `least` to `largest`.
    #[inline(never)]
    pub fn integer(&mut self, least: i64, largest: i64, value: Option<&Value>) -> i64 {
        match value.and_then(Value::as_i64) {
            Some(number) if number >= least && number <= largest => number,
            _ => {
                self.refuse(WHOLE_NUMBER);
                0
            }
        }
    }

    /// Which of the variants it is, and what belongs to it. The first `plain` of the names have no content, and the
    /// others must have some. Always the number of a name, unless there is none.
    #[inline(never)]
    pub fn variant<'v>(
        &mut self,
        value: Option<&'v Value>,
        names: &[&str],
        plain: usize,
    ) -> (usize, Option<&'v Value>) {
        let (name, content) = match value {
            Some(Value::String(name)) => (Some(name), None),
            Some(Value::Object(fields)) if fields.len() == 1 => {
                (fields.keys().next(), fields.values().next())
            }
            _ => (None, None),
        };
        let index = name.and_then(|name| names.iter().position(|known| known == name));
        if let Some(index) = index {
            let fits = match content {
                None => index < plain,
                Some(content) => index >= plain || content.is_null(),
            };
            if fits {
                return (index, content);
            }
        }
        self.refuse("one of certain names, with what belongs to it");
        (0, None)
    }

    /// Which of the variants it is, where none has content.
    #[inline(never)]
    pub fn plain_variant(&mut self, value: Option<&Value>, names: &[&str]) -> usize {
        self.variant(value, names, names.len()).0
    }
}

const WHOLE_NUMBER: &str = "a whole number in its range";
