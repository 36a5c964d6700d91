//! What the local GitHub promises the tests that use it.

#[path = "github/activity.rs"]
mod activity;
#[path = "github/client.rs"]
mod client;
#[path = "github/deployments.rs"]
mod deployments;
#[path = "github/faults.rs"]
mod faults;
#[path = "github/git.rs"]
mod git;
#[path = "github/oidc.rs"]
mod oidc;
#[path = "github/permissions.rs"]
mod permissions;
