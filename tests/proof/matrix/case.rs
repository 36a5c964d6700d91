//! One case: a fresh world, one fault at one request of a step's normal run, and then the same invocation again.

use std::fmt;
use std::fmt::Write as _;

use testbed::runner::Report;

use super::fault::Fault;
use super::judge::{self, Known};
use super::refusals;
use crate::proof::scenes::{Request, Scene, Stage};

/// A case, by its name: `swap-alias/lambda UpdateAlias /2015-..#1/reset-after`.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The place of its scene.
    pub(crate) scene: usize,
    /// The scene's name.
    pub(crate) name: &'static str,
    /// The request, as the undisturbed run makes it.
    pub(crate) request: Request,
    /// How many requests of the same name come before it. Requests that are made at once arrive in any order, so
    /// their number in the run would not say which it is.
    pub(crate) occurrence: u32,
    /// How many requests to the same counterpart come before it.
    pub(crate) before: u32,
    /// What goes wrong with it.
    pub(crate) fault: Fault,
    /// Whether it is a read that an earlier case of the step is about.
    pub(crate) repeats: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, request, occurrence, fault, .. } = self;
        write!(out, "{name}/{} {}#{}/{fault}", request.operation, request.path, occurrence + 1)
    }
}

/// What came of a case.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Whether the fault happened.
    pub(crate) fired: bool,
    /// The verdict of the first run; none if it was killed.
    pub(crate) verdict: Option<String>,
    /// Why the second run may refuse, if it does.
    pub(crate) refusal: Option<&'static str>,
    /// What is wrong; nothing if all is well.
    pub(crate) problems: Vec<String>,
    /// The logs of both runs, and the world after each.
    pub(crate) story: String,
}

impl Case {
    /// Plays the case; a second time if the fault did not happen, as where a time limit came first on a machine with much to do.
    pub(crate) async fn play(&self, scene: &Scene, known: &Known) -> Ended {
        let ended = self.play_once(scene, known).await;
        if ended.fired || !ended.problems.is_empty() {
            return ended;
        }
        self.play_once(scene, known).await
    }

    async fn play_once(&self, scene: &Scene, known: &Known) -> Ended {
        let stage = scene.prepare_among_siblings().await;
        let mut ended = Ended::default();
        let after = if self.fault.is_from_here() { self.before } else { self.occurrence };
        self.fault.put(&stage, &self.request, after).await;
        let first = self.fault.run(&stage, &self.request, after).await;
        ended.fired = self.fault.fired(&stage, &self.request, after).await;
        // What comes late comes after the run has said what it saw.
        if self.fault != Fault::Late {
            self.fault.end(&stage).await;
        }
        self.judge_first(&stage, (known, scene), first.as_ref(), &mut ended).await;
        if self.fault == Fault::Late {
            self.fault.end(&stage).await;
        }
        self.again(&stage, (known, scene), &mut ended).await;
        ended.problems.extend(judge::moves(&stage, known, scene.splits_traffic).await);
        ended.problems.extend(judge::elsewhere(&stage, known).await);
        ended
    }

    async fn judge_first(
        &self,
        stage: &Stage,
        (known, scene): (&Known, &Scene),
        report: Option<&Report>,
        ended: &mut Ended,
    ) {
        let now = stage.state().await;
        let mut problems = known.broken(&now);
        // A run that was killed leaves both versions, and so does one that may not write any more, which says so.
        if scene.splits_traffic && report.is_none_or(|report| report.exit_code == 3) {
            problems.retain(|problem| !problem.contains("weights"));
        }
        if let Some(report) = report {
            ended.verdict = report.outputs.get("verdict").cloned();
            problems.extend(known.verdict(report, &now, self.fault));
        }
        problems.extend(judge::takes_back_in_time(self, stage).await);
        ended.problems.extend(problems.into_iter().map(|problem| format!("first run: {problem}")));
        let log = report.map_or_else(|| "killed".to_owned(), ToString::to_string);
        let _ = write!(ended.story, "first run: {log}\n{now}\n");
    }

    async fn again(&self, stage: &Stage, (known, scene): (&Known, &Scene), ended: &mut Ended) {
        let report = stage.runner().run().await;
        let now = stage.state().await;
        let mut problems = known.broken(&now);
        let (verdict, code) = scene.ends;
        if code != 0 {
            let said = (report.output("verdict"), report.exit_code);
            if said != (verdict, code) || !known.is_reached(&now) {
                problems.push(format!("it ends {said:?}, or the world is not as after an undisturbed run"));
            }
        } else if !report.succeeded() {
            ended.refusal = refusals::allowed(self, &report);
            if ended.refusal.is_none() {
                problems.push("it refuses, which nothing allows".to_owned());
            }
        } else if known.is_reached(&now) {
            problems.extend(known.verdict(&report, &now, self.fault));
        } else {
            ended.refusal = refusals::allowed(self, &report);
            if ended.refusal.is_none() || known.differs(&now) {
                problems.push("it says that all is well, and the world is not as after an undisturbed run".to_owned());
            }
        }
        ended.problems.extend(problems.into_iter().map(|problem| format!("second run: {problem}")));
        let _ = write!(ended.story, "second run: {report}\n{now}\n");
    }
}
