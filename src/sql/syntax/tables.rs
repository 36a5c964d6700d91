//! What ALTER TABLE does, column by column and constraint by constraint. The matches are total too.

use squawk_syntax::ast::{self, AstChildren, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::names::{has, has_child, lowered, name, name_of, names_in, word, word_of};
use super::reader::Reader;
use crate::sql::act::{Asks, Column, ColumnChange, ColumnType, Constraint, Default, Generated, Kind, What};
use crate::sql::functions::{is_same_for_all_rows, is_strict};
use crate::sql::name::Name;
use crate::sql::rule::Rule;

/// Types that have no constraint: PostgreSQL's own, and those of the best-known extensions.
const PLAIN_TYPES: &[&str] = &[
    "bigint",
    "bit",
    "bool",
    "boolean",
    "box",
    "bpchar",
    "bytea",
    "char",
    "cidr",
    "circle",
    "citext",
    "date",
    "datemultirange",
    "daterange",
    "dec",
    "decimal",
    "float",
    "float4",
    "float8",
    "geography",
    "geometry",
    "hstore",
    "inet",
    "int",
    "int2",
    "int4",
    "int4multirange",
    "int4range",
    "int8",
    "int8multirange",
    "int8range",
    "integer",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lquery",
    "lseg",
    "ltree",
    "ltxtquery",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "nummultirange",
    "numrange",
    "oid",
    "path",
    "pg_lsn",
    "point",
    "polygon",
    "real",
    "regclass",
    "regproc",
    "regrole",
    "regtype",
    "smallint",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "txid_snapshot",
    "uuid",
    "varbit",
    "varchar",
    "vector",
    "xml",
];

const SERIAL_TYPES: &[&str] = &["bigserial", "serial", "serial2", "serial4", "serial8", "smallserial"];

impl Reader<'_> {
    pub(super) fn alter_table(&mut self, node: &SyntaxNode, kind: Kind, actions: AstChildren<ast::AlterTableAction>) {
        let on = node.children().find(|child| ast::TableRelationName::can_cast(child.kind()));
        let Some(table) = on.and_then(|on| name_of(&on)) else {
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
                let to = Name { schema: table.schema.clone(), own: name(it.table_name()).own };
                self.push(node, What::Renames { kind, from: table.clone(), to, rule: Rule::RenameTable });
            }
            A::SetSchema(it) => {
                let to = Name { schema: Some(word(it.schema_ref())), own: table.own.clone() };
                self.push(node, What::Renames { kind, from: table.clone(), to, rule: Rule::SetSchema });
            }
            A::AttachPartition(it) => {
                let part = name(it.table_name_ref());
                self.does_to(node, Rule::AttachPartition, kind, part, &table.to_string());
                self.push(node, What::Refers { table: table.clone() });
            }
            A::DetachPartition(it) => {
                let words = lowered(node);
                if words.ends_with("concurrently") {
                    self.alone("DETACH PARTITION CONCURRENTLY");
                }
                let part = name(it.table_name_ref());
                self.push(
                    node,
                    What::Does {
                        rule: Rule::DetachPartition,
                        to: vec![(kind, table.clone())],
                        detail: part.to_string(),
                    },
                );
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

    fn add_column(&mut self, table: &Name, it: &ast::AddColumn) {
        let name = word(it.column_name());
        let ty = it.ty().map_or(ColumnType::Plain, |ty| column_type(ty.syntax()));
        let mut column = Column {
            not_null: false,
            default: Default::None,
            generated: None,
            primary_key: false,
            unique: false,
            check_fails: false,
            references: None,
            if_not_exists: it.if_not_exists().is_some(),
            name,
            ty,
        };
        for constraint in it.constraints() {
            match &constraint {
                ast::Constraint::NotNullConstraint(_) => column.not_null = true,
                ast::Constraint::PrimaryKeyConstraint(_) => column.primary_key = true,
                ast::Constraint::UniqueConstraint(it) if lowered(it.syntax()).contains("not distinct") => {
                    column.check_fails = true;
                }
                ast::Constraint::UniqueConstraint(_) | ast::Constraint::ExcludeConstraint(_) => column.unique = true,
                ast::Constraint::DefaultConstraint(it) => column.default = default_of(it.expr()),
                ast::Constraint::GeneratedConstraint(it) => column.generated = generated(it),
                ast::Constraint::CheckConstraint(it) => {
                    let enforced = !options_say(&constraint, "not enforced");
                    column.check_fails |= enforced && !null_passes(it.expr(), &[&column.name]);
                }
                ast::Constraint::ReferencesConstraint(it) => {
                    column.references = it.table().and_then(|it| name_of(it.syntax()));
                }
                ast::Constraint::ForeignKeyConstraint(_) | ast::Constraint::NullConstraint(_) => {}
            }
        }
        if column.default != Default::None {
            // The rows that are there, and those of old code, get the default: whether it passes the check shows when it runs.
            column.check_fails = false;
        }
        self.push(it.syntax(), What::AddsColumn { table: table.clone(), column });
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
            let table = node.children().find(|child| ast::TableNameRef::can_cast(child.kind()));
            if let Some(table) = table.and_then(|table| name_of(&table)) {
                self.push(&node, What::Refers { table });
            }
        }
    }

    pub(super) fn create_index(&mut self, it: &ast::CreateIndex) {
        let concurrently = it.concurrently_token().is_some();
        if concurrently {
            self.alone("CREATE INDEX CONCURRENTLY");
        }
        let what = What::CreatesIndex {
            index: it.index().and_then(|it| word_of(it.syntax())),
            table: name(it.table_relation_name()),
            unique: it.unique_token().is_some(),
            concurrently,
            new: it.if_not_exists().is_none() && !self.is_conditional(),
        };
        self.push(it.syntax(), what);
    }

    pub(super) fn alter_type(&mut self, it: &ast::AlterType) {
        use ast::AlterTypeAction as A;
        let own = name(it.type_name_ref());
        let node = it.syntax();
        match it.action() {
            Some(A::AddValue(value)) => {
                let added = value.literal().and_then(|it| it.string_value()).unwrap_or_default();
                self.does_to(node, Rule::AddEnumValue, Kind::Type, own, &added);
            }
            Some(A::RenameValue(value)) => {
                let from = value.from().and_then(|it| it.string_value()).unwrap_or_default();
                self.does_to(node, Rule::RenameValue, Kind::Type, own, &from);
            }
            Some(A::RenameAttribute(_)) => {
                self.does_to(node, Rule::ChangeAttribute, Kind::Type, own, "RENAME ATTRIBUTE");
            }
            Some(A::AlterTypeAttributeActionList(list)) => {
                let words = lowered(list.syntax());
                let only_adds = !words.contains("drop attribute") && !words.contains("alter attribute");
                let rule = if only_adds { Rule::Noticed } else { Rule::ChangeAttribute };
                self.does_to(node, rule, Kind::Type, own, "attributes of the type");
            }
            Some(A::OwnerTo(_)) => self.does_to(node, Rule::Owner, Kind::Type, own, "type"),
            Some(A::SetOptions(_)) => self.does_to(node, Rule::Noticed, Kind::Type, own, "ALTER TYPE .. SET"),
            Some(A::SetSchema(schema)) => {
                let to = Name { schema: Some(word(schema.schema_ref())), own: own.own.clone() };
                self.push(node, What::Renames { kind: Kind::Type, from: own, to, rule: Rule::SetSchema });
            }
            Some(A::TypeRenameTo(to)) => {
                let to = Name {
                    schema: own.schema.clone(),
                    own: names_in(to.syntax()).pop().unwrap_or_else(|| Name::bare("")).own,
                };
                self.push(node, What::Renames { kind: Kind::Type, from: own, to, rule: Rule::RenameObject });
            }
            None => {}
        }
    }

    pub(super) fn alter_domain(&mut self, it: &ast::AlterDomain) {
        use ast::AlterDomainAction as A;
        let own = name(it.domain_ref());
        let node = it.syntax();
        let (rule, detail) = match it.action() {
            Some(A::AddConstraint(_)) => (Rule::DomainConstraint, "ADD CONSTRAINT"),
            Some(A::SetNotNull(_)) => (Rule::DomainConstraint, "SET NOT NULL"),
            Some(A::SetDefault(_) | A::DropDefault(_) | A::DropNotNull(_)) => (Rule::Noticed, "ALTER DOMAIN"),
            Some(A::OwnerTo(_)) => (Rule::Owner, "domain"),
            Some(A::RenameConstraint(_)) => (Rule::RenameUnseen, "constraint"),
            Some(A::DropConstraint(_) | A::ValidateConstraint(_)) | None => return,
            Some(A::DomainRenameTo(_) | A::SetSchema(_)) => (Rule::RenameObject, "domain"),
        };
        self.does_to(node, rule, Kind::Domain, own, detail);
    }

    pub(super) fn alter_sequence(&mut self, it: &ast::AlterSequence) {
        use ast::AlterSequenceAction as A;
        let own = name(it.sequence_ref());
        for action in it.actions() {
            let node = action.syntax();
            match &action {
                A::OwnerTo(_) => self.does_to(node, Rule::Owner, Kind::Sequence, own.clone(), "sequence"),
                A::SequenceRenameTo(to) => {
                    let to = Name {
                        schema: own.schema.clone(),
                        own: name_of(to.syntax()).map_or_else(String::new, |to| to.own),
                    };
                    self.push(
                        node,
                        What::Renames { kind: Kind::Sequence, from: own.clone(), to, rule: Rule::RenameObject },
                    );
                }
                A::SetSchema(schema) => {
                    let to = Name { schema: Some(word(schema.schema_ref())), own: own.own.clone() };
                    self.push(
                        node,
                        What::Renames { kind: Kind::Sequence, from: own.clone(), to, rule: Rule::SetSchema },
                    );
                }
                A::SequenceOption(_)
                    if ["owned", "cache", "start"].iter().any(|word| lowered(node).starts_with(word)) => {}
                A::SequenceOption(_) | A::SetLogged(_) | A::SetUnlogged(_) => {
                    self.does_to(
                        node,
                        Rule::ChangeSequence,
                        Kind::Sequence,
                        own.clone(),
                        &lowered(node).to_uppercase(),
                    );
                }
            }
        }
    }
}

fn column_change(option: &ast::AlterColumnOption) -> ColumnChange {
    use ast::AlterColumnOption as O;
    let words = lowered(option.syntax());
    match option {
        O::SetType(_) => ColumnChange::Type,
        O::SetNotNull(_) => ColumnChange::SetNotNull,
        O::DropNotNull(_) => ColumnChange::DropNotNull,
        O::SetDefault(it) => ColumnChange::SetDefault(default_of(it.expr()) != Default::None),
        O::DropDefault(_) => ColumnChange::DropDefault,
        O::AddGenerated(_) => ColumnChange::AddIdentity { always: words.contains("always") },
        O::DropIdentity(_) => ColumnChange::Other(Rule::DropIdentity),
        O::SetGenerated(_) | O::SetGeneratedOptions(_) if words.contains("always") => {
            ColumnChange::Other(Rule::GeneratedAlways)
        }
        O::SetGenerated(_) | O::SetGeneratedOptions(_) | O::SetSequenceOption(_) => {
            let unseen = ["set generated by default", "set cache"];
            let only = unseen.contains(&words.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' '));
            if only { ColumnChange::Unseen } else { ColumnChange::Other(Rule::ChangeSequence) }
        }
        O::Restart(_) => ColumnChange::Other(Rule::ChangeSequence),
        O::DropExpression(_) | O::Inherit(_) | O::NoInherit(_) => ColumnChange::Other(Rule::Noticed),
        O::SetExpression(_) => ColumnChange::Other(Rule::Rewrite),
        O::ResetOptions(_)
        | O::SetCompression(_)
        | O::SetOptions(_)
        | O::SetOptionsList(_)
        | O::SetStatistics(_)
        | O::SetStorage(_) => ColumnChange::Unseen,
    }
}

fn constraint(it: &ast::Constraint) -> Option<Constraint> {
    use ast::Constraint as C;
    let (asks, check, references) = match it {
        C::CheckConstraint(it) => (Asks::Check, Some(it.expr()), None),
        C::ForeignKeyConstraint(it) => {
            (Asks::ForeignKey, None, it.table_name_ref().and_then(|it| name_of(it.syntax())))
        }
        C::UniqueConstraint(_) => (Asks::Unique, None, None),
        C::PrimaryKeyConstraint(_) => (Asks::PrimaryKey, None, None),
        C::ExcludeConstraint(_) => (Asks::Exclusion, None, None),
        C::NotNullConstraint(_) => (Asks::NotNull, None, None),
        C::DefaultConstraint(_) | C::GeneratedConstraint(_) | C::NullConstraint(_) | C::ReferencesConstraint(_) => {
            return None;
        }
    };
    let node = it.syntax();
    let columns: Vec<String> = match (it, &check) {
        (_, Some(Some(expr))) => names_used(expr.syntax()),
        (C::ForeignKeyConstraint(it), _) => it.from_columns().map_or_else(Vec::new, |list| columns_of(list.syntax())),
        _ => columns_of(node),
    };
    let listed: Vec<&str> = columns.iter().map(String::as_str).collect();
    let null_passes = match asks {
        Asks::Check => null_passes(check.flatten(), &listed),
        Asks::ForeignKey => !lowered(node).contains("match full"),
        Asks::Unique => !lowered(node).contains("not distinct"),
        Asks::Exclusion | Asks::PrimaryKey | Asks::NotNull => false,
    };
    Some(Constraint {
        asks,
        name: it.constraint_name().and_then(|it| word_of(it.syntax())),
        columns,
        references,
        not_valid: it.is_not_valid(),
        not_enforced: options_say(it, "not enforced"),
        using_index: has_child::<ast::UsingIndexName>(node),
        null_passes,
    })
}

fn options_say(constraint: &ast::Constraint, words: &str) -> bool {
    constraint.constraint_options().any(|option| lowered(option.syntax()) == words)
}

fn columns_of(node: &SyntaxNode) -> Vec<String> {
    node.descendants().filter_map(ast::ColumnNameRef::cast).filter_map(|it| word_of(it.syntax())).collect()
}

/// The columns that an expression names.
fn names_used(node: &SyntaxNode) -> Vec<String> {
    let called = |it: &ast::NameRef| it.syntax().parent().is_some_and(|parent| ast::CallExpr::can_cast(parent.kind()));
    let names = node.descendants().filter_map(ast::NameRef::cast).filter(|it| !called(it));
    names.filter_map(|it| word_of(it.syntax())).collect()
}

/// Whether a check lets a row pass that has no value in any of these columns: `CHECK (a > 1)` does, for NULL > 1 is NULL, and
/// only false is refused. Where it cannot be told, it does not.
fn null_passes(expr: Option<ast::Expr>, columns: &[&str]) -> bool {
    let Some(expr) = expr else { return false };
    let node = expr.syntax();
    if names_used(node).iter().any(|name| !columns.contains(&name.as_str())) || names_used(node).is_empty() {
        return false;
    }
    let decides = [
        SyntaxKind::IS_KW,
        SyntaxKind::ISNULL_KW,
        SyntaxKind::NOTNULL_KW,
        SyntaxKind::CASE_KW,
        SyntaxKind::TRUE_KW,
        SyntaxKind::FALSE_KW,
        SyntaxKind::EXISTS_KW,
        SyntaxKind::COALESCE_KW,
        SyntaxKind::NULL_KW,
    ];
    let all = node.descendants_with_tokens().filter_map(squawk_syntax::SyntaxElement::into_token);
    if all.into_iter().any(|token| decides.contains(&token.kind())) {
        return false;
    }
    node.descendants().filter_map(ast::CallExpr::cast).all(|call| match call.expr() {
        Some(ast::Expr::NameRef(function)) => is_strict(&function.text()),
        Some(_) => false,
        // `= ANY (..)`, `extract(..)` and the like.
        None => {
            call.any_fn().is_some()
                || call.extract_fn().is_some()
                || call.trim_fn().is_some()
                || call.substring_fn().is_some()
        }
    })
}

fn default_of(expr: Option<ast::Expr>) -> Default {
    let Some(expr) = expr else { return Default::None };
    let node = expr.syntax();
    let mut bare = expr.clone();
    while let ast::Expr::CastExpr(_) | ast::Expr::ParenExpr(_) = &bare
        && let Some(inner) = bare.syntax().children().find_map(ast::Expr::cast)
    {
        bare = inner;
    }
    if let ast::Expr::Literal(literal) = &bare
        && has(literal.syntax(), SyntaxKind::NULL_KW)
    {
        return Default::None;
    }
    let same = node.descendants().filter_map(ast::CallExpr::cast).all(|call| match call.expr() {
        Some(called) => is_same_for_all_rows(&lowered(called.syntax()).replace("pg_catalog . ", "")),
        None => true,
    });
    if same { Default::Same } else { Default::PerRow }
}

fn generated(it: &ast::GeneratedConstraint) -> Option<Generated> {
    Some(match it.generated_as()? {
        ast::GeneratedAs::GeneratedIdentity(_) => Generated::Identity,
        ast::GeneratedAs::GeneratedStored(it) => match it.generated_kind() {
            Some(ast::GeneratedKind::Stored(_)) => Generated::Stored,
            Some(ast::GeneratedKind::Virtual(_)) => Generated::Virtual,
            None => Generated::ByVersion,
        },
    })
}

fn column_type(node: &SyntaxNode) -> ColumnType {
    if !ast::PathType::can_cast(node.kind()) {
        return match node.children().find(|child| ast::PathType::can_cast(child.kind())) {
            // An array: of its elements' domain.
            Some(of) => column_type(&of),
            None => ColumnType::Plain,
        };
    }
    let Some(name) = name_of(node) else { return ColumnType::Plain };
    let of_postgres = name.schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
    if of_postgres && SERIAL_TYPES.contains(&name.own.as_str()) {
        return ColumnType::Serial;
    }
    let extension = ["citext", "hstore", "ltree", "geometry", "geography", "vector"].contains(&name.own.as_str());
    if (of_postgres || extension) && PLAIN_TYPES.contains(&name.own.as_str()) {
        return ColumnType::Plain;
    }
    ColumnType::Own(name)
}
