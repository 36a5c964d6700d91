//! The requests of every scene: how many, in which order, and how many of them had to wait for another.
//!
//! Every answer is held back for a while, so that requests that are sent together are seen together: a round is everything that
//! arrived before the first answer of it was given. The rounds are the sequential depth of a step, which is what a network's
//! latency is multiplied by. What is sent in one round is compared as a set.
//!
//! The expected rounds stand beside this file, in `requests/`. `UPDATE_SNAPSHOTS=1 cargo test --test it proof::requests` writes
//! them anew, and the table in `docs/performance.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use testbed::aws;
use testbed::speed::between;
use testbed::{github, registry};

use crate::proof::scenes::request::{Request, Target};
use crate::proof::scenes::{Scene, Stage, scenes};

/// For so long every answer is held back: longer than it takes to send what is sent together, on a machine with much to do.
const HELD_BACK: Duration = Duration::from_secs(1);
/// Scenes played at the same time. They only wait.
const AT_ONCE: usize = 8;

/// Every scene asks for what its snapshot says, in so many rounds; the documentation tells the same numbers.
#[tokio::test]
async fn every_scene_asks_for_what_its_snapshot_says_in_as_many_rounds() {
    let plays = scenes().into_iter().map(async |scene| {
        let rounds = rounds(played(&scene).await);
        (scene.name, (scene, rounds))
    });
    let plays: Plays = stream::iter(plays).buffer_unordered(AT_ONCE).collect().await;

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let snapshots = plays.values().map(|(scene, rounds)| (root.join(scene.snapshot()), told(rounds)));
    let mut expected: BTreeMap<PathBuf, String> = snapshots.collect();
    let page = root.join("docs/performance.md");
    let written = fs::read_to_string(&page).unwrap();
    expected.insert(page, between(&written, "requests", &table(&plays)).expect("markers of the table"));

    let known = fs::read_dir(root.join("tests/proof/requests")).unwrap().map(|entry| entry.unwrap().path());
    let left: Vec<PathBuf> = known.filter(|file| !expected.contains_key(file)).collect();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        for file in &left {
            fs::remove_file(file).unwrap();
        }
        for (file, text) in &expected {
            fs::write(file, text).unwrap();
        }
        return;
    }
    assert!(left.is_empty(), "no scene has these snapshots: {left:?}");
    // The page, which only counts them, comes last.
    for (file, text) in expected.iter().rev() {
        let found = fs::read_to_string(file).unwrap_or_default();
        assert_eq!(&found, text, "{}: UPDATE_SNAPSHOTS=1 writes it anew", file.display());
    }
    for (name, (scene, rounds)) in &plays {
        let Some(floor) = scene.floor else { continue };
        let explained = floor.rounds + floor.above.iter().map(|(rounds, _)| rounds).sum::<usize>();
        assert_eq!(explained, rounds.len(), "{name}: its table explains other rounds than it takes");
    }
}

/// Every scene with its rounds, by name.
type Plays = BTreeMap<&'static str, (Scene, Vec<Vec<String>>)>;

/// The requests of a scene's normal run, every answer held back.
async fn played(scene: &Scene) -> Vec<Request> {
    let stage = scene.prepare().await;
    hold_back(&stage).await;
    let report = stage.runner().run().await;
    let (verdict, code) = scene.ends;
    report.assert_verdict(verdict, code);
    stage.requests().await
}

async fn hold_back(stage: &Stage) {
    let all = aws::Fault { delay: Some(HELD_BACK.as_secs_f64()), times: u32::MAX, ..aws::Fault::default() };
    stage.aws.faults(&[all]).await.unwrap();
    stage.github.fault(github::Fault::on("*", "").unwrap().delay(HELD_BACK).always());
    if let Some((server, good)) = &stage.web {
        server.replace([good.clone().after(HELD_BACK)]);
    }
    for (_, registry) in &stage.registries {
        registry.fault(registry::Fault::on("*", "").unwrap().delay(HELD_BACK).always());
    }
}

/// The requests, round by round.
fn rounds(requests: Vec<Request>) -> Vec<Vec<String>> {
    let mut rounds: Vec<Vec<String>> = Vec::new();
    let mut ends = Duration::ZERO;
    for one in requests {
        // A web server does not tell when it has answered.
        let answered = one.answered.unwrap_or(one.arrived + HELD_BACK);
        let line = line(&one);
        match rounds.last_mut() {
            Some(round) if one.arrived < ends => {
                round.push(line);
                ends = ends.min(answered);
            }
            _ => {
                rounds.push(vec![line]);
                ends = answered;
            }
        }
    }
    for round in &mut rounds {
        round.sort();
    }
    rounds
}

/// A request, as snapshots have it.
pub(super) fn line(request: &Request) -> String {
    format!("{:<8} {} {}", who(request.target), request.operation, request.path)
}

fn who(target: Target) -> &'static str {
    match target {
        Target::Aws => "aws",
        Target::Github => "github",
        Target::Registry(name) => name,
        Target::Web => "web",
    }
}

fn number(rounds: &[Vec<String>]) -> usize {
    rounds.iter().map(Vec::len).sum()
}

fn told(rounds: &[Vec<String>]) -> String {
    let mut text = format!("{} requests in {} rounds\n\n", number(rounds), rounds.len());
    for (place, round) in (1..).zip(rounds) {
        for (first, line) in [true].into_iter().chain(std::iter::repeat(false)).zip(round) {
            let place = if first { place.to_string() } else { String::new() };
            writeln!(text, "{place:>2}  {line}").unwrap();
        }
    }
    text
}

fn table(plays: &Plays) -> String {
    let mut text = "| run | requests | rounds | at least | what more of them buy |\n|---|---|---|---|---|\n".to_owned();
    for (name, (scene, rounds)) in plays {
        let (requests, rounds) = (number(rounds), rounds.len());
        let least = scene.floor.map(|floor| floor.rounds.to_string()).unwrap_or_default();
        let above = scene.floor.map(|floor| floor.above).unwrap_or_default().iter();
        let above: Vec<String> = above.map(|(rounds, why)| format!("{why} ({rounds})")).collect();
        let (file, above) = (scene.snapshot(), above.join("; "));
        writeln!(text, "| [{name}](../{file}) | {requests} | {rounds} | {least} | {above} |").unwrap();
    }
    text
}
