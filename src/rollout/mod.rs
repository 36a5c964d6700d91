//! What several steps share: what they aim at, what guards a write, and the writes themselves with their proof.

pub mod adopt;
pub mod age;
pub mod ancestry;
pub mod bases;
pub mod ecr_image;
pub mod elsewhere;
pub mod gate;
pub mod guard;
pub mod image;
pub mod latest;
pub mod migration_files;
pub mod move_alias;
pub mod proof;
pub mod provisioned;
pub mod put_back;
pub mod release_tag;
pub mod services;
pub mod sites;
pub mod state;
pub mod strategy;
pub mod tag_format;
pub mod targets;
pub mod update_code;
