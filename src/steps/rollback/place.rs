//! Where users come in, and what serves there: a version behind an alias, or code in `$LATEST`.

use std::fmt;

use crate::action::inputs::CommitSha;
use crate::aws::Location;
use crate::lambda::{Alias, CodeId, Function, FunctionName, LastUpdate, Qualifier, Version};
use crate::record::{self, Identity, Previous, Target};

/// What serves, or is to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Revision {
    /// A version, behind an alias.
    Version(Version),
    /// Code, in `$LATEST`.
    Code(CodeId),
}

impl Revision {
    /// What a record put there.
    pub(super) fn of(target: &Target) -> Option<Self> {
        match target.place.identity {
            Identity::LambdaAlias { .. } => target.version.map(Self::Version),
            Identity::LambdaLatest { .. } => target.code().map(Self::Code),
            Identity::EcsService { .. } => None,
        }
    }

    /// What was there before.
    pub(super) fn before(target: &Target) -> Option<Self> {
        let previous = target.previous.as_ref()?;
        match target.place.identity {
            Identity::LambdaAlias { .. } => previous.version.map(Self::Version),
            Identity::LambdaLatest { .. } => previous.code().map(Self::Code),
            Identity::EcsService { .. } => None,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version}"),
            Self::Code(code) => f.write_str(&code.label()),
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
        let holds = Holds { commit, code: target.code(), by: by.to_owned() };
        Some(Self { point: Revision::of(target)?, holds: vec![holds] })
    }

    /// What was there before that.
    pub(super) fn before(target: &Target, by: &str) -> Option<Self> {
        let code = target.previous.as_ref().and_then(Previous::code);
        Some(Self { point: Revision::before(target)?, holds: vec![Holds { commit: None, code, by: by.to_owned() }] })
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
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// An alias.
    Alias(Alias),
    /// The function without an alias: its `$LATEST`, with nothing in progress.
    Latest(Box<Function>),
}

impl Place {
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

    /// As records name it.
    pub(super) fn in_records(&self, location: &Location) -> record::Place {
        record::Place::of(location, self.function(), &self.qualifier())
    }

    /// What was put there last; `None` when an alias points to `$LATEST`, or Lambda does not say. As long as its provisioned concurrency is
    /// not ready, users get what was there before.
    pub(super) fn serves(&self) -> Option<Revision> {
        match self {
            Self::Alias(alias) => alias.version.map(Revision::Version),
            Self::Latest(function) => CodeId::of(function).map(Revision::Code),
        }
    }

    /// What users get: it is what was put there last, but for an alias whose provisioned concurrency is not ready.
    pub(super) fn serving(&self) -> Option<Revision> {
        match self {
            Self::Alias(alias) => alias.serving().map(Revision::Version),
            Self::Latest(_) => self.serves(),
        }
    }

    /// True when the alias points there, and AWS has yet to move its traffic: an earlier attempt wrote it.
    pub(super) fn is_on_its_way(&self, point: &Revision) -> bool {
        match self {
            Self::Alias(alias) => self.serves().as_ref() == Some(point) && alias.serving() != alias.version,
            Self::Latest(_) => false,
        }
    }

    /// True when this is there, and nothing beside it.
    pub(super) fn serves_only(&self, point: &Revision) -> bool {
        let alone = match self {
            Self::Alias(alias) => alias.weights.is_empty(),
            Self::Latest(_) => !self.is_doubtful(),
        };
        alone && self.serves().as_ref() == Some(point)
    }

    /// True when the last update of `$LATEST` failed: what answers is what was there before it.
    pub(super) fn is_doubtful(&self) -> bool {
        matches!(self, Self::Latest(function) if matches!(function.last_update, LastUpdate::Failed(_)))
    }

    /// What is there, in words.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Alias(alias) => format!("version {alias}"),
            Self::Latest(_) if self.is_doubtful() => {
                format!("what was there before a failed update to {}", self.code())
            }
            Self::Latest(_) => self.code(),
        }
    }

    fn code(&self) -> String {
        self.serves().map_or_else(|| "unknown code".to_owned(), |point| point.to_string())
    }
}

impl fmt::Display for Place {
    /// `shop-api:live`, `shop-api:$LATEST`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.function(), self.qualifier())
    }
}
