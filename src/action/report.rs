//! What is known so far of one invocation: checks, outputs, what changed, what serves. It is filled while the step runs, so
//! that a failure or a signal loses nothing of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::secrets;
use crate::verdict::Verdict;

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was looked at, e.g. `alias live of shop-api-prd`.
    pub name: String,
    /// What was found.
    pub observed: String,
    /// What was asked for.
    pub required: String,
    /// What that means.
    pub verdict: Verdict,
    /// Where it was read, e.g. `lambda:GetAlias`.
    pub source: String,
    /// When, RFC 3339, UTC.
    pub at: String,
}

/// A write that was sent.
#[derive(Clone, Debug, Serialize)]
pub struct Write {
    /// What it does, e.g. `move alias live of shop-api-prd to version 42`.
    pub what: String,
    /// Whether AWS or GitHub answered.
    pub answer: Answer,
    /// What it is about.
    #[serde(skip)]
    pub about: About,
}

/// What a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The target of the step: it may change what serves.
    Target,
    /// The GitHub record of it.
    Record,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// No answer yet, or none will come: whether it was applied is unknown.
    Unknown,
    /// Applied.
    Applied,
    /// Refused: not applied.
    Refused,
    /// Answered, and nothing is different for it.
    Unchanged,
}

/// The growing account of one invocation.
#[derive(Debug, Default)]
pub struct Report(Mutex<Account>);

/// Everything a [`Report`] holds.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// In the order in which they were made.
    pub checks: Vec<Check>,
    /// The step's own outputs.
    pub outputs: BTreeMap<String, String>,
    /// True once a write was applied, or in a dry run, once one would be.
    pub changed: bool,
    /// What serves now, when that has been read.
    pub serving: Option<String>,
    /// Writes that were sent.
    pub writes: Vec<Write>,
    /// Things worth a warning.
    pub warnings: Vec<String>,
    /// Paragraphs for the job summary, each a title and plain lines.
    pub sections: Vec<(String, Vec<String>)>,
}

impl Account {
    /// Whether something was changed, as far as is known: what may have been counts.
    #[must_use]
    pub fn may_have_changed(&self) -> bool {
        self.changed || self.is_in_doubt()
    }

    fn is_in_doubt(&self) -> bool {
        let unknown = |write: &Write| write.answer == Answer::Unknown && write.about == About::Target;
        self.writes.iter().any(unknown)
    }
}

impl Report {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Adds a check and logs it.
    pub fn check(
        &self,
        name: impl Into<String>,
        observed: impl Into<String>,
        required: impl Into<String>,
        verdict: Verdict,
        source: &str,
    ) {
        let check = Check {
            name: clean(&name.into()),
            observed: clean(&observed.into()),
            required: clean(&required.into()),
            verdict,
            source: source.to_owned(),
            at: now(),
        };
        tracing::info!("{} {}: {} (required: {})", verdict.sign(), check.name, check.observed, check.required);
        self.account().checks.push(check);
    }

    /// Sets an output of the step.
    pub fn output(&self, name: &str, value: impl Into<String>) {
        self.account().outputs.insert(name.to_owned(), value.into());
    }

    /// Says what serves now, in one line.
    pub fn serving(&self, serving: impl Into<String>) {
        self.account().serving = Some(clean(&serving.into()));
    }

    /// Forgets what serves: something was written since it was read.
    pub fn serving_is_stale(&self) {
        self.account().serving = None;
    }

    /// Notes that something changed, or in a dry run would change.
    pub fn changed(&self) {
        self.account().changed = true;
    }

    /// Adds a warning, shown at the end in the step's one annotation.
    pub fn warn(&self, warning: impl Into<String>) {
        let warning = clean(&warning.into());
        tracing::info!("warning: {warning}");
        let mut account = self.account();
        if !account.warnings.contains(&warning) {
            account.warnings.push(warning);
        }
    }

    /// Adds a paragraph to the job summary. What has the same title stands together.
    pub fn section(&self, title: impl Into<String>, lines: impl IntoIterator<Item = String>) {
        let title = clean(&title.into());
        let lines = lines.into_iter().map(|line| clean(&line));
        let mut account = self.account();
        match account.sections.iter_mut().find(|(known, _)| *known == title) {
            Some((_, known)) => known.extend(lines),
            None => account.sections.push((title, lines.collect())),
        }
    }

    /// Notes a write about to be sent; the number names it in [`answered`](Self::answered).
    pub fn write(&self, what: &str, about: About) -> usize {
        let mut account = self.account();
        account.writes.push(Write { what: clean(what), answer: Answer::Unknown, about });
        if about == About::Target {
            account.serving = None;
        }
        account.writes.len() - 1
    }

    /// Notes what became of a write.
    pub fn answered(&self, write: usize, answer: Answer) {
        let mut account = self.account();
        if let Some(write) = account.writes.get_mut(write) {
            write.answer = answer;
            let changed = answer == Answer::Applied && write.about == About::Target;
            account.changed |= changed;
        }
    }

    /// Corrects what became of the newest write of this name by what was read back: the answer was lost, or told that
    /// nothing is different.
    pub fn found(&self, what: &str, answer: Answer) {
        let what = clean(what);
        let mut account = self.account();
        if let Some(write) = account.writes.iter_mut().rfind(|write| write.what == what) {
            write.answer = answer;
        }
        let applied = |write: &Write| write.answer == Answer::Applied && write.about == About::Target;
        account.changed = account.writes.iter().any(applied);
    }

    /// Whether a write to the target may still be applied, or was and nobody knows.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.account().is_in_doubt()
    }

    /// A copy of everything so far.
    #[must_use]
    pub fn snapshot(&self) -> Account {
        self.account().clone()
    }
}

/// The most bytes of any one text: a function may fail with 6 MB.
pub const LONGEST: usize = 4 * 1024;

/// Blotted before anything else is done to it: a secret in the escapes of Markdown would not be known again.
fn clean(text: &str) -> String {
    secrets::excerpt(text, LONGEST)
}

/// The time now, RFC 3339, UTC, to the second.
#[must_use]
pub fn now() -> String {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::summary::{Facts, render};
    use crate::action::text;

    #[test]
    fn a_secret_that_markdown_would_escape_is_not_in_the_summary() {
        let secret = "sk_live_a*b_0123";
        secrets::Secret::new(secret).remember();
        let report = Report::default();
        report.section(format!("title {secret}"), [format!("line {secret}")]);
        report.warn(format!("warning {secret}"));
        let facts = Facts {
            step: "smoke-test",
            environment: None,
            verdict: Verdict::Fail,
            reason: "",
            advice: "",
            serving: "",
            evidence: "",
        };
        let page = render(&facts, &report.snapshot());
        assert!(!page.contains(secret) && !page.contains(&text::markdown(secret, 800)), "{page}");
        assert!(!page.contains("sk") && !page.contains("0123"), "{page}");
        assert_eq!(page.matches(&text::markdown("***", 800)).count(), 3, "{page}");
    }
}
