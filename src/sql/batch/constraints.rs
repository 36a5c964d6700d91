//! Constraints that are added to tables.

use std::ops::Range;

use super::Batch;
use crate::sql::act::{Asks, ColumnChange, Constraint, Kind};
use crate::sql::advice::Subject;
use crate::sql::name::{Name, quoted, shown};
use crate::sql::rule::Rule;

impl Batch {
    pub(super) fn adds_constraint(&mut self, at: &Range<usize>, table: &Name, constraint: &Constraint) {
        let subject = Subject::of(table);
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
                self.say(at, Rule::ReferenceLocks, &Subject::of(&other));
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
            Asks::Check | Asks::ForeignKey if all_new && constraint.null_passes => None,
            Asks::Check => Some(Rule::AddCheck),
            Asks::ForeignKey => Some(Rule::AddForeignKey),
            Asks::Unique if constraint.using_index || (all_new && none_filled && constraint.null_passes) => None,
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
                    format!(", and {} is locked against writes with it", shown(&other))
                });
                self.say(at, Rule::ConstraintLocks, &Subject { detail, ..subject });
            }
            _ => {}
        }
    }
}
