//! The workflows of `examples/`, run by `act` with the real image on a container engine, against real counterparts.

mod lambda;
mod world;
