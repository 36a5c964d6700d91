//! Judges the migrations of a deployment together: what each says to the code that serves, at which line.

use super::folder::About;
use super::judgement::{Judgement, One, Pending, Rules, Told, position};
use super::ownership::Ownership;
use super::parts::{Part, parts_of};
use super::sections::Transaction;
use crate::sql::{Batch, Class, Finding, Judged, Rule};

/// Judges migrations in the order in which they run.
#[must_use]
pub fn judge(pending: &[Pending], about: &[About], rules: &Rules) -> Judgement {
    let mut judgement = Judgement::default();
    let of_file = |one: &About| Told {
        message: one.message.clone(),
        fix: one.fix.clone(),
        ..Told::of(&one.file, (1, 1), one.rule)
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
        parts.extend(parts_of(of, one, rules.largest, &mut judgement));
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

impl Judgement {
    /// Takes over what judging the statements has found.
    fn take(&mut self, parts: &[Part<'_>], judged: Judged, ownership: Option<&Ownership>) {
        for finding in judged.findings {
            let Finding { script, at, rule, class, object, message, fix } = finding;
            let part = &parts[script];
            let one = &mut self.migrations[part.of];
            one.is_contract |= class == Class::Contract;
            one.is_unknown |= class == Class::Unknown;
            let owner = ownership.and_then(|ownership| ownership.of_table(&table_of(&object))).map(str::to_owned);
            let told = Told::of(&one.file, position(&part.text, at.start), rule);
            self.told.push(Told { class, object, owner, message, fix, ..told });
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
                let object = used.table.to_string();
                let object = object.strip_prefix("public.").map_or(object.clone(), str::to_owned);
                self.told.push(Told {
                    message: format!(
                        "needs-review: {owner}. {object} belongs to {owner}, and this is a migration of {own}"
                    ),
                    fix: format!("move it to a folder of {owner}, so that {owner} reviews it"),
                    object,
                    owner: Some(owner.to_owned()),
                    ..Told::of(file, position(&part.text, used.start), Rule::OtherOwner)
                });
            }
        }
    }
}

/// The table that an object is, or belongs to: `users.note` is a column of `users`.
fn table_of(object: &str) -> crate::sql::Name {
    crate::sql::Name::within("public", object.split('.').next().unwrap_or_default().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::folder::{Folder, Listing, Migration};
    use crate::migrations::layout::Layout;
    use crate::sql::Settings;

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
            down: None,
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
        for text in ["\r\n\r\nALTER TABLE users\r\nDROP note\r\n", "ALTER TABLE users DROP note"] {
            assert_eq!(rules_of(&judged(Layout::GolangMigrate, &[("1_a.up.sql", text)])), ["drop-column"], "{text:?}");
        }
        // PostgreSQL itself refuses the mark of bytes, and golang-migrate sends it.
        let marked = judged(Layout::GolangMigrate, &[("1_a.up.sql", "\u{feff}ALTER TABLE users DROP note")]);
        assert_eq!(rules_of(&marked), ["tool-stops", "drop-column"]);
        let flyway = judged(Layout::Flyway, &[("V1__a.sql", "\u{feff}ALTER TABLE users DROP note")]);
        assert_eq!(rules_of(&flyway), ["drop-column"], "Flyway takes it away");
    }
}
