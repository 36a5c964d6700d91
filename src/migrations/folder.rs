//! Which migrations of a folder are new since what serves, and what is wrong with its files. By their names and contents' names only.

use std::collections::BTreeMap;

use super::layout::Layout;
use super::names::{Role, Version, is_sql};
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
    /// The file that takes it back: its path, and the name of its content.
    pub down: Option<(String, String)>,
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
        if layout == Layout::Dbmate {
            // dbmate runs them by their whole names: `10_b.sql` before `1_a.sql`.
            found.pending.sort_by(|one, other| one.file.cmp(&other.file));
        }
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
                        "give it a name that its tool takes, or move it elsewhere",
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
                    self.found.pending.push(self.migration(version, up, downs));
                } else if edited {
                    let message =
                        format!("{} was changed after it was applied: {}", self.full(up.path), self.layout.edited());
                    self.say(
                        up.path,
                        Rule::EditedMigration,
                        message,
                        "take the change back, and make it in a new migration",
                    );
                } else if name(was.path) != name(up.path) && was.sha == up.sha && !self.layout.names_are_free() {
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
            self.found.pending.push(self.migration(version, up, downs));
        }
    }

    /// What was applied by a commit that serves and is not there any more, or has another way back.
    fn taken_away(&mut self, ups: &Ups<'_>, downs: &BTreeMap<Version, &str>, base: &Listing, applied: &Ups<'_>) {
        // What is repeatable is missed only by Flyway, which alone has such.
        let is_deleted = |version: &Version| !ups.contains_key(version);
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

    fn migration(&self, version: &Version, up: &Up<'_>, downs: &BTreeMap<Version, &str>) -> Migration {
        let beside = format!("{}.conf", up.path);
        Migration {
            layout: self.layout,
            folder: self.folder.to_owned(),
            file: self.full(up.path),
            version: version.clone(),
            written: up.written.clone(),
            sha: up.sha.to_owned(),
            beside: self.head.get(&beside).map(|sha| (self.full(&beside), sha.clone())),
            down: downs.get(version).and_then(|path| Some((self.full(path), self.head.get(*path)?.clone()))),
        }
    }
}

/// Whether a version has a place among the others.
fn is_ordered(version: &Version) -> bool {
    !matches!(version, Version::Repeatable(_))
}

/// The name of a file, without its folders.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
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
