//! Whether a version can be gone back to. No I/O.

use super::place::Known;
use crate::lambda::{Function, State, Version};
use crate::outcome::Outcome;
use crate::text::message;

/// Refuses a version that cannot be started.
pub(super) fn check_state(target: &Function, to: Version, image_gone: bool) -> Result<(), Outcome> {
    let name = &target.name;
    match &target.state {
        State::Failed(_) | State::NotInvocable => {
            Err(Outcome::fail(format!("version {to} of {name}, to go back to, is {}", target.state))
                .advise("name another version with the input `to`"))
        }
        State::Inactive | State::Pending(_) if image_gone => Err(Outcome::fail(message!(
            "image-gone", "the image of version {to} of {name}, to go back to, is gone from its repository: it would not start; nothing was written"
        ))
        .advise("name another version with the input `to`, or promote the image into its repository again")),
        State::Active | State::Inactive | State::Pending(_) => Ok(()),
    }
}

/// Refuses a version that does not hold what the state or the record says: versions of a function that was deleted and made again
/// have the same numbers.
pub(super) fn check_holds(target: &Function, known: &Known) -> Result<(), Outcome> {
    let name = &target.name;
    let number = target.number();
    let different = known.holds.iter().find_map(|holds| Some((holds, holds.difference(target)?)));
    match different {
        None => Ok(()),
        Some((holds, (found, named))) => Err(Outcome::fail(message!(
            "version-holds-other",
            "version {number} of {name} holds {found}, and {} says that it holds {named}: nothing was written",
            holds.by
        ))
        .advise(format!(
            "look at what version {number} is; if it is what shall serve, name it: `to: version:{number}`"
        ))),
    }
}

/// Refuses a version whose package lies in the customer's bucket, and is gone from there.
pub(super) fn check_package(target: &Function) -> Result<(), Outcome> {
    let Some(why) = &target.storage.error else { return Ok(()) };
    let number = target.number();
    Err(Outcome::fail(format!(
        "AWS cannot get at the package of version {number} of {}, to go back to: {why}; nothing was written",
        target.name
    ))
    .advise(
        "put the object back into its bucket, or let Lambda read it again; or name another version with the input `to`",
    ))
}
