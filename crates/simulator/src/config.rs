//! What a simulated service is like: whose it is, its limits, and the choices where the documents are silent.

use core::time::Duration;

use agora::AppId;
use agora::limits;

use crate::notice::Notifications;
use crate::unknowns::Unknowns;

/// Shortest and longest of a span that chance decides.
pub type Range = (Duration, Duration);

/// The numbers and choices of a simulated service.
#[derive(Debug, Clone)]
pub struct Config {
    /// The only App ID that it knows.
    pub app_id: AppId,
    /// The customer key of Basic auth.
    pub customer_key: String,
    /// The customer secret of Basic auth.
    pub customer_secret: String,
    /// The App Certificate: with one, recorders need a token for their channel. None: tokens are not looked at.
    pub app_certificate: Option<String>,
    /// Requests in any second.
    pub queries_per_second: u32,
    /// Composite and individual sessions at the same time (PCW).
    pub concurrent_sessions: u32,
    /// Web sessions at the same time.
    pub concurrent_web_sessions: u32,
    /// How many publishers a channel has of which nothing was said.
    pub publishers: u32,
    /// What the documents leave open.
    pub unknowns: Unknowns,
    /// Whether and how notifications are sent; none: nothing is told, and nothing is spent on it.
    pub notifications: Option<Notifications>,
    /// How long an answer takes that needs no work.
    pub answer_delay: Range,
    /// How long the answer to a `start` takes.
    pub start_delay: Range,
    /// How long the upload after a stop takes.
    pub upload: Range,
    /// How long a session goes on after a killed process until another server has it; documented: within 30 s.
    pub killed: Range,
    /// How long a session takes to move once its server was not reached again for 60 s; documented: 90 s in all.
    pub moved: Range,
    /// How long a stopped session still answers queries after its upload.
    pub exit: Duration,
}

impl Config {
    /// A service with the documented limits, without notifications.
    pub fn new(app_id: AppId, customer_key: impl Into<String>, customer_secret: impl Into<String>) -> Self {
        const fn millis(low: u64, high: u64) -> Range {
            (Duration::from_millis(low), Duration::from_millis(high))
        }
        Self {
            app_id,
            customer_key: customer_key.into(),
            customer_secret: customer_secret.into(),
            app_certificate: None,
            queries_per_second: limits::QUERIES_PER_SECOND,
            concurrent_sessions: limits::CONCURRENT_SESSIONS,
            concurrent_web_sessions: limits::CONCURRENT_WEB_SESSIONS,
            publishers: 2,
            unknowns: Unknowns::default(),
            notifications: None,
            answer_delay: millis(20, 60),
            start_delay: millis(150, 400),
            upload: millis(2_000, 5_000),
            killed: millis(8_000, 28_000),
            moved: millis(5_000, 28_000),
            exit: Duration::from_secs(4),
        }
    }
}
