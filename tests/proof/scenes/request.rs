//! The requests of a run, of all who were asked, in one list.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use regex::Regex;

use super::Stage;

/// Who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A service of AWS, ECR's registry and its layer URLs included.
    Aws,
    /// GitHub's API, and its OIDC endpoint.
    Github,
    /// A registry of this name in [`Stage::registries`], its token endpoint and its store included.
    Registry(&'static str),
    /// The web server whose health is checked.
    Web,
}

/// A request of the program.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Who was asked.
    pub(crate) target: Target,
    /// `lambda UpdateAlias`, `ecr BatchGetImage`, `registry PutManifest`; elsewhere the method.
    pub(crate) operation: String,
    /// Path and query, the same in every stage: what differs is `{account}`, `{commit}`, `{digest}` and the like.
    pub(crate) path: String,
    /// When it arrived, since the first request of the run.
    pub(crate) arrived: Duration,
    /// When it was answered, since the first request of the run; none if it was not.
    pub(crate) answered: Option<Duration>,
}

/// What differs from stage to stage, and what stands for it.
static VARIABLE: LazyLock<[(Regex, &str, &str); 21]> = LazyLock::new(|| {
    let table = [
        ("sha256-[0-9a-f]{64}", "{tag of digest}"),
        ("sha256(:|%3A)[0-9a-f]{64}", "{digest}"),
        ("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "{uuid}"),
        (r"\b[0-9a-f]{48}\b", "{secret}"),
        (r"%2F[0-9a-f]{40}\b", "%2F{commit}"),
        (r"\b[0-9a-f]{40}\b", "{commit}"),
        (r"127\.0\.0\.1:[0-9]+", "{host}"),
        (r"\b[0-9]{8}T[0-9]{6}Z\b", "{time}"),
        (r"\b[0-9]{12}\b", "{account}"),
        (r"/deployments/[0-9]+", "/deployments/{id}"),
        (r"/distribution/E[0-9A-Z]{6,}", "/distribution/{id}"),
        (r"\borigin-path:E[0-9A-Z]{6,}", "origin-path:{id}"),
        (r"/invalidation/I[0-9A-Z]+", "/invalidation/{id}"),
        (r"/function/f-[0-9a-f]+", "/function/{id}"),
        (r"/cloudfront/d[0-9a-z]+", "/cloudfront/{site}"),
        (r"/apis/[0-9a-f]{8}\b", "/apis/{id}"),
        (r"services-api-[0-9a-f]{7}\b", "services-api-{short}"),
        (r"/releases/(assets/)?[0-9]+", "/releases/{id}"),
        (r"/actions/runs/[0-9]+", "/actions/runs/{id}"),
        (r"/issues/comments/[0-9]+", "/issues/comments/{id}"),
        (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}%3A[0-9]{2}%3A[0-9]{2}Z", "{since}"),
    ];
    table.map(|(pattern, name)| (Regex::new(pattern).unwrap(), pattern, name))
});

impl Request {
    /// Whether it is a write, by what it is called.
    pub(crate) fn writes(&self) -> bool {
        const READS: [&str; 9] = ["GET", "HEAD", "Get", "Head", "List", "Describe", "BatchGet", "Ping", "Filter"];
        let name = self.operation.split(' ').next_back().unwrap_or_default();
        self.target != Target::Web && !READS.iter().any(|read| name.starts_with(read))
    }

    /// Who is asked, if a step may have to get along without: GitHub's API, a registry, ECR, S3. Nothing where it is what the step
    /// is about (Lambda), or who lets it in (tokens and roles).
    pub(crate) fn counterpart(&self) -> Option<(Target, &str)> {
        let service = self.operation.split(' ').next().unwrap_or_default();
        match self.target {
            Target::Github => (!self.path.starts_with("/oidc/")).then_some((self.target, "")),
            Target::Registry(_) => Some((self.target, "")),
            Target::Aws => ["ecr", "registry", "layers", "s3"].contains(&service).then_some((self.target, service)),
            Target::Web => None,
        }
    }

    /// A regular expression for path and query of this request in any stage.
    pub(crate) fn pattern(&self) -> String {
        let escaped = regex::escape(&self.path);
        VARIABLE.iter().fold(escaped, |text, (_, pattern, name)| text.replace(&regex::escape(name), pattern))
    }
}

fn normalised(path: &str) -> String {
    VARIABLE.iter().fold(path.to_owned(), |text, (regex, _, name)| regex.replace_all(&text, *name).into_owned())
}

/// The requests that the program made in a stage, in the order of arrival.
pub(super) async fn of(stage: &Stage) -> Vec<Request> {
    let mut found = aws(stage).await;
    found.extend(github(stage));
    found.extend(registries(stage));
    found.extend(web(stage));
    found.sort_by_key(|one| one.arrived);
    let first = found.first().map(|one| one.arrived).unwrap_or_default();
    for one in &mut found {
        one.arrived -= first;
        one.answered = one.answered.map(|at| at.saturating_sub(first));
    }
    found
}

async fn aws(stage: &Stage) -> Vec<Request> {
    let all = stage.aws.requests().await.unwrap();
    // A test's own looks are made by a client without a name.
    let own = all.into_iter().filter(|one| !one.by_rule && !one.user_agent.is_empty());
    own.map(|one| {
        let query =
            if one.query.is_empty() || one.service == "layers" { String::new() } else { format!("?{}", one.query) };
        Request {
            target: Target::Aws,
            operation: format!("{} {}", one.service, one.operation),
            path: normalised(&format!("{}{query}", one.path)),
            arrived: Duration::from_secs_f64(one.time),
            answered: one.seconds.map(|seconds| Duration::from_secs_f64(one.time + seconds)),
        }
    })
    .collect()
}

fn github(stage: &Stage) -> impl Iterator<Item = Request> {
    stage.github.requests().into_iter().map(|one| Request {
        target: Target::Github,
        operation: one.method,
        path: normalised(&one.target),
        arrived: since(one.at),
        answered: one.answered.map(since),
    })
}

fn registries(stage: &Stage) -> impl Iterator<Item = Request> {
    stage.registries.iter().flat_map(|(name, registry)| {
        registry.requests().into_iter().map(|one| Request {
            target: Target::Registry(name),
            path: normalised(&one.target),
            operation: one.method,
            arrived: since(one.at),
            answered: one.answered.map(since),
        })
    })
}

fn web(stage: &Stage) -> impl Iterator<Item = Request> {
    stage.web.iter().flat_map(|(server, _)| server.requests()).map(|one| Request {
        target: Target::Web,
        operation: one.method.clone(),
        path: one.path().to_owned(),
        arrived: since(one.at),
        answered: None,
    })
}

fn since(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
