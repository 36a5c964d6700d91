//! What the routes do, one kind of record a file.

pub(crate) mod checks;
pub(crate) mod commits;
pub(crate) mod deployments;
pub(crate) mod environments;
pub(crate) mod git_writes;
pub(crate) mod issues;
pub(crate) mod labels;
pub(crate) mod merges;
pub(crate) mod names;
pub(crate) mod oidc;
pub(crate) mod pulls;
pub(crate) mod refs;
pub(crate) mod releases;
pub(crate) mod repositories;
pub(crate) mod rulesets;
pub(crate) mod runs;
pub(crate) mod statuses;
pub(crate) mod workflows;
