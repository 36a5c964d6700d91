//! The workflows of `examples/`, run by `act` with the real image on a container engine, against real counterparts.

mod adopting;
mod candidate;
mod containers;
mod ecs_release;
mod image;
mod inventory;
mod lambda;
mod multi_app;
mod preview;
mod reusable;
mod rollback;
mod site;
mod site_releases;
mod unified;
mod world;
