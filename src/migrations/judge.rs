//! Judges the migrations of a deployment together: what each says to the code that serves, at which line.

use super::folder::{About, Migration};
use super::layout::{Layout, Version};
use super::notes::{Notes, is_sent_one_by_one};
use super::ownership::Ownership;
use super::sections::{Sections, Transaction};
use super::transactions;
use crate::sql::{Batch, Class, Fault, Finding, Judged, Rule, Script, Settings, read};

/// A migration with what its file holds.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The migration.
    pub migration: Migration,
    /// Its name: the version, with the folder where there are several.
    pub name: String,
    /// The bytes of the file.
    pub content: Vec<u8>,
    /// What stands in the file beside it.
    pub settings: Option<String>,
}

/// How migrations are judged.
#[derive(Debug)]
pub struct Rules {
    /// What judging SQL depends on.
    pub sql: Settings,
    /// Files that are larger, in bytes, are not read.
    pub largest: usize,
    /// Who owns what.
    pub ownership: Option<Ownership>,
}

/// Something to be told of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The file, from the root of the repository.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The rule.
    pub rule: Rule,
    /// How bad it is here.
    pub class: Class,
    /// The object; may be empty.
    pub object: String,
    /// Its owner, as far as it is known.
    pub owner: Option<String>,
    /// What breaks, and for whom.
    pub message: String,
    /// The safe way; may be empty.
    pub fix: String,
}

/// A migration, judged.
#[derive(Clone, Debug)]
pub struct One {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// The folder.
    pub folder: String,
    /// Its version.
    pub version: Version,
    /// It takes away what the code that serves uses.
    pub is_contract: bool,
    /// It cannot be told what it does.
    pub is_unknown: bool,
    /// It could not be read.
    pub is_unread: bool,
    /// It adds something: the first line of that.
    pub adds: Option<(usize, usize)>,
    /// The migration that it follows, as it is annotated, and the line of that.
    pub contract: Option<(String, usize)>,
}

/// All that was judged.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The migrations, in the order in which they run.
    pub migrations: Vec<One>,
    /// What is to be told, by file and line.
    pub told: Vec<Told>,
}

/// A part of a file that was read.
struct Part<'p> {
    /// Which migration.
    of: usize,
    pending: &'p Pending,
    text: String,
    transaction: Transaction,
    script: Script,
    notes: Notes,
}

/// Judges migrations in the order in which they run.
#[must_use]
pub fn judge(pending: &[Pending], about: &[About], rules: &Rules) -> Judgement {
    let mut judgement = Judgement::default();
    let of_file = |one: &About| Told {
        file: one.file.clone(),
        line: 1,
        column: 1,
        rule: one.rule,
        class: one.rule.class(),
        object: String::new(),
        owner: None,
        message: one.message.clone(),
        fix: one.fix.clone(),
    };
    judgement.told.extend(about.iter().map(of_file));
    let mut parts = Vec::new();
    for (of, one) in pending.iter().enumerate() {
        judgement.migrations.push(One {
            name: one.name.clone(),
            file: one.migration.file.clone(),
            folder: one.migration.folder.clone(),
            version: one.migration.version.clone(),
            is_contract: false,
            is_unknown: false,
            is_unread: false,
            adds: None,
            contract: None,
        });
        match text_of(one, rules.largest) {
            Ok(text) => parts_of(of, one, text, &mut parts, &mut judgement),
            Err((rule, why)) => {
                judgement.tell(one, "", 0, rule, &why, "");
            }
        }
    }
    let mut batch = Batch::new(rules.sql);
    for (number, part) in parts.iter().enumerate() {
        part.tell(&mut judgement, rules.sql.postgres);
        let at_once = part.transaction != Transaction::Each;
        batch.judge(number, &part.script, at_once, &|start| part.notes.widens(&part.script, start));
    }
    judgement.take(&parts, batch.finish(), rules.ownership.as_ref());
    judgement.told.sort_by(|one, other| {
        (&one.file, one.line, one.column, std::cmp::Reverse(one.class)).cmp(&(
            &other.file,
            other.line,
            other.column,
            std::cmp::Reverse(other.class),
        ))
    });
    judgement.told.dedup();
    judgement
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

fn parts_of<'p>(of: usize, one: &'p Pending, text: &str, parts: &mut Vec<Part<'p>>, judgement: &mut Judgement) {
    let layout = one.migration.layout;
    let sections = Sections::of(layout, text, one.settings.as_deref(), is_sent_one_by_one(text));
    if let Some((at, why)) = sections.fault {
        judgement.tell(one, text, at, Rule::Unanalysable, &why, "");
    }
    for (at, why) in &sections.idle {
        judgement.tell(one, text, *at, Rule::WrongAnnotation, why, "move it there");
    }
    let mut is_empty = true;
    for part in sections.parts {
        let script = read(&part.text);
        is_empty &= script.statements.is_empty() && script.faults.is_empty();
        let notes = Notes::of(&script);
        parts.push(Part { of, pending: one, text: part.text, transaction: part.transaction, script, notes });
    }
    if is_empty && layout == Layout::GolangMigrate {
        judgement.tell(one, text, 0, Rule::Empty, "it has no statement", "");
    }
}

impl Part<'_> {
    /// Tells what is not about the code that serves: what could not be read, comments, transactions.
    fn tell(&self, judgement: &mut Judgement, postgres: u8) {
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
        for (at, rule, message, fix) in
            transactions::check(one.migration.layout, self.transaction, &self.script, postgres)
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

impl Judgement {
    fn tell(&mut self, one: &Pending, text: &str, at: usize, rule: Rule, message: &str, fix: &str) {
        let (line, column) = position(text, at);
        if matches!(rule, Rule::Unanalysable)
            && let Some(judged) = self.migrations.iter_mut().find(|judged| judged.file == one.migration.file)
        {
            judged.is_unread = true;
        }
        self.told.push(Told {
            file: one.migration.file.clone(),
            line,
            column,
            rule,
            class: rule.class(),
            object: String::new(),
            owner: None,
            message: message.to_owned(),
            fix: fix.to_owned(),
        });
    }

    /// Takes over what judging the statements has found.
    fn take(&mut self, parts: &[Part<'_>], judged: Judged, ownership: Option<&Ownership>) {
        for finding in judged.findings {
            let Finding { script, at, rule, class, object, message, fix } = finding;
            let part = &parts[script];
            let one = &mut self.migrations[part.of];
            one.is_contract |= class == Class::Contract;
            one.is_unknown |= class == Class::Unknown;
            let (line, column) = position(&part.text, at.start);
            let owner = ownership.and_then(|ownership| ownership.of_table(&table_of(&object))).map(str::to_owned);
            let file = one.file.clone();
            self.told.push(Told { file, line, column, rule, class, object, owner, message, fix });
        }
        for add in judged.adds {
            let part = &parts[add.script];
            self.migrations[part.of].adds.get_or_insert(position(&part.text, add.at.start));
        }
        let Some(ownership) = ownership else { return };
        for used in judged.uses {
            let part = &parts[used.script];
            let file = &self.migrations[part.of].file;
            let (Some(owner), Some(own)) = (ownership.of_table(&used.table), ownership.of_file(file)) else { continue };
            if owner != own {
                let (line, column) = position(&part.text, used.start);
                let object = used.table.to_string();
                let object = object.strip_prefix("public.").map_or(object.clone(), str::to_owned);
                self.told.push(Told {
                    file: file.clone(),
                    line,
                    column,
                    rule: Rule::OtherOwner,
                    class: Class::Blocked,
                    message: format!(
                        "needs-review: {owner}. {object} belongs to {owner}, and this is a migration of {own}"
                    ),
                    fix: format!("move it to a folder of {owner}, so that {owner} reviews it"),
                    object,
                    owner: Some(owner.to_owned()),
                });
            }
        }
    }
}

/// The table that an object is, or belongs to: `users.note` is a column of `users`.
fn table_of(object: &str) -> crate::sql::Name {
    crate::sql::Name::within("public", object.split('.').next().unwrap_or_default().trim_matches('"'))
}

/// The line and the column of a byte, from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::folder::{Folder, Listing};

    fn rules() -> Rules {
        Rules { sql: Settings { postgres: 15, strict: false, same_role: false }, largest: 1 << 20, ownership: None }
    }

    fn pending(layout: Layout, files: &[(&str, &[u8])]) -> Vec<Pending> {
        let head: Listing = files.iter().map(|(file, _)| ((*file).to_owned(), (*file).to_owned())).collect();
        let found = Folder::compare(layout, "", &head, &[]);
        let content =
            |file: &str| files.iter().find(|(name, _)| *name == file).map(|(_, content)| content.to_vec()).unwrap();
        let one = |migration: Migration| Pending {
            name: migration.written.clone(),
            content: content(&migration.file),
            migration,
            settings: None,
        };
        found.pending.into_iter().map(one).collect()
    }

    fn judged(layout: Layout, files: &[(&str, &str)]) -> Judgement {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(file, text)| (*file, text.as_bytes())).collect();
        judge(&pending(layout, &files), &[], &rules())
    }

    fn rules_of(judgement: &Judgement) -> Vec<&'static str> {
        judgement.told.iter().map(|told| told.rule.id()).collect()
    }

    #[test]
    fn d16_what_is_no_text_is_told_and_the_others_are_judged_all_the_same() {
        let large = vec![b' '; (1 << 20) + 1];
        let files: [(&str, &[u8]); 5] = [
            ("1_latin.up.sql", b"-- caf\xe9\nDROP TABLE users;"),
            ("2_nul.up.sql", b"DROP TABLE users;\0"),
            ("3_large.up.sql", &large),
            ("4_empty.up.sql", b""),
            ("5_fine.up.sql", b"ALTER TABLE users DROP note;"),
        ];
        let judgement = judge(&pending(Layout::GolangMigrate, &files), &[], &rules());
        assert_eq!(
            rules_of(&judgement),
            ["unanalysable", "unanalysable", "unanalysable", "empty-migration", "drop-column"]
        );
        assert_eq!(
            judgement.migrations.iter().map(|one| one.is_unread).collect::<Vec<_>>(),
            [true, true, true, false, false]
        );
    }

    #[test]
    fn d14_what_is_no_sql_is_told_in_words_of_who_wrote_it() {
        let table = [
            ("\\i other.sql\n", "psql"),
            ("ALTER TABLE {{ table }} ADD c int;", "template"),
            ("COPY users FROM stdin;\n1\tx\n\\.\n", "COPY FROM STDIN"),
            ("DO $$ BEGIN NULL; END", "cannot be read"),
            ("/* ALTER TABLE users", "comment"),
            ("SELEC 1;", "cannot be read"),
        ];
        for (text, words) in table {
            let judgement = judged(Layout::GolangMigrate, &[("1_a.up.sql", text)]);
            let Some(told) = judgement.told.iter().find(|told| told.rule == Rule::Unanalysable) else {
                panic!("{text}")
            };
            assert!(told.message.contains(words), "{text}: {}", told.message);
            assert!(judgement.migrations[0].is_unread, "{text}");
        }
    }

    #[test]
    fn mg19_what_is_dropped_before_a_syntax_error_is_told_too() {
        let judgement =
            judged(Layout::GolangMigrate, &[("1_a.up.sql", "ALTER TABLE users DROP COLUMN note;\nSELEC 1;")]);
        assert_eq!(rules_of(&judgement), ["drop-column", "unanalysable"]);
        assert_eq!(judgement.told[1].line, 2);
    }

    #[test]
    fn d25_a_finding_stands_at_its_line_also_inside_of_a_do_block() {
        let text = "-- Café\nDO $$\nBEGIN\n  IF true THEN\n    ALTER TABLE users\n      DROP COLUMN note;\n  END IF;\nEND $$;\n";
        let judgement = judged(Layout::GolangMigrate, &[("1_a.up.sql", text)]);
        assert_eq!((judgement.told[0].line, judgement.told[0].column), (6, 7));
        let crlf = judged(Layout::GolangMigrate, &[("1_a.up.sql", &text.replace('\n', "\r\n"))]);
        assert_eq!((crlf.told[0].line, crlf.told[0].column), (6, 7));
    }

    #[test]
    fn mg07_what_an_earlier_pending_migration_made_is_new() {
        let files = [("1_a.up.sql", "CREATE TABLE t (a int, b int);"), ("2_b.up.sql", "ALTER TABLE t DROP COLUMN b;")];
        assert_eq!(rules_of(&judged(Layout::GolangMigrate, &files)), Vec::<&str>::new());
        assert_eq!(rules_of(&judged(Layout::GolangMigrate, &files[1..])), ["drop-column"]);
    }

    #[test]
    fn d18_an_index_is_built_concurrently_only_by_itself() {
        let two = "CREATE INDEX CONCURRENTLY i ON users (name);\nCREATE INDEX CONCURRENTLY j ON users (age);";
        let one = "CREATE INDEX CONCURRENTLY i ON users (name);\n-- the end\n;";
        let of = |text: &str| rules_of(&judged(Layout::GolangMigrate, &[("1_a.up.sql", text)]));
        assert_eq!(of(two), ["in-transaction", "in-transaction"]);
        assert_eq!(of(one), Vec::<&str>::new());
        assert_eq!(of(&format!("-- deploy: multi-statement\n{two}")), Vec::<&str>::new());
    }

    #[test]
    fn mg10_each_tool_has_transactions_of_its_own() {
        let (one, two) = (
            "CREATE INDEX CONCURRENTLY i ON users (name);\n",
            "CREATE INDEX CONCURRENTLY i ON users (name);\nSELECT 1;\n",
        );
        let prisma = "20240101000000_a/migration.sql";
        let table = [
            (Layout::GolangMigrate, "1_a.up.sql", "", [true, false]),
            (Layout::Prisma, prisma, "", [true, false]),
            (Layout::Dbmate, "1_a.sql", "-- migrate:up\n", [false, false]),
            (Layout::Dbmate, "1_a.sql", "-- migrate:up transaction:false\n", [true, false]),
            (Layout::Goose, "1_a.sql", "-- +goose Up\n", [false, false]),
            (Layout::Goose, "1_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\n", [true, true]),
            (Layout::Sqlx, "1_a.sql", "", [false, false]),
            (Layout::Sqlx, "1_a.sql", "-- no-transaction\n", [true, false]),
            (Layout::Sqlx, "1_a.sql", "\n-- no-transaction\n", [false, false]),
            (Layout::Flyway, "V1__a.sql", "", [true, false]),
            (Layout::Plain, "a.sql", "", [true, true]),
            (Layout::Plain, "a.sql", "BEGIN;\n", [false, false]),
        ];
        for (layout, file, head, works) in table {
            for (body, works) in [one, two].into_iter().zip(works) {
                let end = if head == "BEGIN;\n" { "COMMIT;" } else { "" };
                let judgement = judged(layout, &[(file, &format!("{head}{body}{end}"))]);
                let refused = judgement.told.iter().any(|told| told.rule == Rule::InTransaction);
                assert_eq!(refused, !works, "{layout}: {head}{body}");
            }
        }
    }

    #[test]
    fn mg16_a_transaction_that_is_never_committed_is_told() {
        let judgement = judged(Layout::GolangMigrate, &[("1_a.up.sql", "BEGIN;\nCREATE TABLE t ();\n")]);
        assert_eq!(rules_of(&judgement), ["never-committed"]);
        let done = judged(Layout::GolangMigrate, &[("1_a.up.sql", "BEGIN;\nCREATE TABLE t ();\nCOMMIT;\n")]);
        assert_eq!(rules_of(&done), Vec::<&str>::new());
        let alembic = "BEGIN;\nALTER TABLE t ADD c int;\nCOMMIT;\nSELECT 1;\nBEGIN;\nUPDATE alembic_version SET version_num = '2' WHERE true;\nCOMMIT;\n";
        let judgement = judged(Layout::Plain, &[("a.sql", alembic)]);
        assert!(rules_of(&judgement).contains(&"own-transaction"), "{:?}", judgement.told);
    }

    #[test]
    fn d21_another_owners_table_needs_a_review() {
        let tables =
            [("users", "core"), ("zmanim_*", "zmanim")].map(|(one, owner)| (one.to_owned(), owner.to_owned())).into();
        let folders =
            [("db", "core"), ("zmanim", "zmanim")].map(|(one, owner)| (one.to_owned(), owner.to_owned())).into();
        let rules = Rules { ownership: Some(Ownership { tables, folders }), ..rules() };
        let touches = [
            ("ALTER TABLE users ADD c int;", true),
            ("ALTER TABLE public.users ADD c int;", true),
            ("ALTER TABLE \"users\" ADD c int;", true),
            ("CREATE TABLE zmanim_days (u bigint REFERENCES users (id));", true),
            ("CREATE VIEW zmanim_v AS SELECT * FROM users;", true),
            ("CREATE TRIGGER t AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION f();", true),
            ("CREATE TABLE zmanim_days (id bigint);", false),
            ("ALTER TABLE other.users ADD c int;", false),
        ];
        for (text, needs) in touches {
            let files: [(&str, &[u8]); 1] = [("1_a.up.sql", text.as_bytes())];
            let mut pending = pending(Layout::GolangMigrate, &files);
            pending[0].migration.file = "zmanim/1_a.up.sql".to_owned();
            let judgement = judge(&pending, &[], &rules);
            let owners: Vec<_> = judgement.told.iter().filter(|told| told.rule == Rule::OtherOwner).collect();
            assert_eq!(owners.len(), usize::from(needs), "{text}: {:?}", judgement.told);
            assert!(
                owners
                    .iter()
                    .all(|told| told.owner.as_deref() == Some("core") && told.message.contains("needs-review: core"))
            );
        }
    }

    #[test]
    fn d03_marks_blanks_and_a_missing_semicolon_change_nothing() {
        for text in [
            "\u{feff}ALTER TABLE users DROP note",
            "\r\n\r\nALTER TABLE users\r\nDROP note\r\n",
            "ALTER TABLE users DROP note",
        ] {
            assert_eq!(rules_of(&judged(Layout::GolangMigrate, &[("1_a.up.sql", text)])), ["drop-column"], "{text:?}");
        }
    }
}
