//! One promotion.

use super::inputs::PromoteArtifact;
use super::places::Places;
use super::values::PlatformName;
use crate::context::Context;

/// One promotion, from somewhere to somewhere.
#[derive(Clone, Copy)]
pub(super) struct Promotion<'a> {
    pub(super) cx: &'a Context,
    pub(super) inputs: &'a PromoteArtifact,
    pub(super) places: &'a Places,
    /// The platforms that are asked for, that of `lambda-image` first.
    pub(super) platforms: &'a [PlatformName],
}
