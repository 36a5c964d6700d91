//! swap-alias with `adopt`: another tool moved the alias. It is proved, and recorded.

use super::SwapAlias;
use super::observe::observe;
use super::plan::{Planned, adoption};
use super::report;
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::rollout::adopt::{Adoption, adopt, look_up};
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
    let (named, proof) = ((SwapAlias::NAME, SwapAlias::FIGURES), step.proof.as_ref().map(|_| true));
    adopt(cx, &step.record, adoption, &report::label(&plan), named, proof).await
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
    report::set_outputs(cx, step, plan);
    let before = adoption
        .targets
        .iter()
        .filter_map(|target| Some((target.place.function()?.clone(), target.previous.as_ref()?.version?)));
    report::set_previous(cx, plan, before.collect());
}
