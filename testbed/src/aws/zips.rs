//! Deployment packages: the same files give the same bytes, so the same digest.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A file of a package: path, content, and whether it may be executed.
pub type Entry<'a> = (&'a str, &'a [u8], bool);

/// A package of these files, in this order.
///
/// # Panics
///
/// Two entries have the same path.
#[must_use]
pub fn package(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content, executable) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(if *executable { 0o755 } else { 0o644 });
        writer.start_file(*path, options).expect("entries have paths of their own");
        writer.write_all(content).expect("memory takes what is written");
    }
    writer.finish().expect("memory takes what is written").into_inner()
}

/// A package for a Python runtime with the handler `index.handler`.
#[must_use]
pub fn python(source: &str) -> Vec<u8> {
    package(&[("index.py", source.as_bytes(), false)])
}

/// A package for `provided.al2023`: a shell script as `bootstrap`.
#[must_use]
pub fn script(source: &str) -> Vec<u8> {
    package(&[("bootstrap", source.as_bytes(), true)])
}

/// A package for `provided.al2023` whose `bootstrap` answers every event with `{"bootstrap": name}`.
#[must_use]
pub fn bootstrap(name: &str) -> Vec<u8> {
    script(&BOOTSTRAP.replace("NAME", name))
}

/// A package with a symbolic link to an executable script in it.
///
/// # Panics
///
/// Link and script have the same path.
#[must_use]
pub fn linked(link: &str, to: &str, script: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    writer.add_symlink(link, to, options).expect("entries have paths of their own");
    writer.start_file(to, options.unix_permissions(0o755)).expect("entries have paths of their own");
    writer.write_all(script.as_bytes()).expect("memory takes what is written");
    writer.finish().expect("memory takes what is written").into_inner()
}

/// A package whose `bootstrap` has the ELF header of an architecture (`x86_64` or `arm64`) and cannot run.
#[must_use]
pub fn elf_stub(architecture: &str) -> Vec<u8> {
    let machine: u16 = if architecture == "arm64" { 183 } else { 62 };
    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    header.extend(2_u16.to_le_bytes());
    header.extend(machine.to_le_bytes());
    header.extend(1_u32.to_le_bytes());
    header.extend([0; 24]);
    header.extend(0_u32.to_le_bytes());
    for field in [64_u16, 56, 0, 64, 0, 0] {
        header.extend(field.to_le_bytes());
    }
    package(&[("bootstrap", &header, true)])
}

/// A `bootstrap` that answers every event with `{"bootstrap": "NAME"}`.
pub const BOOTSTRAP: &str = r#"#!/bin/sh
api="http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation"
headers=$(mktemp)
while curl -sS -o /dev/null -D "$headers" "$api/next"; do
  id=$(tr -d '\r' < "$headers" | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
  [ -n "$id" ] || exit 1
  curl -sS -o /dev/null -d '{"bootstrap": "NAME"}' "$api/$id/response"
done
"#;
