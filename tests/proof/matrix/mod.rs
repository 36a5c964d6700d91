//! The fault matrix: every fault at every request of every step's normal run, and then the same invocation again.
//!
//! What the rules forbid, of any run, at any moment, the killed ones included (`scenes/rules.rs`, `judge.rs`):
//!
//! - Users meet a version other than the one that served before and the one that was asked for, or two at once. An alias points to
//!   what is no published version, or has weights left.
//! - A version, code, tag or image is there that was neither there before nor comes of an undisturbed run; or one is gone.
//! - A tag stands for an image of which a manifest, a layer or the configuration is missing.
//! - A target has two open records of one kind. One run goes back twice. No record is open, and the one that succeeded last tells
//!   another version than the one that serves: the next rollback would go by it.
//!
//! What a run may not say of the world it leaves:
//!
//! - `pass` or `skipped`, when what serves, what could, and what has a name is not as after an undisturbed run. Only the record may lag
//!   behind, and only with a warning.
//! - That nothing changed, when something did; that another version serves than does; that it cannot be read, when it can.
//! - `superseded` or `inconclusive`, bad input, or a cancellation: nobody else was there.
//!
//! The second run, undisturbed, ends where an undisturbed first run does, or is in the table of `refusals.rs`.

mod case;
mod fault;
mod judge;
mod refusals;
mod table;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::case::{Case, Ended};
use self::fault::Fault;
use self::judge::Known;
use self::table::{Table, print};
use crate::scenes::{Request, Scene, Target, scenes};

/// Cases played at once. Most of their time is waiting.
const AT_ONCE: usize = 16;
/// Failures told with their logs; of all of them the name and what is wrong, as soon as it is known.
const TOLD: usize = 5;

#[tokio::test]
async fn whatever_happens_to_a_request_the_verdict_is_true_and_the_next_run_converges() {
    let began = Instant::now();
    let wanted = std::env::var("MATRIX").unwrap_or_default();
    let of = wanted.split('/').next().unwrap_or_default();
    let scenes: Arc<Vec<Scene>> = Arc::new(scenes().into_iter().filter(|scene| scene.name.contains(of)).collect());
    let mut known = Vec::new();
    let mut cases = Vec::new();
    for (place, scene) in scenes.iter().enumerate() {
        let (undisturbed, requests) = undisturbed(scene).await;
        known.push(undisturbed);
        cases.extend(cases_of(place, scene, &requests));
    }
    cases.retain(|case| is_wanted(&case.to_string(), &wanted));
    assert!(!cases.is_empty(), "no case is called {wanted:?}");
    let ended = play(&scenes, Arc::new(known), cases).await;

    let mut table = Table::default();
    let mut failed = Vec::new();
    for (case, ended) in &ended {
        table.add(case, ended);
        if !ended.problems.is_empty() {
            failed.push((case, ended));
        }
        if !wanted.is_empty() {
            print(&format!("==== {case}\n{}\n", ended.story));
        }
    }
    print(&format!("\n{}{} cases in {:?}\n", table.text(), ended.len(), began.elapsed()));
    for (case, ended) in failed.iter().take(TOLD).filter(|_| wanted.is_empty()) {
        print(&format!("==== {case}\n{}\n", ended.story));
    }
    assert!(failed.is_empty(), "{} cases failed; play one by MATRIX='<its name>' cargo matrix", failed.len());
    let (missed, all) = table.not_fired();
    assert!(missed * 100 <= all, "{missed} of {all} faults did not happen");
}

/// The worlds before and after an undisturbed run, and its requests.
async fn undisturbed(scene: &Scene) -> (Known, Vec<Request>) {
    let stage = scene.prepare().await;
    let start = stage.state().await;
    let report = stage.runner().run().await;
    report.assert_verdict("pass", 0);
    let (end, requests) = (stage.state().await, stage.requests().await);
    let answered = |one: &Request| one.answered.is_some() || one.target == Target::Web;
    assert!(requests.iter().all(answered), "{}: a request was not answered: {requests:#?}", scene.name);
    (Known { start, end }, requests)
}

fn cases_of(place: usize, scene: &Scene, requests: &[Request]) -> Vec<Case> {
    let mut counts: HashMap<_, u32> = HashMap::new();
    let mut cases = Vec::new();
    for request in requests {
        let count = counts.entry((request.target, &request.operation, &request.path)).or_default();
        let occurrence = *count;
        *count += 1;
        for fault in Fault::ALL.into_iter().filter(|fault| fault.concerns(request)) {
            cases.push(Case { scene: place, name: scene.name, request: request.clone(), occurrence, fault });
        }
    }
    cases
}

/// Whether a case is one of those that were asked for: the parts of `scene/request/fault` are parts of its name's.
fn is_wanted(name: &str, wanted: &str) -> bool {
    let parts = |text: &str| {
        let (scene, rest) = text.split_once('/').unwrap_or((text, ""));
        let (request, fault) = rest.rsplit_once('/').unwrap_or((rest, ""));
        [scene, request, fault].map(str::to_owned)
    };
    parts(name).iter().zip(parts(wanted)).all(|(name, wanted)| name.contains(&wanted))
}

async fn play(scenes: &Arc<Vec<Scene>>, known: Arc<Vec<Known>>, cases: Vec<Case>) -> Vec<(Case, Ended)> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = JoinSet::new();
    for (number, case) in cases.iter().cloned().enumerate() {
        let (scenes, known, places) = (Arc::clone(scenes), Arc::clone(&known), Arc::clone(&places));
        playing.spawn(async move {
            let _place = places.acquire().await;
            // A task of its own: a panic is a failure of its case.
            let (scene, name) = (case.scene, case.to_string());
            let played = tokio::spawn(async move { case.play(&scenes[scene], &known[scene]).await }).await;
            let ended = played.unwrap_or_else(|panic| Ended { problems: vec![panic.to_string()], ..Ended::default() });
            if !ended.problems.is_empty() {
                print(&format!("FAILED {name}\n    {}\n", ended.problems.join("\n    ")));
            }
            (number, ended)
        });
    }
    let mut ended: Vec<(usize, Ended)> = playing.join_all().await;
    ended.sort_by_key(|(number, _)| *number);
    ended.into_iter().map(|(number, ended)| (cases[number].clone(), ended)).collect()
}
