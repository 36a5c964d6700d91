//! Functions: there, in a state that takes code, with an alias, a log that can be read, and what they are to be set up with.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::super::finding::{Finding, nothing_named};
use super::super::job::Job;
use super::role;
use crate::action::inputs::{Flag, texts};
use crate::aws::logs::LogClass;
use crate::lambda::{Alias, Function, FunctionName, FunctionSettings, State};
use crate::outcome::Step;

const NEEDS: &str = "lambda:GetFunction";
const ALIAS: &str = "lambda:GetAlias";
const LOG: &str = "logs:DescribeLogGroups";
const SIMULATES: &str = "iam:SimulatePrincipalPolicy";

/// What is asked of each function.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Names of environment variables that must be set.
    #[serde(default, deserialize_with = "texts")]
    variables: Vec<String>,
    /// Whether it must be in a VPC, or must not; without it, that is only told.
    #[serde(default)]
    vpc: Option<Flag>,
    /// Actions that its execution role must be allowed.
    #[serde(default, deserialize_with = "texts")]
    role_actions: Vec<String>,
    /// On these ARNs; without them, `*`.
    #[serde(default, deserialize_with = "texts")]
    role_on: Vec<String>,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    if job.functions.is_empty() {
        return Ok(nothing_named("functions", NEEDS, "the input `function`"));
    }
    let mut found = Vec::new();
    for function in &job.functions {
        found.extend(of_function(job, options, function).await?);
    }
    Ok(found)
}

async fn of_function(job: &Job<'_>, options: &Options, name: &FunctionName) -> Step<Vec<Finding>> {
    let read = match job.cx.lambda().await {
        Ok(lambda) => lambda.settings(name).await,
        Err(error) => Err(error),
    };
    let (function, settings) = match read {
        Ok(Some(found)) => found,
        Ok(None) => {
            let advice =
                "make it with what makes the others (Terraform, CDK, SAM), or correct `function` or the region";
            return Ok(vec![Finding::fail(format!("function {name}"), NEEDS, "there is none of this name", advice)]);
        }
        Err(error) => return Ok(vec![Finding::unanswered(job.cx, format!("function {name}"), NEEDS, error)?]),
    };
    let mut found = judge(&function, &settings, options);
    found.push(match job.serving(name).await {
        Ok((alias, served)) => judge_alias(job, name, alias.as_ref(), served.as_ref()),
        Err(error) => Finding::unanswered(job.cx, format!("function {name}, alias {}", job.alias), ALIAS, error)?,
    });
    let group = &function.log.group;
    let read = match job.cx.logs().await {
        Ok(logs) => logs.class(group).await,
        Err(error) => Err(error),
    };
    found.push(match read {
        Ok(class) => judge_log(group, class),
        Err(error) => Finding::unanswered(job.cx, format!("log group {group}"), LOG, error)?,
    });
    if !options.role_actions.is_empty() {
        let aws = job.cx.aws().await?;
        match role::simulate(&aws, &function.role, &options.role_actions, &options.role_on).await {
            Ok(decisions) => found.extend(role::judge(&decisions, &format!("the execution role of {name}"))),
            Err(error) => {
                let what = format!("execution role of {name}");
                found.push(Finding::unanswered(job.cx, what, SIMULATES, error)?);
            }
        }
    }
    Ok(found)
}

fn judge(function: &Function, settings: &FunctionSettings, options: &Options) -> Vec<Finding> {
    let what = |of: &str| format!("function {}{of}", function.name);
    let is_usable = !matches!(function.state, State::Failed(_));
    let advice = "repair it first: update its configuration, and look at its state reason";
    let mut found = vec![Finding::when(is_usable, what(""), NEEDS, format!("it is there, {}", function.state), advice)];
    found.push(Finding::when(
        !function.role.is_empty(),
        what(", execution role"),
        NEEDS,
        function.role.rsplit('/').next().unwrap_or_default(),
        "give it an execution role",
    ));
    let shown = settings.network.as_ref().map_or_else(
        || "outside a VPC".to_owned(),
        |network| {
            let (subnets, groups) = (network.subnets.len(), network.security_groups.len());
            format!("in {}: {subnets} subnets, {groups} security groups", network.vpc)
        },
    );
    let is_inside = settings.network.is_some();
    let has_groups = settings.network.as_ref().is_none_or(|network| !network.security_groups.is_empty());
    let is_good = has_groups && options.vpc.is_none_or(|flag| flag.0 == is_inside);
    let advice = "set its VPC, subnets and security groups with what makes the function";
    found.push(Finding::when(is_good, what(", VPC"), NEEDS, shown, advice).require(match options.vpc {
        Some(Flag(true)) => "in a VPC",
        Some(Flag(false)) => "outside a VPC",
        None => "security groups, if it is in one",
    }));
    let wanted: BTreeSet<&String> = options.variables.iter().collect();
    for name in wanted {
        let what = what(&format!(", variable {name}"));
        let Some(variables) = &settings.variables else {
            found.push(Finding::skip(what, "kms:Decrypt", "AWS could not decrypt the variables for this role"));
            continue;
        };
        let is_set = variables.contains(name);
        let advice = format!("set the variable {name} of the function: a deployment of code does not");
        let shown = if is_set { "set" } else { "not set" };
        found.push(Finding::when(is_set, what, NEEDS, shown, advice).require("set"));
    }
    found
}

fn judge_alias(job: &Job<'_>, name: &FunctionName, alias: Option<&Alias>, served: Option<&Function>) -> Finding {
    let what = format!("function {name}, alias {}", job.alias);
    let Some(alias) = alias else {
        let advice = "make it once by swap-alias with `create-alias: true`, or give `alias` that users call";
        return Finding::fail(
            what,
            ALIAS,
            "there is none of this name: users get new code at once, and there is no way back",
            advice,
        );
    };
    match served {
        Some(served) if served.storage.error.is_some() => {
            let why = served.storage.error.clone().unwrap_or_default();
            let advice = "put the object of its code back into the bucket: Lambda keeps no copy of its own";
            Finding::fail(what, ALIAS, format!("version {alias}: AWS cannot get at its code: {why}"), advice)
        }
        Some(_) => Finding::ok(what, ALIAS, format!("version {alias}")),
        None => Finding::fail(
            what,
            ALIAS,
            format!("version {alias}, which does not exist"),
            "move the alias to a version that does",
        ),
    }
}

/// PF02: monitor reads the log, and no class but two can be read.
fn judge_log(group: &str, class: Option<LogClass>) -> Finding {
    let what = format!("log group {group}");
    match class {
        None => Finding::ok(what, LOG, "not there yet: it is made when the function is first called").warn(),
        Some(class @ (LogClass::Standard | LogClass::InfrequentAccess)) => Finding::ok(what, LOG, class.word()),
        Some(class @ (LogClass::Delivery | LogClass::Essentials)) => {
            let advice =
                "make the log group anew with the class STANDARD or INFREQUENT_ACCESS: a class cannot be changed";
            Finding::fail(what, LOG, format!("class {class}: monitor and smoke-test cannot read it"), advice)
                .require("STANDARD or INFREQUENT_ACCESS")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State;
    use super::*;

    #[test]
    fn a_log_that_cannot_be_read_fails_and_one_that_is_not_there_yet_is_a_warning() {
        let of = |class| judge_log("/aws/lambda/a", class);
        assert_eq!(of(Some(LogClass::Delivery)).state, State::Fail);
        assert_eq!(of(Some(LogClass::Essentials)).state, State::Fail);
        assert_eq!(of(Some(LogClass::InfrequentAccess)).state, State::Ok);
        assert!(of(None).warns && !of(Some(LogClass::Standard)).warns);
    }
}
