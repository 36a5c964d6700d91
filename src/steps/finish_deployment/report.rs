//! What finish-deployment says: before the write, and when it is done.

use super::Status;
use super::apply::Seen;
use super::plan::{Change, Observed, Plan, Rules};
use crate::context::Context;
use crate::outcome::{Outcome, Verdict};
use crate::record::Standing;
use crate::text::{human_duration, message};

/// Says what was found.
pub(super) fn plan(cx: &Context, observed: &Observed, plan: &Plan, rules: &Rules) {
    let given_up = observed.status == Status::Ended;
    for record in &observed.records {
        for place in record.places.iter().filter(|_| given_up) {
            let source = "GET /repos/{owner}/{repo}/deployments";
            cx.report.check(place.to_string(), "recorded", "given up", Verdict::Pass, source);
        }
        if !given_up {
            let standing = record.standing();
            cx.report.check(
                format!("record {} of {}", record.id, record.environment),
                format!("{standing:?}").to_lowercase(),
                "open",
                if standing == Standing::Open { Verdict::Pass } else { Verdict::Skipped },
                "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
            );
        }
    }
    if let Some((took, limit)) = observed.took.zip(rules.max_duration) {
        cx.report.check(
            "duration of the run",
            human_duration(took),
            format!("at most {}", human_duration(limit)),
            if took > limit { Verdict::Fail } else { Verdict::Pass },
            "GET /repos/{owner}/{repo}/actions/runs/{run_id}",
        );
    }
    if let Some(warning) = &plan.warning {
        cx.report.warn(warning);
    }
    // A job with `environment:` makes a deployment of its own beside ours. That is said; it is not ours to change.
    for (environment, id) in &observed.of_jobs {
        cx.report.section(
            "Two deployments",
            [message!(
                "deployment-beside-record",
                "the job's `environment:` made deployment {id} beside this record; \
                 write `environment: {{name: {environment}, deployment: false}}` to have one"
            )],
        );
    }
}

/// Nothing was to be done, or it is a dry run.
pub(super) fn nothing_applied(cx: &Context, plan: Plan) -> Outcome {
    if plan.tasks.is_empty() {
        return plan.ended;
    }
    cx.report.note_change();
    Outcome::pass(format!("dry run, nothing was changed: {}", label(&plan)))
}

/// What becomes of which record, and why.
pub(super) fn label(plan: &Plan) -> String {
    let tasks = plan.tasks.iter().map(|task| {
        let why = match &task.change {
            Change::Succeed => "every check passed".to_owned(),
            Change::Fail(_, why) => why.clone(),
            Change::Replace(newest) => format!("replaced by deployment {newest}"),
            Change::End => "its places were given up".to_owned(),
        };
        format!("deployment {} would become {}: {why}", task.id, task.change.state())
    });
    tasks.collect::<Vec<_>>().join("; ")
}

/// The records say now what they were given, or not.
pub(super) fn done(cx: &Context, plan: Plan, seen: &[(u64, Seen)]) -> Outcome {
    let source = "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses";
    let mut ended = plan.ended;
    for (id, seen) in seen {
        let state = plan.tasks.iter().find(|task| task.id == *id).map(|task| task.change.state().to_string());
        let state = state.unwrap_or_default();
        let (observed, verdict) = match seen {
            Seen::AsWritten => (state.clone(), Verdict::Pass),
            Seen::Otherwise => ("something else".to_owned(), Verdict::Fail),
            Seen::NotYet => ("not read back".to_owned(), Verdict::Skipped),
        };
        cx.report.check(format!("record {id} after it"), observed, state.clone(), verdict, source);
        match seen {
            Seen::AsWritten => {}
            Seen::Otherwise => {
                ended = Outcome::fail(message!(
                    "record-written-after",
                    "deployment {id} was made {state}, and somebody else wrote after it"
                ))
                .advise("look at its statuses: who withdrew it, or deployed there again");
            }
            Seen::NotYet => cx
                .report
                .warn(message!("record-not-read-back", "whether deployment {id} is {state} could not be read back")),
        }
    }
    ended
}
