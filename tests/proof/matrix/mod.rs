//! The fault matrix: every fault at every request of every step's normal run, and then the same invocation again.
//!
//! What the rules forbid, of any run, at any moment, the killed ones included (`scenes/rules.rs`, `judge.rs`):
//!
//! - Users meet a version other than the one that served before and the one that was asked for, or two at once. An alias points to
//!   what is no published version, or has weights left.
//! - A version, code, tag or image is there that was neither there before nor comes of an undisturbed run; or one is gone.
//! - A page of a site that users get names a file that is not there.
//! - A tag stands for an image of which a manifest, a layer or the configuration is missing.
//! - A target has two open records of one kind. One run goes back twice. No record is open, and the one that succeeded last tells
//!   another version than the one that serves: the next rollback would go by it.
//!
//! What a run may not say of the world it leaves:
//!
//! - `pass` or `skipped`, when what serves, what could, and what has a name is not as after an undisturbed run. Only the record may lag
//!   behind, and only with a warning; and what a run takes away because it is old may be there still.
//! - That nothing changed, when something did; that another version serves than does; that it cannot be read, when it can.
//! - `superseded` or `inconclusive`, bad input, or a cancellation: nobody else was there.
//!
//! The second run, undisturbed, ends where an undisturbed first run does, or is in the table of `refusals.rs`.
//!
//! A write is played with every fault once for its step; where another scene makes it again, with those after which it is not known what
//! became of it, and refused. A read is played once for its step and once more after the step's first write, whatever scene it comes in:
//! what a scene's world has more is in its writes. A scene that differs from another one of its step in a few writes only is killed before and
//! after each of those. `MATRIX=all` plays all of them.
//!
//! Some faults last: from one request on, GitHub, a registry, ECR or S3 hangs, resets connections or limits requests to the end of the
//! run. They begin at each write and at the first request. A rollback that knows its target takes the bad version away within ten
//! seconds all the same.

mod case;
mod fault;
mod judge;
mod put_back;
mod refusals;
mod table;

use std::any::Any;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet, VecDeque};
use std::iter::repeat_n;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, available_parallelism};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};

use self::case::{Case, Ended};
use self::fault::Fault;
use self::judge::Known;
use self::table::{Table, print};
use crate::proof::scenes::{Request, Scene, Target, more_scenes, scenes};

/// Cases played at once for each core: of those that mostly wait, and of the others.
const AT_ONCE: [usize; 2] = [16, 6];
/// Undisturbed runs at the same time.
const UNDISTURBED: usize = 8;
/// Failures told with their logs; of all of them the name and what is wrong, as soon as it is known.
const TOLD: usize = 5;

#[test]
fn whatever_happens_to_a_request_the_verdict_is_true_and_the_next_run_converges() {
    let began = Instant::now();
    let wanted = Wanted::read();
    let alike: Vec<&str> = more_scenes().iter().map(|scene| scene.name).collect();
    let scenes: Vec<Scene> = scenes()
        .into_iter()
        .chain(more_scenes())
        .filter(|scene| scene.is_played() && wanted.has_scene(scene.name))
        .collect();
    let runs: Vec<_> = block_on(stream::iter(&scenes).map(undisturbed).buffered(UNDISTURBED).collect());
    let mut known = Vec::new();
    let mut cases = Vec::new();
    let mut asked = HashSet::new();
    for (place, (undisturbed, requests)) in runs.into_iter().enumerate() {
        known.push(undisturbed);
        let scene = &scenes[place];
        let played = cases_of(place, scene, &requests, &mut asked).into_iter();
        let alike = alike.contains(&scene.name) && !scene.is_killed_only();
        cases.extend(played.map(|case| Case { repeats: case.repeats || alike && !case.fault.is_from_here(), ..case }));
    }
    let all = cases.len();
    cases.retain(|case| wanted.has(case));
    assert!(!cases.is_empty(), "no case is called {wanted:?}");
    let ended = play(&scenes, &known, cases);

    let mut table = Table::default();
    let mut failed = Vec::new();
    for (case, ended) in &ended {
        table.add(case, ended);
        if !ended.problems.is_empty() {
            failed.push((case, ended));
        }
        if matches!(wanted, Wanted::Named(_)) {
            print(&format!("==== {case}\n{}\n", ended.story));
        }
    }
    print(&format!("\n{}{} of {all} cases in {:?}\n", table.text(), ended.len(), began.elapsed()));
    for (case, ended) in failed.iter().take(TOLD).filter(|_| !matches!(wanted, Wanted::Named(_))) {
        print(&format!("==== {case}\n{}\n", ended.story));
    }
    let missed: Vec<String> =
        ended.iter().filter(|(_, ended)| !ended.fired).map(|(case, _)| case.to_string()).collect();
    assert!(
        missed.is_empty(),
        "faults that did not happen, in two runs each: {missed:#?}\n{} cases failed",
        failed.len()
    );
    assert!(failed.is_empty(), "{} cases failed; play one by MATRIX='<its name>' cargo matrix", failed.len());
}

/// Which cases are played, by the variable `MATRIX`.
#[derive(Debug)]
enum Wanted {
    /// Without it: those that no earlier case of the step is like.
    Different,
    /// `all`.
    All,
    /// Those of which the parts of `scene/request/fault` are parts of the name.
    Named(String),
}

impl Wanted {
    fn read() -> Self {
        match std::env::var("MATRIX").unwrap_or_default() {
            name if name.is_empty() => Self::Different,
            name if name == "all" => Self::All,
            name => Self::Named(name),
        }
    }

    fn has_scene(&self, name: &str) -> bool {
        match self {
            Self::Named(wanted) => name.contains(wanted.split('/').next().unwrap_or_default()),
            Self::Different | Self::All => true,
        }
    }

    fn has(&self, case: &Case) -> bool {
        let parts = |text: &str| {
            let (scene, rest) = text.split_once('/').unwrap_or((text, ""));
            let (request, fault) = rest.rsplit_once('/').unwrap_or((rest, ""));
            [scene, request, fault].map(str::to_owned)
        };
        match self {
            Self::Different => !case.repeats,
            Self::All => true,
            Self::Named(wanted) => {
                parts(&case.to_string()).iter().zip(parts(wanted)).all(|(name, wanted)| name.contains(&wanted))
            }
        }
    }
}

/// The worlds before and after an undisturbed run, and its requests.
async fn undisturbed(scene: &Scene) -> (Known, Vec<Request>) {
    let stage = scene.prepare_among_siblings().await;
    let (start, elsewhere) = (stage.state().await, stage.functions_elsewhere().await);
    let report = stage.runner().run().await;
    let (verdict, code) = scene.ends;
    report.assert_verdict(verdict, code);
    let (end, requests) = (stage.state().await, stage.requests().await);
    let answered = |one: &Request| one.answered.is_some() || one.target == Target::Web;
    assert!(requests.iter().all(answered), "{}: a request was not answered: {requests:#?}", scene.name);
    (Known { start, end, elsewhere }, requests)
}

/// A request of a step: the step, who is asked for what, of a read whether anything was written before, and which of its kind a write is.
type Asked = (&'static str, Target, String, String, bool, u32);

/// The cases of a scene. Requests are looked for in those of the scenes before it.
fn cases_of(place: usize, scene: &Scene, requests: &[Request], asked: &mut HashSet<Asked>) -> Vec<Case> {
    let mut counts: HashMap<_, u32> = HashMap::new();
    let mut theirs: HashMap<_, u32> = HashMap::new();
    let mut cases = Vec::new();
    let mut written = false;
    for request in requests {
        let count = counts.entry((request.target, &request.operation, &request.path)).or_default();
        let occurrence = *count;
        *count += 1;
        let theirs = theirs.entry(request.counterpart()).or_default();
        let before = *theirs;
        *theirs += 1;
        let writes = request.writes();
        let which = if writes { occurrence } else { 0 };
        let one =
            (scene.step(), request.target, request.operation.clone(), request.path.clone(), written && !writes, which);
        let repeats = !asked.insert(one);
        written |= writes;
        for fault in Fault::ALL.into_iter().filter(|fault| fault.concerns(request, occurrence, before)) {
            let repeats = if scene.is_killed_only() {
                repeats || !(writes && fault.kills())
            } else {
                repeats && !fault.is_from_here() && !(writes && fault.leaves_open())
            };
            let request = request.clone();
            cases.push(Case { scene: place, name: scene.name, request, occurrence, before, fault, repeats });
        }
    }
    cases
}

/// Cases that are still to be played, with their places among all.
type Queue = Mutex<VecDeque<(usize, Case)>>;

/// Plays the cases, on a thread for each core. Those that mostly wait begin at once, and leave the cores to the others.
fn play(scenes: &[Scene], known: &[Known], cases: Vec<Case>) -> Vec<(Case, Ended)> {
    let (mut waiting, others): (Vec<_>, Vec<_>) =
        cases.into_iter().enumerate().partition(|(_, case)| case.fault.waits());
    // The longest first: nothing is left to do beside one that begins last.
    waiting.sort_by_key(|(_, case)| Reverse(case.fault.limit(scenes[case.scene].step(), &case.request)));
    let queues: [Queue; 2] = [waiting, others].map(|cases| Mutex::new(cases.into()));
    let all = || {
        let queues = queues.iter().zip(AT_ONCE).flat_map(|(queue, number)| repeat_n(queue, number));
        block_on(join_all(queues.map(|queue| play_from(queue, scenes, known))))
    };
    let mut ended: Vec<(usize, Case, Ended)> = thread::scope(|scope| {
        let cores = available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(all)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).flatten().collect()
    });
    ended.sort_by_key(|(number, ..)| *number);
    ended.into_iter().map(|(_, case, ended)| (case, ended)).collect()
}

/// Plays cases, one after the other, until there are none.
async fn play_from(queue: &Queue, scenes: &[Scene], known: &[Known]) -> Vec<(usize, Case, Ended)> {
    let mut all = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((number, case)) = next else { return all };
        // A panic is a failure of its case.
        let played = AssertUnwindSafe(case.play(&scenes[case.scene], &known[case.scene])).catch_unwind().await;
        let ended = played.unwrap_or_else(|panic| Ended { problems: vec![text(&*panic)], ..Ended::default() });
        if !ended.problems.is_empty() {
            print(&format!("FAILED {case}\n    {}\n", ended.problems.join("\n    ")));
        }
        all.push((number, case, ended));
    }
}

/// The message of a panic.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
