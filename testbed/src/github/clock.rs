//! The stand-in's clock: the machine's, moved by the test.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// Seconds since 1970, as everything here is dated.
pub(crate) type Seconds = i64;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    ahead: Duration,
    behind: Duration,
}

impl Clock {
    pub(crate) fn now(self) -> Seconds {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.ahead;
        let since = since.saturating_sub(self.behind);
        Seconds::try_from(since.as_secs()).unwrap_or(Seconds::MAX)
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.ahead += by;
    }

    pub(crate) fn set_back(&mut self, by: Duration) {
        self.behind += by;
    }
}

/// `2026-03-01T12:00:00Z`, as GitHub writes dates.
pub(crate) fn rfc3339(seconds: Seconds) -> String {
    OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_default()
}

/// `Sun, 01 Mar 2026 12:00:00 GMT`, as the header `Date` has it (RFC 9110, 5.6.7).
pub(crate) fn http_date(seconds: Seconds) -> String {
    let date = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|date| date.format(&Rfc2822).ok());
    date.unwrap_or_default().replace("+0000", "GMT")
}

/// The other way; `None` when `text` is no date.
pub(crate) fn seconds(text: &str) -> Option<Seconds> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}
