//! What steps that move services of ECS share: the one write, following what ECS makes of it to its end, and what that end means.

mod deployable;
mod follow;
mod found;
mod judge;
mod per_service;
mod register;
mod time;
mod update;
mod verdict;

use std::collections::BTreeMap;

pub use self::deployable::check_deployable;
pub use self::follow::{Ended, Followed, Until, Way, follow};
pub use self::found::{Found, find};
pub use self::judge::End;
pub use self::per_service::{ExpectedRevisions, PerService};
pub use self::register::register;
pub use self::time::{at_least, at_most};
pub use self::update::{is_unanswered, update};
pub use self::verdict::{outcome, told};
use crate::ecs::{ContainerName, Revision};
use crate::oci::Digest;

/// What a service is brought to, and from where.
#[derive(Clone, Debug)]
pub struct Goal {
    /// The task definition that it is given.
    pub revision: Revision,
    /// What must run, by container.
    pub images: BTreeMap<ContainerName, Digest>,
    /// What it had before.
    pub before: Option<Revision>,
}
