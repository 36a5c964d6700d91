//! What stands in the way of a promotion. Of a registry that refuses: the reason, and the fix for this side, this login and this kind of
//! refusal. No other fix is given: an advice that cannot help costs its reader an hour.

use super::following::Following;
use super::places::{Login, Places};
use super::values::Referrers;
use crate::calls::error_line;
use crate::oci::{Digest, EcrRegistry};
use crate::outcome::{Outcome, Stop};
use crate::registry::{Access, Kind, RegistryError, Repository, registry_refusal};
use crate::rollout::tag_format::Tag;
use crate::text::message;

/// How the step ends when a registry refuses.
pub(super) fn advise(stop: Stop, places: &Places) -> Stop {
    match &stop {
        Stop::Error(error) => match registry_refusal(error) {
            Some(refusal) => outcome(error_line(error), refusal, places).into(),
            None => stop,
        },
        Stop::Ended(_) => stop,
    }
}

fn outcome(reason: String, refusal: &RegistryError, places: &Places) -> Outcome {
    let outcome = if refusal.kind == Kind::Corrupt { Outcome::fail(reason) } else { Outcome::error(reason) };
    let access = access(refusal, &places.destination.host);
    match (&refusal.kind, access) {
        (Kind::NoRepository, Access::Push) => outcome.advise(creating(&places.destination)),
        (Kind::NoRepository, Access::Pull) if places.source_is_given => {
            outcome.advise("check the repository of `source`")
        }
        (Kind::NoRepository, Access::Pull) => outcome.advise("check `destination`: it is looked for there"),
        _ => {
            let login = if access == Access::Pull { places.source_login } else { places.destination_login };
            outcome.advise_all(advice(refusal, access, login, places.source_is_given))
        }
    }
}

/// What was to be done; by the host where that is not known.
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

/// The destination does not exist. It is never made here: who owns it decides on its tags, its lifecycle, its encryption.
pub(super) fn no_repository(destination: &Repository) -> Outcome {
    Outcome::error(message!(
        "no-such-repository",
        "the repository {} does not exist, and this step does not create it",
        destination.label()
    ))
    .advise(creating(destination))
}

/// How the destination comes to be.
fn creating(destination: &Repository) -> String {
    match EcrRegistry::from_host(&destination.host) {
        Some(registry) => format!(
            "make it once, with Terraform or `aws ecr create-repository --repository-name {} --image-tag-mutability IMMUTABLE --region {}`; \
             or correct `destination`, `registry`, `aws-region`",
            destination.name, registry.region
        ),
        None => "make it in that registry, or correct `destination`".to_owned(),
    }
}

/// A tag is on another image.
pub(super) fn conflict(places: &Places, tag: &Tag, there: &Digest, wanted: &Digest) -> Outcome {
    let repository = places.destination.label();
    Outcome::fail(message!(
        "tag-never-moved",
        "the tag {tag} of {repository} is on {there}, and {wanted} was to get it: a tag is never moved"
    ))
    .advise(
        "see which of the two is right: one commit was built twice, or `tag` or `tag-format` does not tell them apart",
    )
    .advise(format!(
        "promote under another `tag`; or, if the image there is wrong, delete its tag by hand and run the step again{}",
        match EcrRegistry::from_host(&places.destination.host) {
            Some(registry) => format!(
                ": `aws ecr batch-delete-image --repository-name {} --image-ids imageTag={tag} --region {}`",
                places.destination.name, registry.region
            ),
            None => String::new(),
        }
    ))
}

/// A moving tag that ECR keeps in its place.
pub(super) fn cannot_move(places: &Places, tag: &Tag) -> Outcome {
    Outcome::fail(message!(
        "moving-tag-is-kept",
        "the tag {tag} of {} is named by `moving-tags`, and ECR does not let it move: nothing was written",
        places.destination.label()
    ))
    .advise(format!(
        "leave {tag} out; or make an exception for it: mutability `IMMUTABLE_WITH_EXCLUSION` with the filter `{tag}`"
    ))
}

/// Whether what refers to the image is as `referrers` asks.
///
/// # Errors
/// It is required, and there is none, or it cannot be brought along.
pub(super) fn judge_following(
    asked: Referrers,
    places: &Places,
    digest: &Digest,
    following: &Following,
) -> Result<(), Outcome> {
    if asked != Referrers::Require {
        return Ok(());
    }
    let source = places.source.label();
    if let Some(why) = &following.unknown {
        return Err(Outcome::error(message!(
            "referrers-unknown",
            "what refers to {source}@{} could not be read, and `referrers: require` asks for it: {why}",
            digest.short()
        ))
        .advise("run the step again; or give `referrers: copy`, which goes on without"));
    }
    if let Some(first) = following.left.first() {
        return Err(Outcome::fail(message!(
            "referrer-cannot-be-moved",
            "{first}; `referrers: require` asks for all that refers to {}: nothing was written",
            digest.short()
        ))
        .advise_all(following.left.iter().skip(1).take(9).cloned())
        .advise("sign with a current client (cosign 3), or give `referrers: copy`, which leaves behind what cannot be moved"));
    }
    if following.missing.is_empty() && following.present.is_empty() {
        return Err(Outcome::fail(message!(
            "no-referrers",
            "nothing refers to {source}@{}, and `referrers: require` asks for a signature or the like: nothing was written",
            digest.short()
        ))
        .advise("sign or attest the image where it is built, and push that into its repository (actions/attest: `push-to-registry: true`)"));
    }
    Ok(())
}

/// The image cannot be moved as it is; perhaps one of its images can, alone.
pub(super) fn not_portable(
    places: &Places,
    digest: &Digest,
    obstacles: &[String],
    alone: Option<&(String, Digest)>,
) -> Outcome {
    let more = match obstacles.len() {
        1 => String::new(),
        all => format!(" (and {} more)", all - 1),
    };
    let first = obstacles.first().map_or("", String::as_str);
    let outcome = Outcome::fail(message!(
        "image-cannot-be-moved",
        "{}@{} cannot be moved to {} as it is: {first}{more}; nothing was written",
        places.source.label(),
        digest.short(),
        places.destination.label()
    ));
    let rest = obstacles.iter().skip(1).take(9).cloned();
    let outcome = outcome.advise_all(rest);
    let outcome = match alone {
        Some((platform, image)) => outcome.advise(format!(
            "its image for {platform} can be promoted alone: `source: {}@{image}`{}",
            places.source.label(),
            if places.source_is_given { "" } else { " in place of `from-environment`" }
        )),
        None => outcome,
    };
    outcome.advise("build it without that: an image is never rewritten here, because its digest would change")
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
    fn words_in(advice: &str) -> Vec<&str> {
        advice.split('`').skip(1).step_by(2).collect()
    }

    #[test]
    fn every_input_that_is_named_is_one_of_this_step() {
        let known: Vec<String> =
            fields::<PromoteArtifact>().into_iter().chain(fields::<CommonInputs>()).map(|field| field.name).collect();
        for (kind, .., advice) in all() {
            for name in words_in(&advice).into_iter().filter(|name| !name.contains([':', '.'])) {
                assert!(known.iter().any(|input| input == name), "{kind:?}: {advice}");
            }
        }
    }

    #[test]
    fn no_advice_is_for_the_other_side_or_to_give_what_was_given() {
        for (kind, host, access, login, source_is_given, advice) in all() {
            let case = format!("{kind:?} {host} {access:?} {login:?} {source_is_given}: {advice}");
            let is_login = matches!(kind, Kind::Unauthorized | Kind::Denied) && host != ECR && login != Login::Aws;
            assert_eq!(words_in(&advice).iter().any(|name| name.ends_with("-password")), is_login, "{case}");
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
        let found = advice(&refusal, Access::Push, Login::Aws, true).unwrap();
        assert!(found.starts_with("allow ecr:PutImage on this repository to the role"), "{found}");
    }
}
