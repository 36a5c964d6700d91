//! What asking a durable function leaves behind.

use crate::action::Report;
use crate::lambda::{FunctionName, Lambda};

/// Stops what still runs of the durable executions that `by`, e.g. `the check of api`, started, and tells what became of each.
pub async fn stop_executions(report: &Report, lambda: &Lambda, function: &FunctionName, by: &str) {
    let lines = lambda.stop_executions(function).await;
    for line in &lines {
        tracing::info!("{line}");
    }
    if !lines.is_empty() {
        report.section(format!("Durable executions that {by} started"), lines);
    }
}
