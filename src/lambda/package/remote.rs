//! An archive in S3, inspected by its directory: only the parts that matter are read.

use std::io::{self, Read, Seek, SeekFrom};

use anyhow::{Context as _, Result, ensure};
use tokio::sync::{mpsc, oneshot};

use super::archive::{Archive, Unreadable};
use crate::aws::s3::{BLOCK, Object, S3};

/// Most bytes read of one object: a directory of some hundred thousand files.
const MOST: usize = 64 * 1024 * 1024;

/// What an inspection found.
#[derive(Debug)]
pub enum Inspected {
    /// An archive.
    Archive(Archive),
    /// Something else, and why it is none.
    Unreadable(Unreadable),
}

/// Inspects an archive by its directory, without reading all of it.
pub async fn inspect(s3: &S3, object: &Object) -> Result<Inspected> {
    let (asks, mut asked) = mpsc::channel(1);
    let reader = Ranged { asks, size: object.size, at: 0, block: None };
    let inspecting = tokio::task::spawn_blocking(move || Archive::inspect(reader));
    let mut read = 0;
    while let Some(Ask { start, answer }) = asked.recv().await {
        let block = s3.block(object, start).await?;
        read += block.len();
        ensure!(read <= MOST, "{}: its directory is larger than {MOST} bytes", object.url.label());
        // Whoever asked has gone only when the inspection has ended.
        let _ = answer.send(block);
    }
    let inspected = inspecting.await.with_context(|| format!("inspect {}", object.url.label()))?;
    Ok(inspected.map_or_else(Inspected::Unreadable, Inspected::Archive))
}

/// Asks for the block that begins here.
struct Ask {
    start: u64,
    answer: oneshot::Sender<Vec<u8>>,
}

/// Lets a reader that blocks read from S3: it runs on a thread of its own, and what it wants is fetched by the step, under
/// the step's deadline and retry policy.
struct Ranged {
    asks: mpsc::Sender<Ask>,
    size: u64,
    at: u64,
    /// The block read last, and where it begins: a directory is read from its beginning to its end.
    block: Option<(u64, Vec<u8>)>,
}

impl Ranged {
    fn fetch(&self, start: u64) -> io::Result<Vec<u8>> {
        let (answer, answered) = oneshot::channel();
        let gone = || io::Error::other("the download ended early");
        self.asks.blocking_send(Ask { start, answer }).map_err(|_gone| gone())?;
        answered.blocking_recv().map_err(|_gone| gone())
    }
}

impl Read for Ranged {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let start = self.at - self.at % BLOCK;
        let block = match self.block.take() {
            Some((kept, block)) if kept == start => block,
            _ => self.fetch(start)?,
        };
        let rest = usize::try_from(self.at - start).ok().and_then(|from| block.get(from..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length as u64;
        self.block = Some((start, block));
        Ok(length)
    }
}

impl Seek for Ranged {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ranged_reader_reads_what_a_plain_one_reads() {
        let content: Vec<u8> = (0..BLOCK * 2 + 1234).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let (asks, mut server) = mpsc::channel::<Ask>(1);
        let whole = content.clone();
        let serving = std::thread::spawn(move || {
            let mut starts = Vec::new();
            while let Some(Ask { start, answer }) = server.blocking_recv() {
                let from = usize::try_from(start).unwrap();
                let to = (from + usize::try_from(BLOCK).unwrap()).min(whole.len());
                answer.send(whole[from..to].to_vec()).unwrap();
                starts.push(start);
            }
            starts
        });
        let mut reader = Ranged { asks, size: content.len() as u64, at: 0, block: None };
        let mut read = Vec::new();
        assert_eq!(reader.seek(SeekFrom::End(-10)).unwrap(), content.len() as u64 - 10);
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(read, content[content.len() - 10..]);
        read.clear();
        reader.seek(SeekFrom::Start(0)).unwrap();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == content);
        assert!(reader.seek(SeekFrom::Current(-i64::MAX)).is_err());
        drop(reader);
        assert_eq!(serving.join().unwrap(), [BLOCK * 2, 0, BLOCK, BLOCK * 2]);
    }
}
