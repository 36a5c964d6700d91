//! A registry stands in the way: the reason, and the fix for this side, this login and this kind of refusal. No other fix is given: an
//! advice that cannot help costs its reader an hour.

use super::places::{Login, Places};
use super::report;
use crate::calls::error_line;
use crate::oci::EcrRegistry;
use crate::outcome::Outcome;
use crate::registry::{Access, Kind, RegistryError, registry_refusal};
use crate::text::message;

/// The end of the step.
pub(super) fn refused(error: &anyhow::Error, places: &Places) -> Outcome {
    let reason = error_line(error);
    let Some(refusal) = registry_refusal(error) else { return Outcome::error(reason) };
    let outcome = if refusal.kind == Kind::Corrupt { Outcome::fail(reason) } else { Outcome::error(reason) };
    let access = access(refusal, &places.destination.host);
    match (&refusal.kind, access) {
        (Kind::NoRepository, Access::Push) => outcome.advise(report::creating(&places.destination)),
        (Kind::NoRepository, Access::Pull) if places.source_is_given => {
            outcome.advise("check the repository of `source`")
        }
        (Kind::NoRepository, Access::Pull) => outcome.advise("check `destination`: it is looked for there"),
        _ => {
            let login = if access == Access::Pull { places.source_login } else { places.destination_login };
            advice(refusal, access, login, places.source_is_given).into_iter().fold(outcome, Outcome::advise)
        }
    }
}

/// What was to be done. Where that is not known, the host tells.
fn access(refusal: &RegistryError, destination: &str) -> Access {
    let by_host = if refusal.host == destination { Access::Push } else { Access::Pull };
    refusal.access.unwrap_or(by_host)
}

/// What helps, for what was to be done and as whom.
fn advice(refusal: &RegistryError, access: Access, login: Login, source_is_given: bool) -> Option<String> {
    let advice = match refusal.kind {
        Kind::Unauthorized | Kind::Denied if EcrRegistry::from_host(&refusal.host).is_some() => {
            return Some(of_ecr(refusal.action.as_deref()));
        }
        Kind::Unauthorized | Kind::Denied => return Some(login_advice(access, login, source_is_given)),
        Kind::UnknownLogin => {
            "this step logs in by Basic and Bearer: have the registry, or the proxy before it, offer one of them"
        }
        Kind::Limited(_) => {
            "the registry throttled the calls: run the step again, which is safe; or lower `max-parallel`"
        }
        Kind::Broken => "run the step again, which is safe: what is there already is not sent again",
        Kind::Corrupt => {
            "run the step again; if it stays so, the registry or something before it damages what it sends"
        }
        Kind::Untrusted => "ask who runs the registry; behind a proxy, name it with `registry-endpoint`",
        Kind::Unencrypted => {
            "the registry does not know that a proxy before it ends TLS: have the proxy send `X-Forwarded-Proto: https`, or set \
             `http.relativeurls: true` in the registry's configuration"
        }
        Kind::NoRepository | Kind::NotFound | Kind::TagExists | Kind::Invalid | Kind::Unsupported => return None,
    };
    Some(advice.to_owned())
}

fn of_ecr(action: Option<&str>) -> String {
    let actions = match action {
        Some(action) => message!("missing-aws-permission", "allow {action} on this repository to the role of this job (docs/permissions.md has the policy of each step)"),
        None => "allow the role of this job the ecr actions that docs/permissions.md lists for promote-artifact, on this repository".to_owned(),
    };
    format!("{actions}; in another account its repository policy must allow it too")
}

/// A login that is not good enough, or none.
fn login_advice(access: Access, login: Login, source_is_given: bool) -> String {
    // Without `source`, the source is the destination's registry, and is read as that is written.
    let side = if source_is_given { access } else { Access::Push };
    let (own_user, own_password) = inputs(side);
    let does = if access == Access::Pull { "read" } else { "write" };
    match login {
        Login::Nobody => format!("give `{own_user}` and `{own_password}`, of a user who may {does} this repository"),
        Login::Job => format!(
            "give the job `packages: {does}` and the package access to this repository, or give `{own_user}` and `{own_password}`"
        ),
        Login::RawInputs(given) => {
            let (user, password) = inputs(given);
            let check = format!("check `{user}` and `{password}`, and that this user may {does} this repository");
            if given == side { check } else { format!("{check}; or give `{own_user}` and `{own_password}`") }
        }
        Login::Aws => of_ecr(None),
    }
}

fn inputs(side: Access) -> (&'static str, &'static str) {
    match side {
        Access::Pull => ("source-username", "source-password"),
        Access::Push => ("destination-username", "destination-password"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::inputs::common::CommonInputs;
    use crate::action::inputs::fields;
    use crate::steps::promote_artifact::PromoteArtifact;

    const ECR: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
    const KINDS: [Kind; 13] = [
        Kind::Unauthorized,
        Kind::UnknownLogin,
        Kind::Denied,
        Kind::NoRepository,
        Kind::NotFound,
        Kind::TagExists,
        Kind::Invalid,
        Kind::Unsupported,
        Kind::Limited(None),
        Kind::Corrupt,
        Kind::Untrusted,
        Kind::Unencrypted,
        Kind::Broken,
    ];
    const LOGINS: [Login; 5] =
        [Login::Nobody, Login::Job, Login::RawInputs(Access::Pull), Login::RawInputs(Access::Push), Login::Aws];

    /// Every refusal, at every registry, on both sides, with every login, with and without `source`.
    fn all() -> impl Iterator<Item = (Kind, &'static str, Access, Login, bool, String)> {
        KINDS.into_iter().flat_map(|kind| {
            ["ghcr.io", "registry.example.com", ECR].into_iter().flat_map(move |host| {
                let kind = kind.clone();
                [Access::Pull, Access::Push].into_iter().flat_map(move |access| {
                    let kind = kind.clone();
                    LOGINS.into_iter().flat_map(move |login| {
                        let kind = kind.clone();
                        [true, false].into_iter().map(move |given| {
                            let refusal = RegistryError::of_kind(kind.clone(), host);
                            let advice = advice(&refusal, access, login, given).unwrap_or_default();
                            (kind.clone(), host, access, login, given, advice)
                        })
                    })
                })
            })
        })
    }

    /// The words in backticks.
    fn named(advice: &str) -> Vec<&str> {
        advice.split('`').skip(1).step_by(2).collect()
    }

    #[test]
    fn every_input_that_is_named_is_one_of_this_step() {
        let known: Vec<String> =
            fields::<PromoteArtifact>().into_iter().chain(fields::<CommonInputs>()).map(|field| field.name).collect();
        for (kind, .., advice) in all() {
            for name in named(&advice).into_iter().filter(|name| !name.contains([':', '.'])) {
                assert!(known.iter().any(|input| input == name), "{kind:?}: {advice}");
            }
        }
    }

    #[test]
    fn no_advice_is_for_the_other_side_or_to_give_what_was_given() {
        for (kind, host, access, login, source_is_given, advice) in all() {
            let case = format!("{kind:?} {host} {access:?} {login:?} {source_is_given}: {advice}");
            let is_login = matches!(kind, Kind::Unauthorized | Kind::Denied) && host != ECR && login != Login::Aws;
            assert_eq!(named(&advice).iter().any(|name| name.ends_with("-password")), is_login, "{case}");
            if !is_login {
                continue;
            }
            let own = inputs(if source_is_given { access } else { Access::Push });
            let gives = advice.contains(&format!("give `{}` and `{}`", own.0, own.1));
            let checks =
                |side: Access| advice.contains(&format!("check `{}` and `{}`", inputs(side).0, inputs(side).1));
            match login {
                Login::RawInputs(side) => {
                    assert!(checks(side), "{case}");
                    assert_eq!(gives, inputs(side) != own, "{case}");
                }
                _ => assert!(gives && !checks(Access::Pull) && !checks(Access::Push), "{case}"),
            }
            assert_eq!(advice.contains("packages:"), login == Login::Job, "{case}");
            assert_eq!(advice.contains("write"), access == Access::Push, "{case}");
            if !source_is_given && login != Login::RawInputs(Access::Pull) {
                assert!(!advice.contains("`source-"), "without `source` there is no login for it: {case}");
            }
        }
    }

    #[test]
    fn an_action_of_ecr_is_named() {
        let mut refusal = RegistryError::of_kind(Kind::Denied, ECR);
        refusal.action = Some("ecr:PutImage".into());
        let told = advice(&refusal, Access::Push, Login::Aws, true).unwrap();
        assert!(told.starts_with("allow ecr:PutImage on this repository to the role"), "{told}");
    }
}
