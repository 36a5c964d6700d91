//! The rules beside what PostgreSQL has shown, statement by statement.

use super::batch::{Batch, Settings};
use super::rule::Class;
use super::syntax::read;

/// `testbed/migrations/README.md` says how it was made.
const MEASURED: &str = include_str!("../../testbed/migrations/measured.tsv");

/// Statements that broke nothing when they were measured, and are a CONTRACT all the same.
const CONTRACT_ALL_THE_SAME: &[(&str, &str)] = &[
    ("M23", "the measuring role finds the schema by its own name"),
    ("M30", "the old type is not known from the statement"),
    ("M59", "whether the column is there is not known from the statement"),
    ("M62", "every INSERT is lost, without an error"),
    ("M67", "the old type is not known from the statement"),
    ("M68", "the old type is not known from the statement"),
    ("M69", "the old type is not known from the statement"),
    ("M75", "whether the table is there is not known from the statement"),
    ("M87", "no value of the old code was one twice"),
    ("N14", "the old type is not known from the statement"),
    ("N15", "the old type is not known from the statement"),
    ("N27", "no row of the old code was excluded"),
];

fn class(sql: &str) -> Option<Class> {
    let script = read(sql);
    let mut batch = Batch::new(Settings { postgres: 18, strict: false, same_role: false });
    batch.judge(0, &script, true, &|_| false);
    let found = batch.finish().findings.into_iter().map(|finding| finding.class);
    found.chain((!script.faults.is_empty()).then_some(Class::Blocked)).max()
}

/// The statements, each with its id.
pub(super) fn statements() -> impl Iterator<Item = (&'static str, String)> {
    MEASURED.lines().skip(1).filter_map(|line| {
        let [id, _, _, sql] = line.splitn(4, '\t').collect::<Vec<_>>()[..] else { return None };
        Some((id, sql.replace("\\n", "\n")))
    })
}

#[test]
fn mg01_what_breaks_old_code_is_never_expand_and_what_does_not_is_no_contract() {
    let mut seen = 0;
    for line in MEASURED.lines().skip(1) {
        let [id, applies, old_code, sql] = line.splitn(4, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let class = class(&sql.replace("\\n", "\n"));
        seen += 1;
        if applies == "no" {
            continue;
        }
        if old_code != "compatible" {
            let is_told = class.is_some_and(|class| class >= Class::Review);
            assert!(is_told, "{id} breaks {old_code}, and is {class:?}: {sql}");
        } else if class == Some(Class::Contract) {
            assert!(
                CONTRACT_ALL_THE_SAME.iter().any(|(known, _)| *known == id),
                "{id} breaks nothing, and is a CONTRACT: {sql}"
            );
        }
    }
    assert_eq!(seen, 137);
}
