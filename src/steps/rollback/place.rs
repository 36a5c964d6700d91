//! Where users come in, and what serves there: a version behind an alias, or code in `$LATEST`.

use std::fmt;

use crate::aws::Location;
use crate::lambda::{Alias, CodeId, Function, FunctionName, LastUpdate, Qualifier, Version};
use crate::record::{self, Identity, Target};

/// What serves, or is to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// A version, behind an alias.
    Version(Version),
    /// Code, in `$LATEST`.
    Code(CodeId),
}

impl Point {
    /// What a record put there.
    pub(super) fn of(target: &Target) -> Option<Self> {
        match target.place.identity {
            Identity::LambdaAlias { .. } => target.version.map(Self::Version),
            Identity::LambdaLatest { .. } => target.code().map(Self::Code),
        }
    }

    /// What was there before.
    pub(super) fn before(target: &Target) -> Option<Self> {
        let previous = target.previous.as_ref()?;
        match target.place.identity {
            Identity::LambdaAlias { .. } => previous.version.map(Self::Version),
            Identity::LambdaLatest { .. } => previous.code().map(Self::Code),
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version}"),
            Self::Code(code) => f.write_str(&code.shown()),
        }
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

    /// What is there; `None` when an alias points to `$LATEST`, or Lambda does not say.
    pub(super) fn serves(&self) -> Option<Point> {
        match self {
            Self::Alias(alias) => alias.version.map(Point::Version),
            Self::Latest(function) => CodeId::of(function).map(Point::Code),
        }
    }

    /// True when this is there, and nothing beside it.
    pub(super) fn serves_only(&self, point: &Point) -> bool {
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
    pub(super) fn shown(&self) -> String {
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
