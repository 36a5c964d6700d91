//! Rows that are read and written, and the functions that are called for them.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::names::{lowered, name, word_of};
use super::reader::Reader;
use crate::sql::act::{Fault, Kind};
use crate::sql::functions::is_harmless;
use crate::sql::name::Name;
use crate::sql::rule::Rule;

impl Reader<'_> {
    /// A statement with what is written in its `WITH`.
    pub(super) fn with(&mut self, with: Option<ast::WithClause>, itself: impl FnOnce(&mut Self)) {
        itself(self);
        if let Some(with) = with {
            self.reads(with.syntax());
        }
    }

    /// A statement that reads, and may write by what it has `WITH` it or what it calls.
    pub(super) fn reads(&mut self, node: &SyntaxNode) {
        let written: Vec<ast::WithQuery> = node
            .descendants()
            .filter_map(ast::WithTable::cast)
            .filter_map(|with| with.syntax().children().find_map(ast::WithQuery::cast))
            .collect();
        for query in written {
            match query {
                ast::WithQuery::Delete(it) => self.deletes(&it),
                ast::WithQuery::Insert(it) => self.inserts(&it),
                ast::WithQuery::Merge(it) => self.merges(&it),
                ast::WithQuery::Update(it) => self.updates(&it),
                ast::WithQuery::CompoundSelect(_)
                | ast::WithQuery::ParenSelect(_)
                | ast::WithQuery::Select(_)
                | ast::WithQuery::Table(_)
                | ast::WithQuery::Values(_) => {}
            }
        }
        self.calls(node, Rule::UnknownFunction);
    }

    pub(super) fn updates(&mut self, it: &ast::Update) {
        let rule = if it.where_clause_or_current_of().is_some() { Rule::Backfill } else { Rule::EveryRow };
        self.writes(it.syntax(), name(it.relation_name()), rule, "UPDATE");
    }

    pub(super) fn deletes(&mut self, it: &ast::Delete) {
        let rule = if it.where_clause_or_current_of().is_some() { Rule::Backfill } else { Rule::EveryRow };
        self.writes(it.syntax(), name(it.relation_name()), rule, "DELETE");
    }

    pub(super) fn merges(&mut self, it: &ast::Merge) {
        let deletes = it.syntax().descendants().any(|node| ast::MergeDelete::can_cast(node.kind()));
        let rule = if deletes { Rule::EveryRow } else { Rule::Backfill };
        self.writes(it.syntax(), name(it.table_relation_name()), rule, "MERGE");
    }

    pub(super) fn inserts(&mut self, it: &ast::Insert) {
        let table = name(it.relation_name_ref());
        let values = match it.insert_source() {
            Some(
                ast::InsertSource::SelectVariant(ast::SelectVariant::Values(_)) | ast::InsertSource::DefaultValues(_),
            ) => it.on_conflict_clause().is_none_or(|clause| lowered(clause.syntax()).ends_with("nothing")),
            _ => false,
        };
        if values && !in_catalog(&table) {
            // Rows that are only added are nothing that code cannot have met.
            return self.calls(it.syntax(), Rule::FunctionOverRows);
        }
        self.writes(it.syntax(), table, Rule::Backfill, "INSERT");
    }

    pub(super) fn copy(&mut self, it: &ast::Copy) {
        let words = lowered(it.syntax());
        if words.contains("program") {
            return self.does(it.syntax(), Rule::UnknownStatement, "COPY .. PROGRAM");
        }
        if words.contains(" from stdin") {
            let at = self.origin.place(it.syntax().text_range());
            let why =
                "COPY FROM STDIN: its rows are no SQL, and the tools that run migrations do not send them".to_owned();
            self.faults.push(Fault { at, why });
        } else if it.copy_table().is_some() && words.contains(" from ") {
            self.writes(it.syntax(), name(it.copy_table()), Rule::Backfill, "COPY");
        }
    }

    fn writes(&mut self, node: &SyntaxNode, table: Name, rule: Rule, verb: &str) {
        if in_catalog(&table) {
            return self.does(node, Rule::WriteCatalog, &table.to_string());
        }
        self.does_to(node, rule, Kind::Table, table, verb);
        self.calls(node, Rule::FunctionOverRows);
    }

    /// The functions that are called in a node which is carried out now.
    pub(super) fn calls(&mut self, node: &SyntaxNode, rule: Rule) {
        let calls: Vec<ast::CallExpr> = node.descendants().filter_map(ast::CallExpr::cast).collect();
        for call in calls {
            let Some(called) = call.expr() else { continue };
            let words: Vec<String> = match &called {
                ast::Expr::NameRef(_) => word_of(called.syntax()).into_iter().collect(),
                _ => called
                    .syntax()
                    .descendants()
                    .filter_map(ast::NameRef::cast)
                    .filter_map(|it| word_of(it.syntax()))
                    .collect(),
            };
            let Some(own) = words.last() else { continue };
            let schema = words.len().checked_sub(2).and_then(|at| words.get(at));
            if own == "set_config" {
                self.set_config(&call);
            }
            let known = is_harmless(own) && schema.is_none_or(|schema| schema == "pg_catalog");
            if !known && !words.is_empty() {
                let told = words.join(".");
                self.does(call.syntax(), rule, &format!("{told}()"));
            }
        }
    }
}

/// PostgreSQL's own tables.
fn in_catalog(table: &Name) -> bool {
    match table.schema.as_deref() {
        Some(schema) => schema == "pg_catalog",
        None => table.own.starts_with("pg_"),
    }
}
