//! What each kind of statement does. The match is total, so that a statement of a new parser has to be thought of before it compiles.

use squawk_syntax::ast::{self, AstNode};

use super::names::{function, lowered, name, name_of, named, names_in, word, word_of};
use super::reader::Reader;
use crate::sql::act::{Kind, Statement, What};
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

    pub(super) fn stmt(&mut self, stmt: &ast::Stmt) {
        self.stmt_itself(stmt);
        let from = stmt.syntax().descendants().filter_map(ast::RelationFromItem::cast);
        let tables: Vec<Name> = from.filter_map(|it| name_of(it.relation_name_ref()?.syntax())).collect();
        if !tables.is_empty() {
            self.push(stmt.syntax(), What::Uses { tables });
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table: one arm for each kind of statement, so that none is missing")]
    fn stmt_itself(&mut self, stmt: &ast::Stmt) {
        use ast::Stmt as S;
        match stmt {
            // Tables and what is on them.
            S::AlterTable(it) => self.alter_table(it.syntax(), Kind::Table, it.actions()),
            S::AlterForeignTable(it) => self.alter_table(it.syntax(), Kind::Table, it.actions()),
            S::CreateTable(it) => {
                self.create_table(it.syntax(), named(it.table_name()));
            }
            S::CreateForeignTable(it) => {
                self.create_table(it.syntax(), named(it.table_name()));
            }
            S::CreateTableAs(it) => {
                self.creates(it.syntax(), Kind::Table, named(it.table_name()));
                self.reads(it.syntax());
            }
            S::SelectInto(it) => {
                if let Some(into) = it.into_clause() {
                    self.creates(into.syntax(), Kind::Table, named(into.table_name()));
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

            // Rows.
            S::Insert(it) => self.with(it.with_clause(), |reader| reader.inserts(it)),
            S::Update(it) => self.with(it.with_clause(), |reader| reader.updates(it)),
            S::Delete(it) => self.with(it.with_clause(), |reader| reader.deletes(it)),
            S::Merge(it) => self.with(it.with_clause(), |reader| reader.merges(it)),
            S::Select(it) => self.reads(it.syntax()),
            S::CompoundSelect(it) => self.reads(it.syntax()),
            S::ParenSelect(it) => self.reads(it.syntax()),
            S::Table(it) => self.reads(it.syntax()),
            S::Values(it) => self.reads(it.syntax()),
            S::Copy(it) => self.copy(it),

            // Views, functions, types, sequences.
            S::CreateView(it) => {
                let name = named(it.view());
                self.creates_or(it.syntax(), Kind::View, name, Rule::ReplaceView);
            }
            S::AlterView(it) => self.alter_view(it.syntax(), Kind::View),
            S::DropView(it) => self.drops(it.syntax(), Kind::View, Rule::DropObject),
            S::CreateMaterializedView(it) => {
                self.creates(it.syntax(), Kind::MaterializedView, named(it.view()));
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
                let named = function(it.syntax()).or_else(|| name_of(it.syntax()));
                self.creates_or(it.syntax(), Kind::Function, named, Rule::ReplaceFunction);
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
                self.creates(it.syntax(), Kind::Type, named(it.type_name()));
            }
            S::AlterType(it) => self.alter_type(it),
            S::DropType(it) => self.drops(it.syntax(), Kind::Type, Rule::DropObject),
            S::CreateDomain(it) => {
                self.creates(it.syntax(), Kind::Domain, named(it.domain()));
            }
            S::AlterDomain(it) => self.alter_domain(it),
            S::DropDomain(it) => self.drops(it.syntax(), Kind::Domain, Rule::DropObject),
            S::CreateSequence(it) => {
                self.creates(it.syntax(), Kind::Sequence, named(it.sequence()));
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
            S::CreateDatabase(_) => self.alone = Some("CREATE DATABASE"),
            S::CreateTablespace(_) => self.alone = Some("CREATE TABLESPACE"),
            S::CreateCast(it) => self.does(it.syntax(), Rule::Noticed, "CREATE CAST"),
            S::CreateConversion(it) => self.does(it.syntax(), Rule::Noticed, "CREATE CONVERSION"),
            S::CreateOperator(it) => self.does(it.syntax(), Rule::Noticed, "CREATE OPERATOR"),
            S::CreateOperatorClass(it) => self.does(it.syntax(), Rule::Noticed, "CREATE OPERATOR CLASS"),
            S::CreateOperatorFamily(it) => self.does(it.syntax(), Rule::Noticed, "CREATE OPERATOR FAMILY"),
            S::CreateTransform(it) => self.does(it.syntax(), Rule::Noticed, "CREATE TRANSFORM"),
            S::CreateEventTrigger(it) => self.does(it.syntax(), Rule::Noticed, "CREATE EVENT TRIGGER"),
            S::AlterEventTrigger(it) => self.does(it.syntax(), Rule::Noticed, "ALTER EVENT TRIGGER"),
            S::DropEventTrigger(it) => self.does(it.syntax(), Rule::Noticed, "DROP EVENT TRIGGER"),
            S::CreateLanguage(it) => self.does(it.syntax(), Rule::Noticed, "CREATE LANGUAGE"),
            S::SecurityLabel(it) => self.does(it.syntax(), Rule::Noticed, "SECURITY LABEL"),
            S::AlterLargeObject(it) => self.does(it.syntax(), Rule::Noticed, "ALTER LARGE OBJECT"),
            S::AlterOperator(it) => self.does(it.syntax(), Rule::Noticed, "ALTER OPERATOR"),
            S::AlterOperatorClass(it) => self.does(it.syntax(), Rule::Noticed, "ALTER OPERATOR CLASS"),
            S::AlterOperatorFamily(it) => self.does(it.syntax(), Rule::Noticed, "ALTER OPERATOR FAMILY"),
            S::AlterLanguage(it) => self.does(it.syntax(), Rule::Noticed, "ALTER LANGUAGE"),
            S::AlterGroup(it) => self.does(it.syntax(), Rule::Noticed, "ALTER GROUP"),
            S::AlterServer(it) => self.does(it.syntax(), Rule::Noticed, "ALTER SERVER"),
            S::AlterUserMapping(it) => self.does(it.syntax(), Rule::Noticed, "ALTER USER MAPPING"),
            S::AlterForeignDataWrapper(it) => self.does(it.syntax(), Rule::Noticed, "ALTER FOREIGN DATA WRAPPER"),
            S::AlterPropertyGraph(it) => self.does(it.syntax(), Rule::Noticed, "ALTER PROPERTY GRAPH"),
            S::AlterTablespace(it) => self.does(it.syntax(), Rule::Noticed, "ALTER TABLESPACE"),
            S::AlterCollation(it) => self.alters(it.syntax(), Kind::Type, None),
            S::AlterConversion(it) => self.alters(it.syntax(), Kind::Type, Some(Rule::Noticed)),
            S::AlterTextSearchConfiguration(it) => self.alters(it.syntax(), Kind::Type, Some(Rule::Noticed)),
            S::AlterTextSearchDictionary(it) => {
                let before = self.acts.len();
                self.alters(it.syntax(), Kind::Type, Some(Rule::Noticed));
                if self.acts.len() == before {
                    self.does(it.syntax(), Rule::Noticed, "ALTER TEXT SEARCH DICTIONARY");
                }
            }
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
            S::Reset(it) => self.reset(it),
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
                let called = named(it.procedure_name_ref());
                self.does(it.syntax(), Rule::UnknownFunction, &called.map_or_else(String::new, |it| format!("{it}()")));
            }
            S::Execute(it) => self.does(it.syntax(), Rule::UnknownFunction, "EXECUTE of a prepared statement"),
            S::Load(it) => self.does(it.syntax(), Rule::UnknownStatement, "LOAD"),
            S::Explain(it) => {
                let inner = it.explain_stmt().and_then(|it| ast::Stmt::cast(it.syntax().clone()));
                if let Some(inner) = inner.filter(|_| lowered(it.syntax()).contains("analy")) {
                    self.stmt(&inner);
                }
            }
            S::Declare(it) => self.reads(it.syntax()),

            // What no code meets.
            S::Analyze(_)
            | S::Checkpoint(_)
            | S::Close(_)
            | S::CommentOn(_)
            | S::CreateAccessMethod(_)
            | S::CreateCollation(_)
            | S::CreateExtension(_)
            | S::CreateForeignDataWrapper(_)
            | S::CreateGroup(_)
            | S::CreatePropertyGraph(_)
            | S::CreateRole(_)
            | S::CreateServer(_)
            | S::CreateTextSearchConfiguration(_)
            | S::CreateTextSearchDictionary(_)
            | S::CreateTextSearchParser(_)
            | S::CreateTextSearchTemplate(_)
            | S::CreateUser(_)
            | S::CreateUserMapping(_)
            | S::Deallocate(_)
            | S::DropStatistics(_)
            | S::EmptyStmt(_)
            | S::Fetch(_)
            | S::ImportForeignSchema(_)
            | S::Listen(_)
            | S::Move(_)
            | S::Notify(_)
            | S::Prepare(_)
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
}
