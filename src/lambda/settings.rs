//! What a function is set up with beside its code, as far as a deployment can fail by it. Values of variables are not kept.

use std::collections::BTreeSet;

use anyhow::Result;

use super::client::Lambda;
use super::function::Function;
use super::names::FunctionName;
use crate::aws::absent_is_none;

/// The set-up of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionSettings {
    /// Names of its environment variables; `None` where AWS could not decrypt them for this role.
    pub variables: Option<BTreeSet<String>>,
    /// Its VPC, subnets and security groups; `None` outside a VPC.
    pub network: Option<Network>,
}

/// Where a function is in a VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The VPC.
    pub vpc: String,
    /// Its subnets.
    pub subnets: Vec<String>,
    /// Its security groups.
    pub security_groups: Vec<String>,
}

impl Lambda {
    /// A function and what it is set up with; `None` when there is none of that name.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html>
    pub async fn settings(&self, name: &FunctionName) -> Result<Option<(Function, FunctionSettings)>> {
        let Some(answer) = absent_is_none(self.describe(name, None).await)? else { return Ok(None) };
        let function = Function::from_answer(name, &answer)?;
        let configuration = answer.configuration();
        let environment = configuration.and_then(|configuration| configuration.environment());
        let variables = environment.and_then(|environment| environment.variables());
        let network = configuration.and_then(|configuration| configuration.vpc_config());
        let network = network.filter(|network| !network.subnet_ids().is_empty()).map(|network| Network {
            vpc: network.vpc_id().unwrap_or_default().to_owned(),
            subnets: network.subnet_ids().to_vec(),
            security_groups: network.security_group_ids().to_vec(),
        });
        let variables: BTreeSet<String> = variables.into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let is_readable = environment.is_none_or(|environment| environment.error().is_none());
        let variables = is_readable.then_some(variables);
        Ok(Some((function, FunctionSettings { variables, network })))
    }
}
