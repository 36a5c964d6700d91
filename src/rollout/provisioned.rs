//! An alias with provisioned concurrency. AWS keeps its traffic on the version it left until the environments of the new version are
//! ready: the alias points to the new version, and the one before has a weight of 1. When they cannot be made, that stays so.
//! <https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html>; that weight is described by
//! <https://github.com/hashicorp/terraform-provider-aws/pull/48116>.

use std::cell::Cell;

use anyhow::Result;

use crate::calls::poll::{Look, poll};
use crate::calls::{UnknownValue, log_not_determined};
use crate::context::Context;
use crate::lambda::{Alias, AliasName, Allocation, FunctionName, Lambda, ProvisionedConcurrency, Version};
use crate::outcome::Outcome;
use crate::text::{self, human_duration, message};

/// As many looks may show what is not true any more: AWS shows an answered write within seconds.
const LAGGING: u32 = 6;

/// What is known of an alias's provisioned concurrency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provision {
    /// It has none.
    None,
    /// It has this.
    Some(ProvisionedConcurrency),
    /// It could not be read.
    Unknown,
}

impl Provision {
    /// True while environments are made, or are there.
    #[must_use]
    pub fn is_allocated(&self) -> bool {
        matches!(self, Self::Some(config) if !matches!(config.allocation, Allocation::Failed(_)))
    }

    fn has_failed(&self) -> bool {
        matches!(self, Self::Some(config) if matches!(config.allocation, Allocation::Failed(_)))
    }
}

/// What became of an alias that was moved.
#[derive(Debug)]
pub enum Arrived {
    /// The version gets all the traffic.
    Ready(Alias),
    /// AWS cannot make its environments, for this reason. The version before it has the traffic.
    Failed(String),
    /// Somebody else wrote to the alias; this is how it was found.
    Superseded(Option<Alias>),
}

/// Reads an alias's provisioned concurrency. Who may not read it goes by the alias alone.
///
/// # Errors
/// A status that this release does not know.
pub async fn provision(lambda: &Lambda, function: &FunctionName, alias: &AliasName) -> Result<Provision> {
    match lambda.provisioned_concurrency(function, alias).await {
        Ok(config) => Ok(config.map_or(Provision::None, Provision::Some)),
        Err(error) if error.is::<UnknownValue>() => Err(error),
        Err(error) => {
            log_not_determined("whether provisioned concurrency is ready", &error);
            Ok(Provision::Unknown)
        }
    }
}

/// True when an alias that was found as `before` points to a version, and no other than the one it left still gets traffic.
#[must_use]
pub fn points_to(now: &Alias, before: &Alias, to: Version) -> bool {
    let was_there = |version: &Version| before.version == Some(*version) || before.weights.contains_key(version);
    now.version == Some(to) && now.weights.keys().all(was_there)
}

/// Waits until an alias, found as `before` and moved since, serves the version it points to. `found` is what was known of its
/// provisioned concurrency before that.
///
/// # Errors
/// The deadline passes first, the step is cancelled, or the alias cannot be read.
pub async fn wait_for_arrival(
    cx: &Context,
    lambda: &Lambda,
    before: &Alias,
    (now, to): (&Alias, Version),
    found: &Provision,
) -> Result<Arrived> {
    if now.serves_only(to) && !matches!(found, Provision::Some(_)) {
        return Ok(Arrived::Ready(now.clone()));
    }
    let (function, name) = (&before.function, &before.name);
    let what = message!("provisioned-not-ready", "the provisioned concurrency of {function}:{name} for version {to}");
    tracing::info!(
        "{what}: AWS makes its environments, which takes minutes; waiting at most {}",
        human_duration(cx.calls.deadline.remaining())
    );
    let looks = Cell::new(0);
    poll(&cx.calls.deadline, &what, async || {
        looks.set(looks.get() + 1);
        let lagging = looks.get() < LAGGING;
        let (provision, now) = tokio::try_join!(provision(lambda, function, name), lambda.alias(function, name))?;
        let Some(now) = now else { return Ok(Look::Done(Arrived::Superseded(None))) };
        if now.revision == before.revision && now.version != Some(to) {
            return Ok(Look::NotYet("the alias is not seen there yet".to_owned()));
        }
        let serves = now.serving().map_or_else(|| "$LATEST".to_owned(), |version| version.to_string());
        Ok(match &provision {
            _ if !points_to(&now, before, to) => Look::Done(Arrived::Superseded(Some(now))),
            // Without it nobody but somebody else gives weights.
            Provision::None if !now.serves_only(to) && lagging => Look::NotYet("no provisioned concurrency".to_owned()),
            Provision::None if !now.serves_only(to) => Look::Done(Arrived::Superseded(Some(now))),
            Provision::None => Look::Done(Arrived::Ready(now)),
            Provision::Unknown if now.serves_only(to) => Look::Done(Arrived::Ready(now)),
            Provision::Unknown => Look::NotYet(format!("version {serves} serves until it is ready")),
            Provision::Some(config) => match &config.allocation {
                Allocation::Ready if now.serves_only(to) => Look::Done(Arrived::Ready(now)),
                Allocation::Failed(_) if now.serves_only(to) && found.has_failed() => {
                    cx.report.warn(format!(
                        "the provisioned concurrency of {function}:{name} is {config}, as before: calls start cold"
                    ));
                    Look::Done(Arrived::Ready(now))
                }
                // AWS may still answer for the version before.
                Allocation::Failed(_) if found.has_failed() && lagging => Look::NotYet(config.to_string()),
                Allocation::Failed(reason) if reason.is_empty() => {
                    Look::Done(Arrived::Failed("AWS gave no reason".to_owned()))
                }
                Allocation::Failed(reason) => Look::Done(Arrived::Failed(reason.for_message(text::LONGEST))),
                Allocation::Ready | Allocation::InProgress => {
                    Look::NotYet(format!("{config}; version {serves} serves until then"))
                }
            },
        })
    })
    .await
}

/// That AWS cannot make the environments of a version, in a sentence.
#[must_use]
pub fn failure_reason(alias: &Alias, to: Version, why: &str) -> String {
    message!(
        "provisioned-failed",
        "AWS cannot make the provisioned concurrency of {}:{} for version {to}: {why}",
        alias.function,
        alias.name
    )
}

/// Adds what is done about it.
#[must_use]
pub fn with_advice(outcome: Outcome) -> Outcome {
    outcome.advise(
        "see that the version starts (smoke-test), and that the concurrency of function and account is enough for the old environments \
         and the new ones together",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::AliasRevision;

    fn alias(version: u64, weights: &[(u64, f64)]) -> Alias {
        Alias {
            function: "api".parse().unwrap(),
            name: AliasName::live(),
            version: Some(Version::number(version)),
            weights: weights.iter().map(|(number, weight)| (Version::number(*number), *weight)).collect(),
            revision: AliasRevision::default(),
        }
    }

    #[test]
    fn only_the_version_that_was_left_may_still_get_traffic() {
        let table = [
            (alias(1, &[]), alias(2, &[]), true),
            (alias(1, &[]), alias(2, &[(1, 1.0)]), true),
            (alias(1, &[]), alias(2, &[(1, 0.4)]), true),
            (alias(1, &[(3, 0.1)]), alias(2, &[(3, 1.0)]), true),
            (alias(1, &[]), alias(2, &[(3, 0.1)]), false),
            (alias(1, &[]), alias(3, &[(1, 1.0)]), false),
            (alias(1, &[]), alias(1, &[]), false),
        ];
        for (before, now, ours) in table {
            assert_eq!(points_to(&now, &before, Version::number(2)), ours, "{before} -> {now}");
        }
    }

    #[test]
    fn a_weight_of_1_names_the_version_that_serves() {
        let serving = |one: &Alias| one.serving().unwrap().to_string();
        let one = alias(2, &[(1, 1.0)]);
        assert_eq!((serving(&one), one.settle().to_string()), ("1".to_owned(), "1".to_owned()));
        let shared = alias(2, &[(1, 0.9)]);
        assert_eq!((serving(&shared), shared.settle()), ("2".to_owned(), shared));
    }
}
