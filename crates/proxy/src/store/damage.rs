//! What of a journal cannot be read any more. It stays where it is, nothing is put in its place on the disk, and whoever
//! reads is handed an entry that says so.
//!
//! A row can be lost in two ways: the database does not find or read it, or what it reads is not what was written. Whose
//! it was is told by the index over recordings and numbers, which lies on pages of its own. Where that is damaged at the
//! same place nothing is guessed: the journal does not open.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use agora::Timestamp;
use rules::journal::{By, JOURNAL_VERSION};
use rules::{Entry, EntryNumber, Fact, RecordingId};
use rusqlite::{Connection, OptionalExtension as _, params};
use switchboard::ports::{Line, StoreError};

use super::{SqliteStore, line_of, not_read};

/// What cannot be read any more.
#[derive(Debug, Default)]
pub(super) struct Damaged {
    by_board: BTreeMap<u64, Line>,
    recordings: BTreeSet<RecordingId>,
}

impl Damaged {
    pub(super) fn is_empty(&self) -> bool {
        self.by_board.is_empty()
    }

    pub(super) fn concerns(&self, recording: &RecordingId) -> bool {
        self.recordings.contains(recording)
    }
}

/// The newest board number. Where the table's last page is damaged, the index still knows it.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<u64> {
    let of_table = connection
        .query_row("SELECT COALESCE(MAX(board), 0) FROM entries", [], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs);
    let newest = match of_table {
        Ok(newest) => newest,
        Err(_) => connection
            .query_row(
                "SELECT COALESCE(MAX(board), 0) FROM entries INDEXED BY sqlite_autoindex_entries_1",
                [],
                |row| row.get::<_, i64>(0),
            )?
            .unsigned_abs(),
    };
    Ok(newest)
}

/// The board numbers of a recording's entries after this one, as the index has them.
pub(super) fn boards_of(
    connection: &Connection,
    recording: &RecordingId,
    after: EntryNumber,
    limit: usize,
) -> rusqlite::Result<Vec<u64>> {
    let mut statement = connection.prepare_cached(
        "SELECT board FROM entries INDEXED BY sqlite_autoindex_entries_1
         WHERE recording = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let boards =
        statement.query_map(params![recording.as_str(), after, limit], |row| row.get::<_, i64>(0))?;
    boards.map(|board| board.map(i64::unsigned_abs)).collect()
}

/// Whose entry each board number is, as the index has them.
fn owners(connection: &Connection, after: u64) -> rusqlite::Result<HashMap<u64, (String, EntryNumber)>> {
    let mut statement = connection
        .prepare("SELECT board, recording, number FROM entries INDEXED BY sqlite_autoindex_entries_1")?;
    let mut rows = statement.query([])?;
    let mut owners = HashMap::new();
    while let Some(row) = rows.next()? {
        let board = row.get::<_, i64>(0)?.unsigned_abs();
        if board > after {
            owners.insert(board, (row.get(1)?, row.get(2)?));
        }
    }
    Ok(owners)
}

impl SqliteStore {
    /// Hands out the lines as long as each is readable and follows on the one before; `upto` says how far that was.
    /// Whether it was all of them.
    pub(super) fn readable_lines(
        &self,
        upto: &mut u64,
        take: &mut dyn FnMut(Line),
    ) -> Result<bool, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT board, recording, json, number, at, sum FROM entries ORDER BY board")
            .map_err(|error| not_read(&error))?;
        let mut rows = statement.query([]).map_err(|error| not_read(&error))?;
        while let Some(row) = rows.next().map_err(|error| not_read(&error))? {
            let line = line_of(row)?;
            if line.entry.board != *upto + 1 {
                return Ok(false);
            }
            *upto = line.entry.board;
            take(line);
        }
        Ok(*upto == self.newest)
    }

    /// Hands out the lines after this one, each looked for by itself, and notes which are damaged.
    pub(super) fn lines_one_by_one(
        &mut self,
        upto: u64,
        take: &mut dyn FnMut(Line),
    ) -> Result<(), StoreError> {
        let owners = owners(&self.connection, upto).map_err(|error| {
            let why = not_read(&error);
            StoreError(format!(
                "entries after {upto} cannot be read, and whose they are cannot either: {why}"
            ))
        })?;
        let mut last_at = Timestamp::default();
        for board in upto + 1..=self.newest {
            let line = match self.line(board) {
                Ok(line) => line,
                Err(error) => {
                    let owner = owners.get(&board).and_then(|(recording, number)| {
                        Some((RecordingId::parse(recording.clone())?, *number))
                    });
                    let Some((recording, number)) = owner else {
                        return Err(StoreError(format!(
                            "{error}; nothing tells whose it was, so nothing is guessed: restore a backup"
                        )));
                    };
                    tracing::error!(%recording, number, "{error}; the journal of this recording is set aside");
                    self.note_damage(recording, number, board, last_at, &error)
                }
            };
            last_at = line.entry.at;
            take(line);
        }
        Ok(())
    }

    fn note_damage(
        &mut self,
        recording: RecordingId,
        number: EntryNumber,
        board: u64,
        at: Timestamp,
        error: &StoreError,
    ) -> Line {
        let (by, version) = (By::Proxy, JOURNAL_VERSION);
        let fact = Fact::damaged(&error.0);
        let entry = Entry { number, board, at, by, version, held: false, fact };
        let line = Line { recording: recording.clone(), entry };
        self.damaged.recordings.insert(recording);
        self.damaged.by_board.insert(board, line.clone());
        line
    }

    /// One line, or what stands in its place.
    pub(super) fn line_or_damage(&self, board: u64) -> Result<Line, StoreError> {
        match self.damaged.by_board.get(&board) {
            Some(damaged) => Ok(damaged.clone()),
            None => self.line(board),
        }
    }

    fn line(&self, board: u64) -> Result<Line, StoreError> {
        let number = i64::try_from(board).unwrap_or(i64::MAX);
        let found = self
            .connection
            .prepare_cached("SELECT board, recording, json, number, at, sum FROM entries WHERE board = ?1")
            .and_then(|mut statement| statement.query_row([number], |row| Ok(line_of(row))).optional());
        match found {
            Ok(Some(line)) => line,
            Ok(None) => Err(StoreError(format!("entry {board} of the journal is missing"))),
            Err(error) => Err(StoreError(format!("entry {board} of the journal is damaged: {error}"))),
        }
    }
}
