//! Types: those of columns, and what `ALTER TYPE` and `ALTER DOMAIN` do to them.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::names::{lowered, name, name_of, names_in, word};
use super::reader::Reader;
use crate::sql::act::{ColumnType, Kind};
use crate::sql::rule::Rule;

impl Reader<'_> {
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
            Some(A::SetSchema(schema)) => self.sets_schema(node, Kind::Type, &own, word(schema.schema_ref())),
            Some(A::TypeRenameTo(to)) => {
                let to = names_in(to.syntax()).pop().map_or_else(String::new, |to| to.own);
                self.renames(node, Kind::Type, &own, to, Rule::RenameObject);
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
}

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

pub(super) fn column_type(node: &SyntaxNode) -> ColumnType {
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
