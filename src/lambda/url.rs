//! The address of a function.

use anyhow::{Context as _, Result};

use super::client::Lambda;
use super::names::{AliasName, FunctionName};
use crate::aws::absent_is_none;

impl Lambda {
    /// Whether an alias has an address of its own (function URL).
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionUrlConfig.html>
    pub async fn has_url(&self, function: &FunctionName, alias: &AliasName) -> Result<bool> {
        let call = self.client.get_function_url_config().function_name(function.as_str()).qualifier(alias.as_str());
        let answer = self.calls.aws("lambda:GetFunctionUrlConfig", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("read the address of alias {alias} of {function}"));
        Ok(absent_is_none(answer)?.is_some())
    }
}
