//! The inputs of this step.

use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{
    BranchOrTag, ClientPayload, EventType, ID_INPUT, ID_PROPERTY, LARGEST, MOST_INPUTS, MOST_PROPERTIES, WaitFor,
    WorkflowFile, WorkflowInputs,
};
use crate::action::inputs::{Flag, Inputs, Problems, Span};
use crate::github::RepositoryName;

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Dispatch {
    /// The repository whose workflow is started. Without it, this one.
    pub(super) repository: Option<RepositoryName>,
    /// The workflow to start, by its file: it must have `on: workflow_dispatch`.
    pub(super) workflow: Option<WorkflowFile>,
    /// Instead of `workflow`: send a `repository_dispatch` of this type.
    pub(super) event_type: Option<EventType>,
    /// With `workflow`: the branch or tag whose file is run. Without it, this run's in this repository, the default branch in others.
    pub(super) r#ref: Option<BranchOrTag>,
    /// With `workflow`: its inputs.
    pub(super) inputs: Option<WorkflowInputs>,
    /// With `event-type`: what the receiver finds in `github.event.client_payload`.
    pub(super) client_payload: Option<ClientPayload>,
    /// Wait for the result.
    #[serde(default = "defaults::wait")]
    pub(super) wait: Flag,
    /// How long a run may take to show up, within `timeout`.
    #[serde(default = "defaults::start_timeout")]
    pub(super) start_timeout: Span,
    /// What is waited for: the run, or a status of our commit that somebody sets.
    #[serde(default)]
    pub(super) wait_for: WaitFor,
    /// Ask the run to stop when the time is over.
    #[serde(default)]
    pub(super) cancel_on_timeout: Flag,
}

mod defaults {
    use super::{Flag, Span};

    pub(super) fn wait() -> Flag {
        Flag(true)
    }

    pub(super) fn start_timeout() -> Span {
        Span::minutes(2)
    }
}

impl Inputs for Dispatch {
    fn check(&self, problems: &mut Problems) {
        let by_workflow = self.workflow.is_some();
        problems.add_if(
            by_workflow == self.event_type.is_some(),
            "give either the input `workflow` or the input `event-type`",
        );
        problems.add_if(
            self.workflow.as_ref().is_some_and(|file| !file.is_file()),
            "input `workflow` must be a file, `integration.yml`: GitHub starts no workflow by its name",
        );
        problems.add_if(
            self.r#ref.is_some() && !by_workflow,
            "input `ref` goes with `workflow`: a `repository_dispatch` runs the default branch",
        );
        problems.add_if(
            self.inputs.is_some() && !by_workflow,
            "input `inputs` goes with `workflow`: with `event-type` give `client-payload`",
        );
        problems.add_if(
            self.client_payload.is_some() && by_workflow,
            "input `client-payload` goes with `event-type`: with `workflow` give `inputs`",
        );
        problems.add_if(self.cancel_on_timeout.0 && !self.wait.0, "input `cancel-on-timeout` needs `wait: true`");
        problems.add_if(self.start_timeout == Span::seconds(0), "input `start-timeout` must be longer than 0s");
        self.check_limits(problems);
    }
}

impl Dispatch {
    fn check_limits(&self, problems: &mut Problems) {
        for (input, given, most, ours) in [
            ("inputs", self.inputs.as_ref().map(|inputs| &inputs.0), MOST_INPUTS, ID_INPUT),
            ("client-payload", self.client_payload.as_ref().map(|payload| &payload.0), MOST_PROPERTIES, ID_PROPERTY),
        ] {
            let Some(given) = given else { continue };
            let left = most - 1;
            problems.add_if(
                given.len() > left,
                format!("input `{input}` must hold at most {left} names: GitHub takes {most}, and one is `{ours}`"),
            );
            problems.add_if(
                given.contains_key(ours),
                format!("input `{input}` must not hold `{ours}`: this step fills it"),
            );
            let size = serde_json::to_string(given).map_or(0, |text| text.chars().count()) + 64;
            problems.add_if(
                size > LARGEST,
                format!("input `{input}` must be shorter: GitHub takes {LARGEST} characters in all"),
            );
        }
    }
}
