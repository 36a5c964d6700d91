//! What statements are, case by case. The names are those of the list of cases that the rules were made by.

use super::batch::{Batch, Settings};
use super::rule::{Class, Rule};
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
fn d02_words_in_comments_and_strings_are_no_statements() {
    for text in [
        "-- DROP TABLE users;\nSELECT 1;",
        "/* DROP /* TABLE */ users */ SELECT 1;",
        "SELECT 'ALTER TABLE users DROP COLUMN note;';",
        "CREATE TABLE q (a text DEFAULT 'DROP TABLE users');",
        "SELECT $x$ DROP TABLE users; $x$;",
        "COMMENT ON TABLE users IS E'DROP\\nTABLE users';",
    ] {
        assert_eq!(worst(text), None, "{text}");
    }
}

#[test]
fn d04_what_a_do_block_does_is_found() {
    all(&[
        ("DO $$ BEGIN IF true THEN ALTER TABLE users DROP COLUMN note; END IF; END $$;", &["drop-column"]),
        ("DO $$ BEGIN EXECUTE format('ALTER TABLE users DROP COLUMN %I', 'note'); END $$;", &["dynamic-sql"]),
        ("DO $$ BEGIN EXECUTE 'ALTER TABLE users DROP COLUMN '||quote_ident('note'); END $$;", &["dynamic-sql"]),
        ("DO $$ BEGIN EXECUTE 'ALTER TABLE users DROP COLUMN note'; END $$;", &["drop-column"]),
        ("DO $$ BEGIN DO 'BEGIN ALTER TABLE users DROP note; END'; END $$;", &["drop-column"]),
        ("DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE q LOOP NULL; END LOOP; END $$;", &["dynamic-sql"]),
        ("DO $$ BEGIN PERFORM wipe(); END $$;", &["unknown-function"]),
        ("DO $$ BEGIN IF wipe() THEN NULL; END IF; END $$;", &["unknown-function"]),
        ("DO $$ BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;", &[]),
    ]);
}

#[test]
fn d05_code_that_is_not_read_cannot_be_told() {
    all(&[
        ("DO LANGUAGE plpython3u $$ plpy.execute('DROP TABLE users') $$;", &["other-language"]),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS $$ return 1 $$;", &["other-language"]),
        ("CALL wipe();", &["unknown-function"]),
        ("SELECT app.wipe();", &["unknown-function"]),
        ("SELECT * FROM wipe();", &["unknown-function"]),
        ("SELECT pg_catalog.now(), count(*), lower('X') FROM users;", &[]),
        ("SELECT query_to_xml('DROP TABLE users', true, false, '');", &["unknown-function"]),
        ("UPDATE users SET name = slug(name) WHERE id = 1;", &["backfill", "function-over-rows"]),
    ]);
}

#[test]
fn d06_d07_d08_what_a_batch_has_made_itself_is_new() {
    all(&[
        ("CREATE TABLE t (a int); ALTER TABLE t ADD b int NOT NULL; ALTER TABLE t DROP a;", &[]),
        ("CREATE TABLE IF NOT EXISTS users (id int); ALTER TABLE users DROP COLUMN note;", &["drop-column"]),
        ("DROP TABLE t; CREATE TABLE t (a int);", &["drop-table"]),
        ("CREATE TEMP TABLE tt (id int); ALTER TABLE tt DROP COLUMN id; DROP TABLE tt;", &[]),
        ("CREATE TABLE t (a int); DROP TABLE t; ALTER TABLE t DROP a;", &["drop-column"]),
        (
            "CREATE TABLE t (a int); ALTER TABLE t RENAME TO u; ALTER TABLE u DROP a; ALTER TABLE t DROP a;",
            &["drop-column"],
        ),
        ("DO $$ BEGIN CREATE TABLE t (a int); END $$; ALTER TABLE t DROP a;", &["drop-column"]),
        (
            "CREATE TABLE users_new (a int); ALTER TABLE users RENAME TO users_old; ALTER TABLE users_new RENAME TO users;",
            &["rename-table"],
        ),
    ]);
    assert_eq!(
        found_with(USUAL, &["CREATE TEMP TABLE tt (id int);", "ALTER TABLE tt DROP COLUMN id;"]),
        [("drop-column", Class::Contract)]
    );
}

#[test]
fn d09_d10_d11_a_new_column_is_judged_by_what_old_inserts_meet() {
    all(&[
        ("ALTER TABLE users ADD COLUMN id2 uuid PRIMARY KEY;", &["required-column", "index-locks"]),
        ("ALTER TABLE users ADD COLUMN tz text NOT NULL DEFAULT NULL;", &["required-column"]),
        ("ALTER TABLE users ADD COLUMN tz text NOT NULL DEFAULT (NULL::text);", &["required-column"]),
        ("ALTER TABLE users ADD COLUMN n bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL;", &["rewrite"]),
        ("ALTER TABLE users ADD COLUMN r uuid DEFAULT gen_random_uuid();", &["rewrite"]),
        ("ALTER TABLE users ADD COLUMN c timestamptz NOT NULL DEFAULT now();", &[]),
        ("ALTER TABLE users ADD COLUMN c timestamptz DEFAULT clock_timestamp();", &["rewrite"]),
        ("ALTER TABLE users ADD COLUMN c text DEFAULT own_function();", &["rewrite"]),
        ("ALTER TABLE users ADD COLUMN tz text CHECK (tz IN ('a', 'b'));", &[]),
        ("ALTER TABLE users ADD COLUMN tz text CHECK (length(tz) > 1 OR tz = 'x');", &[]),
        ("ALTER TABLE users ADD COLUMN tz text CHECK (coalesce(tz, '') <> '');", &["check-of-new-column"]),
        ("ALTER TABLE users ADD COLUMN tz text CHECK (tz = 'a' AND age > 5);", &["check-of-new-column"]),
        ("ALTER TABLE users ADD COLUMN tz text DEFAULT 'x' UNIQUE;", &["add-unique", "index-locks"]),
    ]);
}

#[test]
fn d12_a_constraint_that_is_looked_over_proves_nothing_for_another_column() {
    let text = "ALTER TABLE users VALIDATE CONSTRAINT age_ok; ALTER TABLE users ALTER COLUMN name SET NOT NULL;";
    assert_eq!(ids(text), ["set-not-null"]);
}

#[test]
fn d15_a_text_that_nests_too_deeply_is_a_fault_and_nothing_worse() {
    let deep = format!("SELECT {}1{};", "(".repeat(20_000), ")".repeat(20_000));
    let in_body = format!("DO $$ BEGIN PERFORM {}1{}; END $$;", "(".repeat(20_000), ")".repeat(20_000));
    let in_sql = format!(
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT {}1{} $$;",
        "(".repeat(20_000),
        ")".repeat(20_000)
    );
    let escaped = format!("DO E'BEGIN PERFORM {}1; END';", "\\x28".repeat(20_000));
    let chain = format!("SELECT {}1;", "NOT ".repeat(40_000));
    for text in [deep, in_body, in_sql, escaped, chain] {
        assert_ne!(read(&text).faults, [], "{}", &text[..60]);
    }
}

/// As deep as is let through: it has to fit on the stack.
#[test]
fn what_is_let_through_fits_on_the_stack() {
    for text in [
        format!("SELECT {}1{};", "(".repeat(900), ")".repeat(900)),
        format!("SELECT {}true;", "NOT ".repeat(7_900)),
        format!("SELECT 1{};", "+1".repeat(3_900)),
        format!("SELECT 1{};", " UNION SELECT 1".repeat(2_600)),
        format!("DO $$ {} {} $$;", "BEGIN ".repeat(900), "END; ".repeat(900)),
    ] {
        let _ = read(&text);
    }
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
fn mg02_a_widening_is_believed_and_told_with_its_price() {
    let script = read("ALTER TABLE users ALTER email TYPE varchar(100);");
    let mut batch = Batch::new(USUAL);
    batch.judge(0, &script, true, &|_| true);
    let findings = batch.finish().findings;
    assert_eq!((findings.len(), findings[0].rule, findings[0].class), (1, Rule::WidenedType, Class::Lock));
    assert!(
        findings[0].message.contains("fails if a view uses the column")
            && findings[0].fix.contains("ANALYZE users (email)"),
        "{findings:?}"
    );
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
fn mg04_the_end_of_a_new_column_counts() {
    let head = "ALTER TABLE users ADD COLUMN tz text; UPDATE users SET tz = 'UTC' WHERE tz IS NULL;";
    assert_eq!(
        ids(&format!("{head} ALTER TABLE users ALTER tz SET NOT NULL;")),
        ["backfill", "required-column", "constraint-locks"]
    );
    let with_default =
        format!("{head} ALTER TABLE users ALTER tz SET DEFAULT 'UTC'; ALTER TABLE users ALTER tz SET NOT NULL;");
    assert_eq!(ids(&with_default), ["backfill", "constraint-locks"]);
    let apart = ["ALTER TABLE users ADD COLUMN tz text;", "ALTER TABLE users ALTER tz SET NOT NULL;"];
    assert_eq!(found_with(USUAL, &apart).iter().filter(|(_, class)| *class == Class::Contract).count(), 1);
    let renamed = "ALTER TABLE users ADD tz text; ALTER TABLE users RENAME tz TO zone; ALTER TABLE users ALTER zone SET NOT NULL;";
    assert!(ids(renamed).contains(&"required-column"));
    assert!(is_expand("ALTER TABLE users ADD tz text; ALTER TABLE users DROP tz;"));
}

#[test]
fn mg05_a_sequence_needs_a_grant_unless_one_role_does_both() {
    let serial = "ALTER TABLE orders ADD COLUMN x bigserial;";
    assert_eq!(ids(serial), ["serial-column", "rewrite"]);
    for grant in [
        "GRANT USAGE ON SEQUENCE orders_x_seq TO app;",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app;",
        "GRANT ALL ON SEQUENCE public.orders_x_seq TO app",
    ] {
        assert_eq!(ids(&format!("{serial} {grant}")), ["rewrite"], "{grant}");
    }
    assert_eq!(ids(&format!("{serial} GRANT USAGE ON SEQUENCE other_seq TO app;")), ["serial-column", "rewrite"]);
    assert_eq!(ids("ALTER TABLE orders ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY;"), ["rewrite"]);
    let same = Settings { same_role: true, ..USUAL };
    assert_eq!(found_with(same, &[serial]), [("rewrite", Class::Lock)]);
}

#[test]
fn the_role_that_migrates_decides_what_privileges_mean() {
    let same = Settings { same_role: true, ..USUAL };
    let table = [
        ("ALTER TABLE users ENABLE ROW LEVEL SECURITY;", Class::Contract, Class::Review),
        ("ALTER TABLE users FORCE ROW LEVEL SECURITY;", Class::Review, Class::Contract),
        ("REVOKE SELECT ON users FROM app;", Class::Contract, Class::Review),
        ("ALTER TABLE users OWNER TO other;", Class::Review, Class::Contract),
    ];
    for (text, separate, one) in table {
        let class = |settings| found_with(settings, &[text]).iter().map(|(_, class)| *class).max();
        assert_eq!((class(USUAL), class(same)), (Some(separate), Some(one)), "{text}");
    }
}

#[test]
fn mg06_a_default_that_is_given_again_was_never_missed() {
    let text = "ALTER TABLE users ALTER ts DROP DEFAULT; ALTER TABLE users ALTER ts SET DEFAULT now();";
    assert_eq!(ids(text), ["set-default"]);
    let identity =
        "ALTER TABLE users ALTER id DROP DEFAULT; ALTER TABLE users ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;";
    assert_eq!(ids(identity), ["change-sequence"]);
}

#[test]
fn mg08_tables_are_made_in_many_ways() {
    for text in [
        "CREATE TABLE t3 AS SELECT * FROM users; ALTER TABLE t3 DROP COLUMN note;",
        "SELECT * INTO t4 FROM users; ALTER TABLE t4 DROP COLUMN note;",
        "CREATE TABLE t2 (LIKE users INCLUDING ALL); ALTER TABLE t2 DROP COLUMN note;",
        "CREATE SCHEMA a CREATE TABLE b (id int); ALTER TABLE a.b DROP COLUMN id;",
        "CREATE UNLOGGED TABLE t5 (a int); ALTER TABLE t5 DROP a;",
    ] {
        assert_eq!(worst(text), None, "{text}");
    }
}

#[test]
fn mg09_names_are_those_of_postgresql() {
    all(&[
        ("CREATE TABLE app.users (id int); ALTER TABLE public.users DROP note;", &["drop-column"]),
        ("CREATE TABLE \"Users\" (id int, note text); ALTER TABLE users DROP note;", &["drop-column"]),
        (
            "CREATE TABLE USERS2 (id int); ALTER TABLE users2 DROP id; ALTER TABLE \"users2\" DROP id; ALTER TABLE public.users2 DROP id;",
            &[],
        ),
        (
            "SET search_path = app, public; CREATE TABLE users (id int); ALTER TABLE users DROP COLUMN id;",
            &["session-setting", "shadows"],
        ),
        (
            "SET LOCAL search_path TO app; CREATE TABLE t (id int); ALTER TABLE public.t DROP id;",
            &["shadows", "drop-column"],
        ),
        ("SET LOCAL search_path = app; CREATE TABLE t (id int); ALTER TABLE app.t DROP id;", &["shadows"]),
        (
            "SELECT set_config('search_path', '', false); CREATE TABLE public.t (id int); ALTER TABLE public.t DROP id;",
            &["session-setting"],
        ),
        ("CREATE TABLE U&\"\\0075sers9\" (id int); ALTER TABLE users9 DROP id;", &[]),
    ]);
    let later = ["SET search_path = app;", "CREATE TABLE app.t (a int); ALTER TABLE t DROP a;"];
    let found = found_with(USUAL, &later);
    assert!(
        found.contains(&("drop-column", Class::Contract)),
        "what the next script's names mean is not known: {found:?}"
    );
}

#[test]
fn mg17_roles_databases_and_the_server() {
    all(&[
        ("ALTER ROLE app NOLOGIN;", &["alter-role"]),
        ("ALTER USER app PASSWORD 'x';", &["alter-role"]),
        ("ALTER DATABASE d CONNECTION LIMIT 1;", &["alter-database"]),
        ("ALTER DATABASE d REFRESH COLLATION VERSION;", &[]),
        ("ALTER SYSTEM SET work_mem = '1MB';", &["alter-system"]),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app;", &[]),
        ("ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM app;", &["default-privileges"]),
        ("DROP ROLE app;", &["drop-object"]),
        ("REVOKE writers FROM app;", &["revoke"]),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f() FROM PUBLIC;", &[]),
    ]);
}

#[test]
fn mg18_the_version_of_postgresql_counts() {
    let table: [(&str, &[&str], &[&str]); 5] = [
        ("ALTER TABLE users ADD CONSTRAINT c NOT NULL name NOT VALID;", &["newer-postgres"], &["set-not-null"]),
        ("ALTER TABLE users ADD g int GENERATED ALWAYS AS (age * 2) VIRTUAL;", &["newer-postgres"], &[]),
        ("ALTER TABLE users ADD g int GENERATED ALWAYS AS (age * 2);", &["newer-postgres"], &[]),
        ("ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT ENFORCED;", &["newer-postgres"], &[]),
        ("ALTER TABLE users ADD g int GENERATED ALWAYS AS (age * 2) STORED;", &["rewrite"], &["rewrite"]),
    ];
    for (text, old, new) in table {
        let of = |postgres| {
            found_with(Settings { postgres, ..USUAL }, &[text]).into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!((of(17).as_slice(), of(18).as_slice()), (old, new), "{text}");
    }
}

#[test]
fn what_is_dropped_and_made_again_is_no_expansion() {
    let adds = |text: &str| {
        let mut batch = Batch::new(USUAL);
        batch.judge(0, &read(text), true, &|_| false);
        batch.finish().adds.len()
    };
    let table = [
        ("DROP VIEW v; CREATE VIEW v AS SELECT 1;", 0),
        ("ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people;", 0),
        ("ALTER TABLE users ADD tz text NOT NULL;", 0),
        ("ALTER TABLE users ADD tz text; ALTER TABLE users ALTER tz SET NOT NULL;", 0),
        ("SET LOCAL lock_timeout = '5s'; ALTER TABLE users DROP note; ANALYZE users;", 0),
        ("ALTER TABLE users DROP note, ADD q int;", 1),
        ("CREATE TABLE t (a int); CREATE INDEX i ON t (a); ALTER TABLE users DROP note;", 1),
        ("CREATE INDEX i ON users (a);", 1),
    ];
    for (text, expected) in table {
        assert_eq!(adds(text), expected, "{text}");
    }
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
