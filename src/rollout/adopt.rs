//! `adopt`: records what another tool (Terraform, SAM, CDK, Serverless) has put there, so that promotion, detect-changes and rollback
//! know of it. Nothing is written to AWS.

use super::state::hand_over;
use crate::action::inputs::Problems;
use crate::action::inputs::common::CommonInputs;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::record::status_line::Figure;
use crate::record::{
    self, Concurrency, History, Kind, Mode, OnConcurrent, Previous, Record, RecordInputs, Release, Target,
};

/// What the records say of what was found.
#[derive(Debug)]
pub struct Adoption {
    /// What is recorded, each with what the newest record of its place says served before; nothing where that is not known.
    pub targets: Vec<Target>,
    /// Whether a record says already that all this serves.
    is_recorded: bool,
    history: History,
}

/// What must hold between the inputs: a record is all that is written.
pub fn check_with(inputs: &RecordInputs, common: &CommonInputs, problems: &mut Problems) {
    problems.add_if(inputs.record == Mode::Off, "`adopt` writes nothing but the record, and `record: off` keeps none");
    problems.add_if(common.environment.is_none(), "input `environment` is required: `adopt` keeps a record in it");
}

/// Looks up what the records say of these places; `None` when another run was waited for, and everything is to be read again.
///
/// # Errors
/// Another run is at the same targets, the commit is held there, or the records cannot be read.
pub async fn look_up(cx: &Context, inputs: &RecordInputs, found: Vec<Target>) -> Step<Option<Adoption>> {
    let history = match record::look_for_others(cx, inputs, OnConcurrent::Fail, &found).await? {
        Concurrency::Waited => return Ok(None),
        Concurrency::Clear(history) => history.ok_or_else(unrecorded)?,
    };
    let serving = history.serving(cx, &record::component(cx)).await?;
    let mut targets = Vec::new();
    let mut is_recorded = true;
    for target in found {
        let recorded = serving.iter().find(|(place, _)| *place == target.place);
        let recorded = recorded.and_then(|(place, entry)| entry.payload.target(place));
        is_recorded &= recorded.is_some_and(|recorded| recorded.leads_where(&target));
        let previous = recorded.map(|recorded| Previous {
            version: recorded.version,
            digest: recorded.digest.clone(),
            code_sha256: recorded.code_sha256.clone(),
            task_definition: recorded.task_definition.clone(),
            images: recorded.images.clone(),
            ..Previous::default()
        });
        targets.push(Target { previous, ..target });
    }
    Ok(Some(Adoption { targets, is_recorded, history }))
}

/// Hands over what served before, and makes the record unless it is there. `label` says what serves; `named` is the step with its figures.
///
/// # Errors
/// No record can be kept.
pub async fn adopt(
    cx: &Context,
    inputs: &RecordInputs,
    adoption: Adoption,
    label: &str,
    named: (&str, &[Figure]),
    proof: Option<bool>,
) -> Step<Outcome> {
    let Adoption { targets, is_recorded, history } = adoption;
    cx.report.section(
        "Adopted",
        ["nothing was written to AWS: another tool deploys here. After a rollback its next apply brings this version back, unless its \
          configuration was taken back too"
            .to_owned()],
    );
    hand_over(cx, targets.clone(), inputs.floor_above(Some(&history), &targets))?;
    if is_recorded {
        return Ok(Outcome::skipped(format!("nothing to record: {label}, and the record says so")));
    }
    if cx.is_dry_run() {
        cx.report.note_change();
        return Ok(Outcome::pass(format!("dry run, nothing was recorded: {label}")));
    }
    cx.confirm(&format!("record that {label}")).await?;
    let (step, figures) = named;
    let release = Release {
        kind: Kind::Deploy,
        commit: targets.iter().find_map(|target| target.commit.clone()),
        proof,
        description: step,
        undone: Vec::new(),
        history: Some(history),
    };
    let record = Record::open(cx, inputs, release, targets.clone(), &targets).await?.ok_or_else(unrecorded)?;
    record.succeed(cx, step, figures).await;
    Ok(Outcome::pass(format!("{label}, and is recorded; nothing was written to AWS")))
}

fn unrecorded() -> Outcome {
    Outcome::error("no record can be kept, and `adopt` does nothing else")
        .advise("allow `deployments: write` to the job, and hand over its token")
}
