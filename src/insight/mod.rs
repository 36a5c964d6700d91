//! What the records say together: which there are, what they come to, and how they lie on the default branch.

mod branch;
mod figures;
mod records;
mod releases;

pub use branch::Branch;
pub use figures::{Figure, Figures, Unit, Window};
pub use records::{Records, read_statuses};
pub use releases::{Outcome, Release, releases};
