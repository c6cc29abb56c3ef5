//! The journal on a disk: `SQLite`, one writer, rows only ever added. The only module with SQL, with its parts.
//!
//! An entry is one row, and a batch is one transaction that is on the disk when [`append`](Store::append) returns (WAL
//! with `synchronous=FULL`). The database itself refuses to change or remove an entry. Raw bodies lie in a table of their
//! own, because they are dropped after `keep_raw_days` and the fold never reads them: only [`Store::entries`] hands them
//! out. The file is locked for this process: two proxies on one journal would both give out the same numbers.
//!
//! Each row has a sum over what it says, so that a byte that changed on the disk is noticed. What cannot be read any more
//! is set aside where it stands and reported ([`damage`]); a copy and a check of the whole are made by [`copy`].

use std::path::Path;
use std::time::Duration;

use agora::Timestamp;
use rules::api::{AuditPage, SharedViews};
use rules::journal::Fact;
use rules::{AppEntry, AppEntryNumber, AppFact, Entry, EntryNumber, RecordingId};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};
use sha2::{Digest as _, Sha256};
use switchboard::ports::{
    AppLine, AuditFilter, Batch, CopiedRow, KeyUse, Line, Notice, Store, StoreError, unmatched_bytes,
};

pub mod audit;
mod behind;
pub mod copy;
mod damage;

use damage::Damaged;

/// The version of the tables that this build writes.
const SCHEMA: &str = "1";

/// The key of the body hash, in bytes.
pub const HASH_KEY_BYTES: usize = 32;

/// Old raw bodies are looked for this often, in the journal's time.
const DROP_RAW_EVERY: Duration = Duration::from_secs(3600);

/// So many raw bodies are dropped at once, so that no append waits long.
const DROP_RAW_AT_ONCE: u32 = 500;

const TABLES: &str = "
    CREATE TABLE meta (
        name TEXT PRIMARY KEY NOT NULL,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE entries (
        board INTEGER PRIMARY KEY,
        recording TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        json TEXT NOT NULL,
        UNIQUE (recording, number)
    ) STRICT;
    CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
        BEGIN SELECT RAISE(ABORT, 'an entry of the journal never changes'); END;
    CREATE TRIGGER entries_are_never_removed BEFORE DELETE ON entries
        BEGIN SELECT RAISE(ABORT, 'an entry of the journal is never removed'); END;
    CREATE TABLE raw_bodies (
        board INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX raw_bodies_by_age ON raw_bodies (at);
    CREATE TABLE key_uses (
        person TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        recording TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (person, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE probe (
        id INTEGER PRIMARY KEY,
        count INTEGER NOT NULL
    ) STRICT;
";

/// What a journal of an older build lacks is made when it is opened.
const APP_TABLES: &str = "
    CREATE TABLE IF NOT EXISTS app_entries (
        id INTEGER PRIMARY KEY,
        app TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        unmatched_bytes INTEGER NOT NULL,
        json TEXT NOT NULL,
        raw TEXT,
        UNIQUE (app, number)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS app_entries_with_raw ON app_entries (at) WHERE raw IS NOT NULL;
    CREATE TRIGGER IF NOT EXISTS app_entries_never_change BEFORE UPDATE OF app, number, at, json ON app_entries
        BEGIN SELECT RAISE(ABORT, 'an entry of an App journal never changes'); END;
    CREATE TRIGGER IF NOT EXISTS only_unmatched_notifications_make_room BEFORE DELETE ON app_entries
        WHEN OLD.unmatched_bytes = 0
        BEGIN SELECT RAISE(ABORT, 'an entry of an App journal is never removed'); END;
    CREATE TABLE IF NOT EXISTS notices (
        key TEXT PRIMARY KEY NOT NULL,
        app TEXT NOT NULL,
        recording TEXT,
        number INTEGER NOT NULL,
        again INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS shared_views (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        json TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS notices_of_unmatched ON notices (app, number) WHERE recording IS NULL;
    CREATE TABLE IF NOT EXISTS alerted (
        target TEXT PRIMARY KEY NOT NULL,
        board INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// The tables whose rows have a sum. Rows that an older build wrote have none.
const SUMMED: [&str; 2] = ["entries", "app_entries"];

/// The time that a journal is to be opened with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalTime {
    /// How much faster than the wall it runs. A journal opens only at the rate it was made with.
    pub rate: u32,
    /// Where it begins to run faster; none: where the journal says, and now for a new one.
    pub origin: Option<Timestamp>,
    /// The wall's time.
    pub now: Timestamp,
}

/// What an opened journal tells about itself.
pub struct Opened {
    /// The journal.
    pub store: SqliteStore,
    /// Where its time begins to run faster.
    pub origin: Timestamp,
    /// When the newest entry was written.
    pub newest_at: Option<Timestamp>,
    /// The key under which bodies are hashed: random, and never outside this file.
    pub hash_key: [u8; HASH_KEY_BYTES],
    /// The newest record of the audit.
    pub audit: audit::Head,
}

/// The journal in a `SQLite` file.
pub struct SqliteStore {
    connection: Connection,
    journal_id: String,
    newest: u64,
    keep_raw: Duration,
    raw_looked_at: Option<Timestamp>,
    /// The newest record of the audit; none while it could not be read.
    audit: Option<audit::Head>,
    /// What cannot be read any more, by board number.
    damaged: Damaged,
    /// The journal can only be read, and a copy of it is: nothing is written before [`Self::writing`] says so.
    behind: Option<behind::Behind>,
}

impl SqliteStore {
    /// Opens the journal, or makes a new one.
    ///
    /// # Errors
    /// When the file cannot be opened and written, is used by another process, is not a journal, is from a newer build,
    /// or was made at another clock rate. The sentence says what to change.
    pub fn open(path: &Path, time: JournalTime, keep_raw_days: u32) -> Result<Opened, StoreError> {
        let shown = path.display();
        let fail = |error: &rusqlite::Error| {
            StoreError(format!("the journal {shown} cannot be opened: {}", sentence(error)))
        };
        for_its_owner_only(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(|error| fail(&error))?;
        prepare(&connection).map_err(|error| fail(&error))?;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Exclusive)
            .map_err(|error| fail(&error))?;
        if !has_tables(&transaction).map_err(|error| fail(&error))? {
            make(&transaction, time).map_err(|error| fail(&error))?;
        }
        complete(&transaction).map_err(|error| fail(&error))?;
        let meta = |name: &str| -> Result<String, StoreError> {
            transaction
                .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
                .optional()
                .map_err(|error| fail(&error))?
                .ok_or_else(|| {
                    StoreError(format!("{shown} is not a journal of this program: it has no {name}"))
                })
        };
        let schema = meta("schema")?;
        if schema != SCHEMA {
            return Err(StoreError(format!(
                "the journal {shown} has the format {schema}, and this build writes {SCHEMA}: use the build that it was made with, or a newer one"
            )));
        }
        let unreadable =
            |name: &str| StoreError(format!("the journal {shown} is damaged: its {name} cannot be read"));
        let rate = meta("clock_rate")?;
        if rate != time.rate.to_string() {
            return Err(StoreError(format!(
                "the journal {shown} was made at clock rate {rate} and cannot be opened at {}: use --clock-rate {rate}, or another file",
                time.rate
            )));
        }
        let stored_origin = meta("clock_origin")?.parse().map_err(|_| unreadable("clock_origin"))?;
        let origin = time.origin.unwrap_or(Timestamp::from_millis(stored_origin));
        let hash_key = from_hex(&meta("hash_key")?).ok_or_else(|| unreadable("hash_key"))?;
        let journal_id = meta("journal_id")?;
        let ended = meta("ended").is_ok();
        let newest = damage::newest(&transaction).map_err(|error| fail(&error))?;
        // A damaged last page keeps nobody from stopping what runs: the time goes on from the wall's then.
        let newest_at = transaction
            .query_row("SELECT at FROM entries ORDER BY board DESC LIMIT 1", [], |row| row.get(0))
            .optional()
            .unwrap_or_default()
            .map(Timestamp::from_millis);
        let audit = audit::Head::read(&transaction).ok();
        let head = audit.clone().unwrap_or_default();
        transaction.commit().map_err(|error| fail(&error))?;
        let journal_id = begun(&connection, journal_id, ended).map_err(|error| fail(&error))?;
        let keep_raw = Duration::from_secs(u64::from(keep_raw_days) * 86_400);
        let damaged = Damaged::default();
        let store = Self {
            connection,
            journal_id,
            newest,
            keep_raw,
            raw_looked_at: None,
            audit,
            damaged,
            behind: None,
        };
        Ok(Opened { store, origin, newest_at, hash_key, audit: head })
    }

    fn try_append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.writing()?;
        let mut newest = self.newest;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| not_written(&error))?;
        for line in &batch.lines {
            newest += 1;
            if line.entry.board != newest {
                return Err(StoreError(format!(
                    "entry {} of {} has the board number {} where {newest} follows: nothing was written",
                    line.entry.number, line.recording, line.entry.board
                )));
            }
            insert(&transaction, line)?;
        }
        for line in &batch.app_lines {
            insert_app(&transaction, line)?;
        }
        for notice in &batch.notices {
            insert_notice(&transaction, notice).map_err(|error| not_written(&error))?;
        }
        for (app, upto) in &batch.dropped {
            drop_unmatched(&transaction, app, *upto).map_err(|error| not_written(&error))?;
        }
        if let Some(key_use) = &batch.key_use {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO key_uses (person, key, body, recording, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                )
                .and_then(|mut statement| {
                    statement.execute(params![
                        key_use.person,
                        key_use.key,
                        key_use.body,
                        key_use.recording.as_str(),
                        key_use.at.millis()
                    ])
                })
                .map_err(|error| not_written(&error))?;
        }
        let of_app = batch.app_lines.last().map(|line| line.entry.at);
        let due =
            batch.lines.last().map(|line| line.entry.at).or(of_app).filter(|now| {
                self.raw_looked_at.is_none_or(|looked_at| now.since(looked_at) >= DROP_RAW_EVERY)
            });
        if let Some(now) = due {
            let dropped = drop_raw(&transaction, now - self.keep_raw).map_err(|error| not_written(&error))?;
            // More may be left: the next append looks again.
            if dropped < DROP_RAW_AT_ONCE as usize {
                self.raw_looked_at = Some(now);
            }
        }
        let audit = match (&self.audit, batch.audit.is_empty()) {
            (known, true) => known.clone(),
            (Some(head), false) => Some(audit::append(&transaction, head, &batch.audit)?),
            (None, false) => {
                let head = audit::Head::read(&transaction).map_err(|error| not_written(&error))?;
                Some(audit::append(&transaction, &head, &batch.audit)?)
            }
        };
        transaction.commit().map_err(|error| not_written(&error))?;
        self.audit = audit;
        self.newest = newest;
        Ok(())
    }
}

impl Store for SqliteStore {
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.try_append(batch)
    }

    fn journal_id(&mut self) -> Result<String, StoreError> {
        Ok(self.journal_id.clone())
    }

    fn each_line(&mut self, take: &mut dyn FnMut(Line)) -> Result<(), StoreError> {
        let mut upto = 0;
        match self.readable_lines(&mut upto, take) {
            Ok(true) => Ok(()),
            // Row by row from there on: slow, and it tells which ones are damaged.
            Ok(false) | Err(_) => self.lines_one_by_one(upto, take),
        }
    }

    fn lines_after(&mut self, after: u64, limit: usize) -> Result<Vec<Line>, StoreError> {
        if !self.damaged.is_empty() {
            let upto = self.newest.min(after.saturating_add(u64::try_from(limit).unwrap_or(u64::MAX)));
            return (after + 1..=upto).map(|board| self.line_or_damage(board)).collect();
        }
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT board, recording, json, number, at, sum FROM entries WHERE board > ?1 ORDER BY board LIMIT ?2",
            )
            .map_err(|error| not_read(&error))?;
        let mut rows = statement
            .query(params![
                i64::try_from(after).unwrap_or(i64::MAX),
                i64::try_from(limit).unwrap_or(i64::MAX)
            ])
            .map_err(|error| not_read(&error))?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next().map_err(|error| not_read(&error))? {
            lines.push(line_of(row)?);
        }
        Ok(lines)
    }

    fn entries(
        &mut self,
        recording: &RecordingId,
        after: EntryNumber,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        if self.damaged.concerns(recording) {
            let boards = damage::boards_of(&self.connection, recording, after, limit);
            let boards = boards.map_err(|error| not_read(&error))?;
            return boards.into_iter().map(|board| Ok(self.line_or_damage(board)?.entry)).collect();
        }
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT entries.board, recording, json, number, entries.at, sum, body
                 FROM entries LEFT JOIN raw_bodies USING (board)
                 WHERE recording = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
            )
            .map_err(|error| not_read(&error))?;
        let mut rows = statement
            .query(params![recording.as_str(), after, i64::try_from(limit).unwrap_or(i64::MAX)])
            .map_err(|error| not_read(&error))?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(|error| not_read(&error))? {
            let mut entry = line_of(row)?.entry;
            if let Some(raw) = entry.fact.raw_mut() {
                *raw = row.get(6).map_err(|error| not_read(&error))?;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn each_app_line(&mut self, take: &mut dyn FnMut(AppLine, u64)) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare(
                "SELECT app, number, json, at, sum, unmatched_bytes FROM app_entries ORDER BY app, number",
            )
            .map_err(|error| not_read(&error))?;
        let mut rows = statement.query([]).map_err(|error| not_read(&error))?;
        while let Some(row) = rows.next().map_err(|error| not_read(&error))? {
            let bytes: i64 = row.get(5).map_err(|error| not_read(&error))?;
            let line = match app_line_of(row) {
                Ok(line) => line,
                Err(error) => {
                    tracing::error!("{error}; what it said is left out");
                    damaged_app_line(row, &error)?
                }
            };
            take(line, bytes.unsigned_abs());
        }
        Ok(())
    }

    fn app_entries(&mut self, app: &str, numbers: &[AppEntryNumber]) -> Result<Vec<AppEntry>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT app, number, json, at, sum, raw FROM app_entries WHERE app = ?1 AND number = ?2",
            )
            .map_err(|error| not_read(&error))?;
        let mut entries = Vec::with_capacity(numbers.len());
        for number in numbers {
            let number = i64::try_from(*number).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![app, number]).map_err(|error| not_read(&error))?;
            let Some(row) = rows.next().map_err(|error| not_read(&error))? else { continue };
            let mut entry = app_line_of(row)?.entry;
            if let AppFact::Unmatched(unmatched) = &mut entry.fact {
                unmatched.raw = row.get(5).map_err(|error| not_read(&error))?;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn notice(&mut self, key: &str) -> Result<Option<Notice>, StoreError> {
        let found = self
            .connection
            .prepare_cached("SELECT app, recording, number, again FROM notices WHERE key = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([key], |row| {
                        let recording: Option<String> = row.get(1)?;
                        Ok((
                            row.get::<_, String>(0)?,
                            recording,
                            row.get::<_, i64>(2)?,
                            row.get::<_, u32>(3)?,
                        ))
                    })
                    .optional()
            })
            .map_err(|error| not_read(&error))?;
        let Some((app, recording, number, again)) = found else { return Ok(None) };
        let recording = recording.map(|recording| {
            RecordingId::parse(recording)
                .ok_or_else(|| StoreError("a notification was kept for no recording".to_owned()))
        });
        let number = number.unsigned_abs();
        Ok(Some(Notice { key: key.to_owned(), app, recording: recording.transpose()?, number, again }))
    }

    fn key_use(&mut self, person: &str, key: &str, since: Timestamp) -> Result<Option<KeyUse>, StoreError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT body, recording, at FROM key_uses WHERE person = ?1 AND key = ?2 AND at > ?3",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![person, key, since.millis()], |row| {
                        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
                    })
                    .optional()
            })
            .map_err(|error| not_read(&error))?;
        let Some((body, recording, at)) = found else { return Ok(None) };
        let recording = RecordingId::parse(recording)
            .ok_or_else(|| StoreError("a use of an idempotency key names no recording".to_owned()))?;
        let at = Timestamp::from_millis(at);
        Ok(Some(KeyUse { person: person.to_owned(), key: key.to_owned(), body, recording, at }))
    }

    fn views(&mut self) -> Result<SharedViews, StoreError> {
        let json: Option<String> = self
            .connection
            .query_row("SELECT json FROM shared_views WHERE id = 1", [], |row| row.get(0))
            .optional()
            .map_err(|error| not_read(&error))?;
        let Some(json) = json else { return Ok(SharedViews::default()) };
        serde_json::from_str(&json)
            .map_err(|error| StoreError(format!("the shared views cannot be read: {error}")))
    }

    fn put_views(&mut self, views: &SharedViews) -> Result<(), StoreError> {
        let json = serde_json::to_string(views)
            .map_err(|error| StoreError(format!("the shared views cannot be written: {error}")))?;
        self.writing()?
            .execute("INSERT OR REPLACE INTO shared_views (id, json) VALUES (1, ?1)", [json])
            .map_err(|error| not_written(&error))?;
        Ok(())
    }

    fn alerted(&mut self, target: &str) -> Result<Option<u64>, StoreError> {
        let known: Option<i64> = self
            .connection
            .query_row("SELECT board FROM alerted WHERE target = ?1", [target], |row| row.get(0))
            .optional()
            .map_err(|error| not_read(&error))?;
        Ok(known.map(i64::unsigned_abs))
    }

    fn put_alerted(&mut self, target: &str, board: u64) -> Result<(), StoreError> {
        let board = i64::try_from(board).unwrap_or(i64::MAX);
        self.writing()?
            .execute("INSERT OR REPLACE INTO alerted (target, board) VALUES (?1, ?2)", params![target, board])
            .map(drop)
            .map_err(|error| not_written(&error))
    }

    fn copied(&mut self, table: &str, after: &str) -> Result<Vec<CopiedRow>, StoreError> {
        copy::rows(&self.connection, table, after)
    }

    fn audit_page(
        &mut self,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        audit::page(&self.connection, filter, before, limit)
    }

    fn ended(&mut self) {
        // If it cannot be written the next run takes another name, and the pages ask it for everything: nothing is lost.
        if let Ok(connection) = self.writing() {
            let _ = connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('ended', '1')", []);
        }
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        // A real write: an empty transaction, or one that is taken back, would not notice a full disk.
        self.writing()?
            .execute(
                "INSERT INTO probe (id, count) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET count = count + 1",
                [],
            )
            .map(drop)
            .map_err(|error| not_written(&error))
    }
}

/// Makes the file before `SQLite` does, so that nobody else can read a new journal. What goes wrong here goes wrong again
/// when `SQLite` opens it, with a sentence of its own.
fn for_its_owner_only(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let _ = std::fs::OpenOptions::new().append(true).create_new(true).mode(0o600).open(path);
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(2))?;
    // Before WAL: the lock is then held for as long as the file is open, and no shared-memory file is needed.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        tracing::warn!(
            mode,
            "the journal's file cannot be opened with a write-ahead log; it is durable, but slower"
        );
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A page whose cells do not fit together is noticed when it is read, and not when it is written over.
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Makes what a journal of an older build lacks.
fn complete(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(APP_TABLES)?;
    transaction.execute_batch(audit::TABLE)?;
    for table in SUMMED {
        let has: bool = transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = 'sum')",
            [table],
            |row| row.get(0),
        )?;
        if !has {
            transaction.execute(&format!("ALTER TABLE {table} ADD COLUMN sum INTEGER"), [])?;
        }
    }
    Ok(())
}

/// The journal's name for this run. It stays what it was if the run before ended in order. Otherwise it may have shown
/// entries that it could not write any more, and pages must not go on from those: another name makes them begin anew.
fn begun(connection: &Connection, known: String, ended: bool) -> rusqlite::Result<String> {
    let fresh = hex(&random::<16>()?);
    let (name, change) = if ended {
        (known, connection.execute("DELETE FROM meta WHERE name = 'ended'", []))
    } else {
        let change = connection.execute("UPDATE meta SET value = ?1 WHERE name = 'journal_id'", [&fresh]);
        (fresh.clone(), change)
    };
    // On a disk that takes nothing the name is for this run alone.
    Ok(if change.is_ok() { name } else { fresh })
}

fn has_tables(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    transaction.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

fn make(transaction: &Transaction<'_>, time: JournalTime) -> rusqlite::Result<()> {
    transaction.execute_batch(TABLES)?;
    let origin = time.origin.unwrap_or(time.now);
    let values = [
        ("schema", SCHEMA.to_owned()),
        ("journal_id", hex(&random::<16>()?)),
        ("hash_key", hex(&random::<HASH_KEY_BYTES>()?)),
        ("clock_rate", time.rate.to_string()),
        ("clock_origin", origin.millis().to_string()),
    ];
    for (name, value) in values {
        transaction.execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", [name, &value])?;
    }
    Ok(())
}

fn random<const BYTES: usize>() -> rusqlite::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        rusqlite::Error::ToSqlConversionFailure(format!("the system gives no random bytes: {error}").into())
    })?;
    Ok(bytes)
}

fn insert(transaction: &Transaction<'_>, line: &Line) -> Result<(), StoreError> {
    let mut without = std::borrow::Cow::Borrowed(&line.entry);
    let has_raw = match &line.entry.fact {
        Fact::CallAnswered(answered) => answered.raw.is_some(),
        Fact::Notified(notified) => notified.raw.is_some(),
        _ => false,
    };
    let raw = if has_raw { without.to_mut().fact.raw_mut().and_then(Option::take) } else { None };
    let entry = without.as_ref();
    let json = serde_json::to_string(entry);
    let json =
        json.map_err(|error| StoreError(format!("entry {} cannot be written: {error}", entry.board)))?;
    let board = i64::try_from(entry.board)
        .map_err(|_| StoreError(format!("{} is too large for a board number", entry.board)))?;
    let sum = sum_of(line.recording.as_str(), i64::from(entry.number), entry.at.millis(), &json);
    let write = || -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "INSERT INTO entries (board, recording, number, at, json, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![board, line.recording.as_str(), entry.number, entry.at.millis(), json, sum])?;
        if let Some(raw) = raw {
            transaction
                .prepare_cached("INSERT INTO raw_bodies (board, at, body) VALUES (?1, ?2, ?3)")?
                .execute(params![board, entry.at.millis(), raw])?;
        }
        Ok(())
    };
    write().map_err(|error| not_written(&error))
}

fn insert_app(transaction: &Transaction<'_>, line: &AppLine) -> Result<(), StoreError> {
    let mut without = std::borrow::Cow::Borrowed(&line.entry);
    let mut raw = None;
    if let AppFact::Unmatched(unmatched) = &line.entry.fact
        && unmatched.raw.is_some()
        && let AppFact::Unmatched(unmatched) = &mut without.to_mut().fact
    {
        raw = unmatched.raw.take();
    }
    let entry = without.as_ref();
    let json = serde_json::to_string(entry).map_err(|error| {
        StoreError(format!("entry {} of {} cannot be written: {error}", entry.number, line.app))
    })?;
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (number, bytes) = (whole(entry.number), whole(unmatched_bytes(&line.entry.fact)));
    transaction
        .prepare_cached(
            "INSERT INTO app_entries (app, number, at, unmatched_bytes, json, raw, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .and_then(|mut statement| {
            let sum = sum_of(&line.app, number, entry.at.millis(), &json);
            statement.execute(params![line.app, number, entry.at.millis(), bytes, json, raw, sum])
        })
        .map(drop)
        .map_err(|error| not_written(&error))
}

fn insert_notice(transaction: &Transaction<'_>, notice: &Notice) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO notices (key, app, recording, number, again) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            notice.key,
            notice.app,
            notice.recording.as_ref().map(RecordingId::as_str),
            i64::try_from(notice.number).unwrap_or(i64::MAX),
            notice.again
        ])
        .map(drop)
}

fn drop_unmatched(transaction: &Transaction<'_>, app: &str, upto: AppEntryNumber) -> rusqlite::Result<()> {
    let upto = i64::try_from(upto).unwrap_or(i64::MAX);
    transaction
        .prepare_cached("DELETE FROM app_entries WHERE app = ?1 AND number <= ?2 AND unmatched_bytes > 0")?
        .execute(params![app, upto])?;
    transaction
        .prepare_cached("DELETE FROM notices WHERE app = ?1 AND number <= ?2 AND recording IS NULL")?
        .execute(params![app, upto])?;
    Ok(())
}

/// The sum over what a row says: whose it is, its number, its time, and the entry as text. The number of the board is
/// part of the text.
fn sum_of(whose: &str, number: i64, at: i64, json: &str) -> i64 {
    let mut sum = Sha256::new();
    for part in [whose.as_bytes(), &number.to_be_bytes(), &at.to_be_bytes(), json.as_bytes()] {
        sum.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        sum.update(part);
    }
    let sum = sum.finalize();
    i64::from_be_bytes(sum[..8].try_into().expect("a SHA-256 has 32 bytes"))
}

/// The columns of `app, number, json, at, sum`.
fn app_line_of(row: &rusqlite::Row<'_>) -> Result<AppLine, StoreError> {
    let read = || -> rusqlite::Result<(String, i64, String, i64, Option<i64>)> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
    };
    let (app, number, json, at, sum) = read().map_err(|error| not_read(&error))?;
    let damaged = |what: &str| StoreError(format!("entry {number} of {app} is damaged: {what}"));
    if sum.is_some_and(|sum| sum != sum_of(&app, number, at, &json)) {
        return Err(damaged("it is not what was written"));
    }
    let entry: AppEntry = serde_json::from_str(&json).map_err(|error| damaged(&error.to_string()))?;
    if i64::try_from(entry.number) != Ok(number) {
        return Err(damaged("its number is not that of its row"));
    }
    Ok(AppLine { app, entry })
}

/// What stands in the place of an entry of an App journal that can no longer be read.
fn damaged_app_line(row: &rusqlite::Row<'_>, error: &StoreError) -> Result<AppLine, StoreError> {
    let read = || -> rusqlite::Result<(String, i64, i64)> { Ok((row.get(0)?, row.get(1)?, row.get(3)?)) };
    let (app, number, at) = read().map_err(|error| not_read(&error))?;
    let fact = AppFact::Unknown(serde_json::json!({ "Damaged": error.0 }));
    let (number, at) = (number.unsigned_abs(), Timestamp::from_millis(at));
    let version = rules::journal::JOURNAL_VERSION;
    Ok(AppLine { app, entry: AppEntry { number, at, by: rules::journal::By::Proxy, version, fact } })
}

fn drop_raw(transaction: &Transaction<'_>, before: Timestamp) -> rusqlite::Result<usize> {
    let dropped = transaction
        .prepare_cached(
            "DELETE FROM raw_bodies WHERE board IN (SELECT board FROM raw_bodies WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![before.millis(), DROP_RAW_AT_ONCE])?;
    let emptied = transaction
        .prepare_cached(
            "UPDATE app_entries SET raw = NULL WHERE id IN
             (SELECT id FROM app_entries WHERE raw IS NOT NULL AND at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![before.millis(), DROP_RAW_AT_ONCE])?;
    Ok(dropped.max(emptied))
}

/// The columns of `board, recording, json, number, at, sum`.
fn line_of(row: &rusqlite::Row<'_>) -> Result<Line, StoreError> {
    let read = || -> rusqlite::Result<(i64, String, String, i64, i64, Option<i64>)> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
    };
    let (board, recording, json, number, at, sum) = read().map_err(|error| not_read(&error))?;
    let damaged = |what: &str| StoreError(format!("entry {board} of the journal is damaged: {what}"));
    if sum.is_some_and(|sum| sum != sum_of(&recording, number, at, &json)) {
        return Err(damaged("it is not what was written"));
    }
    let recording = RecordingId::parse(recording).ok_or_else(|| damaged("it names no recording"))?;
    let entry: Entry = serde_json::from_str(&json).map_err(|error| damaged(&error.to_string()))?;
    if i64::try_from(entry.board) != Ok(board) || i64::from(entry.number) != number {
        return Err(damaged("its number is not that of its row"));
    }
    Ok(Line { recording, entry })
}

fn not_written(error: &rusqlite::Error) -> StoreError {
    StoreError(format!("{}{}", StoreError::NOT_WRITTEN, sentence(error)))
}

fn not_read(error: &rusqlite::Error) -> StoreError {
    StoreError(format!("the journal cannot be read: {}", sentence(error)))
}

/// What went wrong and what to change, where `SQLite`'s own words do not say it.
fn sentence(error: &rusqlite::Error) -> String {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::ReadOnly) => "the file, or the folder it lies in, may not be written",
        Some(ErrorCode::SystemIoFailure) => "the disk fails, or the file and its folder may not be written",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another process has it open",
        Some(ErrorCode::NotADatabase) => "the file is not a SQLite database",
        Some(ErrorCode::CannotOpen) => "its folder does not exist or may not be entered",
        Some(ErrorCode::DatabaseCorrupt) => "the file is damaged; restore a backup",
        _ => return error.to_string(),
    };
    format!("{what} ({error})")
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    if !text.is_ascii() || text.len() != BYTES * 2 {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
