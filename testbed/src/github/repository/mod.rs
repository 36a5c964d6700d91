//! A repository, as a test fills and reads it.

mod activity;
mod events;
mod git;
mod protection;
mod pull_request;
mod records;

use std::sync::Arc;

use serde_json::{Value, json};

use super::handlers::environments;
use super::inner::Inner;
use super::permissions::Grant;
use super::state;

/// A repository of a [`LocalGithub`](super::LocalGithub): what the test pushes, and what it finds there.
///
/// Private, with issues, default branch `main`, unless told otherwise. Commits are dated by the stand-in's clock.
#[derive(Debug, Clone)]
pub struct Repository {
    pub(crate) inner: Arc<Inner>,
    pub(crate) full_name: String,
}

/// Who acts when the test does.
const BOT: &str = "github-actions[bot]";

impl Repository {
    fn with<T>(&self, work: impl FnOnce(&mut state::Shared, &mut state::Repository) -> T) -> T {
        let mut state = self.inner.state();
        let (shared, repository) = state.repository(&self.full_name);
        work(shared, repository)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.with(|_, repository| repository.id)
    }

    /// The id of its owner.
    #[must_use]
    pub fn owner_id(&self) -> u64 {
        self.with(|_, repository| repository.owner_id)
    }

    /// A token of this repository with these permissions; those not named are none.
    #[must_use]
    pub fn token(&self, grants: &[Grant]) -> String {
        self.inner.issue_token(&[(self.full_name.as_str(), grants)])
    }

    /// A personal token of a user, for this repository.
    #[must_use]
    pub fn token_of(&self, login: &str, grants: &[Grant]) -> String {
        self.inner.issue_token_of(login, &[(self.full_name.as_str(), grants)])
    }

    /// Lets everyone read it.
    pub fn make_public(&self) {
        self.with(|_, repository| repository.private = false);
    }

    /// Names the default branch.
    pub fn set_default_branch(&self, name: &str) {
        self.with(|_, repository| name.clone_into(&mut repository.default_branch));
    }

    /// Switches issues off: 410 Gone.
    pub fn disable_issues(&self) {
        self.with(|_, repository| repository.has_issues = false);
    }

    /// Releases published from now on are immutable.
    pub fn enable_immutable_releases(&self) {
        self.with(|_, repository| repository.immutable_releases = true);
    }

    /// Tree listings hold at most so many entries, then `truncated`.
    pub fn truncate_trees(&self, entries: usize) {
        self.with(|_, repository| repository.tree_limit = entries);
    }

    /// Makes an environment whose jobs wait for this many minutes (0: no rule).
    pub fn environment(&self, name: &str, wait_minutes: u32) {
        self.with(|shared, repository| {
            environments::mention(shared, repository, name).wait_minutes = wait_minutes;
        });
    }

    /// The repository as `repository` of an event: name, ids, default branch.
    #[must_use]
    pub fn event(&self) -> Value {
        self.with(|_, repository| {
            json!({
                "id": repository.id,
                "name": repository.name,
                "full_name": repository.full_name(),
                "default_branch": repository.default_branch,
                "private": repository.private,
                "owner": {"login": repository.owner, "id": repository.owner_id},
            })
        })
    }
}
