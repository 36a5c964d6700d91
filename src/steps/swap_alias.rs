//! swap-alias: moves an alias to a published version.

mod adopt;
mod apply;
mod canary;
mod gate;
mod inputs;
mod model;
mod observe;
mod plan;
mod report;
mod version;

use std::time::Duration;

use self::apply::{PUTTING_BACK, Serving, apply, put_back, read_back};
use self::canary::{Canary, Failed, Then};
use self::gate::shift;
pub use self::inputs::{OnNothingToRollBackTo, SwapAlias};
use self::model::Policy;
use self::observe::observe;
use self::plan::{Change, Planned, plan};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::context::{Context, Served};
use crate::outcome::{Outcome, Step};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::record::{self, Concurrency, History, Kind, OnConcurrent, Record, Release};
use crate::rollout;
use crate::rollout::state::hand_over;
use crate::rollout::strategy::Strategy;

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

    fn timeout(&self) -> Span {
        Span(Self::TIMEOUT.0 + self.worst_case())
    }

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        self.record.check_with(common, problems);
        self.required.check_with(common, problems);
        problems.add_if(
            common.deployment_id.is_some(),
            "input `deployment-id` is not used by swap-alias: it makes the record, and gives its number as the output `deployment-id`",
        );
        if self.adopt.0 {
            rollout::adopt::check_with(&self.record, common, problems);
            problems.add_if(
                self.create_alias.0 || self.expected_current.is_some(),
                "`adopt` writes nothing to AWS: `create-alias` and `expected-current` belong to a swap",
            );
            problems.add_if(
                self.strategy != Strategy::AllAtOnce,
                "`adopt` writes nothing to AWS: `strategy` belongs to a swap",
            );
        }
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        for target in self.targets.list() {
            cx.read_back_at_end(Served::Function(target.function.clone(), self.alias.clone().into()));
        }
        self.required.check(cx, &self.record).await?;
        if self.adopt.0 {
            return adopt::run(self, cx).await;
        }
        let (plan, history) = loop {
            let observed = observe(self, cx).await?;
            let plan = plan(observed, &self.policy())?;
            if plan.iter().all(|one| one.change == Change::Nothing) {
                return self.nothing_to_do(cx, &plan).await;
            }
            match record::look_for_others(cx, &self.record, OnConcurrent::Fail, &report::targets(&plan)).await? {
                Concurrency::Clear(history) => break (plan, history),
                Concurrency::Waited => {}
            }
        };
        report::announce(cx, self, &plan);
        let mut canaries = Canary::all(&plan);
        let mut ready = self.prepare(cx, &canaries).await?;
        if cx.is_dry_run() {
            return Ok(report::not_applied(cx, &plan));
        }
        cx.confirm(&report::label(&plan)).await?;
        let record = self.open_record(cx, &plan, history).await?;
        let answering = if canaries.is_empty() { Duration::MAX } else { canary::ANSWERING };
        let changed = async {
            if let Some(ready) = &mut ready
                && let Some(failed) = shift(self, cx, ready, &mut canaries).await?
            {
                return Ok(Serving { moved: Vec::new(), failed: Some(failed) });
            }
            let applied = apply(cx, &plan, &mut canaries).await?;
            read_back(cx, applied).await
        };
        let changed = cx.calls.deadline.until_cancelled_for(answering, changed).await;
        let serving = match changed.unwrap_or_else(|cancelled| Err(cancelled.into())) {
            Err(stop) if cx.calls.deadline.is_cancelled() => return Err(canary::withdraw(cx, &canaries, stop).await),
            serving => serving?,
        };
        self.conclude(cx, &plan, &canaries, serving, record).await
    }
}

impl SwapAlias {
    fn policy(&self) -> Policy<'_> {
        Policy {
            alias: &self.alias,
            strategy: &self.strategy,
            expected_current: self.expected_current.as_ref(),
            expected_commit: self.expected_commit.as_ref(),
            create_alias: self.create_alias.0,
            proof: self.proof.as_ref(),
            require_proof: self.require_proof.0,
            allow_downgrade: self.allow_downgrade.0,
            rollback_target_required: self.require_rollback_target == OnNothingToRollBackTo::Fail,
        }
    }

    /// Also where an attempt of this run was killed after its write: its record is closed.
    async fn nothing_to_do(&self, cx: &Context, plan: &[Planned]) -> Step<Outcome> {
        report::announce(cx, self, plan);
        report::set_outputs(cx, self, plan);
        let mut replaced = Vec::new();
        if !cx.is_dry_run() {
            let serving: Vec<_> = plan.iter().filter_map(report::target).collect();
            replaced = Record::resume(cx, &self.record, Kind::Deploy, Self::NAME, Self::FIGURES, &serving).await;
        }
        let floor = self.record.floor_above(None, &replaced);
        hand_over(cx, replaced, floor)?;
        Ok(Outcome::skipped(format!("nothing to do: {}", report::label(plan))))
    }

    /// Hands over what is replaced, and opens the record: before the first write, so that a cancelled step loses nothing that rollback
    /// needs.
    async fn open_record(&self, cx: &Context, plan: &[Planned], history: Option<History>) -> Step<Option<Record>> {
        let replaced = report::targets(plan);
        let floor = self.record.floor_above(history.as_ref(), &replaced);
        hand_over(cx, replaced.clone(), floor.clone())?;
        let release = Release {
            kind: Kind::Deploy,
            commit: replaced.iter().find_map(|target| target.commit.clone()),
            proof: self.proof.as_ref().map(|_| true),
            description: Self::NAME,
            undone: Vec::new(),
            history,
        };
        let all: Vec<_> = plan.iter().filter_map(report::target).collect();
        let record = Record::open(cx, &self.record, release, replaced, &all).await?;
        if let Some(record) = &record {
            hand_over(cx, record.targets().to_vec(), floor)?;
        }
        Ok(record)
    }

    /// After a failure everything that was moved is put back. In any case the record says how it ended.
    async fn conclude(
        &self,
        cx: &Context,
        plan: &[Planned],
        canaries: &[Canary<'_>],
        serving: Serving<'_>,
        record: Option<Record>,
    ) -> Step<Outcome> {
        let later = &cx.with_deadline(cx.calls.deadline.renew(PUTTING_BACK));
        if let Some(Failed { outcome, then }) = serving.failed {
            let ended = if then == Then::Leave {
                outcome.advise(
                    "the alias is left as it is, as `on-failure: leave` says: the command to put it back stands above",
                )
            } else {
                put_back(later, &serving.moved, canaries, outcome).await?
            };
            if let Some(record) = record {
                match then {
                    Then::TakeBack => record.take_back(later, Self::NAME, &ended).await,
                    Then::PutBack | Then::Leave => record.fail(later, Self::NAME, &ended).await,
                }
            }
            return Ok(ended);
        }
        report::check_serving(cx, &serving.moved);
        report::set_outputs(cx, self, plan);
        if let Some(record) = record {
            record.succeed(later, Self::NAME, Self::FIGURES).await;
        }
        Ok(Outcome::pass(report::label(plan)))
    }
}
