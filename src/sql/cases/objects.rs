//! Objects that the batch has made itself, by the names that it gave them.

use super::{USUAL, all, found_with, worst};
use crate::sql::batch::Batch;
use crate::sql::rule::Class;
use crate::sql::syntax::read;

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
