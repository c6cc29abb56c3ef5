//! What Prometheus reads.

use core::fmt::Write as _;

use switchboard::{Counts, Gauges};

/// Counts of what never reaches the switchboard.
pub(crate) struct Outside {
    /// Deliveries whose signature was bad or missing.
    pub unsigned: u64,
    /// Alerts that were answered with 200.
    pub alerts_posted: u64,
    /// Posts of alerts that were not.
    pub alerts_failed: u64,
}

/// The text format, version 0.0.4.
pub(crate) fn text(counts: &Counts, outside: &Outside, gauges: &Gauges) -> String {
    let Outside { unsigned, alerts_posted, alerts_failed } = *outside;
    let mut text = String::new();
    let counters = [
        ("calls_sent", "Requests that left for the service", counts.calls_sent),
        ("calls_answered", "Answers of the service, late ones too", counts.calls_answered),
        ("calls_unanswered", "Requests without an answer in time", counts.calls_unanswered),
        ("refused", "Calls and decisions that the guards refused", counts.refused),
        ("dropped", "Calls that were out of date when their place in the budget came", counts.dropped),
        ("entries", "Journal entries written", counts.entries),
        ("notifications", "Notifications written into the journal of their recording", counts.notified),
        ("notifications_again", "Deliveries of notifications that were known", counts.notified_again),
        ("notifications_unmatched", "Notifications that fitted no session when they came", counts.unmatched),
        (
            "notifications_dropped",
            "Unmatched notifications that made room for newer ones",
            counts.unmatched_dropped,
        ),
        ("notifications_unsigned", "Deliveries whose signature was bad or missing", unsigned),
        ("store_failures", "Times the journal could not be written", counts.store_failures),
        ("entries_late", "Entries that were held in memory and written later", counts.written_late),
        ("alerts", "Alerts that were answered with 200", alerts_posted),
        ("alerts_failed", "Posts of alerts that were not", alerts_failed),
    ];
    for (name, help, value) in counters {
        line(&mut text, &format!("tallylight_{name}_total"), "counter", help, &[(String::new(), value)]);
    }
    let whole = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    let levels = [
        ("recordings_live", "Recordings that are not settled", whole(gauges.live)),
        ("calls_waiting", "Calls that wait for budget", whole(gauges.waiting)),
        ("calls_open", "Requests whose answer is awaited", whole(gauges.open)),
        ("clients", "Open streams", whole(gauges.clients)),
        ("leases", "Recordings that a client acts for", whole(gauges.leases)),
        ("entries_held", "Entries that could not be written yet", whole(gauges.unwritten)),
        ("journals_damaged", "Recordings whose journal is damaged and was set aside", whole(gauges.damaged)),
        ("board_number", "Number of the newest journal entry", gauges.newest),
    ];
    for (name, help, value) in levels {
        line(&mut text, &format!("tallylight_{name}"), "gauge", help, &[(String::new(), value)]);
    }
    let by_app = |value: fn(&(String, u32, u32)) -> u32| {
        let budgets = gauges.budgets.iter();
        budgets.map(|budget| (label(&budget.0), u64::from(value(budget)))).collect::<Vec<_>>()
    };
    let used = by_app(|(_, used, _)| *used);
    line(&mut text, "tallylight_budget_used", "gauge", "Requests in the window that ends now", &used);
    let allowed = by_app(|(_, _, allowed)| *allowed);
    line(&mut text, "tallylight_budget_allowed", "gauge", "Requests that one window may hold", &allowed);
    text
}

fn label(app: &str) -> String {
    let escaped = app.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{{app=\"{escaped}\"}}")
}

fn line(text: &mut String, name: &str, kind: &str, help: &str, values: &[(String, u64)]) {
    // Writing to a text never fails.
    let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}");
    for (labels, value) in values {
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotes_stays_one_label() {
        let gauges = Gauges {
            live: 2,
            waiting: 0,
            open: 0,
            clients: 1,
            leases: 1,
            newest: 40,
            unwritten: 0,
            damaged: 0,
            budgets: vec![("a\"b".to_owned(), 3, 10)],
        };
        let outside = Outside { unsigned: 0, alerts_posted: 3, alerts_failed: 0 };
        let text = text(&Counts { calls_sent: 7, ..Counts::default() }, &outside, &gauges);
        assert!(text.contains("tallylight_alerts_total 3\n"));
        assert!(
            text.contains("\ntallylight_calls_sent_total 7\n")
                || text.contains("tallylight_calls_sent_total 7\n")
        );
        assert!(text.contains("tallylight_budget_used{app=\"a\\\"b\"} 3\n"));
        assert!(text.contains("tallylight_recordings_live 2\n"));
    }
}
