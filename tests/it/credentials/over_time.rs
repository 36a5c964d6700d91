//! Credentials that end in the middle of a wait, an STS and an issuer in trouble, and clocks that differ.

use crate::messages::says;
use std::time::Duration;

use serde_json::json;
use testbed::aws::{Account, Fault, ImageSpec, Settings};
use testbed::github;
use testbed::registry::Registry;
use testbed::runner::{Report, Runner};

use super::{SUBJECT, World};

/// How long sessions last here, and how long each step waits in its middle, in seconds.
const LIFETIME: f64 = 4.0;
const WAIT: f64 = 5.0;

/// A step that waits longer than a session lasts.
struct Waiting {
    step: &'static str,
    inputs: &'static [(&'static str, &'static str)],
    settings: fn() -> Settings,
    faults: fn() -> Vec<Fault>,
    /// How it ends when its credentials do, and what serves then, as far as it knows.
    ends: (&'static str, i32),
}

fn late(operation: &str) -> Fault {
    Fault { operation: Some(operation.to_owned()), delay: Some(WAIT), applied: true, ..Fault::default() }
}

/// Every step that waits on AWS. Checks that wait by asking again do so by asking for several good answers.
const WAITING: [Waiting; 9] = [
    Waiting {
        step: "publish-version",
        inputs: &[("function", "shop-api"), ("zip", "app.zip")],
        settings: || Settings { update_delay: Some(WAIT), ..Settings::default() },
        faults: Vec::new,
        ends: ("error", 4),
    },
    Waiting {
        step: "publish-version",
        inputs: &[("function", "shop-api"), ("zip", "app.zip")],
        settings: || Settings { version_delay: Some(WAIT), ..Settings::default() },
        faults: Vec::new,
        ends: ("error", 4),
    },
    Waiting {
        step: "swap-alias",
        inputs: &[("function", "shop-api"), ("version", "2"), ("record", "off")],
        settings: Settings::default,
        faults: || vec![late("GetAlias")],
        ends: ("error", 4),
    },
    Waiting {
        step: "smoke-test",
        inputs: &[
            ("function", "shop-api"),
            ("version", "2"),
            ("event", "raw"),
            ("cases", "- payload: {}\n- { name: b, payload: {} }"),
        ],
        settings: Settings::default,
        faults: || vec![late("Invoke")],
        ends: ("error", 4),
    },
    Waiting {
        step: "health-check-with-backoff",
        inputs: &[("function", "shop-api"), ("payload", "{}"), ("success-threshold", "6"), ("base-wait", "1s")],
        settings: Settings::default,
        faults: Vec::new,
        ends: ("error", 4),
    },
    Waiting {
        step: "rollback",
        inputs: &[
            ("function", "shop-api"),
            ("to", "2"),
            ("attempts", "15"),
            ("record", "off"),
            ("scope", "any"),
            ("payload", "{}"),
            ("success-threshold", "6"),
            ("base-wait", "1s"),
        ],
        settings: Settings::default,
        faults: Vec::new,
        ends: ("error", 4),
    },
    Waiting {
        step: "promote-artifact",
        inputs: &[("destination", "shop-api"), ("tag", "v1")],
        settings: || Settings { ecr_token_lifetime: Some(LIFETIME), ..Settings::default() },
        faults: || vec![late("CompleteUpload")],
        ends: ("error", 4),
    },
    Waiting {
        step: "monitor",
        inputs: &[
            ("function", "shop-api"),
            ("alarms", "quiet"),
            ("checks", "alarms"),
            ("window", "6s"),
            ("settle", "1s"),
        ],
        settings: Settings::default,
        faults: Vec::new,
        ends: ("error", 4),
    },
    // Without credentials nothing can be put back either.
    Waiting {
        step: "swap-alias",
        inputs: &[
            ("function", "shop-api"),
            ("version", "2"),
            ("record", "off"),
            ("strategy", "50% 6s"),
            ("alarms", "quiet"),
            ("checks", "alarms"),
            ("settle", "1s"),
        ],
        settings: Settings::default,
        faults: Vec::new,
        ends: ("fail", 3),
    },
];

impl Waiting {
    /// The step in a world of its own, with what it works on.
    async fn prepare(&self) -> (World, Runner, Option<Registry>) {
        let world = World::new().await;
        world.provider().await;
        world.role("deploy", SUBJECT).await;
        let mut runner = Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step(self.step)
            .repository("org/shop")
            .sha(super::SHA)
            .run_id(4242)
            .env("AWS_REGION", world.account.region())
            .env("AWS_ENDPOINT_URL", world.account.endpoint())
            .debug();
        for (name, value) in self.inputs {
            runner = runner.input(name, *value);
        }
        let mut registry = None;
        let quiet = json!([{"name": "quiet", "type": "metric", "state": "OK", "at": -3600}]);
        world.account.put_alarms(&quiet).await.unwrap();
        if self.step == "publish-version" {
            let folder = tempfile::tempdir().unwrap().keep();
            let package = testbed::aws::zips::python("def handler(event, context):\n    return 'three'\n");
            std::fs::write(folder.join("app.zip"), package).unwrap();
            runner = runner.workspace(&folder);
        }
        if self.step == "promote-artifact" {
            let ghcr = Registry::ghcr().start().await.unwrap();
            world.account.create_repository("shop-api").await.unwrap();
            let image = ghcr.put_image(&ImageSpec::new("org/app"));
            let (user, password) = ghcr.credentials();
            let host = format!("{}.dkr.ecr.{}.amazonaws.com", world.account.id, world.account.region());
            runner = runner
                .input("source", format!("ghcr.io/org/app@{}", image.digest))
                .input("source-username", user)
                .input("source-password", password)
                .input("registry-endpoint", format!("ghcr.io={}\n{host}={}", ghcr.url(), world.account.endpoint()));
            registry = Some(ghcr);
        }
        let settings = Settings { session_lifetime: Some(LIFETIME), ..(self.settings)() };
        world.account.settings(&settings).await.unwrap();
        world.account.faults(&(self.faults)()).await.unwrap();
        (world, runner, registry)
    }
}

/// The credentials of a session of a role, as an earlier step leaves them in the environment.
async fn session(account: &Account) -> [(&'static str, String); 3] {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{}:root", account.id)},
            "Action": "sts:AssumeRole",
        }],
    });
    let role = account.create_role_with_trust("before", &trust).await.unwrap();
    let everything =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    account.put_role_policy("before", "may", &everything).await.unwrap();
    let parameters = [("RoleArn", role.as_str()), ("RoleSessionName", "before")];
    let answer = account.query("sts", "AssumeRole", &parameters).await.unwrap().ok().unwrap().text();
    let part = |name: &str| {
        let (_, rest) = answer.split_once(&format!("<{name}>")).expect("a part of the answer");
        rest.split('<').next().unwrap_or_default().to_owned()
    };
    [
        ("AWS_ACCESS_KEY_ID", part("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", part("SecretAccessKey")),
        ("AWS_SESSION_TOKEN", part("SessionToken")),
    ]
}

#[tokio::test]
async fn a31_a_role_is_renewed_in_the_middle_of_every_wait() {
    let each = WAITING.iter().map(async |waiting| {
        let (world, runner, _registry) = waiting.prepare().await;
        let job = world.github.environment(&World::job());
        let report = runner.envs(job).input("role-to-assume", world.account.role_arn("deploy")).run().await;
        report.assert_verdict("pass", 0);
        world.assert_nothing_shown(&report);
        let tokens = world.tokens.lock().unwrap().len();
        assert!(tokens >= 2, "{}: {tokens} tokens\n{report}", waiting.step);
    });
    futures_util::future::join_all(each).await;
}

#[tokio::test]
async fn credentials_that_cannot_be_renewed_end_the_step_with_the_mend() {
    let each = WAITING.iter().filter(|waiting| waiting.step != "promote-artifact").map(async |waiting| {
        let (world, runner, _registry) = waiting.prepare().await;
        let at_hand = session(&world.account).await;
        let report = runner.envs(at_hand.clone()).run().await;
        report.assert_verdict(waiting.ends.0, waiting.ends.1);
        world.assert_nothing_shown(&report);
        let told = &report.error().message;
        for words in ["ExpiredToken", "the AWS credentials expired during the job", "`role-to-assume`"] {
            assert!(told.contains(words), "{}: \"{words}\" is not in {told}\n{report}", waiting.step);
        }
        for (_, secret) in &at_hand[1..] {
            report.assert_no_secret(secret);
        }
        let known = waiting.step == "smoke-test" || !report.output("serving").is_empty();
        assert!(known, "{}: what serves, or that it is unknown, is said\n{report}", waiting.step);
        assert!(report.duration < Duration::from_mins(1), "{report}");
    });
    futures_util::future::join_all(each).await;
}

async fn swap(world: &World) -> Runner {
    world.provider().await;
    let role = world.role("deploy", SUBJECT).await;
    world.step(&World::job()).input("role-to-assume", role)
}

fn sts(fault: Fault) -> Fault {
    Fault { operation: Some("AssumeRoleWithWebIdentity".to_owned()), ..fault }
}

fn throttled() -> Fault {
    Fault {
        status: Some(400),
        code: Some("Throttling".to_owned()),
        message: Some("Rate exceeded".to_owned()),
        ..Fault::default()
    }
}

#[tokio::test]
async fn an_sts_in_trouble_for_a_moment_is_waited_for() {
    let troubles = [
        Fault { times: 2, ..throttled() },
        Fault { times: 1, retry_after: Some(1), ..throttled() },
        Fault { times: 2, status: Some(503), ..Fault::default() },
        Fault { times: 2, drop: true, ..Fault::default() },
        Fault { delay: Some(1.0), ..Fault::default() },
    ];
    let each = troubles.into_iter().map(async |trouble| {
        let world = World::new().await;
        let step = swap(&world).await;
        world.account.faults(&[sts(trouble)]).await.unwrap();
        step.run().await.assert_verdict("pass", 0);
        assert_eq!(world.serves().await, "2");
    });
    futures_util::future::join_all(each).await;
}

#[tokio::test]
async fn an_sts_in_trouble_for_long_ends_the_step_in_time_with_its_words() {
    let troubles = [
        (Fault { times: u32::MAX, ..throttled() }, "Throttling: Rate exceeded"),
        (Fault { times: u32::MAX, retry_after: Some(300), ..throttled() }, "Throttling: Rate exceeded"),
        (Fault { times: u32::MAX, status: Some(503), ..Fault::default() }, "ServiceUnavailable"),
    ];
    let each = troubles.into_iter().map(async |(trouble, words)| {
        let world = World::new().await;
        let step = swap(&world).await;
        world.account.faults(&[sts(trouble)]).await.unwrap();
        world.assert_refused(&step.run().await, &[words, "the role "]);
    });
    futures_util::future::join_all(each).await;
}

#[tokio::test]
async fn a_renewal_that_fails_at_first_ends_nothing() {
    let down = || github::Fault::on("GET", "/oidc/token").unwrap().after(1).times(2);
    let troubles = [down().status(503), down().status(429).header("Retry-After", "1"), down().cut(github::Cut::Reset)];
    let each = troubles.into_iter().map(async |trouble| {
        let world = World::new().await;
        let step = swap(&world).await;
        world.account.settings(&Settings { session_lifetime: Some(LIFETIME), ..Settings::default() }).await.unwrap();
        world.account.faults(&[late("GetAlias")]).await.unwrap();
        world.github.fault(trouble);
        let report = step.run().await;
        report.assert_verdict("pass", 0);
        world.assert_nothing_shown(&report);
        assert!(world.tokens.lock().unwrap().len() >= 2, "{report}");
    });
    futures_util::future::join_all(each).await;
}

#[tokio::test]
async fn a_session_that_is_still_good_is_used_when_there_is_no_new_one() {
    let world = World::new().await;
    let step = swap(&world).await;
    // A third of it is left when a new one is asked for, and refused: then the rest has to do.
    world.account.settings(&Settings { session_lifetime: Some(30.0), ..Settings::default() }).await.unwrap();
    world.account.faults(&[Fault { delay: Some(20.0), ..late("GetAlias") }]).await.unwrap();
    world.github.fault(github::Fault::on("GET", "/oidc/token").unwrap().after(1).status(403).always());
    let report = step.run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| says(line, "session-not-renewed")), "{report}");
    assert_eq!(world.tokens.lock().unwrap().len(), 1, "{report}");
}

/// The SDK learns AWS's time from the field `Date` of the refusal.
#[tokio::test]
async fn clocks_that_differ_by_ten_minutes_are_no_trouble() {
    let each =
        [600.0, -600.0].into_iter().flat_map(|shift| [(shift, true), (shift, false)]).map(async |(shift, role)| {
            let world = World::new().await;
            let step = if role { swap(&world).await } else { world.at_hand() };
            // A session's end is told by AWS's clock: by the runner's it would be over, or far away.
            let settings =
                Settings { clock_shift: Some(shift), session_lifetime: Some(LIFETIME), ..Settings::default() };
            world.account.settings(&settings).await.unwrap();
            world.account.faults(&[late("GetAlias")]).await.unwrap();
            let report = step.run().await;
            report.assert_verdict("pass", 0);
            assert_eq!(world.serves().await, "2");
            let tokens = world.tokens.lock().unwrap().len();
            assert!(!role || (2..8).contains(&tokens), "{tokens} tokens\n{report}");
        });
    futures_util::future::join_all(each).await;
}

#[tokio::test]
async fn a_chain_of_roles_begins_with_a_signature_and_stands_a_wrong_clock_too() {
    let world = World::new().await;
    let role = world.role_of_the_account().await;
    world.account.settings(&Settings { clock_shift: Some(-600.0), ..Settings::default() }).await.unwrap();
    world.at_hand().input("role-to-assume", &role).run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_clock_that_stays_wrong_is_said() {
    let world = World::new().await;
    let words = "Signature expired: 20261121T120000Z is now earlier than 20261121T130000Z (20261121T130500Z - 5 min.)";
    let fault = Fault {
        service: Some("lambda".to_owned()),
        times: u32::MAX,
        status: Some(403),
        code: Some("InvalidSignatureException".to_owned()),
        message: Some(words.to_owned()),
        ..Fault::default()
    };
    world.account.faults(&[fault]).await.unwrap();
    let report: Report = world.at_hand().run().await;
    world.assert_refused(&report, &[words, "set the runner's clock"]);
}
