//! From where to where: the two repositories, and how each is entered.

use std::rc::Rc;

use anyhow::Result;

use super::inputs::PromoteArtifact;
use crate::action::inputs::Text;
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
    /// Whether the input `source` names the source's repository.
    pub(super) source_is_given: bool,
    pub(super) source_login: Login,
    pub(super) destination_login: Login,
}

/// As whom a registry is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// By the AWS credentials.
    Aws,
    /// By the job's token.
    Job,
    /// By the inputs for the source, or those for the destination.
    RawInputs(Access),
    /// As nobody.
    Nobody,
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
pub(super) async fn find(cx: &Context, inputs: &PromoteArtifact, to: &RepositoryReference) -> Result<Places> {
    let named = inputs.registry.as_ref();
    let from = inputs.image().map_or(to, |image| &image.repository);
    let destination = host(cx, to, named).await?;
    let source = if from.host == to.host { destination.clone() } else { host(cx, from, named).await? };
    let given = |username: &Option<Text>, password: &Option<Secret>, side| {
        let pair = username.as_ref().zip(password.as_ref());
        pair.map(|(username, password)| (Login::RawInputs(side), credentials(&username.0, password)))
    };
    let for_source = given(&inputs.source_username, &inputs.source_password, Access::Pull);
    let for_destination = given(&inputs.destination_username, &inputs.destination_password, Access::Push);
    // One registry, one login, unless two are given.
    let is_one = source == destination;
    let reads = for_source.clone().or_else(|| for_destination.clone().filter(|_| is_one));
    let writes = for_destination.clone().or_else(|| for_source.clone().filter(|_| is_one));
    let (source_login, reads) = login(cx, &source, reads);
    let (destination_login, writes) = login(cx, &destination, writes);
    let there = Rc::new(cx.registry(&source, reads).await?);
    let here = if is_one && source_login == destination_login {
        Rc::clone(&there)
    } else {
        Rc::new(cx.registry(&destination, writes).await?)
    };
    Ok(Places {
        source: Repository::new(cx.calls.clone(), there, &source, &from.repository, Access::Pull),
        destination: Repository::new(cx.calls.clone(), here, &destination, &to.repository, Access::Push),
        source_is_given: inputs.source.is_some(),
        source_login,
        destination_login,
    })
}

/// As whom a registry is entered: as was given, or by what opens it without.
fn login(cx: &Context, host: &str, given: Option<(Login, Credentials)>) -> (Login, Option<Credentials>) {
    if EcrRegistry::from_host(host).is_some() {
        return (Login::Aws, None);
    }
    match (given, own(cx, host)) {
        (Some((login, credentials)), _) => (login, Some(credentials)),
        (None, Some(own)) => (Login::Job, Some(own)),
        (None, None) => (Login::Nobody, None),
    }
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
