//! One invocation from beginning to end: read the inputs, perform the step under its deadline and under the signals, and write
//! outputs, summary, evidence and the one annotation, once, at the end.

mod finish;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::join_all;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use url::Url;

use self::finish::finish;
use crate::action::commands::{self, Level};
use crate::action::event::trusts_a_foreign_head;
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Field, FieldKind, Problems, RawInputs, fields, nearest, word};
use crate::action::report;
use crate::action::{Report, Runner, Terminal, log, outputs, screen};
use crate::calls::deadline::{Cancel, Deadline};
use crate::calls::error_line;
use crate::calls::{Calls, Journal};
use crate::context::Context;
use crate::explain::error_outcome;
use crate::lambda::serving;
use crate::outcome::{Ending, Outcome, Step, Stop, Verdict};
use crate::record::{self, status_line};
use crate::steps::{self, Definition, Invocation};
use crate::text::secrets::Secret;
use crate::text::{Foreign, LONGEST, human_duration, message};

/// After a signal, calls in flight may take this long. The runner kills ten seconds after the first signal
/// (actions/runner, `ProcessInvoker`).
const IN_FLIGHT: Duration = Duration::from_secs(3);
/// Reading back what serves may take this long after a signal, and that long otherwise.
const READ_BACK_CANCELLED: Duration = Duration::from_secs(2);
const READ_BACK: Duration = Duration::from_secs(10);
/// Telling an open record may take this long.
const ATTACHING: Duration = Duration::from_secs(5);
/// What the account of an invocation is called when it names no step of ours.
const NO_STEP: &str = "deploy-action";

/// Runs the program on these variables, for the runner or for a person at a terminal (who has the [`screen`] then), and returns its
/// exit code.
pub async fn run(variables: Vec<(OsString, OsString)>, terminal: Option<Terminal>) -> u8 {
    let began = (report::now(), Instant::now());
    let runner = Runner::from_variables(variables.clone()).unwrap_or_default();
    let runner = Runner { terminal, ..runner };
    log::init(runner.debug());
    report_panics(runner.github_output.clone());
    remember_credentials(&variables);
    let mut problems = Problems::default();
    let prepared = prepare(&RawInputs::from_variables(variables, &mut problems), &mut problems);
    let journal = Rc::<Journal>::default();
    let report = Rc::new(Report::new(Rc::clone(&journal)));
    let runner = Rc::new(runner);
    let (step, environment, outcome) = match prepared {
        Ok(ready) if problems.is_empty() => {
            let environment = ready.common.environment.as_ref().map(ToString::to_string);
            let step = ready.definition.name;
            (step, environment, ready.perform(&runner, &report, journal).await)
        }
        Ok(ready) => (ready.definition.name, None, bad_input(&runner, ready.definition.name, &problems)),
        Err(step) => (step, None, bad_input(&runner, step, &problems)),
    };
    finish(&runner, step, environment.as_deref(), &outcome, report.snapshot(), &began)
}

/// Has a panic, which is a bug, end the program as all else that could not be determined: reported once, harmlessly, with a verdict and
/// its exit code.
fn report_panics(outputs: Option<PathBuf>) {
    std::panic::set_hook(Box::new(move |panic| {
        let reason = panic_message(&panic.to_string());
        let verdict = Verdict::Error;
        commands::annotate(Level::Error, &format!("{NO_STEP}: {verdict}"), &reason);
        let written = [("verdict".to_owned(), verdict.to_string()), ("reason".to_owned(), reason)];
        if let Some(file) = &outputs {
            let _ = outputs::append(file, &written);
        }
        #[expect(clippy::exit, reason = "the program cannot go on, and an abort would have another exit code")]
        std::process::exit(i32::from(Ending::Judged(verdict).code()));
    }));
}

fn panic_message(panic: &str) -> String {
    let message =
        message!("bug", "this is a bug of this action, please report it; what serves was not read back: {panic}");
    Foreign::new(message).for_record(LONGEST)
}

/// Credentials in the environment are known before they are used: AWS repeats the session's token when it refuses a signature.
fn remember_credentials(variables: &[(OsString, OsString)]) {
    const SECRET: [&str; 3] = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];
    for (name, value) in variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?))) {
        let value = value.trim();
        if SECRET.contains(&name) {
            Secret::new(value).remember();
        }
        let proxy = name.to_ascii_lowercase().ends_with("_proxy").then(|| Url::parse(value).ok()).flatten();
        if let Some(password) = proxy.as_ref().and_then(Url::password) {
            Secret::new(password).remember();
        }
    }
}

/// A step whose inputs are read, with what it needs to begin.
struct Ready {
    definition: Definition,
    common: Rc<CommonInputs>,
    invocation: Box<dyn Invocation>,
    /// What the step is asked to look at, as text: the same for a repeat.
    checked: String,
}

/// Reads all inputs. Every problem goes to `problems`; the error is the step's name, as far as it is known.
fn prepare(given: &RawInputs, problems: &mut Problems) -> Result<Ready, &'static str> {
    let all = steps::all();
    let declared: Vec<Vec<Field>> = all.iter().map(|step| (step.inputs)()).collect();
    let common_fields = fields::<CommonInputs>();
    remember_secrets(given, declared.iter().flatten().chain(&common_fields));
    let names = || all.iter().map(|step| step.name);
    let Some(name) = given.get("step") else {
        problems.add(format!("input `step` is required: one of {}", names().collect::<Vec<_>>().join(", ")));
        return Err(NO_STEP);
    };
    let Some((definition, own)) = all.iter().zip(&declared).find(|(step, _)| step.name == name) else {
        let hint = nearest(name, names()).map_or_else(
            || format!("must be one of {}", names().collect::<Vec<_>>().join(", ")),
            |nearest| format!("did you mean `{nearest}`?"),
        );
        let label = word(name).map(|name| format!(" \"{name}\"")).unwrap_or_default();
        problems.add(format!("input `step`{label} is not a step: {hint}"));
        return Err(NO_STEP);
    };
    let common = given.read::<CommonInputs>(problems);
    let known: BTreeSet<&str> = common_fields.iter().chain(own).map(|field| field.name.as_str()).collect();
    let mut elsewhere: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (step, fields) in all.iter().zip(&declared) {
        for field in fields {
            elsewhere.entry(&field.name).or_default().push(step.name);
        }
    }
    given.refuse_unknown(definition.name, &known, &elsewhere, problems);
    let invocation = (definition.read)(given, common.as_ref(), problems);
    match (common, invocation) {
        (Some(common), Some(invocation)) => Ok(Ready {
            definition: *definition,
            common: Rc::new(common),
            invocation,
            checked: what_is_checked(given, common_fields.iter().chain(own)),
        }),
        _ => Err(definition.name),
    }
}

/// The inputs that say what is looked at and where, without secrets and without those that say which record learns of it.
fn what_is_checked<'a>(given: &RawInputs, fields: impl Iterator<Item = &'a Field>) -> String {
    const OTHERS: [&str; 4] = ["deployment-id", "timeout", "dry-run", "reason"];
    let public: BTreeSet<&str> =
        fields.filter(|field| field.kind != FieldKind::Secret).map(|field| field.name.as_str()).collect();
    let counts = |name: &&str| public.contains(name) && !OTHERS.contains(name);
    let pairs = given.names().filter(counts).map(|name| format!("{name}={}", given.get(name).unwrap_or_default()));
    pairs.collect::<Vec<_>>().join("\0")
}

/// Secrets are known before anything is reported of the inputs: somebody may have put one in a wrong place.
fn remember_secrets<'a>(given: &RawInputs, fields: impl Iterator<Item = &'a Field>) {
    for field in fields.filter(|field| field.kind == FieldKind::Secret) {
        if let Some(value) = given.get(&field.name) {
            Secret::new(value).remember();
        }
    }
}

fn bad_input(runner: &Runner, step: &str, problems: &Problems) -> Outcome {
    let message = problems.message();
    let all: Vec<&str> = message.lines().collect();
    let first = all.first().copied().unwrap_or_default();
    let mut outcome = Outcome { ending: Ending::BadInput, reason: first.to_owned(), advice: Vec::new() };
    if all.len() > 1 {
        // The annotation and the summary are cut where GitHub would cut them; the log and the evidence hold all.
        for problem in &all {
            tracing::info!("{problem}");
        }
        outcome.reason = format!("{} inputs are wrong, the first: {first}", all.len());
        outcome.advice = all.iter().map(ToString::to_string).collect();
    }
    if runner.terminal.is_some() {
        return outcome.advise(format!("nothing was attempted; see `deploy-action help {step}`"));
    }
    let page = if step == NO_STEP { "README" } else { step };
    outcome.advise(format!("nothing was attempted; correct the `with:` of this step (docs/steps/{page}.md)"))
}

impl Ready {
    async fn perform(self, runner: &Rc<Runner>, report: &Rc<Report>, journal: Rc<Journal>) -> Outcome {
        let limit = self.common.timeout.unwrap_or_else(|| self.invocation.timeout()).0;
        let (deadline, cancel) = Deadline::new(limit);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let checked = [text(&runner.aws_region), text(&runner.aws_default_region), self.checked.clone()].join("\0");
        let key = status_line::key(&text(&runner.github_job), &text(&runner.github_action), &checked);
        let cx = Context::new(
            Rc::clone(runner),
            Rc::clone(&self.common),
            Calls::new(deadline, journal, self.common.dry_run.0),
            Rc::clone(report),
            key,
        );
        cx.calls.await_person(runner.terminal.is_some());
        if self.definition.permissions.write()
            && let Some(refusal) = refuse_a_foreign_head(&cx)
        {
            return refusal;
        }
        tracing::info!("{}: at most {}", self.definition.name, human_duration(limit));
        let outcome = self.perform_in_sight(&cx, &cancel, limit).await;
        tokio::join!(Box::pin(self.attach(&cx, &outcome)), Box::pin(read_back(&cx, &outcome)));
        outcome
    }

    /// Performs the step, and shows a person at a terminal that it is at work.
    async fn perform_in_sight(&self, cx: &Context, cancel: &Cancel, limit: Duration) -> Outcome {
        let work = under_signals(&*self.invocation, cx, cancel);
        let Some(terminal) = &cx.runner.terminal else { return work.await };
        let outcome = tokio::select! {
            outcome = work => outcome,
            never = terminal.show_progress(self.definition.name, limit) => match never {},
        };
        screen::show_progress(None);
        outcome
    }

    /// Tells the open records how the step ended.
    async fn attach(&self, cx: &Context, outcome: &Outcome) {
        let is_attached = outcome.ending != Ending::BadInput && !cx.is_dry_run() && self.invocation.attaches();
        let ids = cx.common.deployment_ids();
        if is_attached && !ids.is_empty() {
            let elapsed = cx.calls.deadline.elapsed().as_millis();
            let figures = status_line::figures(self.definition.figures, &cx.report.snapshot(), elapsed);
            let verdict = outcome.ending.verdict();
            let line = status_line::line(self.definition.name, &cx.key, verdict.word(), &figures);
            let checks = cx.report.snapshot().checks;
            let bad = checks.iter().find(|check| !verdict.is_good() && !check.verdict.is_good());
            let line = bad.map_or_else(|| line.clone(), |bad| format!("{line} {}", bad.name));
            // Also when the step's own time is over: finish-deployment counts what is recorded here.
            let cx = cx.with_deadline(cx.calls.deadline.renew(ATTACHING));
            let ids = ids.into_iter().filter(|id| !cx.is_told(id.0));
            join_all(ids.map(|id| record::attach(&cx, id, &line))).await;
        }
    }
}

/// A step that writes does not run with this repository's token and secrets for code of another one.
fn refuse_a_foreign_head(cx: &Context) -> Option<Outcome> {
    let event = cx.runner.github_event_name.as_deref().unwrap_or_default();
    // What cannot be read says of no head that it is this repository's.
    if !trusts_a_foreign_head(event, || cx.runner.event().unwrap_or_default()) {
        return None;
    }
    let (observed, required) = ("another repository, or one that is not known", "this repository");
    cx.report.check(format!("head of the {event}"), observed, required, Verdict::Fail, "GITHUB_EVENT_PATH");
    let reason = message!(
        "head-of-a-fork",
        "this is a run of {event} for a head of another repository: its code would be deployed with this repository's token and \
         secrets; nothing was attempted"
    );
    let head = if event == "workflow_run" { "workflow_run.head_repository" } else { "pull_request.head.repo" };
    Some(Outcome::fail(reason).advise(format!(
        "deploy forks after they are merged, or from `on: pull_request`; for heads of this repository only, add \
         `if: github.event.{head}.full_name == github.repository`"
    )))
}

/// Performs the step; a signal cancels it.
async fn under_signals(step: &dyn Invocation, cx: &Context, cancel: &Cancel) -> Outcome {
    let mut work = step.run(cx);
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return outcome_of(step, cx, work.await);
    };
    let number = tokio::select! {
        result = &mut work => return outcome_of(step, cx, result),
        number = first(&mut interrupt, &mut terminate) => number,
    };
    cancel.cancel();
    let name = if number == SignalKind::interrupt().as_raw_value() { "SIGINT" } else { "SIGTERM" };
    tracing::info!("{name}: stopping; nothing new starts, calls in flight have {}", human_duration(IN_FLIGHT));
    cancelled(number, name, timeout(IN_FLIGHT, work).await.ok())
}

/// How a cancelled step ends; `work` is nothing when it did not end in time. That a bad version serves comes before the signal:
/// whoever waits for the exit code has to know.
fn cancelled(number: i32, name: &str, work: Option<Step<Outcome>>) -> Outcome {
    let reason = match work {
        Some(Ok(outcome) | Err(Stop::Ended(outcome))) if outcome.ending == Ending::BadVersionServes => {
            return Outcome { reason: format!("{} (and was cancelled by {name})", outcome.reason), ..outcome };
        }
        Some(Ok(outcome) | Err(Stop::Ended(outcome))) => format!("cancelled by {name} at its end: {}", outcome.reason),
        Some(Err(Stop::Error(_))) => format!("cancelled by {name}"),
        None => format!("cancelled by {name} while a call was in flight"),
    };
    Outcome { ending: Ending::Signal(number), reason, advice: Vec::new() }
        .advise("running the step again is safe: it begins by reading what is there")
}

async fn first(interrupt: &mut Signal, terminate: &mut Signal) -> i32 {
    tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
        _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
    }
}

fn outcome_of(step: &dyn Invocation, cx: &Context, result: Step<Outcome>) -> Outcome {
    let error = match result {
        Ok(outcome) | Err(Stop::Ended(outcome)) => return outcome,
        Err(Stop::Error(error)) => error,
    };
    let outcome = error_outcome(&error);
    if cx.calls.deadline.remaining().is_zero() {
        return Outcome { ending: Ending::Judged(step.at_expiry()), ..outcome };
    }
    outcome
}

/// Every step ends by reading back what serves now, also when it failed or was cancelled.
async fn read_back(cx: &Context, outcome: &Outcome) {
    let watched = cx.targets_to_read_back();
    // Credentials that could not be had are not asked for a second time.
    if cx.report.snapshot().serving.is_some() || watched.is_empty() || cx.lacks_aws() {
        return;
    }
    let limit = if matches!(outcome.ending, Ending::Signal(_)) { READ_BACK_CANCELLED } else { READ_BACK };
    let (deadline, _cancel) = Deadline::new(limit);
    let cx = cx.with_deadline(deadline);
    let reads = watched.iter().map(|served| cx.serving(served));
    match futures_util::future::try_join_all(reads).await {
        Ok(found) => cx.report.serving(serving::line(found)),
        Err(error) => {
            tracing::info!("what serves could not be read: {}", error_line(&error));
            cx.report.serving("unknown: it could not be read");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(ending: Ending) -> Outcome {
        Outcome { ending, reason: "because".to_owned(), advice: vec!["fix it".to_owned()] }
    }

    #[test]
    fn a_signal_does_not_hide_that_a_bad_version_serves() {
        let outcome = cancelled(15, "SIGTERM", Some(Ok(ended(Ending::BadVersionServes))));
        assert_eq!((outcome.ending.code(), outcome.advice), (3, vec!["fix it".to_owned()]));
        assert_eq!(outcome.reason, "because (and was cancelled by SIGTERM)");
        for other in
            [Some(Ok(ended(Ending::Judged(Verdict::Fail)))), Some(Err(anyhow::anyhow!("cut off").into())), None]
        {
            assert_eq!(cancelled(15, "SIGTERM", other).ending.code(), 143);
        }
    }

    #[test]
    fn what_a_panic_says_is_bounded() {
        assert!(panic_message(&"ü".repeat(3 * 1024 * 1024)).len() <= LONGEST);
    }

    #[test]
    fn what_a_panic_says_is_harmless_and_without_secrets() {
        Secret::new("a-secret-of-the-panic").remember();
        let message =
            panic_message("panicked at src/x.rs:1:2:\n::error::it had\u{1b}[31m a-secret-of-the-panic\r##[error]");
        crate::hostile::assert_harmless(&message);
        assert!(
            message.contains("src/x.rs:1:2") && message.contains("***") && !message.contains("of-the-panic"),
            "{message}"
        );
    }

    #[test]
    fn credentials_of_the_environment_are_secrets_from_the_start() {
        let variables = [
            ("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEJr-token-of-the-session"),
            ("HTTPS_PROXY", "http://user:password-of-the-proxy@proxy.example:3128"),
        ];
        remember_credentials(&variables.map(|(name, value)| (name.into(), value.into())));
        let message = Foreign::new("x-amz-security-token:FwoGZXIvYXdzEJr-token-of-the-session password-of-the-proxy")
            .for_message(200);
        assert_eq!(message, "x-amz-security-token:*** ***");
    }
}
