//! Whether the tokens of `style/tokens.css` can be told apart: contrasts computed from the file, as WCAG 2.2 defines them
//! (relative luminance), for light, dark and high contrast.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The tokens of one look: what `light-dark()` gives in it, over what stood before.
type Look = BTreeMap<String, [f64; 3]>;

fn channel(hex: &str) -> f64 {
    let value = f64::from(u8::from_str_radix(hex, 16).expect("two hexadecimal digits")) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn colour(text: &str) -> Option<[f64; 3]> {
    let hex = text.trim().strip_prefix('#').filter(|hex| hex.len() == 6)?;
    Some([channel(&hex[0..2]), channel(&hex[2..4]), channel(&hex[4..6])])
}

fn luminance([red, green, blue]: [f64; 3]) -> f64 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Reads the tokens of a rule, over those that are known.
fn read(block: &str, dark: bool, look: &mut Look) {
    for token in block.split(';') {
        let Some((name, value)) = token.rsplit("--").next().and_then(|token| token.split_once(':')) else {
            continue;
        };
        let Some((_, pair)) = value.split_once("light-dark(") else { continue };
        let mut pair = pair.trim_end_matches([')', ' ']).split(',');
        let wanted = if dark { pair.nth(1) } else { pair.next() };
        if let Some(colour) = wanted.and_then(colour) {
            look.insert(name.trim().to_owned(), colour);
        }
    }
}

fn block<'a>(text: &'a str, opening: &str) -> &'a str {
    let (_, rest) = text.split_once(opening).expect("the rule is there");
    rest.split('}').next().expect("it ends")
}

/// Light and dark; with `more`, the rule over them.
fn looks(more: Option<&str>) -> [Look; 2] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("style/tokens.css");
    let text = fs::read_to_string(path).expect("the tokens can be read");
    [false, true].map(|dark| {
        let mut look = Look::new();
        read(block(&text, ":root {"), dark, &mut look);
        if let Some(more) = more {
            read(block(&text, more), dark, &mut look);
        }
        look
    })
}

const CLASSES: [&str; 5] = ["recording", "caution", "failover", "critical", "neutral"];
const GROUNDS: [&str; 5] = ["ground", "surface", "raised", "sunken", "hover"];

/// Everything that falls short, as text.
fn short(look: &Look, text: f64, graphics: f64) -> Vec<String> {
    let mut short = Vec::new();
    let mut wants = |ink: &str, ground: &str, least: f64| {
        let found = contrast(look[ink], look[ground]);
        if found < least {
            short.push(format!("{ink} on {ground}: {found:.2} of {least}"));
        }
    };
    for ground in GROUNDS {
        for ink in ["text", "text-2", "text-3"] {
            wants(ink, ground, text);
        }
        wants("edge", ground, graphics);
        wants("accent", ground, text);
    }
    wants("text", "selected", text);
    wants("text-2", "selected", text);
    wants("on-accent", "accent-solid", text);
    wants("on-critical", "critical-solid", text.min(4.5));
    for class in CLASSES {
        let [ink, tint, solid] = ["text", "tint", "solid"].map(|kind| format!("{class}-{kind}"));
        wants(&ink, &tint, text);
        for ground in ["ground", "surface"] {
            wants(&ink, ground, text);
            wants(&solid, ground, graphics);
        }
        wants("text", &tint, text);
    }
    short
}

#[test]
fn every_text_and_every_mark_can_be_told_from_its_ground() {
    for look in looks(None) {
        assert_eq!(short(&look, 4.5, 3.0), Vec::<String>::new());
    }
}

#[test]
fn high_contrast_is_seven_to_one_whether_it_was_chosen_or_the_system_asks_for_it() {
    for more in ["[data-contrast=\"more\"] {", ":root:not([data-contrast]) {"] {
        for look in looks(Some(more)) {
            assert_eq!(short(&look, 7.0, 3.0), Vec::<String>::new(), "{more}");
        }
    }
}

#[test]
fn the_classes_are_as_far_from_their_grounds_as_the_palette_was_computed() {
    // Text on tint, and solid on the surface, in light and in dark.
    let computed = [
        ("recording", [(5.65, 5.32), (7.42, 6.53)]),
        ("caution", [(5.66, 3.43), (7.86, 9.25)]),
        ("failover", [(5.89, 5.57), (6.89, 5.46)]),
        ("critical", [(5.55, 6.54), (6.54, 5.44)]),
        ("neutral", [(6.69, 3.96), (7.52, 4.99)]),
    ];
    let looks = looks(None);
    for (class, computed) in computed {
        for (look, (text, solid)) in looks.iter().zip(computed) {
            let of = |kind: &str| look[&format!("{class}-{kind}")];
            let found = (contrast(of("text"), of("tint")), contrast(of("solid"), look["surface"]));
            assert!((found.0 - text).abs() < 0.02 && (found.1 - solid).abs() < 0.02, "{class}: {found:?}");
        }
    }
}
