//! What it reports: before the write, and when it is done.

use super::plan::Observed;
use crate::context::Context;
use crate::lambda::{Alias, Version};
use crate::outcome::{Outcome, Verdict};
use crate::rollout::move_alias::{found_at, put_back_by_hand};

/// What will happen, and how to undo it by hand.
pub(super) fn announce(cx: &Context, observed: &Observed, to: Version) {
    let Some(alias) = &observed.alias else { return };
    tracing::info!("{}: {} moves from version {alias} to {to}", observed.function, alias.name);
    cx.report.section("To put back by hand", [put_back_by_hand(alias)]);
}

pub(super) fn nothing_to_do(observed: &Observed) -> Outcome {
    Outcome::skipped(format!("nothing to do: {} serves it already", observed.function))
}

/// A dry run.
pub(super) fn not_applied(observed: &Observed, to: Version) -> Outcome {
    Outcome::pass(format!("dry run, nothing was changed: {} would move to version {to}", observed.function))
}

pub(super) fn done(cx: &Context, now: &Alias, to: Version) -> Outcome {
    let (what, shown) = (format!("{}:{} afterwards", now.function, now.name), format!("version {now}"));
    cx.report.check(what, shown, format!("version {to}"), Verdict::Pass, "lambda:GetAlias");
    Outcome::pass(format!("{}:{} serves version {now}", now.function, now.name))
}

pub(super) fn superseded(observed: &Observed, found: Option<&Alias>) -> Outcome {
    let (name, function) = (&observed.name, &observed.function);
    Outcome::superseded(format!("alias {name} of {function} was changed by somebody else: it {}", found_at(found)))
        .advise("look at what serves; run the step again if this version is still wanted")
}
