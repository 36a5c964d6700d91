//! Where people look: the AWS console.

use crate::aws::console::home;
use crate::lambda::FunctionName;

/// The metrics of a function.
pub(super) fn metrics(region: &str, function: &FunctionName) -> String {
    format!("{}#/functions/{function}?tab=monitoring", home(region, "lambda"))
}

/// The alarms of an account.
pub(super) fn alarms(region: &str) -> String {
    format!("{}#alarmsV2:", home(region, "cloudwatch"))
}
