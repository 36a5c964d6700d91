//! What statements are, case by case. The names are those of the list of cases that the rules were made by.

mod columns;
mod corpus;
mod objects;
mod privileges;
mod reading;

use super::batch::{Batch, Settings};
use super::rule::Class;
use super::syntax::read;

const USUAL: Settings = Settings { postgres: 15, strict: false, same_role: false };

/// The ids of what is found in scripts that are one batch, in the order of their places.
fn found_with(settings: Settings, texts: &[&str]) -> Vec<(&'static str, Class)> {
    let mut batch = Batch::new(settings);
    for (number, text) in texts.iter().enumerate() {
        let script = read(text);
        assert_eq!(script.faults, [], "{text}");
        batch.judge(number, &script, true, &|_| false);
    }
    batch.finish().findings.into_iter().map(|finding| (finding.rule.id(), finding.class)).collect()
}

fn ids(text: &str) -> Vec<&'static str> {
    found_with(USUAL, &[text]).into_iter().map(|(id, _)| id).collect()
}

/// The worst class of a script; nothing where nothing is found.
fn worst(text: &str) -> Option<Class> {
    found_with(USUAL, &[text]).into_iter().map(|(_, class)| class).max()
}

fn is_expand(text: &str) -> bool {
    worst(text).is_none_or(|class| class < Class::Contract)
}

#[track_caller]
fn all(table: &[(&str, &[&str])]) {
    for (text, expected) in table {
        assert_eq!(ids(text), *expected, "{text}");
    }
}

/// The findings that are met most often say what breaks, for whom, and the safe way in SQL.
#[test]
fn the_most_common_findings_read_like_advice() {
    let table: [(&str, &[&str], &str); 10] = [
        (
            "ALTER TABLE users DROP note;",
            &["the code that serves", "users.note", "SELECT, INSERT and UPDATE fail"],
            "-- deploy: contract expand=",
        ),
        ("DROP TABLE users;", &["the code that serves", "users", "fails"], "-- deploy: contract expand="),
        (
            "ALTER TABLE users RENAME note TO memo;",
            &["the code that serves", "users.note", "fail"],
            "ALTER TABLE users ADD COLUMN",
        ),
        (
            "ALTER TABLE users RENAME TO people;",
            &["the code that serves", "users", "fail"],
            "CREATE VIEW users AS SELECT",
        ),
        (
            "ALTER TABLE users ALTER age TYPE bigint;",
            &["the code that serves", "users.age", "nobody can use it"],
            "ADD COLUMN age_new",
        ),
        (
            "ALTER TABLE users ADD q int NOT NULL;",
            &["the code that serves", "users.q", "INSERTs", "fail"],
            "NOT NULL DEFAULT",
        ),
        (
            "ALTER TABLE users ALTER name SET NOT NULL;",
            &["the code that serves", "users.name", "fail"],
            "CHECK (name IS NOT NULL) NOT VALID",
        ),
        (
            "ALTER TABLE users ADD UNIQUE (email);",
            &["the code that serves", "users", "fails"],
            "CREATE UNIQUE INDEX CONCURRENTLY",
        ),
        ("ALTER TABLE users ADD CHECK (age > 0);", &["the code that serves", "users", "fail"], "VALIDATE CONSTRAINT"),
        (
            "CREATE INDEX i ON users (name);",
            &["the code that serves", "users", "wait"],
            "CREATE INDEX CONCURRENTLY .. ON users",
        ),
    ];
    for (text, what, safe) in table {
        let mut batch = Batch::new(USUAL);
        batch.judge(0, &read(text), true, &|_| false);
        let finding = batch.finish().findings.into_iter().max_by_key(|finding| finding.class).unwrap();
        for words in what {
            assert!(finding.message.contains(words), "{text}: {}", finding.message);
        }
        assert!(finding.fix.contains(safe), "{text}: {}", finding.fix);
    }
}

/// Each line of S004's lists, in several spellings.
#[test]
fn d01_what_is_to_be_blocked_is_found_in_every_spelling() {
    let blocked: [(&str, [&str; 4]); 6] = [
        (
            "drop-column",
            [
                "ALTER TABLE users DROP COLUMN note;",
                "alter table only public.users drop note",
                "ALTER TABLE \"users\"\n  DROP /* x */ COLUMN -- y\n  \"note\" CASCADE;",
                "ALTER TABLE IF EXISTS users DROP COLUMN IF EXISTS note, ALTER age SET STATISTICS 5;",
            ],
        ),
        (
            "drop-table",
            [
                "DROP TABLE users;",
                "drop table if exists public.users cascade",
                "DROP/**/TABLE\n\"users\";",
                "DROP FOREIGN TABLE users;",
            ],
        ),
        (
            "rename-column",
            [
                "ALTER TABLE users RENAME COLUMN name TO n;",
                "alter table users rename name to n",
                "ALTER TABLE \"users\" RENAME\n\"name\" TO \"n\";",
                "ALTER TABLE IF EXISTS ONLY users RENAME name TO n;",
            ],
        ),
        (
            "change-type",
            [
                "ALTER TABLE users ALTER COLUMN age TYPE bigint;",
                "alter table users alter age set data type bigint",
                "ALTER TABLE users ALTER\n\"age\" TYPE bigint USING age::bigint;",
                "ALTER TABLE users ALTER age SET STATISTICS 5, ALTER age TYPE bigint;",
            ],
        ),
        (
            "required-column",
            [
                "ALTER TABLE users ADD COLUMN tz text NOT NULL;",
                "alter table users add tz text not null",
                "ALTER TABLE users ADD\n\"tz\" text /* x */ NOT NULL DEFAULT NULL;",
                "ALTER TABLE users ALTER age SET STATISTICS 5, ADD tz text NOT NULL;",
            ],
        ),
        (
            "rename-table",
            [
                "ALTER TABLE users RENAME TO people;",
                "alter table public.users rename to people",
                "ALTER TABLE \"users\"\nRENAME TO \"people\";",
                "ALTER TABLE IF EXISTS users RENAME TO people;",
            ],
        ),
    ];
    for (id, spellings) in blocked {
        for text in spellings {
            assert_eq!(ids(text), [id], "{text}");
        }
    }
}

#[test]
fn d01_what_is_allowed_is_no_contract() {
    for text in [
        "ALTER TABLE shuls ADD COLUMN timezone VARCHAR(50) DEFAULT 'America/New_York';",
        "ALTER TABLE users ADD COLUMN tz text;",
        "alter table users add tz text not null default 'x'",
        "CREATE TABLE t (id bigint PRIMARY KEY);",
        "CREATE INDEX CONCURRENTLY i ON users (name);",
        "ALTER TABLE users VALIDATE CONSTRAINT age_ok;",
        "COMMENT ON TABLE users IS 'x';",
        "GRANT SELECT ON users TO app;",
    ] {
        assert_eq!(worst(text), None, "{text}");
    }
    assert_eq!(worst("CREATE INDEX i ON users (name);"), Some(Class::Lock));
}

#[test]
fn mg02_what_postgresql_has_shown() {
    all(&[
        (
            "ALTER TABLE users ADD COLUMN g int GENERATED ALWAYS AS (age * 2) STORED NOT NULL;",
            &["generated-not-null", "rewrite"],
        ),
        ("ALTER TABLE users ADD COLUMN g int GENERATED ALWAYS AS (age * 2) STORED;", &["rewrite"]),
        ("ALTER TABLE users ALTER COLUMN ts DROP DEFAULT;", &["drop-default"]),
        ("ALTER TABLE users ALTER COLUMN ts SET DEFAULT NULL;", &["drop-default"]),
        ("ALTER TABLE users ENABLE ROW LEVEL SECURITY;", &["enable-row-level-security"]),
        ("REVOKE SELECT ON users FROM app;", &["revoke"]),
        ("ALTER TABLE users ADD COLUMN tz text UNIQUE;", &["index-locks"]),
        ("ALTER TABLE users ADD COLUMN ref bigint REFERENCES orders (id);", &["constraint-locks"]),
        ("ALTER TABLE users ADD COLUMN tz text CHECK (tz IS NOT NULL);", &["check-of-new-column"]),
        ("ALTER TABLE users ADD COLUMN d posint;", &["may-rewrite"]),
        ("ALTER TABLE users ADD COLUMN d posint NOT NULL DEFAULT 1;", &["may-rewrite"]),
        ("ALTER TABLE users ADD COLUMN d posint NOT NULL;", &["unknown-domain", "may-rewrite"]),
        ("ALTER ROLE app SET search_path = app;", &["alter-role"]),
        ("ALTER DATABASE d SET default_transaction_read_only = on;", &["alter-database"]),
        ("DROP OWNED BY app;", &["drop-owned"]),
        ("CREATE RULE nope AS ON INSERT TO users DO INSTEAD NOTHING;", &["create-rule"]),
        ("CREATE TRIGGER tr BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION deny();", &["trigger"]),
        ("ALTER TABLE parent DETACH PARTITION parent_1;", &["detach-partition"]),
        ("ALTER TABLE users ALTER COLUMN id DROP IDENTITY;", &["drop-identity"]),
        ("ALTER DOMAIN posint ADD CONSTRAINT p CHECK (VALUE > 5) NOT VALID;", &["domain-constraint"]),
        ("UPDATE pg_attribute SET attnotnull = true;", &["write-catalog"]),
        ("UPDATE pg_catalog.pg_class SET relname = 'x' WHERE oid = 1;", &["write-catalog"]),
        ("CREATE UNIQUE INDEX CONCURRENTLY u ON users (name);", &["add-unique"]),
        ("CREATE TABLE n (user_id bigint REFERENCES users (id));", &["reference-locks"]),
        (
            "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT c;",
            &["add-check", "validated-at-once"],
        ),
    ]);
    let strict = Settings { strict: true, ..USUAL };
    let trigger = "CREATE TRIGGER tr BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION deny();";
    assert_eq!(found_with(strict, &[trigger]), [("trigger", Class::Contract)]);
}

#[test]
fn mg03_what_people_report_against_others() {
    all(&[
        ("START TRANSACTION; ALTER TABLE \"A\" DROP CONSTRAINT \"u\"; COMMIT;", &["drop-constraint"]),
        ("CREATE INDEX CONCURRENTLY i ON t (a);", &[]),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (b IS NOT NULL) NOT VALID; ALTER TABLE t ALTER b SET NOT NULL; ALTER TABLE t DROP CONSTRAINT c;",
            &["add-check", "set-not-null", "drop-constraint"],
        ),
        ("ALTER TABLE t ALTER c SET NOT NULL;", &["set-not-null"]),
        ("ALTER TABLE t ADD COLUMN y int NOT NULL;", &["required-column"]),
        ("CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);", &[]),
        ("CREATE TEMP TABLE t () ON COMMIT DROP;", &[]),
        ("ALTER TABLE t ADD COLUMN c timestamptz DEFAULT now();", &[]),
        ("ALTER TABLE t ALTER COLUMN x DROP NOT NULL;", &["drop-not-null"]),
        ("CREATE INDEX i ON t (a);", &["index-locks"]),
        ("CREATE TABLE n (u bigint REFERENCES users);", &["reference-locks"]),
        (
            "WITH r AS (SELECT id, ROW_NUMBER() OVER (ORDER BY id) FROM t) UPDATE t SET a = 1 WHERE id IN (SELECT id FROM r);",
            &["backfill"],
        ),
        ("CREATE TABLE o (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME \"o\".\"s\"));", &[]),
        ("TRUNCATE users;", &["truncate"]),
        ("DELETE FROM orders;", &["every-row"]),
        ("MERGE INTO users u USING (SELECT 1 AS id) s ON u.id = s.id WHEN MATCHED THEN DELETE;", &["every-row"]),
        ("CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 2';", &["replace-function"]),
        (
            "CREATE FUNCTION x() RETURNS void LANGUAGE sql AS $$ ALTER TABLE users DROP COLUMN note $$; SELECT x();",
            &["drop-column", "unknown-function"],
        ),
        ("ALTER TABLE users ADD COLUMN IF NOT EXISTS note text NOT NULL;", &["required-column"]),
        ("-- squawk-ignore ban-drop-column\nALTER TABLE users DROP COLUMN note;", &["drop-column"]),
    ]);
}

#[test]
fn every_finding_says_what_breaks_and_names_its_object() {
    let text = "ALTER TABLE app.users DROP COLUMN \"Note\";";
    let mut batch = Batch::new(USUAL);
    batch.judge(0, &read(text), true, &|_| false);
    let finding = &batch.finish().findings[0];
    assert_eq!(finding.object, "app.users.\"Note\"");
    assert!(
        finding.message.contains("app.users.\"Note\"") && finding.fix.contains("deploy: contract expand="),
        "{finding:?}"
    );
}
