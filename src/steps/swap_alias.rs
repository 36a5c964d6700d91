//! swap-alias: moves an alias to a published version.

mod inputs;
mod plan;
mod report;

use std::time::Duration;

use anyhow::Result;
use futures_util::future::{join_all, try_join_all};

pub use self::inputs::{OnNothingToRollBackTo, Strategy, SwapAlias};
use self::plan::{Change, Observed, Planned, Policy, plan};
use self::report::{announce, hand_over_state, now, recorded, report, target_of};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::calls::error_line;
use crate::context::Context;
use crate::explain::error_outcome;
use crate::github::Ancestry;
use crate::lambda::{Alias, Function, FunctionVersion, Lambda, Serving, serving};
use crate::outcome::{Outcome, Step, Verdict};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::record::{self, Concurrency, History, Kind, OnConcurrent, Record, Release};
use crate::rollout::move_alias::{Moved, create_alias, found_at, move_alias};
use crate::rollout::provisioned::{self, Arrived};
use crate::rollout::{guard, put_back};

/// Putting things back may take this long, also after the step's own deadline.
const PUTTING_BACK: Duration = Duration::from_mins(1);

impl DeployStep for SwapAlias {
    const NAME: &'static str = "swap-alias";
    const ABOUT: &'static str = "Moves an alias, and with it the users, to a published version.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("version", "The version that serves now, for one function."),
        Output::value("previous-version", "The version that served before, for one function; empty if there was none."),
        Output::value("versions", "The versions that serve now, `function=version` lines."),
        Output::value("previous-versions", "The versions that served before, `function=version` lines."),
        Output::value("state", "What was replaced, to hand to rollback, also in another job. Holds no account."),
        Output::value("deployment-id", "The GitHub deployment that records this swap; empty when none is kept."),
        Output::text("strategy-steps", "How many increments the traffic moved in."),
    ];
    const FIGURES: &'static [Figure] = &[Figure::Lines("versions"), Figure::Value("steps", "strategy-steps")];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(2);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        self.record.check_with(common, problems);
        problems.add_if(
            common.deployment_id.is_some(),
            "input `deployment-id` is not used by swap-alias: it makes the record, and gives its number as the output `deployment-id`",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let lambda = cx.lambda().await?;
        for target in self.targets.list() {
            cx.read_back_at_end(&target.function, self.alias.clone());
        }
        let (all, history) = loop {
            let all = self.planned(cx, &lambda).await?;
            if all.iter().all(|one| one.change == Change::Nothing) {
                return Ok(self.nothing_to_do(cx, &all).await);
            }
            match record::beside(cx, &self.record, OnConcurrent::Fail, &recorded(&all)).await? {
                Concurrency::Clear(history) => break (all, history),
                Concurrency::Waited => {}
            }
        };
        announce(cx, self, &all);
        if cx.is_dry_run() {
            cx.report.changed();
            let serves = all
                .iter()
                .filter_map(|one| Some(Serving::of(one.observed.alias.as_ref()?, one.observed.current.as_ref())));
            cx.report.serving(serving::line(serves));
            return Ok(Outcome::pass(format!("dry run, nothing was changed: {}", report::planned(&all))));
        }
        self.apply(cx, &lambda, &all, history).await
    }
}

impl SwapAlias {
    fn asked(&self) -> Policy<'_> {
        Policy {
            alias: &self.alias,
            expected_current: self.expected_current.as_ref(),
            expected_commit: self.expected_commit.as_ref(),
            create_alias: self.create_alias.0,
            proof: self.proof.as_ref(),
            require_proof: self.require_proof.0,
            allow_downgrade: self.allow_downgrade.0,
            rollback_target_required: self.require_rollback_target == OnNothingToRollBackTo::Fail,
        }
    }

    /// What is there, and what is to become of it.
    async fn planned(&self, cx: &Context, lambda: &Lambda) -> Step<Vec<Planned>> {
        let targets = self.targets.list();
        let observed = try_join_all(targets.iter().map(|target| self.observe(cx, lambda, target))).await?;
        guard::named(cx, targets.iter().map(|target| &target.function)).await?;
        Ok(plan(observed, &self.asked())?)
    }

    async fn nothing_to_do(&self, cx: &Context, all: &[Planned]) -> Outcome {
        announce(cx, self, all);
        report(cx, all);
        let mut replaced = Vec::new();
        if !cx.is_dry_run() {
            let serving: Vec<_> = all.iter().filter_map(target_of).collect();
            replaced = Record::resume(cx, &self.record, Kind::Deploy, Self::NAME, Self::FIGURES, &serving).await;
        }
        if let Err(refusal) = hand_over_state(cx, &replaced) {
            return refusal;
        }
        Outcome::skipped(format!("nothing to do: {}", now(all)))
    }

    async fn observe(&self, cx: &Context, lambda: &Lambda, asked: &FunctionVersion) -> Result<Observed> {
        let function = &asked.function;
        let aws = cx.aws().await?;
        let (wanted, alias, provision, location) = tokio::try_join!(
            lambda.resolve(function, &asked.version),
            lambda.alias(function, &self.alias),
            provisioned::provision(lambda, function, &self.alias),
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
        let ancestry = self.ancestry(cx, target.as_ref(), current.as_ref()).await?;
        let (function, name) = (function.clone(), self.alias.clone());
        Ok(Observed { function, name, location, wanted, target, alias, current, provision, ancestry })
    }

    /// Where the new commit stands to the one that serves. Asked only where the answer can forbid the swap.
    async fn ancestry(&self, cx: &Context, new: Option<&Function>, old: Option<&Function>) -> Result<Option<Ancestry>> {
        let (Some(new), Some(old)) = (new.and_then(Function::commit), old.and_then(Function::commit)) else {
            return Ok(None);
        };
        if self.allow_downgrade.0 || new == old {
            return Ok(None);
        }
        let asked = match cx.github().await {
            Ok(github) => github.ancestry(&old, &new).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(ancestry) => Ok(Some(ancestry)),
            Err(error) if record::unreadable(&error) => {
                cx.report.warn(format!(
                    "whether commit {} is older than what serves could not be determined: {}",
                    new.short(),
                    error_line(&error)
                ));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Moves all aliases or none: after a failure those already moved are put back, each by its own revision.
    async fn apply(&self, cx: &Context, lambda: &Lambda, all: &[Planned], history: Option<History>) -> Step<Outcome> {
        // Before the first write, so that a cancelled step loses nothing that rollback needs.
        if let Err(refusal) = hand_over_state(cx, &recorded(all)) {
            return Ok(refusal);
        }
        let asked: Vec<_> = all.iter().filter_map(target_of).collect();
        let record = Record::open(cx, &self.record, self.release(all, history), recorded(all), &asked).await?;
        if let Some(record) = &record
            && let Err(refusal) = hand_over_state(cx, record.targets())
        {
            return Ok(refusal);
        }
        let mut moved: Vec<(&Observed, Alias)> = Vec::new();
        for one in all {
            let ended = match self.swap(cx, lambda, one).await {
                Ok(None) => continue,
                Ok(Some(Moved::Done(alias))) => {
                    moved.push((&one.observed, alias));
                    continue;
                }
                Ok(Some(Moved::Superseded(found))) => self.superseded(&one.observed, found.as_ref()),
                Err(error) if cx.calls.deadline.is_cancelled() => return Err(error.into()),
                Err(error) => {
                    // Whatever went wrong, it may have been moved: then it goes back with the others.
                    let later = cx.with_deadline(cx.calls.deadline.renewed(PUTTING_BACK));
                    let found = later.lambda().await?.alias(&one.observed.function, &self.alias).await;
                    let there = |alias: &Alias| one.observed.is_at(alias);
                    moved.extend(found.ok().flatten().filter(there).map(|alias| (&one.observed, alias)));
                    error_outcome(&error)
                }
            };
            return self.put_back(cx, &moved, record, ended).await;
        }
        if let Some(ended) = self.arrivals(cx, lambda, &mut moved).await? {
            return self.put_back(cx, &moved, record, ended).await;
        }
        Ok(self.done(cx, all, &moved, record).await)
    }

    async fn put_back(
        &self,
        cx: &Context,
        moved: &[(&Observed, Alias)],
        record: Option<Record>,
        ended: Outcome,
    ) -> Step<Outcome> {
        let cx = &cx.with_deadline(cx.calls.deadline.renewed(PUTTING_BACK));
        let lambda = &cx.lambda().await?;
        let backs = moved.iter().rev().map(|(one, now)| put_back::alias(cx, lambda, one.alias.as_ref(), now));
        let ended = put_back::outcome(ended, join_all(backs).await);
        if let Some(record) = record {
            record.fail(cx, Self::NAME, &ended).await;
        }
        Ok(ended)
    }

    /// Waits until all aliases serve what they point to; what ended otherwise, if anything did.
    async fn arrivals(&self, cx: &Context, lambda: &Lambda, moved: &mut [(&Observed, Alias)]) -> Step<Option<Outcome>> {
        let each = moved.iter().map(async |(one, now)| match (&one.alias, one.wanted) {
            (Some(before), Some(to)) => provisioned::arrived(cx, lambda, before, (now, to), &one.provision).await,
            _ => Ok(Arrived::Ready(now.clone())),
        });
        let arrived = join_all(each).await;
        let mut ended: Vec<Outcome> = Vec::new();
        for ((one, now), arrived) in moved.iter_mut().zip(arrived) {
            match arrived {
                Ok(Arrived::Ready(alias)) => *now = alias,
                Ok(Arrived::Failed(why)) => {
                    let to = one.wanted.map(|to| provisioned::failed(now, to, &why)).unwrap_or_default();
                    ended.push(provisioned::advised(Outcome::fail(to)));
                }
                Ok(Arrived::Superseded(found)) => ended.push(self.superseded(one, found.as_ref())),
                Err(error) if cx.calls.deadline.is_cancelled() => return Err(error.into()),
                Err(error) => ended.push(error_outcome(&error)),
            }
        }
        let worst = Verdict::worst(ended.iter().map(|outcome| outcome.ending.verdict()));
        Ok(ended.into_iter().find(|outcome| Some(outcome.ending.verdict()) == worst))
    }

    async fn swap(&self, cx: &Context, lambda: &Lambda, one: &Planned) -> Result<Option<Moved>> {
        match (&one.change, &one.observed.alias) {
            (Change::Move(to), Some(alias)) => move_alias(cx, lambda, alias, *to).await.map(Some),
            (Change::Arrive(_), Some(alias)) => {
                cx.report.changed();
                Ok(Some(Moved::Done(alias.clone())))
            }
            (Change::Create(to), _) => {
                create_alias(cx, lambda, &one.observed.function, &self.alias, *to).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    fn superseded(&self, one: &Observed, found: Option<&Alias>) -> Outcome {
        Outcome::superseded(format!(
            "alias {} of {} was changed by somebody else between the reading and the write: it {}",
            self.alias,
            one.function,
            found_at(found)
        ))
        .advise("look at what serves; deploy again if this version is still wanted")
    }

    async fn done(
        &self,
        cx: &Context,
        all: &[Planned],
        moved: &[(&Observed, Alias)],
        record: Option<Record>,
    ) -> Outcome {
        for (one, alias) in moved {
            cx.report.check(
                format!("{}:{} after the swap", one.function, self.alias),
                format!("version {alias}"),
                format!("version {}", one.wanted.map(|version| version.to_string()).unwrap_or_default()),
                Verdict::Pass,
                "lambda:GetAlias",
            );
        }
        report(cx, all);
        if let Some(record) = record {
            let cx = &cx.with_deadline(cx.calls.deadline.renewed(PUTTING_BACK));
            record.succeed(cx, Self::NAME, Self::FIGURES).await;
        }
        Outcome::pass(now(all))
    }

    fn release(&self, all: &[Planned], history: Option<History>) -> Release<'_> {
        Release {
            kind: Kind::Deploy,
            commit: recorded(all).into_iter().find_map(|target| target.commit),
            proof: self.proof.as_ref().map(|_| true),
            description: "swap-alias",
            undone: Vec::new(),
            history,
        }
    }
}
