//! What a step puts back by itself is put back at once, whatever becomes of GitHub.

use futures_util::future::join_all;
use serde_json::Value;
use testbed::aws;

use super::fault::Fault;
use super::judge::TAKEN_BACK_IN;
use crate::proof::scenes::{Request, Scene, State, Target, scenes};

/// A step that fails after a write of its own.
struct Failing {
    scene: &'static str,
    /// The write that it makes, and makes again to put back.
    write: &'static str,
    /// What it may not do after that: the operation, and how many of it come before.
    denied: (&'static str, u32),
}

const ALL: [Failing; 2] = [
    // The second of two functions cannot be moved.
    Failing { scene: "swap-alias:two-functions", write: "UpdateAlias", denied: ("UpdateAlias", 1) },
    // What was put there cannot be published.
    Failing { scene: "publish-version:latest", write: "UpdateFunctionCode", denied: ("PublishVersion", 0) },
];

#[tokio::test]
async fn a_put_back_does_not_wait_for_github() {
    join_all(ALL.iter().map(async |failing| {
        let scene = scenes().into_iter().find(|scene| scene.name == failing.scene).unwrap();
        let stage = scene.prepare().await;
        stage.runner().run().await.assert_verdict("pass", 0);
        let requests = stage.requests().await;
        let before = requests.iter().take_while(|one| !is(one, failing.write));
        let of_github: Vec<Request> = before.filter(|one| one.target == Target::Github).cloned().collect();
        let faults = Fault::ALL.into_iter().filter(|fault| fault.is_from_here());
        join_all(faults.map(|fault| puts_back(failing, &scene, &of_github, fault))).await;
    }))
    .await;
}

/// GitHub fails once these requests were answered, before the write.
async fn puts_back(failing: &Failing, scene: &Scene, answered: &[Request], fault: Fault) {
    let stage = scene.prepare().await;
    let before = stage.state().await;
    let (denied, after) = failing.denied;
    let denial = aws::Fault { operation: Some(denied.to_owned()), after, status: Some(403), ..aws::Fault::default() };
    stage.aws.faults(&[denial]).await.unwrap();
    fault.put(&stage, &answered[0], u32::try_from(answered.len()).unwrap()).await;
    let report = stage.runner().run().await;
    let case = format!("{}/{fault}", failing.scene);
    assert_eq!(report.output("verdict"), "error", "{case}\n{report}");
    assert!(stage.github.requests().iter().any(|one| one.faulty), "{case}: GitHub was not asked again\n{report}");
    fault.end(&stage).await;
    assert_eq!(serving(&stage.state().await), serving(&before), "{case}\n{report}");

    let requests = stage.requests().await;
    let failed = requests.iter().filter(|one| is(one, denied)).nth(after as usize).unwrap();
    let back = requests.iter().rfind(|one| is(one, failing.write)).unwrap();
    let took = back.arrived.checked_sub(failed.arrived).filter(|took| !took.is_zero());
    let took = took.unwrap_or_else(|| panic!("{case}: nothing was put back\n{report}"));
    assert!(took <= TAKEN_BACK_IN, "{case}: it was put back after {took:?}\n{report}");
}

/// By function: what serves, without the versions there are.
fn serving(state: &State) -> Vec<(String, Value, Value)> {
    let functions = state.functions.as_object().into_iter().flatten();
    functions.map(|(name, one)| (name.clone(), one["latest"].clone(), one["aliases"].clone())).collect()
}

fn is(request: &Request, operation: &str) -> bool {
    request.operation == format!("lambda {operation}")
}
