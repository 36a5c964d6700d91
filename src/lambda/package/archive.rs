//! Zip archives for Lambda: what has to be known of one before it is handed over, read without unpacking it.

use std::io::{Read, Seek};
use std::iter;

use thiserror::Error;
use zip::ZipArchive;

use crate::lambda::Architecture;

/// Most bytes that `UpdateFunctionCode` takes directly; larger archives go by way of S3
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub const LARGEST_UPLOAD: u64 = 50 * 1024 * 1024;

/// Most bytes that an archive may hold unpacked, layers included (the same page).
pub const LARGEST_UNPACKED: u64 = 250 * 1024 * 1024;

/// The program that the runtimes `provided.*` start.
const BOOTSTRAP: &str = "bootstrap";

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// How many files.
    pub files: usize,
    /// How many bytes they are, unpacked.
    pub unpacked: u64,
    /// What the runtimes `provided.*` start, if it is at the top level.
    pub bootstrap: Option<Bootstrap>,
    /// A file `bootstrap` that lies deeper, where nothing starts it.
    pub misplaced: Option<String>,
    /// The first name with a backslash: Lambda makes no folder of it.
    pub backslash: Option<String>,
    /// True when a name has a slash: then backslashes are no separators.
    pub slashes: bool,
}

/// The file `bootstrap` of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Whether everybody may execute it: Lambda runs it as a user of its own. Of a symbolic link, what it leads to.
    pub executable: bool,
    /// What it is.
    pub program: Program,
}

/// What kind of program a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A Linux program for this machine.
    Elf(Machine),
    /// A script: `#!`.
    Script,
    /// A script whose first line ends as lines do on Windows: Linux takes the carriage return for part of the interpreter's name.
    WindowsScript,
    /// A symbolic link to something outside of the archive: a layer, or the system.
    Elsewhere(String),
    /// A symbolic link to something that the archive should hold, and does not.
    Dangling(String),
    /// A symbolic link that leads from link to link without end.
    Circular,
    /// Neither, e.g. a program for another system.
    Unknown,
}

/// The machine of an ELF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// One that Lambda has.
    Lambda(Architecture),
    /// Another, by its number in the ELF header.
    Other(u16),
}

/// Why an archive cannot be used.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// It is damaged, or no zip archive at all.
    #[error("it is not a valid zip archive: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// Its bytes is not available.
    #[error("it could not be read: {0}")]
    Io(#[from] std::io::Error),
}

impl Archive {
    /// Reads the directory of an archive, and the first bytes of its `bootstrap`.
    pub fn inspect<R: Read + Seek>(reader: R) -> Result<Self, Unreadable> {
        let mut archive = ZipArchive::new(reader)?;
        let mut found =
            Self { files: 0, unpacked: 0, bootstrap: None, misplaced: None, backslash: None, slashes: false };
        let mut place = None;
        for index in 0..archive.len() {
            let entry = archive.by_index_data(index)?;
            let name = entry.name()?;
            found.slashes |= name.contains('/');
            if name.contains('\\') {
                found.backslash.get_or_insert_with(|| name.clone().into_owned());
            }
            if entry.is_dir() {
                continue;
            }
            found.files += 1;
            found.unpacked = found.unpacked.saturating_add(entry.size());
            if plain(&name) == BOOTSTRAP {
                place = Some(index);
            } else if name.rsplit(['/', '\\']).next() == Some(BOOTSTRAP) {
                found.misplaced.get_or_insert_with(|| name.into_owned());
            }
        }
        if let Some(index) = place {
            found.bootstrap = Some(Bootstrap::of(&mut archive, index)?);
        }
        Ok(found)
    }
}

/// As much of a file is read as Linux reads of a script to find its interpreter; of an ELF file 20 bytes tell its machine.
const HEAD: u64 = 256;

/// Symbolic links are followed so far, as by Linux (`path_resolution(7)`).
const LINKS: usize = 40;

/// Where Lambda unpacks an archive.
const TASK: &str = "/var/task/";

impl Bootstrap {
    /// Reads an entry, or what it leads to as a symbolic link, also through folders that are links.
    fn of<R: Read + Seek>(archive: &mut ZipArchive<R>, index: usize) -> Result<Self, Unreadable> {
        let (mut index, mut below) = (index, String::new());
        let mut first = None;
        for _ in 0..LINKS {
            let entry = archive.by_index(index)?;
            let (name, mode) = (entry.name()?.into_owned(), entry.unix_mode());
            let mut head = Vec::new();
            if !entry.is_symlink() {
                // Without a mode, as archives made on Windows are, nobody may execute it.
                let executable = mode.is_some_and(|mode| mode & 0o111 == 0o111);
                entry.take(HEAD).read_to_end(&mut head)?;
                return Ok(Self { executable, program: Program::of(&head) });
            }
            // Longer paths there are none on Linux.
            entry.take(4096).read_to_end(&mut head)?;
            let to = String::from_utf8_lossy(&head).into_owned();
            let path = target(&name, &format!("{to}/{below}"));
            let first = first.get_or_insert(to).clone();
            let Some(path) = path else { return Ok(Self { executable: true, program: Program::Elsewhere(first) }) };
            let Some(next) = entry_at(archive, &path)? else {
                return Ok(Self { executable: true, program: Program::Dangling(first) });
            };
            (index, below) = next;
        }
        Ok(Self { executable: true, program: Program::Circular })
    }
}

/// The entry of a path, or the link that stands for one of its folders, and what of the path is below that.
fn entry_at<R: Read + Seek>(archive: &mut ZipArchive<R>, path: &str) -> Result<Option<(usize, String)>, Unreadable> {
    let folders = path.match_indices('/').rev().map(|(end, _)| (&path[..end], &path[end + 1..]));
    for (name, below) in iter::once((path, "")).chain(folders) {
        for index in 0..archive.len() {
            let is_it = archive.by_index_data(index)?.name().is_ok_and(|entry| plain(&entry) == name);
            if is_it && (below.is_empty() || archive.by_index(index)?.is_symlink()) {
                return Ok(Some((index, below.to_owned())));
            }
        }
    }
    Ok(None)
}

/// A name as it is looked for.
fn plain(name: &str) -> &str {
    name.strip_prefix("./").unwrap_or(name)
}

/// The entry that a symbolic link leads to; `None` for one out of the archive.
fn target(link: &str, to: &str) -> Option<String> {
    let (folder, path) = match to.strip_prefix(TASK) {
        Some(path) => ("", path),
        None if to.starts_with('/') => return None,
        None => (plain(link).rsplit_once('/').map_or("", |(folder, _)| folder), to),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

impl Program {
    /// Tells from a file's first bytes what it is
    /// (<https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>).
    fn of(head: &[u8]) -> Self {
        match head {
            [b'#', b'!', rest @ ..] => {
                let mut line = rest.split(|byte| *byte == b'\n');
                if line.next().is_some_and(|line| line.ends_with(b"\r")) { Self::WindowsScript } else { Self::Script }
            }
            [0x7f, b'E', b'L', b'F', _class, order, ..] if head.len() >= 20 => {
                let bytes = [head[18], head[19]];
                let machine = if *order == 2 { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
                Self::Elf(Machine::from_number(machine))
            }
            _ => Self::Unknown,
        }
    }
}

impl Machine {
    fn from_number(machine: u16) -> Self {
        match machine {
            62 => Self::Lambda(Architecture::X86_64),
            183 => Self::Lambda(Architecture::Arm64),
            other => Self::Other(other),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lambda(architecture) => architecture.fmt(f),
            Self::Other(number) => write!(f, "ELF machine {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::io::{Cursor, Write as _};

    use super::*;
    use crate::hostile::config;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn packed(entries: &[(&str, &[u8], Option<u32>)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content, mode) in entries {
            let options = mode
                .map_or_else(SimpleFileOptions::default, |mode| SimpleFileOptions::default().unix_permissions(mode));
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn elf(machine: u16, big_endian: bool) -> Vec<u8> {
        let mut head = vec![0x7f, b'E', b'L', b'F', 2, if big_endian { 2 } else { 1 }, 1];
        head.resize(18, 0);
        head.extend(if big_endian { machine.to_be_bytes() } else { machine.to_le_bytes() });
        head.resize(200, 0);
        head
    }

    fn inspected(entries: &[(&str, &[u8], Option<u32>)]) -> Archive {
        Archive::inspect(Cursor::new(packed(entries))).unwrap()
    }

    #[test]
    fn files_and_unpacked_bytes_are_counted() {
        let archive = inspected(&[("index.py", &[0; 1000], None), ("lib/a.py", &[0; 500], None)]);
        let expected =
            Archive { files: 2, unpacked: 1500, bootstrap: None, misplaced: None, backslash: None, slashes: true };
        assert_eq!(archive, expected);
    }

    #[test]
    fn a_bootstrap_is_known_by_its_first_bytes() {
        let table = [
            (elf(62, false), Program::Elf(Machine::Lambda(Architecture::X86_64))),
            (elf(183, false), Program::Elf(Machine::Lambda(Architecture::Arm64))),
            (elf(22, true), Program::Elf(Machine::Other(22))),
            (elf(62, false)[..18].to_vec(), Program::Unknown),
            (b"#!/bin/sh\n".to_vec(), Program::Script),
            (b"#!/bin/sh\necho \r\n".to_vec(), Program::Script),
            (b"#!/bin/sh\r\n".to_vec(), Program::WindowsScript),
            (b"#!/usr/bin/env bash\r\nexit\r\n".to_vec(), Program::WindowsScript),
            (b"MZ\x90".to_vec(), Program::Unknown),
            (Vec::new(), Program::Unknown),
        ];
        for (content, program) in table {
            let archive = inspected(&[("bootstrap", &content, Some(0o755))]);
            assert_eq!(archive.bootstrap, Some(Bootstrap { executable: true, program }), "{content:?}");
        }
    }

    #[test]
    fn executable_means_by_everybody() {
        for (mode, executable) in [(Some(0o755), true), (Some(0o644), false), (Some(0o700), false), (None, false)] {
            let archive = inspected(&[("bootstrap", b"#!", mode)]);
            assert_eq!(archive.bootstrap.map(|bootstrap| bootstrap.executable), Some(executable), "{mode:?}");
        }
    }

    #[test]
    fn a_bootstrap_deeper_down_is_misplaced() {
        let archive = inspected(&[("target/lambda/bootstrap", b"#!", Some(0o755)), ("bootstrap.txt", b"", None)]);
        assert_eq!((archive.bootstrap, archive.misplaced.as_deref()), (None, Some("target/lambda/bootstrap")));
        assert!(inspected(&[("./bootstrap", b"#!", Some(0o755))]).bootstrap.is_some());
    }

    #[test]
    fn a_link_is_followed_to_the_program_it_leads_to() {
        let linked = |links: &[(&str, &str)]| {
            let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
            for (name, to) in links {
                writer.add_symlink(*name, *to, SimpleFileOptions::default()).unwrap();
            }
            for (name, mode) in [("bin/app", 0o755), ("bin/data", 0o644)] {
                writer.start_file(name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
                writer.write_all(&elf(62, false)).unwrap();
            }
            let archive = Archive::inspect(Cursor::new(writer.finish().unwrap().into_inner())).unwrap();
            archive.bootstrap.unwrap()
        };
        let found = |executable, program| Bootstrap { executable, program };
        let app = Program::Elf(Machine::Lambda(Architecture::X86_64));
        let outside = |to: &str| found(true, Program::Elsewhere(to.to_owned()));
        let dangling = |to: &str| found(true, Program::Dangling(to.to_owned()));
        let table: [(&[(&str, &str)], Bootstrap); 11] = [
            (&[("bootstrap", "bin/app")], found(true, app.clone())),
            (&[("bootstrap", "./bin/../bin/app")], found(true, app.clone())),
            (&[("bootstrap", "/var/task/bin/app")], found(true, app.clone())),
            (&[("bootstrap", "bin/next"), ("bin/next", "app")], found(true, app.clone())),
            (&[("bootstrap", "bin/data")], found(false, app.clone())),
            (&[("bootstrap", "/opt/bootstrap")], outside("/opt/bootstrap")),
            (&[("bootstrap", "current/app"), ("current", "bin")], found(true, app.clone())),
            (&[("bootstrap", "a/b/app"), ("a/b", "../current"), ("current", "./bin/")], found(true, app.clone())),
            (&[("bootstrap", "current/app"), ("current", "/opt")], outside("current/app")),
            (&[("bootstrap", "bin/none")], dangling("bin/none")),
            (&[("bootstrap", "bootstrap")], found(true, Program::Circular)),
        ];
        for (links, expected) in table {
            assert_eq!(linked(links), expected, "{links:?}");
        }
        assert_eq!(linked(&[("bootstrap", "../app")]), outside("../app"));
    }

    #[test]
    fn a_name_with_a_backslash_is_one_name() {
        let of = |names: &[&str]| {
            let entries: Vec<(&str, &[u8], Option<u32>)> = names.iter().map(|name| (*name, &b""[..], None)).collect();
            let found = inspected(&entries);
            (found.backslash, found.slashes)
        };
        assert_eq!(of(&["index.py", "lib\\a.py"]), (Some("lib\\a.py".to_owned()), false));
        assert_eq!(of(&["index.py", "lib/a.py", "x\\y"]), (Some("x\\y".to_owned()), true));
        assert_eq!(of(&["index.py"]), (None, false));
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let whole = packed(&[("index.py", &[7; 4000], None)]);
        for wrong in [&b""[..], b"not a zip", &whole[..whole.len() / 2], &whole[..whole.len() - 30]] {
            let error = Archive::inspect(Cursor::new(wrong)).unwrap_err().to_string();
            assert!(error.starts_with("it is not a valid zip archive"), "{error}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_bytes_are_an_archive_or_refused(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            length in any::<prop::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let mut bytes = packed(&[("bootstrap", b"#!/bin/sh", Some(0o755)), ("a/bootstrap", b"x", Some(0o120_777))]);
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if cut {
                bytes.truncate(length.index(bytes.len()));
            }
            let _ = Archive::inspect(Cursor::new(bytes));
        }
    }
}
