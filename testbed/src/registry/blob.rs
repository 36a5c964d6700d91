//! Content of blobs: small in memory, large on disk, and huge ones made while they are sent.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use hyper::body::Bytes;
use ring::digest::{Context, SHA256};

use crate::lock::lock;
use crate::wire::Content;

/// What is made, read and sent at once.
const CHUNK: u64 = 64 * 1024;

/// Uploads larger than this are written to disk.
const IN_MEMORY: usize = 1024 * 1024;

/// The content of a blob: a layer, a configuration.
#[derive(Clone, Debug)]
pub struct Blob(Source);

#[derive(Clone, Debug)]
enum Source {
    Bytes(Bytes),
    Generated { size: u64, seed: u64, base: Arc<[u8]> },
    File { file: Arc<File>, size: u64 },
}

impl Blob {
    /// These bytes.
    #[must_use]
    pub fn bytes(content: impl Into<Bytes>) -> Self {
        Self(Source::Bytes(content.into()))
    }

    /// `size` bytes that do not compress, another sequence for every seed. They are never held: not here, and not in
    /// a registry of this process that they are copied to.
    #[must_use]
    pub fn generated(size: u64, seed: u64) -> Self {
        // xorshift64*, started from the seed by splitmix64's first step. It must not start from zero.
        let mut state = seed.wrapping_add(0x9E37_79B9_7F4A_7C15).max(1);
        let mut base = Vec::with_capacity(65_536);
        while base.len() < 65_536 {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            base.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
        }
        Self(Source::Generated { size, seed, base: base.into() })
    }

    /// Its length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.0 {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Generated { size, .. } | Source::File { size, .. } => *size,
        }
    }

    /// Its digest, `sha256:..`. That of a generated blob is computed once in a process.
    #[must_use]
    pub fn digest(&self) -> String {
        let Source::Generated { size, seed, .. } = &self.0 else { return self.hash() };
        if let Some(known) = generated().by_parameters.get(&(*size, *seed)) {
            return known.clone();
        }
        let digest = self.hash();
        let mut generated = generated();
        generated.by_parameters.insert((*size, *seed), digest.clone());
        generated.by_digest.insert(digest.clone(), self.clone());
        digest
    }

    /// All of it, in memory.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(chunk) = self.chunk(at, u64::MAX) {
            at += chunk.len() as u64;
            all.extend_from_slice(&chunk);
        }
        all
    }

    fn hash(&self) -> String {
        let mut hash = Context::new(&SHA256);
        let mut at = 0;
        while let Some(chunk) = self.chunk(at, u64::MAX) {
            at += chunk.len() as u64;
            hash.update(&chunk);
        }
        text(hash)
    }
}

impl Content for Blob {
    fn size(&self) -> u64 {
        Self::size(self)
    }

    fn chunk(&self, offset: u64, most: u64) -> Option<Bytes> {
        let left = self.size().checked_sub(offset)?.min(most);
        if left == 0 {
            return None;
        }
        Some(match &self.0 {
            Source::Bytes(bytes) => {
                let start = index(offset);
                bytes.slice(start..start + index(left))
            }
            Source::Generated { base, .. } => {
                let mut piece = base.to_vec();
                piece[..8].copy_from_slice(&(offset / CHUNK).to_le_bytes());
                let start = index(offset % CHUNK);
                let end = start + index(left.min(CHUNK - offset % CHUNK));
                Bytes::from(piece).slice(start..end)
            }
            Source::File { file, .. } => {
                use std::os::unix::fs::FileExt as _;
                let mut piece = vec![0; index(left.min(CHUNK))];
                let read = file.read_at(&mut piece, offset).unwrap_or(0);
                piece.truncate(read);
                if read == 0 {
                    return None;
                }
                piece.into()
            }
        })
    }
}

/// A part of a blob.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) blob: Blob,
    pub(super) start: u64,
    pub(super) length: u64,
}

impl Content for Part {
    fn size(&self) -> u64 {
        self.length
    }

    fn chunk(&self, offset: u64, most: u64) -> Option<Bytes> {
        self.blob.chunk(self.start + offset, most.min(self.length.saturating_sub(offset)))
    }
}

/// The digest of bytes, `sha256:..`.
#[must_use]
pub fn digest(content: &[u8]) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(content);
    text(hash)
}

fn text(hash: Context) -> String {
    hash.finish().as_ref().iter().fold(String::from("sha256:"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Generated blobs whose digest is known, so that a registry can recognise them.
#[derive(Default)]
struct Generated {
    by_parameters: HashMap<(u64, u64), String>,
    by_digest: HashMap<String, Blob>,
}

fn generated() -> MutexGuard<'static, Generated> {
    static KNOWN: OnceLock<Mutex<Generated>> = OnceLock::new();
    lock(KNOWN.get_or_init(Mutex::default))
}

/// What has arrived of an upload.
pub(crate) struct Sink {
    hash: Context,
    size: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Memory(Vec<u8>),
    File(File),
    /// It should become this blob, which need not be stored.
    Recognised(Blob),
    Discarded,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sink").field("size", &self.size).field("place", &self.place).finish_non_exhaustive()
    }
}

impl Sink {
    /// `expected` is the digest the client has announced; `discard` keeps nothing.
    pub(crate) fn new(expected: Option<&str>, discard: bool) -> Self {
        let known = expected.and_then(|digest| generated().by_digest.get(digest).cloned());
        let place = match known {
            Some(blob) => Place::Recognised(blob),
            None if discard => Place::Discarded,
            None => Place::Memory(Vec::new()),
        };
        Self { hash: Context::new(&SHA256), size: 0, place }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        match &mut self.place {
            Place::Memory(held) => {
                held.extend_from_slice(bytes);
                if held.len() > IN_MEMORY {
                    let mut file = tempfile::tempfile()?;
                    file.write_all(held)?;
                    self.place = Place::File(file);
                }
            }
            Place::File(file) => file.write_all(bytes)?,
            Place::Recognised(_) | Place::Discarded => {}
        }
        Ok(())
    }

    /// The blob, if it has this digest; else the digest it has.
    pub(crate) fn finish(self, expected: &str) -> Result<Blob, String> {
        let found = text(self.hash);
        if found != expected {
            return Err(found);
        }
        Ok(match self.place {
            Place::Memory(held) => Blob::bytes(held),
            Place::File(file) => Blob(Source::File { file: Arc::new(file), size: self.size }),
            Place::Recognised(blob) => blob,
            Place::Discarded => Blob::generated(self.size, 0),
        })
    }

    /// Whether [`Sink::new`] could do without storage now that the digest is known.
    pub(crate) fn announce(&mut self, expected: &str) {
        if self.size == 0
            && let Some(blob) = generated().by_digest.get(expected)
        {
            self.place = Place::Recognised(blob.clone());
        }
    }
}
