//! Constraints of tables: what they ask for, and whether a row without a value passes.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::names::{has_child, lowered, named, word_of};
use crate::sql::act::{Asks, Constraint};
use crate::sql::functions::is_strict;

pub(super) fn constraint(it: &ast::Constraint) -> Option<Constraint> {
    use ast::Constraint as C;
    let (asks, check, references) = match it {
        C::CheckConstraint(it) => (Asks::Check, Some(it.expr()), None),
        C::ForeignKeyConstraint(it) => (Asks::ForeignKey, None, named(it.table_name_ref())),
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

pub(super) fn options_say(constraint: &ast::Constraint, words: &str) -> bool {
    constraint.constraint_options().any(|option| lowered(option.syntax()) == words)
}

/// Whether a check lets a row pass that has no value in any of these columns: `CHECK (a > 1)` does, for NULL > 1 is NULL, and
/// only false is refused. Where it cannot be told, it does not.
pub(super) fn null_passes(expr: Option<ast::Expr>, columns: &[&str]) -> bool {
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

fn columns_of(node: &SyntaxNode) -> Vec<String> {
    node.descendants().filter_map(ast::ColumnNameRef::cast).filter_map(|it| word_of(it.syntax())).collect()
}

/// The columns that an expression names.
fn names_used(node: &SyntaxNode) -> Vec<String> {
    let called = |it: &ast::NameRef| it.syntax().parent().is_some_and(|parent| ast::CallExpr::can_cast(parent.kind()));
    let names = node.descendants().filter_map(ast::NameRef::cast).filter(|it| !called(it));
    names.filter_map(|it| word_of(it.syntax())).collect()
}
