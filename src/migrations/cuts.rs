//! Statements that a tool cuts in two, because it looks for their ends itself.

use std::ops::Range;

use super::goose;
use super::layout::Layout;
use super::transactions::Wrong;
use crate::sql::{Rule, Script};

/// What is cut in two: where, the rule, what, and the safe way.
pub(super) fn check(layout: Layout, cuts: &[usize], text: &str, script: &Script) -> Option<Wrong> {
    let is_cut = |at: &Range<usize>| cuts.iter().any(|cut| at.start < *cut && *cut < at.end);
    let statement = script.statements.iter().map(|one| &one.at).find(|at| is_cut(at));
    // What is left of a comment behind the cut is no comment any more.
    let is_left = |at: &Range<usize>| {
        let mut within = cuts.iter().filter(|cut| at.start < **cut && **cut < at.end);
        within.any(|cut| text.get(*cut..at.end).is_some_and(|rest| !rest.trim().is_empty()))
    };
    let comments = script.comments.iter().map(|one| &one.at).filter(|_| layout != Layout::Goose);
    let at = statement.or_else(|| comments.into_iter().find(|at| is_left(at)))?;
    let (why, fix) = if layout == Layout::Goose {
        (
            "goose takes each line that ends with `;` for the end of a statement, so it cuts this one in two"
                .to_owned(),
            goose::BLOCK,
        )
    } else {
        (
            format!(
                "with `x-multi-statement=true`, {layout} cuts the file at each `;`, also inside of strings, comments and bodies of functions: this is cut in two"
            ),
            "take the `;` out of it, or run what is in this file without `x-multi-statement=true`",
        )
    };
    Some((at.clone(), Rule::ToolStops, why, fix.to_owned()))
}
