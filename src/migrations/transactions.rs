//! Whether each statement may run in the transaction that the tool runs it in.

use std::ops::Range;

use super::layout::Layout;
use super::sections::Transaction;
use crate::sql::{Rule, Script, Statement, What};

/// What is wrong at a place: where, the rule, what, and the safe way.
pub(super) type Wrong = (Range<usize>, Rule, String, String);

/// What is wrong with the transactions of a part of a file. `cuts`: where its tool cuts it into texts that it sends one by one.
pub(super) fn check(
    layout: Layout,
    transaction: Transaction,
    cuts: &[usize],
    script: &Script,
    postgres: u8,
) -> Vec<Wrong> {
    let statements: Vec<&Statement> = script.statements.iter().filter(|one| one.at.end > one.at.start + 1).collect();
    let part = Part { layout, transaction, cuts, statements, postgres };
    let mut found = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut blocks = 0;
    for one in &part.statements {
        for act in one.acts.iter().filter(|act| !act.conditional) {
            match act.what {
                What::Begin => open = Some(one.at.clone()),
                What::End => {
                    blocks += usize::from(open.take().is_some());
                }
                _ => {}
            }
        }
        found.extend(part.alone(one).and_then(|words| part.refused(one, words, open.is_some())));
    }
    found.extend(part.own(open, blocks));
    found
}

struct Part<'s> {
    layout: Layout,
    transaction: Transaction,
    cuts: &'s [usize],
    statements: Vec<&'s Statement>,
    postgres: u8,
}

impl Part<'_> {
    /// The words of a statement that PostgreSQL refuses inside a transaction.
    fn alone(&self, one: &Statement) -> Option<&'static str> {
        let adds_value = one.acts.iter().any(|act| matches!(act.what, What::Does { rule: Rule::AddEnumValue, .. }));
        one.alone.or_else(|| (self.postgres < 12 && adds_value).then_some("ALTER TYPE .. ADD VALUE"))
    }

    /// How many statements are sent together with this one.
    fn sent_with(&self, one: &Statement) -> usize {
        let text_of = |one: &Statement| self.cuts.partition_point(|cut| *cut <= one.at.start);
        self.statements.iter().filter(|other| text_of(other) == text_of(one)).count()
    }

    /// What comes of a statement that PostgreSQL refuses inside a transaction.
    fn refused(&self, one: &Statement, words: &str, is_open: bool) -> Option<Wrong> {
        let (layout, count) = (self.layout, self.sent_with(one));
        let at_once =
            || Some(format!("{layout} sends {count} statements at once, which makes one transaction of them"));
        let why = match self.transaction {
            _ if is_open => Some("it stands between BEGIN and COMMIT".to_owned()),
            Transaction::Around => Some(format!("{layout} runs the file in a transaction")),
            Transaction::OneText if count > 1 => at_once(),
            Transaction::Each if !self.cuts.is_empty() && count > 1 => at_once(),
            Transaction::Found if self.statements.iter().any(|one| self.alone(one).is_none()) => {
                Some("Flyway refuses a file in which only some statements can be in a transaction".to_owned())
            }
            Transaction::OneText | Transaction::Found | Transaction::Each => None,
        };
        let Some(why) = why else {
            return (layout == Layout::Flyway && words.contains("CONCURRENTLY")).then(|| {
                let what = format!("{words} waits for every open transaction, and so for the one in which Flyway holds its lock: the migration never ends");
                let fix = "run Flyway with `flyway.postgresql.transactional.lock=false`; an index that it left behind is INVALID: DROP INDEX CONCURRENTLY it first";
                (one.at.clone(), Rule::WaitsForItself, what, fix.to_owned())
            });
        };
        let what = format!(
            "PostgreSQL refuses {words} inside a transaction, and {why}: the migration fails, and may leave an invalid index behind"
        );
        let fix = if self.transaction == Transaction::Each && !is_open {
            "put each on lines of its own, outside of `StatementBegin` and `StatementEnd`".to_owned()
        } else {
            by_itself(layout)
        };
        Some((one.at.clone(), Rule::InTransaction, what, fix))
    }

    /// What comes of a file's own transactions: one that is still open at its end, and how many were ended.
    fn own(&self, open: Option<Range<usize>>, blocks: usize) -> Option<Wrong> {
        let layout = self.layout;
        let first = || self.statements.first().map_or(0..0, |one| one.at.clone());
        let leave_out = "leave out BEGIN and COMMIT".to_owned();
        if let Some(at) = open {
            let what = "a transaction begins here and is never committed: its tool stops, or what it did is gone or is kept, as the next migration has it";
            return Some((at, Rule::NeverCommitted, what.to_owned(), "COMMIT it, or leave out BEGIN".to_owned()));
        }
        let is_around = matches!(self.transaction, Transaction::Around | Transaction::Found);
        if blocks > 0 && is_around && layout == Layout::Dbmate {
            let what = "dbmate begins a transaction of its own, and stops when the file has ended it: what stands before the COMMIT is applied, and the version is not noted";
            return Some((first(), Rule::ToolStops, what.to_owned(), leave_out));
        }
        if blocks > 0 && is_around {
            let what = format!(
                "{layout} begins a transaction of its own: a COMMIT in the file ends that one, and what follows is in none"
            );
            return Some((first(), Rule::OwnTransaction, what, leave_out));
        }
        (blocks > 1).then(|| {
            let what = format!(
                "the file has {blocks} transactions: when a later one fails, the earlier ones are applied already"
            );
            (first(), Rule::OwnTransaction, what, "a file for each transaction".to_owned())
        })
    }
}

fn by_itself(layout: Layout) -> String {
    match layout {
        Layout::GolangMigrate => "put it into a file of its own, with nothing else in it (or run golang-migrate with `x-multi-statement=true`, and say so by a line `-- deploy: multi-statement`)".to_owned(),
        Layout::Prisma => "put it into a migration of its own, with nothing else in it".to_owned(),
        Layout::Dbmate => "put it into a file of its own that begins with `-- migrate:up transaction:false`".to_owned(),
        Layout::Sqlx => "put it into a file of its own whose first line is `-- no-transaction`".to_owned(),
        Layout::Goose => "begin the file with `-- +goose NO TRANSACTION`".to_owned(),
        Layout::Flyway => "put it into a file of its own".to_owned(),
        Layout::Plain => "put it outside of BEGIN and COMMIT".to_owned(),
    }
}
