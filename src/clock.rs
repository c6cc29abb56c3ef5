//! Server time, and no other: the last heartbeat and the browser's monotonic clock since then. Times in the reader's zone.
//!
//! The wall clock of the device is read only for the client, which notices by it that the device slept.

use agora::Timestamp;
use js_sys::{Function, Object};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::kept::{ZONE, kept};

/// How often the shared clock signal moves while the page can be seen, in milliseconds of the device.
const TICK_MILLIS: f64 = 250.0;

/// The one clock of the page. It is a handle: copies are the same clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    anchor: StoredValue<Anchor>,
    tick: RwSignal<Timestamp>,
    second: Memo<Timestamp>,
    device: RwSignal<u64>,
    /// The screen stands still; the time does not.
    stands: StoredValue<bool>,
}

/// What the server said last about its time, and when that was heard.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    server: Timestamp,
    /// How many seconds of the server pass in one of the device; 1 except in a demonstration.
    rate: f64,
    heard: f64,
}

impl Clock {
    /// A clock that does not know the time yet, and ticks.
    pub fn new() -> Self {
        let anchor = Anchor { server: Timestamp::default(), rate: 1.0, heard: monotonic() };
        let tick = RwSignal::new(Timestamp::default());
        let clock = Self {
            anchor: StoredValue::new(anchor),
            tick,
            second: Memo::new(move |_| Timestamp::from_millis(tick.get().millis() / 1000 * 1000)),
            device: RwSignal::new(0),
            stands: StoredValue::new(false),
        };
        clock.schedule();
        clock
    }

    /// The server said what time it is there.
    pub fn heard(self, server: Timestamp, rate: f64) {
        let rate = if rate.is_finite() && rate > 0.0 { rate } else { 1.0 };
        self.anchor.set_value(Anchor { server, rate, heard: monotonic() });
        self.move_tick();
    }

    /// The server's time now; before the first heartbeat it is the epoch.
    pub fn now(self) -> Timestamp {
        let anchor = self.anchor.get_value();
        if anchor.server == Timestamp::default() {
            return anchor.server;
        }
        let passed = (monotonic() - anchor.heard).max(0.0) * anchor.rate;
        Timestamp::from_millis(anchor.server.millis().saturating_add(passed as i64))
    }

    /// The server's time as the screen shows it: what reads it is drawn anew a few times a second.
    pub fn tick(self) -> Timestamp {
        self.tick.get()
    }

    /// The server's time in whole seconds, rounded down: for what need not be drawn anew more often.
    pub fn second(self) -> Timestamp {
        self.second.get()
    }

    /// Milliseconds of the device's monotonic clock, moving with the tick: for waits that are not the server's.
    pub fn device(self) -> u64 {
        self.device.get()
    }

    /// Lets the time on the screen stand still, or go on.
    pub fn stand(self, stands: bool) {
        self.stands.set_value(stands);
        self.move_tick();
    }

    fn move_tick(self) {
        if self.stands.get_value() {
            return;
        }
        let now = self.now();
        if self.tick.get_untracked() != now {
            self.tick.set(now);
            crate::dom::move_to(now);
        }
    }

    fn schedule(self) {
        let rate = self.anchor.with_value(|anchor| anchor.rate);
        // In a demonstration that runs ten times as fast the seconds pass ten times as fast too.
        let pause = (TICK_MILLIS / rate.sqrt()).clamp(80.0, TICK_MILLIS);
        set_timeout(
            move || {
                if !document().hidden() {
                    self.device.set(moment().monotonic);
                    self.move_tick();
                }
                self.schedule();
            },
            core::time::Duration::from_millis(pause as u64),
        );
    }
}

/// This instant by both clocks of the device, for the client, which judges by them whether the device slept.
pub fn moment() -> client::Moment {
    client::Moment::new(monotonic() as u64, wall() as i64)
}

fn monotonic() -> f64 {
    window().performance().map_or_else(js_sys::Date::now, |performance| performance.now())
}

fn wall() -> f64 {
    js_sys::Date::now()
}

thread_local! {
    static TIME_OF_DAY: Function = written_in(
        "en",
        &[("hour", "2-digit"), ("minute", "2-digit"), ("second", "2-digit"), ("hourCycle", "h23")],
    );
}

/// What writes an instant in this language, in the zone that the reader has chosen or in that of the device.
fn written_in(language: &str, options: &[(&str, &str)]) -> Function {
    let chosen = Object::new();
    let zone = kept(ZONE);
    let zone = (!zone.is_empty()).then_some(("timeZone", zone.as_str()));
    for (name, value) in options.iter().copied().chain(zone) {
        let _ = js_sys::Reflect::set(&chosen, &name.into(), &value.into());
    }
    js_sys::Intl::DateTimeFormat::new(&js_sys::Array::of1(&language.into()), &chosen).format()
}

fn write(face: &Function, at: Timestamp) -> String {
    let at = JsValue::from_f64(at.millis() as f64);
    face.call1(&JsValue::UNDEFINED, &at).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// The time of day in the reader's zone, `12:06:14`.
pub fn time_of_day(at: Timestamp) -> String {
    TIME_OF_DAY.with(|face| write(face, at))
}

/// The time of day with milliseconds, `12:06:14.250`, where the order of things within a second matters.
pub fn exact_time_of_day(at: Timestamp) -> String {
    format!("{}.{:03}", time_of_day(at), at.millis().rem_euclid(1000))
}

/// The day and the time in the reader's language and zone.
pub fn day_and_time(at: Timestamp) -> String {
    let language = document().document_element().and_then(|page| page.get_attribute("lang"));
    let day = written_in(&language.unwrap_or_default(), &[("day", "numeric"), ("month", "short")]);
    [write(&day, at), time_of_day(at)].join(" ")
}

/// The reader's zone, `UTC+8` or `UTC+5:30`. It stands wherever a clock time does.
pub fn zone() -> String {
    let now = Timestamp::from_millis(wall() as i64);
    zone_told(&write(&written_in("en", &[("timeZoneName", "shortOffset")]), now))
}

/// The zone at the end of a text such as `11/21/2026, GMT+5:30`.
fn zone_told(text: &str) -> String {
    let distance = text.rsplit("GMT").next().filter(|distance| *distance != "+0").unwrap_or_default();
    ["UTC", &distance.replace('-', "−")].concat()
}

#[cfg(test)]
mod tests {
    use super::zone_told;

    #[test]
    fn a_zone_is_named_by_its_distance_to_utc() {
        assert_eq!(zone_told("11/21/2026, GMT"), "UTC");
        assert_eq!(zone_told("11/21/2026, GMT+0"), "UTC");
        assert_eq!(zone_told("11/21/2026, GMT+8"), "UTC+8");
        assert_eq!(zone_told("11/21/2026, GMT+5:30"), "UTC+5:30");
        assert_eq!(zone_told("11/21/2026, GMT-3:30"), "UTC−3:30");
    }
}
