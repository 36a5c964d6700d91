//! The time by AWS's clock: the runner's may be minutes away from it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use time::OffsetDateTime;
use tokio::time::Instant;

/// A moment by AWS's clock, and what has passed since by this machine's own counting.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    at: OffsetDateTime,
    taken: Instant,
}

impl Clock {
    /// This machine's own.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self { at: OffsetDateTime::now_utc(), taken: Instant::now() }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.at + self.taken.elapsed()
    }
}

/// Takes the time from the `Date` of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Dated(Arc<Mutex<Option<Clock>>>);

impl Dated {
    /// What the answer said; nothing when it had no date.
    pub(super) fn clock(&self) -> Option<Clock> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "Dated"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        let date = date.and_then(|date| SystemTime::try_from(date).ok());
        let clock = date.map(|date| Clock { at: date.into(), taken: Instant::now() });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = clock;
        Ok(())
    }
}
