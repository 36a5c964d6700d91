//! Migrations: which of them a deployment adds, by the names and the marks of the tool that runs them, and what they say to the code
//! that serves.

mod folder;
mod judge;
mod judgement;
mod layout;
mod notes;
mod ownership;
mod parts;
mod sections;
mod tools;
mod transactions;

pub use self::folder::{About, Folder, Listing, Migration};
pub use self::judge::judge;
pub use self::judgement::{Judgement, One, Pending, Rules, Told};
pub use self::layout::{Layout, Role, Version};
pub use self::ownership::{Ownership, OwnershipInput};
