//! The numbers of the rules: one value, which a recording keeps as it was when it was asked for.

use core::time::Duration;

use from_json::FromJson;
use serde::{Deserialize, Serialize};

/// What is done when a live session answers 404 for longer than a process restart takes (rule M3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum Patience {
    /// Wait for the whole failover window: never two billed sessions, up to 90 s without certainty.
    #[default]
    Patient,
    /// Replace when the process window (30 s) is over: a failover that takes longer leaves twins.
    Swift,
    /// Replace at the first 404: every failover leaves twins.
    Immediate,
}

/// When a stop is answered before the upload is done (rule T1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, FromJson)]
#[serde(rename_all = "snake_case")]
pub enum StopAnswers {
    /// Asynchronous where notifications tell the end of the upload, else synchronous.
    #[default]
    Automatic,
    /// Answered at once.
    Asynchronous,
    /// Answered when the files are uploaded.
    Synchronous,
}

/// The numbers of the rules, each with the id of its rule. Spans are whole seconds unless the name says otherwise.
///
/// `Default` is the documented profile. A recording carries its policy by value in its first entry, so that a later
/// configuration does not change what was promised.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, FromJson)]
#[serde(default = "Policy::documented", deny_unknown_fields)]
pub struct Policy {
    /// M3: what a 404 of a live session leads to.
    pub patience: Patience,
    /// T1: which kind of stop is sent.
    pub stop_answers: StopAnswers,
    /// T6: whether a wanted recording is changed over before control of it ends.
    pub changeover: bool,
    /// R2: whether a session that ended because nobody was in the channel is started again.
    pub restart_after_idle: bool,
    /// V4: whether a missing notification 13 is asked after.
    pub started_notification: bool,

    /// D2: gaps before the repeats of an unanswered call.
    pub domain_repeat_gaps: [u32; 3],
    /// D2: how long a domain that answered stays first.
    pub domain_memory: u32,
    /// D4: gaps after a 429; the last one goes on.
    pub rate_limited_gaps: [u32; 3],
    /// D8: how long an answer is waited for.
    pub answer_wait: u32,
    /// D8: how long the answer to a start, or to a stop that waits for the upload, is waited for.
    pub slow_answer_wait: u32,

    /// S2: a start that leaves later than this after its resource ID is marked late.
    pub resource_late: u32,
    /// S2: a resource ID older than this is not started any more.
    pub resource_usable: u32,
    /// S4: gaps after a start that the service could not carry out.
    pub start_gaps: [u32; 3],
    /// S4: tries of one UID in one round.
    pub start_tries: u32,
    /// S4: the gap between tries when both UIDs have failed.
    pub start_minute: u32,
    /// S4: for how long those tries go on.
    pub start_minutes_for: u32,
    /// S5: gaps after an unclear start.
    pub unclear_start_gaps: [u32; 2],
    /// S6: gaps between new resource IDs when no worker could be allocated, after the one asked for at once.
    pub no_worker_gaps: [u32; 2],
    /// S8: gaps after an acquire that the service could not carry out.
    pub acquire_gaps: [u32; 3],
    /// S8: the gap after those.
    pub acquire_slow_gap: u32,
    /// S8: gaps after the limit of concurrent tasks was reached.
    pub pcw_gaps: [u32; 3],
    /// S8: the gap after those.
    pub pcw_slow_gap: u32,
    /// S9: no other UID is started because of a possible orphan before this has passed, where notifications come.
    pub orphan_wait: u32,
    /// S9: a notification counts as seen for this long.
    pub notifications_seen_for: u32,

    /// S9: a notification may have happened this long before the start that it adopts was written down.
    pub adoption_slack: u32,

    /// V1: instants after the `sid` at which a new session is asked for.
    pub verify_instants: [u32; 8],
    /// V1: no gap between those is longer than this share of `maxIdleTime`, in percent.
    pub idle_share_percent: u32,
    /// V1: no gap between those is shorter than this.
    pub verify_shortest_gap: u32,
    /// V3: accepted and not confirmed for this long is an alarm.
    pub unconfirmed_alarm: u32,
    /// V4: a notification 13 is expected within this.
    pub registered_within: u32,
    /// V4: it can be switched on where so many of the last starts had theirs in time.
    pub registered_starts: u32,

    /// M1: the interval between routine queries.
    pub monitor_interval: u32,
    /// M1: how far a session's interval is moved, by a hash of the session, in percent.
    pub monitor_jitter_percent: u32,
    /// M1: the shortest interval.
    pub monitor_shortest: u32,
    /// M1: the share of the budget that routine queries may use, in percent.
    pub monitor_budget_percent: u32,
    /// M2: instants after the first 404.
    pub doubt_instants: [u32; 3],
    /// M3: the interval after those.
    pub doubt_interval: u32,
    /// M3, T3: a 404 to a query sent this long after the first one is believed.
    pub doubt_window: u32,
    /// M5: gaps after an unclear answer; the last one goes on.
    pub unclear_gaps: [u32; 4],
    /// M5: no clear answer for this long wants attention.
    pub unclear_attention: u32,
    /// M5: no clear answer for this long is an alarm.
    pub unclear_alarm: u32,
    /// M6: gaps after code 65.
    pub not_completed_gaps: [u32; 2],
    /// M7: the interval while a session ends.
    pub ending_interval: u32,
    /// M7: ending for this long is an alarm.
    pub ending_alarm: u32,
    /// M7: the interval after that.
    pub ending_slow_interval: u32,
    /// M4: the alarm about twins is repeated after this.
    pub twins_alarm: u32,
    /// M9: notifications make at most one query in this time leave.
    pub notified_gap: u32,
    /// M10: unattended is longer than this many times the interval that was due.
    pub unattended_factor: u32,
    /// M10: a doubt without an answer for longer than this begins anew.
    pub doubt_stale: u32,
    /// M10: a start that fell due in an unattended stretch longer than this waits for staff.
    pub unattended_start: u32,
    /// M11: instants after t0 at which a lost session is asked for again.
    pub lost_instants: [u32; 7],

    /// R3: replacements within the window.
    pub replacements: u32,
    /// R3: the window.
    pub replacement_window: u32,
    /// F1: failovers of one session before the service gives up.
    pub failovers: u32,

    /// T2: the first query after a stop was accepted.
    pub stopped_first: u32,
    /// T2: the interval after it.
    pub stopped_interval: u32,
    /// T2: still running this long after the stop was accepted: stop again.
    pub stop_again: u32,
    /// T4: gaps after an unclear stop.
    pub stop_gaps: [u32; 3],
    /// T4: the gap after those.
    pub stop_slow_gap: u32,
    /// T4: a stop not confirmed for this long is an alarm.
    pub stop_alarm: u32,
    /// T8: the gap after a refused stop.
    pub refused_stop_gap: u32,
    /// U1: gaps after an update that the service could not carry out.
    pub update_gaps: [u32; 3],
    /// U1: the gap after those for storage credentials, which are sent until they are applied.
    pub credentials_gap: u32,
    /// L1: the query that is to name the index leaves this long after the session was confirmed (composite, web).
    pub file_after: u32,
    /// L1: the same in individual mode.
    pub file_after_individual: u32,
    /// L1: once more after this.
    pub file_again: u32,
    /// T6: the share of the time of control after which the rest is shown, in percent.
    pub control_shown_percent: u32,
    /// T6: the share of the time of control after which it is an alarm, in percent.
    pub control_alarm_percent: u32,
    /// T6: this long before control ends it is an alarm, and a wanted recording is changed over.
    pub control_reserve: u32,
}

impl Policy {
    /// The documented profile.
    pub const DOCUMENTED: Self = Self {
        patience: Patience::Patient,
        stop_answers: StopAnswers::Automatic,
        changeover: true,
        restart_after_idle: false,
        started_notification: false,
        domain_repeat_gaps: [1, 3, 6],
        domain_memory: 600,
        rate_limited_gaps: [1, 3, 6],
        answer_wait: 10,
        slow_answer_wait: 30,
        resource_late: 2,
        resource_usable: 290,
        start_gaps: [3, 6, 9],
        start_tries: 4,
        start_minute: 60,
        start_minutes_for: 1800,
        unclear_start_gaps: [3, 6],
        no_worker_gaps: [3, 6],
        acquire_gaps: [3, 6, 9],
        acquire_slow_gap: 30,
        pcw_gaps: [5, 10, 15],
        pcw_slow_gap: 30,
        orphan_wait: 10,
        notifications_seen_for: 86_400,
        adoption_slack: 5,
        verify_instants: [5, 10, 20, 35, 50, 65, 80, 90],
        idle_share_percent: 90,
        verify_shortest_gap: 4,
        unconfirmed_alarm: 120,
        registered_within: 10,
        registered_starts: 3,
        monitor_interval: 120,
        monitor_jitter_percent: 5,
        monitor_shortest: 15,
        monitor_budget_percent: 40,
        doubt_instants: [5, 15, 30],
        doubt_interval: 15,
        doubt_window: 90,
        unclear_gaps: [5, 10, 15, 30],
        unclear_attention: 120,
        unclear_alarm: 600,
        not_completed_gaps: [3, 6],
        ending_interval: 15,
        ending_alarm: 300,
        ending_slow_interval: 60,
        twins_alarm: 600,
        notified_gap: 5,
        unattended_factor: 2,
        doubt_stale: 90,
        unattended_start: 600,
        lost_instants: [105, 120, 150, 180, 240, 300, 600],
        replacements: 3,
        replacement_window: 900,
        failovers: 3,
        stopped_first: 5,
        stopped_interval: 15,
        stop_again: 30,
        stop_gaps: [3, 6, 9],
        stop_slow_gap: 15,
        stop_alarm: 60,
        refused_stop_gap: 60,
        update_gaps: [3, 6, 9],
        credentials_gap: 60,
        file_after: 15,
        file_after_individual: 60,
        file_again: 60,
        control_shown_percent: 80,
        control_alarm_percent: 95,
        control_reserve: 3600,
    };

    const fn documented() -> Self {
        Self::DOCUMENTED
    }

    /// The documented profile with another patience (M3).
    pub fn with_patience(patience: Patience) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Every number with its name (`start_gaps/1` is the second of a list).
    pub fn numbers(&self) -> Vec<(String, u32)> {
        let mut numbers = Vec::new();
        if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(self) {
            for (name, value) in fields {
                match value {
                    serde_json::Value::Number(number) => {
                        numbers.extend(number_of(&number).map(|number| (name, number)));
                    }
                    serde_json::Value::Array(items) => {
                        for (index, item) in items.iter().enumerate() {
                            let number = item.as_number().and_then(number_of);
                            numbers.extend(number.map(|number| (format!("{name}/{index}"), number)));
                        }
                    }
                    serde_json::Value::Null
                    | serde_json::Value::Bool(_)
                    | serde_json::Value::String(_)
                    | serde_json::Value::Object(_) => {}
                }
            }
        }
        numbers
    }

    /// The same policy with one number changed; none if there is no number of that name.
    pub fn with_number(&self, name: &str, number: u32) -> Option<Self> {
        let mut value = serde_json::to_value(self).ok()?;
        let place = value.pointer_mut(&format!("/{name}"))?;
        *place = place.is_number().then(|| number.into())?;
        serde_json::from_value(value).ok()
    }
}

impl Default for Policy {
    fn default() -> Self {
        #[cfg(test)]
        if let Some(nudged) = crate::tests::nudged_policy() {
            return nudged;
        }
        Self::DOCUMENTED
    }
}

/// A span of so many seconds.
pub(crate) const fn seconds(count: u32) -> Duration {
    Duration::from_secs(count as u64)
}

fn number_of(number: &serde_json::Number) -> Option<u32> {
    number.as_u64().and_then(|number| u32::try_from(number).ok())
}

/// Serialises a policy as its departures from the documented one, so that a snapshot stays small.
pub mod departures {
    use from_json::{FromJson, Reader};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Policy;

    /// Writes the fields that differ from [`Policy::DOCUMENTED`].
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(policy: &Policy, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::to_value(policy).map_err(serde::ser::Error::custom)?;
        let documented = serde_json::to_value(Policy::DOCUMENTED).map_err(serde::ser::Error::custom)?;
        if let (Some(fields), Some(documented)) = (value.as_object_mut(), documented.as_object()) {
            fields.retain(|name, field| documented.get(name) != Some(field));
        }
        value.serialize(serializer)
    }

    /// Reads departures back: what is not named is as documented.
    ///
    /// # Errors
    /// When a field is not one of a policy.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Policy, D::Error> {
        Policy::deserialize(deserializer)
    }

    /// The same for a page.
    pub fn from_json(value: Option<&serde_json::Value>, reader: &mut Reader) -> Policy {
        Policy::from_json(value, reader)
    }
}
