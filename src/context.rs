//! What every step is handed: the run, the inputs common to all steps, the clock with its journal, the report, and the clients,
//! each made at its first use. The only place that knows all clients.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use anyhow::Result;
use tokio::sync::OnceCell;

use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{CommitSha, RoleArn};
use crate::action::{Report, Runner};
use crate::aws::cloudwatch::CloudWatch;
use crate::aws::codebuild::CodeBuild;
use crate::aws::logs::Logs;
use crate::aws::{Aws, AwsSettings, TokenRequest};
use crate::calls::{Calls, Deadline};
use crate::ecs::{Balancers, ClusterName, Ecs, ServiceName};
use crate::github::{Github, GithubSettings};
use crate::lambda::{FunctionName, Lambda, Qualifier};
use crate::oci::EcrRegistry;
use crate::outcome::{Outcome, Step, Verdict};
use crate::registry::ecr::Ecr;
use crate::registry::{Account, Credentials, Registry};
use crate::site::{BucketLabel, MarkerPath, Pointer, Prefix, Site, SiteBucket, read_marker};
use crate::text::message;

/// The notice about an access key of a user of IAM.
const LONG_LIVED_KEY: &str = "the AWS access key of this job (AKIA..) does not expire: whoever reads it once can deploy until it is deleted; use a \
    role by OIDC instead: `permissions: id-token: write` and the input `role-to-assume`";

/// Cheap to clone: a clone with another deadline is how what serves is read back after the first one has passed.
#[derive(Clone, Debug)]
pub struct Context {
    /// The run this step belongs to.
    pub runner: Rc<Runner>,
    /// The inputs common to all steps.
    pub common: Rc<CommonInputs>,
    /// When everything must have ended, and what was sent.
    pub calls: Calls,
    /// The growing account of this invocation.
    pub report: Rc<Report>,
    /// Tells this check from others of the same step, in what is written into a record.
    pub key: Rc<str>,
    clients: Rc<Clients>,
    read_back_at_end: Rc<RefCell<Vec<Served>>>,
    told_records: Rc<RefCell<BTreeSet<u64>>>,
}

/// Something that users get, and that can be asked what it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// A function through an alias, or without one.
    Function(FunctionName, Qualifier),
    /// A service of a cluster.
    Service(ClusterName, ServiceName),
    /// A site, and what says which release serves.
    Site(BucketLabel, Option<Prefix>, MarkerPath, Option<Pointer>),
}

impl Served {
    /// A site.
    #[must_use]
    pub fn site(site: &Site) -> Self {
        Self::Site(site.bucket.label(), site.prefix.clone(), site.marker.clone(), site.pointer.clone())
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(function, qualifier) => write!(f, "{function}:{qualifier}"),
            Self::Service(_, service) => write!(f, "{service}"),
            Self::Site(bucket, None, ..) => write!(f, "{bucket}"),
            Self::Site(bucket, Some(prefix), ..) => write!(f, "{bucket}/{prefix}"),
        }
    }
}

#[derive(Debug, Default)]
struct Clients {
    aws: OnceCell<Aws>,
    lacks_aws: Cell<bool>,
    lambda: OnceCell<Lambda>,
    cloudwatch: OnceCell<CloudWatch>,
    logs: OnceCell<Logs>,
    ecs: OnceCell<Ecs>,
    codebuild: OnceCell<CodeBuild>,
    github: OnceCell<Github>,
}

impl Context {
    /// The context of one invocation. Nothing is called yet.
    #[must_use]
    pub fn new(
        runner: Rc<Runner>,
        common: Rc<CommonInputs>,
        calls: Calls,
        report: Rc<Report>,
        key: impl Into<Rc<str>>,
    ) -> Self {
        Self {
            runner,
            common,
            calls,
            report,
            key: key.into(),
            clients: Rc::default(),
            read_back_at_end: Rc::default(),
            told_records: Rc::default(),
        }
    }

    /// The same with another deadline.
    #[must_use]
    pub fn with_deadline(&self, deadline: Deadline) -> Self {
        Self { calls: self.calls.until(deadline), ..self.clone() }
    }

    /// True when nothing may be changed.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.calls.is_dry_run()
    }

    /// At a terminal, asks whether the plan that was just reported is carried out. Elsewhere it is.
    ///
    /// # Errors
    /// The person says no, or nobody can be asked: nothing was written, and the step ends.
    pub async fn confirm(&self, plan: &str) -> Step<()> {
        let Some(terminal) = self.runner.terminal.as_ref().filter(|terminal| !terminal.yes) else {
            self.calls.await_person(false);
            return Ok(());
        };
        if !terminal.can_ask() {
            return Err(Outcome::bad_input(message!(
                "not-confirmed",
                "the plan cannot be confirmed: this is no terminal"
            ))
            .advise("nothing was written; give `--yes` to carry the plan out, or `--dry-run` to only see it")
            .into());
        }
        if self.calls.deadline.wait_for_person(terminal.ask(plan)).await? {
            self.calls.await_person(false);
            return Ok(());
        }
        Err(Outcome::new(Verdict::Cancelled, "not confirmed: nothing was written").into())
    }

    /// The commit being deployed: the input `sha`, else the commit that triggered the workflow.
    #[must_use]
    pub fn commit(&self) -> Option<CommitSha> {
        self.common.sha.clone().or_else(|| self.runner.github_sha.as_deref()?.parse().ok())
    }

    /// The connection to AWS, made at the first call, with this context's deadline.
    pub async fn aws(&self) -> Result<Aws> {
        let connected = self
            .clients
            .aws
            .get_or_try_init(|| Box::pin(async { Aws::connect(&self.aws_settings(), self.calls.clone()).await }));
        let connected = connected.await;
        self.clients.lacks_aws.set(connected.is_err());
        let aws = connected?.with_calls(self.calls.clone());
        if aws.has_long_lived_key() {
            self.report.notice("long-lived-key", LONG_LIVED_KEY);
        }
        Ok(aws)
    }

    /// Whether a connection to AWS was tried, and could not be made.
    #[must_use]
    pub fn lacks_aws(&self) -> bool {
        self.clients.lacks_aws.get()
    }

    /// Lambda, with this context's deadline.
    pub async fn lambda(&self) -> Result<Lambda> {
        let run = self.runner.run_id().map_or_else(|| "local".to_owned(), |run| run.to_string());
        let run = format!("{run}-{}", self.runner.attempt());
        let client = self.clients.lambda.get_or_try_init(async || anyhow::Ok(Lambda::new(&self.aws().await?, &run)));
        Ok(client.await?.with_calls(self.calls.clone()))
    }

    /// CloudWatch's metrics and alarms, with this context's deadline.
    pub async fn cloudwatch(&self) -> Result<CloudWatch> {
        let client = self.clients.cloudwatch.get_or_try_init(async || anyhow::Ok(CloudWatch::new(&self.aws().await?)));
        Ok(client.await?.with_calls(self.calls.clone()))
    }

    /// CloudWatch Logs, with this context's deadline.
    pub async fn logs(&self) -> Result<Logs> {
        let client = self.clients.logs.get_or_try_init(async || anyhow::Ok(Logs::new(&self.aws().await?)));
        Ok(client.await?.with_calls(self.calls.clone()))
    }

    /// ECS, with this context's deadline.
    pub async fn ecs(&self) -> Result<Ecs> {
        let client = self.clients.ecs.get_or_try_init(async || Ecs::new(&self.aws().await?));
        Ok(client.await?.with_calls(self.calls.clone()))
    }

    /// `CodeBuild`, with this context's deadline.
    pub async fn codebuild(&self) -> Result<CodeBuild> {
        let client = self.clients.codebuild.get_or_try_init(async || CodeBuild::new(&self.aws().await?));
        Ok(client.await?.with_calls(self.calls.clone()))
    }

    /// The load balancers in front of services.
    pub async fn balancers(&self) -> Result<Balancers> {
        Balancers::new(&self.aws().await?)
    }

    /// The connection to GitHub, made at the first call, with this context's deadline.
    pub async fn github(&self) -> Result<Github> {
        let client =
            self.clients.github.get_or_try_init(async || Github::connect(&self.github_settings(), self.calls.clone()));
        Ok(client.await?.with_calls(self.calls.clone()))
    }

    /// The connection to AWS by one more role, which is assumed from the credentials in use.
    pub async fn aws_as(&self, role: Option<&RoleArn>) -> Result<Aws> {
        let Some(role) = role else { return self.aws().await };
        let mut settings = self.aws_settings();
        settings.roles.push(role.clone());
        Box::pin(async { Aws::connect(&settings, self.calls.clone()).await }).await
    }

    /// A registry. ECR is entered with the AWS credentials in use, which no other registry sees.
    pub async fn registry(&self, host: &str, credentials: Option<Credentials>) -> Result<Registry> {
        self.registry_as(host, credentials, None).await
    }

    /// The same, ECR by this role.
    pub async fn registry_as(
        &self,
        host: &str,
        credentials: Option<Credentials>,
        role: Option<&RoleArn>,
    ) -> Result<Registry> {
        let account = match (EcrRegistry::from_host(host), credentials) {
            (Some(registry), _) => Account::Ecr(Ecr::new(&self.aws_as(role).await?, registry)),
            (None, Some(user)) => Account::Named(user),
            (None, None) => Account::Anonymous,
        };
        Registry::new(host, self.common.registry_endpoint.as_ref(), account)
    }

    /// Names what users get of this step's target: what serves there is read back when the step ends, however it ends.
    pub fn read_back_at_end(&self, served: Served) {
        let mut targets = self.read_back_at_end.borrow_mut();
        if !targets.contains(&served) {
            targets.push(served);
        }
    }

    /// What was named by [`read_back_at_end`](Self::read_back_at_end).
    #[must_use]
    pub fn targets_to_read_back(&self) -> Vec<Served> {
        self.read_back_at_end.borrow().clone()
    }

    /// Reads what serves there now, as one line.
    pub async fn serving(&self, served: &Served) -> Result<String> {
        Ok(match served {
            Served::Function(function, qualifier) => {
                self.lambda().await?.serving(function, qualifier).await?.to_string()
            }
            Served::Service(cluster, service) => self.ecs().await?.running(cluster, service).await?.to_string(),
            Served::Site(bucket, prefix, marker, pointer) => {
                let site = self.site(bucket, prefix.as_ref(), marker, pointer.as_ref()).await?;
                let bucket = SiteBucket::of(self.aws().await?, &site).await?;
                format!("{site}: {}", read_marker(&bucket, &site).await?.marker.label())
            }
        })
    }

    /// A site as records name it, in the account of the credentials.
    pub async fn site(
        &self,
        bucket: &BucketLabel,
        prefix: Option<&Prefix>,
        marker: &MarkerPath,
        pointer: Option<&Pointer>,
    ) -> Result<Site> {
        let bucket = bucket.in_account(self.aws().await?.account().await?);
        Ok(Site { bucket, prefix: prefix.cloned(), marker: marker.clone(), pointer: pointer.cloned() })
    }

    /// Notes that a step itself has told a record how it ended: it is not told again.
    pub fn note_told(&self, record: u64) {
        self.told_records.borrow_mut().insert(record);
    }

    /// Whether a step has told a record how it ended.
    #[must_use]
    pub fn is_told(&self, record: u64) -> bool {
        self.told_records.borrow().contains(&record)
    }

    fn aws_settings(&self) -> AwsSettings {
        let (common, runner) = (&self.common, &self.runner);
        let request = runner.actions_id_token_request_url.clone().zip(runner.actions_id_token_request_token.clone());
        let run = runner.github_run_id.as_deref().unwrap_or("local");
        AwsSettings {
            region: common
                .aws_region
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| runner.aws_region.clone())
                .or_else(|| runner.aws_default_region.clone()),
            roles: common.role_to_assume.iter().flatten().cloned().collect(),
            session_name: common
                .role_session_name
                .as_ref()
                .map_or_else(|| format!("deploy-action-{run}"), ToString::to_string),
            session_duration: common.role_duration.0,
            use_instance_metadata: common.use_instance_metadata.0,
            token_request: request.map(|(url, bearer)| TokenRequest { url, bearer }),
        }
    }

    fn github_settings(&self) -> GithubSettings {
        GithubSettings {
            token: self.common.token.clone(),
            repository: self.runner.github_repository.clone(),
            api_url: self.runner.github_api_url.clone(),
            run_url: self.runner.run_url(),
        }
    }
}
