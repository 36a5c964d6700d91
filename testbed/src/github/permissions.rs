//! Tokens and what they may do.

use std::collections::BTreeMap;

/// A permission of `GITHUB_TOKEN`, as `permissions:` in a workflow names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// `actions`: workflow runs and `workflow_dispatch`.
    Actions,
    /// `checks`: check runs.
    Checks,
    /// `contents`: refs, commits, releases and `repository_dispatch`.
    Contents,
    /// `deployments`: deployments and their statuses.
    Deployments,
    /// `environments`: secrets and variables of environments. No token of a job has it.
    Environments,
    /// `id-token`: the job's OIDC token.
    IdToken,
    /// `issues`: issues, labels and comments.
    Issues,
    /// `metadata`: the repository itself; every token may read it.
    Metadata,
    /// `pull-requests`.
    PullRequests,
    /// `secrets`: names of secrets. No token of a job has it.
    Secrets,
    /// `statuses`: commit statuses.
    Statuses,
    /// `actions_variables`: variables. No token of a job has it.
    Variables,
}

impl Permission {
    /// This permission, to read.
    #[must_use]
    pub const fn read(self) -> Grant {
        Grant { permission: self, access: Access::Read }
    }

    /// This permission, to read and write.
    #[must_use]
    pub const fn write(self) -> Grant {
        Grant { permission: self, access: Access::Write }
    }

    /// The name in the header `x-accepted-github-permissions`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Actions => "actions",
            Self::Checks => "checks",
            Self::Contents => "contents",
            Self::Deployments => "deployments",
            Self::Environments => "environments",
            Self::IdToken => "id_token",
            Self::Issues => "issues",
            Self::Metadata => "metadata",
            Self::PullRequests => "pull_requests",
            Self::Secrets => "secrets",
            Self::Statuses => "statuses",
            Self::Variables => "actions_variables",
        }
    }
}

/// How far a permission goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Read only.
    Read,
    /// Read and write.
    Write,
}

/// One permission with its access: `Permission::Contents.read()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// What.
    pub permission: Permission,
    /// How far.
    pub access: Access,
}

impl Grant {
    /// `deployments=write`, as the header writes it.
    pub(crate) fn accepted(self) -> String {
        let access = match self.access {
            Access::Read => "read",
            Access::Write => "write",
        };
        format!("{}={access}", self.permission.name())
    }
}

/// Everything the product can need, for tests that are about something else.
pub const ALL: &[Grant] = &[
    Permission::Actions.write(),
    Permission::Checks.write(),
    Permission::Contents.write(),
    Permission::Deployments.write(),
    Permission::Environments.read(),
    Permission::IdToken.write(),
    Permission::Issues.write(),
    Permission::PullRequests.write(),
    Permission::Secrets.read(),
    Permission::Statuses.write(),
    Permission::Variables.read(),
];

/// A token GitHub issued: who it acts as, and what it may do where.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) actor: String,
    pub(crate) repositories: BTreeMap<String, BTreeMap<Permission, Access>>,
}

impl Token {
    pub(crate) fn grant(&mut self, repository: &str, grants: &[Grant]) {
        self.repositories
            .insert(repository.to_lowercase(), grants.iter().map(|grant| (grant.permission, grant.access)).collect());
    }

    pub(crate) fn sees(&self, repository: &str) -> bool {
        self.repositories.contains_key(&repository.to_lowercase())
    }

    pub(crate) fn allows(&self, repository: &str, needed: Grant) -> bool {
        let Some(granted) = self.repositories.get(&repository.to_lowercase()) else {
            return false;
        };
        needed == Permission::Metadata.read()
            || granted.get(&needed.permission).is_some_and(|access| *access >= needed.access)
    }
}
