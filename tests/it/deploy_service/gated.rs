//! `on-pause: continue`: a canary on ECS, judged before each step of its traffic.

use std::time::Duration;

use testbed::load::Load;
use testbed::web::{Answer, WebServer};

use super::*;
use crate::messages::says;

/// A canary of a fifth, which waits before each step of its traffic; a minute of its bake time takes six seconds. Its health is good
/// whatever it answers to others.
pub(super) async fn canary(behaviour: &str) -> Web {
    let pause = json!({"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]});
    let configuration = json!({
        "strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 20.0, "canaryBakeTimeInMinutes": 1},
        "bakeTimeInMinutes": 0, "lifecycleHooks": [pause],
    });
    let behaviour = format!("- {{when: {{path: /health}}, do: ok}}\n- {{do: {behaviour}}}");
    let web = web_with(&behaviour, shifting(configuration)).await;
    web.world.aws.settings(&Settings { ecs_minute: Some(6.0), ..Settings::default() }).await.unwrap();
    web
}

impl Web {
    pub(super) fn gated(&self) -> Runner {
        self.deploy().input("on-pause", "continue").input("window", "2s").input("settle", "1s")
    }

    fn users(&self) -> Load {
        let url = format!("{}{}/orders", self.world.aws.endpoint(), self.made.path);
        Load::start(&url, 4, Duration::from_millis(5))
    }

    /// What the hooks of the deployment were answered.
    async fn answers(&self) -> Vec<String> {
        let requests = self.world.aws.requests().await.unwrap();
        let answers = requests.iter().filter(|one| one.operation == "ContinueServiceDeployment");
        let action = |body: &str| serde_json::from_str::<Value>(body).unwrap()["action"].as_str().unwrap().to_owned();
        answers.map(|one| action(&one.body)).collect()
    }
}

#[tokio::test]
async fn ec22_a_canary_that_answers_badly_is_taken_back_and_few_users_have_met_it() {
    let web = canary("status 500").await;
    let load = web.users();
    web.world.aws.end_minute_in(8, 0).await.unwrap();
    let report = web.gated().run().await;
    let served = load.stop().await;
    report.assert_verdict("fail", 1).assert_runner_safe().assert_no_secret(&web.world.aws.id);
    let reason = report.output("reason");
    assert!(reason.contains("service web at 20 % of the traffic") && says(reason, "rate-too-high"), "{reason}");
    assert!(reason.contains("went back to what was there before"), "{reason}");
    assert_eq!(web.answers().await, ["CONTINUE", "ROLLBACK"]);
    assert!(serves(&report, &web.digests[0]), "{}", report.output("serving"));
    let (bad, all) = (served.of(&web.world.commits[1]), served.requests());
    assert!(bad > 0 && bad * 2 < all && served.failed() == bad, "{bad} of {all}: {:?}", served.lost);
    assert_eq!(web.world.records()[0].states().last(), Some(&"failure"));
    let again = web.gated().run().await;
    again.assert_verdict("fail", 1);
    assert!(again.output("reason").contains("held"), "{again}");
}

#[tokio::test]
async fn a_canary_that_answers_well_gets_all_of_the_traffic_and_nobody_else_is_asked() {
    let web = canary("ok").await;
    let load = web.users();
    web.world.aws.end_minute_in(8, 0).await.unwrap();
    let report = web.gated().run().await;
    let served = load.stop().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(web.answers().await, ["CONTINUE", "CONTINUE"]);
    assert!(serves(&report, &web.digests[1]), "{}", report.output("serving"));
    assert!(report.annotations.iter().all(|one| !one.message.contains("waits at hook")), "{report}");
    assert!(report.summary.contains("error rate of targetgroup/"), "{}", report.summary);
    assert_eq!(served.failed(), 0, "{:?}", served.lost);
}

#[tokio::test]
async fn a_share_that_nobody_met_goes_back_or_on_as_it_is_asked() {
    let web = canary("ok").await;
    let report = web.gated().run().await;
    report.assert_verdict("inconclusive", 1);
    assert_eq!(web.answers().await, ["CONTINUE", "ROLLBACK"]);
    assert!(serves(&report, &web.digests[0]), "{}", report.output("serving"));
    web.world.aws.clear_requests().await.unwrap();
    let report = web.gated().input("on-inconclusive", "proceed").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(web.answers().await, ["CONTINUE", "CONTINUE"]);
    assert!(report.warning().message.contains("the traffic moves on"), "{report}");
}

#[tokio::test]
async fn a_lost_answer_to_a_hook_is_looked_for_and_not_given_twice() {
    let web = canary("ok").await;
    let lost = Fault { drop: true, applied: true, ..fault("ContinueServiceDeployment") };
    web.world.aws.faults(&[lost]).await.unwrap();
    web.gated().input("on-inconclusive", "proceed").run().await.assert_verdict("pass", 0);
    assert_eq!(web.answers().await, ["CONTINUE", "CONTINUE"]);
}

#[tokio::test]
async fn an_address_that_answers_badly_takes_the_new_tasks_back() {
    let web = canary("ok").await;
    let server = WebServer::start([Answer::status(503)]);
    let report =
        web.gated().input("window", "5s").input("checks", "url").input("url", server.url("/health")).run().await;
    report.assert_verdict("fail", 1);
    assert!(says(report.output("reason"), "bad-answers"), "{report}");
    assert_eq!(web.answers().await, ["CONTINUE", "ROLLBACK"]);
}

#[tokio::test]
async fn what_cannot_be_judged_is_refused_before_anything_is_written() {
    let web = canary("ok").await;
    for (input, value, words) in [
        ("until", "paused", "`until: paused` ends where"),
        ("expect-version", "1", "cannot hold while the new tasks share"),
        ("synthetic-requests", "5", "`synthetic-requests`"),
    ] {
        let report = web.gated().input(input, value).run().await;
        report.assert_verdict("error", 2);
        assert!(report.error().message.contains(words), "{report}");
    }
    assert_eq!(web.world.operations().await, Vec::<String>::new());
    let alone = super::web(guarded).await;
    let report = alone.gated().run().await;
    report.assert_verdict("error", 4);
    assert!(says(report.output("reason"), "nothing-to-judge-by"), "{report}");
    assert_eq!(alone.count("UpdateService").await, 0);
    let report = alone.gated().input("alarms", "errors").run().await;
    report.assert_verdict("pass", 0);
    assert!(says(&report.warning().message, "no-pause-before-steps"), "{report}");
}
