//! `examples/preview`: a pull request's preview of a zip function, and its end.

use testbed::aws::{FunctionSpec, zips};
use testbed::engine::Run;

use crate::world::{World, assert_verdict, job};

const FUNCTION: &str = "shop-preview";
/// The first number that GitHub gives in a new repository.
const NUMBER: u64 = 1;

async fn world() -> World {
    let world = World::of("preview").await;
    world.merge("what is on main");
    let before = zips::python("def handler(event, context):\n    return {'statusCode': 503}\n");
    world
        .aws
        .create_function(&FunctionSpec::zip(FUNCTION, before).runtime("python3.12", "handler.handler"))
        .await
        .unwrap();
    world.role("preview").await;
    assert_eq!(world.repository.add_pull_request("octocat", "A change"), NUMBER);
    world
}

/// The run of what happened to the pull request, whose head is this commit; `owner` has the fork it comes from.
async fn happened(world: &World, action: &str, head: &str, owner: Option<&str>, run: u64) -> Run {
    let event = world.repository.pull_request_event(action, NUMBER, head, owner);
    world
        .run(&format!("{action} {run}"), "preview.yml", &job("pull_request", "refs/pull/1/merge", head, "preview", run))
        .event(event)
        .var("DEPLOY_ROLE", &world.aws.role_arn("deploy-preview"))
        .var("PREVIEW_URL", "https://pr-{0}.preview.example.com")
        .run()
        .await
        .unwrap()
}

fn last_states(world: &World) -> Vec<String> {
    world.records("pr-1").iter().map(|record| record.states().last().unwrap().to_string()).collect()
}

fn comments(world: &World) -> Vec<String> {
    world.repository.comments(NUMBER).into_iter().map(|comment| comment.body).collect()
}

#[tokio::test]
async fn a_pull_request_has_a_preview_until_it_is_closed() {
    let world = world().await;
    let first = world.repository.push("feature", &[("README.md", "one")], "one");
    let opened = happened(&world, "opened", &first, None, 51).await;
    opened.assert_success(true);
    for step in ["resolve", "publish", "smoke", "swap", "notify"] {
        assert_verdict(&opened, step, "pass");
    }
    assert_eq!(opened.job("end").result, "skipped");
    assert_eq!(world.serves(FUNCTION, "pr-1").await, "1");
    assert_eq!(
        (world.records("pr-1")[0].sha.as_str(), last_states(&world)),
        (first.as_str(), vec!["success".to_owned()])
    );
    let [comment] = comments(&world).try_into().unwrap();
    assert!(comment.contains("https://pr-1.preview.example.com"), "{comment}");

    let second = world.repository.push("feature", &[("README.md", "two")], "two");
    let pushed = happened(&world, "synchronize", &second, None, 52).await;
    pushed.assert_success(true);
    assert_eq!(world.serves(FUNCTION, "pr-1").await, "2");
    let [comment] =
        comments(&world).try_into().unwrap_or_else(|all| panic!("one comment, corrected in place: {all:?}"));
    assert!(comment.contains(&second[..7]), "{comment}");

    let closed = happened(&world, "closed", &second, None, 53).await;
    closed.assert_success(true);
    assert_verdict(&closed, "resolve", "pass");
    assert_verdict(&closed, "end", "pass");
    assert_eq!(closed.job("deploy").result, "skipped");
    assert_eq!(last_states(&world).last().map(String::as_str), Some("inactive"), "the place no longer counts");
}

#[tokio::test]
async fn a_fork_has_no_preview() {
    let world = world().await;
    let head = world.repository.push("feature", &[("README.md", "one")], "one");
    let run = happened(&world, "opened", &head, Some("somebody"), 54).await;
    assert!(run.jobs.iter().all(|job| job.result == "skipped"), "{run}");
    assert!(world.records("pr-1").is_empty());
}
