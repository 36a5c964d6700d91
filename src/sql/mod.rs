//! SQL: what a script does to the code that was there before it. Pure: nothing is asked, no database is needed.

mod act;
mod advice;
mod batch;
#[cfg(test)]
mod cases;
mod functions;
#[cfg(test)]
mod measured;
mod name;
mod rule;
mod syntax;

pub use self::act::{Act, Comment, Fault, Script, Statement, What};
pub use self::advice::meaning;
pub use self::batch::{Addition, Batch, Finding, Judged, Settings, Use};
pub use self::name::Name;
pub use self::rule::{Class, Rule};
pub use self::syntax::read;
