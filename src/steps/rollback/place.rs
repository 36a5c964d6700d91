//! Where users come in, and what serves there: a version behind an alias, code in `$LATEST`, or a service's task definition.

use std::collections::BTreeMap;
use std::fmt;

use crate::action::inputs::CommitSha;
use crate::aws::Location;
use crate::ecs::{self, ClusterName, ContainerName, Service, ServiceDeployment, ServiceRevision};
use crate::lambda::{Alias, CodeId, Function, FunctionName, LastUpdate, Qualifier, Version};
use crate::oci::Digest;
use crate::record::{self, Identity, Previous, Target};
use crate::site::ReleaseName;

/// What serves, or is to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Revision {
    /// A version, behind an alias.
    Version(Version),
    /// Code, in `$LATEST`.
    Code(CodeId),
    /// A task definition, of a service.
    Definition(ecs::Revision),
    /// A release, of a site.
    Release(ReleaseName),
}

impl Revision {
    /// What a record put there.
    pub(super) fn of(target: &Target) -> Option<Self> {
        match target.place.identity {
            Identity::LambdaAlias { .. } => target.version.map(Self::Version),
            Identity::LambdaLatest { .. } => target.code().map(Self::Code),
            Identity::EcsService { .. } | Identity::EcsTask { .. } => {
                target.task_definition.clone().map(Self::Definition)
            }
            Identity::Site { .. } => target.release.clone().map(Self::Release),
        }
    }

    /// What was there before.
    pub(super) fn before(target: &Target) -> Option<Self> {
        let previous = target.previous.as_ref()?;
        match target.place.identity {
            Identity::LambdaAlias { .. } => previous.version.map(Self::Version),
            Identity::LambdaLatest { .. } => previous.code().map(Self::Code),
            Identity::EcsService { .. } | Identity::EcsTask { .. } => {
                previous.task_definition.clone().map(Self::Definition)
            }
            Identity::Site { .. } => previous.release.clone().map(Self::Release),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version}"),
            Self::Code(code) => f.write_str(&code.label()),
            Self::Definition(revision) => revision.fmt(f),
            Self::Release(release) => write!(f, "release {release}"),
        }
    }
}

/// A point as an input, a state or a record names it, with what that says of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub point: Revision,
    /// Nothing, where it is named only.
    pub holds: Vec<Holds>,
}

/// What a record or a state claims to be at a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holds {
    pub commit: Option<CommitSha>,
    pub code: Option<CodeId>,
    /// What the containers of a service run.
    pub images: BTreeMap<ContainerName, Digest>,
    /// Who says so: `deployment 17`, ``the input `state` ``.
    pub by: String,
}

impl Known {
    /// A point of which nothing is known.
    pub(super) fn bare(point: Revision) -> Self {
        Self { point, holds: Vec::new() }
    }

    /// What a record or state put there.
    pub(super) fn of(target: &Target, commit: Option<CommitSha>, by: &str) -> Option<Self> {
        let images = target.images.clone();
        let holds = Holds { commit, code: target.code(), images, by: by.to_owned() };
        Some(Self { point: Revision::of(target)?, holds: vec![holds] })
    }

    /// What was there before that.
    pub(super) fn before(target: &Target, by: &str) -> Option<Self> {
        let point = Revision::before(target)?;
        let code = target.previous.as_ref().and_then(Previous::code);
        let images = target.previous.as_ref().map(|previous| previous.images.clone()).unwrap_or_default();
        Some(Self { point, holds: vec![Holds { commit: None, code, images, by: by.to_owned() }] })
    }
}

impl Holds {
    /// What a version holds instead, and what it should; nothing where it holds that, or does not say.
    pub(super) fn difference(&self, version: &Function) -> Option<(String, String)> {
        if let Some(code) = self.code.as_ref().filter(|code| !code.is_in(version)) {
            let found = CodeId::of(version).map_or_else(|| "unknown code".to_owned(), |found| found.to_string());
            return Some((found, code.to_string()));
        }
        let (named, found) = (self.commit.as_ref()?, version.commit()?);
        (found != *named).then(|| (format!("commit {}", found.short()), format!("commit {}", named.short())))
    }
}

/// Where users come in, as it was read.
pub(super) trait Place: Clone + fmt::Display {
    /// What this asks for when nothing is known to go back to.
    const NAME_ANOTHER: &'static [&'static str];

    /// As records name it.
    fn in_records(&self, location: &Location) -> record::Place;

    /// What was put there last; `None` where AWS does not say. Users may get what was there before until it is ready.
    fn serves(&self) -> Option<Revision>;

    /// What users get.
    fn serving(&self) -> Option<Revision>;

    /// True when this was put there, and AWS has yet to bring it to the users.
    fn is_on_its_way(&self, point: &Revision) -> bool;

    /// True when what was put there last failed to arrive, or may have.
    fn is_doubtful(&self) -> bool;

    /// True when this is there, and nothing beside it.
    fn serves_only(&self, point: &Revision) -> bool;

    /// What is there, in words.
    fn label(&self) -> String;
}

/// A function.
#[derive(Clone, Debug)]
pub(super) enum FunctionPlace {
    /// Behind an alias.
    Alias(Alias),
    /// The function without an alias: its `$LATEST`, with nothing in progress.
    Latest(Box<Function>),
}

impl FunctionPlace {
    pub(super) fn function(&self) -> &FunctionName {
        match self {
            Self::Alias(alias) => &alias.function,
            Self::Latest(function) => &function.name,
        }
    }

    pub(super) fn qualifier(&self) -> Qualifier {
        match self {
            Self::Alias(alias) => Qualifier::Alias(alias.name.clone()),
            Self::Latest(_) => Qualifier::Latest,
        }
    }

    fn code(&self) -> String {
        self.serves().map_or_else(|| "unknown code".to_owned(), |point| point.to_string())
    }
}

impl Place for FunctionPlace {
    const NAME_ANOTHER: &'static [&'static str] = &[
        "name the version with the input `to`, e.g. one that `aws lambda list-versions-by-function` shows",
        "or set `allow-guess: true` to take the version published before the one that serves",
    ];

    fn in_records(&self, location: &Location) -> record::Place {
        record::Place::of(location, self.function(), &self.qualifier())
    }

    /// `None` when an alias points to `$LATEST`, or Lambda does not say. As long as its provisioned concurrency is not ready, users get
    /// what was there before.
    fn serves(&self) -> Option<Revision> {
        match self {
            Self::Alias(alias) => alias.version.map(Revision::Version),
            Self::Latest(function) => CodeId::of(function).map(Revision::Code),
        }
    }

    /// What was put there last, but for an alias whose provisioned concurrency is not ready.
    fn serving(&self) -> Option<Revision> {
        match self {
            Self::Alias(alias) => alias.serving().map(Revision::Version),
            Self::Latest(_) => self.serves(),
        }
    }

    /// True when the alias points there, and AWS has yet to move its traffic: an earlier attempt wrote it.
    fn is_on_its_way(&self, point: &Revision) -> bool {
        match self {
            Self::Alias(alias) => self.serves().as_ref() == Some(point) && alias.serving() != alias.version,
            Self::Latest(_) => false,
        }
    }

    fn serves_only(&self, point: &Revision) -> bool {
        let alone = match self {
            Self::Alias(alias) => alias.weights.is_empty(),
            Self::Latest(_) => !self.is_doubtful(),
        };
        alone && self.serves().as_ref() == Some(point)
    }

    /// True when the last update of `$LATEST` failed: what answers is what was there before it.
    fn is_doubtful(&self) -> bool {
        matches!(self, Self::Latest(function) if matches!(function.last_update, LastUpdate::Failed(_)))
    }

    fn label(&self) -> String {
        match self {
            Self::Alias(alias) => format!("version {alias}"),
            Self::Latest(_) if self.is_doubtful() => {
                format!("what was there before a failed update to {}", self.code())
            }
            Self::Latest(_) => self.code(),
        }
    }
}

impl fmt::Display for FunctionPlace {
    /// `shop-api:live`, `shop-api:$LATEST`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.function(), self.qualifier())
    }
}

/// A service.
#[derive(Clone, Debug)]
pub(super) struct ServicePlace {
    pub cluster: ClusterName,
    pub service: Service,
    /// Its newest deployment; none where ECS remembers none.
    pub deployment: Option<ServiceDeployment>,
    /// What its tasks are made of: the revision that its last deployment left, or that one on its way replaces.
    pub running: Option<ServiceRevision>,
    /// The task definition that it has, as records know it.
    pub has: ecs::Revision,
}

impl ServicePlace {
    /// Its deployment, as long as it is not over.
    pub(super) fn open(&self) -> Option<&ServiceDeployment> {
        self.deployment.as_ref().filter(|deployment| !deployment.status.has_ended())
    }

    /// The task definition of what runs.
    pub(super) fn runs(&self) -> Option<ecs::Revision> {
        ecs::Revision::of_arn(&self.running.as_ref()?.task_definition).ok()
    }
}

impl Place for ServicePlace {
    const NAME_ANOTHER: &'static [&'static str] =
        &["name it with the input `to`: a tag, a commit, a digest or a deployment of the record"];

    fn in_records(&self, location: &Location) -> record::Place {
        record::Place::of_service(location, &self.cluster, &self.service.name)
    }

    fn serves(&self) -> Option<Revision> {
        Some(Revision::Definition(self.has.clone()))
    }

    fn serving(&self) -> Option<Revision> {
        self.runs().map(Revision::Definition)
    }

    fn is_on_its_way(&self, point: &Revision) -> bool {
        self.serves().as_ref() == Some(point) && self.open().is_some_and(|open| !open.status.goes_back())
    }

    /// True when its last deployment was stopped, or could not be rolled back.
    fn is_doubtful(&self) -> bool {
        self.deployment.as_ref().is_some_and(|last| {
            matches!(last.status, ecs::DeploymentStatus::Stopped | ecs::DeploymentStatus::RollbackFailed)
        })
    }

    fn serves_only(&self, point: &Revision) -> bool {
        self.serves().as_ref() == Some(point) && self.open().is_none() && !self.is_doubtful()
    }

    fn label(&self) -> String {
        match self.open() {
            Some(open) if open.status.goes_back() => format!("{}, whose deployment goes back", self.has),
            Some(_) => format!("{}, whose deployment is on its way", self.has),
            None => self.has.to_string(),
        }
    }
}

impl fmt::Display for ServicePlace {
    /// `shop-prd/shop-api`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.service.name)
    }
}
