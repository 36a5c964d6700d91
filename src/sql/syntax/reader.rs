//! What reading a text collects.

use squawk_syntax::SyntaxNode;

use super::origin::{Finished, Origin};
use crate::sql::act::{Act, Fault, Kind, What};
use crate::sql::name::Name;
use crate::sql::rule::Rule;

/// Reads the statements of one text.
pub(super) struct Reader<'a> {
    pub(super) origin: Origin<'a>,
    pub(super) acts: Vec<Act>,
    pub(super) faults: Vec<Fault>,
    /// A text was not given to the parser.
    pub(super) too_deep: bool,
    pub(super) conditional: bool,
    pub(super) alone: Option<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(origin: Origin<'a>) -> Self {
        Self { origin, acts: Vec::new(), faults: Vec::new(), too_deep: false, conditional: false, alone: None }
    }

    /// A reader of a text inside of this one.
    pub(super) fn within<'b>(&self, origin: Origin<'b>, conditional: bool) -> Reader<'b> {
        Reader { conditional: conditional || self.conditional, ..Reader::new(origin) }
    }

    pub(super) fn finish(self) -> Finished {
        Finished { acts: self.acts, faults: self.faults, too_deep: self.too_deep }
    }

    pub(super) fn push(&mut self, node: &SyntaxNode, what: What) {
        let at = self.origin.place(node.text_range());
        self.acts.push(Act { at, conditional: self.conditional, what });
    }

    /// A rule about something that cannot be new.
    pub(super) fn does(&mut self, node: &SyntaxNode, rule: Rule, detail: &str) {
        self.push(node, What::Does { rule, to: Vec::new(), detail: detail.to_owned() });
    }

    /// A rule about an object.
    pub(super) fn does_to(&mut self, node: &SyntaxNode, rule: Rule, kind: Kind, to: Name, detail: &str) {
        self.push(node, What::Does { rule, to: vec![(kind, to)], detail: detail.to_owned() });
    }
}
