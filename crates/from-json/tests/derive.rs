//! Every form and every attribute that the derive knows, against serde.

use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::BTreeMap;

use from_json::agreement::{Hints, agree, check};
use from_json::{FromJson, from_text, from_value};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, PartialEq, Serialize, Deserialize, FromJson)]
struct Everything {
    truth: bool,
    byte: u8,
    short: u16,
    number: u32,
    long: u64,
    signed: (i8, i16),
    wide: (i32, i64, usize),
    never_zero: NonZeroU32,
    real: f64,
    text: String,
    some: Option<String>,
    boxed: Box<Colour>,
    list: Vec<Colour>,
    three: [u16; 3],
    span: Duration,
    map: BTreeMap<String, u8>,
    whatever: serde_json::Value,
    r#type: u8,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
enum Colour {
    #[default]
    DarkRed,
    #[serde(rename = "lime")]
    Green,
    #[serde(skip)]
    #[expect(dead_code, reason = "it cannot be read")]
    Secret,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "camelCase", rename_all_fields = "UPPERCASE")]
enum Shape {
    Point,
    FilledCircle(u8),
    Perhaps(Option<Colour>),
    Named(Defaults),
    Square {
        left_side: u8,
        #[serde(default, rename = "colour")]
        paint: Colour,
    },
    #[serde(rename_all = "PascalCase")]
    Line {
        from_here: Option<u8>,
    },
    Nowhere,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Strict {
    Only {
        one_field: u8,
        #[serde(default)]
        two: Option<u8>,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize, FromJson)]
struct Defaults {
    #[serde(default)]
    count: u32,
    #[serde(default = "seven")]
    seven: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maybe: Option<u8>,
    #[serde(skip)]
    skipped: u8,
    #[serde(skip_deserializing, default = "seven")]
    always_seven: u8,
    #[serde(skip_serializing, default)]
    not_written: Option<u8>,
    plain: Option<u8>,
}

impl FromJson for Unit {
    fn from_json(value: Option<&from_json::Value>, reader: &mut from_json::Reader) -> Self {
        if value.is_none_or(|value| !value.is_null()) {
            reader.refuse("null");
        }
        Self(())
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit(());

const fn seven() -> u8 {
    7
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(default = "Configured::usual", deny_unknown_fields)]
struct Configured {
    name: String,
    sizes: [u32; 2],
    #[serde(default = "seven")]
    seven: u8,
    #[serde(skip)]
    skipped: u8,
    colour: Option<Colour>,
}

impl Configured {
    fn usual() -> Self {
        Self { name: "usual".to_owned(), sizes: [1, 2], seven: 1, skipped: 9, colour: Some(Colour::Green) }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(transparent)]
struct Wrapped(Option<u16>);

#[derive(Debug, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(transparent)]
struct NamedWrapped {
    inner: Vec<Wrapped>,
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(try_from = "u8", into = "u8")]
struct Even(u8);

impl TryFrom<u8> for Even {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        if number.is_multiple_of(2) { Ok(Self(number)) } else { Err("odd") }
    }
}

impl From<Even> for u8 {
    fn from(even: Even) -> Self {
        even.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(from = "u32", into = "u32")]
enum Kind {
    First,
    Other(u32),
}

impl From<u32> for Kind {
    fn from(number: u32) -> Self {
        if number == 1 { Self::First } else { Self::Other(number) }
    }
}

impl From<Kind> for u32 {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::First => 1,
            Kind::Other(number) => number,
        }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, FromJson)]
struct Outer {
    id: u8,
    #[serde(flatten)]
    inner: Inner,
    #[serde(with = "in_words")]
    number: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "camelCase")]
struct Inner {
    #[serde(default)]
    some_width: u16,
    wrapped: Wrapped,
    even: Even,
}

mod in_words {
    use from_json::{Reader, Value};
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
    pub fn serialize<S: Serializer>(number: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if *number == 0 { "none" } else { "some" })
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        Ok(u8::from(String::deserialize(deserializer)? != "none"))
    }

    pub fn from_json(value: Option<&Value>, reader: &mut Reader) -> u8 {
        u8::from(reader.text(value) != "none")
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, FromJson)]
#[serde(remote = "Self")]
enum Tolerant {
    Known(u8),
    #[serde(skip)]
    Raw(serde_json::Value),
}

impl Serialize for Tolerant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Raw(value) => value.serialize(serializer),
            Self::Known(_) => Tolerant::serialize(self, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Tolerant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Tolerant::deserialize(value.clone()).unwrap_or(Self::Raw(value)))
    }
}

impl FromJson for Tolerant {
    fn from_json(value: Option<&from_json::Value>, reader: &mut from_json::Reader) -> Self {
        let mut known = from_json::Reader::default();
        let read = Tolerant::from_json(value, &mut known);
        if known.refused() { Self::Raw(FromJson::from_json(value, reader)) } else { read }
    }
}

/// A struct whose fields are read by another function has none that a source of chance could know.
fn outer(field: &str, chance: &mut from_json::agreement::Chance<'_>) -> serde_json::Value {
    if field.is_empty() {
        return json!({ "id": 1, "someWidth": 3, "wrapped": null, "even": 4, "number": "none" });
    }
    chance.json(2)
}

const HINTS: Hints = Hints { texts: |_| &[], anything: outer };

#[test]
fn every_form_is_read_as_serde_reads_it() {
    check::<Colour>(&HINTS, 0..100);
    check::<Shape>(&HINTS, 0..2000);
    check::<Strict>(&HINTS, 0..500);
    check::<Configured>(&HINTS, 0..500);
    check::<Wrapped>(&HINTS, 0..100);
    check::<NamedWrapped>(&HINTS, 0..100);
    check::<Even>(&HINTS, 0..200);
    check::<Kind>(&HINTS, 0..200);
    check::<Outer>(&HINTS, 0..500);
    check::<Tolerant>(&HINTS, 0..100);
    check::<Vec<Unit>>(&HINTS, 0..50);
}

/// Not through [`check`]: what is skipped does not come back.
#[test]
fn skipped_fields_are_as_with_serde() {
    for value in [
        json!({}),
        json!({ "count": 3, "seven": 1, "skipped": 5, "always_seven": 6, "plain": 2, "maybe": null }),
        json!({ "count": null }),
        json!([1, 2, 3, 4]),
        json!([1, 2, 3, null, 5]),
        json!([1, 2, 3, null, 5, 6]),
        json!([]),
    ] {
        agree::<Defaults>(&value);
    }
}

#[test]
fn every_type_of_the_language_is_read_as_serde_reads_it() {
    let everything = json!({
        "truth": true, "byte": 255, "short": 65535, "number": 4_294_967_295_u32, "long": u64::MAX,
        "signed": [-128, 32767], "wide": [-2_147_483_648_i64, i64::MIN, 4_294_967_295_u32],
        "never_zero": 1, "real": 2, "text": "é\u{0}", "some": null, "boxed": "DARK-RED",
        "list": ["lime", "DARK-RED"], "three": [1, 2, 3], "span": { "secs": 1, "nanos": 1_999_999_999 },
        "map": { "a": 1, "b": 2 }, "whatever": { "nested": [1, null] }, "type": 3,
    });
    assert!(agree::<Everything>(&everything).is_some(), "it is one");
    let hints = Hints::NONE;
    let mut chance = from_json::agreement::Chance::new(1, &hints);
    from_json::agreement::check_spoilt::<Everything>(&mut chance, &everything, 20_000);
    for span in [
        json!({ "secs": u64::MAX, "nanos": 1_000_000_000 }),
        json!({ "secs": u64::MAX, "nanos": 999_999_999 }),
        json!({ "secs": 1, "nanos": 0, "more": 1 }),
        json!([1, 2]),
        json!([1]),
        json!({ "secs": 1 }),
    ] {
        agree::<Duration>(&span);
    }
}

#[test]
fn a_refusal_says_what_was_expected_and_where() {
    let refused = from_text::<Shape>(r#"{"square":{"LEFT_SIDE":"wide"}}"#).expect_err("no number");
    assert_eq!(refused.to_string(), "expected a whole number in its range at or near \"LEFT_SIDE\"");
    assert_eq!(from_text::<Shape>("{").expect_err("no JSON").expected, "JSON");
    let others = from_value::<Configured>(&json!({ "nmae": "x" })).expect_err("it denies them");
    assert_eq!(others.expected, "no other fields");
}
