//! Proofs over every step: each step's normal run is a scene, and what holds for all of them is proved of each.

mod matrix;
mod permissions;
mod requests;
pub(crate) mod scenes;
