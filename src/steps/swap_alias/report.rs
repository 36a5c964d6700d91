//! What swap-alias reports: before the write, and when it is done.

use super::SwapAlias;
use super::model::Observed;
use super::plan::{Change, Planned};
use super::version::runtime_change;
use crate::context::Context;
use crate::lambda::{Alias, AliasRevision, CodeId, Function, FunctionName, Serving, Version, serving};
use crate::outcome::{Outcome, Verdict};
use crate::record::{Place, Previous, Target};
use crate::rollout::move_alias::{found_at, put_back_by_hand};
use crate::rollout::provisioned::Provision;
use crate::rollout::strategy::Strategy;
use crate::rollout::targets::lines;
use crate::text::message;

/// Says what will happen, what would be put back, and how to do that by hand.
pub(super) fn announce(cx: &Context, step: &SwapAlias, plan: &[Planned]) {
    for one in plan {
        let (name, alias) = (&one.observed.function, &step.alias);
        let found = one.observed.alias.as_ref();
        cx.report.check(
            format!("{name}:{alias} before the swap"),
            found.map_or_else(|| "no alias".to_owned(), |found| format!("version {found}")),
            one.observed.wanted.map(|version| format!("to become version {version}")).unwrap_or_default(),
            Verdict::Pass,
            "lambda:GetAlias",
        );
        match (&one.change, found) {
            (Change::Move(to) | Change::Shift(to), Some(found)) => {
                let how = if matches!(one.change, Change::Shift(_)) {
                    step.strategy.to_string()
                } else {
                    Strategy::AllAtOnce.to_string()
                };
                tracing::info!("{name}: {alias} moves from version {found} to {to}, {}", how);
                tracing::info!("  to put back by hand: {}", put_back_by_hand(found));
                cx.report.section("To put back by hand", [put_back_by_hand(found)]);
                if !found.weights.is_empty() {
                    cx.report.warn(format!(
                        "alias {alias} of {name} had routing weights left over ({found}): they are cleared"
                    ));
                }
                if let Provision::Some(config) = &one.observed.provision {
                    tracing::info!(
                        "  it has provisioned concurrency ({config}): AWS moves the traffic when that of version {to} is ready, which takes \
                         minutes; this step waits for it"
                    );
                }
                if found.serving().is_none() {
                    cx.report.warn(format!(
                        "alias {alias} of {name} pointed to $LATEST: there is no version to roll back to"
                    ));
                }
            }
            (Change::Arrive(to), Some(found)) => {
                tracing::info!(
                    "{name}: {alias} points to version {to} already, and version {} serves until its provisioned concurrency is ready: that \
                     is waited for",
                    found.settle()
                );
                tracing::info!("  to put back by hand: {}", put_back_by_hand(found));
            }
            (Change::Create(to), _) => {
                tracing::info!("{name}: {alias} is made, at version {to}");
                cx.report.warn(format!("alias {alias} of {name} is new: there is nothing to roll back to"));
            }
            _ => tracing::info!("{name}: {alias} is there already"),
        }
    }
    report_proof(cx, step, plan);
}

/// Says what is not proved.
pub(super) fn report_proof(cx: &Context, step: &SwapAlias, plan: &[Planned]) {
    for one in plan {
        let runtime = one.observed.target.as_ref().zip(one.observed.wanted);
        if let Some(change) = runtime.and_then(|(target, wanted)| runtime_change(target, wanted, &step.policy())) {
            cx.report.warn(format!("{change}: run smoke-test again to be sure of it"));
        }
    }
    if step.proof.is_none() {
        cx.report.section("Proof", ["not smoke-tested by this action".to_owned()]);
    }
}

/// A dry run.
pub(super) fn not_applied(cx: &Context, plan: &[Planned]) -> Outcome {
    cx.report.note_change();
    let serves =
        plan.iter().filter_map(|one| Some(Serving::of(one.observed.alias.as_ref()?, one.observed.current.as_ref())));
    cx.report.serving(serving::line(serves));
    let each = plan.iter().map(|one| match (&one.change, &one.observed.alias) {
        (Change::Move(to) | Change::Shift(to), Some(alias)) => {
            format!("{} would move from version {alias} to {to}", one.observed.function)
        }
        (Change::Arrive(to), Some(alias)) => {
            format!(
                "{} would be waited for until version {to} serves, in place of {}",
                one.observed.function,
                alias.settle()
            )
        }
        (Change::Create(to), _) => format!("{} would get an alias at version {to}", one.observed.function),
        _ => format!("{} would stay", one.observed.function),
    });
    Outcome::pass(format!("dry run, nothing was changed: {}", each.collect::<Vec<_>>().join("; ")))
}

/// Another write came between the reading and ours.
pub(super) fn superseded(one: &Observed, found: Option<&Alias>) -> Outcome {
    Outcome::superseded(message!(
        "changed-in-between",
        "alias {} of {} was changed by somebody else between the reading and the write: it {}",
        one.name,
        one.function,
        found_at(found)
    ))
    .advise("look at what serves; deploy again if this version is still wanted")
}

/// What was read back.
pub(super) fn check_serving(cx: &Context, moved: &[(&Planned, Alias)]) {
    for (planned, alias) in moved {
        let one = &planned.observed;
        cx.report.check(
            format!("{}:{} after the swap", one.function, one.name),
            format!("version {alias}"),
            format!("version {}", version_label(one.wanted)),
            Verdict::Pass,
            "lambda:GetAlias",
        );
    }
}

/// The outputs, and what serves.
pub(super) fn set_outputs(cx: &Context, step: &SwapAlias, plan: &[Planned]) {
    let before = |one: &Planned| Some((one.observed.function.clone(), one.observed.alias.as_ref()?.serving()?));
    let now = |one: &Planned| Some((one.observed.function.clone(), one.observed.wanted?));
    if let [one] = plan {
        cx.report.output("version", version_label(one.observed.wanted));
    }
    cx.report.output("versions", lines(plan.iter().filter_map(now)));
    set_previous(cx, plan, plan.iter().filter_map(before).collect());
    let shifts = plan.iter().any(|one| matches!(one.change, Change::Shift(_)));
    let increments = if shifts { step.strategy.increments().len() } else { 0 };
    cx.report.output("strategy-steps", (increments + 1).to_string());
    cx.report.serving(serving::line(plan.iter().filter_map(serving_then)));
}

/// What served before.
pub(super) fn set_previous(cx: &Context, plan: &[Planned], before: Vec<(FunctionName, Version)>) {
    if plan.len() == 1 {
        cx.report.output("previous-version", version_label(before.first().map(|(_, version)| *version)));
    }
    cx.report.output("previous-versions", lines(before));
}

/// What goes into the record and into `state`: where each alias that is moved goes, and what it leaves.
pub(super) fn targets(plan: &[Planned]) -> Vec<Target> {
    plan.iter().filter(|one| one.change != Change::Nothing).filter_map(target).collect()
}

/// Where one alias goes, and what it leaves.
pub(super) fn target(planned: &Planned) -> Option<Target> {
    let one = &planned.observed;
    let (function, place) = (one.target.as_ref(), Place::of(&one.location, &one.function, &one.name.clone().into()));
    Some(Target {
        commit: function.and_then(Function::commit),
        previous: planned.before().map(|alias| Previous::of(&alias, one.current.as_ref())),
        ..Target::new(place, Some(one.wanted?), function.and_then(CodeId::of).as_ref())
    })
}

/// What serves once the change is made.
fn serving_then(one: &Planned) -> Option<Serving> {
    let one = &one.observed;
    let alias = Alias {
        function: one.function.clone(),
        name: one.name.clone(),
        version: one.wanted,
        weights: [].into(),
        revision: AliasRevision::default(),
    };
    Some(Serving::of(&alias, Some(one.target.as_ref()?)))
}

/// What serves now, and what served before it.
pub(super) fn label(plan: &[Planned]) -> String {
    let each = plan.iter().map(|one| {
        let before = match (&one.change, &one.observed.alias) {
            (Change::Nothing, _) => String::new(),
            (Change::Shift(_), Some(alias)) => format!(", before it {}", alias.without_weights()),
            (_, Some(alias)) => format!(", before it {}", alias.settle()),
            (_, None) => ", which is new".to_owned(),
        };
        let (function, version) = (&one.observed.function, version_label(one.observed.wanted));
        format!("{function}:{} serves version {version}{before}", one.observed.name)
    });
    each.collect::<Vec<_>>().join("; ")
}

fn version_label(version: Option<Version>) -> String {
    version.map(|version| version.to_string()).unwrap_or_default()
}
