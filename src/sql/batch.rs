//! Judges scripts one after the other, as a batch that is applied at once: what was made in it is new, and nobody uses it yet.

mod columns;
mod constraints;
mod objects;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::act::{Kind, Script, Statement, What};
use super::advice::{Subject, advice};
use super::name::{Name, TEMPORARY, UNKNOWN, quoted, shown};
use super::rule::{Class, Rule};

/// What judging depends on besides the scripts.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The major version of PostgreSQL.
    pub postgres: u8,
    /// What depends on the code counts as CONTRACT.
    pub strict: bool,
    /// The role that migrates is the one of the application.
    pub same_role: bool,
}

/// What is to be said of a place in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which script, counted from 0.
    pub script: usize,
    /// Where in it, by bytes.
    pub at: Range<usize>,
    /// The rule.
    pub rule: Rule,
    /// What it says of the statement here; [`Rule::class`], unless the settings say otherwise.
    pub class: Class,
    /// The object, as it is written in SQL; empty if there is none.
    pub object: String,
    /// What breaks, and for whom.
    pub message: String,
    /// The safe way.
    pub fix: String,
}

/// A table that a script uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The table, with its schema.
    pub table: Name,
    /// Which script, counted from 0.
    pub script: usize,
    /// Where in it, by bytes.
    pub start: usize,
}

/// Something that a script adds, by which it is an EXPAND.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Which script, counted from 0.
    pub script: usize,
    /// Where in it, by bytes.
    pub at: Range<usize>,
    /// The column, if it is one.
    column: Option<(Name, String)>,
}

/// What came of judging a batch.
#[derive(Debug)]
pub struct Judged {
    /// All that is to be said, in the order of the scripts.
    pub findings: Vec<Finding>,
    /// What is added.
    pub adds: Vec<Addition>,
    /// The tables that are used.
    pub uses: Vec<Use>,
}

/// What is known of a batch so far.
#[derive(Debug)]
pub struct Batch {
    settings: Settings,
    findings: Vec<Finding>,
    uses: Vec<Use>,
    /// What was made in the batch, by the kinds that share their names.
    new: BTreeMap<(u8, Name), Kind>,
    /// Columns that were added to old tables.
    columns: BTreeMap<(Name, String), NewColumn>,
    /// What was added: where, and the column if it is one.
    adds: Vec<Addition>,
    /// Names that are not what they were: dropped, or given another name.
    gone: BTreeSet<(u8, Name)>,
    /// The schema of names that are written without one; [`UNKNOWN`] where nobody can tell.
    path: String,
    /// Of the script that is judged.
    now: Now,
}

/// What counts only within one script.
#[derive(Debug, Default)]
struct Now {
    script: usize,
    /// Constraints that were added `NOT VALID`.
    not_valid: Vec<(Name, String)>,
    /// Values that were added to enumerations.
    values: Vec<String>,
    /// Columns that lost their default: the finding, by its number.
    without_default: Vec<(Name, String, usize)>,
    /// Sequences that the application may use.
    granted: Vec<Name>,
    granted_schemas: Vec<String>,
    /// Serial columns: their sequence, and where.
    serial: Vec<(Name, Range<usize>, Subject)>,
    /// The path to go back to when the transaction ends.
    path_before: Option<String>,
    path_is_set: bool,
}

#[derive(Clone, Debug)]
struct NewColumn {
    /// It takes no NULL.
    not_null: bool,
    /// Rows of old code get a value.
    filled: bool,
    /// Where it was last said that it takes no NULL.
    script: usize,
    at: Range<usize>,
    /// This was said when it was added.
    is_said: bool,
}

impl Batch {
    /// A batch of nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            findings: Vec::new(),
            uses: Vec::new(),
            new: BTreeMap::new(),
            columns: BTreeMap::new(),
            adds: Vec::new(),
            gone: BTreeSet::new(),
            path: "public".to_owned(),
            now: Now::default(),
        }
    }

    /// Judges the next script. `at_once`: its statements are one transaction. `widens`: whether the statement at this byte only widens a
    /// type, as its author says.
    pub fn judge(&mut self, number: usize, script: &Script, at_once: bool, widens: &dyn Fn(usize) -> bool) {
        self.now = Now { script: number, ..Now::default() };
        for statement in &script.statements {
            self.statement(statement, at_once, widens(statement.at.start));
        }
        self.end_of_script();
    }

    /// All that is to be said of them.
    #[must_use]
    pub fn finish(mut self) -> Judged {
        for ((table, column), state) in std::mem::take(&mut self.columns) {
            let is_refused = state.not_null && !state.filled;
            if is_refused && !state.is_said {
                self.now.script = state.script;
                let subject = Subject { column: quoted(&column), ..Subject::of(&table) };
                self.say(&state.at, Rule::RequiredColumn, &subject);
            }
            let key = Some((table, column));
            self.adds.retain(|one| !(is_refused && one.column == key));
        }
        self.findings.sort_by_key(|finding| (finding.script, finding.at.start, Reverse(finding.class)));
        self.findings.dedup();
        // What is a CONTRACT by itself is no EXPAND.
        let is_contract = |one: &Addition| {
            let same = |finding: &&Finding| finding.script == one.script && finding.at == one.at;
            self.findings.iter().filter(same).any(|finding| finding.class == Class::Contract)
        };
        self.adds.retain(|one| !is_contract(one));
        self.uses.sort();
        self.uses.dedup_by(|one, other| one.table == other.table && one.script == other.script);
        Judged { findings: self.findings, adds: self.adds, uses: self.uses }
    }

    fn end_of_script(&mut self) {
        for (sequence, at, subject) in std::mem::take(&mut self.now.serial) {
            let all = sequence.schema.as_ref().is_some_and(|schema| self.now.granted_schemas.contains(schema));
            if !all && !self.now.granted.contains(&sequence) {
                self.say(&at, Rule::SerialColumn, &subject);
            }
        }
        self.new.retain(|(_, name), _| name.schema.as_deref() != Some(TEMPORARY));
        self.end_of_transaction();
        if self.now.path_is_set {
            // Whether the next script runs in the same session is not known, so what it means by its names is not either.
            UNKNOWN.clone_into(&mut self.path);
        }
    }

    fn statement(&mut self, statement: &Statement, at_once: bool, widens: bool) {
        if at_once {
            let used = self.now.values.iter().find(|value| statement.texts.contains(value)).cloned();
            let adds_it =
                statement.acts.iter().any(|act| matches!(act.what, What::Does { rule: Rule::AddEnumValue, .. }));
            if let Some(detail) = used.filter(|_| !adds_it) {
                self.say(&statement.at, Rule::EnumValueUsed, &Subject { detail, ..Subject::default() });
            }
        }
        for act in &statement.acts {
            self.act(&act.at, act.conditional, &act.what, at_once, widens);
        }
    }

    fn act(&mut self, at: &Range<usize>, conditional: bool, what: &What, at_once: bool, widens: bool) {
        match what {
            What::Begin => {}
            What::End => self.end_of_transaction(),
            What::SearchPath { schemas, local } => self.search_path(at, schemas.as_deref(), *local, conditional),
            What::Creates { kind, name, new, temporary } => {
                self.creates(at, *kind, name, *new && !conditional, *temporary);
            }
            What::AddsColumn { table, column } => {
                self.uses_table(at, table);
                if !self.is_new(Kind::Table, table) {
                    self.adds_column(at, table, column, conditional);
                }
            }
            What::ChangesColumn { table, column, change } => {
                self.uses_table(at, table);
                if !self.is_new(Kind::Table, table) {
                    self.changes_column(at, table, column, change, widens);
                }
            }
            What::AddsConstraint { table, constraint } => {
                self.uses_table(at, table);
                self.adds_constraint(at, table, constraint);
            }
            What::Validates { table, constraint } => {
                self.uses_table(at, table);
                let key = (self.resolved(table), constraint.clone());
                if at_once && self.now.not_valid.contains(&key) {
                    self.say(at, Rule::ValidatedAtOnce, &Subject::of(table));
                }
            }
            What::Renames { kind, from, to, rule } => self.renames(at, *kind, from, to, *rule),
            What::Drops { kind, name, rule } => {
                self.drops(at, *kind, name, *rule, conditional);
            }
            What::CreatesIndex { index, table, unique, concurrently, new } => {
                self.uses_table(at, table);
                let is_old = !self.is_new(Kind::Table, table);
                if is_old && *unique {
                    self.say(at, Rule::AddUnique, &Subject::of(table));
                }
                if is_old && !*unique {
                    self.add(at, None);
                }
                if is_old && !*concurrently {
                    self.say(at, Rule::IndexLocks, &Subject::of(table));
                }
                if let Some(index) = index.clone().filter(|_| *new && !conditional) {
                    let name = Name { schema: self.resolved(table).schema, own: index };
                    self.new.insert((Kind::Index.space(), name), Kind::Index);
                }
            }
            What::Refers { table } => {
                self.uses_table(at, table);
                if !self.is_new(Kind::Table, table) {
                    self.say(at, Rule::ReferenceLocks, &Subject::of(table));
                }
            }
            What::Uses { tables } => {
                for table in tables {
                    self.uses_table(at, table);
                }
            }
            What::GrantsSequences { names, schemas } => {
                let names: Vec<Name> = names.iter().map(|name| self.resolved(name)).collect();
                self.now.granted.extend(names);
                self.now.granted_schemas.extend(schemas.iter().cloned());
            }
            What::Does { rule, to, detail } => self.does(at, *rule, to, detail),
        }
    }

    fn does(&mut self, at: &Range<usize>, rule: Rule, to: &[(Kind, Name)], detail: &str) {
        for (_, name) in to.iter().filter(|(kind, _)| *kind == Kind::Table) {
            self.uses_table(at, name);
        }
        let old: Vec<&Name> =
            to.iter().filter(|(kind, name)| !self.is_new(*kind, name)).map(|(_, name)| name).collect();
        if old.is_empty() && !to.is_empty() {
            return;
        }
        if rule == Rule::AddEnumValue {
            self.add(at, None);
            self.now.values.push(detail.to_owned());
        }
        let object = old.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ");
        // Of one that is renamed, what it was is the column.
        let column = if rule == Rule::RenameColumn { quoted(detail) } else { String::new() };
        self.say(at, rule, &Subject { object, column, detail: detail.to_owned() });
    }

    fn needs(&self, version: u8, words: &str) -> String {
        format!("{words} needs PostgreSQL {version}, and `pg-version` is {}", self.settings.postgres)
    }

    fn say(&mut self, at: &Range<usize>, rule: Rule, subject: &Subject) {
        let class = match (rule, rule.class()) {
            (Rule::Revoke | Rule::EnableRowSecurity, Class::Contract)
                if self.settings.same_role && !self.settings.strict =>
            {
                Class::Review
            }
            (Rule::Owner, _) if self.settings.same_role => Class::Contract,
            (Rule::RowSecurity, _) if self.settings.same_role && subject.detail.starts_with("FORCE") => Class::Contract,
            (_, Class::Review) if self.settings.strict => Class::Contract,
            (_, class) => class,
        };
        let (message, fix) = advice(rule, subject);
        let object = match (subject.object.as_str(), subject.column.as_str()) {
            (object, "") => object.to_owned(),
            (object, column) => format!("{object}.{column}"),
        };
        self.findings.push(Finding { script: self.now.script, at: at.clone(), rule, class, object, message, fix });
    }

    fn add(&mut self, at: &Range<usize>, column: Option<(Name, String)>) {
        self.adds.push(Addition { script: self.now.script, at: at.clone(), column });
    }
}
