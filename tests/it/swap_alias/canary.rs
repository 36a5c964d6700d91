//! A canary: more and more of the traffic, judged on the way, and taken back whenever it ends early.

use std::time::Duration;

use serde_json::json;
use testbed::aws::{Code, Fault, FunctionSpec, Hook, ImageSpec};
use testbed::load::Load;
use testbed::runner::{Runner, Signal};
use testbed::web::{Answer, WebServer};

use super::{fault, swap};
use crate::messages::says;
use crate::world::World;

/// A swap in two increments of a second each, of a function that nobody asks anything.
pub(super) fn canary(world: &World, function: &str, version: &str) -> Runner {
    quiet(swap(world, function, version)).input("strategy", "10% 1s, 50% 1s")
}

/// Nothing is found of a quiet function, and the traffic moves on.
pub(super) fn quiet(step: Runner) -> Runner {
    step.input("settle", "1s").input("on-inconclusive", "proceed")
}

/// A function that has been asked before, as any that serves: Lambda has made its log group.
pub(super) async fn shop(world: &World, function: &str, count: usize) {
    world.shop(function, count).await;
    world.aws.put_logs(&json!({"function": function})).await.unwrap();
}

/// The weights that were written, in order: version and share of the other one, in percent.
pub(super) async fn written(world: &World) -> Vec<(String, Vec<(String, String)>)> {
    let all = world.aws.requests().await.unwrap();
    let writes = all.iter().filter(|one| one.operation == "UpdateAlias" && !one.by_rule);
    let read = writes.map(|one| {
        let body: serde_json::Value = serde_json::from_str(&one.body).unwrap();
        let weights = body["RoutingConfig"]["AdditionalVersionWeights"].as_object().unwrap();
        let share = |weight: &serde_json::Value| format!("{:.0}%", weight.as_f64().unwrap() * 100.0);
        let weights = weights.iter().map(|(version, weight)| (version.clone(), share(weight))).collect();
        (body["FunctionVersion"].as_str().unwrap().to_owned(), weights)
    });
    read.collect()
}

pub(super) fn at(version: &str, shares: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
    (version.to_owned(), shares.iter().map(|(version, share)| ((*version).to_owned(), (*share).to_owned())).collect())
}

#[tokio::test]
async fn traffic_moves_in_increments_and_at_last_all_of_it() {
    let world = World::new().await;
    shop(&world, "shop-api", 2).await;
    let dry = canary(&world, "shop-api", "2").input("dry-run", "true").run().await;
    dry.assert_verdict("pass", 0);
    assert_eq!(written(&world).await, []);
    let report = canary(&world, "shop-api", "2").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let expected = [at("1", &[("2", "10%")]), at("1", &[("2", "50%")]), at("2", &[])];
    assert_eq!(written(&world).await, expected);
    let live = world.live("shop-api").await;
    assert_eq!((live.version.as_str(), live.weights.len()), ("2", 0));
    assert_eq!((report.output("strategy-steps"), report.output("previous-version")), ("3", "1"));
    let [record] = &world.records()[..] else { panic!("one record") };
    assert_eq!(record.states(), ["success"]);
}

#[tokio::test]
async fn several_functions_move_together_increment_by_increment() {
    let world = World::new().await;
    for name in ["shop-api", "shop-web"] {
        shop(&world, name, 2).await;
    }
    let step = world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2");
    let report = quiet(step).input("strategy", "canary 10% 1s").run().await;
    report.assert_verdict("pass", 0);
    let (first, last) = (at("1", &[("2", "10%")]), at("2", &[]));
    assert_eq!(written(&world).await, [first.clone(), first, last.clone(), last]);
}

#[tokio::test]
async fn one_that_cannot_go_on_takes_the_others_back() {
    let world = World::new().await;
    for name in ["shop-api", "shop-web"] {
        shop(&world, name, 2).await;
    }
    // The third write of shop-web is its last: shop-api has all of the traffic on its new version then.
    let denied = Fault {
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        pattern: Some("shop-web/aliases".to_owned()),
        after: 1,
        times: 1,
        ..fault("UpdateAlias")
    };
    world.aws.faults(&[denied]).await.unwrap();
    let step = world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2");
    let report = quiet(step).input("strategy", "canary 10% 1s").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    for name in ["shop-api", "shop-web"] {
        let live = world.live(name).await;
        assert_eq!((live.version.as_str(), live.weights.len()), ("1", 0), "{name}\n{report}");
        assert!(report.output("reason").contains(&format!("{name} was put back to version 1")), "{report}");
    }
}

/// The write that takes the weights away needs the revision that AWS answered, not one that is read: it was refused for an old one.
#[tokio::test]
async fn weights_are_taken_away_where_the_alias_cannot_be_read_any_more() {
    let world = World::new().await;
    shop(&world, "shop-api", 2).await;
    let denied = Fault {
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        after: 1,
        times: u32::MAX,
        ..fault("GetAlias")
    };
    world.aws.faults(&[denied]).await.unwrap();
    let report = canary(&world, "shop-api", "2").run().await;
    // What serves could not be read back, so nobody can say that it is well.
    report.assert_verdict("fail", 3).assert_runner_safe();
    world.aws.clear_faults().await.unwrap();
    let live = world.live("shop-api").await;
    assert_eq!((live.version.as_str(), live.weights.len()), ("1", 0), "{report}");
}

/// What a killed run leaves is two versions at work; the next run begins again, and one version serves at its end.
#[tokio::test]
async fn a_canary_that_was_killed_is_repaired_by_the_next_run() {
    let world = World::new().await;
    shop(&world, "shop-api", 2).await;
    let mut running = canary(&world, "shop-api", "2").input("strategy", "50% 20s").start().await;
    running.wait_for("increment 1 of 2").await;
    split(&world, "shop-api").await;
    running.kill();
    running.wait().await;
    assert_eq!(world.live("shop-api").await.weights.len(), 1);
    world.aws.clear_requests().await.unwrap();
    let report = canary(&world, "shop-api", "2").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("routing weights left over")), "{report}");
    assert_eq!(written(&world).await, [at("1", &[("2", "10%")]), at("1", &[("2", "50%")]), at("2", &[])]);
    assert!(world.live("shop-api").await.weights.is_empty());
}

#[tokio::test]
async fn a_signal_takes_the_weights_away() {
    for signal in [Signal::INT, Signal::TERM] {
        let world = World::new().await;
        shop(&world, "shop-api", 2).await;
        let mut running = canary(&world, "shop-api", "2").input("strategy", "50% 20s").start().await;
        running.wait_for("increment 1 of 2").await;
        split(&world, "shop-api").await;
        running.signal(signal);
        let report = running.wait().await;
        assert_eq!(report.output("verdict"), "cancelled", "{report}");
        assert!(report.output("reason").contains("shop-api was put back to version 1"), "{report}");
        assert!(report.output("serving").contains("version 1"), "{report}");
        let live = world.live("shop-api").await;
        assert_eq!((live.version.as_str(), live.weights.len()), ("1", 0));
        let records = world.records();
        assert!(!records[0].states().contains(&"success"), "{records:?}");
    }
}

/// Whoever moves the alias between two increments has decided, and is left alone.
#[tokio::test]
async fn somebody_who_moves_the_alias_meanwhile_supersedes_the_canary() {
    for after in 0..3 {
        let world = World::new().await;
        shop(&world, "shop-api", 3).await;
        let hook = Hook::move_alias("shop-api", "live", "3");
        let moved = Fault { before: vec![hook], after, ..fault("UpdateAlias") };
        world.aws.faults(&[moved]).await.unwrap();
        let report = canary(&world, "shop-api", "2").run().await;
        report.assert_verdict("superseded", 5).assert_runner_safe();
        assert_eq!(world.live("shop-api").await.version, "3", "{report}");
    }
}

#[tokio::test]
async fn what_an_alias_cannot_split_is_refused_before_the_write() {
    let world = World::new().await;
    shop(&world, "shop-api", 2).await;
    world.aws.provision("shop-api", "live", 1).await.unwrap();
    let report = canary(&world, "shop-api", "2").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("has provisioned concurrency"), "{report}");

    shop(&world, "shop-web", 2).await;
    let role = serde_json::json!({"Role": "arn:aws:iam::111122223333:role/other"});
    world.aws.set_configuration("shop-web", "2", &role).await.unwrap();
    let report = canary(&world, "shop-web", "2").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("have different execution roles"), "{report}");
    assert_eq!(written(&world).await, []);
}

/// Users who ask all the while are served by one version or the other, by the share it was given, and no request is lost: not by the
/// increments, nor by the last write. `CANARY_REQUESTS=10000` has them ask for longer.
#[tokio::test]
async fn users_are_served_by_their_shares_and_none_is_lost() {
    let requests: usize = std::env::var("CANARY_REQUESTS").map_or(1500, |number| number.parse().unwrap());
    let world = World::new().await;
    let mut loads = Vec::new();
    for name in ["shop-api", "shop-web"] {
        served_by_images(&world, name, "- {do: ok}").await;
        let url = address(&world, name).await;
        loads.push((url.clone(), Load::start(&url, 2, Duration::from_millis(1))));
    }
    let step = world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2");
    world.aws.end_minute_in(12, 0).await.unwrap();
    let running =
        step.input("strategy", "20% 10s").input("settle", "1s").input("on-inconclusive", "proceed").start().await;
    for name in ["shop-api", "shop-web"] {
        split(&world, name).await;
    }
    let during = Load::start(&loads[0].0, 2, Duration::from_millis(1));
    let _ = tokio::time::timeout(Duration::from_secs(7), during.wait_for(2000)).await;
    let during = during.stop().await;
    running.wait().await.assert_verdict("pass", 0);
    let mut all = 0;
    for (_, load) in loads {
        load.wait_for(requests / 2).await;
        let served = load.stop().await;
        assert_eq!(served.lost, Vec::<String>::new());
        assert!(served.answers.keys().all(|(_, status)| *status == 200), "{served:?}");
        assert!(served.of(&world.commits[0]) > 0 && served.of(&world.commits[1]) > 0, "{served:?}");
        all += served.requests();
    }
    let (asked, new) = (during.requests(), during.of(&world.commits[1]));
    println!("{all} requests, none lost; with a share of 20%, {new} of {asked} came to the new version");
    // Five standard deviations, whose square is asked * 0.2 * 0.8.
    let off = (5 * new).abs_diff(asked);
    assert!(asked > 20 && off * off < 100 * asked, "{new} of {asked}");
}

/// What users of a function ask for.
async fn address(world: &World, name: &str) -> String {
    format!("{}/health", world.aws.function_url(name, Some("live")).await.unwrap())
}

/// Waits until an alias serves two versions.
pub(super) async fn split(world: &World, name: &str) {
    while world.live(name).await.weights.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A version that fails is withdrawn, and its commit is held: the next push of it is refused.
#[tokio::test]
async fn a_bad_version_is_withdrawn_and_held() {
    let world = World::new().await;
    served_by_images(&world, "shop-api", "- {do: fail Boom}").await;
    let url = address(&world, "shop-api").await;
    let load = Load::start(&url, 4, Duration::from_millis(1));
    let step = || swap(&world, "shop-api", "2").input("strategy", "20% 6s").input("settle", "1s");
    world.aws.end_minute_in(8, 0).await.unwrap();
    let report = step().run().await;
    let served = load.stop().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let reached = served.lost.len();
    println!("{reached} of {} requests came to the bad version", served.requests());
    assert!(reached > 0 && reached * 2 < served.requests(), "{served:?}");
    let live = world.live("shop-api").await;
    assert_eq!((live.version.as_str(), live.weights.len()), ("1", 0));
    let again = step().run().await;
    again.assert_verdict("fail", 1);
    assert!(again.output("reason").contains("held"), "{again}");
}

/// Sample requests are sent for the canary's sake: as many as were asked for come to it, and what the other version answers is nobody's fault.
#[tokio::test]
async fn sample_requests_come_to_the_canary_and_only_its_answers_count() {
    let world = World::new().await;
    served_by_images(&world, "shop-api", "- {do: status 500}").await;
    let sampled = |step: Runner| {
        let step = step.input("checks", "init-errors\napp-logs").input("settle", "1s").input("strategy", "40% 5s");
        step.input("synthetic-requests", "12")
    };
    let report = sampled(swap(&world, "shop-api", "2")).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(says(report.output("reason"), "bad-answers"), "{report}");
    assert_eq!(world.live("shop-api").await.version, "1");

    served_by_images(&world, "shop-web", "- {do: ok}").await;
    world.aws.clear_requests().await.unwrap();
    let report = sampled(swap(&world, "shop-web", "2")).run().await;
    report.assert_verdict("pass", 0);
    let sent = world.aws.requests().await.unwrap().into_iter().filter(|one| one.operation == "Invoke");
    assert_eq!(sent.count(), 30, "{report}");
    let answers = report.evidence()["checks"].to_string();
    assert!(answers.contains("sample requests to shop-web:live, version 2"), "{answers}");
    assert!(answers.contains("answers were bad") && !answers.contains("of 30 answers"), "{answers}");
}

/// The step as `examples/lambda` has it, for a function that nobody else asks anything.
#[tokio::test]
async fn the_example_of_production_promotes_a_quiet_version_and_takes_a_bad_one_back() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/lambda/.github/workflows/production.yml");
    let workflow: serde_json::Value = testbed::yaml(&std::fs::read_to_string(file).unwrap()).unwrap();
    let steps = workflow["jobs"]["deploy"]["steps"].as_array().unwrap();
    let inputs = steps.iter().find(|step| step["with"]["step"] == "swap-alias").unwrap()["with"].as_object().unwrap();
    for (name, behaviour, serves) in [("shop-api", "- {do: ok}", "2"), ("shop-web", "- {do: status 500}", "1")] {
        let world = World::new().await;
        served_by_images(&world, name, behaviour).await;
        let mut step = world.step("swap-alias");
        for (input, value) in inputs.iter().filter(|(input, _)| !["step", "proof"].contains(&input.as_str())) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let value = value.replace("${{ vars.WATCH || '5m' }}", "5s").replace("${{ vars.SETTLE || 'auto' }}", "1s");
            let versions = format!("{name}=2");
            step = step.input(input, value.replace("${{ steps.publish.outputs.versions }}", &versions));
        }
        world.aws.end_minute_in(7, 0).await.unwrap();
        let report = step.run().await;
        report.assert_verdict(if serves == "2" { "pass" } else { "fail" }, i32::from(serves == "1"));
        let live = world.live(name).await;
        assert_eq!((live.version.as_str(), live.weights.len()), (serves, 0), "{report}");
    }
}

#[tokio::test]
async fn an_address_that_answers_badly_takes_the_canary_back() {
    let world = World::new().await;
    shop(&world, "shop-api", 2).await;
    let server = WebServer::start([Answer::status(503)]);
    let asked = || swap(&world, "shop-api", "2").input("strategy", "50% 5s").input("url", server.url("/health"));
    let report = asked().input("checks", "url").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(says(report.output("reason"), "bad-answers"), "{report}");
    let live = world.live("shop-api").await;
    assert_eq!((live.version.as_str(), live.weights.len()), ("1", 0));
    let report = asked().input("expect-version", "2").run().await;
    report.assert_verdict("error", 2);
    assert!(report.error().message.contains("`expect-version` cannot hold"), "{report}");
}

#[tokio::test]
async fn whether_there_is_a_function_url_is_asked_only_where_it_would_be_counted() {
    let world = World::new().await;
    shop(&world, "shop-api", 2).await;
    for (source, asked) in [("auto", 1), ("lambda", 0), ("function-url", 0), ("httpapi:a1b2/$default", 0)] {
        world.aws.clear_requests().await.unwrap();
        let dry = canary(&world, "shop-api", "2").input("dry-run", "true").input("error-rate-source", source);
        dry.run().await.assert_verdict("pass", 0);
        let all = world.aws.requests().await.unwrap();
        assert_eq!(all.iter().filter(|one| one.operation == "GetFunctionUrlConfig").count(), asked, "{source}");
    }
}

/// A function of two versions, whose code is not run in processes of its own, so that much can be asked of it. The second does this.
async fn served_by_images(world: &World, name: &str, behaviour: &str) {
    let repository = format!("shop/{name}");
    world.aws.create_repository(&repository).await.unwrap();
    for (place, does) in ["- {do: ok}", behaviour].into_iter().enumerate() {
        let spec = ImageSpec::new(&repository).release("1.0.0", &world.commits[place]).behaviour(does);
        let digest = world.aws.push_image(&spec).await.unwrap();
        let uri = world.aws.image_uri(&repository, &digest);
        match place {
            0 => world.aws.create_function(&FunctionSpec::image(name, &uri)).await.unwrap(),
            _ => world.aws.update_code(name, &Code::Image(uri)).await.unwrap(),
        };
        world.aws.publish(name, &world.commits[place]).await.unwrap();
    }
    world.aws.create_alias(name, "live", "1").await.unwrap();
}
