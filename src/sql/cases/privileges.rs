//! Roles, and what they may do.

use super::{USUAL, all, found_with, ids};
use crate::sql::batch::Settings;
use crate::sql::rule::Class;

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
