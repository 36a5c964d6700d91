//! Where people look: the AWS console.

use crate::aws::console::home;
use crate::ecs::{ClusterName, ServiceName};
use crate::lambda::FunctionName;

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
