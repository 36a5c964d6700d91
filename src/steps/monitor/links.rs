//! Where people look: the AWS console.

use std::fmt::Write as _;

use crate::ecs::{ClusterName, ServiceName};
use crate::lambda::FunctionName;

/// The log group of a function.
pub(super) fn logs(region: &str, group: &str) -> String {
    format!("{}#logsV2:log-groups/log-group/{}", home(region, "cloudwatch"), encoded(group))
}

/// The metrics of a function.
pub(super) fn metrics(region: &str, function: &FunctionName) -> String {
    format!("{}#/functions/{function}?tab=monitoring", home(region, "lambda"))
}

/// The health of a service.
pub(super) fn service(region: &str, cluster: &ClusterName, service: &ServiceName) -> String {
    format!(
        "https://{region}.console.aws.amazon.com/ecs/v2/clusters/{cluster}/services/{service}/health?region={region}"
    )
}

/// The alarms of an account.
pub(super) fn alarms(region: &str) -> String {
    format!("{}#alarmsV2:", home(region, "cloudwatch"))
}

fn home(region: &str, service: &str) -> String {
    format!("https://{region}.console.aws.amazon.com/{service}/home?region={region}")
}

/// The console writes `%` as `$25` in what stands after its `#`.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "$25{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_takes_a_group_by_its_own_escapes() {
        let link = logs("eu-west-1", "/aws/lambda/shop-api");
        assert_eq!(
            link,
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fshop-api"
        );
    }
}
