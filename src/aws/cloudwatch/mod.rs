//! CloudWatch: metrics and alarms. SDK types do not leave this module.

mod alarms;
mod metrics;

use aws_sdk_cloudwatch::Client;
use aws_smithy_types::DateTime;
use time::OffsetDateTime;

pub use alarms::{Alarm, AlarmKind, AlarmState, Evaluation};
pub use metrics::{Metric, Series, SeriesStatus, Stretch};

use crate::aws::Aws;
use crate::calls::Calls;

/// The client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CloudWatch {
    client: Client,
    calls: Calls,
}

impl CloudWatch {
    /// The client of this connection.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::new(aws.config()), calls: aws.calls().clone() }
    }

    /// The same client with another clock.
    #[must_use]
    pub fn with_calls(&self, calls: Calls) -> Self {
        Self { calls, ..self.clone() }
    }
}

fn from_aws(at: &DateTime) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(at.as_nanos()).ok()
}

fn to_aws(at: OffsetDateTime) -> DateTime {
    DateTime::from_secs(at.unix_timestamp())
}
