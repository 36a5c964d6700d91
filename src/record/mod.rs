//! The GitHub deployment record: the memory of all steps, and the only one.
//!
//! A record is made by the step that changes what serves, immediately before its first write, with the state it replaces in
//! the payload. What is learned later goes into statuses. A record *succeeded* when it has a `success` status and no later
//! `failure` or `error`; `inactive` undoes nothing.

mod close;
mod concurrency;
mod create;
mod floor;
mod held;
mod history;
mod hold;
mod inputs;
mod named;
mod opened;
mod payload;
mod place;
mod release;
mod required;
mod run;
pub mod status_line;
mod target;

pub use close::{attach, held_after, supersede, withdraw};
pub use concurrency::{Concurrency, look_among, look_for_others};
pub use held::{Admitted, Held};
pub use history::{Entry, History, Standing, note_corrupt};
pub use inputs::{Mode, OnConcurrent, RecordInputs};
pub use named::{NamedRecord, read_named};
pub use payload::{Kind, Payload, Read, Released, Run, doer, is_same_run};
pub use place::{Identity, Place};
pub use release::{Record, Release};
pub use required::RequiredMigrations;
pub use run::{actor, attempt, component, is_denied, places, this_run, unreadable};
pub use target::{Previous, Target};
