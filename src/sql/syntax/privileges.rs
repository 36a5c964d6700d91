//! Privileges that are granted and revoked.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::names::{functions_in, lowered, names_in, word_of};
use super::reader::Reader;
use crate::sql::act::{Kind, What};
use crate::sql::name::Name;
use crate::sql::rule::Rule;

impl Reader<'_> {
    pub(super) fn grant(&mut self, it: &ast::Grant) {
        let Some(on) = it.on_privilege_objects_clause() else { return };
        let words = lowered(on.syntax());
        if words.starts_with("on all sequences") {
            let schemas = schemas_in(on.syntax());
            self.push(it.syntax(), What::GrantsSequences { names: Vec::new(), schemas });
        } else if words.starts_with("on sequence") {
            self.push(it.syntax(), What::GrantsSequences { names: names_in(on.syntax()), schemas: Vec::new() });
        }
    }

    pub(super) fn revoke(&mut self, it: &ast::Revoke) {
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
            let names = match kind {
                Kind::Function => functions_in(on.syntax()),
                Kind::Schema => schemas_in(on.syntax()).into_iter().map(Name::bare).collect(),
                _ => names_in(on.syntax()),
            };
            names.into_iter().map(|name| (kind, name)).collect()
        });
        let to = to.unwrap_or_default();
        self.push(it.syntax(), What::Does { rule: Rule::Revoke, to, detail: String::new() });
    }
}

fn schemas_in(node: &SyntaxNode) -> Vec<String> {
    node.descendants().filter_map(ast::SchemaRef::cast).filter_map(|it| word_of(it.syntax())).collect()
}
