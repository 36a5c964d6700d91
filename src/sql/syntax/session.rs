//! Settings of the session: what names without a schema mean.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::names::{has, lowered, word, word_of};
use super::reader::Reader;
use crate::sql::act::What;

impl Reader<'_> {
    pub(super) fn set(&mut self, it: &ast::Set) {
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

    pub(super) fn reset(&mut self, it: &ast::Reset) {
        let words = lowered(it.syntax());
        if words.contains("search_path") || words.ends_with("all") || words.ends_with("all ;") {
            let schemas = Some(vec!["public".to_owned()]);
            self.push(it.syntax(), What::SearchPath { schemas, local: false });
        }
    }

    /// A call of `set_config`, which is `SET` as a function.
    pub(super) fn set_config(&mut self, call: &ast::CallExpr) {
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
}

/// A value of a setting: a word or a string.
fn setting(node: &SyntaxNode) -> Option<String> {
    let literal = node.descendants().find_map(ast::Literal::cast).and_then(|it| it.string_value());
    literal.or_else(|| word_of(node)).filter(|value| !value.is_empty())
}
