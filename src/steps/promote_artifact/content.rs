//! Which files of two commits differ that concern what is promoted.

use std::rc::Rc;

use anyhow::Result;

use crate::action::inputs::CommitSha;
use crate::changes::{Components, Trees, differing};
use crate::context::Context;
use crate::github::Files;

/// The commit being deployed, beside which others are held.
#[derive(Debug)]
pub(super) struct Content<'a> {
    cx: &'a Context,
    trees: &'a Trees,
    own: Rc<Files>,
    /// The components, and the one that is promoted.
    of: Option<(&'a Components, &'a str)>,
}

/// How another commit compares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    /// The files that concern what is promoted and differ, sorted.
    pub(super) concerned: Vec<String>,
    /// Those that differ and belong to no component.
    pub(super) unmatched: Vec<String>,
}

impl<'a> Content<'a> {
    /// The files of this commit; nothing if GitHub does not show it.
    pub(super) async fn of(
        cx: &'a Context,
        trees: &'a Trees,
        commit: &CommitSha,
        of: Option<(&'a Components, &'a str)>,
    ) -> Result<Option<Self>> {
        Ok(trees.of(cx, commit).await?.map(|own| Self { cx, trees, own, of }))
    }

    /// Compares with another commit; nothing if that cannot be determined.
    pub(super) async fn compare(&self, other: &str) -> Result<Option<Compared>> {
        let Ok(other) = other.parse() else { return Ok(None) };
        let files = self.trees.of(self.cx, &other).await?;
        Ok(files.and_then(|files| differing(&files, &self.own)).map(|files| self.sort(files)))
    }

    fn sort(&self, files: Vec<String>) -> Compared {
        let Some((components, name)) = self.of else { return Compared { concerned: files, unmatched: Vec::new() } };
        let scope = components.scope(name);
        let (concerned, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| scope.owner(file).is_some());
        let unmatched = others.into_iter().filter(|file| !components.know(file)).collect();
        Compared { concerned, unmatched }
    }
}
