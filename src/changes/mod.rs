//! Which components of a repository a difference between two of its commits concerns.
//!
//! [`Components`] says which files belong to which component and what depends on what, [`differing`] which files differ,
//! [`select`] what follows from both. All three are pure. [`Trees`] reads what they are asked about.

mod base;
mod components;
mod input;
mod patterns;
mod select;
mod syntax;
mod trees;
mod words;

pub use base::{Base, Trunk, before, trunk};
pub use components::{Components, Scope};
pub use input::ComponentsInput;
pub use patterns::Patterns;
pub use select::{Judged, Request, Selection, Since, select};
pub use trees::{Trees, differing, list};
pub use words::{label, some, wrong_components};
