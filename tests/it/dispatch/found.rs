//! dispatch: started once, whatever becomes of the answer and of our own run.

use testbed::github::{Cut, RunState, Workflow};

use super::{World, advice, at_the_start, goes_well, listener, receiver, refusal};

#[tokio::test]
async fn a_second_attempt_takes_up_what_goes_on_or_has_succeeded() {
    for by_workflow in [true, false] {
        for state in [RunState::InProgress, RunState::completed("success")] {
            let world = World::empty().await;
            world.target.add_workflow(if by_workflow { receiver() } else { listener() });
            let step = || if by_workflow { world.workflow() } else { world.event() };
            step().input("timeout", "2s").input("start-timeout", "1s").run().await.assert_verdict("error", 4);
            let [run] = world.runs().try_into().unwrap();
            world.target.edit_run(run.id, |run| {
                run.state = state;
                run.script = [RunState::completed("success")].into();
            });
            let report = step().run_attempt(2).run().await;
            report.assert_verdict("pass", 0);
            assert_eq!((report.output("run-id"), report.output("changed")), (run.id.to_string().as_str(), "false"));
            assert_eq!(world.runs().len(), 1, "nothing was started a second time");
            // Another run of ours is another matter.
            world.target.edit_run(run.id, |run| run.state = RunState::completed("success"));
            step().run_id(701).input("wait", "false").run().await.assert_verdict("pass", 0);
            assert_eq!(world.runs().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_second_attempt_starts_anew_what_failed() {
    let world = World::new(&[RunState::completed("failure")]).await;
    world.workflow().run().await.assert_verdict("fail", 1);
    let failed = world.runs()[0].id;
    let running = world.workflow().run_attempt(2).start().await;
    let report = running.wait().await;
    report.assert_verdict("fail", 1);
    let [_, second] = world.runs().try_into().unwrap();
    assert_eq!(report.output("run-id"), second.id.to_string());
    assert_eq!(second.inputs["deploy-action-id"], world.runs()[0].inputs["deploy-action-id"]);
    // The failed one is run again by itself, and passes: the next attempt has nothing left to start.
    world.target.set_run(second.id, RunState::completed("success"));
    assert_ne!(failed, second.id);
    let report = world.workflow().run_attempt(3).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.runs().len(), 2);
}

#[tokio::test]
async fn what_is_given_otherwise_is_something_else() {
    let world = World::new(&goes_well()).await;
    for service in ["orders", "billing", "orders"] {
        world.workflow().input("inputs", format!("service: {service}")).run().await.assert_verdict("pass", 0);
    }
    let started: Vec<String> = world.runs().iter().map(|run| run.inputs["service"].to_string()).collect();
    assert_eq!(started, ["\"orders\"", "\"billing\""]);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_looked_for_and_nothing_sent_twice() {
    for by_workflow in [true, false] {
        let faults = [at_the_start().status(502).applied(), at_the_start().cut(Cut::Reset).applied()];
        for fault in faults {
            let world = World::empty().await;
            let workflow = if by_workflow { receiver() } else { listener() };
            world.target.add_workflow(Workflow { script: goes_well(), ..workflow });
            world.github.fault(fault);
            let report = if by_workflow { world.workflow() } else { world.event() }.run().await;
            report.assert_verdict("pass", 0).assert_runner_safe();
            assert_eq!(report.output("changed"), "true");
            assert_eq!((world.runs().len(), world.asked("POST").len()), (1, 1));
            assert!(report.log.iter().any(|line| line.contains("nothing is sent again before")), "{report}");
        }
    }
}

#[tokio::test]
async fn what_was_never_started_is_not_sent_again_blindly() {
    let world = World::new(&goes_well()).await;
    world.github.fault(at_the_start().status(502));
    let report = world.workflow().input("start-timeout", "2s").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(
        report.output("reason").starts_with("whether integration.yml in org/main was started is unknown"),
        "{report}"
    );
    assert_eq!(report.output("changed"), "true", "it may have been");
    assert_eq!(world.asked("POST").len(), 1);
    let report = world.workflow().run_attempt(2).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.runs().len(), 1);
}

#[tokio::test]
async fn a_run_that_never_shows_up_tells_what_the_receiver_lacks() {
    let world = World::empty().await;
    world.target.add_workflow(Workflow { run_name: None, ..listener() });
    let report = world.event().input("start-timeout", "2s").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let reason = report.output("reason");
    assert!(reason.starts_with("service-deployed in org/main was started, and no run with da-"), "{reason}");
    assert!(reason.ends_with("in its name showed up within 2s"), "{reason}");
    let told = advice(&report);
    let line = "run-name: ${{ github.workflow }} ${{ github.event.client_payload.deploy_action.id }}";
    assert!(told.contains(line), "{told}");
    assert!(told.contains(
        "it must be on the default branch of org/main, with `on: {repository_dispatch: {types: [service-deployed]}}`"
    ));
}

#[tokio::test]
async fn a_receiver_without_our_input_is_waited_for_all_the_same() {
    let world = World::empty().await;
    let workflow = Workflow { inputs: vec!["service".to_owned()], run_name: None, script: goes_well(), ..receiver() };
    world.target.add_workflow(workflow);
    let report = world.workflow().input("inputs", "service: orders").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.runs()[0].inputs["service"], "orders");
    let warning = &report.annotations[0].message;
    assert!(warning.contains("integration.yml does not take our id") && warning.contains("run-name: "), "{report}");
    assert_eq!(world.runs().len(), 1);
}

#[tokio::test]
async fn enterprise_server_before_3_21_is_asked_without_details_and_the_run_found_by_its_name() {
    let world = World::new(&goes_well()).await;
    let told = "Invalid request.\n\n\"return_run_details\" is not a permitted key.";
    world.github.fault(at_the_start().status(422).body(refusal(told)));
    let report = world.workflow().github_at(&world.github.enterprise_url(), "https://github.example.com").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("Enterprise Server before 3.21")), "{report}");
    assert_eq!(world.runs().len(), 1);
    assert_eq!(report.output("run-id"), world.runs()[0].id.to_string());

    // One that neither refuses the key nor tells the run.
    let world = World::new(&goes_well()).await;
    world.github.fault(at_the_start().status(204).applied());
    world.workflow().run().await.assert_verdict("pass", 0);
    assert_eq!(world.runs().len(), 1);
}

#[tokio::test]
async fn what_nobody_can_find_is_said_at_once() {
    let world = World::empty().await;
    world.target.add_workflow(Workflow { inputs: Vec::new(), run_name: None, ..receiver() });
    world.github.fault(at_the_start().after(1).status(204).applied());
    let report = world.workflow().run().await;
    report.assert_verdict("error", 4);
    let reason = "integration.yml in org/main was started, and GitHub does not say which run it became";
    assert_eq!(report.output("reason"), reason);
    assert!(advice(&report).contains("deploy-action-id: {type: string, required: false}"), "{report}");
}
