//! A copy of a whole journal, and a check of one.
//!
//! A proxy that runs has its journal locked, so it hands out the rows of its tables itself, some at a time, and whoever
//! makes the copy puts them into a new file. Entries are only ever added, so what was copied stays right while the desk goes
//! on; each table is copied before the one that it points to. The copy is a journal of its own: it has another name, so that
//! no page goes on from what it had of the original, and another key for hashes, which never leaves its file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rules::RecordingId;
use rules::journal::Fact;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};
use switchboard::ports::{CopiedRow, StoreError};

use super::audit::{self, Chain, Follow, Head};
use super::{
    HASH_KEY_BYTES, SCHEMA, TABLES, complete, for_its_owner_only, hex, line_of, not_read, random, sentence,
};

/// How many rows are handed out at once: no step of the desk waits long for them.
const ROWS_AT_ONCE: usize = 200;

/// How long a lock is waited for that is held for a moment only.
const BUSY: Duration = Duration::from_millis(500);

/// Separates what a place consists of.
const AND: char = '\u{1f}';

/// A table, as it is copied.
struct Table {
    name: &'static str,
    columns: &'static str,
    /// How many columns.
    width: usize,
    /// What rows are ordered by: the first columns of the key.
    key: &'static [&'static str],
    /// Which rows.
    wanted: &'static str,
}

/// In the order in which they are copied.
const COPIED: [Table; 9] = [
    Table {
        name: "meta",
        columns: "name, value",
        width: 2,
        key: &["name"],
        wanted: "name IN ('schema', 'clock_rate', 'clock_origin')",
    },
    Table { name: "shared_views", columns: "id, json", width: 2, key: &["id"], wanted: "TRUE" },
    Table { name: "alerted", columns: "target, board", width: 2, key: &["target"], wanted: "TRUE" },
    // Row by row as it is, so that the copy has the same chain.
    Table { name: "audit", columns: "number, json, hash", width: 3, key: &["number"], wanted: "TRUE" },
    Table {
        name: "key_uses",
        columns: "person, key, body, recording, at",
        width: 5,
        key: &["person", "key"],
        wanted: "TRUE",
    },
    Table {
        name: "notices",
        columns: "key, app, recording, number, again",
        width: 5,
        key: &["key"],
        wanted: "TRUE",
    },
    Table {
        name: "app_entries",
        columns: "id, app, number, at, unmatched_bytes, json, raw, sum",
        width: 8,
        key: &["id"],
        wanted: "TRUE",
    },
    Table {
        name: "entries",
        columns: "board, recording, number, at, json, sum",
        width: 6,
        key: &["board"],
        wanted: "TRUE",
    },
    Table { name: "raw_bodies", columns: "board, at, body", width: 3, key: &["board"], wanted: "TRUE" },
];

/// The tables of a journal, in the order in which they are to be copied.
pub fn tables() -> impl Iterator<Item = &'static str> {
    COPIED.iter().map(|table| table.name)
}

fn table(name: &str) -> Result<&'static Table, StoreError> {
    let known = COPIED.iter().find(|table| table.name == name);
    known.ok_or_else(|| StoreError(format!("a journal has no table {name:?}")))
}

/// The next rows of a table after this place; from its beginning if the place is empty.
pub(super) fn rows(connection: &Connection, name: &str, after: &str) -> Result<Vec<CopiedRow>, StoreError> {
    let Table { columns, width, key, wanted, .. } = table(name)?;
    let keys = key.join(", ");
    let numeric = matches!(key[0], "id" | "board" | "number");
    let mut places: Vec<Value> = Vec::new();
    let later = if after.is_empty() {
        "TRUE".to_owned()
    } else {
        for part in after.split(AND) {
            places.push(match part.parse::<i64>() {
                Ok(number) if numeric => Value::Integer(number),
                Ok(_) | Err(_) => Value::Text(part.to_owned()),
            });
        }
        if places.len() != key.len() {
            return Err(StoreError(format!("{after:?} is no place in the table {name}")));
        }
        let marks: Vec<String> = (1..=places.len()).map(|number| format!("?{number}")).collect();
        format!("({keys}) > ({})", marks.join(", "))
    };
    let query = format!(
        "SELECT {columns} FROM {name} WHERE {wanted} AND {later} ORDER BY {keys} LIMIT {ROWS_AT_ONCE}"
    );
    let mut statement = connection.prepare_cached(&query).map_err(|error| not_read(&error))?;
    let mut found = statement.query(params_from_iter(places)).map_err(|error| not_read(&error))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(|error| not_read(&error))? {
        let mut values = Vec::with_capacity(*width);
        for column in 0..*width {
            values.push(match row.get_ref(column).map_err(|error| not_read(&error))? {
                ValueRef::Null => serde_json::Value::Null,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
                ValueRef::Real(_) | ValueRef::Blob(_) => {
                    return Err(StoreError(format!("a row of the table {name} is damaged")));
                }
            });
        }
        let places: Vec<String> = values
            .iter()
            .take(key.len())
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect();
        rows.push(CopiedRow { place: places.join(&AND.to_string()), values });
    }
    Ok(rows)
}

/// A journal's file that nobody else has open, for reading alone.
pub struct Closed {
    connection: Connection,
    shown: String,
}

/// Why a journal's file cannot be read here.
#[derive(Debug)]
pub enum NotRead {
    /// A proxy that runs has it open.
    InUse,
    /// Anything else, as a sentence.
    Because(String),
}

impl Closed {
    /// Opens it, if no proxy has.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, NotRead> {
        let shown = path.display().to_string();
        let fail = |error: &rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => NotRead::InUse,
            _ => NotRead::Because(format!("the journal {shown} cannot be read: {}", sentence(error))),
        };
        if !path.is_file() {
            return Err(NotRead::Because(format!("there is no journal {shown}")));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| fail(&error))?;
        prepare_to_read(&connection).map_err(|error| fail(&error))?;
        let reading = connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0));
        let tables: i64 = reading.map_err(|error| fail(&error))?;
        if tables == 0 {
            return Err(NotRead::Because(format!("{shown} is not a journal of this program: it is empty")));
        }
        Ok(Self { connection, shown })
    }

    /// The next rows of a table after this place.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn rows(&self, table: &str, after: &str) -> Result<Vec<CopiedRow>, StoreError> {
        rows(&self.connection, table, after)
    }

    /// Follows the chain of its audit; `known` is the hash of a head that somebody kept.
    pub fn audit(&self, known: Option<&str>) -> Chain {
        if audit::is_there(&self.connection) {
            audit::check(&self.connection, known)
        } else {
            Follow::new(known).end()
        }
    }

    /// Whether it has an audit: one of an older build has none.
    pub fn has_audit(&self) -> bool {
        audit::is_there(&self.connection)
    }

    /// Makes what a journal of an older build lacks, so that it can be copied.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn complete(&mut self) -> Result<(), String> {
        let fail = |error: rusqlite::Error| {
            format!("the journal {} cannot be read: {}", self.shown, sentence(&error))
        };
        let transaction = self.connection.unchecked_transaction().map_err(fail)?;
        complete(&transaction).and_then(|()| transaction.commit()).map_err(fail)
    }
}

/// The lock that a proxy takes, so that it is noticed when one has it; and nothing else is changed.
fn prepare_to_read(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// A copy in the making. It has its name only when it is whole.
pub struct Copy {
    connection: Connection,
    part: PathBuf,
    path: PathBuf,
    rows: u64,
}

impl Copy {
    /// Begins a copy; it is to lie at `path`.
    ///
    /// # Errors
    /// When there is something already, or nothing can be written there. A sentence.
    pub fn begin(path: &Path) -> Result<Self, String> {
        if path.exists() {
            return Err(format!("{} is there already: name a new file", path.display()));
        }
        let name = path.file_name().ok_or_else(|| format!("{} names no file", path.display()))?;
        let part = path.with_file_name(format!("{}.part", name.to_string_lossy()));
        let _ = std::fs::remove_file(&part);
        for_its_owner_only(&part);
        let fail = |error: rusqlite::Error| {
            format!("the copy {} cannot be written: {}", part.display(), sentence(&error))
        };
        let connection = Connection::open(&part).map_err(fail)?;
        let begun = (|| {
            connection.pragma_update(None, "synchronous", "FULL")?;
            let transaction = connection.unchecked_transaction()?;
            transaction.execute_batch(TABLES)?;
            complete(&transaction)?;
            for (name, value) in [
                ("schema", SCHEMA.to_owned()),
                ("journal_id", hex(&random::<16>()?)),
                ("hash_key", hex(&random::<HASH_KEY_BYTES>()?)),
            ] {
                transaction.execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", [name, &value])?;
            }
            transaction.commit()
        })();
        begun.map_err(fail)?;
        Ok(Self { part: part.clone(), connection, path: path.to_path_buf(), rows: 0 })
    }

    /// Takes rows of a table.
    ///
    /// # Errors
    /// When they cannot be written, or are not rows of it. A sentence.
    pub fn take(&mut self, name: &str, rows: &[CopiedRow]) -> Result<(), String> {
        let Table { columns, width, .. } = table(name).map_err(|error| error.0)?;
        let marks: Vec<String> = (1..=*width).map(|number| format!("?{number}")).collect();
        // A notification that came again while it was copied stands there in its newest form.
        let insert = format!("INSERT OR REPLACE INTO {name} ({columns}) VALUES ({})", marks.join(", "));
        let fail = |error: rusqlite::Error| {
            format!("the copy {} cannot be written: {}", self.part.display(), sentence(&error))
        };
        let transaction = self.connection.unchecked_transaction().map_err(fail)?;
        for row in rows {
            let values: Option<Vec<Value>> = row
                .values
                .iter()
                .map(|value| match value {
                    serde_json::Value::Null => Some(Value::Null),
                    serde_json::Value::Number(number) => number.as_i64().map(Value::Integer),
                    serde_json::Value::String(text) => Some(Value::Text(text.clone())),
                    _ => None,
                })
                .collect();
            let values = values
                .filter(|values| values.len() == *width)
                .ok_or_else(|| format!("what came is no row of the table {name}"))?;
            transaction
                .prepare_cached(&insert)
                .and_then(|mut statement| statement.execute(params_from_iter(values)))
                .map_err(fail)?;
        }
        transaction.commit().map_err(fail)?;
        self.rows += rows.len() as u64;
        Ok(())
    }

    /// Takes all rows of all tables; `next` gives those of a table after a place.
    ///
    /// # Errors
    /// When they cannot be read or written. A sentence.
    pub fn take_all(
        &mut self,
        mut next: impl FnMut(&str, &str) -> Result<Vec<CopiedRow>, String>,
    ) -> Result<(), String> {
        for name in tables() {
            let mut after = String::new();
            loop {
                let rows = next(name, &after)?;
                let Some(last) = rows.last() else { break };
                after.clone_from(&last.place);
                self.take(name, &rows)?;
                // What comes while it is copied need not be in it: else it would never be whole.
                if rows.len() < ROWS_AT_ONCE {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The copy is whole: it gets its name.
    ///
    /// # Errors
    /// When it cannot be written. A sentence.
    pub fn finish(self) -> Result<(), String> {
        let Self { connection, part, path, rows } = self;
        let fail = |what: String| format!("the copy {} cannot be written: {what}", path.display());
        // Bodies of answers that were written after the entries were copied.
        connection
            .execute("DELETE FROM raw_bodies WHERE board > (SELECT COALESCE(MAX(board), 0) FROM entries)", [])
            .map_err(|error| fail(sentence(&error)))?;
        connection.close().map_err(|(_, error)| fail(sentence(&error)))?;
        if rows == 0 {
            return Err(fail("nothing came to be copied".to_owned()));
        }
        let sync = |path: &Path| std::fs::File::open(path).and_then(|file| file.sync_all());
        sync(&part).map_err(|error| fail(error.to_string()))?;
        std::fs::rename(&part, &path).map_err(|error| fail(error.to_string()))?;
        // The name is durable when its folder is.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync(folder).map_err(|error| fail(error.to_string()))
    }
}

/// What a check of a whole journal found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many entries there are.
    pub entries: u64,
    /// Of how many recordings.
    pub recordings: usize,
    /// How many of them have no sum, because an older build wrote them.
    pub without_sum: u64,
    /// The newest record of the audit, as far as its chain is whole.
    pub audit: Head,
    /// What is wrong, a sentence each.
    pub damage: Vec<String>,
}

/// How many sentences there are at most.
const DAMAGE_MAX: usize = 100;

/// Reads a whole journal and says what is wrong with it. Nothing is changed.
///
/// # Errors
/// When it cannot be read at all.
pub fn check(journal: &Closed) -> Result<Checked, String> {
    let connection = &journal.connection;
    let mut checked = Checked::default();
    let unreadable = |error: &rusqlite::Error| {
        format!("the journal {} cannot be read: {}", journal.shown, sentence(error))
    };
    let schema: String = connection
        .query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| row.get(0))
        .map_err(|error| unreadable(&error))?;
    if schema != SCHEMA {
        return Err(format!(
            "the journal {} has the format {schema}, and this build reads {SCHEMA}",
            journal.shown
        ));
    }
    check_pages(connection, &mut checked);
    let has_sums: bool = connection
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM pragma_table_info('entries') WHERE name = 'sum')",
            [],
            |row| row.get(0),
        )
        .map_err(|error| unreadable(&error))?;
    let sum = if has_sums { "sum" } else { "NULL" };
    let query = format!(
        "SELECT board, recording, json, number, at, {sum} FROM entries WHERE board > ?1 ORDER BY board LIMIT 1"
    );
    let mut statement = connection.prepare(&query).map_err(|error| unreadable(&error))?;
    let newest = super::damage::newest(connection).map_err(|error| unreadable(&error))?;
    let mut last: BTreeMap<RecordingId, u32> = BTreeMap::new();
    let mut board = 0;
    while board < newest {
        let found = statement.query_row([i64::try_from(board).unwrap_or(i64::MAX)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(5)?, line_of(row)))
        });
        match found {
            Ok((at, sum, line)) => {
                let at = at.unsigned_abs();
                for missing in board + 1..at {
                    checked.found(format!("entry {missing} of the journal is missing"));
                }
                board = at;
                checked.entries += 1;
                checked.without_sum += u64::from(sum.is_none());
                match line {
                    Ok(line) => checked.follows(&mut last, line),
                    Err(error) => checked.found(error.0),
                }
            }
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                checked.found(format!("the entries after {board} are missing, up to {newest}"));
                break;
            }
            Err(error) => {
                board += 1;
                checked.found(format!("entry {board} of the journal is damaged: {error}"));
            }
        }
        if checked.damage.len() >= DAMAGE_MAX {
            break;
        }
    }
    checked.recordings = last.len();
    let Chain { head, broken, .. } = journal.audit(None);
    checked.audit = head;
    broken.into_iter().for_each(|what| checked.found(what));
    Ok(checked)
}

/// Whether the database's own pages fit together.
fn check_pages(connection: &Connection, checked: &mut Checked) {
    let told = connection.prepare("PRAGMA integrity_check(20)").and_then(|mut statement| {
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        lines.collect::<rusqlite::Result<Vec<String>>>()
    });
    match told {
        Ok(lines) => lines
            .into_iter()
            .filter(|line| line != "ok")
            .for_each(|line| checked.found(format!("the file is damaged: {line}"))),
        Err(error) => checked.found(format!("the file is damaged: {error}")),
    }
}

impl Checked {
    fn found(&mut self, what: String) {
        if self.damage.len() < DAMAGE_MAX {
            self.damage.push(what);
        }
    }

    /// Entries of a recording are numbered from 1, and the first is a request.
    fn follows(&mut self, last: &mut BTreeMap<RecordingId, u32>, line: switchboard::ports::Line) {
        let known = last.entry(line.recording.clone()).or_default();
        let number = line.entry.number;
        if number != *known + 1 {
            let what = format!("entry {number} of {} does not follow on entry {known}", line.recording);
            *known = number;
            self.found(what);
            return;
        }
        *known = number;
        if number == 1 && !matches!(line.entry.fact, Fact::Requested(_)) {
            self.found(format!("the journal of {} does not begin with a request", line.recording));
        }
    }
}
