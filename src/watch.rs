//! What judges a release after it was deployed.

pub mod statistics;
