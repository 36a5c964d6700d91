//! Where a deployment leads, and how far it is followed.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// How far a deployment is followed.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Until {
    /// To its end.
    #[default]
    Complete,
    /// Until the new tasks have all of the traffic: the bake time is not waited for.
    TrafficShifted,
    /// Until it waits for an answer.
    Paused,
}

/// What a pause means to who follows a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtPause {
    /// Somebody else answers.
    #[default]
    Wait,
    /// It ends there.
    End,
    /// It is answered, which takes this long at the most; all are looked at again after that.
    Answer(Duration),
}

/// How far deployments are followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// To where.
    pub until: Until,
    /// What is done at a pause.
    pub at_pause: AtPause,
    /// Whether it goes on until no task of before runs.
    pub drained: bool,
}
