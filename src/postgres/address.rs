//! Where a PostgreSQL is: a URL, which is a secret as a whole.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use url::Url;

use crate::action::inputs::input_value;
use crate::text::secrets::Secret;

/// One attempt to connect.
const CONNECTING: Duration = Duration::from_secs(10);

/// The URL of a database.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    config: Config,
    /// `host:port`, for messages.
    host: String,
    url: Secret,
}

impl Address {
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// `host:port`: what of it may be shown.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be `postgres://<user>:<password>@<host>:<port>/<database>`".to_owned();
        let secret = Secret::new(text);
        let url = Url::parse(text).map_err(|_invalid| wrong())?;
        let (user, host) = (url.username(), url.host_str().unwrap_or_default());
        if !matches!(url.scheme(), "postgres" | "postgresql") || host.is_empty() || user.is_empty() {
            return Err(wrong());
        }
        // Whether there is TLS; with it the certificate is always checked, which the library has no words for.
        let modes: Vec<String> =
            url.query_pairs().filter(|(key, _)| key == "sslmode").map(|(_, value)| value.into_owned()).collect();
        let ssl = match modes.last().map(String::as_str) {
            None | Some("disable" | "allow" | "prefer") => SslMode::Disable,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(_) => return Err("must have a `sslmode` of PostgreSQL's: `disable`, `require` or `verify-full`".to_owned()),
        };
        let others: Vec<&str> =
            url.query().unwrap_or_default().split('&').filter(|pair| !pair.starts_with("sslmode=")).collect();
        let mut plain = url.clone();
        plain.set_query(Some(&others.join("&")).filter(|query| !query.is_empty()).map(String::as_str));
        let mut config: Config = plain.as_str().parse().map_err(|_invalid| wrong())?;
        // A word that everybody knows is no secret, and would erase itself from every line of the log.
        let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
        let is_open = |password: &str| [user, url.path().trim_matches('/'), "postgres", "password"].contains(&password);
        for form in password.as_deref().into_iter().chain(url.password()).filter(|form| !is_open(form)) {
            Secret::new(form).remember();
        }
        config.ssl_mode(ssl).connect_timeout(CONNECTING).application_name("deploy-action");
        Ok(Self { config, host: format!("{host}:{}", url.port().unwrap_or(5432)), url: secret })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

input_value!(Address, "secret", "postgres://postgres:0123456789@postgres:5432/postgres");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Foreign;

    #[test]
    fn an_address_shows_its_host_and_nothing_else() {
        let read = "postgres://app:s3cr%21t-word@db:6543/shop?sslmode=prefer".parse::<Address>().unwrap();
        assert_eq!((read.host(), format!("{read} {read:?}")), ("db:6543", "*** ***".to_owned()));
        for form in ["s3cr!t-word", "s3cr%21t-word"] {
            assert_eq!(Foreign::new(format!("got {form}")).for_message(99), "got ***", "{form}");
        }
        let known = "postgresql://postgres:postgres@localhost/postgres".parse::<Address>().unwrap();
        assert_eq!(known.host(), "localhost:5432");
        assert_eq!(Foreign::new("postgres says").for_message(99), "postgres says");
    }

    #[test]
    fn tls_is_used_where_it_is_asked_for() {
        for (query, mode) in [
            ("", SslMode::Disable),
            ("?sslmode=prefer", SslMode::Disable),
            ("?sslmode=require", SslMode::Require),
            ("?connect_timeout=3&sslmode=verify-full", SslMode::Require),
        ] {
            let read = format!("postgres://u:hidden-one@db/x{query}").parse::<Address>().unwrap();
            assert_eq!(read.config().get_ssl_mode(), mode, "{query}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_scratch_database_is_refused_without_its_value() {
        for (text, words) in [
            ("mysql://u:hidden-one@h/d", "must be `postgres://"),
            ("host=db password=hidden-one", "must be `postgres://"),
            ("postgres://db/shop", "must be `postgres://"),
            ("postgres://u:hidden-one@db/x?sslmode=always", "must have a `sslmode` of PostgreSQL's"),
            ("postgres://u:hidden-one@db/x?colour=blue", "must be `postgres://"),
        ] {
            let refused = text.parse::<Address>().unwrap_err();
            assert!(refused.contains(words) && !refused.contains("hidden-one"), "{text}: {refused}");
        }
    }
}
