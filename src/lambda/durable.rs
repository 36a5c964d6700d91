//! Durable executions that this client starts by invoking a durable function: each gets a name of this run, and what still runs of it
//! afterwards is stopped, for it could go on for a year.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html>

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_lambda::types::ExecutionStatus;

use super::client::Lambda;
use super::names::{FunctionName, Version};
use crate::calls::error_line;

/// Looking for executions and stopping them may take this long, also after the step's deadline.
const LIMIT: Duration = Duration::from_secs(10);

impl Lambda {
    /// A new name for an execution: a name that was used before would bring the answer of that time.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html>
    pub(super) fn new_execution(&self, function: &FunctionName) -> String {
        let once = RandomState::new().hash_one(function.as_str());
        let name = format!("deploy-action-{}-{once:016x}", self.run);
        tracing::info!("{function} is a durable function: this starts its execution {name}");
        self.executions.borrow_mut().push((function.clone(), name.clone()));
        name
    }

    /// Forgets an execution that was never begun: AWS refused the invocation.
    pub(super) fn forget_execution(&self, execution: &str) {
        self.executions.borrow_mut().retain(|(_, name)| name != execution);
    }

    /// Stops what still runs of the executions of a function that this client started. One line for each: what became of it.
    pub async fn stop_executions(&self, function: &FunctionName) -> Vec<String> {
        let started: Vec<String> = {
            let mut all = self.executions.borrow_mut();
            all.extract_if(.., |(of, _)| of == function).map(|(_, name)| name).collect()
        };
        let late = self.with_calls(self.calls.until(self.calls.deadline.renew(LIMIT)));
        let mut lines = Vec::new();
        for name in started {
            lines.push(match late.stop_execution(function, &name).await {
                Ok(0) => format!("durable execution {name} of {function} has ended"),
                Ok(_) => format!("durable execution {name} of {function} was still running, and was stopped"),
                Err(error) => format!(
                    "durable execution {name} of {function} may still be running ({}): look for it with `aws lambda \
                     list-durable-executions-by-function --function-name {function} --durable-execution-name {name}`",
                    error_line(&error)
                ),
            });
        }
        lines
    }

    /// How many executions are running on a version: at most a hundred are counted.
    pub async fn executions_on(&self, function: &FunctionName, version: Version) -> Result<usize> {
        Ok(self.running_executions(function, Some(version), None).await?.len())
    }

    /// Stops the running executions of this name, and tells how many there were.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_StopDurableExecution.html>
    async fn stop_execution(&self, function: &FunctionName, name: &str) -> Result<usize> {
        let running = self.running_executions(function, None, Some(name)).await?;
        for arn in &running {
            let call = self.client.stop_durable_execution().durable_execution_arn(arn);
            let stopped = self.calls.aws("lambda:StopDurableExecution", || call.clone().send()).await;
            stopped.with_context(|| format!("stop {name}"))?;
        }
        Ok(running.len())
    }

    /// The ARNs of the running executions of a function, of one version or of this name: at most a hundred.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_ListDurableExecutionsByFunction.html>
    async fn running_executions(
        &self,
        function: &FunctionName,
        version: Option<Version>,
        name: Option<&str>,
    ) -> Result<Vec<String>> {
        let call = self.client.list_durable_executions_by_function().function_name(function.as_str());
        let call = call
            .set_qualifier(version.map(|version| version.to_string()))
            .set_durable_execution_name(name.map(str::to_owned))
            .statuses(ExecutionStatus::Running)
            .max_items(100);
        let found = self.calls.aws("lambda:ListDurableExecutionsByFunction", || call.clone().send()).await;
        let found = found.with_context(|| format!("list the durable executions of function {function}"))?;
        Ok(found.durable_executions().iter().map(|execution| execution.durable_execution_arn().to_owned()).collect())
    }
}
