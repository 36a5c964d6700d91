//! The parser: the only place that knows it. What it reads leaves in words of our own ([`Script`]).
//!
//! It is squawk's, of PostgreSQL's whole language. It always makes a tree, also of a text with errors, so that what is dropped behind
//! an error is found too.

mod bodies;
mod columns;
mod constraints;
mod depth;
mod names;
mod objects;
mod origin;
mod privileges;
mod reader;
mod rows;
mod session;
mod statements;
mod tables;
mod types;

use std::ops::Range;
use std::thread;

use squawk_syntax::ast::AstNode as _;
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};
use text_size::TextRange;

use self::origin::Origin;
use self::reader::Reader;
use super::act::{Comment, Fault, Script};

/// The parser's stack. It is only reserved, and taken as far as the text goes down.
const STACK: usize = 256 << 20;

/// Reads a script. What cannot be read is told, with all that could be read of the rest.
#[must_use]
pub fn read(text: &str) -> Script {
    if let Some(at) = text.find('\0') {
        return unread(at, "it holds a NUL byte, which PostgreSQL refuses");
    }
    if let Some((at, why)) = depth::too_deep(text) {
        return unread(at, &why);
    }
    let read = thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || parse(text));
        thread.ok().and_then(|thread| thread.join().ok())
    });
    read.unwrap_or_else(|| unread(0, "the parser gave up"))
}

/// A script of which nothing could be read.
fn unread(at: usize, why: &str) -> Script {
    Script { faults: vec![Fault { at: at..at, why: why.to_owned() }], ..Script::default() }
}

fn parse(text: &str) -> Script {
    let parsed = SourceFile::parse(text);
    let file = parsed.tree();
    let mut reader = Reader::new(Origin::File);
    let statements = file.stmts().map(|stmt| reader.statement(&stmt)).collect();
    let mut faults = reader.faults;
    if !reader.too_deep {
        // This parses the bodies of functions too, so only when none of them is too deep.
        let errors = parsed.errors();
        faults.extend(errors.iter().map(|error| Fault { at: range(error.range()), why: error.message().to_owned() }));
    }
    faults.sort_by_key(|fault| fault.at.start);
    Script { statements, faults, comments: comments(file.syntax()) }
}

fn comments(file: &SyntaxNode) -> Vec<Comment> {
    let tokens = file.descendants_with_tokens().filter_map(squawk_syntax::SyntaxElement::into_token);
    let comments = tokens.filter(|token| token.kind() == SyntaxKind::COMMENT);
    comments.map(|token| Comment { at: range(token.text_range()), text: token.text().to_owned() }).collect()
}

fn range(of: TextRange) -> Range<usize> {
    usize::from(of.start())..usize::from(of.end())
}
