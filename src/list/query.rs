//! The query of the list: `state:failover ha>=2 attempts>=2 channel:math -app:test "room 4"`.
//!
//! A word alone is looked for in everything that a recording is known by. Terms are joined by "and"; a minus before one
//! turns it round. What cannot be read is said with its place, and nothing is shown in its stead.

use core::time::Duration;

use crate::words;

/// What a term asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// How it stands.
    State,
    /// The channel.
    Channel,
    /// The recording ID of the service.
    Sid,
    /// A UID that one of its sessions had or has.
    Uid,
    /// The resource ID.
    Resource,
    /// The App ID's name.
    App,
    /// The mode.
    Mode,
    /// A file that was confirmed.
    File,
    /// The rule that decided last or comes next.
    Rule,
    /// The HTTP status of the last answer, or `none`.
    Answer,
    /// Failovers used by the session that is shown.
    Failovers,
    /// Which try the next call is.
    Attempts,
    /// For how long it records.
    Running,
    /// How old the last answer is.
    Age,
    /// Whether it is pinned in this browser.
    Pinned,
}

/// What kind of value a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Duration,
    OneOf(&'static [&'static str]),
}

/// The names of how a recording stands, as they are typed; the counts over the list have the same.
pub const STATES: [&str; 8] =
    ["needs-you", "lost", "failover", "retrying", "starting", "stopping", "recording", "ended"];

const FIELDS: [(Field, &str, Kind); 15] = [
    (Field::State, "state", Kind::OneOf(&STATES)),
    (Field::Channel, "channel", Kind::Text),
    (Field::Failovers, "ha", Kind::Number),
    (Field::Attempts, "attempts", Kind::Number),
    (Field::Running, "running", Kind::Duration),
    (Field::Answer, "answer", Kind::Text),
    (Field::Age, "age", Kind::Duration),
    (Field::Rule, "rule", Kind::Text),
    (Field::Uid, "uid", Kind::Text),
    (Field::Sid, "sid", Kind::Text),
    (Field::Resource, "resource", Kind::Text),
    (Field::File, "file", Kind::Text),
    (Field::Mode, "mode", Kind::OneOf(&["individual", "mix", "web"])),
    (Field::App, "app", Kind::Text),
    (Field::Pinned, "pinned", Kind::OneOf(&["yes", "no"])),
];

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is in it, or it is it.
    Is,
    /// At least.
    AtLeast,
    /// At most.
    AtMost,
    /// More than.
    Above,
    /// Less than.
    Below,
}

/// What it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A part of a text, in small letters.
    Text(String),
    /// A number; of seconds where the field is a duration.
    Number(u64),
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Whether it must not hold.
    pub not: bool,
    /// What it asks about; none: everything that a recording is known by.
    pub field: Option<Field>,
    /// How.
    pub relation: Relation,
    /// With what.
    pub wanted: Wanted,
}

/// What cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// The bytes of the query that it is about.
    pub place: core::ops::Range<usize>,
    /// What to change.
    pub says: String,
}

/// One way to go on with what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The word that it makes of the last one.
    pub word: String,
    /// What it means.
    pub means: &'static str,
    /// The whole query with it.
    pub query: String,
}

impl Relation {
    /// Whether `value` stands to `wanted` like this.
    pub const fn holds(self, value: u64, wanted: u64) -> bool {
        match self {
            Self::Is => value == wanted,
            Self::AtLeast => value >= wanted,
            Self::AtMost => value <= wanted,
            Self::Above => value > wanted,
            Self::Below => value < wanted,
        }
    }
}

/// Reads a query.
///
/// # Errors
/// The first term that cannot be read.
pub fn parse(text: &str) -> Result<Vec<Term>, Slip> {
    pieces(text).into_iter().map(|place| term(text, place)).collect()
}

/// The places of the words: what stands between blanks, and between quotes.
fn pieces(text: &str) -> Vec<core::ops::Range<usize>> {
    let (mut found, mut begun, mut quoted) = (Vec::new(), None, false);
    for (place, letter) in text.char_indices() {
        if letter == '"' {
            quoted = !quoted;
        }
        if letter.is_whitespace() && !quoted {
            found.extend(begun.take().map(|begun| begun..place));
        } else if begun.is_none() {
            begun = Some(place);
        }
    }
    found.extend(begun.map(|begun| begun..text.len()));
    found
}

/// A word, cut at its relation: the name, the relation, the value.
fn cut(word: &str) -> Option<(&str, Relation, &str)> {
    let end = word.find(|letter: char| !letter.is_ascii_alphabetic())?;
    let (name, rest) = word.split_at(end);
    const RELATIONS: [(&str, Relation); 6] = [
        (">=", Relation::AtLeast),
        ("<=", Relation::AtMost),
        (">", Relation::Above),
        ("<", Relation::Below),
        (":", Relation::Is),
        ("=", Relation::Is),
    ];
    let (sign, relation) = RELATIONS.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
    (!name.is_empty()).then(|| (name, relation, &rest[sign.len()..]))
}

fn term(text: &str, place: core::ops::Range<usize>) -> Result<Term, Slip> {
    let whole = &text[place.clone()];
    let slip = |says: String| Slip { place: place.clone(), says };
    let (not, word) = match whole.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, whole),
    };
    if whole.matches('"').count() % 2 == 1 {
        return Err(slip(words::said(words::list::UNCLOSED_QUOTE)));
    }
    let Some((name, relation, value)) = cut(word) else {
        let wanted = Wanted::Text(word.replace('"', "").to_lowercase());
        return Ok(Term { not, field: None, relation: Relation::Is, wanted });
    };
    let name = name.to_ascii_lowercase();
    let Some((field, _, kind)) = FIELDS.into_iter().find(|(_, known, _)| *known == name) else {
        let known: Vec<&str> = FIELDS.iter().map(|(_, known, _)| *known).collect();
        return Err(slip(words::list::no_field(&name, &known)));
    };
    let value = value.replace('"', "").to_lowercase();
    if value.is_empty() {
        return Err(slip(words::list::no_value(&name)));
    }
    let compared = matches!(kind, Kind::Number | Kind::Duration);
    if relation != Relation::Is && !compared {
        return Err(slip(words::list::not_compared(&name)));
    }
    let wanted = match kind {
        Kind::Text => Wanted::Text(value),
        Kind::OneOf(values) => match values.iter().find(|known| **known == value) {
            Some(known) => Wanted::Text((*known).to_owned()),
            None => return Err(slip(words::list::no_such_value(&name, &value, values))),
        },
        Kind::Number => match value.parse() {
            Ok(number) => Wanted::Number(number),
            Err(_) => return Err(slip(words::list::not_a_number(&name, &value))),
        },
        Kind::Duration => match duration(&value) {
            Some(duration) => Wanted::Number(duration.as_secs()),
            None => return Err(slip(words::list::not_a_duration(&name, &value))),
        },
    };
    Ok(Term { not, field: Some(field), relation, wanted })
}

/// `90`, `90s`, `5m`, `2h`, `1d`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds: u64 = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

/// How the query may go on after its last word; none after a blank, unless nothing was typed yet.
pub fn completions(text: &str) -> Vec<Completion> {
    let last = match pieces(text).pop() {
        Some(place) if place.end == text.len() => place,
        _ => text.len()..text.len(),
    };
    let (before, word) = (&text[..last.start], &text[last]);
    let (minus, word) = word.strip_prefix('-').map_or(("", word), |word| ("-", word));
    let completed = |word: String, means: &'static str, more: &str| Completion {
        query: [before, minus, &word, more].concat(),
        word: [minus, &word].concat(),
        means,
    };
    if let Some((name, _, value)) = cut(word) {
        let name = name.to_ascii_lowercase();
        let value = value.to_lowercase();
        let Some((field, name, Kind::OneOf(values))) =
            FIELDS.into_iter().find(|(_, known, _)| *known == name)
        else {
            return Vec::new();
        };
        let open = values.iter().filter(|known| known.starts_with(&value) && **known != value);
        return open
            .map(|known| completed([name, ":", known].concat(), words::list::value(field, known), " "))
            .collect();
    }
    let typed = word.to_ascii_lowercase();
    if typed.is_empty() && !before.is_empty() {
        return Vec::new();
    }
    FIELDS
        .into_iter()
        .filter(|(_, name, _)| name.starts_with(&typed))
        .map(|(field, name, kind)| {
            let sign = if matches!(kind, Kind::Number | Kind::Duration) { ">=" } else { ":" };
            completed([name, sign].concat(), words::list::field(field), "")
        })
        .collect()
}

/// The query without a last word that is still being typed: one that may yet become a field or one of its values. Nothing is
/// hidden and nothing is wrong because of half a word.
pub fn without_the_unfinished(text: &str) -> &str {
    let last = pieces(text).pop().filter(|place| place.end == text.len());
    match last {
        Some(place) if is_unfinished(text.get(place.clone()).unwrap_or_default()) => &text[..place.start],
        _ => text,
    }
}

fn is_unfinished(word: &str) -> bool {
    let value_to_come = cut(word.trim_start_matches('-')).is_some_and(|(_, _, value)| value.is_empty());
    value_to_come || !completions(word).is_empty() || word.matches('"').count() % 2 == 1
}

/// The query with this state alone, or without one.
pub fn with_state(text: &str, state: Option<&str>) -> String {
    let mut kept: Vec<String> = Vec::new();
    for place in pieces(text) {
        let word = &text[place];
        let of_state = cut(word).is_some_and(|(name, ..)| name.eq_ignore_ascii_case("state"));
        if !of_state {
            kept.push(word.to_owned());
        }
    }
    kept.extend(state.map(|state| ["state:", state].concat()));
    kept.join(" ")
}

/// The state that the query asks for, if it asks for one alone.
pub fn state_of(terms: &[Term]) -> Option<&str> {
    let mut states = terms.iter().filter(|term| term.field == Some(Field::State) && !term.not);
    match (states.next(), states.next()) {
        (Some(Term { wanted: Wanted::Text(state), .. }), None) => Some(state),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, Relation, Term, Wanted, completions, parse, state_of, with_state};

    fn text(field: Option<Field>, wanted: &str) -> Term {
        Term { not: false, field, relation: Relation::Is, wanted: Wanted::Text(wanted.to_owned()) }
    }

    #[test]
    fn a_query_is_read_term_by_term() {
        let terms =
            parse("state:failover ha>=2 running<90m -channel:\"Room 4\" 3F9a").expect("it can be read");
        assert_eq!(
            terms,
            [
                text(Some(Field::State), "failover"),
                Term {
                    relation: Relation::AtLeast,
                    wanted: Wanted::Number(2),
                    ..text(Some(Field::Failovers), "")
                },
                Term {
                    relation: Relation::Below,
                    wanted: Wanted::Number(5_400),
                    ..text(Some(Field::Running), "")
                },
                Term { not: true, ..text(Some(Field::Channel), "room 4") },
                text(None, "3f9a"),
            ]
        );
        assert_eq!(parse("  "), Ok(Vec::new()));
        // A minus alone and what looks like an address are words.
        assert_eq!(parse("- 10.0.0.1:80").expect("words"), [text(None, "-"), text(None, "10.0.0.1:80")]);
    }

    #[test]
    fn a_slip_says_where_it_is_and_what_to_change() {
        for (query, place, says) in [
            ("math colour:red", 5..15, "colour"),
            ("state:recrding", 0..14, "needs-you"),
            ("ha>=two", 0..7, "two"),
            ("running>2weeks", 0..14, "2weeks"),
            ("channel>4", 0..9, "channel"),
            ("channel:", 0..8, "channel"),
            ("\"room 4", 0..7, "quotation"),
            ("ha>=99999999999999999999999", 0..27, "ha"),
        ] {
            let slip = parse(query).expect_err(query);
            assert_eq!(slip.place, place, "{query}");
            assert!(slip.says.contains(says), "{query}: {}", slip.says);
        }
    }

    #[test]
    fn what_was_typed_is_completed() {
        let words = |text: &str| completions(text).into_iter().map(|one| one.query).collect::<Vec<_>>();
        assert_eq!(words("math st"), ["math state:"]);
        assert_eq!(words("-state:re"), ["-state:retrying ", "-state:recording "]);
        assert_eq!(words("state:ended"), [""; 0]);
        assert_eq!(words("math "), [""; 0]);
        assert_eq!(words("").len(), super::FIELDS.len(), "an empty field shows what can be asked");
        assert_eq!(words("a"), ["attempts>=", "answer:", "age>=", "app:"]);
    }

    #[test]
    fn half_a_word_hides_nothing() {
        use super::without_the_unfinished as without;
        for (text, left) in [
            ("math st", "math "),
            ("math state:", "math "),
            ("math state:rec", "math "),
            ("ha>=", ""),
            ("channel:\"room", ""),
            ("math state:recording", "math state:recording"),
            ("math studio", "math studio"),
            ("state:rec ", "state:rec "),
        ] {
            assert_eq!(without(text), left, "{text}");
        }
    }

    #[test]
    fn a_state_is_put_in_the_place_of_another() {
        assert_eq!(with_state("state:lost math", Some("ended")), "math state:ended");
        assert_eq!(with_state("math STATE:lost", None), "math");
        assert_eq!(state_of(&parse("math state:lost").expect("read")), Some("lost"));
        assert_eq!(state_of(&parse("-state:lost").expect("read")), None);
    }
}
