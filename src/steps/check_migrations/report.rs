//! What check-migrations says: outputs, the table, annotations on lines, and the SARIF file.

use serde_json::{Value, json};

use super::CheckMigrations;
use super::observe::Observed;
use super::plan::{Plan, Whole};
use super::sarif::sarif;
use crate::action::commands::{Level, Spot};
use crate::action::outputs::LONGEST;
use crate::context::Context;
use crate::migrations::{One, Told};
use crate::outcome::{Outcome, Verdict};
use crate::sql::{Class, Rule};
use crate::text::{self, number_of};

/// Findings that are shown at their lines: GitHub shows 10 of a step, and one says how the step ended.
const SHOWN: usize = 9;

/// Lines of findings in the summary.
const LISTED: usize = 100;

const SOURCE: &str = "GET /repos/{owner}/{repo}/git/blobs";

impl CheckMigrations {
    pub(super) fn report(&self, cx: &Context, observed: &Observed, plan: &Plan) -> Result<Outcome, Outcome> {
        let report = &cx.report;
        report.value("class", plan.class.word())?;
        report.value("needs-approval", plan.needs_approval.to_string())?;
        report.value("pending", pending(plan))?;
        report.value("max-version", observed.files.greatest.join("\n"))?;
        report.output("findings", findings(&plan.told));
        for (one, class) in &plan.migrations {
            let fails = plan.failing.iter().any(|at| plan.told[*at].file == one.file);
            let verdict = if fails { Verdict::Fail } else { Verdict::Pass };
            report.check(
                format!("migration {}", one.name),
                class.word(),
                "the code that serves survives it",
                verdict,
                SOURCE,
            );
        }
        let lines = worst_first(plan);
        if !lines.is_empty() {
            report.section("Findings", lines.iter().take(LISTED).map(|(_, one)| line(one)));
        }
        if lines.len() > LISTED {
            report.section(
                "Findings",
                [format!("and {} more, in the output `findings` and the SARIF file", lines.len() - LISTED)],
            );
        }
        for (fails, one) in lines.iter().filter(|(_, one)| one.class != Class::Note).take(SHOWN) {
            let level = if *fails { Level::Error } else { Level::Warning };
            let spot = Spot { file: one.file.clone(), line: one.line, column: one.column };
            let fix = if one.fix.is_empty() { String::new() } else { format!(". Instead: {}", one.fix) };
            report.annotate(
                level,
                spot,
                format!("{} ({})", one.rule.id(), one.class.word()),
                format!("{}{fix}", one.message),
            );
        }
        if let Some(path) = &self.sarif {
            let text = sarif(&plan.told, &plan.failing);
            let written = cx.runner.workspace().write(path.as_str(), &text);
            written.map_err(|error| {
                Outcome::error(format!("the SARIF file {} was not written: {error}", path.as_str()))
                    .advise("give another path for `sarif`")
            })?;
            report.output("sarif-file", path.as_str());
        }
        Ok(outcome(observed, plan))
    }
}

/// The migrations for the step that deploys. Where they are too many for an output, the files of those that take nothing away are left
/// out: the version is what the record keeps.
fn pending(plan: &Plan) -> String {
    let written = |all_files: bool| {
        let one = |(one, class): &(One, Whole)| {
            let mut said = json!({"version": one.name, "class": class.word()});
            if all_files || *class != Whole::Expand {
                said["file"] = json!(one.file);
            }
            if let Some((expand, _)) = &one.contract {
                said["expand"] = json!(expand);
            }
            said
        };
        text::json(&plan.migrations.iter().map(one).collect())
    };
    let whole = written(true);
    if whole.len() <= LONGEST { whole } else { written(false) }
}

fn outcome(observed: &Observed, plan: &Plan) -> Outcome {
    let count = plan.migrations.len();
    let migrations = number_of(count, "migration");
    let since = if observed.files.since.is_empty() {
        String::new()
    } else {
        format!(" since {}", observed.files.since.join(", and "))
    };
    if let Some(first) =
        plan.failing.iter().map(|at| &plan.told[*at]).max_by_key(|one| {
            (one.rule == Rule::ContractTooEarly, one.rule == Rule::Mixed, one.class == Class::Contract)
        })
    {
        let more = plan.failing.len() - 1;
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let at = format!("{}:{}", first.file, first.line);
        let reason = format!("{at}: {}{more}", first.message);
        let outcome = Outcome::fail(reason);
        return if first.fix.is_empty() { outcome } else { outcome.advise(first.fix.clone()) };
    }
    match plan.class {
        Whole::None => Outcome::skipped(format!("there are no new migrations{since}")),
        Whole::Contract if plan.needs_approval => Outcome::pass(format!(
            "of {migrations}{since}, some take away what code has used; somebody has to approve that"
        )),
        Whole::Contract => Outcome::pass(format!(
            "of {migrations}{since}, some take away what the code that serves may use; `on-contract: warn` lets that pass"
        )),
        _ => Outcome::pass(format!("the code that serves survives {}{since}", number_of(count, "new migration"))),
    }
}

/// What is told, with whether it fails the step: that first, then by class.
fn worst_first(plan: &Plan) -> Vec<(bool, &Told)> {
    let mut all: Vec<(bool, &Told)> =
        plan.told.iter().enumerate().map(|(at, one)| (plan.failing.contains(&at), one)).collect();
    all.sort_by_key(|(fails, one)| std::cmp::Reverse((*fails, one.class)));
    all
}

fn line(one: &Told) -> String {
    let fix = if one.fix.is_empty() { String::new() } else { format!(" Instead: {}.", one.fix) };
    format!("{}:{} {} ({}): {}.{fix}", one.file, one.line, one.rule.id(), one.class.word(), one.message)
}

fn findings(told: &[Told]) -> String {
    let one = |one: &Told| {
        json!({
            "file": one.file, "line": one.line, "column": one.column, "rule": one.rule.id(), "class": one.class.word(), "object": one.object,
            "owner": one.owner, "message": one.message, "fix": one.fix,
        })
    };
    text::json(&Value::Array(told.iter().map(one).collect()))
}
