//! Whether Lambda can run a zip archive.

use super::finding::{Finding, Judged, wrong_architecture};
use crate::lambda::Function;
use crate::lambda::package::{Archive, Bootstrap, LARGEST_UNPACKED, LARGEST_UPLOAD, Machine, Program};
use crate::steps::publish_version::artifact::Zip;
use crate::steps::publish_version::inputs::ZipSource;
use crate::text::message;

/// Sizes, content, and what the runtime starts.
pub(super) fn judge(function: &Function, zip: &Zip) -> Vec<Finding> {
    let mut findings = Vec::new();
    if matches!(zip.source, ZipSource::File(_)) {
        findings.push(upload(zip));
    }
    match &zip.archive {
        Err(why) => findings.push(damage(zip, why)),
        Ok(archive) => {
            findings.push(unpacked_size(zip, archive));
            findings.extend(archive.backslash.as_deref().map(|name| backslash(zip, archive, name)));
            if function.runtime.as_deref().is_some_and(|runtime| runtime.starts_with("provided")) {
                findings.push(bootstrap(function, zip, archive));
            }
        }
    }
    findings
}

fn upload(zip: &Zip) -> Finding {
    let (source, size) = (zip.source.label(), &zip.size);
    let judged = if *size <= LARGEST_UPLOAD {
        Judged::Good
    } else {
        Judged::Bad(
            format!("zip {source} is {}, and Lambda takes {} directly", megabytes(*size), megabytes(LARGEST_UPLOAD)),
            "put it in S3 with promote-artifact (`destination: s3://bucket/prefix`), and give `zip: s3://bucket/key`"
                .to_owned(),
        )
    };
    Finding {
        name: format!("size of {source}"),
        observed: megabytes(*size),
        required: format!("at most {}", megabytes(LARGEST_UPLOAD)),
        source: "workspace",
        judged,
    }
}

fn damage(zip: &Zip, why: &str) -> Finding {
    Finding {
        name: format!("content of {}", zip.source.label()),
        observed: why.to_owned(),
        required: "a zip archive".to_owned(),
        source: read_at(zip),
        judged: Judged::Bad(
            format!("zip {}: {why}", zip.source.label()),
            "build it again, and check how it comes here: a download may have failed half way".to_owned(),
        ),
    }
}

fn unpacked_size(zip: &Zip, archive: &Archive) -> Finding {
    let source = zip.source.label();
    let judged = if archive.files == 0 {
        Judged::Bad(format!("zip {source} holds no file"), "check what the build packs".to_owned())
    } else if archive.unpacked > LARGEST_UNPACKED {
        Judged::Bad(
            format!(
                "zip {source} is {} unpacked, and Lambda takes {}",
                megabytes(archive.unpacked),
                megabytes(LARGEST_UNPACKED)
            ),
            "leave out what the function does not need, or deploy it as an image, which may be 10 GB".to_owned(),
        )
    } else {
        Judged::Good
    };
    Finding {
        name: format!("content of {source}"),
        observed: format!("{} files, {} unpacked", archive.files, megabytes(archive.unpacked)),
        required: format!("a zip archive with files, at most {} unpacked", megabytes(LARGEST_UNPACKED)),
        source: read_at(zip),
        judged,
    }
}

/// An archive made on Windows by a program that writes its own separators: Lambda takes such names as they are, and makes no folders.
fn backslash(zip: &Zip, archive: &Archive, name: &str) -> Finding {
    let source = zip.source.label();
    let problem = message!(
        "zip-backslash",
        "zip {source} holds {name}: Lambda makes no folder of a backslash, but a file of that name"
    );
    let judged = if archive.slashes {
        Judged::Unknown(problem)
    } else {
        Judged::Bad(
            problem,
            "pack it with slashes, as .zip asks for: on Linux, or with `tar -a -cf app.zip` or PowerShell 7 on Windows"
                .to_owned(),
        )
    };
    Finding {
        name: format!("names in {source}"),
        observed: name.to_owned(),
        required: "slashes between folders".to_owned(),
        source: read_at(zip),
        judged,
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>: `bootstrap` in the archive, or in a layer.
fn bootstrap(function: &Function, zip: &Zip, archive: &Archive) -> Finding {
    let source = zip.source.label();
    let runtime = function.runtime.as_deref().unwrap_or_default();
    let (observed, judged) = match &archive.bootstrap {
        None if function.layers > 0 => ("absent: taken from a layer".to_owned(), Judged::Good),
        None => {
            let problem = format!("zip {source} has no `bootstrap` at its top level, which {runtime} starts");
            let (problem, fix) = match &archive.misplaced {
                Some(place) => (
                    format!("{problem}; there is one at {place}"),
                    "pack the folder's content, not the folder (zip -j, or cd into it first)".to_owned(),
                ),
                None => {
                    (problem, "name the program `bootstrap` when packing it, or add a layer that holds one".to_owned())
                }
            };
            ("absent".to_owned(), Judged::Bad(problem, fix))
        }
        Some(Bootstrap { executable: false, .. }) => (
            "not executable".to_owned(),
            Judged::Bad(
                format!("`bootstrap` in zip {source} may not be executed: it would not start"),
                "run chmod 755 bootstrap before packing, on a system whose archives keep file modes".to_owned(),
            ),
        ),
        Some(Bootstrap { program: Program::Script, .. }) => ("a script".to_owned(), Judged::Good),
        Some(Bootstrap { program: Program::Elsewhere(to), .. }) => (format!("a link to {to}"), Judged::Good),
        Some(Bootstrap { program: Program::Dangling(to), .. }) => (
            format!("a link to {to}"),
            Judged::Bad(
                format!(
                    "`bootstrap` in zip {source} is a symbolic link to {to}, which leads to nothing that the zip holds"
                ),
                "pack what it leads to as well, or the program itself in its place".to_owned(),
            ),
        ),
        Some(Bootstrap { program: Program::Circular, .. }) => (
            "a link without an end".to_owned(),
            Judged::Bad(
                format!("`bootstrap` in zip {source} is a symbolic link that leads from link to link without end"),
                "pack the program itself in its place".to_owned(),
            ),
        ),
        Some(Bootstrap { program: Program::WindowsScript, .. }) => (
            "a script with Windows line ends".to_owned(),
            Judged::Bad(
                format!(
                    "the first line of `bootstrap` in zip {source} ends with a carriage return: Linux looks for an interpreter of that \
                     name, and does not start it"
                ),
                "write it with the line ends of Linux (`* text eol=lf` in .gitattributes, or dos2unix before packing)"
                    .to_owned(),
            ),
        ),
        Some(Bootstrap { program: Program::Elf(Machine::Lambda(machine)), .. })
            if *machine == function.architecture =>
        {
            (format!("a program for {machine}"), Judged::Good)
        }
        Some(Bootstrap { program: Program::Elf(machine), .. }) => (
            format!("a program for {machine}"),
            wrong_architecture(function, &format!("`bootstrap` in zip {source} is for {machine}")),
        ),
        Some(Bootstrap { program: Program::Unknown, .. }) => (
            "no Linux program".to_owned(),
            Judged::Bad(
                format!("`bootstrap` in zip {source} is neither a Linux program nor a script"),
                format!("build it for Linux on {}", function.architecture),
            ),
        ),
    };
    Finding {
        name: format!("bootstrap in {source}"),
        observed,
        required: format!("executable, for {}", function.architecture),
        source: read_at(zip),
        judged,
    }
}

fn read_at(zip: &Zip) -> &'static str {
    match zip.source {
        ZipSource::File(_) => "workspace",
        ZipSource::S3(_) => "s3:GetObject",
    }
}

/// AWS counts in units of 1024 × 1024 bytes.
fn megabytes(bytes: u64) -> String {
    const UNIT: u64 = 1024 * 1024;
    match bytes / UNIT {
        0 => format!("{} KB", bytes.div_ceil(1024)),
        whole if whole < 10 => format!("{whole}.{} MB", bytes % UNIT * 10 / UNIT),
        whole => format!("{whole} MB"),
    }
}
