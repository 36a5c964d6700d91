//! Where a function's log is, and what of it is written down.

use aws_sdk_lambda::types::{ApplicationLogLevel, LogFormat, LoggingConfig, SystemLogLevel};

use super::names::FunctionName;
use crate::calls::UnknownValue;

/// The log of a function: its setting `LoggingConfig`.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPlace {
    /// The log group.
    pub group: String,
    /// Why lines may be left out: the platform's, the application's.
    hidden: Option<&'static str>,
}

impl LogPlace {
    pub(super) fn of(name: &FunctionName, config: Option<&LoggingConfig>) -> Result<Self, UnknownValue> {
        let unknown = |field: &str, value: &str| UnknownValue::new(format!("{field} of function {name}"), value);
        let group = config.and_then(LoggingConfig::log_group).filter(|group| !group.is_empty());
        let group = group.map_or_else(|| Self::own_group(name), str::to_owned);
        let is_json = match config.and_then(LoggingConfig::log_format) {
            Some(LogFormat::Json) => true,
            Some(LogFormat::Text) | None => false,
            Some(other) => return Err(unknown("LogFormat", other.as_str())),
        };
        let system = match config.and_then(LoggingConfig::system_log_level) {
            Some(SystemLogLevel::Warn) => Some("`SystemLogLevel` WARN leaves out when an invocation begins and ends"),
            Some(SystemLogLevel::Info | SystemLogLevel::Debug) | None => None,
            Some(other) => return Err(unknown("SystemLogLevel", other.as_str())),
        };
        let application = match config.and_then(LoggingConfig::application_log_level) {
            Some(ApplicationLogLevel::Warn | ApplicationLogLevel::Error | ApplicationLogLevel::Fatal) => {
                Some("`ApplicationLogLevel` leaves out what the application says of a good day")
            }
            Some(ApplicationLogLevel::Info | ApplicationLogLevel::Debug | ApplicationLogLevel::Trace) | None => None,
            Some(other) => return Err(unknown("ApplicationLogLevel", other.as_str())),
        };
        // Levels are for logs in JSON only.
        Ok(Self { group, hidden: application.or(system).filter(|_| is_json) })
    }

    fn own_group(name: &FunctionName) -> String {
        format!("/aws/lambda/{name}")
    }

    /// Whether the group is the function's alone, as Lambda names it: else streams carry the function's name.
    #[must_use]
    pub fn is_own(&self, function: &FunctionName) -> bool {
        self.group == Self::own_group(function)
    }

    /// Why absent lines say nothing, if so.
    #[must_use]
    pub const fn hides_lines(&self) -> Option<&'static str> {
        self.hidden
    }

    /// One of this group, for tests.
    #[cfg(test)]
    pub(crate) fn in_group(group: &str, hidden: Option<&'static str>) -> Self {
        Self { group: group.to_owned(), hidden }
    }
}
