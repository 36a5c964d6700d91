//! Where people look: the AWS console. Its addresses hold no account.

use std::fmt::Write as _;

/// The page of a service.
#[must_use]
pub fn home(region: &str, service: &str) -> String {
    format!("https://{region}.console.aws.amazon.com/{service}/home?region={region}")
}

/// A log group.
#[must_use]
pub fn log_group(region: &str, group: &str) -> String {
    format!("{}#logsV2:log-groups/log-group/{}", home(region, "cloudwatch"), encoded(group))
}

/// A stream of a log group.
#[must_use]
pub fn log_stream(region: &str, group: &str, stream: &str) -> String {
    format!("{}/log-events/{}", log_group(region, group), encoded(stream))
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
        let link = log_stream("eu-west-1", "/aws/lambda/shop-api", "app/1");
        assert_eq!(
            link,
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fshop-api/log-events/app$252F1"
        );
    }
}
