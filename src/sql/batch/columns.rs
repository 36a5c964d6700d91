//! Columns that are added to tables that were there, and changed: also those that the batch has added itself.

use std::ops::Range;

use super::{Batch, NewColumn};
use crate::sql::act::{Column, ColumnChange, ColumnType, Default, Generated, Kind};
use crate::sql::advice::Subject;
use crate::sql::name::{Name, quoted, shown};
use crate::sql::rule::Rule;

impl Batch {
    pub(super) fn adds_column(&mut self, at: &Range<usize>, table: &Name, column: &Column, conditional: bool) {
        let mut subject = Subject { column: quoted(&column.name), ..Subject::of(table) };
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
                let detail = format!(", and {} is locked against writes with it", shown(&other));
                self.say(at, Rule::ConstraintLocks, &Subject { detail, ..subject.clone() });
            }
        }
        if !column.if_not_exists && !conditional {
            self.add(at, Some(key.clone()));
            let state = NewColumn { not_null: no_null, filled, script: self.now.script, at: at.clone(), is_said };
            self.columns.insert(key, state);
        }
    }

    pub(super) fn changes_column(
        &mut self,
        at: &Range<usize>,
        table: &Name,
        column: &str,
        change: &ColumnChange,
        widens: bool,
    ) {
        let key = (self.resolved(table), column.to_owned());
        let subject = Subject { column: quoted(column), ..Subject::of(table) };
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
            Rule::Noticed | Rule::UnknownStatement => "ALTER COLUMN",
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

    pub(super) fn changes_new_column(
        &mut self,
        at: &Range<usize>,
        key: (Name, String),
        change: &ColumnChange,
        subject: &Subject,
    ) {
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
            ColumnChange::AddIdentity { .. } => state.filled = true,
            ColumnChange::DropDefault | ColumnChange::Other(Rule::DropIdentity) => state.filled = false,
            ColumnChange::Type => self.say(at, Rule::Rewrite, subject),
            ColumnChange::Other(_) | ColumnChange::Unseen => {}
        }
    }
}
