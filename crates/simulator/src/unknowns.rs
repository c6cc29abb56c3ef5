//! The open questions: where the service's documents are silent, contradict each other, or were never seen on the wire,
//! a switch with a name says what this service does. Tests run both ways.

use core::fmt;

/// A switch with an answer that it does not know, or one that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownError(String);

impl fmt::Display for UnknownError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl core::error::Error for UnknownError {}

/// What the setting of a switch is made of.
trait Setting: Sized + Copy {
    /// The words that it takes, for a person.
    fn words() -> String;
    fn read(word: &str) -> Option<Self>;
    fn word(self) -> String;
}

impl Setting for bool {
    fn words() -> String {
        "yes|no".to_owned()
    }

    fn read(word: &str) -> Option<Self> {
        match word {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        }
    }

    fn word(self) -> String {
        if self { "yes" } else { "no" }.to_owned()
    }
}

/// An HTTP status from 200 to 599.
impl Setting for u16 {
    fn words() -> String {
        "200…599".to_owned()
    }

    fn read(word: &str) -> Option<Self> {
        word.parse().ok().filter(|status| (200..=599).contains(status))
    }

    fn word(self) -> String {
        self.to_string()
    }
}

/// Makes an enum of which each variant has a word; the first is the default.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl Setting for $name {
            fn words() -> String {
                [$($word),+].join("|")
            }

            fn read(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn word(self) -> String {
                match self {
                    $(Self::$variant => $word,)+
                }
                .to_owned()
            }
        }
    };
}

choice!(
    /// What a query is told after an asynchronous stop.
    AfterAsyncStop {
        /// 200 with status 6 and 7 for some seconds, then 404.
        Status = "status",
        /// 404 at once.
        NotFound = "not-found",
        /// 400 with the old code 501, "exiting", for some seconds, then 404.
        Exiting = "501",
    }
);
choice!(
    /// Which files are named after a failover.
    FilesAfterFailover {
        /// Those of the newest leg.
        Newest = "newest-leg",
        /// Those of all legs.
        All = "all-legs",
    }
);
choice!(
    /// Which UID the bodies of `update`, `updateLayout` and `stop` must have after a failover.
    UidAfterFailover {
        /// The one of the `acquire`.
        Original = "original",
        /// The one that the recorder has now.
        Recorder = "recorder",
        /// Both are taken.
        Either = "either",
    }
);
choice!(
    /// How the rate limit counts time.
    RateWindow {
        /// The requests of the last second, at any instant.
        Sliding = "sliding",
        /// The requests since the second of the clock began.
        Calendar = "calendar-second",
    }
);
choice!(
    /// What is answered once `resourceExpiredHour` is over.
    AfterExpiry {
        /// 404 with code 404.
        NotFound = "404",
        /// The old code 1001.
        Unreadable = "1001",
        /// The old code 433.
        Expired = "433",
    }
);
choice!(
    /// In what `sliceStartTime` and `sendts` count.
    TimeUnit {
        /// Milliseconds.
        Millis = "ms",
        /// Seconds.
        Seconds = "s",
    }
);
choice!(
    /// How the lists of users not to subscribe to are spelt; another spelling is not known and has no effect.
    Spelling {
        /// Both spellings count.
        Both = "both",
        /// As the reference pages have it.
        Lower = "unsubscribe",
        /// As the guides and the clients have it.
        Camel = "unSubscribe",
    }
);
choice!(
    /// What a start is told when there is no server for it.
    NoWorker {
        /// 500 with code 502, "Failed to allocate worker".
        Documented = "502",
        /// 500 with code 15, without a reason and with an empty `sid`, as it was seen once.
        Seen = "15",
    }
);
choice!(
    /// What an acquire is told whose channel name has a character that is not allowed, or too many.
    BadName {
        /// 400 with code 401, `invalid_channel_name`.
        Documented = "401",
        /// The old code 1013.
        Old = "1013",
    }
);
choice!(
    /// What an `updateLayout` is told whose layout is not valid.
    BadLayout {
        /// 400 with code 2, as any bad parameter.
        Documented = "2",
        /// The old code 1028.
        Old = "1028",
    }
);
choice!(
    /// By which path the addresses are told from which notifications come.
    AddressesPath {
        /// By both.
        Both = "both",
        /// `/v1/ncs/ip`, as the reference of Cloud Recording has it.
        First = "v1",
        /// `/v2/ncs/ip`, as the pages about notifications have it.
        Second = "v2",
    }
);
choice!(
    /// What the details of event 13 hold beside their name.
    RegistrationDetails {
        /// Nothing.
        Nothing = "nothing",
        /// `status` 0, as the other events of something that began.
        Status = "status",
    }
);
choice!(
    /// What a start is told that the backend did not carry out in time.
    StartTimeout {
        /// 500 with code 62, "request timeout".
        Documented = "62",
        /// 500 with the old code 52.
        Old = "52",
    }
);
choice!(
    /// What a start is told whose body is not what `startParameter` of its `acquire` had announced.
    Mismatch {
        /// Code 2, as any bad parameter.
        BadParameter = "2",
        /// The old code 432.
        NotOfResource = "432",
    }
);
choice!(
    /// What a repeated start is told after one that was answered with code 65 and carried out all the same.
    AfterNotCompleted {
        /// 201 with code 7, as any second start.
        AlreadyStarted = "already-started",
        /// 200 with the `sid`: the first answer, late.
        Started = "sid",
    }
);
choice!(
    /// When a token is looked at that is wrong or too old.
    TokenChecked {
        /// When the recorder joins: after the 200, by a notification and a 404.
        AfterStart = "after-start",
        /// At once: the old codes 109 and 110.
        AtStart = "at-start",
    }
);
choice!(
    /// The form of the service's errors 404 and of code 49.
    ErrorBody {
        /// With `code` and `reason`, as documented.
        Documented = "reason",
        /// Without a reason and with a `serverResponse`, as it was seen.
        Seen = "server-response",
    }
);
choice!(
    /// Over what `sequence` counts.
    SequenceScope {
        /// From 0 for each recorder: a failover begins anew.
        Leg = "leg",
        /// From 0 for each `sid`.
        Session = "session",
        /// From 0 for each service type of a recorder.
        Module = "module",
    }
);
choice!(
    /// Old or new, where a failover changes something.
    OldOrNew {
        /// What was before it.
        Old = "old",
        /// What is after it.
        New = "new",
    }
);
choice!(
    /// When event 12 comes.
    FailoverNoticed {
        /// When another server goes on.
        Rejoin = "rejoin",
        /// When the fault was found.
        Detection = "detection",
    }
);
choice!(
    /// The `sid` of a test event.
    TestSid {
        /// It has none.
        Absent = "absent",
        /// It is empty.
        Empty = "empty",
        /// It looks like any other, and names no session.
        MadeUp = "made-up",
    }
);

/// Makes the table of switches: field, type, default, name on the command line, and what it is about.
macro_rules! switches {
    ($($(#[doc = $doc:literal])+ $field:ident: $kind:ty = $default:expr, $name:literal;)+) => {
        /// What this service does where the documents are silent. The default is our best guess of the real one.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Unknowns {
            $($(#[doc = $doc])+ pub $field: $kind,)+
        }

        impl Default for Unknowns {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Unknowns {
            /// Sets one switch from a text such as `started-twice-returns-sid=yes`.
            ///
            /// # Errors
            /// When there is no such switch, or it does not take this word.
            pub fn set(&mut self, text: &str) -> Result<(), UnknownError> {
                let (name, word) = text
                    .split_once('=')
                    .ok_or_else(|| UnknownError(format!("{text:?} is not NAME=VALUE")))?;
                match name {
                    $($name => {
                        self.$field = <$kind>::read(word).ok_or_else(|| {
                            UnknownError(format!("{name} is one of {}, not {word:?}", <$kind>::words()))
                        })?;
                    })+
                    _ => return Err(UnknownError(format!("there is no open question {name:?}"))),
                }
                Ok(())
            }

            /// Every switch: its name, the words that it takes, its setting here, and what it is about.
            pub fn table(&self) -> Vec<[String; 4]> {
                vec![$([
                    $name.to_owned(),
                    <$kind>::words(),
                    self.$field.word(),
                    [$($doc.trim()),+].join(" "),
                ],)+]
            }
        }
    };
}

switches! {
    /// Whether the 201 with code 7 of a second start tells the `sid`.
    started_twice_returns_sid: bool = false, "started-twice-returns-sid";
    /// What a start is told that is repeated after a code 65 that was carried out.
    after_not_completed: AfterNotCompleted = AfterNotCompleted::AlreadyStarted, "start-after-65";
    /// Whether a call that is answered with code 65 because the backend is late was carried out.
    not_completed_was_carried_out: bool = true, "65-carried-out";
    /// The HTTP status of the old codes 8, 109, 110, 432, 433, 1001, 1003, 1013 and 1028.
    older_codes_status: u16 = 400, "older-codes-status";
    /// The HTTP status of code 50, an upload that takes longer than 20 s.
    upload_timeout_status: u16 = 504, "code-50-status";
    /// Whether the answer to an asynchronous stop lists files.
    async_stop_lists_files: bool = false, "async-stop-lists-files";
    /// What a query is told after an asynchronous stop.
    after_async_stop: AfterAsyncStop = AfterAsyncStop::Status, "query-after-async-stop";
    /// Whether the `sid` stays valid after a failover; with `no` the session runs on and nobody can reach it.
    failover_keeps_sid: bool = true, "failover-keeps-sid";
    /// Which files a query and a stop name after a failover.
    files_after_failover: FilesAfterFailover = FilesAfterFailover::Newest, "files-after-failover";
    /// Which UID is wanted in bodies after a failover.
    uid_after_failover: UidAfterFailover = UidAfterFailover::Original, "uid-after-failover";
    /// How the rate limit counts time.
    rate_window: RateWindow = RateWindow::Sliding, "rate-window";
    /// Whether each operation has a rate limit of its own.
    rate_per_operation: bool = false, "rate-per-operation";
    /// Whether a 429 has a `Retry-After` header (of one second).
    rate_limit_tells_retry_after: bool = false, "429-tells-retry-after";
    /// What is answered once `resourceExpiredHour` is over.
    after_expiry: AfterExpiry = AfterExpiry::NotFound, "after-resource-expired";
    /// Whether a query answers an empty `fileList` before the first slice; with `no` the field is missing.
    empty_file_list: bool = true, "file-list-before-first-slice";
    /// In what `sliceStartTime` of a file counts.
    slice_start_unit: TimeUnit = TimeUnit::Millis, "slice-start-unit";
    /// Whether a session can be reached by a region's domain that was started by another, and the reverse.
    region_reaches_all: bool = true, "region-reaches-all-sessions";
    /// What a start is told whose body departs from `startParameter`.
    start_parameter_mismatch: Mismatch = Mismatch::BadParameter, "start-parameter-mismatch";
    /// What a start is told when there is no server for it; the meaning of code 15 is not documented.
    no_worker: NoWorker = NoWorker::Documented, "no-worker-code";
    /// What an acquire is told whose channel name is not allowed; 1013 is the old code.
    bad_name: BadName = BadName::Documented, "bad-channel-name-code";
    /// What an `updateLayout` is told whose layout is not valid; 1028 is the old code.
    bad_layout: BadLayout = BadLayout::Documented, "bad-layout-code";
    /// What a start is told when the backend is away; 52 is the old code.
    start_timeout: StartTimeout = StartTimeout::Documented, "start-timeout-code";
    /// How the lists of users not to subscribe to are spelt.
    unsubscribe_spelling: Spelling = Spelling::Both, "unsubscribe-spelling";
    /// The HTTP status of a stop whose files went to the backup.
    backuped_stop_status: u16 = 200, "backuped-stop-status";
    /// Whether a query that is answered with code 65 holds a `serverResponse` all the same.
    not_completed_query_tells: bool = false, "query-206-has-response";
    /// When a wrong or expired token is found.
    token_checked: TokenChecked = TokenChecked::AfterStart, "token-checked";
    /// The form of the service's 404.
    not_found_body: ErrorBody = ErrorBody::Documented, "not-found-body";
    /// The form of code 49.
    exiting_body: ErrorBody = ErrorBody::Documented, "code-49-body";
    /// Whether special characters of a channel name become hyphens in file names outside web mode as well.
    replaces_special_characters: bool = true, "special-characters-replaced";
    /// Whether event 13 is sent, which stands in the advice and in no table.
    event_13: bool = true, "event-13";
    /// Whether the server that goes on after a failover sends event 13 again.
    event_13_again: bool = false, "event-13-again";
    /// What the details of event 13 hold beside their name; nobody documents them.
    event_13_details: RegistrationDetails = RegistrationDetails::Nothing, "event-13-details";
    /// Over what `sequence` counts.
    sequence_scope: SequenceScope = SequenceScope::Leg, "sequence-scope";
    /// The `uid` in the payload of event 12.
    failover_notice_uid: OldOrNew = OldOrNew::Old, "failover-notice-uid";
    /// When event 12 comes.
    failover_noticed: FailoverNoticed = FailoverNoticed::Rejoin, "failover-noticed";
    /// Whether the server that died still sends events 41 and 31, under its old UID.
    old_leg_speaks: bool = true, "old-leg-speaks";
    /// Whether the server that died also sends event 11, though the session goes on.
    old_leg_exits: bool = false, "old-leg-exits";
    /// Whether event 11 comes before the files are uploaded.
    exit_before_upload: bool = false, "exit-before-upload";
    /// By which path the addresses are told from which notifications come; two pages of the documents disagree.
    addresses_path: AddressesPath = AddressesPath::Both, "ncs-ip-path";
    /// Whether the two copies of a redundant notification have one `noticeId`.
    redundant_notice_id: bool = true, "redundant-same-notice-id";
    /// Whether test events are signed.
    test_event_signed: bool = true, "test-event-signed";
    /// The `sid` of a test event.
    test_event_sid: TestSid = TestSid::Absent, "test-event-sid";
    /// Whether the envelope holds the `sid` as well.
    envelope_sid: bool = false, "envelope-sid";
    /// In what `sendts` counts.
    sendts_unit: TimeUnit = TimeUnit::Millis, "sendts-unit";
    /// Whether payloads hold `serviceScene`, which the English documents do not have.
    service_scene: bool = false, "service-scene";
    /// Whether numbers and names drift as old samples have it: `"status":"0"`, `filename`, `utcMs`, `leaveStatus`.
    notification_drift: bool = false, "notification-drift";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_takes_each_of_its_words_and_no_other() {
        let table = Unknowns::default().table();
        for [name, words, default, about] in &table {
            assert!(about.ends_with('.'), "{name}: {about}");
            let words: Vec<&str> =
                if words.contains('…') { vec!["200", "599", default] } else { words.split('|').collect() };
            assert!(words.contains(&default.as_str()), "{name}");
            for word in words {
                let mut unknowns = Unknowns::default();
                unknowns.set(&format!("{name}={word}")).expect("it takes its own words");
                let row = unknowns.table().into_iter().find(|row| row[0] == *name).expect("the row");
                assert_eq!(row[2], word, "{name}");
            }
            let error = Unknowns::default().set(&format!("{name}=perhaps")).expect_err("no such word");
            assert!(error.to_string().contains(name), "{error}");
        }
        let mut names: Vec<&String> = table.iter().map(|row| &row[0]).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), table.len());
    }

    #[test]
    fn a_slip_is_an_error() {
        for text in
            ["", "event-13", "event_13=yes", "code-50-status=600", "code-50-status=99", "event-13=Yes"]
        {
            assert!(Unknowns::default().set(text).is_err(), "{text}");
        }
    }
}
