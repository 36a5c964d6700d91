//! What a tool sends of a migration: which texts, one by one, and in which transactions. As `testbed/migrations/tools.yaml` has it.

use super::judgement::{Pending, position};
use super::layout::Layout;
use super::notes::is_sent_one_by_one;
use super::sections::{Section, Transaction};
use super::split::sections;
use super::{dbmate, goose};
use crate::sql::{Script, Statement, What, read};

/// A part of a migration that its tool runs as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Whether the tool begins a transaction before it, and ends that after it.
    pub around: bool,
    /// What it sends, text by text. Several statements in one text make one transaction.
    pub texts: Vec<Vec<SentStatement>>,
}

/// A statement as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentStatement {
    /// Its line in the file, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// PostgreSQL refuses it inside a transaction.
    pub alone: bool,
    /// It begins or ends a transaction itself.
    pub controls: bool,
}

/// What is sent to apply a migration.
///
/// # Errors
/// The file cannot be read, and why.
pub fn sent_up(one: &Pending) -> Result<Vec<Sent>, String> {
    let text = text_of(&one.content)?;
    let layout = one.migration.layout;
    let found = sections(layout, text, one.settings.as_deref(), is_sent_one_by_one(text));
    found.parts.iter().map(sent).collect()
}

/// What is sent to take a migration back; nothing where there is no way back.
///
/// # Errors
/// The file cannot be read, and why.
pub fn sent_down(one: &Pending) -> Result<Option<Vec<Sent>>, String> {
    let turned = match one.migration.layout {
        Layout::Dbmate => dbmate::turned(text_of(&one.content)?),
        Layout::Goose => goose::turned(text_of(&one.content)?),
        _ => match &one.down {
            Some(down) => Some(text_of(down)?.to_owned()),
            None => None,
        },
    };
    let Some(text) = turned else { return Ok(None) };
    let found = sections(one.migration.layout, &text, None, is_sent_one_by_one(&text));
    let all: Vec<Sent> = found.parts.iter().take(1).map(sent).collect::<Result<_, _>>()?;
    Ok(Some(all).filter(|all| all.iter().any(|one| !one.texts.is_empty())))
}

fn text_of(content: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(content).map_err(|error| format!("it is not UTF-8, from byte {} on", error.valid_up_to()))
}

fn sent(part: &Section) -> Result<Sent, String> {
    let script = read(&part.text);
    if let Some(fault) = script.faults.first() {
        return Err(format!("line {}: {}", position(&part.text, fault.at.start).0, fault.why));
    }
    let statements = statements(&part.text, &script);
    let is_one_text = part.transaction == Transaction::OneText;
    let around = match part.transaction {
        Transaction::Around => true,
        Transaction::Found => statements.iter().any(|(_, one)| !one.alone),
        Transaction::OneText | Transaction::Each => false,
    };
    let mut texts: Vec<Vec<SentStatement>> = Vec::new();
    let mut last = None;
    for (at, one) in statements {
        let text = part.cuts.partition_point(|cut| *cut <= at);
        let joins = is_one_text || (!part.cuts.is_empty() && last == Some(text));
        match texts.last_mut().filter(|_| joins) {
            Some(text) => text.push(one),
            None => texts.push(vec![one]),
        }
        last = Some(text);
    }
    Ok(Sent { around, texts })
}

/// The statements of a text, each with the byte at which it begins. A `;` by itself is none.
fn statements(text: &str, script: &Script) -> Vec<(usize, SentStatement)> {
    let controls =
        |one: &Statement| one.acts.iter().any(|act| !act.conditional && matches!(act.what, What::Begin | What::End));
    let all = script.statements.iter().filter(|one| one.at.end > one.at.start + 1);
    let sent = all.map(|one| {
        let sent = SentStatement {
            line: position(text, one.at.start).0,
            text: text.get(one.at.clone()).unwrap_or_default().to_owned(),
            alone: one.alone.is_some(),
            controls: controls(one),
        };
        (one.at.start, sent)
    });
    sent.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::{Folder, Listing};

    fn pending(layout: Layout, file: &str, text: &str, down: Option<&str>) -> Pending {
        let head: Listing = [(file.to_owned(), "a".to_owned())].into();
        let migration = Folder::compare(layout, "", &head, &[]).pending.remove(0);
        Pending {
            name: migration.written.clone(),
            content: text.as_bytes().to_vec(),
            migration,
            settings: None,
            down: down.map(|down| down.as_bytes().to_vec()),
        }
    }

    /// The lines of what is sent: a bracket for each text, `around` where the tool has a transaction.
    fn shape(parts: &[Sent]) -> String {
        let text = |text: &Vec<SentStatement>| {
            let lines: Vec<String> = text.iter().map(|one| one.line.to_string()).collect();
            format!("[{}]", lines.join(" "))
        };
        let part = |part: &Sent| {
            let texts: String = part.texts.iter().map(text).collect();
            if part.around { format!("around{texts}") } else { texts }
        };
        parts.iter().map(part).collect()
    }

    #[test]
    fn each_tool_sends_its_files_in_transactions_of_its_own() {
        let two = "SELECT 1;\nSELECT 2;\n";
        let concurrently = "CREATE INDEX CONCURRENTLY i ON t (a);\nCREATE INDEX CONCURRENTLY j ON t (a);";
        let table = [
            (Layout::GolangMigrate, "1_a.up.sql", two.to_owned(), "[1 2]"),
            (Layout::GolangMigrate, "1_a.up.sql", format!("-- deploy: multi-statement\n{two}"), "[2][3]"),
            (Layout::Prisma, "20240101000000_a/migration.sql", two.to_owned(), "[1 2]"),
            (Layout::Plain, "a.sql", two.to_owned(), "[1][2]"),
            (Layout::Sqlx, "1_a.sql", two.to_owned(), "around[1][2]"),
            (Layout::Sqlx, "1_a.sql", format!("-- no-transaction\n{two}"), "[2 3]"),
            (Layout::Flyway, "V1__a.sql", two.to_owned(), "around[1][2]"),
            (Layout::Flyway, "V1__a.sql", concurrently.to_owned(), "[1][2]"),
            (Layout::Dbmate, "1_a.sql", format!("-- migrate:up\n{two}-- migrate:down\nSELECT 3;"), "around[2][3]"),
            (Layout::Dbmate, "1_a.sql", format!("-- migrate:up transaction:false\n{two}-- migrate:down\n"), "[2 3]"),
            (Layout::Goose, "1_a.sql", format!("-- +goose Up\n{two}-- +goose Down\nSELECT 3;"), "around[2][3]"),
            (
                Layout::Goose,
                "1_a.sql",
                format!(
                    "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\n{two}-- +goose StatementEnd\nSELECT 3;\n"
                ),
                "[4 5][7]",
            ),
        ];
        for (layout, file, text, expected) in table {
            let sent = sent_up(&pending(layout, file, &text, None)).unwrap();
            assert_eq!(shape(&sent), expected, "{layout}: {text}");
        }
        assert!(sent_up(&pending(Layout::Plain, "a.sql", "\nSELEC 1;", None)).unwrap_err().starts_with("line 2"));
    }

    #[test]
    fn the_way_back_is_read_where_each_tool_has_it() {
        let up = "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\nSELECT 3;\n";
        let dbmate = "-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nSELECT 2;\n";
        let table = [
            (Layout::GolangMigrate, "1_a.up.sql", "SELECT 1;", Some("SELECT 2;"), "[1]"),
            (Layout::GolangMigrate, "1_a.up.sql", "SELECT 1;", None, "none"),
            (Layout::GolangMigrate, "1_a.up.sql", "SELECT 1;", Some("-- there is none\n"), "none"),
            (Layout::Goose, "1_a.sql", up, None, "around[4][5]"),
            (
                Layout::Goose,
                "1_a.sql",
                "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;",
                None,
                "[5]",
            ),
            (Layout::Goose, "1_a.sql", "-- +goose Up\nSELECT 1;\n", None, "none"),
            (Layout::Dbmate, "1_a.sql", dbmate, None, "[4]"),
            (Layout::Dbmate, "1_a.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\n", None, "none"),
            (Layout::Plain, "a.sql", "SELECT 1;", None, "none"),
        ];
        for (layout, file, text, down, expected) in table {
            let sent = sent_down(&pending(layout, file, text, down)).unwrap();
            assert_eq!(sent.map_or_else(|| "none".to_owned(), |sent| shape(&sent)), expected, "{layout}: {text}");
        }
    }
}
