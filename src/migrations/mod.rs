//! Migrations: which of them a deployment adds, by the names and the marks of the tool that runs them, and what they say to the code
//! that serves.

#![expect(
    clippy::too_many_lines,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the tools that run migrations compare the names of files by their case"
)]

mod folder;
mod judge;
mod layout;
mod notes;
mod ownership;
mod sections;
mod transactions;

pub use self::folder::{About, Folder, Listing, Migration};
pub use self::judge::{Judgement, One, Pending, Rules, Told, judge};
pub use self::layout::{Layout, Role, Version};
pub use self::ownership::{Ownership, OwnershipInput};
