//! Credentials: those at hand, roles assumed by the job's OIDC token or one from the other, and what is said when there are
//! none or they are refused. Secrets are shown nowhere, not even in the debug log.

mod over_time;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testbed::aws::{Account, Fault, FunctionSpec, LocalAws, OidcKey, Request, Settings, zips};
use testbed::github::{Job, LocalGithub, Signer};
use testbed::runner::{Report, Runner};

const SHA: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";
const HOST: &str = "token.actions.githubusercontent.com";
const SUBJECT: &str = "repo:org/shop:environment:prd";
const SECRET_KEY: &str = "wJalrXUtnFEMIexampleSecretKeyOfTheJob";

/// An account with a function whose alias `live` serves version 1 of two, and a GitHub that gives a job its tokens.
struct World {
    account: Account,
    github: LocalGithub,
    key: OidcKey,
    tokens: Arc<Mutex<Vec<String>>>,
}

impl World {
    async fn new() -> Self {
        let account = LocalAws::shared().account();
        let github = LocalGithub::start().await.unwrap();
        for release in ["one", "two"] {
            let package = zips::python(&format!("def handler(event, context):\n    return '{release}'\n"));
            match release {
                "one" => account.create_function(&FunctionSpec::zip("shop-api", package)).await.unwrap(),
                _ => account.update_code("shop-api", &testbed::aws::Code::Zip(package)).await.unwrap(),
            };
            account.publish("shop-api", release).await.unwrap();
        }
        account.create_alias("shop-api", "live", "1").await.unwrap();
        let key = account.oidc_key().await.unwrap();
        account.publish_issuer_keys(&format!("https://{HOST}"), &key.jwks).await.unwrap();
        let world = Self { account, github, key, tokens: Arc::default() };
        world.sign_by(&world.key);
        world
    }

    /// Has the issuer sign with this key, and remembers every token it gave.
    fn sign_by(&self, key: &OidcKey) {
        let (account, kid, tokens) = (self.account.clone(), key.kid.clone(), Arc::clone(&self.tokens));
        let signer = Signer::new(move |claims: Value| {
            let (account, kid, tokens) = (account.clone(), kid.clone(), Arc::clone(&tokens));
            async move {
                let token = account.sign_token(&kid, &claims).await?;
                tokens.lock().unwrap().push(token.clone());
                Ok(token)
            }
        });
        self.github.sign_with(signer, key.jwks.clone(), Some(&format!("https://{HOST}")));
    }

    /// A role that the job's tokens with this subject may assume, and that may do everything.
    async fn role(&self, name: &str, subject: &str) -> String {
        let trust = self.account.web_identity_trust(HOST, &[("aud", "sts.amazonaws.com"), ("sub", subject)]);
        let role = self.account.create_role_with_trust(name, &trust).await.unwrap();
        self.allow(name, &["*"]).await;
        role
    }

    /// A role that whoever has credentials of the account may assume.
    async fn role_of_the_account(&self) -> String {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{}:root", self.account.id)},
                "Action": "sts:AssumeRole",
            }],
        });
        let role = self.account.create_role_with_trust("deploy", &trust).await.unwrap();
        self.allow("deploy", &["lambda:*"]).await;
        role
    }

    async fn allow(&self, role: &str, actions: &[&str]) {
        let policy =
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
        self.account.put_role_policy(role, "may", &policy).await.unwrap();
    }

    async fn provider(&self) {
        self.account.create_oidc_provider(&format!("https://{HOST}")).await.unwrap();
    }

    fn job() -> Job {
        Job::new("org/shop", SHA).environment("prd")
    }

    /// The step, in a job without credentials that may ask for tokens; with debug logging, so that nothing hides there.
    fn step(&self, job: &Job) -> Runner {
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("swap-alias")
            .input("function", "shop-api")
            .input("version", "2")
            .input("record", "off")
            .repository("org/shop")
            .sha(SHA)
            .run_id(4242)
            .envs(self.github.environment(job))
            .env("AWS_REGION", self.account.region())
            .env("AWS_ENDPOINT_URL", self.account.endpoint())
            .debug()
    }

    /// The step with the account's own credentials in the environment.
    fn at_hand(&self) -> Runner {
        let mut job = Self::job();
        job.id_token = false;
        self.step(&job).envs(self.account.environment()).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    }

    async fn serves(&self) -> String {
        self.account.alias("shop-api", "live").await.unwrap().version
    }

    async fn requests(&self, operation: &str) -> Vec<Request> {
        let all = self.account.requests().await.unwrap();
        all.into_iter().filter(|request| request.operation == operation).collect()
    }

    /// Asserts that neither a token of the job nor anything else the runner was told to hide is shown anywhere.
    #[track_caller]
    fn assert_nothing_shown(&self, report: &Report) {
        report.assert_runner_safe();
        for token in self.tokens.lock().unwrap().iter() {
            report.assert_no_secret(token);
        }
        for mask in report.masks.iter().filter(|mask| mask.len() >= 6) {
            report.assert_no_secret(mask);
        }
        report.assert_no_secret(SECRET_KEY);
        for (name, value) in report.outputs.iter().filter(|(name, _)| !name.ends_with("-uri")) {
            assert!(!value.contains(&self.account.id), "the output {name} holds the account id\n{report}");
        }
    }

    #[track_caller]
    fn assert_refused(&self, report: &Report, words: &[&str]) {
        report.assert_verdict("error", 4);
        self.assert_nothing_shown(report);
        let message = &report.error().message;
        for word in words {
            assert!(message.contains(word), "{word:?} is not in\n{message}\n{report}");
        }
    }
}

#[tokio::test]
async fn credentials_of_the_environment_are_used() {
    let world = World::new().await;
    let report = world.at_hand().run().await;
    report.assert_verdict("pass", 0);
    world.assert_nothing_shown(&report);
    assert_eq!(world.serves().await, "2");
    assert!(world.requests("AssumeRoleWithWebIdentity").await.is_empty());
}

#[tokio::test]
async fn without_credentials_it_says_where_it_looked() {
    let world = World::new().await;
    let report = world.step(&World::job()).run().await;
    let places = [
        "no AWS credentials",
        "AWS_ACCESS_KEY_ID",
        "not the machine's role (`use-instance-metadata` is false)",
        "`role-to-assume`",
    ];
    world.assert_refused(&report, &places);
    assert!(!report.error().message.contains("`id-token: write`"), "the job has it\n{report}");

    let mut job = World::job();
    job.id_token = false;
    let report = world.step(&job).run().await;
    world.assert_refused(&report, &["no AWS credentials", "give the job the permission `id-token: write`"]);
    let report = world.step(&job).input("role-to-assume", world.account.role_arn("deploy")).run().await;
    world.assert_refused(&report, &["needs the job's OIDC token", "give the job the permission `id-token: write`"]);
    assert_eq!(world.serves().await, "1");
    assert!(world.requests("UpdateAlias").await.is_empty());
}

#[tokio::test]
async fn half_of_the_credentials_is_said() {
    let world = World::new().await;
    let report = world.at_hand().without_env("AWS_SECRET_ACCESS_KEY").run().await;
    report.assert_verdict("error", 4);
    assert!(report.error().message.contains("AWS_SECRET_ACCESS_KEY"), "{report}");
}

#[tokio::test]
async fn a_role_is_assumed_by_the_jobs_token() {
    let world = World::new().await;
    world.provider().await;
    let role = world.role("deploy", SUBJECT).await;
    let report = world.step(&World::job()).input("role-to-assume", &role).run().await;
    report.assert_verdict("pass", 0);
    world.assert_nothing_shown(&report);
    assert_eq!(world.serves().await, "2");
    let assumed = world.requests("AssumeRoleWithWebIdentity").await;
    assert_eq!(assumed.len(), 1, "{assumed:#?}");
    assert!(assumed[0].body.contains("RoleSessionName=deploy-action-4242"), "{}", assumed[0].body);
    assert!(assumed[0].body.contains("DurationSeconds=3600"), "{}", assumed[0].body);
    let written = world.requests("UpdateAlias").await;
    assert!(written[0].access_key.starts_with("ASIA"), "the session writes: {}", written[0].access_key);
}

#[tokio::test]
async fn the_session_is_named_and_limited_as_asked() {
    let world = World::new().await;
    world.provider().await;
    let role = world.role("deploy", SUBJECT).await;
    let step = world.step(&World::job()).input("role-to-assume", &role);
    let report = step.clone().input("role-session-name", "release-7").input("role-duration", "15m").run().await;
    report.assert_verdict("pass", 0);
    let assumed = world.requests("AssumeRoleWithWebIdentity").await;
    assert!(assumed[0].body.contains("RoleSessionName=release-7"), "{}", assumed[0].body);
    assert!(assumed[0].body.contains("DurationSeconds=900"), "{}", assumed[0].body);

    let report = step.input("role-duration", "2h").run().await;
    world.assert_refused(
        &report,
        &["could not be assumed", "shorten the input `role-duration`, or raise the role's maximum"],
    );
}

#[tokio::test]
async fn a_refused_token_is_explained_by_its_claims_and_never_shown() {
    let world = World::new().await;
    world.provider().await;
    let role = world.role("deploy", SUBJECT).await;
    let job = Job::new("org/shop", SHA);
    let report = world.step(&job).input("role-to-assume", &role).run().await;
    world.assert_refused(
        &report,
        &[
            "the role ",
            "could not be assumed: sts:AssumeRoleWithWebIdentity: AccessDenied",
            "sub = repo:org/shop:ref:refs/heads/main",
            "aud = sts.amazonaws.com",
            "repository_id = ",
            "ref = refs/heads/main",
            &format!("\"{HOST}:sub\": \"repo:org/shop:ref:refs/heads/main\""),
            &format!("\"{HOST}:aud\": \"sts.amazonaws.com\""),
        ],
    );
    assert_eq!(world.tokens.lock().unwrap().len(), 1, "a refusal is not tried again");
    assert_eq!(world.serves().await, "1");
    // The same trust policy, and a job with the environment.
    world.step(&World::job()).input("role-to-assume", &role).run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn claims_of_new_repositories_hold_ids() {
    let world = World::new().await;
    world.provider().await;
    let role = world.role("deploy", SUBJECT).await;
    let mut job = World::job();
    job.immutable_subject = true;
    let report = world.step(&job).input("role-to-assume", &role).run().await;
    let app = world.github.repository("org/shop");
    let subject = format!("repo:org@{}/shop@{}:environment:prd", app.owner_id(), app.id());
    world.assert_refused(&report, &[&format!("sub = {subject}"), "environment = prd", "have ids in it"]);
}

#[tokio::test]
async fn claims_of_custom_properties_are_printed() {
    let world = World::new().await;
    world.provider().await;
    let role = world.role("deploy", SUBJECT).await;
    let mut job = Job::new("org/shop", SHA);
    let property = |name: &str, value: Value| (format!("repo_property_{name}"), value);
    job.claims.extend([property("team", "payments".into()), property("regions", json!(["eu", "us"]))]);
    let report = world.step(&job).input("role-to-assume", &role).run().await;
    world.assert_refused(&report, &["repo_property_team = payments", r#"repo_property_regions = ["eu","us"]"#]);
}

#[tokio::test]
async fn an_account_without_the_provider_is_told_so() {
    let world = World::new().await;
    let role = world.role("deploy", SUBJECT).await;
    let report = world.step(&World::job()).input("role-to-assume", &role).run().await;
    world.assert_refused(&report, &["InvalidIdentityToken", "has no OIDC provider for this issuer"]);
}

#[tokio::test]
async fn expired_and_forged_tokens_are_refused() {
    let world = World::new().await;
    world.provider().await;
    let role = world.role("deploy", SUBJECT).await;
    let mut expired = World::job();
    for (claim, time) in [("iat", 1_700_000_000), ("nbf", 1_700_000_000), ("exp", 1_700_000_300)] {
        expired.claims.insert(claim.to_owned(), json!(time));
    }
    let report = world.step(&expired).input("role-to-assume", &role).run().await;
    world.assert_refused(&report, &["ExpiredToken", "sub = repo:org/shop:environment:prd"]);

    // A key that the issuer does not vouch for.
    let forger = world.account.oidc_key().await.unwrap();
    world.sign_by(&forger);
    let report = world.step(&World::job()).input("role-to-assume", &role).run().await;
    world.assert_refused(&report, &["InvalidIdentityToken", "sub = repo:org/shop:environment:prd"]);
    assert_eq!(world.serves().await, "1");
}

#[tokio::test]
async fn roles_are_a_chain() {
    let world = World::new().await;
    world.provider().await;
    let first = world.role("hub", SUBJECT).await;
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": first}, "Action": "sts:AssumeRole"}],
    });
    let second = world.account.create_role_with_trust("deploy", &trust).await.unwrap();
    world.allow("deploy", &["lambda:*"]).await;
    let step = world.step(&World::job()).input("role-to-assume", format!("{first}\n# then\n{second}"));
    let report = step.run().await;
    report.assert_verdict("pass", 0);
    world.assert_nothing_shown(&report);
    assert_eq!(world.serves().await, "2");
    assert_eq!(world.requests("AssumeRole").await.len(), 1);

    let third = world.role("other", SUBJECT).await;
    let report = world.step(&World::job()).input("role-to-assume", format!("{first}\n{third}")).run().await;
    world.assert_refused(
        &report,
        &["sts:AssumeRole: AccessDenied", "allow sts:AssumeRole on ", "name them in that role's trust policy"],
    );
}

#[tokio::test]
async fn with_credentials_at_hand_the_first_role_is_assumed_from_them() {
    let world = World::new().await;
    let role = world.role_of_the_account().await;
    let report = world.at_hand().input("role-to-assume", &role).run().await;
    report.assert_verdict("pass", 0);
    world.assert_nothing_shown(&report);
    assert_eq!(world.requests("AssumeRole").await.len(), 1);
    assert!(world.tokens.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_session_about_to_expire_is_renewed_with_a_new_token() {
    let world = World::new().await;
    world.provider().await;
    let role = world.role("deploy", SUBJECT).await;
    // A session is renewed when a third of it is left: so within this step.
    world.account.settings(&Settings { session_lifetime: Some(4.0), ..Settings::default() }).await.unwrap();
    let slow = Fault { operation: Some("GetAlias".into()), delay: Some(3.0), applied: true, ..Fault::default() };
    world.account.faults(&[slow]).await.unwrap();
    let report = world.step(&World::job()).input("role-to-assume", &role).run().await;
    report.assert_verdict("pass", 0);
    world.assert_nothing_shown(&report);
    let tokens = world.tokens.lock().unwrap().clone();
    assert!(tokens.len() >= 2, "{} tokens", tokens.len());
    assert_ne!(tokens[0], tokens[1]);
    let written = world.requests("UpdateAlias").await;
    let first = world.requests("GetAlias").await;
    assert_ne!(written[0].access_key, first[0].access_key, "another session");
}

#[tokio::test]
async fn the_issuer_being_out_of_order_is_tried_again_and_said() {
    let world = World::new().await;
    world.provider().await;
    let role = world.role("deploy", SUBJECT).await;
    world.github.sign_with(Signer::new(|_| async { anyhow::bail!("out of order") }), json!({"keys": []}), None);
    let step = world.step(&World::job()).input("role-to-assume", &role).input("timeout", "5s");
    let report = step.run().await;
    world.assert_refused(&report, &["OIDC token"]);
}

#[tokio::test]
async fn another_account_than_expected_is_not_written_to() {
    let world = World::new().await;
    let report = world.at_hand().input("expected-account-id", "111122223333").run().await;
    report.assert_verdict("fail", 1);
    world.assert_nothing_shown(&report);
    assert!(report.error().message.contains("another account than `expected-account-id`"), "{report}");
    assert!(!report.to_string().contains("111122223333"), "account ids are not printed\n{report}");
    assert!(world.requests("UpdateAlias").await.is_empty());
    let report = world.at_hand().input("expected-account-id", &world.account.id).run().await;
    report.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_role_without_the_permission_tells_the_permission() {
    let world = World::new().await;
    world.provider().await;
    let role = world.role("deploy", SUBJECT).await;
    world.allow("deploy", &["lambda:ListAliases", "lambda:GetAlias", "lambda:UpdateAlias"]).await;
    let report = world.step(&World::job()).input("role-to-assume", &role).run().await;
    world.assert_refused(&report, &["lambda:GetFunction", "AccessDenied", "allow lambda:GetFunction"]);
    assert_eq!(world.serves().await, "1");
    assert_eq!(report.output("changed"), "false");
}
