//! Deployments and their statuses, as GitHub's API has them.
//!
//! <https://docs.github.com/en/rest/deployments/deployments>, <https://docs.github.com/en/rest/deployments/statuses>

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::client::{Github, Listed};
use super::moment;
use crate::action::inputs::EnvironmentName;
use crate::calls::enumeration;
use crate::calls::retry::Kind;
use crate::text::Foreign;

/// GitHub refuses longer descriptions of statuses.
const DESCRIPTION: usize = 140;

/// A deployment.
#[derive(Clone, Debug, Deserialize)]
pub struct Deployment {
    /// Its number.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// `deploy` or `deploy:rollback` for ours.
    #[serde(default)]
    pub task: String,
    /// The environment.
    pub environment: String,
    /// Whatever its maker put in; text that is JSON for some makers.
    #[serde(default)]
    pub payload: Value,
    /// RFC 3339.
    #[serde(default)]
    pub created_at: String,
}

/// A deployment to be made.
#[derive(Debug, Serialize)]
pub struct NewDeployment<'a> {
    /// The commit, never a branch: a branch moves.
    pub r#ref: &'a str,
    /// `deploy` or `deploy:rollback`.
    pub task: &'a str,
    /// The environment.
    pub environment: &'a str,
    /// Our payload.
    pub payload: &'a Value,
    /// One line.
    pub description: &'a str,
    /// Never: GitHub would merge the default branch into the commit instead of deploying it.
    pub auto_merge: bool,
    /// Always none: the workflow decides, not GitHub.
    pub required_contexts: [&'a str; 0],
    /// Shown as production.
    pub production_environment: bool,
}

/// A status of a deployment.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// What it says.
    pub state: State,
    /// At most 140 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// The environment of the deployment at that moment.
    #[serde(default)]
    pub environment: String,
    /// RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// The address of what was deployed; empty where none is given.
    #[serde(default)]
    pub environment_url: Option<String>,
}

enumeration! {
    /// The states of a deployment (<https://docs.github.com/en/rest/deployments/statuses>; `waiting` is what a job's own deployment
    /// has while somebody is asked to approve it).
    State of "the state of a deployment" {
        /// Not begun.
        Queued = "queued",
        /// Not begun.
        Pending = "pending",
        /// It waits for an approval.
        Waiting = "waiting",
        /// Going on.
        InProgress = "in_progress",
        /// Everything passed.
        Success = "success",
        /// Judged bad, or withdrawn.
        Failure = "failure",
        /// Not judged.
        Error = "error",
        /// Replaced by a newer one.
        Inactive = "inactive",
    }
}

impl Status {
    /// When it was given, by GitHub's clock.
    #[must_use]
    pub fn at(&self) -> Option<OffsetDateTime> {
        moment(&self.created_at)
    }

    /// One that was given just now.
    #[must_use]
    pub fn now(state: State, description: &str) -> Self {
        let description = Some(description.to_owned());
        Self { state, description, environment: String::new(), created_at: String::new(), environment_url: None }
    }
}

#[cfg(test)]
impl Status {
    /// Statuses as GitHub lists them, from states and descriptions in the order in which they were written.
    pub(crate) fn newest_first(written: &[(&str, &str)]) -> Vec<Self> {
        let status =
            |(state, description): &(&str, &str)| Self::now((*state).to_owned().try_into().unwrap(), description);
        written.iter().rev().map(status).collect()
    }
}

impl Github {
    /// Makes a deployment. Not sent again when its answer is lost: it may have been made.
    pub async fn create_deployment(&self, new: &NewDeployment<'_>) -> Result<Deployment> {
        let what = format!("create a deployment to {}", new.environment);
        let new = NewDeployment { description: &public_description(new.description), ..*new };
        self.post(&what, Kind::Once, "deployments", &new).await
    }

    /// The deployment of this number.
    pub async fn deployment(&self, id: u64) -> Result<Deployment> {
        self.get(&format!("read deployment {id}"), &format!("deployments/{id}")).await
    }

    /// The deployments to an environment, newest first, until there are `enough`.
    pub async fn deployments(
        &self,
        environment: &EnvironmentName,
        enough: impl FnMut(&[Deployment]) -> bool,
    ) -> Result<Listed<Deployment>> {
        let what = format!("list the deployments to {environment}");
        let route = format!("deployments?environment={}", environment.in_records());
        self.pages(&what, &route, |page: Vec<Deployment>| page, enough).await
    }

    /// The deployments to every environment, newest first, until there are `enough`.
    pub async fn all_deployments(&self, enough: impl FnMut(&[Deployment]) -> bool) -> Result<Listed<Deployment>> {
        self.pages("list the deployments", "deployments", |page: Vec<Deployment>| page, enough).await
    }

    /// The statuses of a deployment, newest first.
    pub async fn statuses(&self, deployment: u64) -> Result<Vec<Status>> {
        let what = format!("list the statuses of deployment {deployment}");
        self.list(&what, &format!("deployments/{deployment}/statuses"), |_| false).await
    }

    /// Adds a status. Repeatable: the same status twice says the same.
    pub async fn add_status(
        &self,
        deployment: u64,
        state: State,
        description: &str,
        environment_url: Option<&str>,
    ) -> Result<()> {
        #[derive(Serialize)]
        struct New<'a> {
            state: State,
            description: String,
            auto_inactive: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            log_url: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            environment_url: Option<&'a str>,
        }
        let new = New {
            state,
            description: public_description(description),
            auto_inactive: false,
            log_url: self.run_url.clone(),
            environment_url,
        };
        let what = format!("add a status to deployment {deployment}");
        let _: Value = self.post(&what, Kind::Repeatable, &format!("deployments/{deployment}/statuses"), &new).await?;
        Ok(())
    }
}

/// A description as the repository may show it: one short line, without secrets and account ids.
pub(super) fn public_description(description: &str) -> String {
    shortened(&Foreign::new(description).for_record(usize::MAX))
}

/// At most 140 characters, which GitHub counts, not bytes.
fn shortened(description: &str) -> String {
    if description.chars().count() <= DESCRIPTION {
        return description.to_owned();
    }
    let kept: String = description.chars().take(DESCRIPTION - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_hold_neither_secrets_nor_account_ids() {
        crate::text::secrets::Secret::new("ghs_described_0123").remember();
        let message = "failed with ghs_described_0123\non arn:aws:lambda:eu-west-1:900011116666:function:api";
        assert_eq!(public_description(message), "failed with *** on arn:aws:lambda:eu-west-1:*:function:api");
        assert_eq!(public_description(&"x".repeat(200)).chars().count(), DESCRIPTION);
    }

    #[test]
    fn descriptions_have_at_most_140_characters() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"ü".repeat(140)).chars().count(), 140);
        assert_eq!(shortened(&"ü".repeat(141)).chars().count(), 140);
    }
}
