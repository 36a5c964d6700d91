//! The client of Lambda.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::AliasRoutingConfiguration;

use super::alias::{Alias, AliasRevision};
use super::code_id::CodeId;
use super::function::Function;
use super::names::{AliasName, FunctionName, Version, VersionRef};
use crate::aws::{Aws, absent_is_none};
use crate::calls::{self, Answer, Calls};

/// The client. Every call keeps to its deadline and the retry policy; every write is noted in the journal first. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lambda {
    pub(super) client: Client,
    pub(super) calls: Calls,
    /// What was read of published versions, whose code and description never change.
    versions: Rc<RefCell<Vec<Function>>>,
    /// Names the run in what this client starts.
    pub(super) run: Rc<str>,
    /// Durable executions that were started, of which it is not known that they ended.
    pub(super) executions: Rc<RefCell<Vec<(FunctionName, String)>>>,
}

/// An alias as an answer of AWS describes it: the SDK has a type for each call.
macro_rules! alias_of {
    ($function:expr, $name:expr, $answer:ident) => {
        Alias {
            function: $function.clone(),
            name: $name.clone(),
            version: $answer.function_version().and_then(|version| version.parse().ok()),
            weights: weights($answer.routing_config()),
            revision: AliasRevision($answer.revision_id().unwrap_or_default().to_owned()),
        }
    };
}

impl Lambda {
    /// The client of this connection. `run` names the run in what the client starts: letters, digits and `-`, at most 24.
    #[must_use]
    pub fn new(aws: &Aws, run: &str) -> Self {
        Self {
            client: Client::new(aws.config()),
            calls: aws.calls().clone(),
            versions: Rc::default(),
            run: run.into(),
            executions: Rc::default(),
        }
    }

    /// Its clock and journal.
    #[must_use]
    pub const fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The same client with another clock.
    #[must_use]
    pub fn with_calls(&self, calls: Calls) -> Self {
        Self { calls, ..self.clone() }
    }

    /// The same client with writes of its own, for [`correct`](Self::correct).
    #[must_use]
    pub fn separate(&self) -> Self {
        self.with_calls(self.calls.separate())
    }

    /// Notes what became of the write that this client sent last, when a look at the target shows it.
    pub fn correct(&self, answer: Answer) {
        self.calls.correct(answer);
    }

    /// What was read of a published version before, if anything.
    pub(super) fn cached_version(&self, function: &FunctionName, version: Version) -> Option<Function> {
        let versions = self.versions.borrow();
        versions.iter().find(|one| one.name == *function && one.version == Some(version)).cloned()
    }

    /// A function, its `$LATEST` or one published version.
    pub async fn function(&self, name: &FunctionName, version: Option<Version>) -> Result<Function> {
        let function = Function::from_answer(name, &self.describe(name, version).await?)?;
        if function.version.is_some() {
            let mut versions = self.versions.borrow_mut();
            versions.retain(|one| (&one.name, one.version) != (&function.name, function.version));
            versions.push(function.clone());
        }
        Ok(function)
    }

    /// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html>
    pub(super) async fn describe(&self, name: &FunctionName, version: Option<Version>) -> Result<GetFunctionOutput> {
        let qualifier = version.map(|version| version.to_string());
        let label = version.map_or_else(|| format!("function {name}"), |v| format!("version {v} of function {name}"));
        let call = self.client.get_function().function_name(name.as_str()).set_qualifier(qualifier);
        let answer = self.calls.aws("lambda:GetFunction", || call.clone().send()).await;
        answer.with_context(|| format!("read {label}"))
    }

    /// [`function`](Self::function), with `None` for one that does not exist.
    pub async fn existing(&self, name: &FunctionName, version: Option<Version>) -> Result<Option<Function>> {
        absent_is_none(self.function(name, version).await)
    }

    /// An alias; `None` when there is none of that name.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_GetAlias.html>
    pub async fn alias(&self, function: &FunctionName, name: &AliasName) -> Result<Option<Alias>> {
        let call = self.client.get_alias().function_name(function.as_str()).name(name.as_str());
        let answer = self.calls.aws("lambda:GetAlias", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("read alias {name} of function {function}"));
        Ok(absent_is_none(answer)?.map(|answer| alias_of!(function, name, answer)))
    }

    /// The version a reference names now; `None` when an alias points to `$LATEST` or does not exist.
    pub async fn resolve(&self, function: &FunctionName, version: &VersionRef) -> Result<Option<Version>> {
        match version {
            VersionRef::Number(version) => Ok(Some(*version)),
            VersionRef::Alias(alias) => Ok(self.alias(function, alias).await?.and_then(|alias| alias.serving())),
        }
    }

    /// The write of [`restore_alias`](Self::restore_alias) in the report.
    #[must_use]
    pub fn restoring(alias: &Alias, before: &Alias) -> String {
        format!("put alias {} of {} back to version {before}", alias.name, alias.function)
    }

    /// The write of [`create_alias`](Self::create_alias) in the report.
    #[must_use]
    pub fn creating(function: &FunctionName, name: &AliasName, to: Version) -> String {
        format!("create alias {name} of {function} at version {to}")
    }

    /// The write of [`move_alias`](Self::move_alias) in the report.
    #[must_use]
    pub fn moving(alias: &Alias, to: Version) -> String {
        format!("move alias {} of {} to version {to}", alias.name, alias.function)
    }

    /// The write of [`shift_alias`](Self::shift_alias) in the report.
    #[must_use]
    pub fn shifting(alias: &Alias, to: &Alias) -> String {
        format!("have alias {} of {} serve version {to}", alias.name, alias.function)
    }

    /// Gives other versions than the one an alias points to their shares, if nobody wrote to it since it was read.
    pub async fn shift_alias(&self, alias: &Alias, to: &Alias) -> Result<Alias> {
        self.write_alias(&Self::shifting(alias, to), alias, to.version, &to.weights).await
    }

    /// Points an alias to a version and takes all weights away, if nobody wrote to it since it was read.
    pub async fn move_alias(&self, alias: &Alias, to: Version) -> Result<Alias> {
        let what = Self::moving(alias, to);
        self.write_alias(&what, alias, Some(to), &BTreeMap::new()).await
    }

    /// Points an alias where it pointed `before`, weights included, if nobody wrote to it since it was read.
    pub async fn restore_alias(&self, alias: &Alias, before: &Alias) -> Result<Alias> {
        let what = Self::restoring(alias, before);
        self.write_alias(&what, alias, before.version, &before.weights).await
    }

    /// <https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html>
    async fn write_alias(
        &self,
        what: &str,
        alias: &Alias,
        to: Option<Version>,
        weights: &BTreeMap<Version, f64>,
    ) -> Result<Alias> {
        let to = to.map_or_else(|| "$LATEST".to_owned(), |version| version.to_string());
        let weights = weights.iter().map(|(version, weight)| (version.to_string(), *weight)).collect();
        let routing = AliasRoutingConfiguration::builder().set_additional_version_weights(Some(weights)).build();
        let call = self
            .client
            .update_alias()
            .function_name(alias.function.as_str())
            .name(alias.name.as_str())
            .function_version(&to)
            .routing_config(routing)
            .revision_id(&alias.revision.0);
        let answer =
            self.calls.aws_write(what, calls::Kind::Once, "lambda:UpdateAlias", || call.clone().send()).await?;
        Ok(alias_of!(&alias.function, &alias.name, answer))
    }

    /// Makes an alias that does not exist yet.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html>
    pub async fn create_alias(&self, function: &FunctionName, name: &AliasName, to: Version) -> Result<Alias> {
        let what = Self::creating(function, name, to);
        let call = self.client.create_alias().function_name(function.as_str()).name(name.as_str());
        let call = call.function_version(to.to_string());
        let answer =
            self.calls.aws_write(&what, calls::Kind::Once, "lambda:CreateAlias", || call.clone().send()).await?;
        Ok(alias_of!(function, name, answer))
    }

    /// What [`publish_version`](Self::publish_version) is called in the report.
    #[must_use]
    pub fn publishing(function: &FunctionName) -> String {
        format!("publish a version of function {function}")
    }

    /// Publishes `$LATEST`, if its code and configuration are still those that were read. AWS answers with the newest
    /// version when nothing differs from it, which makes this call repeatable.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html>
    pub async fn publish_version(&self, function: &Function, description: &str) -> Result<Version> {
        let what = Self::publishing(&function.name);
        let call = self
            .client
            .publish_version()
            .function_name(function.name.as_str())
            .code_sha256(&function.code_sha256)
            .revision_id(&function.revision)
            .description(description);
        let kind = calls::Kind::Repeatable;
        let answer = self.calls.aws_write(&what, kind, "lambda:PublishVersion", || call.clone().send()).await?;
        let version = answer.version().and_then(|version| version.parse().ok());
        version.with_context(|| format!("{what}: AWS answered without a version"))
    }

    /// All published versions, oldest first. Their order says nothing of what served when.
    pub async fn versions(&self, function: &FunctionName) -> Result<Vec<Version>> {
        Ok(self.published_versions(function).await?.into_iter().filter_map(|one| one.version).collect())
    }

    /// The newest version that holds this code.
    pub async fn version_with_code(&self, function: &FunctionName, code: &CodeId) -> Result<Option<Function>> {
        Ok(self.published_versions(function).await?.into_iter().rfind(|version| code.is_in(version)))
    }

    /// All published versions as the list tells them, oldest first: without their image and tags.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_ListVersionsByFunction.html>
    pub async fn published_versions(&self, function: &FunctionName) -> Result<Vec<Function>> {
        let mut versions = Vec::new();
        let mut call = self.client.list_versions_by_function().function_name(function.as_str());
        loop {
            let page = self.calls.aws("lambda:ListVersionsByFunction", || call.clone().send()).await;
            let page = page.with_context(|| format!("list the versions of function {function}"))?;
            for version in page.versions() {
                versions.push(Function::from_configuration(function, version)?);
            }
            call = call.set_marker(page.next_marker().map(str::to_owned));
            if call.get_marker().is_none() {
                versions.retain(|one| one.version.is_some());
                versions.sort_unstable_by_key(|one| one.version);
                return Ok(versions);
            }
        }
    }

    /// All aliases of a function.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_ListAliases.html>
    pub async fn aliases(&self, function: &FunctionName) -> Result<Vec<Alias>> {
        let mut aliases = Vec::new();
        let mut call = self.client.list_aliases().function_name(function.as_str());
        loop {
            let page = self.calls.aws("lambda:ListAliases", || call.clone().send()).await;
            let page = page.with_context(|| format!("list the aliases of function {function}"))?;
            for alias in page.aliases() {
                let name = alias.name().unwrap_or_default();
                let name: AliasName =
                    name.parse().map_err(anyhow::Error::msg).with_context(|| format!("read alias {name}"))?;
                aliases.push(alias_of!(function, &name, alias));
            }
            call = call.set_marker(page.next_marker().map(str::to_owned));
            if call.get_marker().is_none() {
                return Ok(aliases);
            }
        }
    }
}

fn weights(routing: Option<&AliasRoutingConfiguration>) -> BTreeMap<Version, f64> {
    let given = routing.and_then(AliasRoutingConfiguration::additional_version_weights);
    given.into_iter().flatten().filter_map(|(version, weight)| Some((version.parse().ok()?, *weight))).collect()
}
