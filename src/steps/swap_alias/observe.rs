//! What swap-alias reads before it decides.

use anyhow::Result;
use futures_util::future::try_join_all;

use super::SwapAlias;
use super::model::Observed;
use crate::context::Context;
use crate::lambda::{Alias, Function, FunctionVersion, Lambda};
use crate::outcome::Step;
use crate::rollout::ancestry::ancestry;
use crate::rollout::{guard, provisioned};

/// Reads everything, for all functions at the same time.
pub(super) async fn observe(step: &SwapAlias, cx: &Context) -> Step<Vec<Observed>> {
    let lambda = &cx.lambda().await?;
    let targets = step.targets.list();
    let observed = try_join_all(targets.iter().map(|target| observe_one(step, cx, lambda, target))).await?;
    guard::check_names(cx, targets.iter().map(|target| &target.function)).await?;
    Ok(observed)
}

async fn observe_one(step: &SwapAlias, cx: &Context, lambda: &Lambda, target: &FunctionVersion) -> Result<Observed> {
    let function = &target.function;
    let aws = cx.aws().await?;
    let (wanted, alias, provision, location) = tokio::try_join!(
        lambda.resolve(function, &target.version),
        lambda.alias(function, &step.alias),
        provisioned::provision(lambda, function, &step.alias),
        aws.location()
    )?;
    let serves = alias.as_ref().and_then(Alias::serving);
    let version = async |version| match version {
        Some(version) => lambda.existing(function, Some(version)).await,
        None => Ok(None),
    };
    let other = serves.filter(|version| Some(*version) != wanted);
    let (target, current) = tokio::try_join!(version(wanted), version(other))?;
    let current = if serves == wanted { target.clone() } else { current };
    let commit = |found: &Option<Function>| found.as_ref().and_then(Function::commit);
    let old = commit(&current).filter(|_| !step.allow_downgrade.0);
    let ancestry = ancestry(cx, old.as_ref(), commit(&target).as_ref()).await?;
    let (function, name) = (function.clone(), step.alias.clone());
    Ok(Observed { function, name, location, wanted, target, alias, current, provision, ancestry })
}
