//! What check-migrations decides, from what was judged and what the record says. No I/O.

use time::{Duration, OffsetDateTime};

use super::inputs::{Locks, OnContract};
use crate::action::inputs::Span;
use crate::migrations::{Judgement, One, Told};
use crate::sql::{Class, Rule};
use crate::text::human_duration;

/// Which migrations were applied in the environment.
#[derive(Clone, Debug, Default)]
pub(super) struct Applied {
    /// Their versions, as they were recorded, and when that deployment had succeeded, by GitHub's clock.
    pub(super) versions: Vec<(String, OffsetDateTime)>,
    /// The time now, by GitHub's clock.
    pub(super) now: Option<OffsetDateTime>,
    /// Why the record could not be read.
    pub(super) unread: Option<String>,
}

/// What was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) on_contract: OnContract,
    pub(super) min_age: Span,
    pub(super) locks: Locks,
    pub(super) environment: Option<String>,
}

/// What all migrations together are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// There are none.
    None,
    /// The code that serves survives them.
    Expand,
    /// It does not.
    Contract,
    /// Both at once.
    Mixed,
    /// It cannot be told.
    Unknown,
}

impl Whole {
    /// The word of the output `class`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Expand => "expand",
            Self::Contract => "contract",
            Self::Mixed => "mixed",
            Self::Unknown => "unknown",
        }
    }
}

/// What is decided.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) class: Whole,
    pub(super) needs_approval: bool,
    /// The migrations, each with its own class.
    pub(super) migrations: Vec<(One, Whole)>,
    /// What is told, by file and line.
    pub(super) told: Vec<Told>,
    /// Of these, the places of what makes the step fail.
    pub(super) failing: Vec<usize>,
}

/// Decides.
pub(super) fn plan(judgement: Judgement, applied: &Applied, asked: &Asked) -> Plan {
    let Judgement { migrations, mut told } = judgement;
    if asked.locks == Locks::Off {
        told.retain(|one| one.class != Class::Lock);
    }
    let takes_away = |one: &One| one.is_contract || (one.is_unknown && one.contract.is_some());
    let class_of = |one: &One| match one {
        one if one.is_unread || (one.is_unknown && one.contract.is_none()) => Whole::Unknown,
        one if takes_away(one) && one.adds.is_some() => Whole::Mixed,
        one if takes_away(one) => Whole::Contract,
        _ => Whole::Expand,
    };
    let classes: Vec<Whole> = migrations.iter().map(class_of).collect();
    let contract = migrations.iter().find(|one| takes_away(one));
    let adds = migrations.iter().find(|one| one.adds.is_some());
    let is_unknown = classes.contains(&Whole::Unknown) || told.iter().any(|one| one.rule == Rule::NotSql);
    let class = match (contract, adds) {
        _ if is_unknown => Whole::Unknown,
        (Some(_), Some(_)) => Whole::Mixed,
        (Some(_), None) => Whole::Contract,
        (None, _) if migrations.is_empty() => Whole::None,
        (None, _) => Whole::Expand,
    };
    if let (Some(contract), Some(adds)) = (contract, adds) {
        // It is the CONTRACT that has to wait, so it is the one that fails.
        let takes = told.iter().filter(|one| one.file == contract.file);
        let takes = takes.filter(|one| matches!(one.class, Class::Contract | Class::Unknown));
        let at = takes.map(|one| (one.line, one.column)).min().unwrap_or((1, 1));
        let (line, _) = adds.adds.unwrap_or((1, 1));
        told.push(Told {
            message: format!(
                "EXPAND and CONTRACT are in one deployment: this takes something away that the code that serves uses, and {}:{line} adds something",
                adds.file
            ),
            fix: "deploy the EXPAND with its code first, and bring the CONTRACT in a later deployment".to_owned(),
            ..Told::of(&contract.file, at, Rule::Mixed)
        });
    }
    let mut passed = Vec::new();
    // Those of an annotated CONTRACT that comes too early fail for that, once.
    let mut early = Vec::new();
    let mut needs_approval = false;
    for one in migrations.iter().filter(|one| takes_away(one)) {
        match (&one.contract, asked.on_contract) {
            (Some((contract, line)), _) => match age(one, contract, &migrations, applied, asked) {
                Ok(()) => {
                    passed.push(one.file.clone());
                    needs_approval = true;
                }
                Err(_) if asked.on_contract == OnContract::Warn => passed.push(one.file.clone()),
                Err((message, fix)) => {
                    early.push(one.file.clone());
                    told.push(Told { message, fix, ..Told::of(&one.file, (*line, 1), Rule::ContractTooEarly) });
                }
            },
            (None, OnContract::Block) => {}
            (None, OnContract::Approve) => {
                passed.push(one.file.clone());
                needs_approval = true;
            }
            (None, OnContract::Warn) => passed.push(one.file.clone()),
        }
    }
    told.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
    let fails = |one: &Told| match one.class {
        Class::Blocked => true,
        Class::Contract => !passed.contains(&one.file) && !early.contains(&one.file),
        Class::Unknown => {
            let annotated =
                migrations.iter().any(|migration| migration.file == one.file && migration.contract.is_some());
            !(annotated && passed.contains(&one.file))
        }
        Class::Lock => asked.locks == Locks::Block,
        Class::Review | Class::Data | Class::Note => false,
    };
    let failing = told.iter().enumerate().filter(|(_, one)| fails(one)).map(|(at, _)| at).collect();
    Plan { class, needs_approval, migrations: migrations.into_iter().zip(classes).collect(), told, failing }
}

/// Whether the expansion of a CONTRACT was applied long enough ago; or why not, with the fix.
fn age(one: &One, expand: &str, pending: &[One], applied: &Applied, asked: &Asked) -> Result<(), (String, String)> {
    let again = "deploy the expansion with its code first, with `migrations` given to the step that deploys, and bring the CONTRACT later";
    let Some(environment) = &asked.environment else {
        return Err((
            "which migrations were applied stands in the record of an environment, and no `environment` is given"
                .to_owned(),
            "give the input `environment`".to_owned(),
        ));
    };
    if let Some(why) = &applied.unread {
        return Err((
            format!("whether {expand} was applied cannot be told: {why}"),
            "give the job `deployments: read`".to_owned(),
        ));
    }
    let is_it = |version: &str| same(version, expand, &one.folder);
    if pending.iter().any(|other| is_it(&other.name)) {
        return Err((
            format!("{expand} is in this deployment itself: the code that serves has not been changed yet"),
            again.to_owned(),
        ));
    }
    let first = applied.versions.iter().filter(|(version, _)| is_it(version)).map(|(_, at)| *at).min();
    let Some(first) = first else {
        return Err((
            format!("the record of {environment} does not say that {expand} was applied there"),
            again.to_owned(),
        ));
    };
    let Some(now) = applied.now else {
        return Err((
            "GitHub's answers say no time, so the age of the expansion cannot be told".to_owned(),
            String::new(),
        ));
    };
    let needed = Duration::try_from(asked.min_age.0).unwrap_or(Duration::MAX);
    let is = now - first;
    if is < needed {
        let told = |time: Duration| human_duration(time.try_into().unwrap_or_default());
        return Err((
            format!(
                "{expand} was applied in {environment} only {} ago: {} more have to pass",
                told(is),
                told(needed - is)
            ),
            "run this again then, or give a shorter `contract-min-age`".to_owned(),
        ));
    }
    Ok(())
}

/// Whether a version, as it was recorded, is the one that an annotation names: `000015`, `15` and `db/migrations:15` are one.
fn same(recorded: &str, named: &str, folder: &str) -> bool {
    let parts = |text: &str| match text.rsplit_once(':') {
        Some((folder, version)) => (Some(folder.to_owned()), version.to_owned()),
        None => (None, text.to_owned()),
    };
    let bare = |version: &str| {
        let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { version.trim_start_matches('0').to_owned() } else { version.to_owned() }
    };
    let (recorded, named) = (parts(recorded), parts(named));
    let folder_named = named.0.unwrap_or_else(|| folder.to_owned());
    bare(&recorded.1) == bare(&named.1) && recorded.0.is_none_or(|recorded| recorded == folder_named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::{Folder, Layout, Listing, Pending, Rules, judge};
    use crate::sql::Settings;

    fn judged(files: &[(&str, &str)]) -> Judgement {
        let head: Listing = files.iter().map(|(file, _)| ((*file).to_owned(), (*file).to_owned())).collect();
        let found = Folder::compare(Layout::GolangMigrate, "", &head, &[]);
        let content = |file: &str| {
            files.iter().find(|(name, _)| *name == file).map(|(_, text)| text.as_bytes().to_vec()).unwrap()
        };
        let pending = found.pending.into_iter();
        let pending: Vec<Pending> = pending
            .map(|one| Pending {
                name: one.written.clone(),
                content: content(&one.file),
                migration: one,
                settings: None,
                down: None,
            })
            .collect();
        let sql = Settings { postgres: 15, strict: false, same_role: false };
        judge(&pending, &[], &Rules { sql, largest: 1 << 20, ownership: None })
    }

    fn asked(on_contract: OnContract) -> Asked {
        Asked { on_contract, min_age: Span::minutes(24 * 60), locks: Locks::Warn, environment: Some("prd".to_owned()) }
    }

    /// An expansion that was applied so many hours ago.
    fn applied(hours: i64) -> Applied {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        Applied { versions: vec![("000015".to_owned(), now - Duration::hours(hours))], now: Some(now), unread: None }
    }

    fn rules(plan: &Plan) -> Vec<&'static str> {
        plan.failing.iter().map(|at| plan.told[*at].rule.id()).collect()
    }

    const DROP: &str = "ALTER TABLE users DROP COLUMN note;";
    const NOTE: &str = "-- deploy: contract expand=15 reason=\"unused since v2\"\nALTER TABLE users DROP COLUMN note;";

    #[test]
    fn d20_a_contract_waits_for_its_expansion() {
        let with = |applied: &Applied| plan(judged(&[("16_a.up.sql", NOTE)]), applied, &asked(OnContract::Block));
        let early = with(&applied(23));
        assert_eq!((rules(&early), early.needs_approval), (vec!["contract-too-early"], false));
        let why = &early.told[early.failing[0]].message;
        assert!(why.contains("only 23h00m ago: 1h00m more have to pass"), "{why}");
        let late = with(&applied(25));
        assert_eq!((rules(&late), late.needs_approval, late.class), (vec![], true, Whole::Contract));
        assert_eq!(rules(&with(&Applied { versions: vec![], ..applied(0) })), ["contract-too-early"]);
        let unread = Applied { unread: Some("no permission".to_owned()), ..applied(99) };
        assert!(with(&unread).told.iter().any(|told| told.message.contains("no permission")));
    }

    #[test]
    fn a_contract_that_is_not_annotated_follows_on_contract() {
        let table = [
            (OnContract::Block, vec!["drop-column"], false),
            (OnContract::Approve, vec![], true),
            (OnContract::Warn, vec![], false),
        ];
        for (on_contract, fails, approval) in table {
            let plan = plan(judged(&[("16_a.up.sql", DROP)]), &applied(99), &asked(on_contract));
            assert_eq!((rules(&plan), plan.needs_approval), (fails, approval), "{on_contract:?}");
        }
    }

    #[test]
    fn d19_expand_and_contract_at_once_are_refused_in_one_file_and_in_two() {
        let one = format!("{NOTE} ALTER TABLE users ADD q int;");
        let table: [&[(&str, &str)]; 2] =
            [&[("16_a.up.sql", &one)], &[("16_a.up.sql", "CREATE TABLE t (a int);"), ("17_b.up.sql", NOTE)]];
        for files in table {
            for on_contract in [OnContract::Block, OnContract::Approve, OnContract::Warn] {
                let plan = plan(judged(files), &applied(99), &asked(on_contract));
                assert_eq!((plan.class, rules(&plan)), (Whole::Mixed, vec!["mixed"]), "{files:?}");
                let failing = &plan.told[plan.failing[0]];
                assert!(files.last().is_some_and(|(file, _)| *file == failing.file), "the CONTRACT fails: {failing:?}");
                assert!(failing.message.contains(&format!("{}:", files[0].0)), "{failing:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_told_passes_only_as_an_annotated_contract() {
        let text = "DO $$ BEGIN EXECUTE format('ALTER TABLE t DROP COLUMN %I', 'c'); END $$;";
        let bare = plan(judged(&[("16_a.up.sql", text)]), &applied(99), &asked(OnContract::Warn));
        assert_eq!((bare.class, rules(&bare)), (Whole::Unknown, vec!["dynamic-sql"]));
        let note = format!("-- deploy: contract expand=15 reason=\"looked at by two\"\n{text}");
        let noted = plan(judged(&[("16_a.up.sql", &note)]), &applied(99), &asked(OnContract::Block));
        assert_eq!((noted.class, rules(&noted), noted.needs_approval), (Whole::Contract, vec![], true));
        let unread =
            plan(judged(&[("16_a.up.sql", &format!("{NOTE}\nSELEC 1;"))]), &applied(99), &asked(OnContract::Warn));
        assert_eq!((unread.class, rules(&unread)), (Whole::Unknown, vec!["unanalysable"]));
    }

    #[test]
    fn an_expansion_of_this_deployment_does_not_count() {
        let files = [("15_a.up.sql", "SELECT 1;"), ("16_b.up.sql", NOTE)];
        let plan = plan(judged(&files), &applied(99), &asked(OnContract::Block));
        assert_eq!(rules(&plan), ["contract-too-early"]);
    }

    #[test]
    fn locks_are_an_axis_of_their_own() {
        let of = |locks| {
            let asked = Asked { locks, ..asked(OnContract::Block) };
            let plan = plan(judged(&[("16_a.up.sql", "CREATE INDEX i ON users (name);")]), &applied(99), &asked);
            (plan.class, plan.told.len(), rules(&plan).len())
        };
        assert_eq!(
            [of(Locks::Warn), of(Locks::Off), of(Locks::Block)],
            [(Whole::Expand, 1, 0), (Whole::Expand, 0, 0), (Whole::Expand, 1, 1)]
        );
    }

    #[test]
    fn a_version_is_the_same_with_zeros_and_with_its_folder() {
        let table = [
            ("000015", "15", "db", true),
            ("15", "000015", "db", true),
            ("db:15", "15", "db", true),
            ("db:15", "db:15", "x", true),
            ("other:15", "15", "db", false),
            ("15", "other:15", "db", true),
            ("150", "15", "db", false),
            ("1.2", "1.2", "db", true),
        ];
        for (recorded, named, folder, expected) in table {
            assert_eq!(same(recorded, named, folder), expected, "{recorded} {named}");
        }
    }
}
