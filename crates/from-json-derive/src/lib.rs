//! `#[derive(FromJson)]`: reads the `#[serde(…)]` attributes of a type and writes its `from_json::FromJson`.
//!
//! What serde would do with an attribute is done here as well, or the attribute is refused by name: there is no third
//! way, so that a format never has two meanings. What an attribute says about writing only is passed over.

mod attributes;
mod case;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Derives `from_json::FromJson` from the same attributes that serde's `Deserialize` is derived from.
///
/// Known are, on a type: `rename_all`, `rename_all_fields`, `default`, `deny_unknown_fields`, `transparent`, `from`,
/// `try_from` and `remote = "Self"`; on a field: `rename`, `default`, `with`, `flatten`, `skip`, `skip_deserializing`; on a
/// variant: `rename`, `rename_all`, `skip`, `skip_deserializing`. Enums are tagged from outside, as serde does without
/// an attribute.
///
/// - A type with `try_from` needs a `Default`: something has to stand where the value was refused.
/// - The module of `with` needs a function `from_json` beside its `deserialize`.
/// - With `remote = "Self"`, the type gets a private function `from_json` of its own, which the `FromJson` that is
///   written by hand can call.
#[proc_macro_derive(FromJson, attributes(serde))]
pub fn derive_from_json(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
