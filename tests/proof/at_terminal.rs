//! Every scene at a terminal: its inputs as options, the same requests as its snapshot has.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;

use super::requests::line;
use super::scenes::{Scene, scenes};

/// Scenes played at the same time.
const AT_ONCE: usize = 8;

/// Scenes that are about a run, which a terminal has none of.
const ABOUT_A_RUN: [(&str, &str); 5] = [
    ("resolve", "without `ref` it reads the event that started the run"),
    ("notify:pull-request", "the pull request is that of the event"),
    ("preflight", "it reads the workflow of the run"),
    ("finish-deployment:two-records", "`max-duration` is the run's"),
    ("swap-alias:oidc", "the token for the role is the job's"),
];

/// Steps that deploy a commit are told which one: elsewhere it is the run's.
const DEPLOYING: [&str; 8] = [
    "detect-changes",
    "check-migrations",
    "promote-artifact",
    "publish-version",
    "publish-site",
    "swap-alias",
    "run-task",
    "notify",
];

/// What is asked besides at a terminal, because no run says it: the branch whose workflow is started.
const MORE: [(&str, &str); 1] = [("dispatch:workflow", "github   GET /repos/org/shop")];

/// The same, once, where a record is made or people are told: whose token it is.
const WHOSE_TOKEN: &str = "github   GET /user";

#[tokio::test]
async fn every_scene_sends_the_requests_of_its_snapshot_at_a_terminal_too() {
    let about_a_run = |scene: &Scene| ABOUT_A_RUN.iter().any(|(name, _)| *name == scene.name);
    let plays = scenes().into_iter().filter(|scene| !about_a_run(scene)).map(async |scene| played(&scene).await);
    let plays: Vec<Option<String>> = stream::iter(plays).buffer_unordered(AT_ONCE).collect().await;
    let wrong: Vec<String> = plays.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is wrong with a scene at a terminal.
async fn played(scene: &Scene) -> Option<String> {
    let stage = scene.prepare().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = stage.at_terminal();
    if DEPLOYING.contains(&scene.step()) {
        command.arg(format!("--sha={}", stage.sha()));
    }
    let ended = command.current_dir(stage.workspace().unwrap_or(folder.path())).output().await.unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    let printed = String::from_utf8(ended.stdout).unwrap();
    let outputs: Value = serde_json::from_str(&printed).unwrap_or_default();
    let (verdict, code) = scene.ends;
    if ended.status.code() != Some(code) || outputs["verdict"] != verdict {
        return Some(format!("{} ended with {}\n{log}{printed}", scene.name, ended.status));
    }
    assert!(!log.contains("::add-mask") && !printed.contains("::add-mask"), "{log}{printed}");
    let mut count: BTreeMap<String, i32> = BTreeMap::new();
    for request in stage.requests().await {
        *count.entry(line(&request)).or_default() += 1;
    }
    let snapshot = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(scene.snapshot())).unwrap();
    for request in snapshot.lines().skip(2).filter_map(|line| line.get(4..)) {
        *count.entry(request.to_owned()).or_default() -= 1;
    }
    let names_somebody = scene.step() == "notify" || snapshot.contains("POST /repos/org/shop/deployments\n");
    let more = MORE.iter().filter(|(name, _)| *name == scene.name).map(|(_, request)| *request);
    for request in more.chain(names_somebody.then_some(WHOSE_TOKEN)) {
        *count.entry(request.to_owned()).or_default() -= 1;
    }
    // What is waited for is looked at as often as it takes.
    count.retain(|request, count| {
        *count < 0
            || *count > 0
                && !([" Get", " Filter"].iter().any(|read| request.contains(read)) && snapshot.contains(request))
    });
    (!count.is_empty())
        .then(|| format!("{}: more (+) and fewer (-) than in the snapshot: {count:#?}\n{log}", scene.name))
}
