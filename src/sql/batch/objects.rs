//! Objects that are made, renamed and dropped, and which of them a name means.

use std::ops::Range;

use super::{Batch, Use};
use crate::sql::act::Kind;
use crate::sql::advice::Subject;
use crate::sql::name::{Name, TEMPORARY, UNKNOWN};
use crate::sql::rule::Rule;

impl Batch {
    pub(super) fn search_path(
        &mut self,
        at: &Range<usize>,
        schemas: Option<&[String]>,
        local: bool,
        conditional: bool,
    ) {
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
        self.path = schemas.and_then(|schemas| schemas.into_iter().next()).unwrap_or_else(|| UNKNOWN.to_owned());
    }

    /// What was set only for the transaction is as it was.
    pub(super) fn end_of_transaction(&mut self) {
        if let Some(before) = self.now.path_before.take() {
            self.path = before;
        }
    }

    pub(super) fn creates(&mut self, at: &Range<usize>, kind: Kind, name: &Name, new: bool, temporary: bool) {
        if kind == Kind::Table && !temporary {
            self.uses_table(at, name);
        }
        let is_relation = matches!(kind, Kind::Table | Kind::View | Kind::MaterializedView);
        if is_relation && name.schema.is_none() && self.path != "public" && !temporary {
            self.say(at, Rule::Shadows, &Subject::of(name));
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

    pub(super) fn renames(&mut self, at: &Range<usize>, kind: Kind, from: &Name, to: &Name, rule: Rule) {
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
        self.say(at, rule, &Subject { detail: kind.word().to_owned(), ..Subject::of(from) });
    }

    pub(super) fn drops(&mut self, at: &Range<usize>, kind: Kind, name: &Name, rule: Rule, conditional: bool) {
        if kind == Kind::Table {
            self.uses_table(at, name);
        }
        let key = (kind.space(), self.resolved(name));
        if self.is_new(kind, name) {
            if !conditional {
                self.new.remove(&key);
            }
        } else {
            self.gone.insert(key);
            let detail = if kind == Kind::Index { "an index" } else { kind.word() };
            self.say(at, rule, &Subject { detail: detail.to_owned(), ..Subject::of(name) });
        }
    }

    pub(super) fn uses_table(&mut self, at: &Range<usize>, table: &Name) {
        let table = self.resolved(table);
        let is_temporary = self.new.contains_key(&(Kind::Table.space(), Name::within(TEMPORARY, table.own.clone())));
        if !is_temporary && !table.own.is_empty() {
            self.uses.push(Use { table, script: self.now.script, start: at.start });
        }
    }

    /// A name with its schema.
    pub(super) fn resolved(&self, name: &Name) -> Name {
        if name.schema.is_some() {
            return name.clone();
        }
        Name::within(self.path.clone(), name.own.clone())
    }

    pub(super) fn is_new(&self, kind: Kind, name: &Name) -> bool {
        let temporary = Name::within(TEMPORARY, name.own.clone());
        let is_temporary = name.schema.is_none() && self.new.contains_key(&(kind.space(), temporary));
        // A schema is not in a schema.
        let name = if kind == Kind::Schema { Name::within("public", name.own.clone()) } else { self.resolved(name) };
        is_temporary || self.new.contains_key(&(kind.space(), name))
    }

    pub(super) fn is_new_domain(&self, name: &Name) -> bool {
        self.new.get(&(Kind::Domain.space(), self.resolved(name))) == Some(&Kind::Domain)
    }
}
