//! What serves a target, asked of AWS.

use super::model::{Live, Part, Runs, Stored, Wanted};
use crate::aws::{Kind, Location, refusal};
use crate::calls::{Ended, error_line};
use crate::context::Context;
use crate::context::Served;
use crate::ecs::{Absent, ClusterName, Running, ServiceName};
use crate::lambda::{CodeId, Function, FunctionName, Qualifier, State, Traffic};
use crate::oci::{EcrRegistry, ImageReference};
use crate::rollout::sites::read_marker;
use crate::site::{Site, SiteBucket};

/// Reads what serves a target: two requests, and one more for each further version that has a share. What goes wrong is the target's own;
/// the others are read all the same.
///
/// # Errors
/// The deadline has passed, the step was cancelled, or there are no usable credentials: that is so for all of them.
pub(super) async fn read(cx: &Context, wanted: &Wanted, here: &Location) -> anyhow::Result<Live> {
    if wanted.place.location != *here {
        return Ok(Live::Elsewhere);
    }
    let read = match wanted.place.served() {
        Some(Served::Function(function, qualifier)) => function_of(cx, &function, &qualifier).await,
        Some(Served::Service(cluster, service)) => service_of(cx, &cluster, &service).await,
        Some(Served::Site(bucket, prefix, marker, pointer)) => {
            site_of(cx, &cx.site(&bucket, prefix.as_ref(), &marker, pointer.as_ref()).await?).await
        }
        None => return Ok(Live::Missing("nobody is served by it".to_owned())),
    };
    match read {
        Ok(live) => Ok(live),
        Err(error) if error.is::<Absent>() => Ok(Live::Missing(error_line(&error))),
        Err(error) if is_about_all(&error) => Err(error),
        Err(error) => Ok(Live::Unreadable(error_line(&error))),
    }
}

/// Whether nothing else can be read either.
fn is_about_all(error: &anyhow::Error) -> bool {
    error.chain().any(<dyn std::error::Error>::is::<Ended>)
        || refusal(error).is_some_and(|refusal| matches!(refusal.kind, Kind::Credentials | Kind::Clock))
}

async fn function_of(cx: &Context, function: &FunctionName, qualifier: &Qualifier) -> anyhow::Result<Live> {
    let Some(traffic) = cx.lambda().await?.traffic(function, qualifier).await? else {
        return Ok(Live::Missing(match qualifier {
            Qualifier::Alias(alias) => format!("there is no alias {alias} of a function {function}"),
            Qualifier::Latest => format!("there is no function {function}"),
        }));
    };
    Ok(of_traffic(&traffic))
}

fn of_traffic(traffic: &Traffic) -> Live {
    let mut notes = Vec::new();
    if let Some(alias) = &traffic.alias
        && let Some(next) = alias.version.filter(|version| alias.serving() != Some(*version))
    {
        notes.push(format!("the alias points to version {next}, which gets no traffic until its concurrency is ready"));
    }
    if traffic.alias.is_none() {
        notes.push(match &traffic.published {
            Some(version) => format!(
                "users call it without an alias; version {} holds the same code",
                version.version.map(|version| version.to_string()).unwrap_or_default()
            ),
            None => "users call it without an alias, and no version holds its code: nothing can be gone back to by a version"
                .to_owned(),
        });
    }
    let first = traffic.parts.first().map(|(function, _)| function);
    if traffic.alias.is_none() && first.is_some_and(|function| function.managed) {
        notes.push(
            "it runs on managed instances, where calls without an alias go to $LATEST.PUBLISHED, which may hold other code".to_owned(),
        );
    }
    let part = |(function, share): &(Function, f64)| Part {
        runs: Runs::Version(function.version, CodeId::of(function)),
        share: (share * 1000.0).round() / 10.0,
        commit: function.commit().or_else(|| traffic.published.as_ref().and_then(Function::commit)),
        stored: stored(function),
        broken: broken(function),
    };
    Live::Serves { parts: traffic.parts.iter().map(part).collect(), notes }
}

/// Where the code of a function is kept besides Lambda.
fn stored(function: &Function) -> Vec<Stored> {
    if let Some(object) = &function.storage.object {
        let (bucket, key, version) = (object.bucket.clone(), object.key.clone(), object.version.clone());
        return vec![Stored::Object { bucket, key, version }];
    }
    let image = function.image.as_ref().and_then(|image| {
        let registry = EcrRegistry::from_host(image.host.as_deref()?)?;
        let digest = function.digest()?.clone();
        Some(Stored::Image { registry, repository: image.repository.clone(), container: None, digest })
    });
    image.into_iter().collect()
}

fn broken(function: &Function) -> Option<String> {
    let state = match &function.state {
        State::Failed(_) | State::Pending(_) => Some(format!("its state is {}", function.state)),
        State::Active | State::Inactive | State::NotInvocable => None,
    };
    function.storage.error.as_ref().map(|error| format!("AWS cannot get at its code: {error}")).or(state)
}

async fn service_of(cx: &Context, cluster: &ClusterName, service: &ServiceName) -> anyhow::Result<Live> {
    Ok(of_running(&cx.ecs().await?.running(cluster, service).await?))
}

async fn site_of(cx: &Context, site: &Site) -> anyhow::Result<Live> {
    let bucket = SiteBucket::of(cx.aws().await?, site).await?;
    let marker = read_marker(&bucket, site).await?.marker;
    let (Some(release), Some(digest)) = (&marker.release, &marker.digest) else {
        return Ok(Live::Missing(format!("{site} has no release")));
    };
    let part = Part {
        runs: Runs::Release(release.clone(), digest.clone()),
        share: 100.0,
        commit: marker.commit.clone(),
        stored: Vec::new(),
        broken: None,
    };
    let notes = marker.next.iter().map(|next| format!("documents of release {} are on their way", next.release));
    Ok(Live::Serves { parts: vec![part], notes: notes.collect() })
}

fn of_running(running: &Running) -> Live {
    let tasks: u64 = running.parts.iter().map(|part| part.tasks).sum();
    let has_weights = running.parts.iter().any(|part| part.weight.is_some_and(|weight| weight > 0.0));
    let parts = running.parts.iter().map(|part| {
        #[expect(clippy::cast_precision_loss, reason = "tasks of a service are few")]
        let by_tasks = if tasks == 0 { 0.0 } else { part.tasks as f64 / tasks as f64 * 100.0 };
        let share = if has_weights { part.weight.unwrap_or_default() } else { by_tasks };
        let image = |(container, digest): (&crate::ecs::ContainerName, &crate::oci::Digest)| {
            let named: ImageReference = part.images.get(container)?.parse().ok()?;
            let registry = EcrRegistry::from_host(named.host.as_deref()?)?;
            let container = Some(container.to_string());
            Some(Stored::Image { registry, repository: named.repository, container, digest: digest.clone() })
        };
        Part {
            runs: Runs::Revision(part.revision.clone(), part.digests.clone()),
            share: (share * 10.0).round() / 10.0,
            commit: None,
            stored: part.digests.iter().filter_map(image).collect(),
            broken: None,
        }
    });
    let mut parts: Vec<Part> = parts.collect();
    parts.sort_by(|one, other| other.share.total_cmp(&one.share));
    Live::Serves { parts, notes: Vec::new() }
}
