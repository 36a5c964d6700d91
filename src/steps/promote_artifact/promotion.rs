//! One promotion.

use super::inputs::PromoteArtifact;
use super::places::Places;
use crate::context::Context;

/// One promotion, from somewhere to somewhere.
#[derive(Clone, Copy)]
pub(super) struct Promotion<'a> {
    pub(super) cx: &'a Context,
    pub(super) inputs: &'a PromoteArtifact,
    pub(super) places: &'a Places,
}
