//! Provisioned concurrency of an alias.

use std::fmt;

use anyhow::{Context as _, Result};
use aws_sdk_lambda::types::ProvisionedConcurrencyStatusEnum as Status;

use super::client::Lambda;
use super::names::{AliasName, FunctionName};
use crate::aws::absent_is_none;
use crate::calls::UnknownValue;
use crate::text::{self, Foreign};

/// Provisioned concurrency of an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisionedConcurrency {
    /// Whether the environments are ready.
    pub allocation: Allocation,
    /// Instances asked for.
    pub requested: i32,
    /// Instances ready.
    pub available: i32,
}

/// Whether the environments are ready, those of the version that the alias points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// Not yet.
    InProgress,
    /// They are.
    Ready,
    /// They will not be; with the reason.
    Failed(Foreign),
}

impl fmt::Display for ProvisionedConcurrency {
    /// `IN_PROGRESS, 3 of 10 ready`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.allocation {
            Allocation::InProgress => f.write_str("IN_PROGRESS")?,
            Allocation::Ready => f.write_str("READY")?,
            Allocation::Failed(reason) if reason.is_empty() => f.write_str("FAILED")?,
            Allocation::Failed(reason) => write!(f, "FAILED ({})", reason.for_message(text::LONGEST))?,
        }
        write!(f, ", {} of {} ready", self.available, self.requested)
    }
}

impl Lambda {
    /// Provisioned concurrency of an alias; `None` when it has none.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_GetProvisionedConcurrencyConfig.html>
    pub async fn provisioned_concurrency(
        &self,
        function: &FunctionName,
        alias: &AliasName,
    ) -> Result<Option<ProvisionedConcurrency>> {
        let call = self.client.get_provisioned_concurrency_config();
        let call = call.function_name(function.as_str()).qualifier(alias.as_str());
        let answer = self.calls.aws("lambda:GetProvisionedConcurrencyConfig", || call.clone().send()).await;
        let answer =
            answer.with_context(|| format!("read the provisioned concurrency of alias {alias} of function {function}"));
        let Some(answer) = absent_is_none(answer)? else { return Ok(None) };
        let allocation = match answer.status() {
            Some(Status::InProgress) => Allocation::InProgress,
            Some(Status::Ready) => Allocation::Ready,
            Some(Status::Failed) => Allocation::Failed(Foreign::new(answer.status_reason().unwrap_or_default())),
            other => {
                let field = format!("Status of the provisioned concurrency of {function}:{alias}");
                return Err(UnknownValue::new(field, other.map_or("not given", Status::as_str)).into());
            }
        };
        Ok(Some(ProvisionedConcurrency {
            allocation,
            requested: answer.requested_provisioned_concurrent_executions().unwrap_or_default(),
            available: answer.available_provisioned_concurrent_executions().unwrap_or_default(),
        }))
    }
}
