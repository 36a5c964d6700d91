//! Starting workflows.

use anyhow::Result;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::Github;
use super::tags::encode;
use crate::calls::retry::Kind;

/// What a `workflow_dispatch` is sent with.
#[derive(Debug, Serialize)]
pub struct WorkflowDispatch<'a> {
    /// Branch or tag whose file is run; no commit.
    pub r#ref: &'a str,
    /// By name; values are text.
    pub inputs: Map<String, Value>,
    /// Whether the answer tells the run. GitHub has it since 2026-02-19, Enterprise Server since 3.21.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub return_run_details: bool,
}

impl Github {
    /// Starts a workflow by its file. Answers the run's number, if GitHub tells it. Sent once: whoever gets no answer looks for
    /// the run before sending it again.
    /// <https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event>
    pub async fn dispatch_workflow(
        &self,
        what: &str,
        workflow: &str,
        dispatch: &WorkflowDispatch<'_>,
    ) -> Result<Option<u64>> {
        #[derive(Deserialize)]
        struct Details {
            workflow_run_id: u64,
        }
        let route = format!("actions/workflows/{}/dispatches", encode(workflow));
        let details: Option<Details> = self.change(what, Kind::Once, (Method::POST, &route), dispatch).await?;
        Ok(details.map(|details| details.workflow_run_id))
    }

    /// Sends a `repository_dispatch`: every workflow of the default branch that names the event type is started, and GitHub
    /// tells nothing of them. Sent once, as [`dispatch_workflow`](Self::dispatch_workflow).
    /// <https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event>
    pub async fn dispatch_event(&self, what: &str, event_type: &str, payload: &Value) -> Result<()> {
        let body = json!({"event_type": event_type, "client_payload": payload});
        let _: Value = self.change(what, Kind::Once, (Method::POST, "dispatches"), &body).await?;
        Ok(())
    }

    /// The default branch.
    /// <https://docs.github.com/en/rest/repos/repos#get-a-repository>
    pub async fn default_branch(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct Repository {
            default_branch: String,
        }
        let what = format!("read the default branch of {}", self.repository());
        let repository: Repository = self.get(&what, "").await?;
        Ok(repository.default_branch)
    }
}
