//! Whether each statement may run in the transaction that the tool runs it in.

use std::ops::Range;

use super::layout::Layout;
use super::sections::Transaction;
use crate::sql::{Rule, Script, Statement, What};

/// What is wrong with the transactions of a part of a file: where, the rule, what, and the safe way.
pub(super) fn check(
    layout: Layout,
    transaction: Transaction,
    script: &Script,
    postgres: u8,
) -> Vec<(Range<usize>, Rule, String, String)> {
    let mut found = Vec::new();
    let statements: Vec<&Statement> = script.statements.iter().filter(|one| one.at.end > one.at.start + 1).collect();
    let alone = |one: &Statement| {
        let adds_value = one.acts.iter().any(|act| matches!(act.what, What::Does { rule: Rule::AddEnumValue, .. }));
        one.alone.or_else(|| (postgres < 12 && adds_value).then_some("ALTER TYPE .. ADD VALUE"))
    };
    let all_alone = statements.iter().all(|one| alone(one).is_some());
    let mut open: Option<Range<usize>> = None;
    let mut blocks = 0;
    for one in &statements {
        for act in one.acts.iter().filter(|act| !act.conditional) {
            match act.what {
                What::Begin => open = Some(one.at.clone()),
                What::End => {
                    blocks += usize::from(open.take().is_some());
                }
                _ => {}
            }
        }
        let Some(words) = alone(one) else { continue };
        let why = match transaction {
            _ if open.is_some() => Some("it stands between BEGIN and COMMIT".to_owned()),
            Transaction::Around => Some(format!("{layout} runs the file in a transaction")),
            Transaction::OneText if statements.len() > 1 => Some(format!(
                "{layout} sends all {} statements at once, which makes one transaction of them",
                statements.len()
            )),
            Transaction::Found if !all_alone => {
                Some("Flyway refuses a file in which only some statements can be in a transaction".to_owned())
            }
            Transaction::OneText | Transaction::Found | Transaction::Each => None,
        };
        if let Some(why) = why {
            found.push((
                one.at.clone(),
                Rule::InTransaction,
                format!("PostgreSQL refuses {words} inside a transaction, and {why}: the migration fails, and may leave an invalid index behind"),
                by_itself(layout),
            ));
        }
    }
    if let Some(at) = open {
        let what =
            "a transaction begins here and is never committed: nothing of it will be there, and no error says so"
                .to_owned();
        found.push((at, Rule::NeverCommitted, what, "COMMIT it, or leave out BEGIN".to_owned()));
    } else if blocks > 0 && matches!(transaction, Transaction::Around | Transaction::Found) {
        let at = statements.first().map_or(0..0, |one| one.at.clone());
        let what = format!(
            "{layout} begins a transaction of its own: a COMMIT in the file ends that one, and what follows is in none"
        );
        found.push((at, Rule::OwnTransaction, what, "leave out BEGIN and COMMIT".to_owned()));
    } else if blocks > 1 {
        let at = statements.first().map_or(0..0, |one| one.at.clone());
        let what =
            format!("the file has {blocks} transactions: when a later one fails, the earlier ones are applied already");
        found.push((at, Rule::OwnTransaction, what, "a file for each transaction".to_owned()));
    }
    found
}

fn by_itself(layout: Layout) -> String {
    match layout {
        Layout::GolangMigrate => "put it into a file of its own, with nothing else in it (or run golang-migrate with `x-multi-statement=true`, and say so by a line `-- deploy: multi-statement`)".to_owned(),
        Layout::Prisma => "put it into a migration of its own, with nothing else in it".to_owned(),
        Layout::Dbmate => "put it into a part of its own that begins with `-- migrate:up transaction:false`".to_owned(),
        Layout::Sqlx => "put it into a file of its own whose first line is `-- no-transaction`".to_owned(),
        Layout::Goose => "begin the file with `-- +goose NO TRANSACTION`".to_owned(),
        Layout::Flyway => "put it into a file of its own".to_owned(),
        Layout::Plain => "put it outside of BEGIN and COMMIT".to_owned(),
    }
}
