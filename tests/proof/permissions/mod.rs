//! Each step passes with exactly the policy that the documentation prints for it, fails naming the action when any that it needs is
//! taken away, and does its work without those that are optional. The same with the permissions of the job's token, and
//! with the trust policies.
//!
//! `cargo permissions` prints what was found.

pub(crate) mod arranged;
mod aws;
mod github;
mod policy;
mod trust;
mod variants;

use std::io::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use testbed::runner::Report;

pub(crate) use self::aws::untried_actions;
pub(crate) use self::github::untried_grants;
pub(crate) use self::variants::{Arranging, EXECUTIONS, Variant};

/// Variants tried at the same time.
const AT_ONCE: usize = 6;

/// What was found of one permission in one run.
struct Row {
    run: String,
    permission: String,
    optional: bool,
    /// The verdict and exit code without it.
    without: String,
    /// What is not as documented; empty if all is.
    wrong: Vec<String>,
}

/// Prints the rows and fails if any is wrong.
fn conclude(title: &str, mut rows: Vec<Row>) {
    rows.sort_by(|one, other| {
        (&one.run, one.optional, &one.permission).cmp(&(&other.run, other.optional, &other.permission))
    });
    let lines = rows.iter().map(|row| {
        let is = if row.optional { "optional" } else { "needed" };
        [row.run.as_str(), &row.permission, is, &told(&row.without, &row.wrong)].join(" | ")
    });
    print(title, "run | permission | is | without it", lines);
    let wrong = rows.iter().filter(|row| !row.wrong.is_empty()).count();
    assert_eq!(wrong, 0, "rows that are not as documented");
}

/// A cell, with what is wrong.
fn told(cell: &str, wrong: &[String]) -> String {
    if wrong.is_empty() { cell.to_owned() } else { format!("{cell} **{}**", wrong.join("; ")) }
}

/// Prints a table, also when the test passes: what libtest catches is only what the macros print.
fn print(title: &str, heads: &str, lines: impl Iterator<Item = String>) {
    let rule = "|---".repeat(heads.split(" | ").count());
    let lines: Vec<String> = lines.map(|line| format!("| {line} |")).collect();
    let table = format!("\n{title}\n\n| {heads} |\n{rule}|\n{}\n", lines.join("\n"));
    std::io::stdout().write_all(table.as_bytes()).unwrap();
}

/// What a run says that ended without a permission.
fn judged(report: &Report, optional: bool, name: &str, exactly: bool) -> (String, Vec<String>) {
    let mut wrong = Vec::new();
    if optional {
        if report.succeeded() {
            wrong = unsaid(report, name);
        } else {
            wrong.push(format!("it fails: {}", report.output("reason")));
        }
        return (shown(report), wrong);
    }
    // Who may not put back what served before leaves what was judged bad.
    let ended = (report.output("verdict"), report.exit_code);
    if ended != ("error", 4) && ended != ("fail", 3) {
        wrong.push(format!("it does not end in `error` 4: {}", report.output("reason")));
        return (shown(report), wrong);
    }
    let said = &report.error().message;
    if !said.contains(name) {
        wrong.push(format!("its annotation does not name it: {said}"));
    }
    let fixes: Vec<&str> =
        FIX.captures_iter(said).filter_map(|found| found.get(1)).map(|found| found.as_str()).collect();
    if exactly && fixes.iter().any(|fix| *fix != name) {
        wrong.push(format!("it wants {}: {said}", fixes.join(", ")));
    }
    (shown(report), wrong)
}

fn shown(report: &Report) -> String {
    format!("`{}` {}", report.output("verdict"), report.exit_code)
}

/// What is wrong if a run does not say that something could not be looked at.
fn unsaid(report: &Report, name: &str) -> Vec<String> {
    let whole = format!("{}\n{}", report.raw, report.summary);
    if whole.contains(name) { Vec::new() } else { vec!["it does not say that it is missing".to_owned()] }
}

/// An action that is to be allowed to the role.
static FIX: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\ballow ((ecr|lambda|s3|sts):[A-Z][A-Za-z]+)[^:]* to the role").unwrap());
