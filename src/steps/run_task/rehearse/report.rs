//! What a rehearsal says: before it, and what it found.

use serde_json::{Value, json};

use super::inputs::Asked;
use super::observe::Observed;
use crate::action::commands::{Level, Spot};
use crate::context::Context;
use crate::migrations::Pending;
use crate::outcome::{Outcome, Verdict};
use crate::rehearsal::{Broke, Down, Failed, Lock, Mode, Query, Ran, Rehearsed, Tried};
use crate::text::{self, message, number_of, truncated};

/// Findings that are shown at their lines: GitHub shows 10 of a step, and one says how the step ended.
const SHOWN: usize = 9;
/// Lines of a paragraph of the summary.
const LISTED: usize = 100;
/// Bytes of a statement in a line.
const STATEMENT: usize = 160;

const SOURCE: &str = "the scratch database";

/// What will be run, before it is.
pub(super) fn announce(asked: &Asked<'_>, observed: &Observed) {
    tracing::info!(
        "rehearses {} on the scratch database at {}, after {} that {} applied already{}",
        number_of(observed.pending.len(), "new migration"),
        asked.database.host(),
        observed.applied.len(),
        if observed.applied.len() == 1 { "is" } else { "are" },
        observed.since()
    );
    for one in &observed.pending {
        tracing::info!("  {} ({}, {})", one.name, one.migration.file, one.migration.layout);
    }
    for (service, count) in by_service(observed, |_| true) {
        tracing::info!("  before and after each: {} of {service}", number_of(count, "statement"));
    }
    if asked.queries.is_empty() {
        tracing::info!("  `compat-queries` is not given: whether the code that serves still works is not tried");
    }
}

/// How many statements there are of each service.
fn by_service(observed: &Observed, which: impl Fn(usize) -> bool) -> Vec<(&str, usize)> {
    let mut found: Vec<(&str, usize)> = Vec::new();
    for (at, query) in observed.queries.iter().enumerate() {
        let counts = usize::from(which(at));
        match found.iter_mut().find(|(service, _)| *service == query.service) {
            Some((_, count)) => *count += counts,
            None => found.push((&query.service, counts)),
        }
    }
    found
}

/// The end of a dry run.
pub(super) fn not_run(observed: &Observed) -> Outcome {
    let names: Vec<&str> = observed.pending.iter().map(|one: &Pending| one.name.as_str()).collect();
    Outcome::pass(format!(
        "dry run: would rehearse {} ({}) after {} that are applied already, with {} of the code that serves; the database was not connected to",
        number_of(names.len(), "new migration"),
        names.join(", "),
        observed.applied.len(),
        number_of(observed.queries.len(), "statement")
    ))
}

/// Says what was found, and how it ends.
pub(super) fn outcome(cx: &Context, observed: &Observed, rehearsed: &Rehearsed) -> Outcome {
    let report = &cx.report;
    for one in &rehearsed.tried {
        migration(cx, observed, one);
    }
    for (service, broken) in by_service(observed, |at| broken(rehearsed).any(|(_, broke)| broke.query == at)) {
        let all = observed.queries.iter().filter(|query| query.service == service).count();
        let idle = rehearsed.idle.iter().filter(|(at, _)| observed.queries[*at].service == service).count();
        let (said, verdict) = if broken == 0 {
            (format!("{} of {all} work after each migration", all - idle), Verdict::Pass)
        } else {
            (format!("{broken} of {all} do not work any more"), Verdict::Fail)
        };
        report.check(format!("statements of {service}"), said, "what works before works after", verdict, SOURCE);
    }
    for (at, why) in &rehearsed.idle {
        let query = &observed.queries[*at];
        report.warn(message!(
            "query-idle",
            "{file}:{line} of {service} does not work before the first new migration, so it proves nothing: {why}",
            file = query.file,
            line = query.line,
            service = query.service
        ));
    }
    annotate(cx, observed, rehearsed);
    let json = text::json(&Value::Array(rehearsed.tried.iter().map(|one| as_json(observed, one)).collect()));
    report.output(
        "last-json",
        format!("{{\"postgresql\":{},\"migrations\":{json}}}", Value::from(rehearsed.server.as_str())),
    );
    report.output("ended-as", "rehearsed");
    verdict(observed, rehearsed)
}

fn broken(rehearsed: &Rehearsed) -> impl Iterator<Item = (&Tried, &Broke)> {
    rehearsed.tried.iter().flat_map(|one| one.broke.iter().map(move |broke| (one, broke)))
}

/// The checks and the lines of one migration.
fn migration(cx: &Context, observed: &Observed, one: &Tried) {
    let strongest = one.ran.iter().flat_map(|ran| &ran.locks).max_by_key(|lock| lock.mode);
    let strongest = strongest.filter(|lock| lock.mode >= Mode::ShareUpdateExclusive);
    let mut said = vec![number_of(one.ran.len(), "statement")];
    said.extend(strongest.map(held));
    let rewritten: Vec<&str> = one.ran.iter().flat_map(|ran| &ran.rewritten).map(String::as_str).collect();
    if !rewritten.is_empty() {
        said.push(format!("writes {} anew", rewritten.join(", ")));
    }
    let verdict = if let Some(failed) = &one.failed {
        said = vec![format!("line {}: {}", failed.line, failed.why)];
        Verdict::Fail
    } else if let Some(first) = one.broke.first() {
        said.push(format!("breaks {}", label(&observed.queries[first.query])));
        Verdict::Fail
    } else {
        Verdict::Pass
    };
    cx.report.check(
        format!("migration {}", one.name),
        said.join("; "),
        "it runs, and what the serving code sends works after it",
        verdict,
        SOURCE,
    );
    let lines = one.ran.iter().map(|ran| format!("{}:{} {}: {}", one.file, ran.line, shortened(&ran.text), took(ran)));
    cx.report.section("What each statement did", lines.take(LISTED));
    let way_back = match &one.down {
        Down::Untried => None,
        Down::Missing => Some("there is no way back".to_owned()),
        Down::LeadsBack => Some("leads back: the schema is as it was before".to_owned()),
        Down::Differs(what) => Some(format!("does not lead back: {}", what.join("; "))),
        Down::Fails(failed) => Some(format!("fails at line {}: {}", failed.line, failed.why)),
    };
    if let Some(way_back) = way_back {
        cx.report.section("The way back", [format!("{}: {way_back}", one.name)]);
        if matches!(one.down, Down::Differs(_) | Down::Fails(_)) {
            cx.report.warn(message!(
                "down-does-not-lead-back",
                "the way back of migration {name} {way_back}",
                name = one.name
            ));
        }
    }
}

fn held(lock: &Lock) -> String {
    let keeps_out = lock.mode.keeps_out();
    if keeps_out.is_empty() { lock.to_string() } else { format!("{lock} ({keeps_out})") }
}

/// What a statement took.
fn took(ran: &Ran) -> String {
    let locks: Vec<String> = ran.locks.iter().filter(|lock| lock.mode >= Mode::RowExclusive).map(held).collect();
    let locks = if locks.is_empty() { "no lock on a table of the serving code".to_owned() } else { locks.join(", ") };
    if ran.rewritten.is_empty() { locks } else { format!("{locks}; writes {} anew", ran.rewritten.join(", ")) }
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    truncated(line.trim_end_matches(';'), STATEMENT)
}

fn label(query: &Query) -> String {
    format!("{}:{} of {} (`{}`)", query.file, query.line, query.service, shortened(&query.text))
}

fn spot(file: &str, line: usize) -> Spot {
    Spot { file: file.to_owned(), line, column: 1 }
}

/// The lines of the files at which something is shown: what fails first.
fn annotate(cx: &Context, observed: &Observed, rehearsed: &Rehearsed) {
    let failed = rehearsed.tried.iter().filter_map(|one| Some((one, one.failed.as_ref()?)));
    let failed = failed.map(|(one, failed)| {
        (Level::Error, spot(&one.file, failed.line), "migration-fails".to_owned(), failed.why.clone())
    });
    let breaks = broken(rehearsed).map(|(one, broke)| {
        let line = one.ran.get(broke.by).map_or(1, |ran| ran.line);
        let said =
            format!("after this, {} does not work any more: {}", label(&observed.queries[broke.query]), broke.why);
        (Level::Error, spot(&one.file, line), "breaks-serving-code".to_owned(), said)
    });
    let anew = rehearsed.tried.iter().flat_map(|one| one.ran.iter().map(move |ran| (one, ran)));
    let anew = anew.filter(|(_, ran)| !ran.rewritten.is_empty()).map(|(one, ran)| {
        let said = format!("{}: for as long as the table is long", took(ran));
        (Level::Warning, spot(&one.file, ran.line), "rewrites-table".to_owned(), said)
    });
    for (level, spot, title, said) in failed.chain(breaks).chain(anew).take(SHOWN) {
        cx.report.annotate(level, spot, title, said);
    }
}

fn as_json(observed: &Observed, one: &Tried) -> Value {
    let ran = |ran: &Ran| {
        let locks: Vec<Value> =
            ran.locks.iter().map(|lock| json!({"relation": lock.relation, "mode": lock.mode.word()})).collect();
        json!({"line": ran.line, "locks": locks, "rewritten": ran.rewritten})
    };
    let broke = |broke: &Broke| {
        let query = &observed.queries[broke.query];
        json!({
            "service": query.service, "file": query.file, "line": query.line, "why": broke.why,
            "by": one.ran.get(broke.by).map(|ran| ran.line),
        })
    };
    let failed = |failed: &Failed| json!({"line": failed.line, "why": failed.why});
    let down = match &one.down {
        Down::Untried => "untried",
        Down::Missing => "missing",
        Down::LeadsBack => "leads-back",
        Down::Differs(_) => "differs",
        Down::Fails(_) => "fails",
    };
    json!({
        "version": one.name, "file": one.file, "statements": one.ran.iter().map(ran).collect::<Vec<_>>(), "down": down,
        "broke": one.broke.iter().map(broke).collect::<Vec<_>>(), "failed": one.failed.as_ref().map(failed),
    })
}

fn verdict(observed: &Observed, rehearsed: &Rehearsed) -> Outcome {
    if let Some((one, broke)) = broken(rehearsed).next() {
        let more = broken(rehearsed).count() - 1;
        let more = if more > 0 { format!(" ({more} more in the summary)") } else { String::new() };
        let by = one.ran.get(broke.by).map(|ran| {
            let lock = ran.locks.first().map(|lock| format!(", with {}", held(lock))).unwrap_or_default();
            format!(" at line {} (`{}`{lock})", ran.line, shortened(&ran.text))
        });
        return Outcome::fail(message!(
            "breaks-serving-code",
            "{query} works before migration {name} and not after it: {why}. It is broken by {file}{by}{more}",
            query = label(&observed.queries[broke.query]),
            name = one.name,
            why = broke.why,
            file = one.file,
            by = by.unwrap_or_default()
        ))
        .advise(
            "nothing real was touched: first deploy code that does not send this statement, then this migration, in a later \
             deployment; docs/migrations.md shows the steps",
        );
    }
    if let Some((one, failed)) = rehearsed.tried.iter().find_map(|one| Some((one, one.failed.as_ref()?))) {
        return Outcome::fail(message!(
            "migration-fails",
            "migration {name} fails at {file}:{line} (`{text}`): {why}",
            name = one.name,
            file = one.file,
            line = failed.line,
            text = shortened(&failed.text),
            why = failed.why
        ))
        .advise("nothing real was touched: correct the migration, which is not applied anywhere yet");
    }
    let count = number_of(rehearsed.tried.len(), "new migration");
    let works = observed.queries.len() - rehearsed.idle.len();
    let queries = if observed.queries.is_empty() {
        String::new()
    } else {
        format!(
            ", and {} of the serving code {} after each",
            number_of(works, "statement"),
            if works == 1 { "works" } else { "work" }
        )
    };
    Outcome::pass(format!(
        "{count}{} on PostgreSQL {}{queries}",
        if rehearsed.tried.len() == 1 { " runs" } else { " run" },
        rehearsed.server
    ))
}
