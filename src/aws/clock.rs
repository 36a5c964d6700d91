//! The time by AWS's clock: the runner's may be minutes away from it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::net::Clock;

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
        let clock = date_of(context).map(|date| Clock::told(date.into()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = clock;
        Ok(())
    }
}

/// When a service answered, by its own clock: the field `Date`.
pub(super) fn date_of(context: &BeforeDeserializationInterceptorContextRef<'_>) -> Option<SystemTime> {
    let date = context.response().headers().get("date")?;
    DateTime::from_str(date, Format::HttpDate).ok().and_then(|date| SystemTime::try_from(date).ok())
}
