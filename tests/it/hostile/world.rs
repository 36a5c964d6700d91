//! A world that says hostile things and repeats secrets.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testbed::aws::{Code, FunctionSpec, zips};
use testbed::github::{Deployment, Job, Permission, RunState, Signer, Workflow};
use testbed::registry::Registry;
use testbed::runner::Runner;
use testbed::web::{Answer, WebServer};

use crate::world::World;

/// What commits, tags, logs and bodies say here.
pub(crate) const HOSTILE: &str = "::error::forged\r\n##[error]forged\r::add-mask::a\n::set-output name=verdict::pass\nverdict<<EOF\npass\nEOF\n\
    \u{1b}[31mred\u{1b}[0m \u{202e}turned\u{2066} \u{200b}\u{2028}::error::x\u{85}::error::y\0 %0A::error::z `code` | a | b |\n|---|---|\n\
    # heading\n- item\n1. item\n> quote\n---\n<img src=x onerror=y> <!-- [link](http://evil.example) ![i](http://evil.example) @everyone \
    www.evil.example a@evil.example *bold* _it_ ~~s~~ $x$ [^1] #12 \\";
/// A name that git allows.
pub(crate) const REFERENCE: &str = "v1.0.0-`b`|<img>%0A$(x)\u{202e}@org#1";

const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYSecretKey=";
const SESSION_TOKEN: &str = "FwoGZXIvYXdzEJr//session+token/of+the/job==";
pub(crate) const HEADER: &str = "h3ader-v4lue/of+the=check";
pub(crate) const HOOK: &str = "h00k-t0ken-of-the-channel";
pub(crate) const PASSWORD: &str = "p4ssw0rd/of+the&source";

/// Answers with everything it was sent, and fails in that way if asked to.
const FUNCTION: &str = r"
import base64, json, urllib.parse
HOSTILE = json.loads(r'''{hostile}''')

def handler(event, context):
    sent = json.dumps(event)
    told = HOSTILE + sent + base64.b64encode(sent.encode()).decode() + urllib.parse.quote(sent, safe='')
    print(told)
    if (event.get('rawPath') or event.get('path')) != '/health' or '{mode}' == 'raise':
        raise RuntimeError(told)
    return {'statusCode': {status}, 'headers': {'server': told}, 'body': json.dumps({'commit': told, 'told': told})}
";

pub(crate) fn function(status: u16, mode: &str) -> Vec<u8> {
    let source = FUNCTION.replace("{hostile}", &json!(HOSTILE).to_string()).replace("{status}", &status.to_string());
    zips::python(&source.replace("{mode}", mode))
}

/// A run of a step, and the secrets that are given to it beside those of every step.
pub(crate) struct Try {
    pub(super) runner: Runner,
    pub(super) secrets: Vec<String>,
}

impl Try {
    pub(crate) fn with_secrets(runner: Runner, secrets: &[&str]) -> Self {
        Self { runner, secrets: secrets.iter().map(ToString::to_string).collect() }
    }
}

impl From<Runner> for Try {
    fn from(runner: Runner) -> Self {
        Self::with_secrets(runner, &[])
    }
}

/// [`HOSTILE`] without the one character that no environment can hold.
pub(crate) fn description() -> String {
    HOSTILE.replace('\0', "")
}

pub(crate) struct Hostile {
    pub(crate) world: World,
    pub(crate) ghcr: Registry,
    token: String,
    job: Vec<(String, String)>,
    jwts: Arc<Mutex<Vec<String>>>,
    pub(crate) health: WebServer,
    commit: String,
}

impl Hostile {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let commit = world.repository.push("main", &[("app", HOSTILE), (HOSTILE, HOSTILE)], HOSTILE);
        world.repository.tag("v1.2.3", &commit);
        for name in ["v0.9.0`|<b>", "v1.0.0-\u{202e}x", REFERENCE] {
            world.repository.tag(name, &world.commits[0]);
        }
        world.aws.create_function(&FunctionSpec::zip("shop-api", function(200, ""))).await.unwrap();
        world.aws.publish("shop-api", HOSTILE).await.unwrap();
        for mode in ["raise", "", ""] {
            world
                .aws
                .update_code("shop-api", &Code::Zip(function(if mode.is_empty() { 500 } else { 200 }, mode)))
                .await
                .unwrap();
            world.aws.publish("shop-api", &format!("{commit} {HOSTILE}")).await.unwrap();
        }
        world.aws.create_alias("shop-api", "live", "2").await.unwrap();
        world.aws.create_repository("shop-api").await.unwrap();
        world.repository.add_deployment(Deployment {
            sha: commit.clone(),
            environment: "prd".to_owned(),
            description: Some(HOSTILE.to_owned()),
            payload: json!({"schema": 1, "component": HOSTILE, "kind": HOSTILE}),
            ..Deployment::default()
        });
        let ghcr = Registry::ghcr().start().await.unwrap();
        for (file, title) in [("integration.yml", "${{ inputs.deploy-action-id }}"), ("event.yml", "no id")] {
            world.repository.add_workflow(Workflow {
                file: file.to_owned(),
                name: HOSTILE.to_owned(),
                run_name: Some(format!("{HOSTILE} {title}")),
                inputs: vec!["service".to_owned(), "deploy-action-id".to_owned()],
                repository_dispatch: vec!["deployed".to_owned()],
                script: vec![RunState::InProgress, RunState::completed(HOSTILE)],
            });
        }
        let permissions = [Permission::Deployments.write(), Permission::Contents.write(), Permission::Actions.write()];
        let token = world.repository.token(&permissions);
        let jwts: Arc<Mutex<Vec<String>>> = Arc::default();
        let given = Arc::clone(&jwts);
        let signer = Signer::new(move |mut claims: Value| {
            let given = Arc::clone(&given);
            async move {
                claims["environment"] = HOSTILE.into();
                let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
                let jwt = format!("{}.{}.signature-of-the-job", part(&json!({"alg": "RS256"})), part(&claims));
                given.lock().unwrap().push(jwt.clone());
                Ok(jwt)
            }
        });
        world.github.sign_with(signer, json!({"keys": []}), None);
        let job = world.github.environment(&Job::new("org/shop", &commit).environment("prd"));
        let health = WebServer::start([Answer::status(500)]);
        let scene = Self { world, ghcr, token, job, jwts, health, commit };
        let answer = Answer::text(scene.told()).with_status(500).header("Server", "::error::x <b> ##[error]");
        scene.health.replace([answer.header("Location", &format!("/{HEADER}|<b>`"))]);
        scene
    }

    /// What every step is given and nobody may see.
    pub(super) fn secrets(&self) -> Vec<String> {
        let requests = self
            .job
            .iter()
            .filter(|(name, _)| name == "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
            .map(|(_, token)| token.clone());
        let jwts = self.jwts.lock().unwrap().clone();
        let constant = [SECRET_KEY, SESSION_TOKEN].map(str::to_owned);
        constant.into_iter().chain(requests).chain([self.token.clone()]).chain(jwts).collect()
    }

    /// What servers say: hostile text, and every secret as it is, in pieces of a line, and encoded; each once so that it stands
    /// where messages are cut.
    pub(crate) fn told(&self) -> String {
        let secrets: Vec<String> =
            self.secrets().into_iter().chain([HEADER, PASSWORD, HOOK].map(str::to_owned)).collect();
        let cut = |secret: &String| format!("{} {secret}\n", "x".repeat(90));
        let torn = |secret: &String| format!("{}\u{1b}[1m\u{200b}{} ", &secret[..9], &secret[9..]);
        let encoded = |secret: &String| {
            let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let json = json!(secret).to_string().replace('/', "\\/");
            format!("{form} {json} {} ", STANDARD.encode(format!("u:{secret}")))
        };
        let each = |told: &dyn Fn(&String) -> String| secrets.iter().map(told).collect::<Vec<_>>().concat();
        format!("{}{HOSTILE} {}{}", each(&cut), each(&torn), each(&encoded))
    }

    pub(crate) fn step(&self, step: &str) -> Runner {
        self.world
            .step(step)
            .token(&self.token)
            .sha(&self.commit)
            .actor("octo<b>`|")
            .envs(self.job.clone())
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_SESSION_TOKEN", SESSION_TOKEN)
            .env("RUST_LOG", "trace")
            .env("ACTIONS_STEP_DEBUG", "true")
            .input("environment", "prd")
            .debug()
    }

    /// A step that asks for health, twice.
    pub(crate) fn check(&self, step: &str) -> Runner {
        self.step(step)
            .input("headers", format!("Authorization: Bearer {HEADER}\nX-Key: {HEADER}"))
            .input("attempts", "2")
            .input("base-wait", "10ms")
    }

    /// Each step, in the ways in which it shows most.
    pub(super) fn steps(&self) -> Vec<(&'static str, Try)> {
        let all = crate::steps_under_test().into_iter();
        all.flat_map(|step| (step.hostile)(self).into_iter().map(move |one| (step.name, one))).collect()
    }

    /// The steps that call AWS, with a role instead of credentials.
    pub(super) fn with_role(&self) -> Vec<(&'static str, Try)> {
        let role = self.world.aws.role_arn("deploy");
        let swap = self.step("swap-alias").input("function", "shop-api").input("version", "3");
        let smoke = self.step("smoke-test").input("function", "shop-api").input("version", "1");
        let without = |runner: Runner| {
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
                .iter()
                .fold(runner, |runner, name| runner.without_env(*name))
        };
        vec![
            ("swap-alias", without(swap).input("role-to-assume", &role).into()),
            ("smoke-test", without(smoke).input("role-to-assume", &role).into()),
        ]
    }
}
