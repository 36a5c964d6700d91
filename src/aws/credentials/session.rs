//! A session of a role: how long it is good, by STS's own clock, since the runner's may be minutes away from it.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use tokio::sync;
use tokio::time::Instant;

use crate::aws::clock::date_of;
use crate::text::secrets::Secret;
use crate::text::{human_duration, message};

/// A session is renewed this long before its end, or when a third of it is left.
const RENEWED_BEFORE: Duration = Duration::from_mins(5);
/// Credentials this close to their end are not used: a request takes its time.
const USED_BEFORE: Duration = Duration::from_secs(1);

/// Trying to renew a session that is still good holds a step up no longer than this, and is repeated after this at the latest.
const RENEWING: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_secs(30);

/// A session of a role.
#[derive(Debug)]
pub(super) struct Session {
    credentials: Credentials,
    /// When a new one is asked for.
    renewed_at: Instant,
    ends: Instant,
}

impl Session {
    /// One that was asked for then, and lasts so long.
    fn lasting(credentials: Credentials, asked: Instant, life: Duration) -> Self {
        let used = life.saturating_sub(USED_BEFORE);
        let renewed = used.saturating_sub((life / 3).min(RENEWED_BEFORE));
        Self { credentials, renewed_at: asked + renewed, ends: asked + used }
    }

    /// How long it may still be used.
    fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    fn is_good(&self) -> bool {
        !self.left().is_zero()
    }
}

/// The session in use.
#[derive(Debug, Default)]
pub(super) struct Kept(sync::Mutex<Option<Session>>);

impl Kept {
    /// The session's credentials, renewed when they are about to expire. As long as they are good, a renewal that fails is tried
    /// again later, and ends nothing.
    pub(super) async fn current<E: Display>(
        &self,
        patience: Duration,
        renew: impl AsyncFnOnce(Duration) -> Result<Session, E>,
    ) -> Result<Credentials, E> {
        let mut kept = self.0.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| session.renewed_at > Instant::now()) {
            return Ok(session.credentials.clone());
        }
        let good = kept.as_ref().filter(|session| session.is_good());
        let patience = good.map_or(patience, |session| (session.left() / 2).min(RENEWING));
        match (renew(patience).await, kept.as_mut().filter(|session| session.is_good())) {
            (Ok(session), _) => Ok(kept.insert(session).credentials.clone()),
            (Err(error), Some(session)) => {
                let left = session.left();
                session.renewed_at = Instant::now() + (left / 4).min(AGAIN);
                let good = human_duration(left);
                let message = message!(
                    "session-not-renewed",
                    "the session of the role is not renewed yet, and good for {good}: {error}"
                );
                tracing::info!("{message}");
                Ok(session.credentials.clone())
            }
            (Err(error), None) => Err(error),
        }
    }
}

/// When STS was asked, by the runner's clock, and when it answered, by its own (the field `Date`).
#[derive(Clone, Debug)]
pub(super) struct Answered {
    asked: (Instant, SystemTime),
    date: Arc<Mutex<Option<SystemTime>>>,
}

impl Answered {
    /// Before STS is asked.
    pub(super) fn from_now() -> Self {
        Self { asked: (Instant::now(), SystemTime::now()), date: Arc::default() }
    }

    /// The session that was given.
    pub(super) fn session(&self, given: &aws_sdk_sts::types::Credentials) -> Session {
        let (asked, asked_at) = self.asked;
        let date = self.date.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(asked_at);
        let end = SystemTime::try_from(*given.expiration()).unwrap_or(date);
        let life = end.duration_since(date).unwrap_or_default();
        let credentials = Credentials::new(
            given.access_key_id(),
            given.secret_access_key(),
            Some(given.session_token().to_owned()),
            Some(asked_at + life),
            "deploy-action",
        );
        remember(&credentials);
        Session::lasting(credentials, asked, life)
    }
}

impl Intercept for Answered {
    fn name(&self) -> &'static str {
        "Answered"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *self.date.lock().unwrap_or_else(PoisonError::into_inner) = date_of(context);
        Ok(())
    }
}

/// Credentials are secrets from the moment they are found.
pub(super) fn remember(credentials: &Credentials) {
    Secret::new(credentials.secret_access_key()).remember();
    if let Some(token) = credentials.session_token() {
        Secret::new(token).remember();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn given(name: &str, life: Duration) -> Session {
        Session::lasting(Credentials::new(name, "k", None, None, "test"), Instant::now(), life)
    }

    /// Who is asked for at this moment, when a renewal brings this.
    async fn asked(kept: &Kept, brings: Result<Session, &str>) -> Result<String, String> {
        let answer = kept.current(HOUR, async |_| brings).await;
        answer.map(|credentials| credentials.access_key_id().to_owned()).map_err(str::to_owned)
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_renewed_five_minutes_before_its_end() {
        let kept = Kept::default();
        assert_eq!(asked(&kept, Ok(given("first", HOUR))).await, Ok("first".to_owned()));
        tokio::time::advance(Duration::from_mins(54)).await;
        assert_eq!(asked(&kept, Ok(given("second", HOUR))).await, Ok("first".to_owned()));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(asked(&kept, Ok(given("second", HOUR))).await, Ok("second".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_fails_ends_nothing_as_long_as_the_session_is_good() {
        let kept = Kept::default();
        assert_eq!(asked(&kept, Err("no token")).await, Err("no token".to_owned()));
        assert_eq!(asked(&kept, Ok(given("first", HOUR))).await, Ok("first".to_owned()));
        tokio::time::advance(Duration::from_mins(56)).await;
        assert_eq!(asked(&kept, Err("no token")).await, Ok("first".to_owned()));
        // Not at every call.
        assert_eq!(asked(&kept, Ok(given("second", HOUR))).await, Ok("first".to_owned()));
        tokio::time::advance(AGAIN).await;
        assert_eq!(asked(&kept, Err("no token")).await, Ok("first".to_owned()));
        tokio::time::advance(Duration::from_mins(4)).await;
        assert_eq!(asked(&kept, Err("no token")).await, Err("no token".to_owned()));
        assert_eq!(asked(&kept, Ok(given("second", HOUR))).await, Ok("second".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_renewal_leaves_time_to_use_what_is_good() {
        let kept = Kept::default();
        asked(&kept, Ok(given("first", Duration::from_secs(31)))).await.unwrap();
        tokio::time::advance(Duration::from_secs(22)).await;
        let mut patience = Duration::ZERO;
        let renewed = kept.current(HOUR, async |limit| {
            patience = limit;
            tokio::time::sleep(limit).await;
            Err("no answer")
        });
        assert_eq!(renewed.await.map(|found| found.access_key_id().to_owned()), Ok("first".to_owned()));
        assert_eq!(patience, Duration::from_secs(4));
    }
}
