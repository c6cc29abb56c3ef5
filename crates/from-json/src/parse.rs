//! JSON text to a [`Value`], in little code: serde's own way is ten times as large, because it can do much more.
//!
//! What is JSON and what is not is as `serde_json::from_str` has it, down to the depth of 127; the tests compare the two.

use serde_json::{Map, Number, Value};

/// Deeper than this is refused, so that no text can exhaust the stack.
const DEPTH_MAX: u8 = 127;

/// Reads a text that is one JSON value and nothing else. None if it is not.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut source = Source { text, at: 0 };
    let value = source.value(DEPTH_MAX)?;
    source.skip_blanks();
    (source.at == text.len()).then_some(value)
}

struct Source<'t> {
    text: &'t str,
    /// The byte that comes next; always at the beginning of a character outside of strings.
    at: usize,
}

impl Source<'_> {
    fn peek(&self) -> u8 {
        // No text holds a zero byte that would be taken for JSON.
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// Takes this byte after any blanks, if it is the next one.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let next = self.peek() == byte;
        self.at += usize::from(next);
        next
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth: u8) -> Option<Value> {
        self.skip_blanks();
        match self.peek() {
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'"' => self.string().map(Value::String),
            b'[' => {
                self.at += 1;
                let (depth, mut items) = (depth.checked_sub(1)?, Vec::new());
                if !self.takes(b']') {
                    loop {
                        items.push(self.value(depth)?);
                        if !self.takes(b',') {
                            break;
                        }
                    }
                    self.takes(b']').then_some(())?;
                }
                Some(Value::Array(items))
            }
            b'{' => {
                self.at += 1;
                let (depth, mut fields) = (depth.checked_sub(1)?, Map::new());
                if !self.takes(b'}') {
                    loop {
                        self.skip_blanks();
                        let name = self.string()?;
                        self.takes(b':').then_some(())?;
                        fields.insert(name, self.value(depth)?);
                        if !self.takes(b',') {
                            break;
                        }
                    }
                    self.takes(b'}').then_some(())?;
                }
                Some(Value::Object(fields))
            }
            _ => self.number().map(Value::Number),
        }
    }

    fn string(&mut self) -> Option<String> {
        (self.peek() == b'"').then(|| self.at += 1)?;
        let mut read = String::new();
        loop {
            let begun = self.at;
            while !matches!(self.peek(), b'"' | b'\\' | 0..0x20) {
                self.at += 1;
            }
            read.push_str(self.text.get(begun..self.at)?);
            let end = self.peek();
            self.at += 1;
            match end {
                b'"' => return Some(read),
                b'\\' => read.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let letter = self.peek();
        self.at += 1;
        Some(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.four_digits()?;
                let code = match first {
                    // A character beyond the first plane is written as two halves.
                    0xD800..0xDC00 => {
                        self.word("\\u", Value::Null)?;
                        let second = self.four_digits()?.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
                        0x1_0000 + ((first - 0xD800) << 10) + second
                    }
                    code => code,
                };
                char::from_u32(code)?
            }
            _ => return None,
        })
    }

    fn four_digits(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            code = code * 16 + char::from(self.peek()).to_digit(16)?;
            self.at += 1;
        }
        Some(code)
    }

    fn number(&mut self) -> Option<Number> {
        let negative = self.peek() == b'-';
        self.at += usize::from(negative);
        let mut read = Digits::default();
        // A zero in front stands alone.
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits(&mut read)?;
        }
        let mut whole = true;
        if self.peek() == b'.' {
            self.at += 1;
            whole = false;
            let before = self.at;
            self.digits(&mut read)?;
            read.exponent -= i64::try_from(self.at - before).ok()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            whole = false;
            let minus = self.peek() == b'-';
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            let mut power = Digits::default();
            self.digits(&mut power)?;
            // Far beyond what a number can be.
            let power = if power.exponent > 0 { 100_000 } else { power.number.min(100_000).cast_signed() };
            read.exponent += if minus { -power } else { power };
        }
        if whole && read.exponent == 0 {
            if !negative {
                return Some(read.number.into());
            }
            if let Some(number) = 0_i64.checked_sub_unsigned(read.number).filter(|number| *number != 0) {
                return Some(number.into());
            }
        }
        let size = read.value();
        Number::from_f64(if negative { -size } else { size })
    }

    fn digits(&mut self, read: &mut Digits) -> Option<()> {
        let begun = self.at;
        while self.peek().is_ascii_digit() {
            read.push(u64::from(self.peek() - b'0'));
            self.at += 1;
        }
        (self.at > begun).then_some(())
    }
}

/// A number as its first digits and a power of ten.
#[derive(Default)]
struct Digits {
    number: u64,
    exponent: i64,
}

impl Digits {
    fn push(&mut self, digit: u64) {
        let more = self.number.checked_mul(10).and_then(|number| number.checked_add(digit));
        match more.filter(|_| self.exponent <= 0) {
            Some(number) => self.number = number,
            // No number holds more digits: those that follow only say how large it is.
            None => self.exponent += 1,
        }
    }

    fn value(&self) -> f64 {
        let (mut value, mut left) = (self.number as f64, self.exponent.unsigned_abs());
        while left > 0 && value != 0.0 && value.is_finite() {
            // Powers up to this one are exact.
            let step = left.min(22);
            let power = (0..step).fold(1.0, |power, _| power * 10.0);
            value = if self.exponent < 0 { value / power } else { value * power };
            left -= step;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::Value;

    /// The same, but for the last digit of a number with a point.
    fn same(one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
            }
            (Value::Object(one), Value::Object(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(one, other)| one.0 == other.0 && same(one.1, other.1))
            }
            (Value::Number(one), Value::Number(other)) if one.is_f64() && other.is_f64() => {
                let (one, other) = (one.as_f64().expect("a float"), other.as_f64().expect("a float"));
                (one - other).abs() <= other.abs() * 1e-15
                    && one.is_sign_negative() == other.is_sign_negative()
            }
            _ => one == other,
        }
    }

    fn compare(text: &str) {
        match (parse(text), serde_json::from_str::<Value>(text)) {
            (Some(own), Ok(theirs)) => assert!(same(&own, &theirs), "{text}: {own} {theirs}"),
            (None, Err(_)) => {}
            (own, theirs) => panic!("{text}: {own:?} {theirs:?}"),
        }
    }

    const TEXTS: [&str; 7] = [
        r#"{"a":[1,-2,3.25,-0,0.5e-3,1E+2,18446744073709551615,-9223372036854775808,123456789012345678901234567890]}"#,
        r#" { "b" : "é\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t" , "c" : null , "d":[ true , false , [] , {} ] } "#,
        r#"[[[["a",{"b":{"c":[{"d":"e"}]}}]]],0.1,1.7976931348623157e308,5e-324,1e-400]"#,
        r#""\ud800""#,
        r#"{"a":1,"a":2}"#,
        r#"{"numbers":"12","more":[9007199254740993,0.30000000000000004,-1.5e3]}"#,
        "null",
    ];

    #[test]
    fn it_reads_and_refuses_what_serde_json_reads_and_refuses() {
        for text in TEXTS {
            compare(text);
        }
        for odd in [
            "",
            " ",
            "01",
            "-",
            "-01",
            "1.",
            ".1",
            "1e",
            "1e+",
            "+1",
            "1e999",
            "-1e999",
            "tru",
            "nulll",
            "[1,]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "[1 2]",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\udc00\"",
            "\"abc",
            "\"\\ud800\\u0041\"",
            "[",
            "{",
            "]",
            "1 1",
            "\u{feff}1",
            "[\u{0}]",
            "\u{0}",
            "\"a\u{0}b\"",
            "NaN",
            "1_0",
        ] {
            compare(odd);
        }
        for depth in [126, 127, 128, 129, 200_000] {
            compare(&["[".repeat(depth), "]".repeat(depth)].concat());
        }
    }

    #[test]
    fn a_text_with_any_byte_changed_or_cut_is_read_alike() {
        for text in TEXTS {
            for (place, _) in text.char_indices() {
                compare(&text[..place]);
                for put in [
                    "", "\"", "\\", "[", "}", ",", ":", "0", "9", "-", ".", "e", "u", " ", "\n", "é", "\u{0}",
                ] {
                    let rest = text[place..].chars().next().map_or(place, |letter| place + letter.len_utf8());
                    compare(&[&text[..place], put, &text[rest..]].concat());
                    compare(&[&text[..place], put, &text[place..]].concat());
                }
            }
        }
    }
}
