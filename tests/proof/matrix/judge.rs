//! What is said of a run, held against the world.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde_json::Value;
use testbed::runner::Report;

use super::case::Case;
use super::fault::Fault;
use crate::proof::scenes::{Request, Stage, State, rules};

/// From when a rollback knows where to go back to until it sends the write that takes the bad version away.
pub(super) const TAKEN_BACK_IN: Duration = Duration::from_secs(10);

/// The world before an undisturbed run of a scene, and after it.
#[derive(Debug)]
pub(crate) struct Known {
    /// Before.
    pub(crate) start: State,
    /// After.
    pub(crate) end: State,
    /// The functions of the other jobs of the run, before and after.
    pub(crate) elsewhere: Value,
}

impl Known {
    /// The rules that a world breaks, whatever happened to the run.
    pub(crate) fn broken(&self, now: &State) -> Vec<String> {
        let mut broken = rules::broken(now);
        broken.extend(self.strangers(now));
        broken
    }

    /// Nothing is anywhere that was neither there before nor is there after an undisturbed run: no other version, no other
    /// code, no alias at a third version, no tag on another image, no tag gone.
    fn strangers(&self, now: &State) -> Vec<String> {
        let mut found = Vec::new();
        for (name, start, now, end) in [
            ("functions", &self.start.functions, &now.functions, &self.end.functions),
            ("images", &self.start.images, &now.images, &self.end.images),
            ("runs", &self.start.runs, &now.runs, &self.end.runs),
            ("releases", &self.start.releases, &now.releases, &self.end.releases),
        ] {
            strange(name, start, now, end, &mut found);
        }
        if now.siblings != self.start.siblings {
            found.push(format!("another job's records are not as they were: {}", now.siblings));
        }
        found
    }

    /// Whether it is the world after an undisturbed run, to users and to the next run.
    pub(crate) fn is_reached(&self, now: &State) -> bool {
        self.tidied(now).is_as(&self.end)
    }

    /// Whether what serves or has a name is not as after an undisturbed run.
    pub(crate) fn differs(&self, now: &State) -> bool {
        self.tidied(now).changed(&self.end)
    }

    /// Without what an undisturbed run takes away because it is old: nobody is served by it, and the next publication takes it away.
    fn tidied(&self, now: &State) -> State {
        let mut tidied = now.clone();
        for (place, objects) in tidied.images.as_object_mut().into_iter().flatten() {
            let (start, end) = (&self.start.images[place.as_str()], &self.end.images[place.as_str()]);
            let is_old = |key: &str| place.starts_with("s3 ") && start.get(key).is_some() && end.get(key).is_none();
            if let Some(objects) = objects.as_object_mut() {
                objects.retain(|key, _| !is_old(key));
            }
        }
        tidied
    }

    /// Whether what a run says is true of the world.
    pub(crate) fn verdict(&self, report: &Report, now: &State, fault: Fault) -> Vec<String> {
        let mut wrong = safe(report);
        let word = report.outputs.get("verdict").map_or("", String::as_str);
        let codes: &[i32] = match word {
            "pass" | "skipped" => &[0],
            "fail" => &[1, 3],
            // Exit code 2 is bad input, and the input is good.
            "error" => &[4],
            // A run that may not be asked about is assumed to be running.
            "superseded" if report.output("reason").contains("(unknown)") => &[5],
            // Who watches has seen too little when the time is over.
            "inconclusive" if fault.lasts() => &[0],
            // Nobody cancelled it, or is newer.
            _ => &[],
        };
        if !codes.contains(&report.exit_code) {
            wrong.push(format!("the verdict {word:?} with exit code {}", report.exit_code));
        }
        if report.outputs.get("reason").is_none_or(String::is_empty) {
            wrong.push("no reason".to_owned());
        }
        // What the first run changed, the second one may record.
        let only_records = report.output("reason").contains("nothing was written to AWS");
        if report.outputs.get("changed").is_some_and(|changed| changed == "false")
            && now.serves_otherwise(&self.start)
            && word != "skipped"
            && !only_records
        {
            wrong.push("it says that nothing changed".to_owned());
        }
        wrong.extend(serving(report, now, fault));
        if matches!(word, "pass" | "skipped") && self.differs(now) {
            wrong.push("it says that all is well, and the world is not as after an undisturbed run".to_owned());
        }
        if report.succeeded() && now.news != self.end.news && report.annotations.is_empty() {
            wrong.push("somebody was not told, and nothing says so".to_owned());
        }
        let excused = report.exit_code == 3 || mentions_record(report);
        if !excused {
            wrong.extend(rules::untold(now));
        }
        wrong
    }
}

/// What the runner wants of every run.
fn safe(report: &Report) -> Vec<String> {
    match catch_unwind(AssertUnwindSafe(|| report.assert_runner_safe())) {
        Ok(_) => Vec::new(),
        Err(panic) => vec![
            panic
                .downcast_ref::<String>()
                .map_or("it is not safe for the runner", |text| text.lines().next().unwrap_or_default())
                .to_owned(),
        ],
    }
}

/// The output `serving` against the aliases. That it could not be read is only true while something stands in the way.
fn serving(report: &Report, now: &State, fault: Fault) -> Vec<String> {
    let line = report.outputs.get("serving").map_or("", String::as_str);
    if line.is_empty() {
        return Vec::new();
    }
    if line.starts_with("unknown") {
        return if fault.lasts() { Vec::new() } else { vec![format!("serving: {line}, although it could be read")] };
    }
    let mut wrong = Vec::new();
    for (function, found) in now.functions.as_object().into_iter().flatten() {
        for (alias, serves) in found["aliases"].as_object().into_iter().flatten() {
            let place = format!("{function}:{alias} -> version ");
            let version = serves["version"].as_str().unwrap_or_default();
            let said = line.split(&place).nth(1).and_then(|rest| rest.split([' ', ';']).next());
            if said.is_some_and(|said| said != version) {
                wrong.push(format!("serving: {line:?}, and {function}:{alias} is at version {version}"));
            }
        }
    }
    wrong
}

/// Whether a warning or the error says that the record is not as it should be.
fn mentions_record(report: &Report) -> bool {
    report.annotations.iter().any(|one| one.message.contains("record") || one.message.contains("deployment"))
}

/// Collects what is in `now` and neither in `start` nor in `end`, and what is in both of those and not in `now`.
fn strange(place: &str, start: &Value, now: &Value, end: &Value, found: &mut Vec<String>) {
    if now == start || now == end {
        return;
    }
    match (now.as_object(), start.as_object().or(end.as_object())) {
        (Some(fields), Some(_)) => {
            for (name, value) in fields {
                let (start, end) = (start.get(name).unwrap_or(&Value::Null), end.get(name).unwrap_or(&Value::Null));
                if start.is_null() && end.is_null() {
                    found.push(format!("{place}/{name} should not be: {value}"));
                } else {
                    strange(&format!("{place}/{name}"), start, value, end, found);
                }
            }
            for (name, _) in start.as_object().into_iter().flatten() {
                if end.get(name).is_some() && !fields.contains_key(name) {
                    found.push(format!("{place}/{name} is gone"));
                }
            }
        }
        _ => found.push(format!("{place} is {now}, neither {start} nor {end}")),
    }
}

/// What users met in between: every version an alias was given is one it had before or has after an undisturbed run, and two of them at
/// once only where that is what the step is for.
pub(crate) async fn moves(stage: &Stage, known: &Known, splits_traffic: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for request in stage.aws.requests().await.unwrap() {
        let good = request.status.is_some_and(|status| status < 300);
        if !good || !["UpdateAlias", "CreateAlias"].contains(&request.operation.as_str()) {
            continue;
        }
        let text = |name: &str| request.params.get(name).and_then(Value::as_str).unwrap_or_default();
        let alias = |state: &State| {
            let name = if text("alias").is_empty() { text("Name") } else { text("alias") };
            state.functions[text("function")]["aliases"][name]["version"].clone()
        };
        let version = Value::from(text("FunctionVersion"));
        if version != alias(&known.start) && version != alias(&known.end) {
            wrong.push(format!("users got version {version} of {}", text("function")));
        }
        let weights = request.params.get("RoutingConfig").map(|config| config["AdditionalVersionWeights"].clone());
        let weights = weights.as_ref().and_then(Value::as_object);
        let is_allowed = |other: &String| splits_traffic && alias(&known.end) == other.as_str();
        if weights.is_some_and(|weights| !weights.keys().all(is_allowed)) {
            wrong.push(format!("users got two versions of {}", text("function")));
        }
    }
    wrong
}

/// What was done, by whichever run, where another job of the run is.
pub(crate) async fn elsewhere(stage: &Stage, known: &Known) -> Option<String> {
    let now = stage.functions_elsewhere().await;
    (now != known.elsewhere).then(|| format!("another job's functions are not as they were: {now}"))
}

/// What is wrong with a rollback that waits for somebody it does not need: where it knows its target, the bad version is taken away at
/// once.
pub(crate) async fn takes_back_in_time(case: &Case, stage: &Stage) -> Option<String> {
    // The code of a version comes out of S3: without that it cannot be put back.
    let needed = case.request.operation.starts_with("s3 ");
    if stage.step() != "rollback" || !case.fault.is_from_here() || needed {
        return None;
    }
    let requests = stage.requests().await;
    let theirs = |one: &&Request| one.counterpart() == case.request.counterpart();
    let failed = requests.iter().filter(theirs).nth(case.before as usize)?.arrived;
    // The record tells the target once the states of the deployments have been read.
    let tells = |one: &Request| one.path.contains("/deployments/{id}/statuses") && one.arrived < failed;
    if !stage.has_input("state") && !requests.iter().any(tells) {
        return None;
    }
    let takes_back = |operation: &str| {
        [
            "lambda UpdateAlias",
            "lambda UpdateFunctionCode",
            "ecs UpdateService",
            "ecs ContinueServiceDeployment",
            "s3 PutObject",
            "s3 CopyObject",
            "cloudfront-keyvaluestore UpdateKeys",
        ]
        .contains(&operation)
    };
    match requests.iter().find(|one| takes_back(&one.operation)).map(|one| one.arrived.saturating_sub(failed)) {
        None => Some("the bad version was not taken away".to_owned()),
        Some(took) if took > TAKEN_BACK_IN => Some(format!("the bad version was taken away after {took:?}")),
        Some(_) => None,
    }
}
