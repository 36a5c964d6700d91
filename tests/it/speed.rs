//! What `cargo speed` times is the whole work. How long it takes is no matter here.

use std::path::Path;

use testbed::aws::LocalAws;
use testbed::speed::{self, Player, Scene};

#[tokio::test]
async fn the_steps_that_are_timed_carry_a_release_to_the_users_and_back() {
    let scene = Scene::set(LocalAws::shared(), 0).await.unwrap();
    let player = Player::product(Path::new(env!("CARGO_BIN_EXE_deploy-action")));
    player.play(&scene, None).await.unwrap();
    scene.end().await.unwrap();
}

#[tokio::test]
async fn the_migrations_that_are_timed_are_judged_as_what_they_are() {
    let program = Path::new(env!("CARGO_BIN_EXE_deploy-action"));
    let said = speed::migrations(program, 30, 1).await.unwrap();
    assert!(said.starts_with("30 migrations of 1024 bytes: "), "{said}");
}
