//! Migrations: which of them a deployment adds, by the names and the marks of the tool that runs them, and what they say to the code
//! that serves.

#[cfg(test)]
mod cases;
mod cuts;
mod dbmate;
mod folder;
mod goose;
mod judge;
mod judgement;
mod layout;
#[cfg(test)]
mod measured;
mod names;
mod notes;
mod ownership;
mod parts;
mod sections;
mod sent;
mod split;
mod tools;
mod transactions;
mod values;

pub use self::folder::{About, Folder, Listing, Migration};
pub use self::judge::judge;
pub use self::judgement::{Judgement, One, Pending, Rules, Told};
pub use self::layout::Layout;
pub(crate) use self::names::is_sql;
pub use self::names::{Role, Version};
pub use self::ownership::{Ownership, OwnershipInput};
pub use self::sent::{Sent, SentStatement, sent_down, sent_up};
pub use self::values::{FolderPath, PostgresVersion, QueryFile};
