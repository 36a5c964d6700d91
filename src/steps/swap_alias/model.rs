//! What swap-alias finds, and what it is asked.

use crate::action::inputs::CommitSha;
use crate::aws::Location;
use crate::github::Ancestry;
use crate::lambda::{Alias, AliasName, Function, FunctionName, Version};
use crate::rollout::proof::Proof;
use crate::rollout::provisioned::{Provision, points_to};
use crate::rollout::strategy::Strategy;
use crate::rollout::targets::ExpectedCurrent;

/// One function as it was found.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    /// The function.
    pub function: FunctionName,
    /// The alias's name.
    pub name: AliasName,
    /// Where it is.
    pub location: Location,
    /// The version asked for; `None` when the alias that names it points to none.
    pub wanted: Option<Version>,
    /// That version; `None` when there is none.
    pub target: Option<Function>,
    /// The alias; `None` when there is none.
    pub alias: Option<Alias>,
    /// The version that serves.
    pub current: Option<Function>,
    /// The alias's provisioned concurrency.
    pub provision: Provision,
    /// Where the new commit stands to the one that serves; `None` when it is unknown.
    pub ancestry: Option<Ancestry>,
}

impl Observed {
    /// True when this step brought the alias to where it is.
    pub(super) fn is_at(&self, now: &Alias) -> bool {
        self.wanted.is_some_and(|wanted| match &self.alias {
            Some(before) => points_to(now, before, wanted),
            None => now.serves_only(wanted),
        })
    }
}

/// What was asked, apart from the versions.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an input of its own")]
pub(super) struct Policy<'a> {
    pub alias: &'a AliasName,
    pub strategy: &'a Strategy,
    pub expected_current: Option<&'a ExpectedCurrent>,
    pub expected_commit: Option<&'a CommitSha>,
    pub create_alias: bool,
    pub proof: Option<&'a Proof>,
    pub require_proof: bool,
    pub allow_downgrade: bool,
    pub rollback_target_required: bool,
}
