//! check-migrations for a push to main that adds one migration.

use deploy_action::permissions::When;

use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{ENVIRONMENT, Scene, Stage};
use crate::world::RUN;

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "check-migrations",
    scenes: &[Scene::new("check-migrations", || Box::pin(pushed())).floor(3, &[(1, "the trees name the new files")])],
    role: &[Variant::whole("check-migrations", &[], &[])],
    token: &[Variant::whole("check-migrations", &[When::LastDeployed], &[])],
    hostile: |world| {
        let check = |base: &str| world.step("check-migrations").input("path", "app").input("base", base);
        vec![check("last-deployed").into(), check(&world.world.commits[0]).into()]
    },
};

async fn pushed() -> Stage {
    let mut stage = Stage::new().await;
    stage.record(RUN - 1, (1, 2), &["success"]);
    let files = [
        ("db/migrations/000001_users.up.sql", "CREATE TABLE users (id bigint);"),
        ("db/migrations/000001_users.down.sql", "DROP TABLE users;"),
    ];
    let head = stage.repository.commit(&[&stage.commits[4]], &files, "Change");
    stage.add(&head);
    stage.input("environment", ENVIRONMENT)
}
