//! dispatch of a workflow of the same repository, and of an event.

use deploy_action::permissions::When;
use serde_json::json;
use testbed::github::{RunState, Workflow};

use crate::hostile;
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{Scene, Stage};

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "dispatch",
    scenes: &[
        Scene::new("dispatch:workflow", || Box::pin(workflow())).floor(4, &[]),
        Scene::new("dispatch:event", || Box::pin(event()))
            .floor(3, &[(1, "GitHub does not say which run an event starts")]),
    ],
    role: &[],
    token: &[
        Variant::whole("dispatch:workflow", &[When::Workflow], &[]),
        Variant::whole("dispatch:event", &[When::EventType], &[]),
        Variant::special(
            "dispatch:event",
            "stopped",
            a::stopped,
            &[When::EventType, When::EventTypeCancelled],
            &["actions: write"],
        )
        .ends("error", 4),
        Variant::special(
            "dispatch:workflow",
            "status",
            a::by_status,
            &[When::Workflow, When::StatusAwaited],
            &["statuses: read"],
        ),
    ],
    hostile: |world| {
        let dispatch = world.step("dispatch").input("start-timeout", "2s").input("timeout", "4s");
        let given = json!({"service": hostile::description()}).to_string();
        vec![
            dispatch.clone().input("workflow", "integration.yml").input("inputs", &given).into(),
            dispatch.input("event-type", "deployed").input("client-payload", &given).into(),
        ]
    },
};

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

async fn workflow() -> Stage {
    let stage = Stage::new().await;
    stage.repository.add_workflow(receiver());
    stage.input("workflow", "integration.yml").input("inputs", "service: orders").input("start-timeout", "3s")
}

async fn event() -> Stage {
    let stage = Stage::new().await;
    stage.repository.add_workflow(receiver());
    stage
        .input("event-type", "service-deployed")
        .input("client-payload", "service: orders")
        .input("start-timeout", "3s")
}
