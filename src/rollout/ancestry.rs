//! How the commit that is deployed stands to the one that serves.

use anyhow::Result;

use crate::action::inputs::CommitSha;
use crate::calls::error_line;
use crate::context::Context;
use crate::github::Ancestry;
use crate::record;

/// How the new commit is related to the one that serves; `None` where one of them is unknown, both are the same, or GitHub may not be
/// asked, which is a warning.
pub async fn ancestry(cx: &Context, old: Option<&CommitSha>, new: Option<&CommitSha>) -> Result<Option<Ancestry>> {
    let (Some(old), Some(new)) = (old, new) else { return Ok(None) };
    if new == old {
        return Ok(None);
    }
    let ancestry = match cx.github().await {
        Ok(github) => github.ancestry(old, new).await,
        Err(error) => Err(error),
    };
    match ancestry {
        Ok(ancestry) => Ok(Some(ancestry)),
        Err(error) if record::unreadable(&error) => {
            cx.report.warn(format!(
                "whether commit {} is older than what serves could not be determined: {}",
                new.short(),
                error_line(&error)
            ));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
