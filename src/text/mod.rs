//! Text from elsewhere and for people: made harmless, without secrets and accounts, cut, escaped.

pub mod accounts;
mod duration;
pub mod escape;
mod plain;
pub mod secrets;

pub use duration::{clock_after, human_duration, number_of};
pub use plain::{is_plain, json, leads_inside, markdown, one_line, sanitized};
pub use secrets::truncated;
