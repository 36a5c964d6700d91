//! The playground: the counterparts of the tests, left running, with a sample app in them, and commands to try by hand.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::aws::{Account, FunctionSpec, ImageSpec, LocalAws};
use crate::github::{LocalGithub, Permission};
use crate::registry::Registry;

/// The function of the sample app.
const FUNCTION: &str = "shop-api";
/// The repository in ECR, and the one in the source registry.
const REPOSITORY: &str = "shop/api";
const SOURCE: &str = "org/shop";
/// Where the source registry would be.
const SOURCE_HOST: &str = "ghcr.io";

/// A playground. All of it ends with it.
#[derive(Debug)]
pub struct Playground {
    _github: LocalGithub,
    _source: Registry,
    exports: Vec<(String, String)>,
    commands: Vec<String>,
}

impl Playground {
    /// Brings everything up: a function whose alias `live` serves 1.0.0, and 1.1.0 in the source registry.
    ///
    /// # Errors
    /// Something does not start.
    pub async fn start(program: &Path) -> Result<Self> {
        let aws = LocalAws::shared().account();
        let github = LocalGithub::start().await?;
        let source = Registry::ghcr().start().await?;
        let repository = github.repository("org/shop");
        let commits = repository.history("main", 2);
        let (old, new) = (commits.first().context("a commit")?, commits.last().context("a commit")?);
        serve(&aws, old).await?;
        let spec = ImageSpec::new(SOURCE).tag("v1.1.0").release("1.1.0", new);
        let digest = source.put_image(&spec).digest;
        let (user, password) = source.credentials();

        let token = repository.token_of(
            &user,
            &[
                Permission::Actions.read(),
                Permission::Contents.write(),
                Permission::Deployments.write(),
                Permission::Issues.write(),
                Permission::Statuses.write(),
            ],
        );
        let folder = program.parent().context("the folder of the program")?;
        let mut exports = aws.environment();
        let more = [
            ("GITHUB_API_URL", github.url()),
            ("GITHUB_SERVER_URL", "https://github.example.com"),
            ("GH_TOKEN", &token),
            ("SOURCE_PASSWORD", &password),
        ];
        exports.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
        exports.push(("PATH".to_owned(), format!("{}:$PATH", folder.display())));
        let ecr = aws.image_uri(REPOSITORY, &digest);
        let ecr = ecr.split('/').next().unwrap_or_default();
        let reached = [
            format!("--registry-endpoint {SOURCE_HOST}=http://{}", source.host()),
            format!("--registry-endpoint {ecr}={}", aws.endpoint()),
        ];
        let commands = vec![
            format!(
                "deploy-action promote-artifact --environment prd --sha {new} --source {SOURCE_HOST}/{SOURCE}:v1.1.0 \
                 --source-username {user} --source-password \"$SOURCE_PASSWORD\" --destination {REPOSITORY} {}",
                reached.join(" ")
            ),
            format!("deploy-action publish-version --function {FUNCTION} --sha {new} --image {REPOSITORY}@{digest}"),
            format!("deploy-action smoke-test --function {FUNCTION} --version 2"),
            format!(
                "deploy-action swap-alias --repository org/shop --environment prd --function {FUNCTION} --version 2 --sha {new}"
            ),
            format!(
                "deploy-action rollback --repository org/shop --environment prd --function {FUNCTION} --reason 'trying it out'"
            ),
        ];
        Ok(Self { _github: github, _source: source, exports, commands })
    }

    /// What another process has to have in its environment, as a shell reads it.
    #[must_use]
    pub fn exports(&self) -> String {
        let lines = self.exports.iter().map(|(name, value)| format!("export {name}=\"{value}\"\n"));
        lines.collect()
    }

    /// Commands to try, in this order.
    #[must_use]
    pub fn commands(&self) -> &[String] {
        &self.commands
    }
}

/// A function of an image of 1.0.0, whose alias `live` serves its first version.
async fn serve(aws: &Account, commit: &str) -> Result<()> {
    aws.create_repository(REPOSITORY).await?;
    let digest = aws.push_image(&ImageSpec::new(REPOSITORY).release("1.0.0", commit)).await?;
    aws.create_function(&FunctionSpec::image(FUNCTION, &aws.image_uri(REPOSITORY, &digest)).env("STAGE", "prd"))
        .await?;
    let version = aws.publish(FUNCTION, commit).await?;
    aws.create_alias(FUNCTION, "live", &version).await?;
    Ok(())
}
