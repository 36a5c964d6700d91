//! From where to where: the repositories, and how each is entered.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context as _, Result};

use super::inputs::{Asked, PromoteArtifact};
use super::values::To;
use crate::action::inputs::{AccountId, RoleArn, Text};
use crate::calls::{Budget, Calls};
use crate::context::Context;
use crate::oci::{EcrRegistry, RegistryName, Selector};
use crate::registry::ecr::{Ecr, Mutability};
use crate::registry::{Access, Credentials, Registry, Repository};
use crate::text::secrets::Secret;

/// The registry where the job's own token opens the door.
const GHCR: &str = "ghcr.io";
/// What may be sent again of all requests of a run together.
const SENT_AGAIN: u32 = 300;

/// The two ends of a promotion.
#[derive(Debug)]
pub(super) struct Places {
    /// What is promoted is called so in its release.
    pub(super) name: Option<String>,
    pub(super) source: Repository,
    pub(super) destination: Repository,
    /// Which image of the source, where the inputs say it.
    pub(super) selector: Option<Selector>,
    /// Whether the input `source` names the source's repository.
    pub(super) source_is_given: bool,
    pub(super) source_login: Login,
    pub(super) destination_login: Login,
    /// By whom ECR is written, where that is not who reads the source.
    role: Option<RoleArn>,
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

    /// ECR's own API of the destination; nothing where that is another registry.
    pub(super) async fn ecr(&self, cx: &Context) -> Result<Option<Ecr>> {
        let Some(registry) = EcrRegistry::from_host(&self.destination.host) else { return Ok(None) };
        Ok(Some(Ecr::new(&cx.aws_as(self.role.as_ref()).await?, registry)))
    }

    /// What ECR says of the destination's tags; nothing where that is another registry.
    pub(super) async fn mutability(&self, cx: &Context) -> Result<Option<Mutability>> {
        match self.ecr(cx).await? {
            Some(ecr) => ecr.mutability(&self.destination.name).await,
            None => Ok(None),
        }
    }
}

/// The registries of a run: each is entered once by each login, and tells what it knows once.
pub(super) struct Registries<'a> {
    cx: &'a Context,
    inputs: &'a PromoteArtifact,
    calls: Calls,
    known: RefCell<Vec<Entered>>,
}

/// A registry, as it was entered: its host, by which login, by which role.
type Entered = (String, Login, Option<RoleArn>, Rc<Registry>);

impl<'a> Registries<'a> {
    pub(super) fn new(cx: &'a Context, inputs: &'a PromoteArtifact) -> Self {
        let calls = cx.calls.sharing(Budget::of(SENT_AGAIN));
        Self { cx, inputs, calls, known: RefCell::default() }
    }

    /// Settles where one image is, and where it is to be.
    pub(super) async fn places(&self, asked: &Asked<'_>) -> Result<Vec<Places>> {
        let mut all = Vec::new();
        for to in asked.repositories() {
            all.push(self.between(asked, to).await?);
        }
        Ok(all)
    }

    async fn between(&self, asked: &Asked<'_>, to: &To) -> Result<Places> {
        let Self { inputs, .. } = self;
        let from = asked.source.map_or(&to.repository, |image| &image.repository);
        let elsewhere = asked.source.map(|image| To { repository: image.repository.clone(), region: None, role: None });
        let role = to.role.clone().or_else(|| inputs.destination_role_to_assume.clone());
        let destination = self.host(to, role.as_ref()).await?;
        // Without `source` it is looked for where it is to be.
        let source = match &elsewhere {
            Some(elsewhere)
                if elsewhere.repository.host == to.repository.host && to.region.is_none() && role.is_none() =>
            {
                destination.clone()
            }
            Some(elsewhere) => self.host(elsewhere, None).await?,
            None => destination.clone(),
        };
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
        let (source_login, reads) = login(self.cx, &source, reads);
        let (destination_login, writes) = login(self.cx, &destination, writes);
        let reader = if elsewhere.is_none() { role.clone() } else { None };
        let there = self.enter(&source, source_login, reads, reader).await?;
        let role = role.filter(|_| destination_login == Login::Aws);
        let here = self.enter(&destination, destination_login, writes, role.clone()).await?;
        let source = Repository::new(self.calls.clone(), there, &source, &from.repository, Access::Pull);
        let to = Repository::new(self.calls.clone(), here, &destination, &to.repository.repository, Access::Push);
        Ok(Places {
            name: asked.name.map(str::to_owned),
            destination: to.mounting_from(&source),
            source,
            selector: asked.source.and_then(|image| image.selector.clone()),
            source_is_given: asked.source.is_some(),
            source_login,
            destination_login,
            role,
        })
    }

    async fn enter(
        &self,
        host: &str,
        login: Login,
        credentials: Option<Credentials>,
        role: Option<RoleArn>,
    ) -> Result<Rc<Registry>> {
        let known = |(name, by, as_role, _): &&Entered| name == host && *by == login && *as_role == role;
        if let Some((.., registry)) = self.known.borrow().iter().find(known) {
            return Ok(Rc::clone(registry));
        }
        let registry = Rc::new(self.cx.registry_as(host, credentials, role.as_ref()).await?);
        self.known.borrow_mut().push((host.to_owned(), login, role, Rc::clone(&registry)));
        Ok(registry)
    }

    /// The host of a repository: named with it, named by the input `registry`, or ECR's of the credentials.
    async fn host(&self, to: &To, role: Option<&RoleArn>) -> Result<String> {
        let cx = self.cx;
        let region = async || -> Result<String> {
            Ok(match &to.region {
                Some(region) => region.to_string(),
                None => cx.aws().await?.region().to_owned(),
            })
        };
        match (&to.repository.host, &self.inputs.registry) {
            (Some(host), _) | (None, Some(RegistryName::Host(host))) => Ok(host.clone()),
            (None, Some(RegistryName::Account(account))) => Ok(EcrRegistry::of(account, &region().await?).host),
            (None, None) => {
                let account = match role {
                    Some(role) => account_of(role)?,
                    None => cx.aws().await?.account().await?.clone(),
                };
                Ok(EcrRegistry::of(&account, &region().await?).host)
            }
        }
    }
}

/// The account of a role, which its name holds.
fn account_of(role: &RoleArn) -> Result<AccountId> {
    let account = role.as_str().split(':').nth(4).and_then(|account| account.parse().ok());
    account.context("the ARN of a role names its account")
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

/// What opens a registry without being given: the job's token that of GitHub.
/// <https://docs.github.com/en/packages/working-with-a-github-packages-registry/working-with-the-container-registry>
fn own(cx: &Context, host: &str) -> Option<Credentials> {
    let token = cx.common.token.as_ref().filter(|_| host == GHCR)?;
    Some(credentials(cx.runner.github_actor.as_deref().unwrap_or("x-access-token"), token))
}

fn credentials(username: &str, password: &Secret) -> Credentials {
    Credentials { username: username.to_owned(), password: password.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_tells_its_account() {
        let role: RoleArn = "arn:aws:iam::111122223333:role/deploy".parse().unwrap();
        assert_eq!(account_of(&role).unwrap().to_string(), "111122223333");
    }
}
