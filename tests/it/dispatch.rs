//! dispatch: what becomes of the run that is started, and of the step that waits for it.

mod found;
mod refused;
mod renamed;
mod table;

use serde_json::{Value, json};
use testbed::github::{Fault, LocalGithub, Permission, Repository, RunState, Workflow, WorkflowRun};
use testbed::runner::{Report, Runner, Signal};

pub(crate) use self::table::UNDER_TEST;

struct World {
    github: LocalGithub,
    /// Ours.
    repository: Repository,
    /// The one that is asked.
    target: Repository,
    commit: String,
}

/// A `run-name:` that shows our id.
const SHOWS_INPUT: &str = "integration ${{ inputs.deploy-action-id }}";
const SHOWS_PAYLOAD: &str = "integration ${{ github.event.client_payload.deploy_action.id }}";

impl World {
    /// The target has `integration.yml`, which shows our id and whose runs take these states.
    async fn new(script: &[RunState]) -> Self {
        let world = Self::empty().await;
        world.target.add_workflow(Workflow { script: script.to_vec(), ..receiver() });
        world
    }

    async fn empty() -> Self {
        let github = LocalGithub::start().await.unwrap();
        let repository = github.repository("org/shop");
        let commit = repository.push("main", &[("a", "1")], "one");
        let target = github.repository("org/main");
        target.push("main", &[("a", "1")], "one");
        Self { github, repository, target, commit }
    }

    fn step(&self) -> Runner {
        let target = [Permission::Actions.write(), Permission::Contents.write()];
        let ours = [Permission::Statuses.read()];
        let token = self.github.token(&[("org/main", target.as_slice()), ("org/shop", ours.as_slice())]);
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("dispatch")
            .github_at(self.github.url(), "https://github.example.com")
            .token(&token)
            .repository("org/shop")
            .sha(&self.commit)
            .git_ref("refs/heads/main")
            .event("push", json!({}))
            .run_id(700)
            .input("repository", "org/main")
    }

    fn workflow(&self) -> Runner {
        self.step().input("workflow", "integration.yml")
    }

    fn event(&self) -> Runner {
        self.step().input("event-type", "service-deployed")
    }

    fn runs(&self) -> Vec<WorkflowRun> {
        self.target.runs()
    }

    /// Requests of this method, by path.
    fn asked(&self, method: &str) -> Vec<String> {
        let all = self.github.requests().into_iter().filter(|request| request.method == method);
        all.map(|request| request.path().trim_start_matches("/repos/").to_owned()).collect()
    }

    #[track_caller]
    fn assert_requests_are_good(&self) {
        assert!(self.github.invalid_requests().is_empty(), "{:?}", self.github.invalid_requests());
    }
}

fn receiver() -> Workflow {
    Workflow {
        file: "integration.yml".to_owned(),
        name: "integration".to_owned(),
        run_name: Some(SHOWS_INPUT.to_owned()),
        inputs: vec!["service".to_owned(), "deploy-action-id".to_owned()],
        ..Workflow::default()
    }
}

fn listener() -> Workflow {
    Workflow {
        run_name: Some(SHOWS_PAYLOAD.to_owned()),
        repository_dispatch: vec!["service-deployed".to_owned()],
        ..receiver()
    }
}

fn goes_well() -> Vec<RunState> {
    vec![RunState::Queued, RunState::InProgress, RunState::completed("success")]
}

/// The advice of the step's one error, a line each.
fn advice(report: &Report) -> String {
    report.error().message.clone()
}

#[tokio::test]
async fn a_run_that_github_names_and_does_not_show_yet_is_waited_for() {
    let world = World::new(&goes_well()).await;
    let unseen = Fault::on("GET", "/actions/runs/[0-9]+$").unwrap().status(404).body(json!({"message": "Not Found"}));
    world.github.fault(unseen.times(2));
    let report = world.workflow().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("conclusion"), world.runs().len()), ("success", 1));

    let gone = Fault::on("GET", "/actions/runs/[0-9]+$").unwrap().status(404).body(json!({"message": "Not Found"}));
    world.github.fault(gone.always());
    let report = world.workflow().run_id(701).input("start-timeout", "3s").run().await;
    report.assert_verdict("error", 4);
}

#[tokio::test]
async fn a_workflow_is_started_and_waited_for() {
    let world = World::new(&goes_well()).await;
    let report = world.workflow().input("inputs", "service: orders").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let [run] = world.runs().try_into().unwrap();
    assert_eq!(report.output("run-id"), run.id.to_string());
    assert_eq!(report.output("run-url"), format!("https://github.example.com/org/main/actions/runs/{}", run.id));
    assert_eq!((report.output("conclusion"), report.output("changed")), ("success", "true"));
    assert_eq!(run.inputs["service"], "orders");
    assert!(run.display_title.starts_with("integration da-"), "{}", run.display_title);
    assert!(report.log.iter().any(|line| line.contains("waiting for the result: at most")), "{report}");
    assert!(report.annotations.is_empty(), "{report}");
    assert_eq!(world.asked("POST"), ["org/main/actions/workflows/integration.yml/dispatches"]);
    world.assert_requests_are_good();
}

#[tokio::test]
async fn the_branch_is_that_of_the_run_here_and_the_default_branch_elsewhere() {
    let world = World::new(&goes_well()).await;
    world.target.push("trunk", &[("a", "2")], "two");
    world.target.set_default_branch("trunk");
    world.workflow().run().await.assert_verdict("pass", 0);
    world.workflow().input("ref", "refs/heads/main").run_id(701).run().await.assert_verdict("pass", 0);
    let branches: Vec<String> = world.runs().into_iter().map(|run| run.head_branch).collect();
    assert_eq!(branches, ["trunk", "main"]);

    world.repository.add_workflow(Workflow { script: goes_well(), ..receiver() });
    let token = world.repository.token(&[Permission::Actions.write()]);
    let here = world.workflow().input("repository", "").token(&token);
    here.run().await.assert_verdict("pass", 0);
    assert_eq!(world.repository.runs()[0].head_branch, "main");
}

#[tokio::test]
async fn only_success_is_good() {
    for conclusion in ["failure", "cancelled", "skipped", "timed_out", "neutral", "action_required", "startup_failure"]
    {
        let world = World::new(&[RunState::completed(conclusion)]).await;
        let report = world.workflow().run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        let run = world.runs()[0].id;
        assert_eq!(report.output("reason"), format!("run {run} of integration.yml in org/main ended in {conclusion}"));
        assert_eq!(report.output("conclusion"), conclusion);
        let link = format!("see why: https://github.example.com/org/main/actions/runs/{run}");
        assert!(advice(&report).contains(&link), "{report}");
    }
}

#[tokio::test]
async fn a_run_that_is_run_again_is_followed() {
    let world = World::new(&[RunState::InProgress]).await;
    let running = world.workflow().start().await;
    running.wait_for("it is in progress").await;
    let run = world.runs()[0].id;
    world.target.edit_run(run, |run| {
        run.run_attempt = 2;
        run.state = RunState::Queued;
        run.script = [RunState::InProgress, RunState::completed("success")].into();
    });
    let report = running.wait().await;
    report.assert_verdict("pass", 0);
    assert!(report.output("reason").ends_with("ended in success, attempt 2"), "{report}");
    assert_eq!(world.runs().len(), 1);
}

#[tokio::test]
async fn an_approval_is_waited_for_with_its_link() {
    let world = World::new(&[RunState::Waiting]).await;
    let running = world.workflow().start().await;
    running.wait_for("it waits for an approval").await;
    let run = world.runs()[0].id;
    world.target.set_run(run, RunState::completed("success"));
    let report = running.wait().await;
    report.assert_verdict("pass", 0);
    let link = format!("it waits for an approval: https://github.example.com/org/main/actions/runs/{run}");
    assert!(report.log.iter().any(|line| line.contains(&link)), "{report}");
}

#[tokio::test]
async fn what_takes_longer_than_its_time_is_an_error_and_goes_on() {
    let world = World::new(&[RunState::Waiting]).await;
    let report = world.workflow().input("timeout", "3s").input("start-timeout", "2s").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let run = world.runs()[0].id;
    assert!(report.output("reason").contains("has no result after 3s: it waits for an approval"), "{report}");
    assert!(advice(&report).contains(&format!("it goes on: https://github.example.com/org/main/actions/runs/{run}")));
    assert!(report.output("conclusion").is_empty());
    assert_eq!(world.runs()[0].state, RunState::Waiting);
    assert_eq!(report.output("run-id"), run.to_string());
}

#[tokio::test]
async fn what_takes_longer_than_its_time_is_stopped_when_that_is_asked_for() {
    let world = World::new(&[RunState::InProgress]).await;
    let step = world.workflow().input("timeout", "3s").input("start-timeout", "2s").input("cancel-on-timeout", "true");
    let report = step.run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(advice(&report).contains("it was asked to stop, as `cancel-on-timeout` says"), "{report}");
    assert_eq!(world.runs()[0].state, RunState::completed("cancelled"));
    world.assert_requests_are_good();
}

#[tokio::test]
async fn a_signal_ends_the_wait_and_the_run_goes_on() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let world = World::new(&[RunState::InProgress]).await;
        let mut running = world.workflow().input("cancel-on-timeout", "true").start().await;
        running.wait_for("it is in progress").await;
        running.signal(signal);
        let report = running.wait().await;
        report.assert_verdict("cancelled", code).assert_runner_safe();
        let run = world.runs()[0].id;
        let link = format!("goes on: https://github.example.com/org/main/actions/runs/{run}");
        assert!(report.output("reason").contains(&link), "{report}");
        assert_eq!(world.runs()[0].state, RunState::InProgress);
    }
}

#[tokio::test]
async fn what_is_not_waited_for_is_only_started() {
    let world = World::new(&[]).await;
    let report = world.workflow().input("wait", "false").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("run-id"), world.runs()[0].id.to_string());
    assert!(report.output("reason").ends_with("was started, and is not waited for"), "{report}");
}

#[tokio::test]
async fn a_dry_run_starts_nothing() {
    let world = World::new(&goes_well()).await;
    let report = world.workflow().input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("changed"), "true");
    assert!(world.runs().is_empty());
}

/// S004: the payload's keys stay where the receiver looks for them.
#[tokio::test]
async fn an_event_carries_the_payload_as_it_was_given_and_our_id() {
    let world = World::empty().await;
    world.target.add_workflow(Workflow { script: goes_well(), ..listener() });
    let payload = r#"{"service": "zmanim", "environment": "dev", "api_url": "https://api-dev-candidate.example.com"}"#;
    let report = world.event().input("client-payload", payload).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let [run] = world.runs().try_into().unwrap();
    assert_eq!((&run.inputs["service"], &run.inputs["environment"]), (&json!("zmanim"), &json!("dev")));
    let id = run.inputs["deploy_action"]["id"].as_str().unwrap();
    assert_eq!(run.display_title, format!("integration {id}"));
    assert_eq!(report.output("run-id"), run.id.to_string());
    world.assert_requests_are_good();
}

#[tokio::test]
async fn a_status_of_our_commit_is_waited_for_and_one_of_before_does_not_count() {
    for (state, verdict, code) in [("success", "pass", 0), ("failure", "fail", 1), ("error", "fail", 1)] {
        let world = World::empty().await;
        world.target.add_workflow(listener());
        world.repository.add_commit_status(&world.commit, "Integration", "success");
        let running = world.event().input("wait-for", "status:integration").start().await;
        running.wait_for("not set yet").await;
        world.repository.add_commit_status(&world.commit, "integration", "pending");
        running.wait_for("pending").await;
        world.repository.add_commit_status(&world.commit, "other", "success");
        world.repository.add_commit_status(&world.commit, "integration", state);
        let report = running.wait().await;
        report.assert_verdict(verdict, code).assert_runner_safe();
        assert_eq!(report.output("conclusion"), state);
        world.assert_requests_are_good();
    }
}

#[tokio::test]
async fn a_run_that_ends_badly_sets_no_status_any_more() {
    let world = World::new(&[RunState::InProgress, RunState::completed("startup_failure")]).await;
    let report = world.workflow().input("wait-for", "status:integration").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").ends_with("is startup_failure"), "{report}");
}

#[tokio::test]
async fn what_several_events_start_goes_by_one_name_only() {
    let world = World::empty().await;
    world.target.add_workflow(listener());
    world.target.add_workflow(Workflow { file: "other.yml".to_owned(), ..listener() });
    let report = world.event().run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("show the id in their names"), "{report}");
    assert!(advice(&report).contains("take the id out of the `run-name:`"), "{report}");
}

/// A fault for the request that starts it.
fn at_the_start() -> Fault {
    Fault::on("POST", "dispatches").unwrap()
}

fn refusal(message: &str) -> Value {
    json!({"message": message, "documentation_url": "https://docs.github.com/rest"})
}

#[tokio::test]
async fn a_conclusion_that_is_not_known_is_an_error_that_names_it() {
    let world = World::new(&[RunState::InProgress, RunState::completed("exploded")]).await;
    let report = world.workflow().input("inputs", "service: orders").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let reason = report.output("reason");
    assert!(reason.contains("the conclusion of a workflow run is exploded"), "{reason}");
}
