//! The cases of the watch on the paused clock, named after the table they are from: `a01` to `a31`, `mo01` to `mo17`.

mod alarms;
mod logs;
mod others;
mod rates;
mod script;
