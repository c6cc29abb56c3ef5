//! Proves for a type that [`FromJson`] and serde's `Deserialize` read the same and refuse the same. For tests.
//!
//! No list of examples can be forgotten to be made longer: [`check`] makes the values of a type out of chance, with
//! serde's own derive as the description of the type ([`Chance`] is a `Deserializer` that answers whatever it is asked
//! for). Each is written and read by both, and then spoilt in many ways, and both must accept or refuse alike.

use core::cell::Cell;
use core::fmt::Debug;
use core::ops::Range;
use std::collections::BTreeMap;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde::{Deserializer, Serialize};
use serde_json::{Error, Value, json};

use crate::{FromJson, from_value};

/// What no type says of itself.
pub struct Hints {
    /// The texts that a field of this name may hold; none: [`SOME_TEXTS`].
    pub texts: fn(field: &str) -> &'static [&'static str],
    /// A value for a field that is read as whatever comes, or whose fields are not known beforehand.
    pub anything: fn(field: &str, chance: &mut Chance<'_>) -> Value,
}

impl Hints {
    /// No type needs any.
    pub const NONE: Self = Self { texts: |_| &[], anything: |_, chance| chance.json(2) };
}

/// Texts that fit wherever the service or the journal want letters and digits.
pub const SOME_TEXTS: &[&str] = &["7k2m9x4q1abc", "room7-bak0", "900001", "a1b2c3d4e5f6"];

/// Checks so many values of a type, and what becomes of them when they are spoilt.
///
/// # Panics
/// When the two ways of reading differ, or when an enum came up often and one of its variants did not.
#[track_caller]
pub fn check<T>(hints: &Hints, seeds: Range<u64>)
where
    T: FromJson + DeserializeOwned + Serialize + PartialEq + Debug,
{
    let mut chance = Chance::new(0, hints);
    let mut values = 0;
    for seed in seeds {
        chance.state = seed;
        let Some(value) = chance.value_of::<T>() else { continue };
        values += 1;
        let written = serde_json::to_value(&value).expect("it can be written");
        assert!(agree::<T>(&written).is_some(), "seed {seed}: {written}");
        check_spoilt::<T>(&mut chance, &written, 16);
    }
    assert!(values > 0, "chance made no value of this type");
    let missing = chance.missing_variants();
    assert!(missing.is_empty(), "no value had {missing:?}");
}

/// Spoils a value so many times, in one to three places, and checks that both read it alike.
///
/// # Panics
/// When they do not.
#[track_caller]
pub fn check_spoilt<T>(chance: &mut Chance<'_>, value: &Value, times: usize)
where
    T: FromJson + DeserializeOwned + PartialEq + Debug,
{
    for _ in 0..times {
        let mut spoilt = value.clone();
        for _ in 0..=chance.below(3) {
            chance.spoil(&mut spoilt);
        }
        agree::<T>(&spoilt);
    }
}

/// Checks that both read this value alike, and gives back what they read.
///
/// # Panics
/// When they do not.
#[track_caller]
pub fn agree<T>(value: &Value) -> Option<T>
where
    T: FromJson + DeserializeOwned + PartialEq + Debug,
{
    match (serde_json::from_value::<T>(value.clone()), from_value::<T>(value)) {
        (Ok(serdes), Ok(ours)) => {
            assert_eq!(serdes, ours, "serde reads the first of {value}");
            Some(ours)
        }
        (Err(_), Err(_)) => None,
        (Ok(read), Err(refused)) => panic!("serde reads {read:?}, and we refuse: {refused}: {value}"),
        (Err(refused), Ok(read)) => panic!("serde refuses: {refused}, and we read {read:?}: {value}"),
    }
}

/// A source of values: the same seeds one after the other give the same values.
pub struct Chance<'h> {
    state: u64,
    hints: &'h Hints,
    /// The field that is being made.
    field: Cell<&'static str>,
    /// How often each variant of each enum came up.
    variants: BTreeMap<(&'static str, &'static str), u32>,
}

impl<'h> Chance<'h> {
    /// The source with this seed.
    pub fn new(seed: u64, hints: &'h Hints) -> Self {
        Self { state: seed, hints, field: Cell::new(""), variants: BTreeMap::new() }
    }

    /// The variants that did not come up although their enum did, so often that they should have.
    fn missing_variants(&self) -> Vec<(&'static str, &'static str)> {
        let often = |name| {
            let of_it = self.variants.iter().filter(|((of, _), _)| *of == name);
            let (variants, times) = of_it.fold((0, 0), |(count, sum), (_, times)| (count + 1, sum + times));
            times > 8 * variants + 16
        };
        let never = self.variants.iter().filter(|((name, _), times)| **times == 0 && often(*name));
        never.map(|(variant, _)| *variant).collect()
    }

    /// The next number (`SplitMix64`).
    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one; 0 if there is none.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count.max(1)).unwrap_or(u64::MAX)).unwrap_or(0)
    }

    /// One of these.
    fn one_of<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let index = self.below(from.len());
        from.get(index).copied()
    }

    /// A value of a type; none if what came up was refused a hundred times.
    pub fn value_of<T: DeserializeOwned>(&mut self) -> Option<T> {
        self.made_by(|source| T::deserialize(source))
    }

    /// A value that this function reads; none if what came up was refused a hundred times.
    pub fn made_by<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, Error>) -> Option<T> {
        let field = self.field.get();
        (0..100).find_map(|_| {
            self.field.set(field);
            read(self).ok()
        })
    }

    /// Any JSON, nested at most so deep.
    pub fn json(&mut self, depth: usize) -> Value {
        let kinds = if depth == 0 { 6 } else { 8 };
        match self.below(kinds) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.unsigned(u64::MAX)),
            3 => json!(self.signed(i64::MIN, i64::MAX)),
            4 => json!(self.fraction()),
            5 => json!(self.one_of(OTHER_TEXTS)),
            6 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => (0..self.below(4)).map(|index| (format!("k{index}"), self.json(depth - 1))).collect(),
        }
    }

    fn unsigned(&mut self, largest: u64) -> u64 {
        let number = match self.below(8) {
            0..=4 => self.next() % 3,
            5 => self.next() % 300,
            6 => largest,
            _ => self.next(),
        };
        if number > largest { largest } else { number }
    }

    fn signed(&mut self, least: i64, largest: i64) -> i64 {
        let number = match self.below(5) {
            0 => -1,
            1 => least,
            2 => largest,
            _ => i64::try_from(self.next() % 4_000_000_000_000).unwrap_or(0),
        };
        number.clamp(least, largest)
    }

    fn fraction(&mut self) -> f64 {
        self.one_of(&[0.0, 0.25, 0.5, 0.333_333, 1.0, 1.0, 1.5]).unwrap_or(0.0)
    }

    fn text(&mut self) -> &'static str {
        let texts = (self.hints.texts)(self.field.get());
        let texts = if texts.is_empty() { SOME_TEXTS } else { texts };
        self.one_of(texts).unwrap_or_default()
    }

    /// Changes one place of a value so that it is perhaps no longer one of its type.
    pub fn spoil(&mut self, whole: &mut Value) {
        let places = count_of_places(whole);
        let place = self.below(places);
        let elsewhere = self.below(places);
        let copy = place_of(whole, &mut { elsewhere }).map(|found| found.clone());
        let Some(found) = place_of(whole, &mut { place }) else { return };
        let before = found.take();
        *found = self.spoilt(before, copy);
    }

    fn spoilt(&mut self, value: Value, copy: Option<Value>) -> Value {
        if self.below(6) == 0 {
            return copy.unwrap_or(Value::Null);
        }
        if self.below(4) == 0 {
            return self.other_scalar();
        }
        match value {
            Value::Object(mut fields) => {
                let names: Vec<String> = fields.keys().cloned().collect();
                let at = self.below(names.len());
                let name = names.get(at).cloned().unwrap_or_default();
                match self.below(7) {
                    0 => {
                        fields.remove(&name);
                    }
                    1 => {
                        let field = fields.remove(&name).unwrap_or_default();
                        fields.insert(name + "x", field);
                    }
                    2 => {
                        fields.insert("unheard_of".to_owned(), json!(1));
                    }
                    3 => {
                        fields.insert(name, Value::Null);
                    }
                    // The fields without their names: in the order of their names, and in part.
                    4 => {
                        let kept = self.below(names.len() + 1);
                        return fields.into_iter().map(|(_, field)| field).take(kept).collect();
                    }
                    5 => return json!(name),
                    _ => return json!([Value::Object(fields)]),
                }
                Value::Object(fields)
            }
            Value::Array(mut items) => {
                match self.below(4) {
                    0 => {
                        items.pop();
                    }
                    1 => items.push(items.first().cloned().unwrap_or_default()),
                    2 => items.reverse(),
                    _ => return json!({ "0": items }),
                }
                Value::Array(items)
            }
            Value::String(text) => match self.below(5) {
                0 => json!({ text: null }),
                1 => json!({ text: 1 }),
                2 => json!(text.to_uppercase()),
                3 => json!(text + "é"),
                _ => json!([text]),
            },
            Value::Number(number) => match self.below(4) {
                0 => json!(number.to_string()),
                1 => json!(number.as_f64().map(|number| number + 0.5)),
                2 => json!(number.as_i64().map(i64::wrapping_neg)),
                _ => json!([number]),
            },
            Value::Null | Value::Bool(_) => self.other_scalar(),
        }
    }

    fn other_scalar(&mut self) -> Value {
        const EDGES: &[u64] =
            &[0, 1, 2, 3, 4, 127, 128, 255, 256, 32_767, 65_535, 65_536, 4_294_967_295, 4_294_967_296];
        match self.below(8) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(self.one_of(EDGES)),
            3 => json!(self.one_of(&[-1_i64, -128, -129, i64::MIN])),
            4 => json!(self.one_of(&[0.5, 1.0, -0.1, 1e300])),
            5 => json!(self.one_of(&[u64::MAX, (1 << 63) - 1, 1 << 63])),
            6 => json!([]),
            _ => json!(self.one_of(OTHER_TEXTS)),
        }
    }
}

/// Texts that hardly anything accepts.
const OTHER_TEXTS: &[&str] = &["", "x", "S2", "query", "1", "größer", "a b", "unheard_of", "\u{0}"];

fn count_of_places(value: &Value) -> usize {
    1 + match value {
        Value::Object(fields) => fields.values().map(count_of_places).sum(),
        Value::Array(items) => items.iter().map(count_of_places).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The place with this number, counted from the root.
fn place_of<'v>(value: &'v mut Value, number: &mut usize) -> Option<&'v mut Value> {
    if *number == 0 {
        return Some(value);
    }
    *number -= 1;
    match value {
        Value::Object(fields) => fields.values_mut().find_map(|field| place_of(field, number)),
        Value::Array(items) => items.iter_mut().find_map(|item| place_of(item, number)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

macro_rules! numbers {
    ($($read:ident $visit:ident $type:ty, $made:ident($($bound:expr),*);)*) => {$(
        fn $read<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(<$type>::try_from(self.$made($($bound),*)).unwrap_or_default())
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Chance<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        (self.hints.anything)(self.field.get(), self).deserialize_any(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.below(2) == 0)
    }

    numbers! {
        deserialize_u8 visit_u8 u8, unsigned(u8::MAX.into());
        deserialize_u16 visit_u16 u16, unsigned(u16::MAX.into());
        deserialize_u32 visit_u32 u32, unsigned(u32::MAX.into());
        deserialize_u64 visit_u64 u64, unsigned(u64::MAX);
        deserialize_i8 visit_i8 i8, signed(i8::MIN.into(), i8::MAX.into());
        deserialize_i16 visit_i16 i16, signed(i16::MIN.into(), i16::MAX.into());
        deserialize_i32 visit_i32 i32, signed(i32::MIN.into(), i32::MAX.into());
        deserialize_i64 visit_i64 i64, signed(i64::MIN, i64::MAX);
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.fraction())
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.fraction())
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_char('c')
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.text())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.text())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bytes(b"bytes")
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bytes(b"bytes")
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.below(2) == 0 { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let count = self.below(4);
        visitor.visit_seq(Items { chance: self, count })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { chance: self, count })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { chance: self, count })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Named { chance: self, fields })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // Every other time one that came up less often than the others, so that all of them do.
        let rarest = variants
            .iter()
            .copied()
            .min_by_key(|variant| self.variants.entry((name, *variant)).or_default().to_owned());
        let any = self.one_of(variants);
        let variant = if self.below(2) == 0 { rarest } else { any }.unwrap_or_default();
        *self.variants.entry((name, variant)).or_default() += 1;
        visitor.visit_enum(Picked { chance: self, variant })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.text())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

struct Items<'c, 'h> {
    chance: &'c mut Chance<'h>,
    count: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.count == 0 {
            return Ok(None);
        }
        self.count -= 1;
        let field = self.chance.field.get();
        let item = seed.deserialize(&mut *self.chance);
        self.chance.field.set(field);
        item.map(Some)
    }
}

struct Named<'c, 'h> {
    chance: &'c mut Chance<'h>,
    fields: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Named<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, others)) = self.fields.split_first() else { return Ok(None) };
        self.fields = others;
        self.chance.field.set(name);
        let name: StrDeserializer<'_, Error> = (*name).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.chance)
    }
}

struct Picked<'c, 'h> {
    chance: &'c mut Chance<'h>,
    variant: &'static str,
}

impl<'de> EnumAccess<'de> for Picked<'_, '_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name: StrDeserializer<'_, Error> = self.variant.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Picked<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.chance)
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.chance.deserialize_tuple(count, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Named { chance: self.chance, fields })
    }
}
