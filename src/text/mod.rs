//! Text from elsewhere and for people: made harmless, without secrets and accounts, cut, escaped.

pub mod accounts;
mod bars;
mod duration;
pub mod escape;
mod foreign;
mod message;
mod plain;
pub mod secrets;

pub use bars::bars;
pub use duration::{clock_after, human_duration, number_of};
pub use foreign::{Foreign, LONGEST, has_secret};
pub(crate) use message::{message, message_str};
pub use plain::{each_text, is_harmless, is_plain, json, leads_inside};
pub use secrets::truncated;
