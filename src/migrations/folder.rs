//! Which migrations of a folder are new since what serves, and what is wrong with its files. By their names and contents' names only.

use std::collections::BTreeMap;

use super::layout::{Layout, Role, Version, is_sql};
use crate::sql::Rule;

/// The files of a folder at one commit: the name of their content by their path below the folder.
pub type Listing = BTreeMap<String, String>;

/// A migration that is not applied yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The tool.
    pub layout: Layout,
    /// The folder.
    pub folder: String,
    /// Its path from the root of the repository.
    pub file: String,
    /// Its version.
    pub version: Version,
    /// Its version as it is written.
    pub written: String,
    /// The name of its content.
    pub sha: String,
    /// The file beside it, for Flyway: its path, and the name of its content.
    pub beside: Option<(String, String)>,
}

/// Something about a file as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its path from the root of the repository.
    pub file: String,
    /// The rule.
    pub rule: Rule,
    /// What breaks.
    pub message: String,
    /// The safe way.
    pub fix: String,
}

/// A folder of migrations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// What is not applied yet, in the order in which the tool runs it.
    pub pending: Vec<Migration>,
    /// What is to be said of its files.
    pub about: Vec<About>,
    /// The greatest version of the commit, as it is written.
    pub greatest: Option<String>,
}

/// A file that goes up.
struct Up<'a> {
    path: &'a str,
    written: String,
    sha: &'a str,
}

/// The files of a commit that go up.
type Ups<'a> = BTreeMap<Version, Up<'a>>;

impl Folder {
    /// Compares a folder with what it was at the commits that serve: `bases`, none for what was never deployed.
    #[must_use]
    pub fn compare(layout: Layout, folder: &str, head: &Listing, bases: &[Listing]) -> Self {
        let mut comparison = Comparison { layout, folder, head, found: Self::default() };
        let (ups, downs) = comparison.files(bases);
        let applied: Vec<Ups<'_>> = bases.iter().map(|base| ups_of(layout, base)).collect();
        comparison.pending(&ups, &downs, &applied);
        for (base, applied) in bases.iter().zip(&applied) {
            comparison.taken_away(&ups, &downs, base, applied);
        }
        let mut found = comparison.found;
        found.about.sort_by(|one, other| (&one.file, one.rule).cmp(&(&other.file, other.rule)));
        found.about.dedup();
        found.greatest = ups.iter().rev().find(|(version, _)| is_ordered(version)).map(|(_, up)| up.written.clone());
        found
    }
}

/// A folder while it is compared, with what was found so far.
struct Comparison<'a> {
    layout: Layout,
    folder: &'a str,
    head: &'a Listing,
    found: Folder,
}

impl<'a> Comparison<'a> {
    fn full(&self, path: &str) -> String {
        join(self.folder, path)
    }

    fn say(&mut self, path: &str, rule: Rule, message: String, fix: &str) {
        self.found.about.push(About { file: self.full(path), rule, message, fix: fix.to_owned() });
    }

    /// The files that go up and down, by their versions. Of all others, what is wrong with them is told.
    fn files(&mut self, bases: &[Listing]) -> (Ups<'a>, BTreeMap<Version, &'a str>) {
        let mut ups: Ups<'a> = BTreeMap::new();
        let mut downs: BTreeMap<Version, &'a str> = BTreeMap::new();
        let folder_of = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
        let head = self.head;
        let has_sql = |path: &str| head.contains_key(&format!("{}/migration.sql", folder_of(path)));
        for (path, sha) in head {
            match self.layout.role(path) {
                Role::Up(version, written) => {
                    if let Some(other) = ups.get(&version) {
                        let message = format!(
                            "{} has the version of {}: {} stops, or runs only one of them",
                            self.full(path),
                            self.full(other.path),
                            self.layout
                        );
                        self.say(path, Rule::DuplicateVersion, message, "give one of them a version of its own");
                        continue;
                    }
                    ups.insert(version, Up { path, written, sha });
                }
                Role::Down(version) => {
                    downs.insert(version, path);
                }
                Role::Code(command) => {
                    let is_new = bases.iter().all(|base| base.get(path) != Some(sha));
                    if is_new {
                        let message = format!("{} is code that makes SQL, and only SQL can be judged", self.full(path));
                        let fix = format!(
                            "print its SQL ({command}) into a folder, and give that as `path` with `layout: plain`"
                        );
                        self.say(path, Rule::NotSql, message, &fix);
                    }
                }
                Role::Wrong(why) => {
                    self.say(
                        path,
                        Rule::WrongVersion,
                        format!("{}: {why}", self.full(path)),
                        "give it another version",
                    );
                }
                Role::Missing if !has_sql(path) => {
                    let message = format!("the folder {} has no migration.sql", self.full(&folder_of(path)));
                    self.say(path, Rule::MissingSql, message, "add it, or remove the folder");
                }
                Role::Ignored if is_sql(path) && !path.contains('/') => {
                    let message =
                        format!("{} passes over {}: its name is not one of a migration", self.layout, self.full(path));
                    self.say(path, Rule::IgnoredFile, message, "name it as a migration, or move it elsewhere");
                }
                Role::Missing | Role::Beside | Role::Ignored => {}
            }
        }
        (ups, downs)
    }

    /// What is not applied yet, and what was changed after it was.
    fn pending(&mut self, ups: &Ups<'_>, downs: &BTreeMap<Version, &str>, applied: &[Ups<'_>]) {
        let greatest = applied
            .iter()
            .flat_map(BTreeMap::iter)
            .filter(|(version, _)| is_ordered(version))
            .max_by_key(|(version, _)| *version);
        for (version, up) in ups {
            let known: Vec<&Up<'_>> = applied.iter().filter_map(|base| base.get(version)).collect();
            let is_repeatable = matches!(version, Version::Repeatable(_));
            if let Some(was) = known.first() {
                let edited = known.iter().all(|was| was.sha != up.sha);
                if edited && is_repeatable {
                    self.found.pending.push(self.migration(version, up));
                } else if edited {
                    let message =
                        format!("{} was changed after it was applied: {}", self.full(up.path), self.layout.edited());
                    self.say(
                        up.path,
                        Rule::EditedMigration,
                        message,
                        "take the change back, and make it in a new migration",
                    );
                } else if was.path != up.path && was.sha == up.sha && !self.layout.names_are_free() {
                    let message =
                        format!("{} was called {} when it was applied", self.full(up.path), self.full(was.path));
                    self.say(up.path, Rule::RenamedMigration, message, "give it its old name again");
                }
                continue;
            }
            if let Some((last, late)) = greatest
                && is_ordered(version)
                && version < last
            {
                let rule = if self.layout.applies_late() { Rule::LateMigration } else { Rule::OutOfOrder };
                let message = format!(
                    "{} is older than {}, which was applied: {}",
                    self.full(up.path),
                    self.full(late.path),
                    self.layout.late()
                );
                self.say(up.path, rule, message, "give it a version that is greater than all that were applied");
            }
            if self.layout == Layout::GolangMigrate && !downs.contains_key(version) {
                let message = format!("{} has no .down file, by which it could be taken back", self.full(up.path));
                self.say(up.path, Rule::NoDown, message, "add one, also if it only says that there is no way back");
            }
            self.found.pending.push(self.migration(version, up));
        }
    }

    /// What was applied by a commit that serves and is not there any more, or has another way back.
    fn taken_away(&mut self, ups: &Ups<'_>, downs: &BTreeMap<Version, &str>, base: &Listing, applied: &Ups<'_>) {
        let is_deleted = |version: &Version| !ups.contains_key(version) && is_ordered(version);
        for (_, up) in applied.iter().filter(|(version, _)| is_deleted(version)) {
            let rule = if self.layout.may_be_deleted() { Rule::LateMigration } else { Rule::DeletedMigration };
            let message = format!(
                "{} was applied, and its version is not there any more: {}",
                self.full(up.path),
                self.layout.deleted()
            );
            self.say(up.path, rule, message, "bring it back");
        }
        for (version, path) in downs {
            let was = base.get(*path);
            if applied.contains_key(version) && was.is_some() && was != self.head.get(*path) {
                let message = format!(
                    "{} takes back a migration that was applied, and has changed; it is not judged",
                    self.full(path)
                );
                self.say(path, Rule::DownChanged, message, "");
            }
        }
    }

    fn migration(&self, version: &Version, up: &Up<'_>) -> Migration {
        let beside = format!("{}.conf", up.path);
        Migration {
            layout: self.layout,
            folder: self.folder.to_owned(),
            file: self.full(up.path),
            version: version.clone(),
            written: up.written.clone(),
            sha: up.sha.to_owned(),
            beside: self.head.get(&beside).map(|sha| (self.full(&beside), sha.clone())),
        }
    }
}

/// Whether a version has a place among the others.
fn is_ordered(version: &Version) -> bool {
    !matches!(version, Version::Repeatable(_))
}

fn ups_of(layout: Layout, listing: &Listing) -> Ups<'_> {
    let ups = listing.iter().filter_map(|(path, sha)| match layout.role(path) {
        Role::Up(version, written) => Some((version, Up { path, written, sha })),
        _ => None,
    });
    ups.collect()
}

fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (layout, rule) in [
            (Layout::Dbmate, Rule::LateMigration),
            (Layout::Sqlx, Rule::LateMigration),
            (Layout::Goose, Rule::OutOfOrder),
        ] {
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
        let (pending, rules) =
            compared(Layout::Flyway, &[("V1__a.sql", "a"), ("U1__a.sql", "u"), ("B1__b.sql", "b")], &[]);
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
        assert!(
            found.about[0].rule == Rule::NotSql && found.about[0].fix.contains("alembic upgrade"),
            "{:?}",
            found.about
        );
    }

    #[test]
    fn what_serves_at_one_of_several_places_is_applied() {
        let (pending, _) = compared(Layout::GolangMigrate, &[ONE[0], ONE[1]], &[&[], &ONE]);
        assert_eq!(pending, Vec::<String>::new());
    }
}
