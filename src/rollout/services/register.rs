//! A revision of a task definition that is not there yet.

use anyhow::{Context as _, Result};

use super::update::is_unanswered;
use crate::action::inputs::CommitSha;
use crate::calls::Answer;
use crate::ecs::{Definition, Ecs, Revision};

/// Registers it under its family, marked with the commit, and answers its name. `newest` is the newest of the family until now: a write
/// whose answer was lost is found after it.
///
/// # Errors
/// ECS refuses it.
pub async fn register(
    ecs: &Ecs,
    wanted: &Definition,
    newest: Option<&Revision>,
    commit: Option<&CommitSha>,
) -> Result<Revision> {
    const NO_NAME: &str = "ECS registered a task definition without a name";
    let family = wanted.family().context("the task definition names no family")?;
    let body = wanted.to_register(commit.map_or("unknown", CommitSha::as_str));
    let registered = match ecs.register(&family, body).await {
        Ok(registered) => registered,
        // It may have been registered all the same: then it is the newest of its family.
        Err(error) if is_unanswered(&error) => {
            let found = ecs.definition(family.as_str()).await?;
            let is_new = |found: &Definition| found.revision().as_ref() > newest;
            match found.filter(|found| is_new(found) && found.says_the_same(wanted)) {
                Some(found) => {
                    ecs.calls().correct(Answer::Applied);
                    found
                }
                None => return Err(error),
            }
        }
        Err(error) => return Err(error),
    };
    registered.revision().context(NO_NAME)
}
