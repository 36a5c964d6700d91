//! What must hold before the first write. Pure functions of what was observed.

mod finding;
mod image;
mod zip;

pub(super) use self::finding::{Finding, Judged};
use super::artifact::{Absent, Artifact};
use crate::lambda::{Function, Package};
use crate::outcome::Verdict;
use crate::text::message;

/// Everything that is looked at, up to what makes looking further senseless.
pub(super) fn judge(function: &Function, artifact: &Artifact, region: &str) -> Vec<Finding> {
    let package = package(function, artifact);
    let mut findings = match artifact {
        Artifact::Absent(absent) => vec![package, existence(absent)],
        _ if package.verdict() == Verdict::Fail => vec![package],
        Artifact::Image(image) => std::iter::once(package).chain(image::judge(function, image, region)).collect(),
        Artifact::Zip(zip) => std::iter::once(package).chain(zip::judge(function, zip)).collect(),
    };
    if let Some(bad) = findings.iter().position(|finding| finding.verdict() == Verdict::Fail) {
        findings.truncate(bad + 1);
    }
    findings
}

fn package(function: &Function, artifact: &Artifact) -> Finding {
    let name = &function.name;
    let observed = if function.package == Package::Zip { "a zip archive" } else { "an image" };
    let is_image = matches!(artifact, Artifact::Image(_) | Artifact::Absent(Absent { image: true, .. }));
    let required = if is_image { "an image" } else { "a zip archive" };
    let judged = if observed == required {
        Judged::Good
    } else {
        let (given, other) = if is_image { ("image", "zip") } else { ("zip", "image") };
        Judged::Bad(
            message!(
                "wrong-package",
                "function {name} is packed as {observed} and `{given}` was given: a function never changes its package"
            ),
            format!("give `{other}`, or make another function for it"),
        )
    };
    Finding {
        name: format!("package of {name}"),
        observed: observed.to_owned(),
        required: required.to_owned(),
        source: "lambda:GetFunction",
        judged,
    }
}

fn existence(absent: &Absent) -> Finding {
    let Absent { image, name, source } = absent;
    let judged = if *image {
        Judged::Bad(
            message!("source-image-missing", "Source image {name} does not exist: promote it first"),
            "run promote-artifact into the registry of this account before this step, or correct `image` or `registry`"
                .to_owned(),
        )
    } else if *source == "workspace" {
        Judged::Bad(
            format!("zip {name} does not exist in the workspace"),
            "fetch it before this step (actions/download-artifact), or correct `zip`: a path relative to the workspace"
                .to_owned(),
        )
    } else {
        Judged::Bad(
            format!("zip {name} does not exist"),
            "copy it into a bucket of this region before this step, or correct `zip`".to_owned(),
        )
    };
    Finding { name: name.clone(), observed: "absent".to_owned(), required: "there".to_owned(), source, judged }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::Architecture;
    use crate::lambda::package::{Archive, Bootstrap, LARGEST_UNPACKED, LARGEST_UPLOAD, Machine, Program};
    use crate::oci::{Digest, Manifest, Platform};
    use crate::registry;
    use crate::rollout::ecr_image::{Image, Seen};
    use crate::steps::publish_version::artifact::Zip;

    const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

    fn function(package: Package, architecture: Architecture, runtime: &str) -> Function {
        let runtime = Some(runtime.to_owned()).filter(|runtime| !runtime.is_empty());
        Function { package, architecture, runtime, ..Function::unknown(&"api".parse().unwrap()) }
    }

    fn zip_function(runtime: &str) -> Function {
        function(Package::Zip, Architecture::X86_64, runtime)
    }

    fn image_function() -> Function {
        function(Package::Image(None), Architecture::X86_64, "")
    }

    fn digest(of: &str) -> Digest {
        Digest::of(of.as_bytes())
    }

    fn image(layer: &str, os: &str, architecture: &str) -> Image {
        let digest = digest("image");
        Image {
            name: format!("shop/api@{digest}"),
            short: format!("shop/api@{}", digest.short()),
            host: "111122223333.dkr.ecr.eu-west-1.amazonaws.com".to_owned(),
            repository: "shop/api".to_owned(),
            revision: None,
            region: "eu-west-1".to_owned(),
            uri: format!("111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/api@{digest}"),
            manifest: Seen::Found(Manifest::Image {
                config: digest.clone(),
                config_type: "application/vnd.oci.image.config.v1+json".to_owned(),
                layers: vec![layer.to_owned()],
                bytes: 1,
            }),
            platform: Seen::Found(Some(Platform { os: os.to_owned(), architecture: architecture.to_owned() })),
            below: Vec::new(),
            digest,
        }
    }

    fn index(architectures: &[&str]) -> Image {
        let below = architectures.iter().map(|architecture| registry::Image {
            digest: digest(architecture),
            platform: Some(Platform { os: "linux".to_owned(), architecture: (*architecture).to_owned() }),
            manifest: None,
            configuration: None,
        });
        Image {
            manifest: Seen::Found(Manifest::Index(Vec::new())),
            platform: Seen::Found(None),
            below: below.collect(),
            ..image(GZIP, "", "")
        }
    }

    fn zip(size: u64, archive: Archive) -> Artifact {
        read(size, Ok(archive))
    }

    fn read(size: u64, archive: Result<Archive, String>) -> Artifact {
        Artifact::Zip(Zip { source: "dist/app.zip".parse().unwrap(), size, archive, code: None, sha256: None })
    }

    fn archive(unpacked: u64, bootstrap: Option<(bool, Program)>) -> Archive {
        let bootstrap = bootstrap.map(|(executable, program)| Bootstrap { executable, program });
        Archive { files: 3, unpacked, bootstrap, misplaced: None, backslash: None, slashes: true }
    }

    /// The refusal, and nothing after it; empty when everything is good.
    fn refusal(function: &Function, artifact: &Artifact) -> String {
        let findings = judge(function, artifact, "eu-west-1");
        let (last, before) = findings.split_last().unwrap();
        assert!(before.iter().all(|finding| finding.verdict() != Verdict::Fail), "{findings:?}");
        match &last.judged {
            Judged::Bad(problem, fix) => format!("{problem} / {fix}"),
            _ => String::new(),
        }
    }

    #[track_caller]
    fn refused(function: &Function, artifact: &Artifact, words: &str) {
        let refusal = refusal(function, artifact);
        assert!(refusal.contains(words), "{refusal:?} does not hold {words:?}");
    }

    #[test]
    fn a_function_never_changes_its_package() {
        refused(
            &image_function(),
            &zip(10, archive(10, None)),
            "function api is packed as an image and `zip` was given",
        );
        refused(&zip_function("python3.12"), &Artifact::Image(image(GZIP, "linux", "amd64")), "give `zip`");
    }

    #[test]
    fn what_is_absent_is_to_be_promoted_first() {
        let absent = |image, name: &str, source| Artifact::Absent(Absent { image, name: name.to_owned(), source });
        let image = absent(true, "shop/api:v9", "ecr:DescribeImages");
        refused(
            &image_function(),
            &image,
            "Source image shop/api:v9 does not exist: promote it first / run promote-artifact",
        );
        let object = absent(false, "s3://bucket/app.zip", "s3:HeadObject");
        refused(&zip_function("python3.12"), &object, "zip s3://bucket/app.zip does not exist");
        let file = absent(false, "dist/app.zip", "workspace");
        refused(&zip_function("python3.12"), &file, "does not exist in the workspace / fetch it before this step");
    }

    #[test]
    fn an_image_must_be_one_for_linux_and_the_functions_architecture() {
        let good = Artifact::Image(image(GZIP, "linux", "amd64"));
        assert_eq!(refusal(&image_function(), &good), "");
        let arm = function(Package::Image(None), Architecture::Arm64, "");
        refused(&arm, &good, "is for linux/amd64, and function api is arm64: it would not start / build it for arm64");
        let windows = Artifact::Image(image(GZIP, "windows", "amd64"));
        refused(&image_function(), &windows, "is for windows/amd64, and function api is x86_64");
        let nowhere = Artifact::Image(Image { platform: Seen::Found(None), ..image(GZIP, "", "") });
        refused(
            &image_function(),
            &nowhere,
            "does not say where it runs: its configuration names no platform / build it for",
        );
        let zstd = Artifact::Image(image("application/vnd.oci.image.layer.v1.tar+zstd", "linux", "amd64"));
        refused(&image_function(), &zstd, "compressed by gzip only / build the image with compression=gzip");
    }

    #[test]
    fn an_index_is_refused_naming_the_image_for_the_architecture() {
        let both = Artifact::Image(index(&["amd64", "arm64"]));
        let child = digest("amd64");
        let words = format!(
            "is an index (linux/amd64, linux/arm64), which Lambda does not take: for function api (x86_64) use {child}"
        );
        refused(&image_function(), &both, &words);
        refused(&image_function(), &both, &format!("`shop/api@{child}`"));
        let arm = function(Package::Image(None), Architecture::Arm64, "");
        refused(&arm, &both, &format!("`shop/api@{}`", digest("arm64")));
        let only_arm = Artifact::Image(index(&["arm64"]));
        refused(
            &image_function(),
            &only_arm,
            "it has no image for function api (x86_64) / build it for linux/amd64 too",
        );
    }

    #[test]
    fn an_image_must_be_in_the_region_of_the_function() {
        let elsewhere = Artifact::Image(Image { region: "us-east-1".to_owned(), ..image(GZIP, "linux", "amd64") });
        refused(
            &image_function(),
            &elsewhere,
            "is in us-east-1, and Lambda takes images only from its own region, eu-west-1",
        );
    }

    #[test]
    fn a_check_without_permission_is_a_warning() {
        let good = image(GZIP, "linux", "amd64");
        let warnings = |image: Image| -> Vec<String> {
            let findings = judge(&image_function(), &Artifact::Image(image), "eu-west-1");
            let warning = |finding: Finding| match finding.judged {
                Judged::Unknown(warning) => Some(warning),
                _ => None,
            };
            findings.into_iter().filter_map(warning).collect()
        };
        let denied = "ecr:GetDownloadUrlForLayer".to_owned();
        let [one] = &warnings(Image { platform: Seen::Denied(denied), ..good.clone() })[..] else { panic!() };
        assert!(
            one.contains("the architecture of shop/api@") && one.contains("allow ecr:GetDownloadUrlForLayer"),
            "{one}"
        );
        let denied = || "ecr:BatchGetImage".to_owned();
        let [one] = &warnings(Image { manifest: Seen::Denied(denied()), platform: Seen::Denied(denied()), ..good })[..]
        else {
            panic!()
        };
        assert!(one.contains("the manifest of shop/api@") && one.contains("allow ecr:BatchGetImage"), "{one}");
    }

    #[test]
    fn a_zip_has_to_be_small_enough_and_whole() {
        let python = zip_function("python3.12");
        assert_eq!(refusal(&python, &zip(LARGEST_UPLOAD, archive(LARGEST_UNPACKED, None))), "");
        let large = read(LARGEST_UPLOAD + 1, Err(String::new()));
        refused(&python, &large, "zip dist/app.zip is 50 MB, and Lambda takes 50 MB directly / put it in S3");
        refused(&python, &zip(10, archive(LARGEST_UNPACKED + 1, None)), "is 250 MB unpacked, and Lambda takes 250 MB");
        refused(
            &python,
            &read(10, Err("it is not a valid zip archive".to_owned())),
            "dist/app.zip: it is not a valid zip archive",
        );
        refused(&python, &zip(10, Archive { files: 0, ..archive(0, None) }), "holds no file");
        let object = Zip {
            source: "s3://bucket/app.zip".parse().unwrap(),
            size: LARGEST_UPLOAD * 3,
            archive: Ok(archive(10, None)),
            code: None,
            sha256: None,
        };
        assert_eq!(refusal(&python, &Artifact::Zip(object)), "", "an object in S3 may be larger");
    }

    #[test]
    fn a_runtime_of_ones_own_needs_a_bootstrap_that_starts() {
        use Architecture::{Arm64, X86_64};
        let elf = |architecture| Program::Elf(Machine::Lambda(architecture));
        let own = |architecture| function(Package::Zip, architecture, "provided.al2023");
        let table = [
            (X86_64, Some((true, elf(X86_64))), ""),
            (Arm64, Some((true, elf(Arm64))), ""),
            (Arm64, Some((true, Program::Script)), ""),
            (X86_64, None, "zip dist/app.zip has no `bootstrap` at its top level, which provided.al2023 starts"),
            (X86_64, Some((false, elf(X86_64))), "may not be executed: it would not start / run chmod 755 bootstrap"),
            (X86_64, Some((true, elf(Arm64))), "is for arm64, and function api is x86_64: it would not start"),
            (Arm64, Some((true, Program::Elf(Machine::Other(40)))), "is for ELF machine 40, and function api is arm64"),
            (
                X86_64,
                Some((true, Program::Unknown)),
                "is neither a Linux program nor a script / build it for Linux on x86_64",
            ),
            (X86_64, Some((true, Program::Elsewhere("/opt/bin/php".to_owned()))), ""),
            (
                X86_64,
                Some((true, Program::Dangling("bin/app".to_owned()))),
                "is a symbolic link to bin/app, which leads to nothing that the zip holds",
            ),
            (X86_64, Some((true, Program::Circular)), "leads from link to link without end"),
            (X86_64, Some((true, Program::WindowsScript)), "ends with a carriage return"),
        ];
        for (architecture, bootstrap, words) in table {
            let zip = zip(10, archive(10, bootstrap));
            if words.is_empty() {
                assert_eq!(refusal(&own(architecture), &zip), "");
            } else {
                refused(&own(architecture), &zip, words);
            }
        }
        assert_eq!(refusal(&zip_function("python3.12"), &zip(10, archive(10, None))), "");
        let with_layer = Function { layers: 1, ..own(X86_64) };
        assert_eq!(refusal(&with_layer, &zip(10, archive(10, None))), "");
        let windows = |slashes| Archive { backslash: Some("lib\\a.py".to_owned()), slashes, ..archive(10, None) };
        refused(
            &zip_function("python3.12"),
            &zip(10, windows(false)),
            "holds lib\\a.py: Lambda makes no folder of a backslash",
        );
        assert_eq!(refusal(&zip_function("python3.12"), &zip(10, windows(true))), "");
        let misplaced = Archive { misplaced: Some("app/bootstrap".to_owned()), ..archive(10, None) };
        refused(&own(X86_64), &zip(10, misplaced), "there is one at app/bootstrap / pack the folder's content");
    }
}
