//! What is read as a statement, and what cannot be read.

use super::{all, worst};
use crate::sql::syntax::read;

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
