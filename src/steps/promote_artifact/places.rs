//! From where to where: the two repositories, and how each is entered.

use std::rc::Rc;

use anyhow::Result;

use super::inputs::PromoteArtifact;
use crate::calls::error_line;
use crate::context::Context;
use crate::oci::{EcrRegistry, RegistryName, RepositoryReference};
use crate::registry::ecr::Ecr;
use crate::registry::{Access, Credentials, Repository};
use crate::rollout::tag_format::Tag;
use crate::text::secrets::Secret;

/// The registry where the job's own token opens the door.
const GHCR: &str = "ghcr.io";

/// The two ends of a promotion.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) source: Repository,
    pub(super) destination: Repository,
}

impl Places {
    pub(super) fn destination_is_ecr(&self) -> bool {
        EcrRegistry::from_host(&self.destination.host).is_some()
    }

    /// Whether the destination's registry itself keeps these tags where they are.
    pub(super) async fn protects(&self, cx: &Context, tags: &[Tag]) -> bool {
        let Some(registry) = EcrRegistry::from_host(&self.destination.host) else { return false };
        let read = match cx.aws().await {
            Ok(aws) => Ecr::new(&aws, registry).mutability(&self.destination.name).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(Some(mutability)) => tags.iter().all(|tag| mutability.protects(tag.as_str())),
            Ok(None) => false,
            Err(error) => {
                tracing::info!("whether the registry protects the tag could not be read: {}", error_line(&error));
                false
            }
        }
    }
}

/// Settles where both are.
pub(super) async fn find(cx: &Context, inputs: &PromoteArtifact) -> Result<Places> {
    let named = inputs.registry.as_ref();
    let to = &inputs.destination;
    let from = inputs.source.as_ref().map_or(to, |source| &source.repository);
    let destination = host(cx, to, named).await?;
    let source = if from.host == to.host { destination.clone() } else { host(cx, from, named).await? };
    let given = inputs.source_username.as_ref().zip(inputs.source_password.as_ref());
    let given = given.map(|(username, password)| credentials(&username.0, password));
    let there = Rc::new(cx.registry(&source, given.clone().or_else(|| own(cx, &source))).await?);
    let here = if source == destination {
        Rc::clone(&there)
    } else {
        Rc::new(cx.registry(&destination, own(cx, &destination)).await?)
    };
    Ok(Places {
        source: Repository::new(cx.calls.clone(), there, &source, &from.repository, Access::Pull),
        destination: Repository::new(cx.calls.clone(), here, &destination, &to.repository, Access::Push),
    })
}

/// The host of a repository: named with it, named by the input `registry`, or ECR's of the credentials.
async fn host(cx: &Context, repository: &RepositoryReference, named: Option<&RegistryName>) -> Result<String> {
    match (&repository.host, named) {
        (Some(host), _) | (None, Some(RegistryName::Host(host))) => Ok(host.clone()),
        (None, Some(RegistryName::Account(account))) => Ok(EcrRegistry::of(account, cx.aws().await?.region()).host),
        (None, None) => {
            let aws = cx.aws().await?;
            Ok(EcrRegistry::of(aws.account().await?, aws.region()).host)
        }
    }
}

/// What opens a registry without being given: the job's token that of GitHub.
/// <https://docs.github.com/en/packages/working-with-a-github-packages-registry/working-with-the-container-registry>
fn own(cx: &Context, host: &str) -> Option<Credentials> {
    let token = cx.common.token.as_ref().filter(|_| host == GHCR)?;
    Some(credentials(cx.runner.github_actor.as_deref().unwrap_or("x-access-token"), token))
}

fn credentials(username: &str, password: &Secret) -> Credentials {
    Credentials { username: username.to_owned(), password: password.clone() }
}
