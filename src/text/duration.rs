//! Durations, times of day and numbers for people.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A duration for people: `850ms`, `12s`, `3m05s`.
#[must_use]
pub fn human_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{}ms", time.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// How many there are: `1 blob`, `2 blobs`. The noun takes an `s`.
#[must_use]
pub fn number_of(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The clock after this time, for people: `2026-03-01T12:00:00Z`; nothing beyond all calendars.
#[must_use]
pub fn clock_after(time: Duration) -> Option<String> {
    let clock = OffsetDateTime::now_utc().checked_add(time::Duration::try_from(time).ok()?)?;
    clock.replace_nanosecond(0).ok()?.format(&Rfc3339).ok()
}
