//! A journal whose disk may only be read when the program starts (D9): what runs must be stopped all the same, so it is
//! read from a copy in memory or in the folder for temporary files, and nothing is written before the disk takes it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use switchboard::ports::StoreError;
use tempfile::TempDir;

use super::{JournalTime, Opened, SqliteStore, sentence};

/// Where the true journal is, while a copy of it is read.
pub(super) struct Behind {
    path: PathBuf,
    time: JournalTime,
    keep_raw_days: u32,
    reason: StoreError,
    /// Goes with this.
    _folder: TempDir,
}

impl SqliteStore {
    /// As [`SqliteStore::open`]; a journal that is there and can only be read is opened too. Then every write is refused
    /// with the reason until the file can be written again.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], and when another process has it open or no copy can be made.
    pub fn open_or_read(path: &Path, time: JournalTime, keep_raw_days: u32) -> Result<Opened, StoreError> {
        let reason = match Self::open(path, time, keep_raw_days) {
            Ok(opened) => return Ok(opened),
            Err(reason) => reason,
        };
        if may_be_written(path) || !may_be_copied(path) {
            return Err(reason);
        }
        let Some((folder, copy)) = copied(path) else { return Err(reason) };
        let mut opened = Self::open(&copy, time, keep_raw_days).map_err(|_| reason.clone())?;
        tracing::error!("{reason}; it is read, and nothing can be started");
        let path = path.to_owned();
        opened.store.behind = Some(Behind { path, time, keep_raw_days, reason, _folder: folder });
        Ok(opened)
    }

    /// The connection for what is written.
    ///
    /// # Errors
    /// While the journal can only be read.
    pub(super) fn writing(&mut self) -> Result<&mut Connection, StoreError> {
        if let Some(behind) = self.behind.take() {
            // Its sentence is the same for as long as the reason is, whatever opening it says.
            let opened = match may_be_written(&behind.path) {
                true => Self::open(&behind.path, behind.time, behind.keep_raw_days),
                false => Err(behind.reason.clone()),
            };
            match opened {
                Ok(opened) if opened.store.newest == self.newest => {
                    self.connection = opened.store.connection;
                    self.audit = opened.store.audit;
                }
                Ok(_) => {
                    self.behind = Some(behind);
                    let says = "the journal was changed by another program meanwhile: start this one again";
                    return Err(StoreError(says.to_owned()));
                }
                Err(error) => {
                    self.behind = Some(behind);
                    return Err(error);
                }
            }
        }
        Ok(&mut self.connection)
    }
}

/// Whether the file can be written, and others be made beside it.
fn may_be_written(path: &Path) -> bool {
    let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::OpenOptions::new().append(true).open(path).is_ok() && tempfile::tempfile_in(beside).is_ok()
}

/// Whether it is there, and no other process has it open.
fn may_be_copied(path: &Path) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(connection) = Connection::open_with_flags(path, flags) else { return false };
    match connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get::<_, bool>(0))
    {
        Ok(is_journal) => is_journal,
        // Beside a write-ahead log it cannot be read in place; whoever holds it open is met before that.
        Err(error) => {
            let busy = matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::NotADatabase)
            );
            tracing::debug!("it cannot be read in place: {}", sentence(&error));
            !busy
        }
    }
}

/// Copies the journal and its log to where something can be written.
fn copied(path: &Path) -> Option<(TempDir, PathBuf)> {
    let log = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        PathBuf::from(name)
    };
    let places = [std::env::temp_dir(), PathBuf::from("/dev/shm")];
    places.iter().find_map(|place| {
        let folder = tempfile::Builder::new().prefix("tallylight-").tempdir_in(place).ok()?;
        let copy = folder.path().join("tallylight.db");
        for (from, to) in [(path.to_owned(), copy.clone()), (log(path), log(&copy))] {
            if from.exists() {
                // Not its permissions: those may be what keeps it from being written.
                let (mut from, mut to) = (File::open(&from).ok()?, File::create(&to).ok()?);
                io::copy(&mut from, &mut to).ok()?;
            }
        }
        Some((folder, copy))
    })
}
