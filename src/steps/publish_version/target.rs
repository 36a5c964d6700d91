//! One function that is to be deployed to.

use std::rc::Rc;

use super::plan::Plan;
use crate::lambda::{Alias, Code, CodeId, Function, Version};
use crate::rollout::put_back::Before;

/// One function, with everything the decision needs.
#[derive(Debug)]
pub(super) struct Target {
    /// As it is now, with nothing in progress.
    pub(super) function: Function,
    /// The newest of its versions.
    pub(super) newest: Option<Function>,
    /// The alias users call.
    pub(super) alias: Option<Alias>,
    /// What is to be published, by name.
    pub(super) id: CodeId,
    /// The same, to be sent.
    pub(super) code: Rc<Code>,
    /// The permission for want of which the image could not be looked at.
    pub(super) denied: Option<String>,
    pub(super) plan: Plan,
    /// With `traffic: latest`, what serves until now; `None` when there is no version of it.
    pub(super) previous: Option<Before>,
}

impl Target {
    pub(super) fn newest_version(&self) -> Option<Version> {
        self.newest.as_ref().and_then(|newest| newest.version)
    }

    /// The version that served before this step.
    pub(super) fn previous_version(&self) -> Option<Version> {
        let before = self.previous.as_ref().and_then(|before| before.version.version);
        before.or_else(|| self.alias.as_ref().and_then(Alias::serving))
    }
}
