//! Reads what the service writes in more than one way: numbers as texts, lists as one text, file names under two keys,
//! times in seconds or milliseconds. Texts and lists are cut.

use serde_json::Value;

use crate::answer::FileEntry;
use crate::files;
use crate::time::Timestamp;

/// How many files of an answer are kept.
pub const FILES_MAX: usize = 64;

/// How many characters of a file name are kept.
pub const FILE_NAME_CHARACTERS_MAX: usize = 512;

const WORD_CHARACTERS_MAX: usize = 32;
/// Times from here on are milliseconds; below, seconds. It is the year 5138 in seconds and 1973 in milliseconds.
const MILLISECONDS_FROM: i64 = 100_000_000_000;
/// The end of the year 9999, in milliseconds.
const TIME_MAX: i64 = 253_402_300_799_999;

/// A `fileList`: a text, a list of texts, or a list of objects.
pub(crate) fn files_of(list: Option<&Value>) -> Vec<FileEntry> {
    match list {
        Some(Value::String(name)) => file_entry(name, None).into_iter().collect(),
        Some(Value::Array(entries)) => {
            let mut files: Vec<FileEntry> = entries.iter().filter_map(file_of).take(FILES_MAX).collect();
            keep_last_leg(&mut files, entries);
            files
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    }
}

/// A list that was cut still shows its newest leg: that one is evidence of a failover (F1).
fn keep_last_leg(files: &mut [FileEntry], entries: &[Value]) {
    let leg = |file: &FileEntry| files::leg_of(&file.name).map_or(0, |index| u16::from(index) + 1);
    let newest_kept = files.iter().map(leg).max().unwrap_or(0);
    let beyond = entries.iter().skip(FILES_MAX).filter_map(file_of).max_by_key(leg);
    if let (Some(last), Some(newest)) = (files.last_mut(), beyond.filter(|file| leg(file) > newest_kept)) {
        *last = newest;
    }
}

fn file_of(entry: &Value) -> Option<FileEntry> {
    match entry {
        Value::String(name) => file_entry(name, None),
        Value::Object(fields) => {
            let name = fields.get("fileName").or_else(|| fields.get("filename"))?.as_str()?;
            file_entry(name, fields.get("sliceStartTime").and_then(instant))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

fn file_entry(name: &str, slice_start: Option<Timestamp>) -> Option<FileEntry> {
    if name.is_empty() {
        return None;
    }
    Some(FileEntry { name: cut(name, FILE_NAME_CHARACTERS_MAX), slice_start })
}

/// A whole number, however it was written.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64()?;
            // Every whole number below 2^53 has an exact float.
            let is_whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
            is_whole.then_some(number as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A time in seconds or milliseconds; its size tells which. Zero stands for "none yet".
pub(crate) fn instant(value: &Value) -> Option<Timestamp> {
    let number = integer(value).filter(|number| *number > 0)?;
    let millis = if number >= MILLISECONDS_FROM { number } else { number.checked_mul(1000)? };
    (millis <= TIME_MAX).then_some(Timestamp::from_millis(millis))
}

/// A short text.
pub(crate) fn word(value: &Value) -> Option<String> {
    value.as_str().map(|text| cut(text, WORD_CHARACTERS_MAX))
}

/// The first so many characters.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
