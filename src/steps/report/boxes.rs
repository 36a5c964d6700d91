//! The boxes: what a deployment must have to be complete, by the levels of the invariants, and which steps verify it.

/// The levels, in the order in which they are shown.
pub(super) const LEVELS: [(u8, &str); 5] = [
    (4, "Configuration: secrets, protection of branches"),
    (3, "Infrastructure: registry, functions, services, sites"),
    (2, "Data: one artifact, by its digest"),
    (1, "Service: deployed, healthy, tested, watched"),
    (0, "Users: what serves is known, recorded, and people were told"),
];

/// One box.
#[derive(Debug)]
pub(super) struct CheckBox {
    /// Its level.
    pub(super) level: u8,
    /// Its name, as `require` has it.
    pub(super) id: &'static str,
    /// What is verified.
    pub(super) title: &'static str,
    /// What verifies it: any of these, and none that fails.
    pub(super) by: &'static [By],
}

/// What verifies a box.
#[derive(Debug)]
pub(super) enum By {
    /// A step of this name that passed.
    Step(&'static str),
    /// Checks of preflight of this kind: the first word of their names.
    Preflight(&'static str),
}

impl By {
    /// Its name, for people.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Step(step) => (*step).to_owned(),
            Self::Preflight(kind) => format!("preflight ({kind})"),
        }
    }
}

use By::{Preflight, Step};

/// All boxes but those of the budgets.
pub(super) const BOXES: &[CheckBox] = &[
    CheckBox {
        level: 4,
        id: "secrets",
        title: "Secrets and variables are set",
        by: &[Preflight("github"), Preflight("secrets-manager")],
    },
    CheckBox { level: 4, id: "doppler", title: "Secrets can be fetched from Doppler", by: &[Preflight("doppler")] },
    CheckBox {
        level: 4,
        id: "protection",
        title: "Branches and tags are protected",
        by: &[Preflight("branch-protection"), Preflight("tag-protection")],
    },
    CheckBox {
        level: 3,
        id: "registry",
        title: "The registry has and keeps the images",
        by: &[Preflight("ecr"), Step("inventory")],
    },
    CheckBox {
        level: 3,
        id: "targets",
        title: "Functions or services are there, with their roles",
        by: &[Preflight("function"), Preflight("ecs"), Preflight("role")],
    },
    CheckBox { level: 3, id: "site", title: "The site's bucket and distribution are there", by: &[Preflight("site")] },
    CheckBox {
        level: 2,
        id: "release-tag",
        title: "The release tag is on the branch, and newer than the last",
        by: &[Step("validate-tag")],
    },
    CheckBox {
        level: 2,
        id: "artifact",
        title: "The artifact that was tested is the one that is deployed, by its digest",
        by: &[Step("promote-artifact"), Step("deploy-service"), Step("promote-site")],
    },
    CheckBox {
        level: 2,
        id: "version",
        title: "What is deployed is a version of its own",
        by: &[Step("publish-version"), Step("deploy-service")],
    },
    CheckBox {
        level: 1,
        id: "smoke-test",
        title: "The version answers before users get it",
        by: &[Step("smoke-test")],
    },
    CheckBox {
        level: 1,
        id: "deploy",
        title: "It serves, and was read back",
        by: &[Step("swap-alias"), Step("deploy-service"), Step("publish-site"), Step("promote-site")],
    },
    CheckBox { level: 1, id: "health", title: "The health check passes", by: &[Step("health-check-with-backoff")] },
    CheckBox { level: 1, id: "monitor", title: "No errors in the first minutes", by: &[Step("monitor")] },
    CheckBox {
        level: 0,
        id: "record",
        title: "The deployment is recorded as succeeded",
        by: &[Step("finish-deployment")],
    },
    CheckBox { level: 0, id: "told", title: "People were told", by: &[Step("notify")] },
];
