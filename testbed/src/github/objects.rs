//! Git objects, hashed as git hashes them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use sha1::{Digest, Sha1};

use super::clock::Seconds;

/// The files of a commit: path to blob, or to the commit of a submodule, which is no object of this repository. Shared between commits
/// that changed nothing.
pub(crate) type Files = Arc<BTreeMap<String, String>>;

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) tree: String,
    /// Places in [`Objects::commits`]; a parent always stands before its children.
    pub(crate) parents: Vec<usize>,
    pub(crate) message: String,
    pub(crate) author: Person,
    pub(crate) date: Seconds,
    pub(crate) verified: bool,
    pub(crate) files: Files,
}

/// An annotated tag.
#[derive(Debug, Clone)]
pub(crate) struct TagObject {
    pub(crate) sha: String,
    pub(crate) name: String,
    pub(crate) message: String,
    /// What it points at: a commit or another tag.
    pub(crate) object: String,
    pub(crate) date: Seconds,
    pub(crate) verified: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) sha: String,
    pub(crate) kind: EntryKind,
}

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
    Submodule,
}

impl EntryKind {
    /// Its mode as git writes it into a tree.
    fn mode(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Folder => "40000",
            Self::Submodule => "160000",
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Objects {
    pub(crate) commits: Vec<Commit>,
    by_sha: HashMap<String, usize>,
    pub(crate) tags: HashMap<String, TagObject>,
    trees: HashMap<String, Vec<Entry>>,
    whole: HashMap<String, Files>,
    pub(crate) blobs: HashMap<String, Vec<u8>>,
}

/// What a new commit says of itself.
#[derive(Debug, Clone)]
pub(crate) struct NewCommit {
    pub(crate) parents: Vec<usize>,
    pub(crate) message: String,
    pub(crate) author: Person,
    pub(crate) date: Seconds,
    pub(crate) verified: bool,
    pub(crate) files: Files,
}

impl Objects {
    pub(crate) fn commit(&self, sha: &str) -> Option<&Commit> {
        self.by_sha.get(sha).map(|place| &self.commits[*place])
    }

    pub(crate) fn place(&self, sha: &str) -> Option<usize> {
        self.by_sha.get(sha).copied()
    }

    pub(crate) fn tree(&self, sha: &str) -> Option<&[Entry]> {
        self.trees.get(sha).map(Vec::as_slice)
    }

    /// The commit whose id starts with `prefix`, if there is exactly one.
    pub(crate) fn abbreviated(&self, prefix: &str) -> Option<&Commit> {
        let mut found = self.commits.iter().filter(|commit| commit.sha.starts_with(prefix));
        found.next().filter(|_| found.next().is_none())
    }

    /// The commit behind an object: itself, or what a chain of tags ends at.
    pub(crate) fn peel(&self, sha: &str) -> Option<&Commit> {
        let mut sha = sha;
        while let Some(tag) = self.tags.get(sha) {
            sha = &tag.object;
        }
        self.commit(sha)
    }

    /// `commit` or `tag`, as references and tags name the kind of an object.
    pub(crate) fn kind(&self, sha: &str) -> &'static str {
        if self.tags.contains_key(sha) { "tag" } else { "commit" }
    }

    pub(crate) fn add_blob(&mut self, content: &[u8]) -> String {
        let sha = hash("blob", content);
        self.blobs.insert(sha.clone(), content.to_vec());
        sha
    }

    pub(crate) fn add_commit(&mut self, new: NewCommit) -> String {
        let tree = match new.parents.first().map(|place| &self.commits[*place]) {
            Some(parent) if Arc::ptr_eq(&parent.files, &new.files) => parent.tree.clone(),
            _ => self.add_tree(&entries(&new.files)),
        };
        let mut text = format!("tree {tree}\n");
        for place in &new.parents {
            let _ = writeln!(text, "parent {}", self.commits[*place].sha);
        }
        let who = format!("{} <{}> {} +0000", new.author.name, new.author.email, new.date);
        let _ = write!(text, "author {who}\ncommitter {who}\n\n{}\n", new.message);
        let sha = hash("commit", text.as_bytes());
        // The same commit made twice is one object.
        if self.by_sha.contains_key(&sha) {
            return sha;
        }
        self.by_sha.insert(sha.clone(), self.commits.len());
        self.commits.push(Commit {
            sha: sha.clone(),
            tree,
            parents: new.parents,
            message: new.message,
            author: new.author,
            date: new.date,
            verified: new.verified,
            files: new.files,
        });
        sha
    }

    pub(crate) fn add_tag(&mut self, tagger: &Person, mut tag: TagObject) -> String {
        let kind = self.kind(&tag.object);
        let text = format!(
            "object {}\ntype {kind}\ntag {}\ntagger {} <{}> {} +0000\n\n{}\n",
            tag.object, tag.name, tagger.name, tagger.email, tag.date, tag.message,
        );
        tag.sha = hash("tag", text.as_bytes());
        let sha = tag.sha.clone();
        self.tags.insert(sha.clone(), tag);
        sha
    }

    /// A tree of these files; its id.
    pub(crate) fn add_files(&mut self, files: &Files) -> String {
        let sha = self.add_tree(&entries(files));
        self.whole.insert(sha.clone(), Arc::clone(files));
        sha
    }

    /// All files of a tree that was made by [`add_files`](Self::add_files), or that a commit has.
    pub(crate) fn files_of(&self, tree: &str) -> Option<Files> {
        let of_commit = || self.commits.iter().find(|commit| commit.tree == tree).map(|commit| &commit.files);
        self.whole.get(tree).or_else(of_commit).map(Arc::clone)
    }

    fn add_tree(&mut self, nodes: &BTreeMap<&str, Node<'_>>) -> String {
        let mut entries = Vec::new();
        for (name, node) in nodes {
            entries.push(match node {
                Node::File(sha) => {
                    let kind = if self.blobs.contains_key(*sha) { EntryKind::File } else { EntryKind::Submodule };
                    Entry { name: (*name).to_owned(), sha: (*sha).to_owned(), kind }
                }
                Node::Folder(inner) => {
                    Entry { name: (*name).to_owned(), sha: self.add_tree(inner), kind: EntryKind::Folder }
                }
            });
        }
        // Git sorts a folder as if its name ended in a slash.
        entries
            .sort_by_key(|entry| format!("{}{}", entry.name, if entry.kind == EntryKind::Folder { "/" } else { "" }));
        let mut content = Vec::new();
        for entry in &entries {
            let mode = entry.kind.mode();
            content.extend_from_slice(format!("{mode} {}\0", entry.name).as_bytes());
            content.extend(bytes(&entry.sha));
        }
        let sha = hash("tree", &content);
        self.trees.insert(sha.clone(), entries);
        sha
    }
}

enum Node<'a> {
    File(&'a str),
    Folder(BTreeMap<&'a str, Node<'a>>),
}

fn entries(files: &BTreeMap<String, String>) -> BTreeMap<&str, Node<'_>> {
    let mut root = BTreeMap::new();
    for (path, sha) in files {
        let mut folder = &mut root;
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                folder.insert(part, Node::File(sha));
                break;
            }
            let node = folder.entry(part).or_insert_with(|| Node::Folder(BTreeMap::new()));
            let Node::Folder(inner) = node else { break };
            folder = inner;
        }
    }
    root
}

/// The object id git gives: SHA-1 over kind, length and content.
fn hash(kind: &str, content: &[u8]) -> String {
    let mut sha = Sha1::new();
    sha.update(format!("{kind} {}\0", content.len()));
    sha.update(content);
    hex(&sha.finalize())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(hex: &str) -> impl Iterator<Item = u8> + '_ {
    (0..hex.len() / 2).filter_map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ids were made by git itself, from the same files, names and date.
    #[test]
    fn objects_are_hashed_as_git_hashes_them() {
        let mut objects = Objects::default();
        let files = [("README.md", "hello\n"), ("src/a.py", "x\n"), ("src.txt", "y\n")];
        let files: BTreeMap<_, _> =
            files.iter().map(|(path, content)| ((*path).to_owned(), objects.add_blob(content.as_bytes()))).collect();
        let author = Person { name: "Mona Lisa".to_owned(), email: "mona@example.com".to_owned() };
        let date = 1_767_225_600;
        let commit = objects.add_commit(NewCommit {
            parents: Vec::new(),
            message: "First".to_owned(),
            author: author.clone(),
            date,
            verified: false,
            files: Arc::new(files),
        });
        let tag = TagObject {
            sha: String::new(),
            name: "v1".to_owned(),
            message: "One".to_owned(),
            object: commit.clone(),
            date,
            verified: false,
        };
        assert_eq!(
            objects.commit(&commit).map(|commit| commit.tree.as_str()),
            Some("ad00b0c9da230beeff3c740897c65eabcc4c0530"),
        );
        assert_eq!(commit, "09f5b0c5d81dee05cf845e91db5ba0a86a64a4c3");
        assert_eq!(objects.add_tag(&author, tag), "26b2d862f9c8b77cb0e46f1b63acdf4f79ad42e5");
    }
}
