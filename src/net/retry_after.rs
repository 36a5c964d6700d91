//! `Retry-After`, as servers give it.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// How long a server asks to be left alone: seconds, or a date, which is compared with the server's own clock
/// (RFC 9110, 10.2.3) when it tells it.
#[must_use]
pub fn retry_after(value: &str, server_date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| OffsetDateTime::parse(text.trim(), &Rfc2822).ok();
    let now = server_date.and_then(date).unwrap_or_else(OffsetDateTime::now_utc);
    date(value).map(|until| Duration::try_from(until - now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let server = Some("Wed, 21 Oct 2015 07:28:00 GMT");
        let asked = |value| retry_after(value, server).map(|wait| wait.as_secs());
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Wed, 21 Oct 2015 07:28:30 GMT"), Some(30));
        assert_eq!(asked("Wed, 21 Oct 2015 07:27:30 GMT"), Some(0));
        assert_eq!(asked("soon"), None);
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:30 GMT", None), Some(Duration::ZERO));
    }
}
