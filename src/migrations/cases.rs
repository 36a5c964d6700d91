//! What is new in a folder and what is wrong with it, case by case. The names are those of the list of cases that the rules were made by.

use super::folder::{Folder, Listing};
use super::layout::Layout;
use crate::sql::Rule;

fn listing(files: &[(&str, &str)]) -> Listing {
    files.iter().map(|(path, sha)| ((*path).to_owned(), (*sha).to_owned())).collect()
}

fn compared(layout: Layout, head: &[(&str, &str)], bases: &[&[(&str, &str)]]) -> (Vec<String>, Vec<Rule>) {
    let bases: Vec<Listing> = bases.iter().map(|base| listing(base)).collect();
    let found = Folder::compare(layout, "m", &listing(head), &bases);
    (found.pending.into_iter().map(|one| one.file).collect(), found.about.into_iter().map(|one| one.rule).collect())
}

const ONE: [(&str, &str); 2] = [("1_a.up.sql", "a"), ("1_a.down.sql", "b")];

#[test]
fn d17_a_version_has_to_be_greater_than_all_that_were_applied() {
    let base: &[(&str, &str)] = &[("3_c.up.sql", "c"), ("3_c.down.sql", "d")];
    let (pending, rules) = compared(Layout::GolangMigrate, &[ONE[0], ONE[1], base[0], base[1]], &[base]);
    assert_eq!((pending, rules), (vec!["m/1_a.up.sql".to_owned()], vec![Rule::OutOfOrder]));
    let found = Folder::compare(Layout::GolangMigrate, "m", &listing(&[ONE[0], base[0]]), &[listing(base)]);
    assert!(found.about[0].message.contains("m/1_a.up.sql is older than m/3_c.up.sql"), "{:?}", found.about);
}

#[test]
fn d17_versions_that_are_the_same_number_collide() {
    let (_, rules) = compared(Layout::GolangMigrate, &[ONE[0], ONE[1], ("0001_b.up.sql", "x")], &[]);
    assert_eq!(rules, [Rule::DuplicateVersion]);
    let (_, rules) = compared(Layout::GolangMigrate, &[ONE[0], ONE[1], ("1_a.up.sql.bak", "x")], &[]);
    assert_eq!(rules, [Rule::DuplicateVersion], "golang-migrate takes a backup for a migration");
    let (_, rules) = compared(Layout::GolangMigrate, &[("99999999999999999999_a.up.sql", "x")], &[]);
    assert_eq!(rules, [Rule::WrongVersion]);
}

#[test]
#[expect(clippy::type_complexity, reason = "a table of files and what is found in them")]
fn d17_what_was_applied_stays_as_it_was() {
    let base: &[(&str, &str)] = &ONE;
    let table: [(&[(&str, &str)], &[Rule]); 4] = [
        (&[("1_a.up.sql", "other"), ONE[1]], &[Rule::EditedMigration]),
        (&[("1_b.up.sql", "a"), ("1_b.down.sql", "b")], &[Rule::RenamedMigration]),
        (&[], &[Rule::DeletedMigration]),
        (&ONE, &[]),
    ];
    for (head, rules) in table {
        let (pending, found) = compared(Layout::GolangMigrate, head, &[base]);
        assert_eq!((pending, found.as_slice()), (vec![], rules), "{head:?}");
    }
}

#[test]
fn d22_without_a_base_all_migrations_are_new() {
    let (pending, rules) = compared(Layout::GolangMigrate, &[ONE[0], ONE[1], ("2_b.up.sql", "c")], &[]);
    assert_eq!((pending.len(), rules), (2, vec![Rule::NoDown]));
}

#[test]
fn d24_a_way_back_that_has_changed_is_told_and_not_judged() {
    let (pending, rules) = compared(Layout::GolangMigrate, &[ONE[0], ("1_a.down.sql", "other")], &[&ONE]);
    assert_eq!((pending, rules), (vec![], vec![Rule::DownChanged]));
}

#[test]
fn mg11_what_is_older_is_applied_by_dbmate_and_never_by_golang_migrate() {
    let base: &[(&str, &str)] = &[("3_c.sql", "c")];
    let head: &[(&str, &str)] = &[("1_a.sql", "a"), ("3_c.sql", "c")];
    for (layout, rule) in
        [(Layout::Dbmate, Rule::LateMigration), (Layout::Sqlx, Rule::LateMigration), (Layout::Goose, Rule::OutOfOrder)]
    {
        assert_eq!(compared(layout, head, &[base]).1, [rule], "{layout}");
    }
}

#[test]
fn a_dbmate_migration_may_get_another_name() {
    assert_eq!(compared(Layout::Dbmate, &[("1_b.sql", "a")], &[&[("1_a.sql", "a")]]), (vec![], vec![]));
}

#[test]
fn mg12_flyway_runs_what_is_repeatable_again_when_it_has_changed() {
    let base: &[(&str, &str)] = &[("V1__a.sql", "a"), ("R__v.sql", "v")];
    assert_eq!(compared(Layout::Flyway, base, &[base]), (vec![], vec![]));
    let (pending, rules) =
        compared(Layout::Flyway, &[("V1__a.sql", "a"), ("R__v.sql", "w"), ("V2__b.sql", "b")], &[base]);
    assert_eq!((pending, rules), (vec!["m/V2__b.sql".to_owned(), "m/R__v.sql".to_owned()], vec![]));
    let (_, rules) = compared(Layout::Flyway, &[("V1_1__a.sql", "a"), ("V1.1__b.sql", "b")], &[]);
    assert_eq!(rules, [Rule::DuplicateVersion]);
    let (pending, rules) = compared(Layout::Flyway, &[("V1__a.sql", "a"), ("U1__a.sql", "u"), ("B1__b.sql", "b")], &[]);
    assert_eq!((pending.len(), rules), (1, vec![]), "undo and baseline files are not run");
}

#[test]
fn mg13_a_folder_of_prisma_has_a_migration() {
    let folder = "20240101000000_a";
    let sql = format!("{folder}/migration.sql");
    let (_, rules) = compared(Layout::Prisma, &[(&format!("{folder}/notes.txt"), "n")], &[]);
    assert_eq!(rules, [Rule::MissingSql]);
    let base: &[(&str, &str)] = &[(&sql, "a")];
    assert_eq!(compared(Layout::Prisma, &[(&sql, "b")], &[base]).1, [Rule::EditedMigration]);
}

#[test]
fn mg15_code_is_told_with_the_command_that_prints_its_sql() {
    let found = Folder::compare(Layout::Plain, "m", &listing(&[("a1_x.py", "p")]), &[]);
    assert_eq!(found.about, []);
    let found = Folder::compare(Layout::GolangMigrate, "m", &listing(&[("a1_x.py", "p")]), &[]);
    assert!(found.about[0].rule == Rule::NotSql && found.about[0].fix.contains("alembic upgrade"), "{:?}", found.about);
}

#[test]
fn what_serves_at_one_of_several_places_is_applied() {
    let (pending, _) = compared(Layout::GolangMigrate, &[ONE[0], ONE[1]], &[&[], &ONE]);
    assert_eq!(pending, Vec::<String>::new());
}
