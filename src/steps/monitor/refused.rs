//! What is not watched, because it is not the release that was meant.

use crate::lambda::{Alias, Version};
use crate::outcome::Outcome;
use crate::record::Place;
use crate::text::message;

/// A release that was put back is not watched: what served before it would be judged in its place.
pub(super) fn put_back(place: &Place) -> Outcome {
    let name = &place.identity;
    let reason = message!(
        "already-put-back",
        "{name} serves again what served before this release: it was put back, and is not watched"
    );
    Outcome::fail(reason).advise("deploy a release that is mended; to watch what serves, leave `state` out")
}

/// Somebody else's release is not watched for this one.
pub(super) fn refuse_another(alias: &Alias, wanted: Version) -> Result<(), Outcome> {
    if alias.version == Some(wanted) || alias.weights.contains_key(&wanted) {
        return Ok(());
    }
    let (name, function) = (&alias.name, &alias.function);
    let reason = message!(
        "another-version-serves",
        "alias {name} of {function} is at version {alias}, not at version {wanted}: somebody else moved it"
    );
    Err(Outcome::superseded(reason)
        .advise("look at which release is to serve; to watch what serves, leave `version` out"))
}
