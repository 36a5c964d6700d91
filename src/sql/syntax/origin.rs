//! Where a text stands that is being read, and what came of reading it.

use std::ops::Range;

use squawk_syntax::plpgsql::Plpgsql;
use squawk_syntax::sql_body::SqlBody;
use text_size::TextRange;

use crate::sql::act::{Act, Fault};

/// Where a text stands that is being read.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// It is the file.
    File,
    /// It is a body in PL/pgSQL of a text.
    Plpgsql(&'a Origin<'a>, &'a Plpgsql),
    /// It is a body in SQL of a text.
    Sql(&'a Origin<'a>, &'a SqlBody),
    /// It is a string of a text, whose parts are not told from each other.
    Whole(&'a Origin<'a>, TextRange),
}

impl Origin<'_> {
    /// Where that is in the file.
    pub(super) fn place(&self, range: TextRange) -> Range<usize> {
        match self {
            Self::File => usize::from(range.start())..usize::from(range.end()),
            Self::Plpgsql(outer, body) => outer.place(body.source_range(range)),
            Self::Sql(outer, body) => outer.place(body.source_range(range)),
            Self::Whole(outer, whole) => outer.place(*whole),
        }
    }

    pub(super) fn levels(&self) -> usize {
        match self {
            Self::File => 0,
            Self::Plpgsql(outer, _) | Self::Sql(outer, _) | Self::Whole(outer, _) => 1 + outer.levels(),
        }
    }
}

/// What came of reading an inner text.
pub(super) struct Finished {
    pub(super) acts: Vec<Act>,
    pub(super) faults: Vec<Fault>,
    pub(super) too_deep: bool,
}
