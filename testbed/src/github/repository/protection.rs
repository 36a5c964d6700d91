//! What a repository's settings hold: names of secrets, protected branches, environments with rules, pull requests.

use super::Repository;
use crate::github::handlers::environments;
use crate::github::records::{BranchPolicy, PullRequest};

impl Repository {
    /// Names secrets (`secrets`) or variables (`variables`) of a scope: of the repository (an empty text), `organization`, or `environment <name>`.
    pub fn add_names(&self, kind: &str, scope: &str, names: &[&str]) {
        self.with(|_, repository| {
            let known = repository.names.entry((kind.to_owned(), scope.to_owned())).or_default();
            known.extend(names.iter().map(ToString::to_string));
        });
    }

    /// Protects a branch by a protection rule that asks for these checks.
    pub fn protect_branch(&self, branch: &str, checks: &[&str]) {
        let checks = checks.iter().map(ToString::to_string).collect();
        self.with(|_, repository| repository.protected.insert(branch.to_owned(), checks));
    }

    /// Makes an environment that waits for these people, and may be deployed from there.
    pub fn guarded_environment(&self, name: &str, reviewers: &[&str], branches: Option<BranchPolicy>) {
        self.with(|shared, repository| {
            let environment = environments::mention(shared, repository, name);
            environment.reviewers = reviewers.iter().map(ToString::to_string).collect();
            environment.branches = branches;
        });
    }

    /// The open pull requests that were made by the API: number, title, text and branches.
    #[must_use]
    pub fn pull_requests(&self) -> Vec<(u64, String, String, PullRequest)> {
        self.with(|_, repository| {
            let open = repository.issues.iter().filter(|issue| issue.open);
            let with_branches = open.filter_map(|issue| {
                let pull = repository.pull_requests.get(&issue.number)?.clone();
                Some((issue.number, issue.title.clone(), issue.body.clone().unwrap_or_default(), pull))
            });
            with_branches.collect()
        })
    }
}
