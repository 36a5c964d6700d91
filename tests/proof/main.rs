//! Proofs over every step: each step's normal run is a scene, and what holds for all of them is proved of each.

mod matrix;
mod permissions;
mod scenes;
#[path = "../it/world.rs"]
#[expect(dead_code, reason = "the scenes need a part of it")]
mod world;
