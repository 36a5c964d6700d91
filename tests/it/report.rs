//! report: "Deployment complete", from evidence alone.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::runner::Runner;

use crate::messages::says;
use crate::proof::StepUnderTest;
use crate::proof::scenes::{ENVIRONMENT, Scene, Stage};
use crate::world::World;

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "report",
    scenes: &[Scene::new("report", || Box::pin(usual())).floor(0, &[])],
    role: &[],
    token: &[],
    hostile: |world| vec![world.step("report").into()],
};

async fn usual() -> Stage {
    let stage = Stage::new().await;
    let text = evidence("smoke-test", "pass", &json!({})).to_string();
    let stage = stage.input("environment", ENVIRONMENT).input("folders", ".").input("require", "smoke-test");
    stage.file("smoke-test-1.json", text.as_bytes())
}

fn evidence(step: &str, verdict: &str, more: &Value) -> Value {
    let mut whole = json!({
        "step": step, "environment": "prd", "verdict": verdict, "reason": format!("{step} ended so"), "changed": false, "serving": "",
        "started-at": "2026-01-13T12:00:00Z", "duration-seconds": 60, "checks": [], "run":
        {"repository": "org/shop", "id": 7, "attempt": 1, "job": "deploy", "commit": "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2"},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        whole[name] = value.clone();
    }
    whole
}

/// Evidence as it is downloaded: a folder for each job, and in it the folder of the evidence.
fn downloaded(all: &[Value]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, one) in all.iter().enumerate() {
        let place = folder.path().join(format!("evidence/job-{number}/deploy-evidence"));
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(format!("{}-1.json", one["step"].as_str().unwrap())), one.to_string()).unwrap();
    }
    folder
}

fn report(world: &World, folder: &TempDir) -> Runner {
    world.step("report").workspace(folder.path()).input("folders", "evidence").input("environment", "prd")
}

#[tokio::test]
async fn what_is_required_and_verified_is_complete() {
    let world = World::new().await;
    let digest = format!("sha256:{}", "a".repeat(64));
    let serving = json!({"serving": format!("shop-api:live -> version 2 (commit 8f3c1b2, {digest})")});
    let all = [
        evidence("smoke-test", "pass", &json!({})),
        evidence("swap-alias", "pass", &serving),
        evidence("health-check-with-backoff", "pass", &json!({})),
        evidence("monitor", "pass", &json!({"started-at": "2026-01-13T12:03:00Z"})),
        evidence("smoke-test", "fail", &json!({"environment": "stg"})),
        evidence("monitor", "fail", &json!({"run": {"id": 7, "attempt": 0, "job": "deploy"}})),
    ];
    let folder = downloaded(&all);
    fs::write(folder.path().join("evidence/other.json"), "{\"step\": 1}").unwrap();
    let run = report(&world, &folder).input("require", "level1").input("budgets", "deploy=5m").run().await;
    run.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(run.output("delta"), "0", "{run}");
    let told = run.output("markdown");
    for part in [
        "## Deployment complete",
        "- [x] It serves",
        "- [ ] Secrets and variables are set (not required)",
        "delta = 0",
        &digest,
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let boxes: Value = serde_json::from_str(run.output("json")).unwrap();
    let deploy = boxes["boxes"].as_array().unwrap().iter().find(|one| one["id"] == "deploy").unwrap();
    assert_eq!(
        (&deploy["sources"][0]["job"], &deploy["sources"][0]["at"]),
        (&json!("deploy"), &json!("2026-01-13T12:00:00Z"))
    );
    let run = report(&world, &folder).input("require", "level1").input("budgets", "deploy=3m").run().await;
    run.assert_verdict("fail", 1);
    assert_eq!(run.output("delta"), "1");
    assert!(run.output("reason").contains("it took 4m00s"), "{run}");
}

/// RP01, F10.
#[tokio::test]
async fn what_is_not_verified_counts_with_its_reason() {
    let world = World::new().await;
    let hostile = "::set-output name=delta::0 | <img src=x> `x`";
    let denied = json!({"checks": [{"name": "branch-protection main", "observed": "needs administration: read", "verdict": "skipped"}]});
    let all = [evidence("preflight", "pass", &denied), evidence("smoke-test", "fail", &json!({"reason": hostile}))];
    let folder = downloaded(&all);
    let run = report(&world, &folder).input("require", "protection").run().await;
    run.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(run.output("delta"), "2", "one failed, and one that is required is not verified");
    assert!(run.output("markdown").contains("administration"), "{run}");
    assert!(!run.output("markdown").contains("<img"), "{run}");
    let one = downloaded(&all[..1]);
    let run = report(&world, &one).input("require", "protection").run().await;
    run.assert_verdict("fail", 1);
    assert!(says(run.output("reason"), "boxes-not-verified"), "{run}");
    let run = report(&world, &one).run().await;
    run.assert_verdict("inconclusive", 0);
    let empty = tempfile::tempdir().unwrap();
    let run = report(&world, &empty).run().await;
    run.assert_verdict("error", 4);
    assert!(says(run.output("reason"), "no-evidence"), "{run}");
    let run = report(&world, &one).input("require", "level7").run().await;
    run.assert_verdict("error", 2);
}
