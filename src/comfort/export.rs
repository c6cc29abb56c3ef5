//! The list as a file: what the query shows, every column, also those that are hidden.

use agora::Timestamp;
use js_sys::Date;
use serde_json::{Map, Value};
use wasm_bindgen::JsValue;

use crate::screens::board::Listed;
use crate::standing::Group;

/// The columns, named for programs and the same in every language.
const COLUMNS: [&str; 16] = [
    "recording",
    "channel",
    "group",
    "state",
    "says",
    "rule",
    "mode",
    "uid",
    "sid",
    "since",
    "until",
    "failovers",
    "answer",
    "answered_at",
    "next",
    "next_at",
];

/// A file that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table for a spreadsheet.
    Csv,
    /// For programs.
    Json,
}

/// The values of a recording, in the order of the columns.
fn values(listed: &Listed, instant: fn(Timestamp) -> String) -> [Value; 16] {
    let row = &listed.row;
    let at = |at: Option<Timestamp>| at.map_or(Value::Null, |at| instant(at).into());
    let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let group = match listed.group {
        Group::NeedsYou => "needs-you",
        Group::Handled => "handled",
        Group::Recording => "recording",
        Group::Ended => "ended",
    };
    [
        listed.id.as_str().into(),
        text(&row.channel),
        group.into(),
        text(&row.state.word),
        text(&row.says),
        row.rule.map_or(Value::Null, |rule| rule.as_str().into()),
        text(&row.mode),
        text(&row.uid),
        row.sid.as_deref().map_or(Value::Null, text),
        at(row.since),
        at(row.until),
        row.failovers.as_ref().map_or(Value::Null, |failovers| failovers.proved.into()),
        row.answer.as_ref().map_or(Value::Null, |(answer, _)| text(answer)),
        at(row.answer.as_ref().map(|(_, at)| *at)),
        text(&row.next),
        at(row.due),
    ]
}

/// The file.
fn file(format: Format, rows: &[[Value; 16]]) -> String {
    match format {
        Format::Csv => {
            let mut text = line(COLUMNS.iter().map(|name| (*name).to_owned()));
            for row in rows {
                text.push_str(&line(row.iter().map(|value| match value {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                })));
            }
            text
        }
        Format::Json => {
            let rows = rows.iter().map(|row| {
                let named = COLUMNS.iter().zip(row).map(|(name, value)| ((*name).to_owned(), value.clone()));
                Value::Object(named.collect::<Map<_, _>>())
            });
            let list = Value::Array(rows.collect());
            serde_json::to_string_pretty(&list).unwrap_or_default()
        }
    }
}

/// A line of CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets an apostrophe: it stays text.
fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells
        .map(|cell| {
            let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
            let guard = if formula { "'" } else { "" };
            ["\"", guard, &cell.replace('"', "\"\""), "\""].concat()
        })
        .collect();
    [&cells.join(","), "\r\n"].concat()
}

fn instant(at: Timestamp) -> String {
    Date::new(&JsValue::from_f64(at.millis() as f64)).to_iso_string().into()
}

/// Makes the file of these recordings, and lets the browser keep it.
pub fn save(format: Format, shown: &[&Listed], now: Timestamp) -> Result<(), JsValue> {
    let rows: Vec<_> = shown.iter().map(|listed| values(listed, instant)).collect();
    let text = file(format, &rows);
    let (kind, end) = match format {
        // The mark of the encoding: a spreadsheet takes the file for Latin-1 without it.
        Format::Csv => ("text/csv;charset=utf-8", "csv"),
        Format::Json => ("application/json", "json"),
    };
    let text = if format == Format::Csv { ["\u{feff}", &text].concat() } else { text };
    let name = ["recordings-", &instant(now).replace(':', "-"), ".", end].concat();
    crate::save::save(&text, &name, kind)
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, Format, file, line};
    use serde_json::Value;

    #[test]
    fn a_cell_of_a_table_is_never_a_formula() {
        let cells = ["=1+1", "+1", "-2", "@a", "\tx", "plain, with a comma", "say \"so\"", ""];
        let told = line(cells.iter().map(ToString::to_string));
        let wanted =
            "\"'=1+1\",\"'+1\",\"'-2\",\"'@a\",\"'\tx\",\"plain, with a comma\",\"say \"\"so\"\"\",\"\"\r\n";
        assert_eq!(told, wanted);
    }

    #[test]
    fn both_files_have_every_column() {
        let row: [Value; 16] = core::array::from_fn(Value::from);
        let table = file(Format::Csv, std::slice::from_ref(&row));
        assert_eq!(table.lines().count(), 2);
        assert!(table.lines().all(|line| line.split(',').count() == COLUMNS.len()));
        let list: Vec<serde_json::Map<String, Value>> =
            serde_json::from_str(&file(Format::Json, &[row])).expect("it is JSON");
        assert_eq!(list[0].len(), COLUMNS.len());
        assert_eq!(list[0]["recording"], 0);
    }
}
