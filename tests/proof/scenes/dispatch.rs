//! dispatch of a workflow of the same repository, and of an event.

use testbed::github::{RunState, Workflow};

use super::Stage;

/// The receiver: it shows our id in the names of its runs, which end well.
fn receiver() -> Workflow {
    Workflow {
        file: "integration.yml".to_owned(),
        name: "integration".to_owned(),
        run_name: Some(
            "integration ${{ inputs.deploy-action-id }}${{ github.event.client_payload.deploy_action.id }}".to_owned(),
        ),
        inputs: vec!["service".to_owned(), "deploy-action-id".to_owned()],
        repository_dispatch: vec!["service-deployed".to_owned()],
        script: vec![RunState::InProgress, RunState::completed("success")],
    }
}

pub(super) async fn workflow() -> Stage {
    let stage = Stage::new().await;
    stage.repository.add_workflow(receiver());
    stage.input("workflow", "integration.yml").input("inputs", "service: orders").input("start-timeout", "3s")
}

pub(super) async fn event() -> Stage {
    let stage = Stage::new().await;
    stage.repository.add_workflow(receiver());
    stage
        .input("event-type", "service-deployed")
        .input("client-payload", "service: orders")
        .input("start-timeout", "3s")
}
