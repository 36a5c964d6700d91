//! A rehearsal: the migrations of a deployment, run on a scratch PostgreSQL as their tool would run them, with the locks that each
//! statement really takes, the tables that it writes anew, whether the serving code's own statements still work, and the way back.

mod apply;
mod catalog;
mod model;
mod queries;
mod run;

pub use self::model::{Broke, Down, Failed, Lock, Mode, Ran, Tried};
pub use self::queries::{Query, queries};
pub use self::run::{Refused, Rehearsal, Rehearsed};
