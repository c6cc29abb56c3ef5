//! Numbers that the service's documents promise or demand. Where a project has other ones, its configuration says so.

use core::time::Duration;

/// How many composite and individual sessions of one App ID may run at the same time (PCW).
pub const CONCURRENT_SESSIONS: u32 = 50;

/// How many web sessions of one App ID may run at the same time.
pub const CONCURRENT_WEB_SESSIONS: u32 = 200;

/// How many requests of one App ID the service takes in a second, all operations together.
pub const QUERIES_PER_SECOND: u32 = 10;

/// How long a resource ID can be started after `acquire` answered.
pub const RESOURCE_LIFETIME: Duration = Duration::from_secs(300);

/// How soon after `acquire` the `start` should leave (S2).
pub const START_WITHIN: Duration = Duration::from_secs(2);

/// How long a synchronous `stop` may take until the service answers with code 50.
pub const UPLOAD_WAIT: Duration = Duration::from_secs(20);

/// The largest and our `resourceExpiredHour`: how long after the `sid` a session can be controlled, in hours (T6).
pub const RESOURCE_EXPIRED_HOURS_MAX: u16 = 720;

/// The service's own `resourceExpiredHour` when none is sent.
pub const RESOURCE_EXPIRED_HOURS_DEFAULT: u16 = 72;

/// The smallest `maxIdleTime`, in seconds.
pub const MAX_IDLE_SECONDS_MIN: u32 = 5;

/// The largest `maxIdleTime`, in seconds: 30 days.
pub const MAX_IDLE_SECONDS_MAX: u32 = 2_592_000;

/// The service's own `maxIdleTime` when none is sent, in seconds. Below it our form warns (I1).
pub const MAX_IDLE_SECONDS_DEFAULT: u32 = 30;

/// The `maxIdleTime` that the integration checklist recommends, in seconds (I1).
pub const MAX_IDLE_SECONDS_RECOMMENDED: u32 = 300;

/// The largest picture, in pixels along its longer and its shorter side.
pub const PICTURE_MAX: (u16, u16) = (1920, 1080);

/// The most frames per second of a composed picture.
pub const FRAMES_PER_SECOND_MAX: u8 = 30;

/// The most frames per second of a recorded page.
pub const WEB_FRAMES_PER_SECOND_MAX: u8 = 60;

/// The most UIDs in a subscription list.
pub const SUBSCRIBED_UIDS_MAX: usize = 32;

/// The most places of a custom layout.
pub const LAYOUT_PLACES_MAX: usize = 17;

/// The longest `fileNamePrefix`, in bytes, with the slashes between its folders.
pub const FILE_NAME_PREFIX_BYTES_MAX: usize = 128;

/// How many failovers one session can have; a further fault ends it (F1).
pub const FAILOVERS_MAX: u8 = 3;

/// Within how long a session moves to another server when its process was killed (F2).
pub const FAILOVER_KILLED: Duration = Duration::from_secs(30);

/// How long a disconnected server is tried to be reached again before the session moves (F2).
pub const FAILOVER_RECONNECT: Duration = Duration::from_secs(60);

/// Within how long any failover is over; the documents call it an estimate (F2).
pub const FAILOVER_TOTAL: Duration = Duration::from_secs(90);
