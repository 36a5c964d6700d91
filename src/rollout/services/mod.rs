//! What steps that move services of ECS share: the one write, following what ECS makes of it to its end, and what that end means.

mod answer;
mod deployable;
mod follow;
mod found;
mod judge;
mod per_service;
mod register;
mod restore;
mod time;
mod unhealthy;
mod update;
mod verdict;
mod way;

pub use self::answer::answer_hook;
pub use self::deployable::check_deployable;
pub use self::follow::{Ended, Followed, follow};
pub use self::found::{Found, find};
pub use self::judge::{End, reason};
pub use self::per_service::{ExpectedRevisions, PerService};
pub use self::register::register;
pub use self::restore::restore;
pub use self::time::{BEFORE_EACH_STEP, at_least, at_most};
pub use self::unhealthy::explain_unhealthy;
pub use self::update::{by_hand, is_unanswered, update};
pub use self::verdict::{outcome, told};
pub use self::way::{AtPause, Goal, Until, Way};
