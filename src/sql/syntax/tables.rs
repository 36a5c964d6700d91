//! What `ALTER TABLE` does, action by action, and what tables refer to. The match is total too.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstChildren, AstNode};

use super::columns::column_change;
use super::constraints::constraint;
use super::names::{lowered, name, named, word, word_of};
use super::reader::Reader;
use crate::sql::act::{ColumnChange, Kind, What};
use crate::sql::name::Name;
use crate::sql::rule::Rule;

impl Reader<'_> {
    pub(super) fn alter_table(&mut self, node: &SyntaxNode, kind: Kind, actions: AstChildren<ast::AlterTableAction>) {
        let Some(table) = named(node.children().find_map(ast::TableRelationName::cast)) else {
            // ALTER TABLE ALL IN TABLESPACE .. SET TABLESPACE.
            return self.does(node, Rule::Rewrite, "ALTER TABLE ALL IN TABLESPACE");
        };
        for action in actions {
            self.table_action(&table, kind, &action);
        }
    }

    fn table_action(&mut self, table: &Name, kind: Kind, action: &ast::AlterTableAction) {
        use ast::AlterTableAction as A;
        let node = action.syntax();
        let mut rule = |rule: Rule, detail: &str| self.does_to(node, rule, kind, table.clone(), detail);
        match action {
            A::AddColumn(it) => self.add_column(table, it),
            A::DropColumn(it) => self.column(node, table, word(it.column_name_ref()), ColumnChange::Drop),
            A::RenameColumn(it) => {
                let to = word(it.column_name());
                self.column(node, table, word(it.column_name_ref()), ColumnChange::Rename(to));
            }
            A::AlterColumn(it) => {
                let column = word(it.column_name_ref());
                let change =
                    it.option().map_or(ColumnChange::Other(Rule::UnknownStatement), |option| column_change(&option));
                self.column(node, table, column, change);
            }
            A::AddConstraint(it) => {
                if let Some(constraint) = it.constraint().and_then(|it| constraint(&it)) {
                    self.push(node, What::AddsConstraint { table: table.clone(), constraint });
                }
            }
            A::DropConstraint(it) => rule(Rule::DropConstraint, &word(it.constraint_name_ref())),
            A::RenameConstraint(_) => rule(Rule::RenameUnseen, "constraint"),
            A::ValidateConstraint(it) => {
                let constraint = word(it.constraint_name_ref());
                self.push(node, What::Validates { table: table.clone(), constraint });
            }
            A::AlterConstraint(_) => {
                let words = lowered(node);
                let enforces = words.contains("enforced") && !words.contains("not enforced");
                rule(if enforces { Rule::EnforceConstraint } else { Rule::Noticed }, "ALTER CONSTRAINT");
            }
            A::TableRenameTo(it) => {
                self.renames(node, kind, table, name(it.table_name()).own, Rule::RenameTable);
            }
            A::SetSchema(it) => self.sets_schema(node, kind, table, word(it.schema_ref())),
            A::AttachPartition(it) => {
                let part = name(it.table_name_ref());
                self.does_to(node, Rule::AttachPartition, kind, part, &table.to_string());
                self.push(node, What::Refers { table: table.clone() });
            }
            A::DetachPartition(it) => {
                if lowered(node).ends_with("concurrently") {
                    self.alone = Some("DETACH PARTITION CONCURRENTLY");
                }
                let part = name(it.table_name_ref());
                self.does_to(node, Rule::DetachPartition, kind, table.clone(), &part.to_string());
            }
            A::NoInheritTable(_) => rule(Rule::NoInherit, ""),
            A::InheritTable(_) => rule(Rule::Noticed, "INHERIT"),
            A::EnableRls(_) => rule(Rule::EnableRowSecurity, ""),
            A::DisableRls(_) => rule(Rule::RowSecurity, "DISABLE ROW LEVEL SECURITY"),
            A::ForceRls(_) => rule(Rule::RowSecurity, "FORCE ROW LEVEL SECURITY"),
            A::NoForceRls(_) => rule(Rule::RowSecurity, "NO FORCE ROW LEVEL SECURITY"),
            A::OwnerTo(_) => rule(Rule::Owner, "table"),
            A::DisableTrigger(_) => rule(Rule::Trigger, "DISABLE TRIGGER"),
            A::EnableTrigger(_) | A::EnableAlwaysTrigger(_) | A::EnableReplicaTrigger(_) => {
                rule(Rule::Trigger, "ENABLE TRIGGER");
            }
            A::DisableRule(_) | A::EnableRule(_) | A::EnableAlwaysRule(_) | A::EnableReplicaRule(_) => {
                rule(Rule::Noticed, "ENABLE or DISABLE RULE");
            }
            A::SetUnlogged(_) => {
                rule(Rule::Noticed, "SET UNLOGGED: its rows are gone after a crash");
                rule(Rule::Rewrite, "SET UNLOGGED");
            }
            A::SetLogged(_) => rule(Rule::Rewrite, "SET LOGGED"),
            A::SetTablespace(_) => rule(Rule::Rewrite, "SET TABLESPACE"),
            A::SetAccessMethod(_) => rule(Rule::Rewrite, "SET ACCESS METHOD"),
            A::MergePartitions(_) => rule(Rule::Rewrite, "MERGE PARTITIONS"),
            A::SplitPartition(_) => rule(Rule::Rewrite, "SPLIT PARTITION"),
            A::ReplicaIdentity(_) if lowered(node).ends_with("nothing") => {
                rule(Rule::Replication, "REPLICA IDENTITY NOTHING");
            }
            A::OfType(_) | A::NotOf(_) => rule(Rule::Noticed, "OF"),
            A::AlterOptionList(_) | A::OptionItemList(_) => rule(Rule::Noticed, "OPTIONS"),
            A::ClusterOn(_)
            | A::ReplicaIdentity(_)
            | A::ResetOptions(_)
            | A::SetOptions(_)
            | A::SetWithoutCluster(_)
            | A::SetWithoutOids(_) => {}
        }
    }

    fn column(&mut self, node: &SyntaxNode, table: &Name, column: String, change: ColumnChange) {
        self.push(node, What::ChangesColumn { table: table.clone(), column, change });
    }

    /// The tables that a new one refers to, or becomes a part of.
    pub(super) fn references(&mut self, node: &SyntaxNode) {
        let refers = |node: &SyntaxNode| {
            ast::ForeignKeyConstraint::can_cast(node.kind())
                || ast::ReferencesConstraint::can_cast(node.kind())
                || ast::PartitionOf::can_cast(node.kind())
                || ast::Inherits::can_cast(node.kind())
        };
        let found: Vec<SyntaxNode> = node.descendants().filter(refers).collect();
        for node in found {
            if let Some(table) = named(node.children().find_map(ast::TableNameRef::cast)) {
                self.push(&node, What::Refers { table });
            }
        }
    }

    pub(super) fn create_index(&mut self, it: &ast::CreateIndex) {
        let concurrently = it.concurrently_token().is_some();
        if concurrently {
            self.alone = Some("CREATE INDEX CONCURRENTLY");
        }
        let what = What::CreatesIndex {
            index: it.index().and_then(|it| word_of(it.syntax())),
            table: name(it.table_relation_name()),
            unique: it.unique_token().is_some(),
            concurrently,
            new: it.if_not_exists().is_none() && !self.conditional,
        };
        self.push(it.syntax(), what);
    }
}
