//! Names and words of the tree.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

use crate::sql::name::Name;

/// The first name that stands in a node.
pub(super) fn name_of(node: &SyntaxNode) -> Option<Name> {
    node.descendants().find_map(|node| path(&node)).or_else(|| Some(Name::bare(word_of(node)?)))
}

/// The name that a path is.
fn path(node: &SyntaxNode) -> Option<Name> {
    if !ast::Path::can_cast(node.kind()) && !ast::PathRef::can_cast(node.kind()) {
        return None;
    }
    let part = |node: SyntaxNode| match ast::PathSegment::cast(node.clone()) {
        Some(segment) => Some(segment.text()),
        None => ast::PathSegmentRef::cast(node).map(|segment| segment.text()),
    };
    let mut parts: Vec<String> = node.descendants().filter_map(part).collect();
    let own = parts.pop()?;
    Some(match parts.pop() {
        Some(schema) => Name::within(schema, own),
        None => Name::bare(own),
    })
}

/// All names in a node.
pub(super) fn names_in(node: &SyntaxNode) -> Vec<Name> {
    let outermost = |node: &SyntaxNode| {
        let parent = node.parent();
        !parent.is_some_and(|parent| ast::Path::can_cast(parent.kind()) || ast::PathRef::can_cast(parent.kind()))
    };
    node.descendants().filter(outermost).filter_map(|node| path(&node)).collect()
}

/// The one word that a node is: a column, a constraint, a role.
pub(super) fn word_of(node: &SyntaxNode) -> Option<String> {
    let mut at = node.clone();
    loop {
        let token = words(&at).next();
        match (token, at.children().next()) {
            (Some(_), _) => return Some(ast::normalize_name_node(&at)),
            (None, Some(child)) => at = child,
            (None, None) => return None,
        }
    }
}

/// The word of a node that may be missing.
pub(super) fn word<N: AstNode>(node: Option<N>) -> String {
    node.and_then(|node| word_of(node.syntax())).unwrap_or_default()
}

/// The name in a node that may be missing.
pub(super) fn named<N: AstNode>(node: Option<N>) -> Option<Name> {
    name_of(node?.syntax())
}

/// The name in a node that may be missing, or one of nothing.
pub(super) fn name<N: AstNode>(node: Option<N>) -> Name {
    named(node).unwrap_or_else(|| Name::bare(""))
}

/// The tokens of a node itself that are neither blanks nor comments.
fn words(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> {
    let tokens = node.children_with_tokens().filter_map(squawk_syntax::SyntaxElement::into_token);
    tokens.filter(is_word)
}

fn is_word(token: &SyntaxToken) -> bool {
    !matches!(token.kind(), SyntaxKind::WHITESPACE | SyntaxKind::COMMENT)
}

/// The text of a node in lower case, with one blank for what separates its words.
pub(super) fn lowered(node: &SyntaxNode) -> String {
    let tokens = node.descendants_with_tokens().filter_map(squawk_syntax::SyntaxElement::into_token);
    tokens.filter(is_word).map(|token| token.text().to_lowercase()).collect::<Vec<_>>().join(" ")
}

/// Whether one of the words of a node itself is this keyword.
pub(super) fn has(node: &SyntaxNode, keyword: SyntaxKind) -> bool {
    words(node).any(|token| token.kind() == keyword)
}

/// Whether this node has a child of a kind.
pub(super) fn has_child<N: AstNode>(node: &SyntaxNode) -> bool {
    node.children().any(|child| N::can_cast(child.kind()))
}

/// A function with its arguments, as far as they tell it from others of its name.
pub(super) fn function(node: &SyntaxNode) -> Option<Name> {
    let mut name = name_of(node)?;
    let params = node.descendants().find_map(ast::ParamList::cast)?;
    let is_in = |param: &ast::Param| !param.syntax().children().any(|child| child.kind() == SyntaxKind::PARAM_OUT);
    let types = params.params().filter(is_in).filter_map(|param| Some(lowered(param.func_type()?.syntax())));
    let types: Vec<String> = types.collect();
    name.own = format!("{}({})", name.own, types.join(", "));
    Some(name)
}

/// All functions in a node that are named with or without their arguments.
pub(super) fn functions_in(node: &SyntaxNode) -> Vec<Name> {
    let is_signature = |node: &SyntaxNode| {
        matches!(node.kind(), SyntaxKind::FUNCTION_SIG | SyntaxKind::PROCEDURE_SIG | SyntaxKind::ROUTINE_SIG)
    };
    let signatures = node.descendants().filter(is_signature);
    signatures.filter_map(|node| function(&node).or_else(|| name_of(&node))).collect()
}
