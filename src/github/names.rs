//! Names of secrets and variables. Values of secrets cannot be read by anybody; those of variables are not kept.

use std::fmt;

use anyhow::Result;
use serde::Deserialize;

use super::client::Github;
use crate::text::escape::RESERVED;

/// What has names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedKind {
    /// Secrets of Actions.
    Secrets,
    /// Variables of Actions.
    Variables,
}

impl NamedKind {
    /// One of them.
    #[must_use]
    pub const fn singular(self) -> &'static str {
        match self {
            Self::Secrets => "secret",
            Self::Variables => "variable",
        }
    }
}

/// Whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameScope {
    /// The environment's of this name.
    Environment(String),
    /// The repository's.
    Repository,
    /// Those of the organization that the repository may use.
    Organization,
}

impl fmt::Display for NameScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Repository => f.write_str("the repository"),
            Self::Organization => f.write_str("the organization"),
        }
    }
}

impl Github {
    /// The names of secrets or variables. No token of a job may read them: it takes one of a GitHub App or a person.
    /// <https://docs.github.com/en/rest/actions/secrets>, <https://docs.github.com/en/rest/actions/variables>
    pub async fn names(&self, kind: NamedKind, scope: &NameScope) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(alias = "variables")]
            secrets: Vec<Named>,
        }
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let kind = format!("{}s", kind.singular());
        let route = match scope {
            NameScope::Environment(name) => {
                format!("environments/{}/{kind}", percent_encoding::utf8_percent_encode(name, RESERVED))
            }
            NameScope::Repository => format!("actions/{kind}"),
            NameScope::Organization => format!("actions/organization-{kind}"),
        };
        let what = format!("list the names of {kind} of {scope}");
        let listed = self.pages(&what, &route, |page: Page| page.secrets, |_| false).await?;
        Ok(listed.entries.into_iter().map(|one| one.name).collect())
    }
}
