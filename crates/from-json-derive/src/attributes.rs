//! What the `#[serde(…)]` attributes say about reading.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, LitStr, Path, Result, Type};

use crate::case::Case;

/// What a missing field becomes.
pub enum Missing {
    /// `default`: the default of its type.
    Default,
    /// `default = "path"`: what this function gives.
    From(Path),
}

/// The attributes of a type.
#[derive(Default)]
pub struct OfType {
    pub rename_all: Option<Case>,
    pub rename_all_fields: Option<Case>,
    pub missing: Option<Missing>,
    pub deny_unknown_fields: bool,
    pub transparent: bool,
    pub from: Option<Type>,
    pub try_from: Option<Type>,
    pub remote: bool,
}

impl OfType {
    pub fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut of_type = Self::default();
        each(attributes, |name, meta| {
            match name {
                "rename_all" => of_type.rename_all = Some(case(meta)?),
                "rename_all_fields" => of_type.rename_all_fields = Some(case(meta)?),
                "default" => of_type.missing = Some(missing(meta)?),
                "deny_unknown_fields" => of_type.deny_unknown_fields = true,
                "transparent" => of_type.transparent = true,
                "from" => of_type.from = Some(text(meta)?.parse()?),
                "try_from" => of_type.try_from = Some(text(meta)?.parse()?),
                "remote" => {
                    let of = text(meta)?;
                    if of.value() != "Self" {
                        return Err(Error::new(of.span(), "`FromJson` knows `remote` only with \"Self\""));
                    }
                    of_type.remote = true;
                }
                // The name of the type is not part of JSON, and `into` is about writing.
                "rename" | "into" => {
                    text(meta)?;
                }
                _ => return Err(unknown(name, "a type", meta)),
            }
            Ok(())
        })?;
        Ok(of_type)
    }
}

/// The attributes of a field.
#[derive(Default)]
pub struct OfField {
    pub rename: Option<String>,
    pub missing: Option<Missing>,
    pub with: Option<Path>,
    pub flatten: bool,
    pub skip: bool,
}

impl OfField {
    pub fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut of_field = Self::default();
        each(attributes, |name, meta| {
            match name {
                "rename" => of_field.rename = Some(text(meta)?.value()),
                "default" => of_field.missing = Some(missing(meta)?),
                "with" => of_field.with = Some(text(meta)?.parse()?),
                "flatten" => of_field.flatten = true,
                "skip" | "skip_deserializing" => of_field.skip = true,
                // About writing.
                "skip_serializing_if" | "serialize_with" => {
                    text(meta)?;
                }
                "skip_serializing" => {}
                _ => return Err(unknown(name, "a field", meta)),
            }
            Ok(())
        })?;
        Ok(of_field)
    }
}

/// The attributes of a variant.
#[derive(Default)]
pub struct OfVariant {
    pub rename: Option<String>,
    pub rename_all: Option<Case>,
    pub skip: bool,
}

impl OfVariant {
    pub fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut of_variant = Self::default();
        each(attributes, |name, meta| {
            match name {
                "rename" => of_variant.rename = Some(text(meta)?.value()),
                "rename_all" => of_variant.rename_all = Some(case(meta)?),
                "skip" | "skip_deserializing" => of_variant.skip = true,
                // About writing.
                "skip_serializing" => {}
                _ => return Err(unknown(name, "a variant", meta)),
            }
            Ok(())
        })?;
        Ok(of_variant)
    }
}

fn each(
    attributes: &[Attribute],
    mut take: impl FnMut(&str, &ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            take(&name, &meta)
        })?;
    }
    Ok(())
}

fn unknown(name: &str, of: &str, meta: &ParseNestedMeta<'_>) -> Error {
    meta.error(format!(
        "`FromJson` does not know `#[serde({name})]` of {of}: write it by hand, or teach the derive"
    ))
}

/// The text after `=`. The form with parentheses, which tells reading from writing, is refused.
fn text(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
    let value = meta
        .value()
        .map_err(|_| meta.error(format!("`FromJson` knows `#[serde({name})]` only as `{name} = \"…\"`")))?;
    value.parse()
}

fn case(meta: &ParseNestedMeta<'_>) -> Result<Case> {
    let text = text(meta)?;
    Case::parse(&text.value())
        .ok_or_else(|| Error::new(text.span(), format!("serde knows no {:?}", text.value())))
}

fn missing(meta: &ParseNestedMeta<'_>) -> Result<Missing> {
    if meta.input.peek(syn::Token![=]) {
        return Ok(Missing::From(text(meta)?.parse()?));
    }
    Ok(Missing::Default)
}
