//! The names of the files that a session writes, in all modes, and when each of them is there. Made here by the
//! documents alone, so that what clients predict is held against a second reading of them.

use core::time::Duration;

use agora::files::REPLACED;
use agora::{Mode, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a slice is.
pub(crate) const SLICE: Duration = Duration::from_secs(15);
/// How long an MP4 file is at most where nobody asked for another length.
pub(crate) const MP4_LENGTH: Duration = Duration::from_secs(2 * 3600);
/// How many files one answer lists.
pub const FILES_MAX: usize = 5_000;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// An M3U8 index.
    Index,
    /// A TS slice.
    Slice,
    /// An MP4 file.
    Mp4,
    /// A still picture.
    Picture,
}

/// Where a file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the customer's bucket.
    Bucket,
    /// In the service's own backup.
    Backup,
}

/// One file of a session, as `GET /simulator/files` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerFile {
    /// Its name, with the folders.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
    /// Where it lies.
    pub place: Place,
    /// When it was there.
    pub at: Timestamp,
    /// When what it holds began.
    pub began_at: Timestamp,
}

/// What one recorder wrote of one user, or of all users together, without a break.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    /// None: all users in one picture, or a page.
    pub(crate) user: Option<(u32, Medium)>,
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    Audio,
    Video,
    /// Both in one index: stream mode `standard`. How its name ends is documented nowhere.
    Merged,
}

impl Medium {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Merged => "av",
        }
    }

    pub(crate) const fn track_type(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Merged => "audio_and_video",
        }
    }
}

/// What file names are made of.
pub(crate) struct Naming<'a> {
    pub(crate) sid: &'a str,
    pub(crate) cname: &'a str,
    pub(crate) mode: Mode,
    pub(crate) folders: &'a [String],
    /// Whether special characters become hyphens outside web mode too.
    pub(crate) replaces: bool,
}

impl Naming<'_> {
    /// What all names of a recorder's files for this user, or for all, begin with. `failover`: which failover it
    /// is the recorder of.
    pub(crate) fn beginning(&self, failover: Option<u8>, user: Option<(u32, Medium)>) -> String {
        let mut name = String::new();
        for folder in self.folders {
            name.push_str(folder);
            name.push('/');
        }
        if let Some(index) = failover {
            name.push_str(&format!("bak{index}_"));
        }
        name.push_str(self.sid);
        name.push('_');
        if self.replaces || self.mode == Mode::Web {
            name.extend(
                self.cname
                    .chars()
                    .map(|character| if REPLACED.contains(character) { '-' } else { character }),
            );
        } else {
            name.push_str(self.cname);
        }
        if let Some((uid, medium)) = user {
            name.push_str(&format!("__uid_s_{uid}__uid_e_{}", medium.as_str()));
        }
        name
    }
}

/// `YYYYMMDDhhmmssSSS`, in UTC.
pub(crate) fn utc(at: Timestamp) -> String {
    let millis = at.millis();
    let (days, of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    // Days since 1970 to a date of the Gregorian calendar, by eras of 400 years that begin on 1 March.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}{milli:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_slices_have_it() {
        for (millis, text) in [
            (0, "19700101000000000"),
            (1_700_000_000_123, "20231114221320123"),
            (1_709_164_800_000, "20240229000000000"),
            (951_782_399_999, "20000228235959999"),
            (4_107_542_399_999, "21000228235959999"),
            (4_107_542_400_000, "21000301000000000"),
        ] {
            assert_eq!(utc(Timestamp::from_millis(millis)), text);
        }
    }

    #[test]
    fn names_are_made_as_documented() {
        let folders = ["dept".to_owned()];
        let naming =
            |mode, replaces| Naming { sid: "0123", cname: "a_b.c", mode, folders: &folders, replaces };
        assert_eq!(naming(Mode::Mix, true).beginning(None, None), "dept/0123_a-b-c");
        assert_eq!(naming(Mode::Mix, false).beginning(Some(0), None), "dept/bak0_0123_a_b.c");
        assert_eq!(naming(Mode::Web, false).beginning(None, None), "dept/0123_a-b-c");
        assert_eq!(
            naming(Mode::Individual, true).beginning(Some(2), Some((77, Medium::Video))),
            "dept/bak2_0123_a-b-c__uid_s_77__uid_e_video"
        );
    }
}
