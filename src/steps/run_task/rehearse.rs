//! The rehearsal: the migrations of this deployment on a scratch PostgreSQL. It touches nothing of AWS.

mod inputs;
mod observe;
mod report;

use self::inputs::Asked;
pub(super) use self::inputs::RehearsalInputs;
use self::observe::observe;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::rehearsal::{Refused, Rehearsal};
use crate::text::message;

/// Runs the migrations of this deployment where nobody is harmed.
pub(super) async fn run(asked: &Asked<'_>, cx: &Context) -> Step<Outcome> {
    let observed = observe(asked, cx).await?;
    report::announce(asked, &observed);
    if observed.pending.is_empty() {
        return Ok(Outcome::skipped(format!("there are no new migrations{}", observed.since())));
    }
    if cx.is_dry_run() {
        return Ok(report::not_run(&observed));
    }
    let rehearsal = Rehearsal {
        address: asked.database,
        deadline: &cx.calls.deadline,
        version: asked.version.map(|version| version.0),
        applied: &observed.applied,
        pending: &observed.pending,
        queries: &observed.queries,
    };
    match rehearsal.run().await? {
        Ok(rehearsed) => Ok(report::outcome(cx, &observed, &rehearsed)),
        Err(refused) => Err(refusal(asked, refused).into()),
    }
}

fn refusal(asked: &Asked<'_>, refused: Refused) -> Outcome {
    match refused {
        Refused::NotEmpty(something) => Outcome::bad_input(message!(
            "scratch-not-empty",
            "the scratch database is not empty: it has {something}; nothing was run"
        ))
        .advise(
            "give an empty database to each rehearsal, which leaves its tables behind; never give one that is used",
        ),
        Refused::OtherVersion(server) => {
            let wanted = asked.version.map(|version| version.to_string()).unwrap_or_default();
            Outcome::bad_input(message!(
                "scratch-of-other-version",
                "the scratch database is PostgreSQL {server}, and `pg-version` is {wanted}; nothing was run"
            ))
            .advise("start the version that runs in earnest, e.g. `image: postgres:18`, or correct `pg-version`")
        }
        Refused::Applied(file, failed) => Outcome::error(message!(
            "applied-fails-on-scratch",
            "{file}:{line} is applied already, and fails on an empty database: {why}",
            line = failed.line,
            why = failed.why
        ))
        .advise(
            "give the scratch database what the real one has beside its migrations, before this step: roles \
             (`psql -c 'CREATE ROLE app'`), and an image with its extensions",
        ),
    }
}
