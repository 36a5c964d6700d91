//! What each kind of statement does. The match is total, so that a statement of a new parser has to be thought of before it compiles.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::names::{function, has, has_child, lowered, name, name_of, names_in, word, word_of};
use super::reader::Reader;
use crate::sql::act::{Fault, Kind, Statement, What};
use crate::sql::functions::is_harmless;
use crate::sql::name::Name;
use crate::sql::rule::Rule;

impl Reader<'_> {
    /// A statement of the file.
    pub(super) fn statement(&mut self, stmt: &ast::Stmt) -> Statement {
        self.alone = None;
        self.stmt(stmt);
        let node = stmt.syntax();
        let texts = node.descendants().filter_map(ast::Literal::cast).filter_map(|literal| literal.string_value());
        Statement {
            at: self.origin.place(node.text_range()),
            acts: std::mem::take(&mut self.acts),
            alone: self.alone.take(),
            texts: texts.collect(),
        }
    }

    fn creates(&mut self, node: &SyntaxNode, kind: Kind, name: Option<Name>) {
        let Some(name) = name else { return };
        let new = !self.conditional && !has_child::<ast::IfNotExists>(node) && !has_child::<ast::OrReplace>(node);
        let temporary = has_child::<ast::Temp>(node);
        self.push(node, What::Creates { kind, name, new, temporary });
    }

    /// Makes an object, or replaces one.
    fn creates_or(&mut self, node: &SyntaxNode, kind: Kind, name: Option<Name>, replaces: Rule) {
        if let Some(name) = name.clone().filter(|_| has_child::<ast::OrReplace>(node)) {
            self.does_to(node, replaces, kind, name, kind.word());
        }
        self.creates(node, kind, name);
    }

    /// Makes something that only some code notices.
    fn creates_noticed(&mut self, node: &SyntaxNode, words: &str) {
        self.does(node, Rule::Noticed, words);
    }

    fn drops(&mut self, node: &SyntaxNode, kind: Kind, rule: Rule) {
        let names = names_in(node);
        for name in names {
            self.push(node, What::Drops { kind, name, rule });
        }
    }

    fn drops_functions(&mut self, node: &SyntaxNode) {
        let signatures: Vec<SyntaxNode> = node.descendants().filter(signature).collect();
        for signature in signatures {
            let Some(name) = function(&signature).or_else(|| name_of(&signature)) else { continue };
            self.push(node, What::Drops { kind: Kind::Function, name, rule: Rule::DropObject });
        }
    }

    /// An object that is changed: another name, schema or owner have rules of their own, all else has this one.
    fn alters(&mut self, node: &SyntaxNode, kind: Kind, else_rule: Option<Rule>) {
        let named = if kind == Kind::Function { function(node).or_else(|| name_of(node)) } else { name_of(node) };
        let Some(own) = named.or_else(|| word_of(node).map(Name::bare)) else { return };
        for action in node.children() {
            let words = lowered(&action);
            let to = || action.children().last().and_then(|child| name_of(&child)).unwrap_or_else(|| Name::bare(""));
            if words.starts_with("rename to") {
                let rule = match kind {
                    Kind::Table => Rule::RenameTable,
                    Kind::Index | Kind::Other(_) => Rule::RenameUnseen,
                    _ => Rule::RenameObject,
                };
                let to = Name { schema: own.schema.clone(), own: to().own };
                self.push(&action, What::Renames { kind, from: own.clone(), to, rule });
            } else if words.starts_with("rename constraint") {
                self.does_to(&action, Rule::RenameUnseen, kind, own.clone(), "constraint");
            } else if words.starts_with("set schema") {
                let to = Name { schema: Some(to().own), own: own.own.clone() };
                self.push(&action, What::Renames { kind, from: own.clone(), to, rule: Rule::SetSchema });
            } else if words.starts_with("owner to") {
                self.does_to(&action, Rule::Owner, kind, own.clone(), kind.word());
            } else if let Some(rule) = else_rule
                && is_action(&action)
            {
                self.does_to(&action, rule, kind, own.clone(), &told(kind, &words));
            }
        }
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

    fn set_config(&mut self, call: &ast::CallExpr) {
        let arguments: Vec<ast::Literal> = call.syntax().descendants().filter_map(ast::Literal::cast).collect();
        let texts: Vec<Option<String>> = arguments.iter().map(ast::Literal::string_value).collect();
        let about = texts.first().cloned().flatten();
        if about.as_deref().is_none_or(|about| about.eq_ignore_ascii_case("search_path")) {
            let local = lowered(call.syntax()).ends_with("true )");
            let listed = texts.get(1).cloned().flatten();
            let schemas =
                listed.map(|listed| listed.split(',').map(|one| one.trim().trim_matches('"').to_owned()).collect());
            self.push(call.syntax(), What::SearchPath { schemas, local });
        }
    }

    /// A statement that reads, and may write by what it has `WITH` it or what it calls.
    fn reads(&mut self, node: &SyntaxNode) {
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

    fn updates(&mut self, it: &ast::Update) {
        let rule = if it.where_clause_or_current_of().is_some() { Rule::Backfill } else { Rule::EveryRow };
        self.writes(it.syntax(), name(it.relation_name()), rule, "UPDATE");
    }

    fn deletes(&mut self, it: &ast::Delete) {
        let rule = if it.where_clause_or_current_of().is_some() { Rule::Backfill } else { Rule::EveryRow };
        self.writes(it.syntax(), name(it.relation_name()), rule, "DELETE");
    }

    fn merges(&mut self, it: &ast::Merge) {
        let deletes = it.syntax().descendants().any(|node| ast::MergeDelete::can_cast(node.kind()));
        let rule = if deletes { Rule::EveryRow } else { Rule::Backfill };
        self.writes(it.syntax(), name(it.table_relation_name()), rule, "MERGE");
    }

    fn inserts(&mut self, it: &ast::Insert) {
        let table = name(it.relation_name_ref());
        let values = match it.insert_source() {
            Some(
                ast::InsertSource::SelectVariant(ast::SelectVariant::Values(_)) | ast::InsertSource::DefaultValues(_),
            ) => it.on_conflict_clause().is_none_or(|clause| lowered(clause.syntax()).ends_with("nothing")),
            _ => false,
        };
        if values && !in_catalog(&table) {
            self.push(it.syntax(), What::Does { rule: Rule::Backfill, to: Vec::new(), detail: String::new() });
            // Rows that are only added are nothing that code cannot have met.
            self.acts.pop();
            return self.calls(it.syntax(), Rule::FunctionOverRows);
        }
        self.writes(it.syntax(), table, Rule::Backfill, "INSERT");
    }

    fn writes(&mut self, node: &SyntaxNode, table: Name, rule: Rule, verb: &str) {
        if in_catalog(&table) {
            return self.does(node, Rule::WriteCatalog, &table.to_string());
        }
        self.does_to(node, rule, Kind::Table, table, verb);
        self.calls(node, Rule::FunctionOverRows);
    }

    pub(super) fn stmt(&mut self, stmt: &ast::Stmt) {
        self.stmt_itself(stmt);
        let from = stmt.syntax().descendants().filter_map(ast::RelationFromItem::cast);
        let tables: Vec<Name> = from.filter_map(|it| name_of(it.relation_name_ref()?.syntax())).collect();
        if !tables.is_empty() {
            self.push(stmt.syntax(), What::Uses { tables });
        }
    }

    fn stmt_itself(&mut self, stmt: &ast::Stmt) {
        use ast::Stmt as S;
        match stmt {
            // Tables and what is on them.
            S::AlterTable(it) => self.alter_table(it.syntax(), Kind::Table, it.actions()),
            S::AlterForeignTable(it) => self.alter_table(it.syntax(), Kind::Table, it.actions()),
            S::CreateTable(it) => {
                self.create_table(it.syntax(), it.table_name().as_ref().and_then(|it| name_of(it.syntax())));
            }
            S::CreateForeignTable(it) => {
                self.create_table(it.syntax(), it.table_name().and_then(|it| name_of(it.syntax())));
            }
            S::CreateTableAs(it) => {
                self.creates(it.syntax(), Kind::Table, it.table_name().and_then(|it| name_of(it.syntax())));
                self.reads(it.syntax());
            }
            S::SelectInto(it) => {
                if let Some(into) = it.into_clause() {
                    self.creates(into.syntax(), Kind::Table, into.table_name().and_then(|it| name_of(it.syntax())));
                }
                self.reads(it.syntax());
            }
            S::DropTable(it) => self.drops(it.syntax(), Kind::Table, Rule::DropTable),
            S::DropForeignTable(it) => self.drops(it.syntax(), Kind::Table, Rule::DropTable),
            S::Truncate(it) => {
                for table in names_in(it.syntax()) {
                    self.does_to(it.syntax(), Rule::Truncate, Kind::Table, table, "TRUNCATE");
                }
            }
            S::CreateIndex(it) => self.create_index(it),
            S::AlterIndex(it) => self.alters(it.syntax(), Kind::Index, None),
            S::DropIndex(it) => {
                let concurrently = it.concurrently_token().is_some();
                if concurrently {
                    self.alone = Some("DROP INDEX CONCURRENTLY");
                }
                self.drops(it.syntax(), Kind::Index, Rule::DropConstraint);
                for index in names_in(it.syntax()).into_iter().filter(|_| !concurrently) {
                    self.does_to(it.syntax(), Rule::IndexChangeLocks, Kind::Index, index, "DROP INDEX");
                }
            }
            S::Reindex(it) => {
                if it.is_concurrently() {
                    self.alone = Some("REINDEX CONCURRENTLY");
                } else {
                    self.does(it.syntax(), Rule::IndexChangeLocks, "REINDEX");
                }
            }
            S::CreateTrigger(it) => self.on_table(it.syntax(), it.on_relation(), Rule::Trigger, "CREATE TRIGGER"),
            S::DropTrigger(it) => self.on_table(it.syntax(), it.on_relation(), Rule::Trigger, "DROP TRIGGER"),
            S::AlterTrigger(it) => self.alters(it.syntax(), Kind::Other("trigger"), None),
            S::CreatePolicy(it) => self.on_table(it.syntax(), it.on_table(), Rule::Policy, "CREATE POLICY"),
            S::AlterPolicy(it) => self.on_table(it.syntax(), it.on_table(), Rule::Policy, "ALTER POLICY"),
            S::DropPolicy(it) => self.on_table(it.syntax(), Some(it.clone()), Rule::Policy, "DROP POLICY"),
            S::CreateRule(it) => self.on_table(it.syntax(), it.rule_on(), Rule::CreateRule, "CREATE RULE"),
            S::AlterRule(it) => self.alters(it.syntax(), Kind::Other("rule"), None),
            S::DropRule(it) => self.does(it.syntax(), Rule::Noticed, "DROP RULE"),
            S::CreateStatistics(it) => self.creates(it.syntax(), Kind::Other("statistics"), name_of(it.syntax())),
            S::AlterStatistics(it) => self.alters(it.syntax(), Kind::Other("statistics"), None),
            S::DropStatistics(_) | S::CommentOn(_) | S::Analyze(_) | S::EmptyStmt(_) => {}

            // Rows.
            S::Insert(it) => self.with(it.syntax(), it.with_clause(), |reader| reader.inserts(it)),
            S::Update(it) => self.with(it.syntax(), it.with_clause(), |reader| reader.updates(it)),
            S::Delete(it) => self.with(it.syntax(), it.with_clause(), |reader| reader.deletes(it)),
            S::Merge(it) => self.with(it.syntax(), it.with_clause(), |reader| reader.merges(it)),
            S::Select(it) => self.reads(it.syntax()),
            S::CompoundSelect(it) => self.reads(it.syntax()),
            S::ParenSelect(it) => self.reads(it.syntax()),
            S::Table(it) => self.reads(it.syntax()),
            S::Values(it) => self.reads(it.syntax()),
            S::Copy(it) => self.copy(it),

            // Views, functions, types, sequences.
            S::CreateView(it) => {
                let name = it.view().and_then(|it| name_of(it.syntax()));
                self.creates_or(it.syntax(), Kind::View, name, Rule::ReplaceView);
            }
            S::AlterView(it) => self.alter_view(it.syntax(), Kind::View),
            S::DropView(it) => self.drops(it.syntax(), Kind::View, Rule::DropObject),
            S::CreateMaterializedView(it) => {
                self.creates(it.syntax(), Kind::MaterializedView, it.view().and_then(|it| name_of(it.syntax())));
                self.calls(it.syntax(), Rule::FunctionOverRows);
            }
            S::AlterMaterializedView(it) => self.alter_view(it.syntax(), Kind::MaterializedView),
            S::DropMaterializedView(it) => self.drops(it.syntax(), Kind::MaterializedView, Rule::DropObject),
            S::Refresh(it) => {
                if it.concurrently_token().is_none() {
                    self.does_to(
                        it.syntax(),
                        Rule::TakesLock,
                        Kind::MaterializedView,
                        name(it.view_ref()),
                        "REFRESH MATERIALIZED VIEW",
                    );
                }
            }
            S::CreateFunction(it) => {
                self.creates_or(it.syntax(), Kind::Function, function(it.syntax()), Rule::ReplaceFunction);
                self.routine(it.syntax(), it.option_list().as_ref(), it.body());
            }
            S::CreateProcedure(it) => {
                self.creates_or(it.syntax(), Kind::Function, function(it.syntax()), Rule::ReplaceFunction);
                self.routine(it.syntax(), it.option_list().as_ref(), it.body());
            }
            S::CreateAggregate(it) => {
                self.creates_or(it.syntax(), Kind::Function, function(it.syntax()), Rule::ReplaceFunction);
            }
            S::AlterFunction(it) => self.alters(it.syntax(), Kind::Function, Some(Rule::ReplaceFunction)),
            S::AlterProcedure(it) => self.alters(it.syntax(), Kind::Function, Some(Rule::ReplaceFunction)),
            S::AlterRoutine(it) => self.alters(it.syntax(), Kind::Function, Some(Rule::ReplaceFunction)),
            S::AlterAggregate(it) => self.alters(it.syntax(), Kind::Function, Some(Rule::ReplaceFunction)),
            S::DropFunction(it) => self.drops_functions(it.syntax()),
            S::DropProcedure(it) => self.drops_functions(it.syntax()),
            S::DropRoutine(it) => self.drops_functions(it.syntax()),
            S::DropAggregate(it) => self.does(it.syntax(), Rule::DropObject, "aggregate"),
            S::CreateType(it) => {
                self.creates(it.syntax(), Kind::Type, it.type_name().and_then(|it| name_of(it.syntax())));
            }
            S::AlterType(it) => self.alter_type(it),
            S::DropType(it) => self.drops(it.syntax(), Kind::Type, Rule::DropObject),
            S::CreateDomain(it) => {
                self.creates(it.syntax(), Kind::Domain, it.domain().and_then(|it| name_of(it.syntax())));
            }
            S::AlterDomain(it) => self.alter_domain(it),
            S::DropDomain(it) => self.drops(it.syntax(), Kind::Domain, Rule::DropObject),
            S::CreateSequence(it) => {
                self.creates(it.syntax(), Kind::Sequence, it.sequence().and_then(|it| name_of(it.syntax())));
            }
            S::AlterSequence(it) => self.alter_sequence(it),
            S::DropSequence(it) => self.drops(it.syntax(), Kind::Sequence, Rule::DropObject),
            S::CreateSchema(it) => self.create_schema(it),
            S::AlterSchema(it) => self.alters(it.syntax(), Kind::Schema, Some(Rule::Noticed)),
            S::DropSchema(it) => {
                for schema in it.schema_refs().filter_map(|it| word_of(it.syntax())) {
                    let name = Name::bare(schema);
                    self.push(it.syntax(), What::Drops { kind: Kind::Schema, name, rule: Rule::DropObject });
                }
            }
            S::CreateExtension(_)
            | S::CreateCollation(_)
            | S::CreateTextSearchConfiguration(_)
            | S::CreateTextSearchDictionary(_)
            | S::CreateTextSearchParser(_)
            | S::CreateTextSearchTemplate(_)
            | S::CreateAccessMethod(_)
            | S::CreateForeignDataWrapper(_)
            | S::CreateServer(_)
            | S::CreateUserMapping(_)
            | S::ImportForeignSchema(_)
            | S::CreatePropertyGraph(_)
            | S::CreateRole(_)
            | S::CreateUser(_)
            | S::CreateGroup(_) => {}
            S::CreateDatabase(_) => self.alone = Some("CREATE DATABASE"),
            S::CreateTablespace(_) => self.alone = Some("CREATE TABLESPACE"),
            S::CreateCast(it) => self.creates_noticed(it.syntax(), "CREATE CAST"),
            S::CreateConversion(it) => self.creates_noticed(it.syntax(), "CREATE CONVERSION"),
            S::CreateOperator(it) => self.creates_noticed(it.syntax(), "CREATE OPERATOR"),
            S::CreateOperatorClass(it) => self.creates_noticed(it.syntax(), "CREATE OPERATOR CLASS"),
            S::CreateOperatorFamily(it) => self.creates_noticed(it.syntax(), "CREATE OPERATOR FAMILY"),
            S::CreateTransform(it) => self.creates_noticed(it.syntax(), "CREATE TRANSFORM"),
            S::CreateEventTrigger(it) => self.creates_noticed(it.syntax(), "CREATE EVENT TRIGGER"),
            S::AlterEventTrigger(it) => self.creates_noticed(it.syntax(), "ALTER EVENT TRIGGER"),
            S::DropEventTrigger(it) => self.creates_noticed(it.syntax(), "DROP EVENT TRIGGER"),
            S::CreateLanguage(it) => self.creates_noticed(it.syntax(), "CREATE LANGUAGE"),
            S::SecurityLabel(it) => self.creates_noticed(it.syntax(), "SECURITY LABEL"),
            S::AlterLargeObject(it) => self.creates_noticed(it.syntax(), "ALTER LARGE OBJECT"),
            S::AlterOperator(it) => self.creates_noticed(it.syntax(), "ALTER OPERATOR"),
            S::AlterOperatorClass(it) => self.creates_noticed(it.syntax(), "ALTER OPERATOR CLASS"),
            S::AlterOperatorFamily(it) => self.creates_noticed(it.syntax(), "ALTER OPERATOR FAMILY"),
            S::AlterLanguage(it) => self.creates_noticed(it.syntax(), "ALTER LANGUAGE"),
            S::AlterGroup(it) => self.creates_noticed(it.syntax(), "ALTER GROUP"),
            S::AlterServer(it) => self.creates_noticed(it.syntax(), "ALTER SERVER"),
            S::AlterUserMapping(it) => self.creates_noticed(it.syntax(), "ALTER USER MAPPING"),
            S::AlterForeignDataWrapper(it) => self.creates_noticed(it.syntax(), "ALTER FOREIGN DATA WRAPPER"),
            S::AlterPropertyGraph(it) => self.creates_noticed(it.syntax(), "ALTER PROPERTY GRAPH"),
            S::AlterTablespace(it) => self.creates_noticed(it.syntax(), "ALTER TABLESPACE"),
            S::AlterCollation(it) => self.alters(it.syntax(), Kind::Type, None),
            S::AlterConversion(it) => self.alters(it.syntax(), Kind::Type, Some(Rule::Noticed)),
            S::AlterTextSearchConfiguration(it) => self.alters(it.syntax(), Kind::Type, Some(Rule::Noticed)),
            S::AlterTextSearchDictionary(it) => self.alters(it.syntax(), Kind::Type, Some(Rule::Noticed)),
            S::AlterTextSearchParser(it) => self.alters(it.syntax(), Kind::Type, Some(Rule::Noticed)),
            S::AlterTextSearchTemplate(it) => self.alters(it.syntax(), Kind::Type, Some(Rule::Noticed)),
            S::AlterExtension(it) => self.alters(it.syntax(), Kind::Schema, Some(Rule::ChangeExtension)),
            S::CreatePublication(it) => self.does(it.syntax(), Rule::Replication, "CREATE PUBLICATION"),
            S::AlterPublication(it) => self.does(it.syntax(), Rule::Replication, "ALTER PUBLICATION"),
            S::DropPublication(it) => self.does(it.syntax(), Rule::Replication, "DROP PUBLICATION"),
            S::CreateSubscription(it) => {
                self.alone = Some("CREATE SUBSCRIPTION");
                self.does(it.syntax(), Rule::Replication, "CREATE SUBSCRIPTION");
            }
            S::AlterSubscription(it) => self.does(it.syntax(), Rule::Replication, "ALTER SUBSCRIPTION"),
            S::DropSubscription(it) => self.does(it.syntax(), Rule::Replication, "DROP SUBSCRIPTION"),
            S::DropDatabase(it) => {
                self.alone = Some("DROP DATABASE");
                self.does(it.syntax(), Rule::DropObject, "database");
            }
            S::DropAccessMethod(it) => self.does(it.syntax(), Rule::DropObject, "access method"),
            S::DropCast(it) => self.does(it.syntax(), Rule::DropObject, "cast"),
            S::DropCollation(it) => self.does(it.syntax(), Rule::DropObject, "collation"),
            S::DropConversion(it) => self.does(it.syntax(), Rule::DropObject, "conversion"),
            S::DropExtension(it) => self.does(it.syntax(), Rule::DropObject, "extension"),
            S::DropForeignDataWrapper(it) => self.does(it.syntax(), Rule::DropObject, "foreign data wrapper"),
            S::DropGroup(it) => self.does(it.syntax(), Rule::DropObject, "group"),
            S::DropLanguage(it) => self.does(it.syntax(), Rule::DropObject, "language"),
            S::DropOperator(it) => self.does(it.syntax(), Rule::DropObject, "operator"),
            S::DropOperatorClass(it) => self.does(it.syntax(), Rule::DropObject, "operator class"),
            S::DropOperatorFamily(it) => self.does(it.syntax(), Rule::DropObject, "operator family"),
            S::DropPropertyGraph(it) => self.does(it.syntax(), Rule::DropObject, "property graph"),
            S::DropRole(it) => self.does(it.syntax(), Rule::DropObject, "role"),
            S::DropUser(it) => self.does(it.syntax(), Rule::DropObject, "role"),
            S::DropServer(it) => self.does(it.syntax(), Rule::DropObject, "server"),
            S::DropTablespace(it) => {
                self.alone = Some("DROP TABLESPACE");
                self.does(it.syntax(), Rule::DropObject, "tablespace");
            }
            S::DropTextSearchConfig(it) => self.does(it.syntax(), Rule::DropObject, "text search configuration"),
            S::DropTextSearchDict(it) => self.does(it.syntax(), Rule::DropObject, "text search dictionary"),
            S::DropTextSearchParser(it) => self.does(it.syntax(), Rule::DropObject, "text search parser"),
            S::DropTextSearchTemplate(it) => self.does(it.syntax(), Rule::DropObject, "text search template"),
            S::DropTransform(it) => self.does(it.syntax(), Rule::DropObject, "transform"),
            S::DropUserMapping(it) => self.does(it.syntax(), Rule::DropObject, "user mapping"),
            S::DropOwned(it) => self.does(it.syntax(), Rule::DropOwned, "DROP OWNED"),

            // Roles, privileges, settings.
            S::Grant(it) => self.grant(it),
            S::Revoke(it) => self.revoke(it),
            S::Reassign(it) => self.does(it.syntax(), Rule::Owner, "everything that a role owns"),
            S::AlterDefaultPrivileges(it) => {
                if lowered(it.syntax()).contains("revoke") {
                    self.does(it.syntax(), Rule::DefaultPrivileges, "REVOKE");
                }
            }
            S::AlterRole(it) => self.does(it.syntax(), Rule::AlterRole, &word(it.role_ref())),
            S::AlterUser(it) => self.does(it.syntax(), Rule::AlterRole, &word(it.role_ref())),
            S::AlterDatabase(it) => {
                let action = it.action();
                match action {
                    Some(ast::AlterDatabaseAction::RefreshCollationVersion(_)) => {}
                    Some(ast::AlterDatabaseAction::OwnerTo(_)) => self.does(it.syntax(), Rule::Owner, "database"),
                    _ => self.does(it.syntax(), Rule::AlterDatabase, &word(it.database_ref())),
                }
            }
            S::AlterSystem(it) => {
                self.alone = Some("ALTER SYSTEM");
                self.does(it.syntax(), Rule::AlterSystem, "ALTER SYSTEM");
            }
            S::Set(it) => self.set(it),
            S::Reset(it) => {
                let words = lowered(it.syntax());
                if words.contains("search_path") || words.ends_with("all") || words.ends_with("all ;") {
                    let schemas = Some(vec!["public".to_owned()]);
                    self.push(it.syntax(), What::SearchPath { schemas, local: false });
                }
            }
            S::Discard(it) => self.push(it.syntax(), What::SearchPath { schemas: None, local: false }),
            S::SetRole(it) => self.does(it.syntax(), Rule::SessionSetting, "SET ROLE"),
            S::SetSessionAuth(it) => self.does(it.syntax(), Rule::SessionSetting, "SET SESSION AUTHORIZATION"),

            // Transactions.
            S::Begin(it) => self.push(it.syntax(), What::Begin),
            S::Commit(it) => self.push(it.syntax(), What::End),
            S::Rollback(it) => {
                if !lowered(it.syntax()).contains(" to ") {
                    self.push(it.syntax(), What::End);
                }
            }
            S::PrepareTransaction(it) => self.does(it.syntax(), Rule::NeverCommitted, "PREPARE TRANSACTION"),
            S::Lock(it) => {
                for table in names_in(it.syntax()) {
                    self.does_to(it.syntax(), Rule::TakesLock, Kind::Table, table, "LOCK TABLE");
                }
            }
            S::Vacuum(it) => {
                self.alone = Some("VACUUM");
                if it.is_full() {
                    self.does(it.syntax(), Rule::Rewrite, "VACUUM FULL");
                }
            }
            S::Cluster(it) => self.does(it.syntax(), Rule::Rewrite, "CLUSTER"),
            S::Repack(it) => self.does(it.syntax(), Rule::Rewrite, "REPACK"),

            // Code.
            S::Do(it) => self.do_block(it),
            S::Call(it) => {
                let called = it.procedure_name_ref().and_then(|it| name_of(it.syntax()));
                self.does(it.syntax(), Rule::UnknownFunction, &called.map_or_else(String::new, |it| format!("{it}()")));
            }
            S::Execute(it) => self.does(it.syntax(), Rule::UnknownFunction, "EXECUTE of a prepared statement"),
            S::Load(it) => self.does(it.syntax(), Rule::UnknownStatement, "LOAD"),
            S::Prepare(_) => {}
            S::Explain(it) => {
                let inner = it.explain_stmt().and_then(|it| ast::Stmt::cast(it.syntax().clone()));
                if let Some(inner) = inner.filter(|_| lowered(it.syntax()).contains("analy")) {
                    self.stmt(&inner);
                }
            }
            S::Declare(it) => self.reads(it.syntax()),
            S::Checkpoint(_)
            | S::Close(_)
            | S::Deallocate(_)
            | S::Fetch(_)
            | S::Listen(_)
            | S::Move(_)
            | S::Notify(_)
            | S::ReleaseSavepoint(_)
            | S::ResetRole(_)
            | S::ResetSessionAuth(_)
            | S::SavepointCreate(_)
            | S::SetConstraints(_)
            | S::SetTransaction(_)
            | S::Show(_)
            | S::Unlisten(_) => {}
        }
    }

    /// A statement with what is written in its `WITH`.
    fn with(&mut self, node: &SyntaxNode, with: Option<ast::WithClause>, itself: impl FnOnce(&mut Self)) {
        itself(self);
        let _ = node;
        if let Some(with) = with {
            self.reads(with.syntax());
        }
    }

    fn on_table<N: AstNode>(&mut self, node: &SyntaxNode, on: Option<N>, rule: Rule, words: &str) {
        let table = on.and_then(|on| names_in(on.syntax()).pop()).unwrap_or_else(|| Name::bare(""));
        self.does_to(node, rule, Kind::Table, table, words);
    }

    fn copy(&mut self, it: &ast::Copy) {
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
            let table = it.copy_table().and_then(|it| name_of(it.syntax())).unwrap_or_else(|| Name::bare(""));
            self.writes(it.syntax(), table, Rule::Backfill, "COPY");
        }
    }

    fn set(&mut self, it: &ast::Set) {
        let local = matches!(it.set_scope(), Some(ast::SetScope::LocalScope(_)));
        let path = match it.set_target() {
            Some(ast::SetTarget::SetSchemaValue(value)) => {
                value.literal().and_then(|it| it.string_value()).map(|one| vec![one])
            }
            Some(ast::SetTarget::SetConfig(config)) if word(config.config_parameter_ref()) == "search_path" => {
                config.config_assignment().and_then(|assignment| {
                    let node = assignment.syntax().clone();
                    if has(&node, SyntaxKind::DEFAULT_KW) {
                        return Some(vec!["public".to_owned()]);
                    }
                    node.children().map(|value| setting(&value)).collect()
                })
            }
            _ => return,
        };
        self.push(it.syntax(), What::SearchPath { schemas: path, local });
    }

    fn create_schema(&mut self, it: &ast::CreateSchema) {
        let Some(schema) = it.schema_name().and_then(|node| word_of(&node)) else { return };
        self.creates(it.syntax(), Kind::Schema, Some(Name::bare(schema.clone())));
        let before = self.acts.len();
        for element in it.schema_elements() {
            if let Some(stmt) = ast::Stmt::cast(element.syntax().clone()) {
                self.stmt(&stmt);
            }
        }
        for act in &mut self.acts[before..] {
            if let What::Creates { name, .. } = &mut act.what {
                name.schema.get_or_insert_with(|| schema.clone());
            }
        }
    }

    fn grant(&mut self, it: &ast::Grant) {
        let Some(on) = it.on_privilege_objects_clause() else { return };
        let words = lowered(on.syntax());
        if words.starts_with("on all sequences") {
            let schemas =
                on.syntax().descendants().filter_map(ast::SchemaRef::cast).filter_map(|it| word_of(it.syntax()));
            self.push(it.syntax(), What::GrantsSequences { names: Vec::new(), schemas: schemas.collect() });
        } else if words.starts_with("on sequence") {
            self.push(it.syntax(), What::GrantsSequences { names: names_in(on.syntax()), schemas: Vec::new() });
        }
    }

    fn revoke(&mut self, it: &ast::Revoke) {
        let to = it.on_privilege_objects_clause().map(|on| {
            let words = lowered(on.syntax());
            let kind = match words.strip_prefix("on ").unwrap_or_default().split(' ').next() {
                Some("function" | "procedure" | "routine") => Kind::Function,
                Some("schema") => Kind::Schema,
                Some("type") => Kind::Type,
                Some("domain") => Kind::Domain,
                Some("sequence") => Kind::Sequence,
                _ => Kind::Table,
            };
            match kind {
                Kind::Function => {
                    let signatures = on.syntax().descendants().filter(signature);
                    signatures
                        .filter_map(|node| function(&node).or_else(|| name_of(&node)))
                        .map(|name| (kind, name))
                        .collect()
                }
                Kind::Schema => {
                    let schemas = on.syntax().descendants().filter_map(ast::SchemaRef::cast);
                    schemas.filter_map(|it| word_of(it.syntax())).map(|own| (kind, Name::bare(own))).collect()
                }
                _ => names_in(on.syntax()).into_iter().map(|name| (kind, name)).collect::<Vec<_>>(),
            }
        });
        let to = to.unwrap_or_default();
        self.push(it.syntax(), What::Does { rule: Rule::Revoke, to, detail: String::new() });
    }

    fn create_table(&mut self, node: &SyntaxNode, name: Option<Name>) {
        self.creates(node, Kind::Table, name);
        self.references(node);
    }

    fn alter_view(&mut self, node: &SyntaxNode, kind: Kind) {
        let own = name_of(node).unwrap_or_else(|| Name::bare(""));
        for column in node.children().filter(|child| ast::RenameColumn::can_cast(child.kind())) {
            self.does_to(&column, Rule::RenameColumn, kind, own.clone(), &word_of(&column).unwrap_or_default());
        }
        self.alters(node, kind, Some(Rule::ReplaceView));
    }
}

/// A value of a setting: a word or a string.
fn setting(node: &SyntaxNode) -> Option<String> {
    let literal = node.descendants().find_map(ast::Literal::cast).and_then(|it| it.string_value());
    literal.or_else(|| word_of(node)).filter(|value| !value.is_empty())
}

/// PostgreSQL's own tables.
fn in_catalog(table: &Name) -> bool {
    match table.schema.as_deref() {
        Some(schema) => schema == "pg_catalog",
        None => table.own.starts_with("pg_"),
    }
}

fn signature(node: &SyntaxNode) -> bool {
    ast::FunctionSig::can_cast(node.kind())
        || matches!(node.kind(), SyntaxKind::PROCEDURE_SIG | SyntaxKind::ROUTINE_SIG | SyntaxKind::FUNCTION_SIG)
}

/// Whether a child of an ALTER statement is what it does, and not whom it does it to.
fn is_action(node: &SyntaxNode) -> bool {
    let words = lowered(node);
    let verbs = [
        "set",
        "reset",
        "add",
        "drop",
        "alter",
        "update",
        "rename",
        "enable",
        "disable",
        "depends",
        "no",
        "immutable",
        "stable",
        "volatile",
        "strict",
        "called",
        "returns",
        "security",
        "external",
        "leakproof",
        "not",
        "parallel",
        "cost",
        "rows",
        "support",
    ];
    !ast::IfExists::can_cast(node.kind())
        && verbs.contains(&words.split(' ').next().unwrap_or_default())
        && names_in(node).first().is_none_or(|name| words != name.own)
}

fn told(kind: Kind, words: &str) -> String {
    let two: Vec<&str> = words.split(' ').take(2).collect();
    format!("ALTER {} .. {}", kind.word().to_uppercase(), two.join(" ").to_uppercase())
}
