//! swap-alias with `adopt`: another tool moved the alias. It is proved, and recorded.

use super::SwapAlias;
use super::observe::observe;
use super::plan::{Planned, adoption};
use super::report;
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::rollout::adopt::{self, Adoption, adopt, look_up};
use crate::rollout::state::hand_over;
use crate::steps::DeployStep as _;

/// Proves what serves, and records it with what the records say served before.
pub(super) async fn run(step: &SwapAlias, cx: &Context) -> Step<Outcome> {
    let (plan, adoption) = loop {
        let observed = observe(step, cx).await?;
        let plan = adoption(observed, &step.policy())?;
        let found = plan.iter().filter_map(report::target).collect();
        if let Some(adoption) = look_up(cx, &step.record, found).await? {
            break (plan, adoption);
        }
    };
    announce(cx, step, &plan, &adoption);
    hand_over(cx, adoption.targets.clone())?;
    let label = report::label(&plan);
    if adoption.is_recorded {
        return Ok(Outcome::skipped(format!("nothing to record: {label}, and the record says so")));
    }
    if cx.is_dry_run() {
        cx.report.note_change();
        return Ok(Outcome::pass(format!("dry run, nothing was recorded: {label}")));
    }
    let record = adopt(cx, &step.record, adoption, SwapAlias::NAME, step.proof.as_ref().map(|_| true)).await?;
    record.succeed(cx, SwapAlias::NAME, SwapAlias::FIGURES).await;
    Ok(Outcome::pass(format!("{label}, and is recorded; nothing was written to AWS")))
}

fn announce(cx: &Context, step: &SwapAlias, plan: &[Planned], adoption: &Adoption) {
    for one in plan {
        let (observed, wanted) = (&one.observed, one.observed.wanted);
        cx.report.check(
            format!("{}:{}", observed.function, observed.name),
            observed.alias.as_ref().map(|alias| format!("version {alias}")).unwrap_or_default(),
            wanted.map(|version| format!("version {version} and no other")).unwrap_or_default(),
            Verdict::Pass,
            "lambda:GetAlias",
        );
    }
    report::report_proof(cx, step, plan);
    report::set_outputs(cx, plan);
    let before = adoption
        .targets
        .iter()
        .filter_map(|target| Some((target.place.function().clone(), target.previous.as_ref()?.version?)));
    report::set_previous(cx, plan, before.collect());
    adopt::report(cx);
}
