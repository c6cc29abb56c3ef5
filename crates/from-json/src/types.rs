//! How the types of the language and of the standard library are read.

use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::{FromJson, Reader};

impl FromJson for Value {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        value.cloned().unwrap_or_else(|| {
            reader.refuse("anything");
            Self::Null
        })
    }
}

impl FromJson for bool {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        value.and_then(Value::as_bool).unwrap_or_else(|| {
            reader.refuse("true or false");
            false
        })
    }
}

macro_rules! natural {
    ($($type:ty)*) => {$(
        impl FromJson for $type {
            fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
                // Always in range: the reader was told the largest one, which fits wherever there are at most 64 bits.
                Self::try_from(reader.natural(Self::MAX as u64, value)).unwrap_or_default()
            }
        }
    )*};
}
natural!(u8 u16 u32 u64 usize);

macro_rules! integer {
    ($($type:ty)*) => {$(
        impl FromJson for $type {
            fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
                Self::try_from(reader.integer(Self::MIN as i64, Self::MAX as i64, value)).unwrap_or_default()
            }
        }
    )*};
}
integer!(i8 i16 i32 i64 isize);

impl FromJson for NonZeroU32 {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        Self::new(u32::from_json(value, reader)).unwrap_or_else(|| {
            reader.refuse("a number other than 0");
            Self::MIN
        })
    }
}

impl FromJson for f64 {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        value.and_then(Value::as_f64).unwrap_or_else(|| {
            reader.refuse("a number");
            0.0
        })
    }
}

impl FromJson for String {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        reader.text(value).to_owned()
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        match value {
            None | Some(Value::Null) => None,
            value => Some(T::from_json(value, reader)),
        }
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        Self::new(T::from_json(value, reader))
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        reader.list(value).iter().map(|item| T::from_json(Some(item), reader)).collect()
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        let Some(Value::Object(fields)) = value else {
            reader.refuse("an object");
            return Self::new();
        };
        fields.iter().map(|(name, item)| (name.clone(), T::from_json(Some(item), reader))).collect()
    }
}

impl<T: FromJson, const COUNT: usize> FromJson for [T; COUNT] {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        let items = reader.list_of(COUNT, value);
        core::array::from_fn(|index| T::from_json(items.get(index), reader))
    }
}

impl<A: FromJson, B: FromJson> FromJson for (A, B) {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        let items = reader.list_of(2, value);
        (A::from_json(items.first(), reader), B::from_json(items.get(1), reader))
    }
}

impl<A: FromJson, B: FromJson, C: FromJson> FromJson for (A, B, C) {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        let items = reader.list_of(3, value);
        (
            A::from_json(items.first(), reader),
            B::from_json(items.get(1), reader),
            C::from_json(items.get(2), reader),
        )
    }
}

/// As serde does: whole seconds, and nanoseconds of which more than a second's are carried over.
impl FromJson for Duration {
    fn from_json(value: Option<&Value>, reader: &mut Reader) -> Self {
        let mut object = reader.object(value);
        let seconds = object.field("secs");
        let nanoseconds: u32 = object.field("nanos");
        object.end_without_others();
        Self::from_secs(seconds).checked_add(Self::from_nanos(nanoseconds.into())).unwrap_or_else(|| {
            reader.refuse("a span of time");
            Self::ZERO
        })
    }
}
