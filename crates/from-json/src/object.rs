use serde_json::{Map, Value};

use crate::{FromJson, Reader};

/// The fields of one struct, which are asked for one after the other in the order of the struct.
#[derive(Debug)]
pub struct Object<'v, 'r> {
    source: Source<'v>,
    /// How many of them were found.
    found: usize,
    /// Where it is told what does not fit.
    reader: &'r mut Reader,
}

#[derive(Debug, Clone, Copy)]
enum Source<'v> {
    Fields(&'v Map<String, Value>),
    List(&'v [Value]),
}

impl<'v, 'r> Object<'v, 'r> {
    pub(crate) const fn of_fields(fields: &'v Map<String, Value>, reader: &'r mut Reader) -> Self {
        Self { source: Source::Fields(fields), found: 0, reader }
    }

    pub(crate) const fn of_list(items: &'v [Value], reader: &'r mut Reader) -> Self {
        Self { source: Source::List(items), found: 0, reader }
    }

    /// A field that must be there, unless its type says what it is when it is missing.
    pub fn field<T: FromJson>(&mut self, name: &'static str) -> T {
        let value = self.needed(name);
        T::from_json(value, self.reader)
    }

    /// A field that has its type's default when it is missing.
    pub fn field_or_default<T: FromJson + Default>(&mut self, name: &'static str) -> T {
        match self.find(name) {
            None => T::default(),
            value => T::from_json(value, self.reader),
        }
    }

    /// A field that is this when it is missing.
    pub fn field_or<T: FromJson>(&mut self, name: &'static str, default: T) -> T {
        match self.find(name) {
            None => default,
            value => T::from_json(value, self.reader),
        }
    }

    /// A field that is read by a function of its own (`#[serde(with = …)]`).
    pub fn field_with<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Option<&Value>, &mut Reader) -> T,
    ) -> T {
        let value = self.needed(name);
        read(value, self.reader)
    }

    /// The fields of another struct that stand among these (`#[serde(flatten)]`).
    pub fn among<T: FromJson>(&mut self, value: Option<&Value>) -> T {
        T::from_json(value, self.reader)
    }

    /// Every field was asked for: a list must be at its end.
    #[inline(never)]
    pub fn end(self) {
        if let Source::List(items) = self.source
            && self.found != items.len()
        {
            self.reader.refuse("a list of a certain length");
        }
    }

    /// Every field was asked for, and there must be no other (`#[serde(deny_unknown_fields)]`).
    #[inline(never)]
    pub fn end_without_others(self) {
        match self.source {
            Source::Fields(fields) if self.found != fields.len() => self.reader.refuse("no other fields"),
            _ => self.end(),
        }
    }

    #[inline(never)]
    fn find(&mut self, name: &'static str) -> Option<&'v Value> {
        self.reader.field = name;
        let value = match self.source {
            Source::Fields(fields) => fields.get(name),
            Source::List(items) => items.get(self.found),
        };
        self.found += usize::from(value.is_some());
        value
    }

    /// Finds a field that a list cannot leave out. That an object left it out is told by whoever reads the type.
    #[inline(never)]
    fn needed(&mut self, name: &'static str) -> Option<&'v Value> {
        let value = self.find(name);
        if value.is_none() && matches!(self.source, Source::List(_)) {
            self.reader.refuse("a longer list");
        }
        value
    }
}
