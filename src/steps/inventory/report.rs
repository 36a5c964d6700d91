//! What inventory says: the table, the files, and how it ends.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::model::{Inventory as Document, Level, Observed, Row, Serves, State};
use super::{Format, Inventory, OnDrift, page};
use crate::action::report::now;
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::text::{self, Foreign, message, number_of};

/// The longest text in a file, in bytes.
const LONGEST: usize = 2048;
/// What is named of several in one line.
const NAMED: usize = 3;

impl Inventory {
    pub(super) fn report(&self, cx: &Context, observed: &Observed, rows: Vec<Row>) -> Step<Outcome> {
        for row in &rows {
            cx.report.check(
                format!("{} {}: {}", row.environment, row.component, row.target),
                observed_of(row),
                required_of(row),
                self.verdict(row),
                source(row),
            );
        }
        if let Some(figures) = &observed.figures {
            cx.report.section(format!("Deployments since {}", &figures.since[..10]), figures.lines());
        }
        if let Some(why) = &observed.unrecorded {
            cx.report.warn(format!("nothing was compared with the records, which could not be read: {why}"));
        }
        let drift = rows.iter().filter(|row| is_drift(row)).map(|row| {
            json!({
                "environment": row.environment, "component": row.component, "target": row.target,
                "serves": names(&row.serves), "recorded": row.recorded,
            })
        });
        cx.report.value("drift", text::json(&drift.collect::<Value>()))?;
        let outcome = self.outcome(&rows, observed);
        for row in rows.iter().filter(|row| self.on_drift == OnDrift::Warn && is_drift(row)) {
            cx.report.warn(format!("{} {}: {}", row.environment, row.component, said(row, Level::Bad)));
        }
        self.write(cx, observed, rows, &outcome)?;
        Ok(outcome)
    }

    fn write(&self, cx: &Context, observed: &Observed, rows: Vec<Row>, outcome: &Outcome) -> Step<()> {
        let Some(folder) = &self.output else { return Ok(()) };
        let (folder, format) = (folder.as_str().trim_end_matches('/'), self.format.unwrap_or(Format::Html));
        let repository = cx.runner.github_repository.clone().unwrap_or_default();
        let server = cx.runner.github_server_url.as_deref().map(|url| url.trim_end_matches('/'));
        let document = Document {
            schema: 1,
            generated_at: now(),
            repository_url: server.filter(|url| url.starts_with("https://")).map(|url| format!("{url}/{repository}")),
            repository,
            run: cx.runner.run_id(),
            head: observed.branch.as_ref().and_then(|branch| branch.head()).map(ToString::to_string),
            verdict: outcome.ending.verdict().to_string(),
            reason: outcome.reason.clone(),
            targets: rows,
            deployments: observed.deployments.clone(),
            metrics: observed.figures.clone(),
        };
        // Nothing in a file holds a secret or an account id.
        let document = text::each_text(serde_json::to_value(&document).map_err(anyhow::Error::from)?, &|text| {
            Foreign::new(text).for_record(LONGEST)
        });
        let workspace = cx.runner.workspace();
        let write = |name: &str, text: &str| {
            let path = format!("{folder}/{name}");
            workspace.write(&path, text).map(|()| path.clone()).map_err(|error| {
                Outcome::error(format!("{path} could not be written: {error}"))
                    .advise("name another folder in `output`")
            })
        };
        match format {
            Format::Markdown => {
                write("inventory.md", &markdown(&document))?;
            }
            Format::Json | Format::Html => {
                cx.report.value("json", write("inventory.json", &document.to_string())?)?;
            }
        }
        if format == Format::Html {
            cx.report.value("page", write("index.html", &page::page(&document))?)?;
        }
        Ok(())
    }

    fn verdict(&self, row: &Row) -> Verdict {
        let worst = row.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Note);
        match row.state {
            State::Unknown if row.serves.is_empty() => Verdict::Error,
            State::Elsewhere => Verdict::Skipped,
            State::Drift | State::Missing if self.on_drift == OnDrift::Warn && !row.endangered => Verdict::Inconclusive,
            _ if worst == Level::Bad => Verdict::Fail,
            _ if worst == Level::Unproved => Verdict::Inconclusive,
            _ => Verdict::Pass,
        }
    }

    fn outcome(&self, rows: &[Row], observed: &Observed) -> Outcome {
        let some = |wanted: &dyn Fn(&&Row) -> bool| rows.iter().filter(wanted).collect::<Vec<_>>();
        let unread = some(&|row| row.state == State::Unknown && row.serves.is_empty());
        let elsewhere = some(&|row| is_elsewhere(row));
        let (drift, endangered) = (some(&|row| is_drift(row)), some(&|row| row.endangered));
        let unproved = some(&|row| said_any(row, Level::Unproved));
        let targets = number_of(rows.len(), "target");
        if !unread.is_empty() || rows.len() == elsewhere.len() {
            let (these, level) = if unread.is_empty() { (&elsewhere, Level::Note) } else { (&unread, Level::Unproved) };
            return Outcome::error(message!(
                "targets-not-read",
                "{} of {targets} could not be read: {}",
                these.len(),
                named(these, level)
            ))
            .advise("give the role the permissions of docs/permissions.md on these targets, or run inventory in each account and region with the `environments` that are there");
        }
        if !endangered.is_empty() {
            return Outcome::fail(message!(
                "what-serves-is-not-kept",
                "{} of {targets}: what serves, or what a rollback needs, is not kept: {}",
                endangered.len(),
                named(&endangered, Level::Bad)
            ))
            .advise("change the lifecycle policy so that it spares these images (a tag that no rule selects), or restore them from the archive, before they are needed");
        }
        let drifts =
            message!("not-as-recorded", "{} of {targets} not as recorded: {}", drift.len(), named(&drift, Level::Bad));
        if !drift.is_empty() && self.on_drift == OnDrift::Fail {
            return Outcome::fail(drifts)
                .advise("find out who changed it (CloudTrail: UpdateAlias, UpdateFunctionCode, UpdateService)")
                .advise(
                    "then deploy what is meant to serve by its workflow, or record what serves with `adopt: true`",
                );
        }
        if !unproved.is_empty() || observed.unrecorded.is_some() {
            let what = if unproved.is_empty() {
                "there are no records to compare with".to_owned()
            } else {
                format!("{} not proved: {}", unproved.len(), named(&unproved, Level::Unproved))
            };
            return Outcome::new(Verdict::Inconclusive, format!("{targets} read, and {what}"));
        }
        if !drift.is_empty() {
            return Outcome::pass(drifts);
        }
        let not_here = match elsewhere.len() {
            0 => String::new(),
            count => format!("; {count} of them in another account or region, and not asked for"),
        };
        Outcome::pass(format!(
            "{targets}: each serves what is recorded, or has no record yet, and what it needs is kept{not_here}"
        ))
    }
}

fn is_elsewhere(row: &Row) -> bool {
    row.state == State::Elsewhere
}

fn is_drift(row: &Row) -> bool {
    matches!(row.state, State::Drift | State::Missing)
}

fn said_any(row: &Row, level: Level) -> bool {
    row.findings.iter().any(|finding| finding.level == level)
}

fn said(row: &Row, level: Level) -> String {
    let texts = row.findings.iter().filter(|finding| finding.level == level).map(|finding| finding.text.as_str());
    texts.collect::<Vec<_>>().join("; ")
}

/// The first of some rows, with what is said of them.
fn named(rows: &[&Row], level: Level) -> String {
    let mut all: Vec<String> = rows
        .iter()
        .take(NAMED)
        .map(|row| format!("{} {} ({}): {}", row.environment, row.component, row.target, said(row, level)))
        .collect();
    if rows.len() > NAMED {
        all.push(format!("and {} more, in the job summary", rows.len() - NAMED));
    }
    all.join("; ")
}

fn names(serves: &[Serves]) -> String {
    let one = |one: &Serves| match serves.len() {
        1 => one.name.clone(),
        _ => format!("{} {}%", one.name, one.share),
    };
    serves.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn observed_of(row: &Row) -> String {
    let one = |one: &Serves| {
        let commit = one.commit.as_deref().map_or("unknown", |commit| &commit[..7]);
        let share = if row.serves.len() > 1 { format!(" with {}%", one.share) } else { String::new() };
        format!("{}{share} (commit {commit})", one.name)
    };
    let mut words: Vec<String> = vec![row.serves.iter().map(one).collect::<Vec<_>>().join(", ")];
    words.extend(row.since.as_ref().map(|since| format!("since {since}")));
    words.extend(
        row.behind.filter(|behind| *behind > 0).map(|behind| format!("{} behind", number_of(behind, "commit"))),
    );
    words.extend(row.held.iter().cloned());
    words.extend(row.findings.iter().map(|finding| finding.text.clone()));
    words.retain(|word| !word.is_empty());
    words.join("; ")
}

fn required_of(row: &Row) -> String {
    row.recorded.as_ref().map_or_else(|| "nothing is recorded".to_owned(), |recorded| format!("{recorded}, and kept"))
}

fn source(row: &Row) -> &'static str {
    match row.kind {
        "ecs-service" => "ecs:DescribeServices",
        "lambda-alias" => "lambda:GetAlias",
        _ => "lambda:GetFunction",
    }
}

fn markdown(document: &Value) -> String {
    let mut page = format!("# What serves where in {}\n\n", cell(&document["repository"]));
    page.push_str("| environment | component | target | serves | commit | since | behind | state |\n|---|---|---|---|---|---|---|---|\n");
    for row in document["targets"].as_array().into_iter().flatten() {
        let serves: Vec<String> =
            row["serves"].as_array().into_iter().flatten().map(|one| cell(&one["name"])).collect();
        let commit = row["serves"][0]["commit"].as_str().map_or("unknown", |commit| commit.get(..7).unwrap_or(commit));
        let cells = [
            cell(&row["environment"]),
            cell(&row["component"]),
            cell(&row["target"]),
            serves.join(", "),
            commit.to_owned(),
            cell(&row["since"]),
            row["behind"].as_u64().map(|behind| behind.to_string()).unwrap_or_default(),
            cell(&row["state"]),
        ];
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
    page
}

fn cell(value: &Value) -> String {
    Foreign::new(value.as_str().unwrap_or_default()).for_markdown(LONGEST)
}
