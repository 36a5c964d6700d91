//! Logging in to a registry: ECR by a token of its API, others as they ask for it. Tokens are kept for the life of the process,
//! each for its scope, and are only ever sent to the registry they are for.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::challenge::Challenge;
use super::connection::{Call, Connection};
use super::ecr::Ecr;
use super::endpoint::Place;
use super::error::{Access, Kind, RegistryError, label};
use crate::calls::Calls;
use crate::text::secrets::Secret;

/// Tokens are renewed this long before they end, so that none ends on its way.
const RENEWED_BEFORE: Duration = Duration::from_secs(10);
/// How long a token lasts that does not say so (<https://distribution.github.io/distribution/spec/auth/token/>).
const SHORTEST_LIFE: Duration = Duration::from_mins(1);
/// A token is asked for anew after this time, whatever the registry says: nobody's number overflows the clock.
const LONGEST_LIFE: Duration = Duration::from_hours(24);
/// The largest answer of a token endpoint.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// A user and a password, or a token in its place.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// How to log in.
#[derive(Clone, Debug)]
pub enum Account {
    /// As the AWS credentials in use.
    Ecr(Ecr),
    /// As this user.
    Named(Credentials),
    /// As nobody: what is public.
    Anonymous,
}

/// What one registry knows of us.
#[derive(Debug)]
pub(super) struct Login {
    account: Account,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the registry asked for last.
    challenge: Option<Challenge>,
    /// What it asked for last for each of our scopes: it may name that otherwise.
    named: BTreeMap<String, String>,
    tokens: BTreeMap<String, Token>,
}

#[derive(Clone, Debug)]
struct Token {
    field: HeaderValue,
    ends: SystemTime,
}

impl Login {
    pub(super) fn new(account: Account) -> Self {
        Self { account, state: Mutex::default() }
    }

    /// ECR's own API, where this is ECR.
    pub(super) fn ecr(&self) -> Option<&Ecr> {
        match &self.account {
            Account::Ecr(ecr) => Some(ecr),
            Account::Named(_) | Account::Anonymous => None,
        }
    }

    /// What to send for this scope; nothing as long as the registry has not asked.
    pub(super) async fn authorization(
        &self,
        calls: &Calls,
        connection: &Connection,
        scope: &str,
        access: Access,
    ) -> Result<Option<HeaderValue>> {
        // Held until the token is there: requests at the same time ask for one token, not for one each.
        let mut state = self.state.lock().await;
        let key = if matches!(self.account, Account::Ecr(_)) { "" } else { scope };
        if let Some(token) = state.tokens.get(key).filter(|token| token.ends > SystemTime::now() + RENEWED_BEFORE) {
            return Ok(Some(token.field.clone()));
        }
        let token = match (&self.account, &state.challenge) {
            (Account::Ecr(ecr), _) => {
                let token = ecr.token().await?;
                Token { field: sensitive(&format!("Basic {}", token.basic.expose()))?, ends: token.ends }
            }
            (_, None | Some(Challenge::Unknown(_))) | (Account::Anonymous, Some(Challenge::Basic)) => return Ok(None),
            (Account::Named(user), Some(Challenge::Basic)) => return basic(user).map(Some),
            (_, Some(Challenge::Bearer { realm, service, .. })) => {
                let scope = asked_for(scope, state.named.get(scope).map(String::as_str));
                self.bearer(calls, connection, realm, service.as_deref(), scope, access).await?
            }
        };
        state.tokens.insert(key.to_owned(), token.clone());
        Ok(Some(token.field))
    }

    /// The registry did not know us. True when another try may be answered better.
    pub(super) async fn answer_challenge(&self, scope: &str, refusal: &RegistryError) -> bool {
        let mut state = self.state.lock().await;
        if matches!(self.account, Account::Ecr(_)) {
            return state.tokens.remove("").is_some();
        }
        let ended = state.tokens.remove(scope).is_some();
        let Some(challenge) = refusal.challenge.as_deref() else { return ended };
        let mut news = state.challenge.as_ref() != Some(challenge);
        let usable = !matches!((challenge, &self.account), (Challenge::Basic, Account::Anonymous));
        if let Challenge::Bearer { scope: Some(named), .. } = challenge {
            news |= state.named.insert(scope.to_owned(), named.clone()).as_ref() != Some(named);
        }
        state.challenge = Some(challenge.clone());
        usable && (news || ended)
    }

    /// Asks the realm for a token. <https://distribution.github.io/distribution/spec/auth/token/>
    async fn bearer(
        &self,
        calls: &Calls,
        connection: &Connection,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        access: Access,
    ) -> Result<Token> {
        let place = connection.endpoint.follow(&connection.url(""), realm);
        let place = place.map_err(|why| connection.astray(why).at(access))?;
        let place = match place {
            Place::Own(url) => Place::Own(asking(url, service, scope)),
            Place::Elsewhere(url) => Place::Elsewhere(asking(url, service, scope)),
        };
        let authorization = match &self.account {
            Account::Named(user) => Some(basic(user)?),
            _ => None,
        };
        let what = format!("log in to {}", label(connection.host()));
        let asked_at = SystemTime::now();
        let answer = calls
            .read(&what, async || {
                let call = Call::get(place.clone(), authorization.as_ref());
                let answer = async {
                    let answer = connection.expect_status(connection.send(&call).await?, &[200]).await?;
                    connection.bytes(answer, LARGEST_ANSWER).await
                };
                answer.await.map_err(|refusal| refusal.at(access))
            })
            .await?;
        let given: RawInputs = serde_json::from_slice(&answer).unwrap_or_default();
        let life = given.life();
        let token = given.token().ok_or_else(|| {
            RegistryError::new(Kind::Invalid, connection.host(), format!("{what}: it answered without a token"))
        })?;
        Ok(Token { field: sensitive(&format!("Bearer {}", token.expose()))?, ends: asked_at + life })
    }
}

/// The answer of a token endpoint. Of a wrong type, a member is as good as none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawInputs {
    token: Value,
    access_token: Value,
    expires_in: Value,
}

impl RawInputs {
    fn token(&self) -> Option<Secret> {
        let texts = [&self.token, &self.access_token].into_iter().filter_map(Value::as_str);
        texts.filter(|text| !text.is_empty()).map(Secret::new).next()
    }

    fn life(&self) -> Duration {
        self.expires_in.as_u64().map_or(SHORTEST_LIFE, Duration::from_secs).min(LONGEST_LIFE)
    }
}

/// The scopes to ask for: ours, unless the registry names another resource. Of one resource ours says all that will be done, and the
/// registry only what was just asked of it.
fn asked_for<'s>(ours: &'s str, named: Option<&'s str>) -> &'s str {
    let resource = |scope: &'s str| scope.rsplit_once(':').map(|(resource, _)| resource);
    named.filter(|named| ours.split(' ').all(|own| resource(named) != resource(own))).unwrap_or(ours)
}

fn asking(mut url: Url, service: Option<&str>, scope: &str) -> Url {
    if let Some(service) = service {
        url.query_pairs_mut().append_pair("service", service);
    }
    for one in scope.split(' ') {
        url.query_pairs_mut().append_pair("scope", one);
    }
    url
}

fn basic(user: &Credentials) -> Result<HeaderValue> {
    let pair = Secret::new(STANDARD.encode(format!("{}:{}", user.username, user.password.expose())));
    sensitive(&format!("Basic {}", pair.expose()))
}

fn sensitive(field: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(field)
        .context("the password or token for the registry has characters that cannot be sent")?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::{members_of, null_and_absent};
    use serde_json::json;

    fn read(answer: &str) -> (Option<String>, Duration) {
        let given: RawInputs = serde_json::from_str(answer).unwrap_or_default();
        (given.token().map(|token| token.expose().to_owned()), given.life())
    }

    #[test]
    fn a_token_is_good_whatever_else_is_odd() {
        let table = [
            (r#"{"token":"abc","expires_in":"300"}"#, Some("abc")),
            (r#"{"token":"abc","access_token":7}"#, Some("abc")),
            (r#"{"token":null,"access_token":"abc","issued_at":5}"#, Some("abc")),
            (r#"{"token":"","access_token":"abc"}"#, Some("abc")),
            (r#"{"token":7}"#, None),
            ("[]", None),
            ("abc", None),
        ];
        for (answer, token) in table {
            assert_eq!(read(answer).0.as_deref(), token, "{answer}");
        }
    }

    #[test]
    fn a_member_of_an_answer_that_is_null_reads_as_one_that_is_absent() {
        let whole = json!({"token": "abc", "access_token": "def", "expires_in": 300, "issued_at": "2026-01-01T00:00:00Z",
                           "refresh_token": "x"});
        for member in members_of(&whole) {
            let [null, absent] = null_and_absent(&whole, &member);
            assert_eq!(read(&null.to_string()), read(&absent.to_string()), "{member}");
        }
    }

    #[test]
    fn the_scope_that_a_mirror_names_is_asked_for() {
        let ours = "repository:mirror/app:pull,push";
        let table = [
            (None, ours),
            (Some("repository:mirror/app:pull"), ours),
            (Some("repository:upstream/app:pull"), "repository:upstream/app:pull"),
            (Some("registry:catalog:*"), "registry:catalog:*"),
        ];
        for (named, asked) in table {
            assert_eq!(asked_for(ours, named), asked, "{named:?}");
        }
    }

    #[test]
    fn a_token_lasts_a_day_at_most_whatever_the_registry_says() {
        let table = [
            ("{}", SHORTEST_LIFE),
            ("{\"expires_in\": 300}", Duration::from_mins(5)),
            ("{\"expires_in\": \"300\"}", SHORTEST_LIFE),
            ("{\"expires_in\": -1}", SHORTEST_LIFE),
            ("{\"expires_in\": null}", SHORTEST_LIFE),
            ("{\"expires_in\": 18446744073709551615}", LONGEST_LIFE),
        ];
        for (answer, life) in table {
            let given: RawInputs = serde_json::from_str(answer).unwrap();
            assert_eq!(given.life(), life, "{answer}");
            assert!(SystemTime::now().checked_add(given.life()).is_some(), "{answer}");
        }
    }
}
