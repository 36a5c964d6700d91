//! The trust policies that the documentation prints accept the jobs they are for, and nobody else.

use serde_json::{Value, json};
use testbed::aws::{Account, LocalAws, OidcKey};
use testbed::github::{Job, LocalGithub, Signer};
use testbed::runner::Runner;

use super::policy::PAGE;
use super::{print, told};

const HOST: &str = "token.actions.githubusercontent.com";
const COMMIT: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";

/// The repository that the documentation names, with its ids.
const REPOSITORY: &str = "org/shop";
const ID: &str = "123456789";
const OWNER_ID: &str = "9876543";

/// A policy of the page, and whether it is for a job with this environment on this ref.
struct Trust {
    what: &'static str,
    condition: Value,
    accepts: fn(Option<&str>, &str) -> bool,
}

/// The account, with GitHub as its identity provider.
struct World {
    account: Account,
    github: LocalGithub,
}

/// Who asks: a job on one of these refs, in one of these environments, of one of these repositories.
#[derive(Clone, Copy, Debug)]
struct Asking {
    environment: Option<&'static str>,
    git_ref: &'static str,
    who: Who,
    /// Whether `sub` carries the ids.
    ids: bool,
    audience: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Ours,
    /// A fork, in its own repository.
    Fork,
    /// A repository that was given the name after it was given up.
    TookTheName,
}

const ENVIRONMENTS: [Option<&str>; 4] = [None, Some("prd"), Some("stg"), Some("prd-eu")];
const REFS: [&str; 6] = [
    "refs/heads/main",
    "refs/heads/maintenance",
    "refs/heads/v1",
    "refs/tags/v1.2.3",
    "refs/tags/nightly",
    "refs/pull/7/merge",
];

#[tokio::test]
async fn the_documented_trust_policies_accept_the_jobs_they_are_for_and_nobody_else() {
    let world = World::new().await;
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for (number, trust) in documented().into_iter().enumerate() {
        let role = world.role(&format!("documented-{number}"), &trust.condition).await;
        let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
        for asking in everyone() {
            let ours = asking.who == Who::Ours && asking.audience == "sts.amazonaws.com";
            let wanted = ours && (trust.accepts)(asking.environment, asking.git_ref);
            let found = world.assume(&role, &asking).await;
            if found == wanted && found {
                accepted += 1;
            } else if found == wanted {
                refused += 1;
            } else {
                wrong.push(format!("{asking:?}: {found}"));
            }
        }
        assert!(accepted > 0 && refused > 0, "{}", trust.what);
        rows.push(format!("{} | {accepted} | {}", trust.what, told(&refused.to_string(), &wrong)));
        failed.extend(wrong);
    }
    print("Whom the documented trust policies let in", "policy | kinds of jobs let in | refused", rows.into_iter());
    assert_eq!(failed, Vec::<String>::new());
}

/// What the step suggests after a refusal would have accepted the token, and nobody who takes over the name.
#[tokio::test]
async fn the_condition_that_a_refused_token_is_answered_with_is_good() {
    let world = World::new().await;
    for ids in [false, true] {
        let asking = Asking { ids, ..everyone()[0] };
        let refusing =
            world.role(&format!("refusing-{ids}"), &json!({"StringEquals": {format!("{HOST}:aud"): "none"}})).await;
        let report = world.runner(&refusing, &asking).run().await;
        report.assert_verdict("error", 4);
        let said = &report.error().message;
        let suggested = said.split_once("the condition ").unwrap().1.lines().next().unwrap();
        let condition: Value = serde_json::from_str(suggested).unwrap_or_else(|_| panic!("{suggested}"));
        assert_eq!(condition["StringEquals"][format!("{HOST}:repository_id")], ID, "{said}");
        let role = world.role(&format!("suggested-{ids}"), &condition).await;
        assert!(world.assume(&role, &asking).await, "{condition}");
        for who in [Who::Fork, Who::TookTheName] {
            assert!(!world.assume(&role, &Asking { who, ..asking }).await, "{who:?}: {condition}");
        }
    }
}

/// The policies of the page: one whole, and conditions to be put in its place.
fn documented() -> Vec<Trust> {
    let blocks = PAGE.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut conditions = blocks.filter(|block| block.contains(&format!("{HOST}:aud"))).map(|block| {
        let block: Value = serde_json::from_str(block).unwrap();
        match block.get("Statement") {
            Some(statements) => statements[0]["Condition"].clone(),
            None => block,
        }
    });
    let mut next = |what, accepts| Trust { what, condition: conditions.next().unwrap(), accepts };
    let all = vec![
        next("environment prd, from a tag", |environment, git_ref| {
            environment == Some("prd") && git_ref == "refs/tags/v1.2.3"
        }),
        next("environment stg, from the branch", |environment, git_ref| {
            environment == Some("stg") && git_ref == "refs/heads/main"
        }),
        next("no environment, the branch", |environment, git_ref| {
            environment.is_none() && git_ref == "refs/heads/main"
        }),
        next("no environment, tags", |environment, git_ref| environment.is_none() && git_ref == "refs/tags/v1.2.3"),
    ];
    assert!(conditions.next().is_none(), "the page has another trust policy");
    all
}

fn everyone() -> Vec<Asking> {
    let mut all = Vec::new();
    for environment in ENVIRONMENTS {
        for git_ref in REFS {
            for who in [Who::Ours, Who::Fork, Who::TookTheName] {
                for ids in [false, true] {
                    all.push(Asking { environment, git_ref, who, ids, audience: "sts.amazonaws.com" });
                }
            }
            all.push(Asking { environment, git_ref, who: Who::Ours, ids: false, audience: "https://github.com/org" });
        }
    }
    all
}

impl Asking {
    /// The job, and the claims that the stand-in would make otherwise: the ids of the documentation.
    fn job(&self) -> Job {
        let (repository, id, owner_id) = match self.who {
            Who::Ours => (REPOSITORY, ID, OWNER_ID),
            Who::Fork => ("somebody/shop", "55555", "66666"),
            Who::TookTheName => (REPOSITORY, "77777", "88888"),
        };
        let mut job = Job::new(repository, COMMIT);
        job.environment = self.environment.map(str::to_owned);
        self.git_ref.clone_into(&mut job.git_ref);
        if self.git_ref.starts_with("refs/pull/") {
            "pull_request".clone_into(&mut job.event_name);
        }
        let (owner, name) = repository.split_once('/').unwrap();
        let subject = if self.ids { format!("{owner}@{owner_id}/{name}@{id}") } else { repository.to_owned() };
        let context = match (self.environment, job.event_name.as_str()) {
            (Some(environment), _) => format!("environment:{environment}"),
            (None, "pull_request") => "pull_request".to_owned(),
            (None, _) => format!("ref:{}", self.git_ref),
        };
        for (claim, value) in
            [("repository_id", id), ("repository_owner_id", owner_id), ("sub", &format!("repo:{subject}:{context}"))]
        {
            job.claims.insert(claim.to_owned(), json!(value));
        }
        job
    }
}

impl World {
    async fn new() -> Self {
        let account = LocalAws::shared().account();
        let github = LocalGithub::start().await.unwrap();
        let issuer = format!("https://{HOST}");
        let key: OidcKey = account.oidc_key().await.unwrap();
        account.publish_issuer_keys(&issuer, &key.jwks).await.unwrap();
        account.create_oidc_provider(&issuer).await.unwrap();
        let (signing, kid) = (account.clone(), key.kid.clone());
        let signer = Signer::new(move |claims: Value| {
            let (account, kid) = (signing.clone(), kid.clone());
            async move { account.sign_token(&kid, &claims).await }
        });
        github.sign_with(signer, key.jwks, Some(&issuer));
        Self { account, github }
    }

    /// A role with the documented statement and this condition.
    async fn role(&self, name: &str, condition: &Value) -> String {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Federated": format!("arn:aws:iam::{}:oidc-provider/{HOST}", self.account.id)},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": condition,
            }],
        });
        self.account.create_role_with_trust(name, &trust).await.unwrap()
    }

    /// Whether STS lets the job in, with a token of the issuer.
    async fn assume(&self, role: &str, asking: &Asking) -> bool {
        let variables = self.github.environment(&asking.job());
        let variable = |name: &str| variables.iter().find(|(known, _)| known == name).unwrap().1.clone();
        let url = format!("{}&audience={}", variable("ACTIONS_ID_TOKEN_REQUEST_URL"), asking.audience);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(url).bearer_auth(variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
        let token: Value = request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
        let token = token["value"].as_str().unwrap();
        let body = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=test&RoleArn={role}&WebIdentityToken={token}"
        );
        let request = client.post(self.account.endpoint()).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        let refused = text.contains("Not authorized to perform sts:AssumeRoleWithWebIdentity")
            || text.contains("Incorrect token audience");
        assert!(status.is_success() || refused, "{status}: {text}");
        status.is_success()
    }

    /// A step of the job that wants the role.
    fn runner(&self, role: &str, asking: &Asking) -> Runner {
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("swap-alias")
            .input("function", "shop-api")
            .input("version", "2")
            .input("record", "off")
            .input("role-to-assume", role)
            .repository(REPOSITORY)
            .sha(COMMIT)
            .envs(self.github.environment(&asking.job()))
            .env("AWS_REGION", self.account.region())
            .env("AWS_ENDPOINT_URL", self.account.endpoint())
    }
}
