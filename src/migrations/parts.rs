//! The parts of a file that are scripts by themselves, and what cannot be read of it.

use super::judgement::{Judgement, Pending, position};
use super::layout::Layout;
use super::notes::{Notes, is_sent_one_by_one};
use super::sections::{Section, Transaction};
use super::split::sections;
use super::{cuts, transactions};
use crate::sql::{Fault, Rule, Script, read};

/// A part of a file that was read.
pub(super) struct Part<'p> {
    /// Which migration.
    pub(super) of: usize,
    pub(super) pending: &'p Pending,
    pub(super) text: String,
    pub(super) transaction: Transaction,
    pub(super) cuts: Vec<usize>,
    pub(super) script: Script,
    pub(super) notes: Notes,
}

/// The parts of a migration, in order; what cannot be read is told.
pub(super) fn parts_of<'p>(of: usize, one: &'p Pending, largest: usize, judgement: &mut Judgement) -> Vec<Part<'p>> {
    let text = match text_of(one, largest) {
        Ok(text) => text,
        Err((rule, why)) => {
            judgement.tell(one, "", 0, rule, &why, "");
            return Vec::new();
        }
    };
    let layout = one.migration.layout;
    let sections = sections(layout, text, one.settings.as_deref(), is_sent_one_by_one(text));
    for stop in &sections.stops {
        let rule = if stop.is_unread { Rule::Unanalysable } else { Rule::ToolStops };
        judgement.tell(one, text, stop.at, rule, &stop.why, &stop.fix);
    }
    for (at, why) in &sections.idle {
        judgement.tell(one, text, *at, Rule::WrongAnnotation, why, "move it there");
    }
    let one_part = |part: Section| {
        let script = read(&part.text);
        let notes = Notes::of(&script);
        Part { of, pending: one, text: part.text, transaction: part.transaction, cuts: part.cuts, script, notes }
    };
    let parts: Vec<Part<'p>> = sections.parts.into_iter().map(one_part).collect();
    let is_empty = parts.iter().all(|part| part.script.statements.is_empty() && part.script.faults.is_empty());
    if is_empty && layout == Layout::GolangMigrate {
        judgement.tell(one, text, 0, Rule::Empty, "it has no statement", "");
    }
    parts
}

impl Part<'_> {
    /// Tells what is not about the code that serves: what could not be read, comments, transactions.
    pub(super) fn tell(&self, judgement: &mut Judgement, postgres: u8) {
        let (one, text) = (self.pending, self.text.as_str());
        if let Some(fault) = self.script.faults.first() {
            let more = self.script.faults.len() - 1;
            let more = if more > 0 { format!(" (and {more} more places)") } else { String::new() };
            let why = format!("it cannot be read as SQL: {}{more}", plain_words(text, fault));
            judgement.tell(
                one,
                text,
                fault.at.start,
                Rule::Unanalysable,
                &why,
                "correct it; a template has to be filled in, and what psql reads is no SQL",
            );
        }
        for (at, why) in &self.notes.wrong {
            judgement.tell(one, text, *at, Rule::WrongAnnotation, why, "");
        }
        for (at, words) in &self.notes.others {
            let why = format!("`{words}` speaks to another tool: it changes nothing here");
            judgement.tell(one, text, *at, Rule::OtherToolsComment, &why, "");
        }
        let layout = one.migration.layout;
        let of_transactions = transactions::check(layout, self.transaction, &self.cuts, &self.script, postgres);
        for (at, rule, message, fix) in
            of_transactions.into_iter().chain(cuts::check(layout, &self.cuts, text, &self.script))
        {
            judgement.tell(one, text, at.start, rule, &message, &fix);
        }
        if let Some(contract) = &self.notes.contract {
            let line = position(text, contract.at).0;
            let annotated = &mut judgement.migrations[self.of].contract;
            annotated.get_or_insert((contract.expand.clone(), line));
        }
    }
}

/// The text of a file; or why it has none that could be judged.
fn text_of(one: &Pending, largest: usize) -> Result<&str, (Rule, String)> {
    let unanalysable = |why: String| Err((Rule::Unanalysable, why));
    if one.content.len() > largest {
        return unanalysable(format!(
            "it has {} bytes, and no file of more than {largest} is read (`max-file-size`)",
            one.content.len()
        ));
    }
    match std::str::from_utf8(&one.content) {
        Ok(text) if text.trim_start_matches('\u{feff}').trim().is_empty() => Err((
            Rule::Empty,
            "it is empty: the tool notes it as applied, and what was meant to be in it never is".to_owned(),
        )),
        Ok(text) => Ok(text),
        Err(error) => unanalysable(format!("it is not UTF-8, from byte {} on", error.valid_up_to())),
    }
}

/// What cannot be read, in words of who wrote it.
fn plain_words(text: &str, fault: &Fault) -> String {
    let start = text
        .get(..fault.at.start.min(text.len()))
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |newline| newline + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    if line.trim_start().starts_with('\\') {
        "a command of psql, which no migration tool knows".to_owned()
    } else if ["{{", "{%", "<%", "${"].iter().any(|mark| line.contains(mark)) {
        "a template that is not filled in".to_owned()
    } else {
        fault.why.clone()
    }
}
