//! What is known so far of one invocation: checks, outputs, what changed, what serves. It is filled while the step runs, so
//! that a failure or a signal loses nothing of it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::commands::{Level, Spot};
use super::outputs;
use crate::calls::journal::{Journal, Write};
use crate::outcome::{Outcome, Verdict};
use crate::text::{Foreign, LONGEST, message};

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

/// The growing account of one invocation.
#[derive(Debug, Default)]
pub struct Report {
    account: Mutex<Account>,
    /// How many writes to the target had been sent when what serves was read.
    read_after: AtomicUsize,
    journal: Rc<Journal>,
}

/// Everything a [`Report`] holds.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// In the order in which they were made.
    pub checks: Vec<Check>,
    /// The step's own outputs.
    pub outputs: BTreeMap<String, String>,
    /// True once a write was applied, or in a dry run, once one would be.
    pub changed: bool,
    /// Whether a write to the target may still be applied, or was and nobody knows.
    pub is_in_doubt: bool,
    /// What serves now, when that has been read.
    pub serving: Option<String>,
    /// Writes that were sent.
    pub writes: Vec<Write>,
    /// Things worth a warning.
    pub warnings: Vec<String>,
    /// Good to know; each is shown once in a job.
    pub notices: Vec<Notice>,
    /// What is shown at lines of files: how urgent, where, the title, and the words.
    pub annotations: Vec<(Level, Spot, String, String)>,
    /// Paragraphs for the job summary, each a title and plain lines.
    pub sections: Vec<(String, Vec<String>)>,
    /// Numbers that were used, for the evidence.
    pub measured: Vec<serde_json::Value>,
    /// Files that stand beside the evidence, by their extension.
    pub drawings: Vec<(&'static str, String)>,
}

/// Something good to know.
#[derive(Clone, Debug, Serialize)]
pub struct Notice {
    /// What it is about: it is shown once in a job.
    pub about: String,
    /// What there is to know, and what to do.
    pub text: String,
}

impl Account {
    /// Whether something was changed, as far as is known: what may have been counts.
    #[must_use]
    pub fn may_have_changed(&self) -> bool {
        self.changed || self.is_in_doubt
    }
}

impl Report {
    /// The report of the invocation whose writes are noted in this journal.
    #[must_use]
    pub fn new(journal: Rc<Journal>) -> Self {
        Self { journal, ..Self::default() }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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

    /// Sets an output that a later step takes: it is passed on whole. To be called before the first write where that is possible.
    ///
    /// # Errors
    /// The step ends when it would have to be cut or edited.
    pub fn value(&self, name: &str, value: impl Into<String>) -> Result<(), Outcome> {
        let value = value.into();
        if let Some(obstacle) = outputs::obstacle(&value) {
            let advice =
                "deploy fewer things in one step, or name them otherwise: a later step needs all of this output";
            return Err(Outcome::fail(message!(
                "output-not-passed-on",
                "the output `{name}` cannot be passed on: {obstacle}"
            ))
            .advise(advice));
        }
        self.output(name, value);
        Ok(())
    }

    /// Says what serves now, in one line.
    /// A write that is sent after it makes it stale.
    pub fn serving(&self, serving: impl Into<String>) {
        self.account().serving = Some(clean(&serving.into()));
        self.read_after.store(self.journal.sent_to_target(), Ordering::Relaxed);
    }

    /// Notes that something changed, or in a dry run would change.
    pub fn note_change(&self) {
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

    /// Adds something good to know, shown at the end unless an earlier step of the job has shown what is about the same.
    pub fn notice(&self, about: impl Into<String>, text: impl Into<String>) {
        let notice = Notice { about: clean(&about.into()), text: clean(&text.into()) };
        let mut account = self.account();
        if account.notices.iter().all(|known| known.about != notice.about) {
            account.notices.push(notice);
        }
    }

    /// Shows something at a line of a file.
    pub fn annotate(&self, level: Level, spot: Spot, title: impl Into<String>, message: impl Into<String>) {
        self.account().annotations.push((level, spot, clean(&title.into()), clean(&message.into())));
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

    /// Keeps numbers for the evidence: queries, times and values of what was decided.
    pub fn measured(&self, measured: impl IntoIterator<Item = serde_json::Value>) {
        self.account().measured.extend(measured);
    }

    /// Keeps a drawing to stand beside the evidence. Nothing foreign may be in it.
    pub fn drawing(&self, extension: &'static str, text: String) {
        self.account().drawings.push((extension, text));
    }

    /// A copy of everything so far.
    #[must_use]
    pub fn snapshot(&self) -> Account {
        let mut account = self.account().clone();
        account.writes = self.journal.writes();
        account.changed |= self.journal.has_changed();
        account.is_in_doubt = self.journal.is_in_doubt();
        let is_stale = self.journal.sent_to_target() > self.read_after.load(Ordering::Relaxed);
        account.serving = account.serving.filter(|_| !is_stale);
        account
    }
}

/// Blotted before anything else is done to it: a secret in the escapes of Markdown would not be known again.
fn clean(text: &str) -> String {
    Foreign::new(text).for_message(LONGEST)
}

/// The time now, RFC 3339, UTC, to the second.
#[must_use]
pub fn now() -> String {
    time(OffsetDateTime::now_utc())
}

/// A time, RFC 3339, UTC, to the second.
#[must_use]
pub fn time(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::summary::{Facts, render};
    use crate::text::secrets::Secret;

    #[test]
    fn a_secret_that_markdown_would_escape_is_not_in_the_summary() {
        let secret = "sk_live_a*b_0123";
        Secret::new(secret).remember();
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
        assert!(!page.contains(secret) && !page.contains("sk&#95;live&#95;a&#42;b&#95;0123"), "{page}");
        assert!(!page.contains("sk") && !page.contains("0123"), "{page}");
        assert_eq!(page.matches(&Foreign::new("***").for_markdown(800)).count(), 3, "{page}");
    }
}
