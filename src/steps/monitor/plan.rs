//! What monitor will watch: pure.

use super::inputs::Monitor;
use super::observe::Observed;
use crate::outcome::Outcome;
use crate::rollout::gate::{Gate, Planned};
use crate::watch::values::OnBad;

impl Monitor {
    /// The gate of what was observed.
    pub(super) fn gate<'a>(&'a self, observed: &'a Observed) -> Gate<'a> {
        Gate {
            inputs: &observed.gate,
            functions: observed.functions.iter().map(|one| (&one.watched, &one.function)).collect(),
            balancers: &observed.balancers,
            since: observed.since,
            window: self.window.0,
            gates: 1,
            share: None,
            rollback_above: self.rollback_above.0,
        }
    }
}

/// Makes the watch of what was observed.
pub(super) fn plan(step: &Monitor, observed: &Observed) -> Result<Planned, Outcome> {
    let Planned { mut watch, division, unseen } = step.gate(observed).plan()?;
    watch.goes_on_to_roll_back =
        step.on_failure == OnBad::Rollback && step.rollback_above > step.gate.common.fail_above;
    Ok(Planned { watch, division, unseen })
}
