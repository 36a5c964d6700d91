//! The job summary: verdict, checks, what serves, what to do. Markdown, under 64 KiB.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::report::Account;
use crate::calls::journal::Answer;
use crate::outcome::Verdict;
use crate::text::{Foreign, message};

/// Longest cell or line, in bytes.
const LINE: usize = 800;
/// The page may be this long after the table of checks, and this long after the sections; what follows is bounded by itself,
/// so that the whole stays under 64 KiB.
const FOR_CHECKS: usize = 28 * 1024;
const FOR_SECTIONS: usize = 38 * 1024;

/// What the heading and the closing lines say.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The step.
    pub step: &'a str,
    /// The environment, when one was given.
    pub environment: Option<&'a str>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: &'a str,
    /// What to do about it, one item a line.
    pub advice: &'a str,
    /// What serves now.
    pub serving: &'a str,
    /// Where the evidence lies.
    pub evidence: &'a str,
}

/// The summary of one invocation.
#[must_use]
pub fn render(facts: &Facts<'_>, account: &Account) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = render_into(&mut page, facts, account);
    page
}

fn render_into(page: &mut String, facts: &Facts<'_>, account: &Account) -> std::fmt::Result {
    let place =
        facts.environment.map(|name| format!(" ({})", Foreign::new(name).for_markdown(LINE))).unwrap_or_default();
    writeln!(
        page,
        "### {} {}{place}: {}\n",
        facts.verdict.sign(),
        Foreign::new(facts.step).for_markdown(LINE),
        facts.verdict
    )?;
    writeln!(page, "{}\n", Foreign::new(facts.reason).for_markdown(2 * LINE))?;
    checks(page, account)?;
    sections(page, account)?;
    for write in account.writes.iter().filter(|write| write.answer == Answer::Unknown).take(4) {
        let what = Foreign::new(&write.what).for_markdown(LINE);
        let unknown =
            message!("sent-not-answered", "Sent, but not answered: {what}. Whether it was applied is unknown.");
        writeln!(page, "⚠️ {unknown}\n")?;
    }
    for warning in account.warnings.iter().take(8) {
        writeln!(page, "⚠️ {}\n", Foreign::new(warning).for_markdown(LINE))?;
    }
    let serving = if facts.serving.is_empty() { "this step did not look" } else { facts.serving };
    writeln!(page, "**Serves now:** {}\n", Foreign::new(serving).for_markdown(2 * LINE))?;
    if !facts.advice.is_empty() {
        writeln!(page, "**What to do**\n")?;
        for line in facts.advice.lines().take(10) {
            writeln!(page, "- {}", Foreign::new(line).for_markdown(LINE))?;
        }
        if let more @ 1.. = facts.advice.lines().count().saturating_sub(10) {
            writeln!(page, "- and {more} more, in the log")?;
        }
        page.push('\n');
    }
    if !facts.evidence.is_empty() {
        writeln!(page, "Evidence: {}\n", Foreign::new(facts.evidence).for_markdown(LINE))?;
    }
    Ok(())
}

fn checks(page: &mut String, account: &Account) -> std::fmt::Result {
    if account.checks.is_empty() {
        return Ok(());
    }
    writeln!(page, "| check | observed | required | verdict |\n|---|---|---|---|")?;
    for (place, check) in account.checks.iter().enumerate() {
        let cells = [&check.name, &check.observed, &check.required].map(|text| Foreign::new(text).for_markdown(LINE));
        let row = format!("| {} | {} {} |\n", cells.join(" | "), check.verdict.sign(), check.verdict);
        if page.len() + row.len() > FOR_CHECKS {
            writeln!(page, "\n{} more checks are in the evidence.", account.checks.len() - place)?;
            break;
        }
        page.push_str(&row);
    }
    page.push('\n');
    Ok(())
}

fn sections(page: &mut String, account: &Account) -> std::fmt::Result {
    for (title, lines) in &account.sections {
        if page.len() > FOR_SECTIONS {
            break;
        }
        writeln!(page, "**{}**\n", Foreign::new(title).for_markdown(LINE))?;
        for line in lines {
            if page.len() > FOR_SECTIONS {
                break;
            }
            writeln!(page, "- {}", Foreign::new(line).for_markdown(LINE))?;
        }
        page.push('\n');
    }
    Ok(())
}

/// Appends a page to the job summary.
pub fn append(file: &Path, page: &str) -> Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(page.as_bytes()))
        .context("write the job summary")
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::action::Report;
    use crate::calls::{About, Journal};

    #[test]
    fn a_summary_stays_under_its_limit_whatever_it_is_made_of() {
        let journal = Rc::<Journal>::default();
        let report = Report::new(Rc::clone(&journal));
        let hostile = "<|`*_[]@#".repeat(500);
        for _ in 0..200 {
            report.check(&hostile, &hostile, &hostile, Verdict::Fail, "test");
        }
        for _ in 0..20 {
            report.section(&hostile[..50], vec![hostile.clone(); 50]);
        }
        for number in 0..20 {
            report.warn(format!("{number}{hostile}"));
            journal.sending(&hostile, About::Target);
        }
        let facts = Facts {
            step: "swap-alias",
            environment: Some("prd"),
            verdict: Verdict::Fail,
            reason: &hostile,
            advice: &hostile,
            serving: &hostile,
            evidence: "deploy-evidence/swap-alias-1.json",
        };
        let page = render(&facts, &report.snapshot());
        assert!(page.len() < 64 * 1024, "{}", page.len());
        assert!(page.ends_with("Evidence: deploy-evidence/swap-alias-1.json\n\n"));
    }
}
