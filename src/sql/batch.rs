//! Judges scripts one after the other, as a batch that is applied at once: what was made in it is new, and nobody uses it yet.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::act::{
    Asks, Column, ColumnChange, ColumnType, Constraint, Default, Generated, Kind, Script, Statement, What,
};
use super::advice::{Subject, advice};
use super::name::{Name, quoted};
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
    /// Where names without a schema are looked up; `None` where nobody can tell.
    path: Option<Vec<String>>,
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
    path_before: Option<Option<Vec<String>>>,
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
        let usual = Some(vec!["public".to_owned()]);
        Self {
            settings,
            findings: Vec::new(),
            uses: Vec::new(),
            new: BTreeMap::new(),
            columns: BTreeMap::new(),
            adds: Vec::new(),
            gone: BTreeSet::new(),
            path: usual,
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
                let subject = Subject { object: shown(&table), column: quoted(&column), detail: String::new() };
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
        let temporary = |name: &Name| name.schema.as_deref() == Some(TEMPORARY);
        self.new.retain(|(_, name), _| !temporary(name));
        if let Some(before) = self.now.path_before.take() {
            self.path = before;
        }
        if self.now.path_is_set {
            // Whether the next script runs in the same session is not known, so what it means by its names is not either.
            self.path = None;
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
            What::End => {
                if let Some(before) = self.now.path_before.take() {
                    self.path = before;
                }
            }
            What::SearchPath { schemas, local } => self.search_path(at, schemas.as_ref(), *local, conditional),
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
                    self.say(at, Rule::ValidatedAtOnce, &about(&self.told(table)));
                }
            }
            What::Renames { kind, from, to, rule } => self.renames(at, *kind, from, to, *rule),
            What::Drops { kind, name, rule } => {
                if *kind == Kind::Table {
                    self.uses_table(at, name);
                }
                if self.is_new(*kind, name) {
                    let key = (kind.space(), self.resolved(name));
                    if !conditional {
                        self.new.remove(&key);
                    }
                } else {
                    self.gone.insert((kind.space(), self.resolved(name)));
                    let detail = if *kind == Kind::Index { "an index" } else { kind.word() };
                    let subject = Subject { object: self.told(name), detail: detail.to_owned(), column: String::new() };
                    self.say(at, *rule, &subject);
                }
            }
            What::CreatesIndex { index, table, unique, concurrently, new } => {
                self.uses_table(at, table);
                let is_old = !self.is_new(Kind::Table, table);
                if is_old && *unique {
                    self.say(at, Rule::AddUnique, &about(&self.told(table)));
                }
                if is_old && !*unique {
                    self.add(at, None);
                }
                if is_old && !*concurrently {
                    self.say(at, Rule::IndexLocks, &about(&self.told(table)));
                }
                if let Some(index) = index.clone().filter(|_| *new && !conditional) {
                    let name = Name { schema: self.resolved(table).schema, own: index };
                    self.new.insert((Kind::Index.space(), name), Kind::Index);
                }
            }
            What::Refers { table } => {
                self.uses_table(at, table);
                if !self.is_new(Kind::Table, table) {
                    self.say(at, Rule::ReferenceLocks, &about(&self.told(table)));
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
        let object = old.iter().map(|name| self.told(name)).collect::<Vec<_>>().join(", ");
        // Of one that is renamed, what it was is the column.
        let column = if rule == Rule::RenameColumn { quoted(detail) } else { String::new() };
        self.say(at, rule, &Subject { object, column, detail: detail.to_owned() });
    }

    fn search_path(&mut self, at: &Range<usize>, schemas: Option<&Vec<String>>, local: bool, conditional: bool) {
        let schemas = schemas
            .filter(|_| !conditional)
            .map(|schemas| schemas.iter().filter(|schema| *schema != "$user").cloned().collect::<Vec<_>>());
        if local && self.now.path_before.is_none() {
            self.now.path_before = Some(self.path.clone());
        }
        let is_usual = schemas.as_ref().is_some_and(|schemas| schemas.iter().map(String::as_str).eq(["public"]));
        if !local {
            self.now.path_is_set = !is_usual;
            self.now.path_before = None;
            if !is_usual {
                let detail = "the search_path".to_owned();
                self.say(at, Rule::SessionSetting, &Subject { detail, ..Subject::default() });
            }
        }
        self.path = schemas;
    }

    fn creates(&mut self, at: &Range<usize>, kind: Kind, name: &Name, new: bool, temporary: bool) {
        if kind == Kind::Table && !temporary {
            self.uses_table(at, name);
        }
        let unusual = self.path.as_ref().is_none_or(|path| path.first().is_none_or(|first| first != "public"));
        let is_relation = matches!(kind, Kind::Table | Kind::View | Kind::MaterializedView);
        if is_relation && name.schema.is_none() && unusual && !temporary {
            self.say(at, Rule::Shadows, &about(&name.to_string()));
        }
        let name = if temporary { Name::within(TEMPORARY, name.own.clone()) } else { self.resolved(name) };
        let key = (kind.space(), name);
        if new && !temporary && kind != Kind::Function && !self.gone.contains(&key) {
            self.add(at, None);
        }
        if new && key.1.schema.as_deref() != Some(UNKNOWN) {
            self.new.insert(key, kind);
        }
    }

    fn renames(&mut self, at: &Range<usize>, kind: Kind, from: &Name, to: &Name, rule: Rule) {
        if kind == Kind::Table {
            self.uses_table(at, from);
        }
        let (old, new) = ((kind.space(), self.resolved(from)), (kind.space(), self.resolved(to)));
        if self.is_new(kind, from) {
            if let Some(kind) = self.new.remove(&old) {
                self.new.insert(new, kind);
            }
            return;
        }
        self.new.remove(&new);
        self.gone.insert(old);
        let subject = Subject { object: self.told(from), detail: kind.word().to_owned(), column: String::new() };
        self.say(at, rule, &subject);
    }

    fn adds_column(&mut self, at: &Range<usize>, table: &Name, column: &Column, conditional: bool) {
        let mut subject = Subject { object: self.told(table), column: quoted(&column.name), detail: String::new() };
        let key = (self.resolved(table), column.name.clone());
        let mut filled = column.default != Default::None;
        let mut is_said = false;
        let no_null = column.not_null || column.primary_key;
        match column.generated {
            Some(Generated::Virtual | Generated::ByVersion) if self.settings.postgres < 18 => {
                subject.detail = self.needs(18, "a virtual generated column");
                self.say(at, Rule::NewerPostgres, &subject);
            }
            Some(Generated::Identity | Generated::Stored) => self.say(at, Rule::Rewrite, &subject),
            Some(Generated::Virtual | Generated::ByVersion) | None => {}
        }
        if let Some(Generated::Virtual | Generated::ByVersion | Generated::Stored) = column.generated {
            if no_null {
                self.say(at, Rule::GeneratedNotNull, &subject);
            }
            filled = true;
        }
        filled |= column.generated == Some(Generated::Identity);
        match &column.ty {
            ColumnType::Serial => {
                filled = true;
                self.say(at, Rule::Rewrite, &subject);
                if !self.settings.same_role {
                    let own = format!("{}_{}_seq", table.own, column.name);
                    let sequence = Name { schema: self.resolved(table).schema, own };
                    self.now.serial.push((sequence, at.clone(), subject.clone()));
                }
            }
            ColumnType::Own(name) if !self.is_new(Kind::Type, name) || self.is_new_domain(name) => {
                subject.detail = name.to_string();
                self.say(at, Rule::MayRewrite, &subject);
                if no_null && !filled {
                    self.say(at, Rule::UnknownDomain, &subject);
                    is_said = true;
                }
            }
            ColumnType::Own(_) | ColumnType::Plain => {}
        }
        if no_null && !filled && !is_said {
            self.say(at, Rule::RequiredColumn, &subject);
            is_said = true;
        }
        if column.default == Default::PerRow {
            self.say(at, Rule::Rewrite, &subject);
        }
        if column.check_fails {
            self.say(at, Rule::CheckOfNewColumn, &subject);
        }
        if column.unique || column.primary_key {
            if column.default == Default::Same {
                self.say(at, Rule::AddUnique, &subject);
            }
            self.say(at, Rule::IndexLocks, &subject);
        }
        if let Some(other) = column.references.clone() {
            self.uses_table(at, &other);
            if !self.is_new(Kind::Table, &other) {
                let detail = format!(", and {} is locked against writes with it", self.told(&other));
                self.say(at, Rule::ConstraintLocks, &Subject { detail, ..subject.clone() });
            }
        }
        if !column.if_not_exists && !conditional {
            self.add(at, Some(key.clone()));
            let state = NewColumn { not_null: no_null, filled, script: self.now.script, at: at.clone(), is_said };
            self.columns.insert(key, state);
        }
    }

    fn changes_column(&mut self, at: &Range<usize>, table: &Name, column: &str, change: &ColumnChange, widens: bool) {
        let key = (self.resolved(table), column.to_owned());
        let subject = Subject { object: self.told(table), column: quoted(column), detail: String::new() };
        if self.columns.contains_key(&key) {
            return self.changes_new_column(at, key, change, &subject);
        }
        let rule = match change {
            ColumnChange::Drop => Rule::DropColumn,
            ColumnChange::Rename(_) => Rule::RenameColumn,
            ColumnChange::Type if widens => Rule::WidenedType,
            ColumnChange::Type => Rule::ChangeType,
            ColumnChange::SetNotNull => Rule::SetNotNull,
            ColumnChange::DropNotNull => Rule::DropNotNull,
            ColumnChange::SetDefault(true) => Rule::SetDefault,
            ColumnChange::SetDefault(false) | ColumnChange::DropDefault => Rule::DropDefault,
            ColumnChange::AddIdentity { always: true } => Rule::GeneratedAlways,
            ColumnChange::AddIdentity { always: false } => Rule::ChangeSequence,
            ColumnChange::Other(rule) => *rule,
            ColumnChange::Unseen => return,
        };
        let detail = match rule {
            Rule::ChangeSequence => "it is filled by a sequence that is changed",
            Rule::Noticed => "ALTER COLUMN",
            Rule::UnknownStatement => "ALTER COLUMN",
            _ => "",
        };
        if matches!(change, ColumnChange::SetDefault(true) | ColumnChange::AddIdentity { .. }) {
            self.has_default_again(&key);
        }
        self.say(at, rule, &Subject { detail: detail.to_owned(), ..subject });
        if rule == Rule::DropDefault {
            self.now.without_default.push((key.0, key.1, self.findings.len() - 1));
        }
    }

    /// A default that was dropped in the same script is there again: nobody has met it without one.
    fn has_default_again(&mut self, key: &(Name, String)) {
        let lost = |one: &(Name, String, usize)| one.0 == key.0 && one.1 == key.1;
        if let Some(at) = self.now.without_default.iter().position(lost) {
            let (.., number) = self.now.without_default.remove(at);
            self.findings.remove(number);
            for (.., later) in self.now.without_default.iter_mut().filter(|(.., later)| *later > number) {
                *later -= 1;
            }
        }
    }

    fn changes_new_column(&mut self, at: &Range<usize>, key: (Name, String), change: &ColumnChange, subject: &Subject) {
        let script = self.now.script;
        let Some(state) = self.columns.get_mut(&key) else { return };
        match change {
            ColumnChange::Drop => {
                self.columns.remove(&key);
                self.adds.retain(|one| one.column.as_ref() != Some(&key));
            }
            ColumnChange::Rename(to) => {
                if let Some(state) = self.columns.remove(&key) {
                    self.columns.insert((key.0, to.clone()), state);
                }
            }
            ColumnChange::SetNotNull => {
                *state = NewColumn { not_null: true, script, at: at.clone(), ..state.clone() };
                self.say(at, Rule::ConstraintLocks, subject);
            }
            ColumnChange::DropNotNull => state.not_null = false,
            ColumnChange::SetDefault(value) => state.filled = *value,
            ColumnChange::DropDefault => state.filled = false,
            ColumnChange::AddIdentity { .. } => state.filled = true,
            ColumnChange::Other(Rule::DropIdentity) => state.filled = false,
            ColumnChange::Type => self.say(at, Rule::Rewrite, subject),
            ColumnChange::Other(_) | ColumnChange::Unseen => {}
        }
    }

    fn adds_constraint(&mut self, at: &Range<usize>, table: &Name, constraint: &Constraint) {
        let subject = about(&self.told(table));
        let other = constraint.references.clone();
        if let Some(other) = &other {
            self.uses_table(at, other);
        }
        let newer = |of: &Self, words: &str| (of.settings.postgres < 18).then(|| of.needs(18, words));
        let too_new = if constraint.not_enforced {
            newer(self, "NOT ENFORCED")
        } else if constraint.asks == Asks::NotNull {
            newer(self, "ADD CONSTRAINT .. NOT NULL")
        } else {
            None
        };
        if let Some(detail) = too_new {
            return self.say(at, Rule::NewerPostgres, &Subject { detail, ..subject });
        }
        let refers_to_old = other.as_ref().is_some_and(|other| !self.is_new(Kind::Table, other));
        if self.is_new(Kind::Table, table) {
            if let Some(other) = other.filter(|_| refers_to_old) {
                self.say(at, Rule::ReferenceLocks, &about(&self.told(&other)));
            }
            return;
        }
        if constraint.not_enforced {
            return;
        }
        if let Some(name) = constraint.name.clone().filter(|_| constraint.not_valid) {
            self.now.not_valid.push((self.resolved(table), name));
        }
        let resolved = self.resolved(table);
        let key = |column: &String| (resolved.clone(), column.clone());
        let all_new = !constraint.columns.is_empty()
            && constraint.columns.iter().all(|column| self.columns.contains_key(&key(column)));
        let none_filled =
            constraint.columns.iter().all(|column| self.columns.get(&key(column)).is_some_and(|state| !state.filled));
        let rule = match constraint.asks {
            Asks::Check if all_new && constraint.null_passes => None,
            Asks::Check => Some(Rule::AddCheck),
            Asks::ForeignKey if all_new && constraint.null_passes => None,
            Asks::ForeignKey => Some(Rule::AddForeignKey),
            Asks::Unique if constraint.using_index => None,
            Asks::Unique if all_new && none_filled && constraint.null_passes => None,
            Asks::Unique => Some(Rule::AddUnique),
            Asks::PrimaryKey => Some(Rule::AddPrimaryKey),
            Asks::Exclusion => Some(Rule::AddExclusion),
            Asks::NotNull if all_new => {
                for column in &constraint.columns {
                    self.changes_new_column(at, key(column), &ColumnChange::SetNotNull, &subject);
                }
                return;
            }
            Asks::NotNull => Some(Rule::SetNotNull),
        };
        if let Some(rule) = rule {
            let column = constraint.columns.first().map_or_else(String::new, |column| quoted(column));
            self.say(at, rule, &Subject { column, ..subject.clone() });
        }
        match constraint.asks {
            Asks::Unique | Asks::PrimaryKey if !constraint.using_index => self.say(at, Rule::IndexLocks, &subject),
            Asks::Exclusion => self.say(at, Rule::IndexLocks, &subject),
            Asks::Check | Asks::ForeignKey if !constraint.not_valid => {
                let detail = other.filter(|_| refers_to_old).map_or_else(String::new, |other| {
                    format!(", and {} is locked against writes with it", self.told(&other))
                });
                self.say(at, Rule::ConstraintLocks, &Subject { detail, ..subject });
            }
            _ => {}
        }
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

    fn uses_table(&mut self, at: &Range<usize>, table: &Name) {
        let table = self.resolved(table);
        let is_temporary = self.new.contains_key(&(Kind::Table.space(), Name::within(TEMPORARY, table.own.clone())));
        if !is_temporary && !table.own.is_empty() {
            self.uses.push(Use { table, script: self.now.script, start: at.start });
        }
    }

    /// A name with its schema.
    fn resolved(&self, name: &Name) -> Name {
        if name.schema.is_some() {
            return name.clone();
        }
        let first = self.path.as_ref().and_then(|path| path.first());
        Name::within(first.map_or(UNKNOWN, String::as_str), name.own.clone())
    }

    fn is_new(&self, kind: Kind, name: &Name) -> bool {
        let temporary = Name::within(TEMPORARY, name.own.clone());
        let is_temporary = name.schema.is_none() && self.new.contains_key(&(kind.space(), temporary));
        let name = if kind == Kind::Schema { name.clone() } else { self.resolved(name) };
        // A schema is not in a schema.
        let name = if kind == Kind::Schema { Name::within("public", name.own) } else { name };
        is_temporary || self.new.contains_key(&(kind.space(), name))
    }

    fn is_new_domain(&self, name: &Name) -> bool {
        self.new.get(&(Kind::Domain.space(), self.resolved(name))) == Some(&Kind::Domain)
    }

    /// A name as people wrote it, without the schema that everybody has.
    fn told(&self, name: &Name) -> String {
        shown(name)
    }
}

/// The schema of what is gone with the session.
const TEMPORARY: &str = "pg_temp";

/// The schema of a name where the search path cannot be told. No name can be this.
const UNKNOWN: &str = "\0";

fn about(object: &str) -> Subject {
    Subject { object: object.to_owned(), ..Subject::default() }
}

/// A name without the schema that everybody has.
fn shown(name: &Name) -> String {
    match name.schema.as_deref() {
        Some("public" | UNKNOWN) => quoted(&name.own),
        _ => name.to_string(),
    }
}
