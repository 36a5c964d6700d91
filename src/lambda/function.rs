//! A function, or one of its versions, as Lambda describes it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{self, FunctionConfiguration};

use super::configuration::Configuration;
use super::logging::LogPlace;
use super::names::{FunctionName, TenantId, Version};
use super::storage::Storage;
use crate::action::inputs::CommitSha;
use crate::calls::UnknownValue;
use crate::oci::{Digest, ImageReference};
use crate::text::{self, Foreign, accounts};

/// The longest time an invocation that waits for its answer can take
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub const LONGEST_INVOCATION: Duration = Duration::from_mins(15);

/// What `GetFunction` tells, as far as a deployment asks.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: FunctionName,
    /// The version described; `None` for `$LATEST`.
    pub version: Option<Version>,
    /// Names this state of the configuration; changes with every update.
    pub revision: String,
    /// What it is made of besides its code.
    pub configuration: Configuration,
    /// SHA-256 of the code: base64 of the zip's, or hex of the image's manifest digest.
    pub code_sha256: String,
    /// Zip or image.
    pub package: Package,
    /// The image Lambda resolved, with its registry's host; `None` for zips.
    pub image: Option<ImageReference>,
    /// `x86_64` or `arm64`.
    pub architecture: Architecture,
    /// E.g. `python3.12`; `None` for images.
    pub runtime: Option<String>,
    /// Whether it can be invoked.
    pub state: State,
    /// Whether the last update went through.
    pub last_update: LastUpdate,
    /// What was given to `PublishVersion`.
    pub description: String,
    /// The execution role.
    pub role: String,
    /// Where events go that failed; empty for none.
    pub dead_letter_target: String,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// True with tenant isolation: every invocation is for one tenant.
    pub per_tenant: bool,
    /// True on managed instances, where calls without a qualifier go to `$LATEST.PUBLISHED`.
    pub managed: bool,
    /// How long an execution of a durable function may take; `None` for other functions.
    pub durable: Option<Duration>,
    /// How many layers it has.
    pub layers: usize,
    /// AWS's own hash of the configuration, where it tells one.
    pub config_sha256: Option<String>,
    /// The version of the managed runtime: what its ARN says after `:runtime:`. AWS moves it under a published version too.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html>
    pub runtime_version: Option<String>,
    /// Where its log is.
    pub log: LogPlace,
    /// Who signed its code, as `profile/version`; for functions with a code signing configuration.
    pub signed_by: Option<String>,
    /// How its package is kept. Unknown of what was read from a list.
    pub storage: Storage,
    /// The target's own tags. Empty when they may not be read, then `tags_error` says why.
    pub tags: BTreeMap<String, String>,
    /// Why the tags could not be read.
    pub tags_error: Option<Foreign>,
}

/// How the code is packed. A function never changes from one to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Package {
    /// A zip archive.
    Zip,
    /// A container image, by the digest Lambda resolved; `None` while it has not.
    Image(Option<Digest>),
}

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// `x86_64`, `amd64` to OCI.
    X86_64,
    /// `arm64`.
    Arm64,
}

impl Architecture {
    /// As OCI platforms name it.
    #[must_use]
    pub const fn oci(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        })
    }
}

/// Whether a version can be invoked (<https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It can.
    Active,
    /// It was idle for weeks; the first invocation is refused and wakes it.
    Inactive,
    /// Not yet.
    Pending(Foreign),
    /// It never will; with the reason.
    Failed(Foreign),
    /// Nobody can invoke it: `$LATEST` on managed instances ends so, of which numbered versions are published.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html>
    NotInvocable,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active => f.write_str("Active"),
            Self::Inactive => f.write_str("Inactive"),
            Self::Pending(reason) => with_reason(f, "Pending", reason),
            Self::Failed(reason) => with_reason(f, "Failed", reason),
            Self::NotInvocable => f.write_str("ActiveNonInvocable"),
        }
    }
}

/// How the last update of `$LATEST` went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastUpdate {
    /// It is in use.
    Successful,
    /// The code before it still answers.
    InProgress,
    /// It was withdrawn by Lambda; with the reason.
    Failed(Foreign),
}

impl fmt::Display for LastUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Successful => f.write_str("Successful"),
            Self::InProgress => f.write_str("InProgress"),
            Self::Failed(reason) => with_reason(f, "Failed", reason),
        }
    }
}

fn with_reason(f: &mut fmt::Formatter<'_>, state: &str, reason: &Foreign) -> fmt::Result {
    if reason.is_empty() { f.write_str(state) } else { write!(f, "{state} ({})", reason.for_message(text::LONGEST)) }
}

impl Function {
    /// The commit the version was made from: the first word of 40 hexadecimal digits in its description. Unknown is reported,
    /// never guessed.
    #[must_use]
    pub fn commit(&self) -> Option<CommitSha> {
        self.description.split(|c: char| !c.is_ascii_alphanumeric()).find_map(|word| word.parse().ok())
    }

    /// The number of the version; empty for `$LATEST`.
    #[must_use]
    pub fn number(&self) -> String {
        self.version.map(|version| version.to_string()).unwrap_or_default()
    }

    /// How long an invocation may take. Of a durable function whoever invokes it waits for the end of the execution.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking.html>
    #[must_use]
    pub fn invocation_limit(&self) -> Duration {
        self.durable.map_or(self.timeout, |execution| self.timeout.max(execution.min(LONGEST_INVOCATION)))
    }

    /// The tenant to invoke it for: the one given, where the function has tenant isolation. Lambda refuses an invocation without a tenant
    /// there, and one with a tenant elsewhere.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-troubleshooting.html>
    ///
    /// # Errors
    /// None is given and one is needed.
    pub fn tenant<'a>(&self, given: Option<&'a TenantId>) -> Result<Option<&'a TenantId>, String> {
        match (self.per_tenant, given) {
            (true, None) => Err(format!(
                "function {} has tenant isolation: give the input `tenant-id`, the tenant to invoke it for",
                self.name
            )),
            (true, given) => Ok(given),
            (false, _) => Ok(None),
        }
    }

    /// Whether a tenant that is given is of use to any of the functions that are invoked: those with tenant isolation, and those of
    /// which nothing is known, take it.
    ///
    /// # Errors
    /// One is given, and none of them takes it.
    pub fn any_takes(given: Option<&TenantId>, takes: impl IntoIterator<Item = bool>) -> Result<(), String> {
        if given.is_none() || takes.into_iter().any(|takes| takes) {
            return Ok(());
        }
        Err("no function to invoke has tenant isolation: leave the input `tenant-id` out".to_owned())
    }

    /// True when another has the same configuration, as far as is known: AWS's own hash of it knows what this release does not.
    #[must_use]
    pub fn is_configured_as(&self, other: &Self) -> bool {
        let hashes = self.config_sha256.as_ref().zip(other.config_sha256.as_ref());
        self.configuration == other.configuration && hashes.is_none_or(|(one, other)| one == other)
    }

    /// The function with its package kept as another one's, where it is not kept so itself.
    #[must_use]
    pub fn kept_as(mut self, storage: &Storage) -> Self {
        self.storage = self.storage.or(storage);
        self
    }

    /// The digest of its image.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match &self.package {
            Package::Image(digest) => digest.as_ref(),
            Package::Zip => None,
        }
    }

    pub(super) fn from_answer(name: &FunctionName, answer: &GetFunctionOutput) -> Result<Self, UnknownValue> {
        let configured = answer.configuration().map(|configuration| Self::from_configuration(name, configuration));
        let mut function = configured.unwrap_or_else(|| Ok(Self::unknown(name)))?;
        if let Package::Image(digest) = &mut function.package {
            let resolved = answer.code().and_then(|code| code.resolved_image_uri());
            *digest = resolved.and_then(|uri| uri.split_once('@')).and_then(|(_, digest)| digest.parse().ok());
            function.image = resolved.and_then(|uri| uri.parse().ok());
        }
        function.storage = answer.code().map(Storage::of).unwrap_or_default();
        function.tags = answer.tags().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        function.tags_error = answer.tags_error().map(|error| Foreign::new(error.message()));
        Ok(function)
    }

    /// What the configuration tells. Lists leave states out; all else that is absent is as it was before Lambda had it.
    pub(super) fn from_configuration(
        name: &FunctionName,
        configuration: &FunctionConfiguration,
    ) -> Result<Self, UnknownValue> {
        let unknown = |field: &str, value: &str| UnknownValue::new(format!("{field} of function {name}"), value);
        if let Some(account) = configuration.function_arn().and_then(|arn| arn.split(':').nth(4)) {
            accounts::remember(account);
        }
        let reason =
            |words: Option<&str>, code: Option<&str>| match (code.unwrap_or_default(), words.unwrap_or_default()) {
                ("", words) => Foreign::new(words),
                (code, "") => Foreign::new(code),
                (code, words) => Foreign::new(format!("{code}: {words}")),
            };
        let state_reason =
            reason(configuration.state_reason(), configuration.state_reason_code().map(types::StateReasonCode::as_str));
        let update_reason = reason(
            configuration.last_update_status_reason(),
            configuration.last_update_status_reason_code().map(types::LastUpdateStatusReasonCode::as_str),
        );
        Ok(Self {
            version: configuration.version().and_then(|version| version.parse().ok()),
            revision: configuration.revision_id().unwrap_or_default().to_owned(),
            configuration: Configuration::of(configuration),
            code_sha256: configuration.code_sha256().unwrap_or_default().to_owned(),
            package: match configuration.package_type() {
                Some(types::PackageType::Image) => Package::Image(None),
                Some(types::PackageType::Zip) | None => Package::Zip,
                Some(other) => return Err(unknown("PackageType", other.as_str())),
            },
            architecture: match configuration.architectures().first() {
                Some(types::Architecture::Arm64) => Architecture::Arm64,
                Some(types::Architecture::X8664) | None => Architecture::X86_64,
                Some(other) => return Err(unknown("Architecture", other.as_str())),
            },
            runtime: configuration.runtime().map(|runtime| runtime.as_str().to_owned()),
            state: match configuration.state() {
                Some(types::State::Pending) => State::Pending(state_reason),
                Some(types::State::Failed) => State::Failed(state_reason),
                Some(types::State::Inactive) => State::Inactive,
                Some(types::State::Active) | None => State::Active,
                Some(types::State::ActiveNonInvocable) => State::NotInvocable,
                Some(other) => return Err(unknown("State", other.as_str())),
            },
            last_update: match configuration.last_update_status() {
                Some(types::LastUpdateStatus::InProgress) => LastUpdate::InProgress,
                Some(types::LastUpdateStatus::Failed) => LastUpdate::Failed(update_reason),
                Some(types::LastUpdateStatus::Successful) | None => LastUpdate::Successful,
                Some(other) => return Err(unknown("LastUpdateStatus", other.as_str())),
            },
            description: configuration.description().unwrap_or_default().to_owned(),
            role: configuration.role().unwrap_or_default().to_owned(),
            dead_letter_target: configuration
                .dead_letter_config()
                .and_then(|config| config.target_arn())
                .unwrap_or_default()
                .to_owned(),
            layers: configuration.layers().len(),
            config_sha256: configuration.config_sha256().filter(|hash| !hash.is_empty()).map(str::to_owned),
            runtime_version: configuration
                .runtime_version_config()
                .and_then(|config| config.runtime_version_arn())
                .and_then(|arn| arn.split_once(":runtime:"))
                .map(|(_, version)| version.to_owned()),
            log: LogPlace::of(name, configuration.logging_config())?,
            signed_by: configuration
                .signing_profile_version_arn()
                .and_then(|arn| arn.split_once("/signing-profiles/"))
                .map(|(_, profile)| profile.to_owned()),
            timeout: Duration::from_secs(configuration.timeout().and_then(|s| u64::try_from(s).ok()).unwrap_or(3)),
            per_tenant: match configuration.tenancy_config().map(types::TenancyConfig::tenant_isolation_mode) {
                Some(types::TenantIsolationMode::PerTenant) => true,
                None => false,
                Some(other) => return Err(unknown("TenantIsolationMode", other.as_str())),
            },
            managed: configuration.capacity_provider_config().is_some(),
            durable: configuration.durable_config().map(|durable| {
                let seconds = durable.execution_timeout().and_then(|seconds| u64::try_from(seconds).ok());
                seconds.map_or(LONGEST_INVOCATION, Duration::from_secs)
            }),
            ..Self::unknown(name)
        })
    }

    /// A function of which nothing is known but its name.
    pub(crate) fn unknown(name: &FunctionName) -> Self {
        Self {
            name: name.clone(),
            version: None,
            revision: String::new(),
            configuration: Configuration::default(),
            code_sha256: String::new(),
            package: Package::Zip,
            image: None,
            architecture: Architecture::X86_64,
            runtime: None,
            state: State::Active,
            last_update: LastUpdate::Successful,
            description: String::new(),
            role: String::new(),
            dead_letter_target: String::new(),
            timeout: Duration::from_secs(3),
            per_tenant: false,
            managed: false,
            durable: None,
            layers: 0,
            config_sha256: None,
            runtime_version: None,
            log: LogPlace::default(),
            signed_by: None,
            storage: Storage::default(),
            tags: BTreeMap::new(),
            tags_error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_the_first_word_of_40_hexadecimal_digits() {
        let sha = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";
        let of = |description: &str| {
            let name = "api".parse().unwrap();
            Function { description: description.to_owned(), ..Function::unknown(&name) }.commit()
        };
        let commit = Some(sha.parse().unwrap());
        assert_eq!(of(sha), commit);
        assert_eq!(of(&format!("{sha} v1.2.3")), commit);
        assert_eq!(of(&format!("release ({sha}), by hand")), commit);
        assert_eq!(of("8f3c1b2 short"), None);
        assert_eq!(of(&format!("sha256:{sha}{}", &sha[..24])), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn a_tenant_that_no_function_takes_is_refused() {
        let tenant: TenantId = "acme".parse().unwrap();
        let table: [(Option<&TenantId>, &[bool], bool); 5] = [
            (None, &[false], true),
            (Some(&tenant), &[true], true),
            (Some(&tenant), &[false, true], true),
            (Some(&tenant), &[false, false], false),
            (Some(&tenant), &[], false),
        ];
        for (given, takes, good) in table {
            assert_eq!(Function::any_takes(given, takes.iter().copied()).is_ok(), good, "{given:?} {takes:?}");
        }
    }

    #[test]
    fn a_word_that_is_not_known_is_never_taken_for_the_good_one() {
        let name: FunctionName = "api".parse().unwrap();
        let configuration = FunctionConfiguration::builder;
        let tenancy = |mode: &str| types::TenancyConfig::builder().tenant_isolation_mode(mode.into()).build().unwrap();
        let table = [
            (configuration().state("Hibernated".into()), "State"),
            (configuration().last_update_status("Partial".into()), "LastUpdateStatus"),
            (configuration().package_type("Wasm".into()), "PackageType"),
            (configuration().architectures("riscv64".into()), "Architecture"),
            (configuration().tenancy_config(tenancy("PER_PLANET")), "TenantIsolationMode"),
        ];
        for (configuration, field) in table {
            let error = Function::from_configuration(&name, &configuration.build()).unwrap_err();
            assert_eq!(error.field, format!("{field} of function api"));
        }
        assert_eq!(Function::from_configuration(&name, &configuration().build()).unwrap().state, State::Active);
    }
}
