//! Names of the files that a session writes: predicted from its start (F4, L2), and read for the leg that they name.

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelName, Sid, Uid};
use crate::limits;
use crate::operation::Mode;
use crate::request::StreamTypes;

/// The characters that the documents say become `-` in file names.
pub const REPLACED: &str = "!@#$%^&*()+_.=[]{}~|,;:?<>";

/// Which leg of a session a file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// What the first server recorded.
    #[default]
    Original,
    /// What the server of the failover with this index recorded; 0 is the first failover (`bak0_`).
    Failover(u8),
}

impl Leg {
    /// The legs that a session can have: the original and three failovers (F1).
    pub fn all() -> impl Iterator<Item = Self> {
        core::iter::once(Self::Original).chain((0..limits::FAILOVERS_MAX).map(Self::Failover))
    }

    /// What stands before the names of this leg's files.
    pub fn prefix(self) -> String {
        match self {
            Self::Original => String::new(),
            Self::Failover(index) => format!("bak{index}_"),
        }
    }

    /// The leg that a file name or path names.
    pub fn of(name: &str) -> Self {
        leg_of(name).map_or(Self::Original, Self::Failover)
    }
}

/// The index of the failover whose leg a file name or path names: 0 for `bak0_…`; none for the original leg.
pub fn leg_of(name: &str) -> Option<u8> {
    let file = name.rsplit('/').next().unwrap_or(name);
    let (digits, _) = file.strip_prefix("bak")?.split_once('_')?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// The channel name as the documents write it in file names.
pub fn replaced(cname: &ChannelName) -> String {
    cname
        .as_str()
        .chars()
        .map(|character| if REPLACED.contains(character) { '-' } else { character })
        .collect()
}

/// The spellings of a channel name that a file name may have, the more likely one first (L2): the documents state the
/// replacement for web mode; for the other modes nobody says.
pub fn spellings(cname: &ChannelName, mode: Mode) -> Vec<String> {
    let (plain, with_hyphens) = (cname.as_str().to_owned(), replaced(cname));
    if plain == with_hyphens {
        return vec![plain];
    }
    match mode {
        Mode::Web => vec![with_hyphens],
        Mode::Individual | Mode::Mix => vec![with_hyphens, plain],
    }
}

/// What the name of an index is made of.
#[derive(Debug, Clone, Copy)]
pub struct IndexOf<'a> {
    /// The recording ID.
    pub sid: &'a Sid,
    /// The channel, or the label of a web recording.
    pub cname: &'a ChannelName,
    /// How it records.
    pub mode: Mode,
    /// Which media are recorded; matters in individual mode.
    pub stream_types: StreamTypes,
    /// `fileNamePrefix` of the storage profile.
    pub folders: &'a [String],
}

impl IndexOf<'_> {
    /// The index files that this leg may write in composite or web mode: one name, or both spellings (L2). In
    /// individual mode there is one per user and medium: see [`of_user`](Self::of_user); here it is empty.
    pub fn names(&self, leg: Leg) -> Vec<String> {
        match self.mode {
            Mode::Mix | Mode::Web => self.spelled(leg, ".m3u8"),
            Mode::Individual => Vec::new(),
        }
    }

    /// The index files that this leg writes for one user in individual mode, each in both spellings.
    pub fn of_user(&self, leg: Leg, user: Uid) -> Vec<String> {
        let media: &[&str] = match self.stream_types {
            StreamTypes::Audio => &["audio"],
            StreamTypes::Video => &["video"],
            StreamTypes::AudioAndVideo => &["audio", "video"],
        };
        let name = |medium: &&str| self.spelled(leg, &format!("__uid_s_{user}__uid_e_{medium}.m3u8"));
        media.iter().flat_map(name).collect()
    }

    /// What the name of every file of this leg begins with, in both spellings: also slices, MP4 files and pictures.
    pub fn beginnings(&self, leg: Leg) -> Vec<String> {
        self.spelled(leg, "")
    }

    /// The leg of this session that a name belongs to: none if it is not a file of this session. The name may or may
    /// not have the folders before it.
    pub fn leg(&self, name: &str) -> Option<Leg> {
        let file = name.rsplit('/').next().unwrap_or(name);
        let leg = Leg::of(file);
        let rest = file.strip_prefix(&leg.prefix()).unwrap_or(file);
        rest.strip_prefix(self.sid.as_str())?.strip_prefix('_')?;
        Some(leg)
    }

    fn spelled(&self, leg: Leg, ending: &str) -> Vec<String> {
        let folders: String = self.folders.iter().map(|folder| format!("{folder}/")).collect();
        let name = |spelling: String| format!("{folders}{}{}_{spelling}{ending}", leg.prefix(), self.sid);
        spellings(self.cname, self.mode).into_iter().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid() -> Sid {
        Sid::parse("0123456789abcdef0123456789abcdef").expect("a sid")
    }

    fn names(cname: &str, mode: Mode, leg: Leg, folders: &[&str]) -> Vec<String> {
        let cname = ChannelName::parse(cname).expect("a channel name");
        let folders: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
        let sid = sid();
        let index = IndexOf {
            sid: &sid,
            cname: &cname,
            mode,
            stream_types: StreamTypes::AudioAndVideo,
            folders: &folders,
        };
        match mode {
            Mode::Individual => index.of_user(leg, Uid::new(77).expect("not 0")),
            Mode::Mix | Mode::Web => index.names(leg),
        }
    }

    #[test]
    fn f4_the_index_of_a_leg_has_the_leg_before_the_sid() {
        let base = "0123456789abcdef0123456789abcdef";
        assert_eq!(names("room7", Mode::Mix, Leg::Original, &[]), [format!("{base}_room7.m3u8")]);
        assert_eq!(
            names("room7", Mode::Mix, Leg::Failover(0), &["dept", "a"]),
            [format!("dept/a/bak0_{base}_room7.m3u8")]
        );
        assert_eq!(
            names("room7", Mode::Individual, Leg::Failover(2), &[]),
            [
                format!("bak2_{base}_room7__uid_s_77__uid_e_audio.m3u8"),
                format!("bak2_{base}_room7__uid_s_77__uid_e_video.m3u8")
            ]
        );
    }

    #[test]
    fn l2_both_spellings_of_a_channel_name_are_predicted_where_the_documents_are_silent() {
        let base = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            names("a_b.c", Mode::Mix, Leg::Original, &[]),
            [format!("{base}_a-b-c.m3u8"), format!("{base}_a_b.c.m3u8")]
        );
        assert_eq!(names("a_b.c", Mode::Web, Leg::Original, &[]), [format!("{base}_a-b-c.m3u8")]);
        assert_eq!(names("a b-c", Mode::Mix, Leg::Original, &[]), [format!("{base}_a b-c.m3u8")]);
    }

    #[test]
    fn every_documented_special_character_becomes_a_hyphen() {
        let cname = ChannelName::parse("!@#$%^&()+_.=[]{}~|,;:?<>-").expect("a channel name");
        assert!(replaced(&cname).chars().all(|character| character == '-'));
    }

    #[test]
    fn f1_a_file_name_tells_its_leg() {
        for (name, leg) in [
            ("bak0_x_room.m3u8", Some(0)),
            ("dept/bak2_x_room.m3u8", Some(2)),
            ("bak12_x.ts", Some(12)),
            ("x_bak0_room.m3u8", None),
            ("bak0_dept/x_room.m3u8", None),
            ("bak_x.m3u8", None),
            ("bak+1_x.m3u8", None),
            ("bak999_x.m3u8", None),
            ("", None),
        ] {
            assert_eq!(leg_of(name), leg, "{name}");
        }
    }

    #[test]
    fn a_file_of_another_session_has_no_leg_here() {
        let (sid, cname) = (sid(), ChannelName::parse("room7").expect("a channel name"));
        let index = IndexOf {
            sid: &sid,
            cname: &cname,
            mode: Mode::Mix,
            stream_types: StreamTypes::AudioAndVideo,
            folders: &[],
        };
        assert_eq!(index.leg(&format!("dept/bak1_{sid}_room7_20240101000000000.ts")), Some(Leg::Failover(1)));
        assert_eq!(index.leg(&format!("{sid}_room7.m3u8")), Some(Leg::Original));
        assert_eq!(index.leg("bak1_ffffffffffffffffffffffffffffffff_room7.m3u8"), None);
    }
}
