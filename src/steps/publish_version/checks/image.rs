//! Whether Lambda can run an image.

use super::finding::{Finding, Judged, wrong_architecture};
use crate::lambda::Function;
use crate::oci::{Manifest, Platform, Unfit};
use crate::registry;
use crate::rollout::ecr_image::{Image, Seen};
use crate::text::message;

/// Region, form and platform.
pub(super) fn judge(function: &Function, image: &Image, region: &str) -> Vec<Finding> {
    let mut findings = vec![same_region(image, region)];
    match &image.manifest {
        Seen::Denied(permission) => {
            findings.push(unknown(image, "manifest", "one image", "ecr:BatchGetImage", permission));
        }
        Seen::Found(manifest) => findings.push(form(function, image, manifest)),
    }
    match &image.platform {
        // Of an index, none is run.
        _ if matches!(image.manifest, Seen::Found(Manifest::Index(_))) => {}
        Seen::Found(platform) => findings.push(self::platform(function, image, platform.as_ref())),
        Seen::Denied(permission) if image.manifest.missing_permission().is_none() => {
            findings.push(unknown(
                image,
                "architecture",
                function.architecture.oci(),
                "ecr:GetDownloadUrlForLayer",
                permission,
            ));
        }
        Seen::Denied(_) => {}
    }
    findings
}

fn unknown(image: &Image, what: &str, required: &str, source: &'static str, permission: &str) -> Finding {
    Finding {
        name: format!("{what} of {}", image.short),
        observed: format!("not readable without {permission}"),
        required: required.to_owned(),
        source,
        judged: Judged::Unknown(format!(
            "the {what} of {} was not checked: allow {permission} to the role of this job; Lambda itself refuses what it cannot run, only later",
            image.short
        )),
    }
}

fn same_region(image: &Image, region: &str) -> Finding {
    let judged = if image.region == region {
        Judged::Good
    } else {
        Judged::Bad(
            message!(
                "image-of-other-region",
                "image {} is in {}, and Lambda takes images only from its own region, {region}",
                image.name,
                image.region
            ),
            format!("promote it into a registry in {region} first, and name that one"),
        )
    };
    Finding {
        name: format!("registry of {}", image.short),
        observed: image.region.clone(),
        required: region.to_owned(),
        source: "image",
        judged,
    }
}

fn form(function: &Function, image: &Image, manifest: &Manifest) -> Finding {
    let name = &image.name;
    let wanted = function.architecture;
    let (observed, judged) = match manifest.unfit() {
        None => ("one image, its layers compressed by gzip".to_owned(), Judged::Good),
        Some(Unfit::Index) => {
            let required = format!("linux/{}", wanted.oci());
            let fitting = image.below.iter().find(|below| below.built_for() == required).map(|below| &below.digest);
            let unknown = image.below.iter().find(|below| below.platform.is_none());
            let fix = match (fitting, unknown) {
                (Some(child), _) => format!("give its image for {wanted}: `{}@{child}`", repository(name)),
                (None, Some(unknown)) => format!(
                    "give the digest of its image for {wanted}: neither the index nor a readable configuration says where {} runs",
                    unknown.digest.short()
                ),
                (None, None) => format!("build it for {required} too: it has none for {wanted}"),
            };
            let platforms: Vec<String> = image.below.iter().map(registry::Image::built_for).collect();
            let platforms = if platforms.is_empty() { "no image".to_owned() } else { platforms.join(", ") };
            let problem = match fitting {
                Some(child) => message!(
                    "image-index",
                    "{name} is an index ({platforms}), which Lambda does not take: for function {} ({wanted}) use {child}",
                    function.name
                ),
                None => message!(
                    "image-index",
                    "{name} is an index ({platforms}), which Lambda does not take, and it has no image for function {} ({wanted})",
                    function.name
                ),
            };
            (format!("an index of {platforms}"), Judged::Bad(problem, fix))
        }
        Some(Unfit::NoImage(media_type)) => (
            format!("no image: {media_type}"),
            Judged::Bad(
                format!("{name} is no image: it holds {media_type}"),
                "give the digest of the image itself, not that of an attestation or of another artifact".to_owned(),
            ),
        ),
        Some(Unfit::Layer(media_type)) => (
            format!("a layer {media_type}"),
            Judged::Bad(
                message!(
                    "layer-not-gzip",
                    "{name} has a layer {media_type}, and Lambda takes layers compressed by gzip only"
                ),
                "build the image with compression=gzip,force-compression=true (docker buildx `outputs`)".to_owned(),
            ),
        ),
        Some(Unfit::TooLarge(bytes)) => (
            format!("{bytes} bytes, compressed"),
            Judged::Bad(
                message!(
                    "image-too-large-for-lambda",
                    "{name} is larger than Lambda takes: {bytes} bytes even compressed, and the limit is 10 GB unpacked"
                ),
                "build it smaller: leave out what the function does not use, and read large data from S3 or EFS"
                    .to_owned(),
            ),
        ),
    };
    Finding {
        name: format!("manifest of {}", image.short),
        observed,
        required: "one image, its layers compressed by gzip".to_owned(),
        source: "ecr:BatchGetImage",
        judged,
    }
}

fn repository(name: &str) -> &str {
    name.split_once('@').map_or(name, |(repository, _)| repository)
}

fn platform(function: &Function, image: &Image, platform: Option<&Platform>) -> Finding {
    let observed = platform.map_or_else(|| "none is named".to_owned(), ToString::to_string);
    let required = format!("linux/{}", function.architecture.oci());
    let judged = match platform {
        _ if observed == required => Judged::Good,
        Some(_) => wrong_architecture(function, &format!("image {} is for {observed}", image.name)),
        None => Judged::Bad(
            format!("image {} does not say where it runs: its configuration names no platform", image.name),
            format!("build it for {required} with a tool that writes it down, such as docker buildx"),
        ),
    };
    Finding {
        name: format!("architecture of {}", image.short),
        observed,
        required,
        source: "ecr:GetDownloadUrlForLayer",
        judged,
    }
}
