//! What swap-alias says: before the write, and when it is done.

use super::SwapAlias;
use super::plan::{Change, Planned, moved_runtime};
use crate::context::Context;
use crate::lambda::{Alias, AliasRevision, CodeId, Function, FunctionName, Serving, Version, serving};
use crate::outcome::{Outcome, Verdict};
use crate::record::{self, Place, Previous, Target};
use crate::rollout::move_alias::put_back_by_hand;
use crate::rollout::provisioned::Provision;
use crate::rollout::state::Captured;
use crate::rollout::targets::lines;

/// Says what will happen, what would be put back, and how to do that by hand.
pub(super) fn announce(cx: &Context, asked: &SwapAlias, all: &[Planned]) {
    for one in all {
        let (name, alias) = (&one.observed.function, &asked.alias);
        let found = one.observed.alias.as_ref();
        cx.report.check(
            format!("{name}:{alias} before the swap"),
            found.map_or_else(|| "no alias".to_owned(), |found| format!("version {found}")),
            one.observed.wanted.map(|version| format!("to become version {version}")).unwrap_or_default(),
            Verdict::Pass,
            "lambda:GetAlias",
        );
        match (&one.change, found) {
            (Change::Move(to), Some(found)) => {
                tracing::info!("{name}: {alias} moves from version {found} to {to}, {}", asked.strategy);
                tracing::info!("  to put back by hand: {}", put_back_by_hand(found));
                cx.report.section("To put back by hand", [put_back_by_hand(found)]);
                if !found.weights.is_empty() {
                    cx.report.warn(format!(
                        "alias {alias} of {name} had routing weights left over ({found}): a full swap clears them"
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
                    found.settled()
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
    let moved = |one: &Planned| moved_runtime(one.observed.target.as_ref()?, one.observed.wanted?, &asked.asked());
    for moved in all.iter().filter_map(moved) {
        cx.report.warn(format!("{moved}: run smoke-test again to be sure of it"));
    }
    if asked.proof.is_none() {
        cx.report.section("Proof", ["not smoke-tested by this action".to_owned()]);
    }
}

/// The outputs, and what serves.
pub(super) fn report(cx: &Context, all: &[Planned]) {
    let previous = |one: &Planned| Some((one.observed.function.clone(), one.observed.alias.as_ref()?.serving()?));
    if let [one] = all {
        let label = |version: Option<Version>| version.map(|version| version.to_string()).unwrap_or_default();
        cx.report.output("version", label(one.observed.wanted));
        cx.report.output("previous-version", label(previous(one).map(|(_, version)| version)));
    }
    cx.report.output("versions", lines(all.iter().filter_map(version_of)));
    cx.report.output("previous-versions", lines(all.iter().filter_map(previous)));
    cx.report.output("strategy-steps", "1");
    cx.report.serving(serving::line(all.iter().filter_map(serves_now)));
}

/// What was found, for rollback.
pub(super) fn hand_over_state(cx: &Context, replaced: &[Target]) -> Result<(), Outcome> {
    Captured::new(record::this_run(cx), replaced.to_vec()).hand_over(&cx.report)
}

/// What goes into the record and into `state`: where each alias goes, and what it leaves.
pub(super) fn recorded(all: &[Planned]) -> Vec<Target> {
    moving(all).filter_map(target_of).collect()
}

/// Those that are moved.
fn moving(all: &[Planned]) -> impl Iterator<Item = &Planned> {
    all.iter().filter(|one| one.change != Change::Nothing)
}

/// Where one alias goes, and what it leaves.
pub(super) fn target_of(one: &Planned) -> Option<Target> {
    let one = &one.observed;
    let code = one.target.as_ref().and_then(CodeId::of);
    Some(Target {
        place: Place::of(&one.location, &one.function, &one.name.clone().into()),
        version: Some(one.wanted?),
        digest: code.as_ref().and_then(CodeId::digest).cloned(),
        code_sha256: code.as_ref().and_then(CodeId::sha256).cloned(),
        commit: one.target.as_ref().and_then(Function::commit),
        previous: one.alias.as_ref().map(|alias| Previous::of(alias, one.current.as_ref())),
    })
}

/// What serves once the change is made.
pub(super) fn serves_now(one: &Planned) -> Option<Serving> {
    let target = one.observed.target.as_ref()?;
    let alias = Alias {
        function: one.observed.function.clone(),
        name: one.observed.name.clone(),
        version: one.observed.wanted,
        weights: [].into(),
        revision: AliasRevision::default(),
    };
    Some(Serving::of(&alias, Some(target)))
}

/// What serves now, and what served before it.
pub(super) fn now(all: &[Planned]) -> String {
    let each = all.iter().map(|one| {
        let version = one.observed.wanted.map(|version| version.to_string()).unwrap_or_default();
        let before = match (&one.change, &one.observed.alias) {
            (Change::Nothing, _) => String::new(),
            (_, Some(alias)) => format!(", before it {}", alias.settled()),
            (_, None) => ", which is new".to_owned(),
        };
        format!("{}:{} serves version {version}{before}", one.observed.function, one.observed.name)
    });
    each.collect::<Vec<_>>().join("; ")
}

/// What a dry run would have done.
pub(super) fn planned(all: &[Planned]) -> String {
    let each = all.iter().map(|one| match (&one.change, &one.observed.alias) {
        (Change::Move(to), Some(alias)) => format!("{} would move from version {alias} to {to}", one.observed.function),
        (Change::Arrive(to), Some(alias)) => {
            format!(
                "{} would be waited for until version {to} serves, in place of {}",
                one.observed.function,
                alias.settled()
            )
        }
        (Change::Create(to), _) => format!("{} would get an alias at version {to}", one.observed.function),
        _ => format!("{} would stay", one.observed.function),
    });
    each.collect::<Vec<_>>().join("; ")
}

/// The function and the version it is to serve.
pub(super) fn version_of(one: &Planned) -> Option<(FunctionName, Version)> {
    Some((one.observed.function.clone(), one.observed.wanted?))
}
