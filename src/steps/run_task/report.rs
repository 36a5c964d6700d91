//! What run-task says: outputs, the table, and how it all ended.

use super::backend::Backend;
use super::follow::{Followed, Wait};
use super::inputs::{Purpose, RunTask};
use super::judge::End;
use super::log::Reader;
use super::plan::Known;
use super::values::{is_later_version, is_same_version};
use crate::action::inputs::CommitSha;
use crate::context::Context;
use crate::github::Ancestry;
use crate::outcome::{Outcome, Step, Verdict};
use crate::record::{History, component};
use crate::text::{self, Foreign, LONGEST, human_duration, message, number_of};

/// Why nobody knows what a migration that was broken off has done.
const STATE_UNKNOWN: &str = "the state of the schema is unknown";

/// Another task of the scope goes on, and is not waited for.
pub(super) fn goes_on_elsewhere(cx: &Context, step: &RunTask, backend: &Backend, other: &Known) -> Outcome {
    let run = other.run();
    let by = if run.is_empty() { "somebody".to_owned() } else { format!("run {}", Foreign::new(run).for_message(40)) };
    let (noun, name) = (backend.noun(), backend.name(&other.id));
    cx.report.check(
        format!("other tasks with purpose {}", step.purpose),
        format!("{noun} {name} of {by} goes on"),
        "none",
        Verdict::Superseded,
        backend.source(),
    );
    Outcome::superseded(message!(
        "task-of-another-run",
        "{noun} {name}, started by {by} for the same purpose ({}), component and environment, goes on: nothing was started",
        step.purpose
    ))
    .advise("wait until it has ended and run this job again, or set `on-concurrent: wait`")
    .advise("give the jobs one `concurrency:` group, so that GitHub runs them one after another")
}

/// Sets what was read of the log.
pub(super) fn set_said(cx: &Context, end: &End, reader: &Reader) {
    cx.report.output("ended-as", end.word());
    if let Some(code) = end.exit_code() {
        cx.report.output("exit-code", code.to_string());
    }
    let said = &reader.said;
    cx.report.output("last-json", said.json.as_ref().map(text::json).unwrap_or_default());
    cx.report.output("applied", said.applied.join("\n"));
    cx.report.output("schema-version", said.schema_version().unwrap_or_default());
}

/// How a task of ECS or a build ended, as the end of the step.
pub(super) async fn conclude(step: &RunTask, cx: &Context, backend: &Backend, one: &Followed) -> Step<Outcome> {
    let name = format!("{} {}", backend.noun(), backend.name(&one.id));
    let by_hand = format!("`{}` stops it", backend.stopping(&one.id));
    let unknown = if step.purpose == Purpose::Migrate { format!("; {STATE_UNKNOWN}") } else { String::new() };
    if !one.seen.others.is_empty() {
        cx.report.section("The other containers, which do not decide", one.seen.others.clone());
        one.seen.others.iter().for_each(|line| tracing::info!("  {line}"));
    }
    let after = human_duration(cx.calls.deadline.elapsed());
    match &one.wait {
        Wait::Ended(end) => judge(step, cx, &name, backend.source(), end, &one.reader).await,
        Wait::Deadline(Ok(end)) => {
            set_said(cx, end, &one.reader);
            cx.report.output("ended-as", "timed-out");
            let then = match end {
                End::Stopped { exit: Some(code), .. } => format!("; it ended with {code}"),
                End::Stopped { exit: None, .. } => String::new(),
                _ => format!("; it {end}"),
            };
            cx.report.check(
                &name,
                format!("stopped after {after}{then}"),
                "ends with 0 in time",
                Verdict::Fail,
                backend.source(),
            );
            show_tail(cx, step, &one.reader);
            let tags = if matches!(backend, Backend::Task(_)) { "; ECS has taken its tags away" } else { "" };
            Ok(Outcome::fail(message!(
                "task-timed-out",
                "{name} had not ended after {after}, and was stopped{then}{unknown}{tags}"
            ))
            .advise(after_breaking_off(step))
            .advise("raise `timeout` if it needs longer than that; `stop-on-timeout: false` lets it go on"))
        }
        Wait::Deadline(Err(why)) => {
            cx.report.output("ended-as", "timed-out");
            cx.report.check(
                &name,
                format!("goes on after {after}"),
                "ends with 0 in time",
                Verdict::Fail,
                backend.source(),
            );
            show_tail(cx, step, &one.reader);
            Ok(Outcome::fail(message!(
                "task-goes-on",
                "{name} had not ended after {after}, and goes on ({why}){unknown}"
            ))
            .advise(format!("run the job again, which follows it; {by_hand}"))
            .advise("raise `timeout` if it needs longer than that"))
        }
        Wait::Cancelled(asked) => Ok(Outcome::error(match asked {
            Ok(()) => format!("{name} was asked to stop{unknown}"),
            Err(why) if why.is_empty() => {
                format!("{name} goes on: it is not stopped in the middle (`stop-on-cancel`); {by_hand}")
            }
            Err(why) => format!("{name} may go on, for it could not be asked to stop ({why}){unknown}; {by_hand}"),
        })),
    }
}

fn after_breaking_off(step: &RunTask) -> &'static str {
    match step.purpose {
        Purpose::Migrate => {
            "look what the database says before anything is run again: the version that the tool has noted, and statements that still run \
             (`select * from pg_stat_activity where state <> 'idle'`)"
        }
        Purpose::Test | Purpose::Other => "run the job again",
    }
}

fn show_tail(cx: &Context, step: &RunTask, reader: &Reader) {
    if !reader.said.tail.is_empty() {
        let lines: Vec<String> = reader.said.tail.iter().map(|line| line.for_message(LONGEST)).collect();
        if step.logs == super::inputs::ShownLog::Tail {
            for line in &lines {
                tracing::info!("  | {line}");
            }
        }
        cx.report.section("The last lines of its log", lines);
    }
}

/// How something that has ended by itself is judged.
pub(super) async fn judge(
    step: &RunTask,
    cx: &Context,
    name: &str,
    source: &str,
    end: &End,
    reader: &Reader,
) -> Step<Outcome> {
    set_said(cx, end, reader);
    let said = &reader.said;
    let mut verdict = end.verdict();
    if verdict == Verdict::Pass && said.dirty.is_some() {
        verdict = Verdict::Fail;
    }
    let newer =
        said.unknown.clone().filter(|_| verdict == Verdict::Fail && matches!(end, End::Exited(_) | End::Failed(_)));
    if let Some(newer) = &newer {
        newer_database(cx, name, source, newer).await?;
    }
    cx.report.check(name, end.to_string(), "ends with 0", verdict, source);
    if verdict != Verdict::Pass || step.logs == super::inputs::ShownLog::Tail {
        show_tail(cx, step, reader);
    }
    if let Some(version) = &said.dirty {
        return Ok(dirty(name, version));
    }
    if let Some(newer) = newer {
        return Ok(Outcome::fail(message!("database-newer", "{name} {end}: the database has version {newer}, which the files do not have"))
            .advise("this commit is older than the one that was migrated to: deploy the newer one, or merge it")
            .advise("where code goes back on purpose, give `environment`, by whose record a rollback is known: the step is then `skipped`"));
    }
    if verdict != Verdict::Pass {
        return Ok(bad(step, name, end));
    }
    expected(step, cx, name, reader).await
}

fn bad(step: &RunTask, name: &str, end: &End) -> Outcome {
    let unknown = if end.is_broken_off() && step.purpose == Purpose::Migrate {
        format!("; {STATE_UNKNOWN}")
    } else {
        String::new()
    };
    let outcome = Outcome::new(
        end.verdict(),
        match end {
            End::NeverStarted(why) => message!("task-never-started", "{name} never started: {why}"),
            _ => format!("{name} {end}{unknown}"),
        },
    );
    match end {
        End::NeverStarted(_) => outcome.advise("nothing of it has run; the reason names the image, the secret, the role or the network that is wrong (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html)"),
        End::OutOfMemory(_) => outcome.advise("give the container more memory in its task definition").advise(after_breaking_off(step)),
        _ if end.is_broken_off() => outcome.advise(after_breaking_off(step)),
        _ => outcome.advise("see its last lines in the job summary, and all of them at `log-url`"),
    }
}

fn dirty(name: &str, version: &str) -> Outcome {
    Outcome::fail(message!("dirty-database", "{name} found a dirty database: migration {version} was begun, and did not end"))
        .advise(format!(
            "look how much of migration {version} was applied, and undo it or finish it by hand; then say so with `migrate force`: {version} if it was \
             finished, the version before it if it was undone"
        ))
        .advise("this step never forces a version: it cannot know which of both is true")
}

/// Whether the schema is what was expected.
async fn expected(step: &RunTask, cx: &Context, name: &str, reader: &Reader) -> Step<Outcome> {
    let said = &reader.said;
    let unread = |what: &str| {
        let why = reader.given_up.as_ref().map(|why| format!(": its log was not read ({why})")).unwrap_or_default();
        Outcome::error(format!("{name} ended with 0, and does not say {what}{why}"))
            .advise("let the task write it as its last line of JSON, such as {\"schema-version\": 15}")
    };
    if let Some(expectations) = &step.expect_json {
        let Some(json) = &said.json else { return Ok(unread("any JSON, which `expect-json` asks for")) };
        let mismatch = expectations.mismatch(json);
        let (observed, verdict) =
            mismatch.as_ref().map_or(("as expected", Verdict::Pass), |mismatch| (mismatch.as_str(), Verdict::Fail));
        cx.report.check(format!("JSON of {name}"), observed, "as `expect-json` says", verdict, "log");
        if let Some(mismatch) = mismatch {
            return Ok(Outcome::fail(format!(
                "{name} ended with 0, and says something else than expected: {mismatch}"
            ))
            .advise("compare the output `last-json` with `expect-json`"));
        }
    }
    let version = said.schema_version();
    if let Some(expected) = &step.expect_schema_version {
        let Some(version) = &version else { return Ok(unread("the version of the schema")) };
        let is_same = is_same_version(version, expected.as_str());
        if is_later_version(version, expected.as_str()) {
            newer_database(cx, name, "log", version).await?;
        }
        let verdict = if is_same { Verdict::Pass } else { Verdict::Fail };
        cx.report.check("version of the schema", version, expected.as_str(), verdict, "log");
        if !is_same {
            return Ok(Outcome::fail(format!(
                "{name} ended with 0, and the schema has version {version}, not {expected}"
            ))
            .advise(
                "see in its log which migrations it applied; the files of its image may be those of another commit",
            ));
        }
    }
    let applied = match said.applied.len() {
        0 => String::new(),
        count => format!("; applied {}: {}", number_of(count, "migration"), said.applied.join(", ")),
    };
    let version = version.map(|version| format!("; the schema has version {version}")).unwrap_or_default();
    Ok(Outcome::pass(format!("{name} ended with 0{applied}{version}")))
}

/// The end of the step where the database is ahead of the files because older code is being brought back.
async fn newer_database(cx: &Context, name: &str, source: &str, version: &str) -> Step<()> {
    let (Some(environment), Some(own)) = (&cx.common.environment, cx.commit()) else { return Ok(()) };
    let history = History::of_component(cx, environment, &component(cx)).await?;
    let newest = history.entries.iter().find_map(|entry| entry.payload.commit.parse::<CommitSha>().ok());
    let Some(newest) = newest.filter(|newest| *newest != own) else { return Ok(()) };
    if cx.github().await?.ancestry(&newest, &own).await? != Ancestry::Older {
        return Ok(());
    }
    cx.report.check(
        name,
        format!("the database has version {version}, which the files do not have"),
        "no newer database",
        Verdict::Skipped,
        source,
    );
    Err(Outcome::skipped(format!(
        "nothing to migrate: commit {} is older than what was deployed to {environment}, and the database keeps its newer version {version}",
        own.short()
    ))
    .into())
}
