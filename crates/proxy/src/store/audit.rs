//! The audit on the disk: a table of its own in the journal's file, rows only ever added, each chained to the one before.
//!
//! The hash of a row is SHA-256 over the hash before it and over the row's text; the first one follows on 32 zero bytes.
//! So whoever changes a byte, leaves out a row or puts one in changes every hash from there on. Whoever cuts off the end
//! changes none: that is noticed by somebody who kept a later head.

use rules::api::{AuditPage, AuditRecord};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use sha2::{Digest as _, Sha256};
use switchboard::ports::{AuditFilter, CopiedRow, StoreError};

use super::{hex, not_read, not_written, sentence};

/// The table. The database itself refuses to change or remove a row.
pub(super) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS audit (
        number INTEGER PRIMARY KEY,
        json TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER IF NOT EXISTS audit_never_changes BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'a record of the audit never changes'); END;
    CREATE TRIGGER IF NOT EXISTS audit_is_never_removed BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'a record of the audit is never removed'); END;
";

/// The table's name, as it is copied.
pub const AUDIT: &str = "audit";

/// How many records are looked through for one page, so that nothing else waits long.
const LOOKED_THROUGH: u64 = 5_000;

/// The newest record: its number and its hash. Before the first one: 0, and 64 zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The number.
    pub number: u64,
    /// The hash, in hexadecimal.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { number: 0, hash: "0".repeat(64) }
    }
}

impl core::fmt::Display for Head {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{} {}", self.number, self.hash)
    }
}

impl Head {
    /// The head of a journal.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let newest =
            connection.query_row("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", [], |row| {
                Ok(Self { number: row.get::<_, i64>(0)?.unsigned_abs(), hash: row.get(1)? })
            });
        Ok(newest.optional()?.unwrap_or_default())
    }

    fn after(&self, json: &str) -> Self {
        Self { number: self.number + 1, hash: chained(&self.hash, json) }
    }
}

fn chained(before: &str, json: &str) -> String {
    hex(&Sha256::new().chain_update(before.as_bytes()).chain_update(json.as_bytes()).finalize())
}

/// Adds these after the head, and gives back the new one.
pub(super) fn append(
    transaction: &Transaction<'_>,
    head: &Head,
    records: &[AuditRecord],
) -> Result<Head, StoreError> {
    let mut head = head.clone();
    for record in records {
        let record = AuditRecord { number: head.number + 1, hash: String::new(), ..record.clone() };
        let json = serde_json::to_string(&record)
            .map_err(|error| StoreError(format!("the audit cannot be written: {error}")))?;
        head = head.after(&json);
        transaction
            .prepare_cached("INSERT INTO audit (number, json, hash) VALUES (?1, ?2, ?3)")
            .and_then(|mut statement| {
                statement.execute(params![i64::try_from(head.number).unwrap_or(i64::MAX), json, head.hash])
            })
            .map_err(|error| not_written(&error))?;
    }
    Ok(head)
}

/// One page, newest first. It looks through a bounded number of records, and says where the next page begins.
pub(super) fn page(
    connection: &Connection,
    filter: &AuditFilter,
    before: Option<u64>,
    limit: usize,
) -> Result<AuditPage, StoreError> {
    let head = Head::read(connection).map_err(|error| not_read(&error))?;
    let before = before.unwrap_or(u64::MAX).min(head.number + 1);
    let last = before.saturating_sub(LOOKED_THROUGH);
    let mut statement = connection
        .prepare_cached(
            "SELECT number, json, hash FROM audit WHERE number < ?1 AND number >= ?2 ORDER BY number DESC",
        )
        .map_err(|error| not_read(&error))?;
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut rows = statement.query([whole(before), whole(last)]).map_err(|error| not_read(&error))?;
    let mut page = AuditPage { records: Vec::new(), next: None, newest: head.number, head: head.hash };
    while let Some(row) = rows.next().map_err(|error| not_read(&error))? {
        let read =
            || -> rusqlite::Result<(i64, String, String)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
        let (number, json, hash) = read().map_err(|error| not_read(&error))?;
        // One that cannot be read is not shown; `tallylight audit verify` names it.
        let Ok(record) = serde_json::from_str::<AuditRecord>(&json) else { continue };
        if !filter.fits(&record) {
            continue;
        }
        if page.records.len() == limit {
            page.next = Some(number.unsigned_abs() + 1);
            return Ok(page);
        }
        page.records.push(AuditRecord { hash, ..record });
    }
    page.next = (last > 1).then_some(last);
    Ok(page)
}

/// A row of the table.
pub struct AuditRow {
    /// Its number.
    pub number: i64,
    /// The record's text, over which the hash is made.
    pub json: String,
    /// Its hash.
    pub hash: String,
}

impl AuditRow {
    /// The row as it is copied.
    pub fn of(row: &CopiedRow) -> Option<Self> {
        match row.values.as_slice() {
            [number, json, hash] => Some(Self {
                number: number.as_i64()?,
                json: json.as_str()?.to_owned(),
                hash: hash.as_str()?.to_owned(),
            }),
            _ => None,
        }
    }

    /// One line of JSON with the hash in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn line(&self) -> Result<String, String> {
        let unreadable = |error| format!("record {} of the audit cannot be read: {error}", self.number);
        let record: AuditRecord = serde_json::from_str(&self.json).map_err(unreadable)?;
        serde_json::to_string(&AuditRecord { hash: self.hash.clone(), ..record }).map_err(unreadable)
    }
}

/// What a check of the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    /// How far it is whole.
    pub head: Head,
    /// Whether the head that was asked for is in it.
    pub has_known_head: bool,
    /// The first thing that is wrong with it, as a sentence. What comes after proves nothing.
    pub broken: Option<String>,
}

/// Follows a chain row by row. `known` is the hash of a head that somebody kept.
pub struct Follow<'a> {
    chain: Chain,
    known: Option<&'a str>,
}

impl<'a> Follow<'a> {
    /// From its beginning.
    pub fn new(known: Option<&'a str>) -> Self {
        let chain =
            Chain { has_known_head: known == Some(Head::default().hash.as_str()), ..Chain::default() };
        Self { chain, known }
    }

    /// The next row. False: the chain is broken here.
    pub fn row(&mut self, number: i64, json: &str, hash: &str) -> bool {
        let next = self.chain.head.after(json);
        let wrong = if i64::try_from(next.number) != Ok(number) {
            Some(format!("record {} of the audit is missing: {number} follows", next.number))
        } else if next.hash != hash {
            Some(format!("record {number} of the audit is not what was written"))
        } else {
            match serde_json::from_str::<AuditRecord>(json) {
                Ok(record) if record.number == next.number => None,
                Ok(_) => Some(format!("record {number} of the audit has another number in its text")),
                Err(error) => Some(format!("record {number} of the audit cannot be read: {error}")),
            }
        };
        if wrong.is_some() {
            self.chain.broken = wrong;
            return false;
        }
        self.chain.has_known_head |= self.known == Some(next.hash.as_str());
        self.chain.head = next;
        true
    }

    /// What was found.
    pub fn end(self) -> Chain {
        let mut chain = self.chain;
        if let Some(known) = self.known.filter(|_| chain.broken.is_none() && !chain.has_known_head) {
            let what = "it was cut off after that, or is another one";
            chain.broken = Some(format!("no record of the audit has the hash {known}: {what}"));
        }
        chain
    }
}

/// Checks the audit of a journal.
pub(super) fn check(connection: &Connection, known: Option<&str>) -> Chain {
    let mut follow = Follow::new(known);
    let followed = (|| -> rusqlite::Result<()> {
        let mut statement = connection.prepare("SELECT number, json, hash FROM audit ORDER BY number")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (number, json, hash): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if !follow.row(number, &json, &hash) {
                break;
            }
        }
        Ok(())
    })();
    let mut chain = follow.end();
    if let Err(error) = followed {
        let what =
            format!("the audit cannot be read after record {}: {}", chain.head.number, sentence(&error));
        chain.broken = Some(what);
    }
    chain
}

/// Whether a journal has an audit at all: an older build made none.
pub(super) fn is_there(connection: &Connection) -> bool {
    let found = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit')",
        [],
        |row| row.get(0),
    );
    found.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::api::AuditOutcome;
    use switchboard::audit::Asking;

    /// A chain of so many records.
    fn rows(count: u64) -> Vec<(i64, String, String)> {
        let mut head = Head::default();
        (1..=count)
            .map(|number| {
                let asking = Asking { who: format!("Person {number}"), ..Asking::default() };
                let at = agora::Timestamp::from_millis(i64::try_from(number).expect("small"));
                let record = AuditRecord { number, ..asking.record(AuditOutcome::Done, at) };
                let json = serde_json::to_string(&record).expect("it serialises");
                head = head.after(&json);
                (i64::try_from(number).expect("small"), json, head.hash.clone())
            })
            .collect()
    }

    fn follow(rows: &[(i64, String, String)], known: Option<&str>) -> Chain {
        let mut follow = Follow::new(known);
        for (number, json, hash) in rows {
            if !follow.row(*number, json, hash) {
                break;
            }
        }
        follow.end()
    }

    #[test]
    fn a_change_of_any_one_bit_of_the_audit_is_found() {
        let whole = rows(40);
        assert_eq!(follow(&whole, None).broken, None);
        let mut tried = 0;
        for (place, (_, json, hash)) in whole.iter().enumerate() {
            for bit in 0..json.len() * 8 {
                let mut bytes = json.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                // What is no text any more cannot be read at all.
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                let mut rows = whole[place.saturating_sub(1)..=place].to_vec();
                rows.last_mut().expect("it has one").1 = changed;
                let mut follow = Follow::new(None);
                if place > 1 {
                    let (number, _, hash) = &whole[place - 2];
                    follow.chain.head = Head { number: number.unsigned_abs(), hash: hash.clone() };
                }
                let well = rows.iter().all(|(number, json, hash)| follow.row(*number, json, hash));
                assert!(!well, "record {place}, bit {bit}");
                tried += 1;
            }
            for digit in 0..hash.len() {
                let mut rows = whole.clone();
                let other = if rows[place].2.as_bytes()[digit] == b'0' { "1" } else { "0" };
                rows[place].2.replace_range(digit..=digit, other);
                assert!(follow(&rows, None).broken.is_some());
            }
        }
        assert!(tried > 10_000, "{tried}");
    }

    #[test]
    fn a_record_left_out_put_in_or_moved_breaks_the_chain() {
        let whole = rows(30);
        for place in 0..whole.len() - 1 {
            let mut out = whole.clone();
            out.remove(place);
            assert!(follow(&out, None).broken.is_some(), "left out {place}");
            let mut moved = whole.clone();
            moved.swap(place, place + 1);
            assert!(follow(&moved, None).broken.is_some(), "moved {place}");
            let mut twice = whole.clone();
            twice.insert(place, whole[place].clone());
            assert!(follow(&twice, None).broken.is_some(), "twice {place}");
        }
    }

    #[test]
    fn a_tail_that_was_cut_off_is_found_by_whoever_kept_a_head() {
        let whole = rows(20);
        let head = whole[19].2.as_str();
        assert!(follow(&whole, Some(head)).has_known_head);
        for left in 0..20 {
            let cut = follow(&whole[..left], Some(head));
            assert!(cut.broken.is_some_and(|broken| broken.contains("cut off")), "{left}");
            assert_eq!(follow(&whole[..left], None).broken, None, "without a head nobody can tell");
        }
        // An older head is still in what came after it.
        assert_eq!(follow(&whole, Some(&whole[4].2)).broken, None);
    }
}
