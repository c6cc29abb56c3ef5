//! From a type to its `FromJson`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Error, Field, Fields, FieldsNamed, Ident, LitStr, Result, Variant};

use crate::attributes::{Missing, OfField, OfType, OfVariant};
use crate::case::Case;

/// The implementation for this type.
///
/// # Errors
/// When the type has a form or an attribute that is not known.
pub fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let of_type = OfType::read(&input.attrs)?;
    if !input.generics.params.is_empty() {
        return Err(Error::new(input.generics.span(), "`FromJson` does not know types with parameters"));
    }
    let mut flattens = false;
    let body = match &input.data {
        _ if of_type.from.is_some() || of_type.try_from.is_some() => converted(&input.ident, &of_type)?,
        Data::Struct(data) if of_type.transparent => transparent(input, &data.fields)?,
        Data::Struct(data) => {
            let Fields::Named(fields) = &data.fields else {
                return Err(Error::new(
                    input.ident.span(),
                    "`FromJson` knows a struct without names of fields only if it is `#[serde(transparent)]`",
                ));
            };
            flattens = !of_type.deny_unknown_fields;
            whole_struct(&of_type, fields)?
        }
        Data::Enum(data) => whole_enum(input, &of_type, data)?,
        Data::Union(_) => return Err(Error::new(input.ident.span(), "`FromJson` does not know unions")),
    };

    let name = &input.ident;
    let value = quote!(value: ::core::option::Option<&::from_json::Value>);
    let reader = quote!(reader: &mut ::from_json::Reader);
    if of_type.remote {
        return Ok(quote! {
            #[automatically_derived]
            impl #name {
                fn from_json(#value, #reader) -> Self { #body }
            }
        });
    }
    Ok(quote! {
        #[automatically_derived]
        impl ::from_json::FromJson for #name {
            const FLATTENS: bool = #flattens;

            fn from_json(#value, #reader) -> Self { #body }
        }
    })
}

/// `from` and `try_from`: read as another type first.
fn converted(name: &Ident, of_type: &OfType) -> Result<TokenStream> {
    match (&of_type.from, &of_type.try_from) {
        (Some(source), None) => Ok(quote! {
            <Self as ::core::convert::From<#source>>::from(
                <#source as ::from_json::FromJson>::from_json(value, reader),
            )
        }),
        (None, Some(source)) => {
            let expected = format!("one of the values of {name}");
            Ok(quote! {
                let source = <#source as ::from_json::FromJson>::from_json(value, reader);
                match <Self as ::core::convert::TryFrom<#source>>::try_from(source) {
                    ::core::result::Result::Ok(read) => read,
                    ::core::result::Result::Err(_) => {
                        reader.refuse(#expected);
                        <Self as ::core::default::Default>::default()
                    }
                }
            })
        }
        _ => Err(Error::new(name.span(), "either `from` or `try_from`")),
    }
}

/// `transparent`: as its one field.
fn transparent(input: &DeriveInput, fields: &Fields) -> Result<TokenStream> {
    let mut members = fields.members();
    let (Some(member), None) = (members.next(), members.next()) else {
        return Err(Error::new(input.ident.span(), "`#[serde(transparent)]` wants exactly one field"));
    };
    for field in fields {
        no_attributes(field)?;
    }
    Ok(quote!(Self { #member: ::from_json::FromJson::from_json(value, reader) }))
}

fn whole_struct(of_type: &OfType, fields: &FieldsNamed) -> Result<TokenStream> {
    let default = match &of_type.missing {
        None => quote!(),
        Some(Missing::Default) => {
            quote!(let default = <Self as ::core::default::Default>::default();)
        }
        Some(Missing::From(path)) => quote!(let default: Self = #path();),
    };
    let read = Named {
        case: of_type.rename_all,
        default: of_type.missing.is_some(),
        deny_unknown_fields: of_type.deny_unknown_fields,
    }
    .read(&quote!(Self), fields)?;
    // As with serde, a struct that takes in another one has no order of its own.
    let open = if read.flattens { quote!(named_fields) } else { quote!(object) };
    let Read { made, .. } = read;
    let end = if of_type.deny_unknown_fields { quote!(end_without_others) } else { quote!(end) };
    Ok(quote! {
        #default
        let mut object = reader.#open(value);
        let read = #made;
        object.#end();
        read
    })
}

/// How named fields are read.
struct Named {
    case: Option<Case>,
    /// Whether a `default` stands for what is missing.
    default: bool,
    deny_unknown_fields: bool,
}

/// An expression that reads named fields, and whether it reads some among those of another struct.
struct Read {
    made: TokenStream,
    flattens: bool,
}

impl Named {
    fn read(&self, path: &TokenStream, fields: &FieldsNamed) -> Result<Read> {
        let mut flattens = false;
        let mut made = Vec::new();
        for field in &fields.named {
            let of_field = OfField::read(&field.attrs)?;
            let Some(ident) = &field.ident else {
                return Err(Error::new(field.span(), "a field without a name"));
            };
            if of_field.flatten {
                flattens = true;
                if self.deny_unknown_fields {
                    return Err(Error::new(
                        ident.span(),
                        "`#[serde(flatten)]` does not go with `deny_unknown_fields`",
                    ));
                }
            }
            let read = self.field(field, ident, &of_field)?;
            made.push(quote!(#ident: #read));
        }
        Ok(Read { made: quote!(#path { #(#made),* }), flattens })
    }

    fn field(&self, field: &Field, ident: &Ident, of_field: &OfField) -> Result<TokenStream> {
        let plain = ident.unraw().to_string();
        let name = match (&of_field.rename, self.case) {
            (Some(name), _) => name.clone(),
            (None, Some(case)) => case.of_field(&plain),
            (None, None) => plain,
        };
        let name = LitStr::new(&name, ident.span());
        let ty = &field.ty;
        let refused = |what: &str| Err(Error::new(ident.span(), what));
        if of_field.flatten {
            if of_field.with.is_some() || of_field.missing.is_some() || of_field.skip {
                return refused("`FromJson` knows `#[serde(flatten)]` only alone");
            }
            return Ok(quote!({
                const {
                    assert!(
                        <#ty as ::from_json::FromJson>::FLATTENS,
                        "`FromJson` flattens only structs with named fields that do not `deny_unknown_fields`",
                    );
                }
                object.among::<#ty>(value)
            }));
        }
        if of_field.skip {
            return Ok(match &of_field.missing {
                Some(Missing::From(path)) => quote!(#path()),
                None if self.default => quote!(default.#ident),
                None | Some(Missing::Default) => quote!(<#ty as ::core::default::Default>::default()),
            });
        }
        if let Some(module) = &of_field.with {
            if of_field.missing.is_some() || self.default {
                return refused("`FromJson` knows `#[serde(with)]` only without `default`");
            }
            return Ok(quote!(object.field_with(#name, #module::from_json)));
        }
        Ok(match &of_field.missing {
            Some(Missing::From(path)) => quote!(object.field_or::<#ty>(#name, #path())),
            Some(Missing::Default) => quote!(object.field_or_default::<#ty>(#name)),
            None if self.default => quote!(object.field_or::<#ty>(#name, default.#ident)),
            None => quote!(object.field::<#ty>(#name)),
        })
    }
}

fn whole_enum(input: &DeriveInput, of_type: &OfType, data: &DataEnum) -> Result<TokenStream> {
    if of_type.transparent || of_type.missing.is_some() {
        return Err(Error::new(input.ident.span(), "`transparent` and `default` are for structs"));
    }
    let mut plain = Vec::new();
    let mut others = Vec::new();
    for variant in &data.variants {
        let of_variant = OfVariant::read(&variant.attrs)?;
        if of_variant.skip {
            continue;
        }
        let ident = variant.ident.unraw().to_string();
        let name = match (&of_variant.rename, of_type.rename_all) {
            (Some(name), _) => name.clone(),
            (None, Some(case)) => case.of_variant(&ident),
            (None, None) => ident,
        };
        let made = one_variant(of_type, &of_variant, variant)?;
        match &variant.fields {
            Fields::Unit => plain.push((name, made)),
            Fields::Named(_) | Fields::Unnamed(_) => others.push((name, made)),
        }
    }

    let count = plain.len();
    let ask = if others.is_empty() {
        quote!(let index = reader.plain_variant(value, NAMES);)
    } else {
        quote!(let (index, value) = reader.variant(value, NAMES, #count);)
    };
    plain.append(&mut others);
    let names = plain.iter().map(|(name, _)| name);
    let mut arms: Vec<TokenStream> = Vec::new();
    for (index, (_, made)) in plain.iter().enumerate() {
        // The reader knows no other number, so the last is what is left.
        let pattern = if index + 1 == plain.len() { quote!(_) } else { quote!(#index) };
        arms.push(quote!(#pattern => #made,));
    }
    if arms.is_empty() {
        return Err(Error::new(input.ident.span(), "there is no variant that could be read"));
    }
    Ok(quote! {
        const NAMES: &[&str] = &[#(#names),*];
        #ask
        match index { #(#arms)* }
    })
}

fn one_variant(of_type: &OfType, of_variant: &OfVariant, variant: &Variant) -> Result<TokenStream> {
    let ident = &variant.ident;
    match &variant.fields {
        Fields::Unit => Ok(quote!(Self::#ident)),
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            for field in &fields.unnamed {
                no_attributes(field)?;
            }
            Ok(quote!(Self::#ident(::from_json::FromJson::from_json(value, reader))))
        }
        Fields::Unnamed(_) => Err(Error::new(
            ident.span(),
            "`FromJson` does not know variants with more than one unnamed field",
        )),
        Fields::Named(fields) => {
            let read = Named {
                case: of_variant.rename_all.or(of_type.rename_all_fields),
                default: false,
                deny_unknown_fields: of_type.deny_unknown_fields,
            }
            .read(&quote!(Self::#ident), fields)?;
            if read.flattens {
                return Err(Error::new(ident.span(), "`FromJson` does not know `flatten` in a variant"));
            }
            let Read { made, .. } = read;
            if of_type.deny_unknown_fields {
                return Ok(quote!({
                    let mut object = reader.named_fields(value);
                    let read = #made;
                    object.end_without_others();
                    read
                }));
            }
            Ok(quote!({
                let mut object = reader.named_fields(value);
                #made
            }))
        }
    }
}

/// Refuses the attributes of a field that is read as a whole.
fn no_attributes(field: &Field) -> Result<()> {
    match field.attrs.iter().find(|attribute| attribute.path().is_ident("serde")) {
        None => Ok(()),
        Some(attribute) => {
            Err(Error::new(attribute.span(), "`FromJson` does not know attributes of a field without a name"))
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    use super::expand;

    #[track_caller]
    fn refused(input: &DeriveInput, because: &str) {
        let error = expand(input).expect_err("it is refused");
        assert!(error.to_string().contains(because), "{error}");
    }

    #[test]
    fn an_attribute_that_is_not_known_is_refused_by_its_name() {
        refused(
            &parse_quote!(
                #[serde(tag = "kind")]
                enum Wire {
                    One,
                }
            ),
            "`FromJson` does not know `#[serde(tag)]` of a type",
        );
        refused(
            &parse_quote!(
                #[serde(untagged)]
                enum Wire {
                    One(u8),
                }
            ),
            "`#[serde(untagged)]` of a type",
        );
        refused(
            &parse_quote!(
                enum Wire {
                    One,
                    #[serde(other)]
                    Two,
                }
            ),
            "`#[serde(other)]` of a variant",
        );
        refused(
            &parse_quote!(
                struct Wire {
                    #[serde(default, alias = "b")]
                    a: u8,
                }
            ),
            "`#[serde(alias)]` of a field",
        );
        refused(
            &parse_quote!(
                struct Wire {
                    #[serde(deserialize_with = "read")]
                    a: u8,
                }
            ),
            "`#[serde(deserialize_with)]` of a field",
        );
    }

    #[test]
    fn a_form_that_is_not_known_is_refused() {
        refused(
            &parse_quote!(
                struct Wire<T> {
                    a: T,
                }
            ),
            "types with parameters",
        );
        refused(
            &parse_quote!(
                struct Wire(u8);
            ),
            "transparent",
        );
        refused(
            &parse_quote!(
                struct Wire;
            ),
            "transparent",
        );
        refused(
            &parse_quote!(
                #[serde(transparent)]
                struct Wire {
                    a: u8,
                    b: u8,
                }
            ),
            "exactly one field",
        );
        refused(&parse_quote!(union Wire { a: u8 }), "unions");
        refused(
            &parse_quote!(
                enum Wire {}
            ),
            "no variant",
        );
        refused(
            &parse_quote!(
                enum Wire {
                    One(u8, u8),
                }
            ),
            "more than one unnamed field",
        );
        refused(
            &parse_quote!(
                #[serde(deny_unknown_fields)]
                struct Wire {
                    #[serde(flatten)]
                    a: Other,
                }
            ),
            "does not go with `deny_unknown_fields`",
        );
        refused(
            &parse_quote!(
                struct Wire {
                    #[serde(rename(deserialize = "b"))]
                    a: u8,
                }
            ),
            "only as `rename = \"…\"`",
        );
        refused(
            &parse_quote!(
                #[serde(remote = "Other")]
                struct Wire {
                    a: u8,
                }
            ),
            "only with \"Self\"",
        );
        refused(
            &parse_quote!(
                #[serde(rename_all = "Title Case")]
                struct Wire {
                    a: u8,
                }
            ),
            "Title Case",
        );
    }

    #[test]
    fn attributes_about_writing_are_passed_over() {
        let input: DeriveInput = parse_quote!(
            #[serde(into = "u8", rename = "Other")]
            struct Wire {
                #[serde(default, skip_serializing_if = "Option::is_none")]
                a: Option<u8>,
            }
        );
        let written = expand(&input).expect("it is known").to_string();
        assert!(written.contains("field_or_default :: < Option < u8 > > (\"a\")"), "{written}");
    }
}
