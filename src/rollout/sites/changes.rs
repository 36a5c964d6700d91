//! What differs between two releases of a site. No I/O.

use std::collections::BTreeSet;

use super::runtime::Runtime;
use crate::site::{File, FileKind, Manifest, Marker, invalidation_path};

/// What the switch to a release changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Assets that are new, or whose header fields differ.
    pub assets: Vec<File>,
    /// Documents that are new or differ, the entries last.
    pub documents: Vec<File>,
    /// Files that are kept and not served.
    pub private: Vec<File>,
    /// What belongs to the environment and differs.
    pub runtime: BTreeSet<String>,
    /// Those of which only header fields differ.
    pub headers_only: Vec<String>,
    /// Assets of one name and two contents: the path, the hash that is there, the hash that was to come.
    pub clashes: Vec<(String, String, String)>,
    /// The files that stay.
    pub unchanged: usize,
}

impl Changes {
    /// The paths that viewers must get anew, as an invalidation names them.
    #[must_use]
    pub fn paths(&self, marker: &str) -> Vec<String> {
        let headers = self.assets.iter().filter(|file| self.headers_only.contains(&file.path));
        let files = self.documents.iter().chain(headers).map(|file| file.path.as_str());
        let mut paths = BTreeSet::new();
        for path in files.chain(self.runtime.iter().map(String::as_str)).chain([marker]) {
            paths.insert(invalidation_path(path));
            // What stands for the folder is asked for by the folder's name too.
            if let Some(folder) = path.strip_suffix("index.html").filter(|it| it.is_empty() || it.ends_with('/')) {
                paths.insert(invalidation_path(folder));
            }
        }
        paths.into_iter().collect()
    }

    /// How many files are sent.
    #[must_use]
    pub fn count(&self) -> usize {
        self.assets.len() + self.documents.len() + self.private.len() + self.runtime.len()
    }
}

/// What a release changes over what serves. `leftover`: a release whose documents an ended run may have put there already.
#[must_use]
pub fn changes(
    wanted: &Manifest,
    (marker, serving, leftover): (&Marker, Option<&Manifest>, Option<&Manifest>),
    runtime: &[Runtime],
) -> Changes {
    let before = serving.map(Manifest::by_path).unwrap_or_default();
    let doubtful = leftover.map(Manifest::by_path).unwrap_or_default();
    let mut changes = Changes::default();
    let documents: BTreeSet<&str> = wanted.documents().into_iter().map(|file| file.path.as_str()).collect();
    for file in &wanted.files {
        let old = before.get(file.path.as_str()).copied();
        let is_same = |old: &File| old.sha256 == file.sha256 && old.meta == file.meta && old.kind == file.kind;
        let put_by_another = documents.contains(file.path.as_str())
            && doubtful.get(file.path.as_str()).is_some_and(|other| old.is_none_or(|old| !is_alike(old, other)));
        if old.is_some_and(is_same) && !put_by_another {
            changes.unchanged += 1;
            continue;
        }
        if let Some(old) = old.filter(|old| old.sha256 == file.sha256 && old.meta != file.meta) {
            changes.headers_only.push(old.path.clone());
        }
        match file.kind {
            FileKind::Asset => {
                if let Some(old) = old.filter(|old| old.kind == FileKind::Asset && old.sha256 != file.sha256) {
                    changes.clashes.push((file.path.clone(), old.sha256.clone(), file.sha256.clone()));
                }
                changes.assets.push(file.clone());
            }
            FileKind::Private => changes.private.push(file.clone()),
            FileKind::Document | FileKind::Entry => changes.documents.push(file.clone()),
        }
    }
    changes.documents.sort_by_key(|file| file.kind);
    let is_new = |one: &&Runtime| marker.runtime.get(&one.path) != Some(&one.sha256) || marker.next.is_some();
    changes.runtime = runtime.iter().filter(is_new).map(|one| one.path.clone()).collect();
    changes
}

fn is_alike(one: &File, other: &File) -> bool {
    one.sha256 == other.sha256 && one.meta == other.meta
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Meta;

    fn file(path: &str, content: &str, kind: FileKind) -> File {
        let meta = Meta { content_type: "text/plain".to_owned(), cache: "no-cache".to_owned(), ..Meta::default() };
        File { path: path.to_owned(), sha256: content.to_owned(), size: 1, kind, meta }
    }

    fn release(name: &str, files: &[(&str, &str)]) -> Manifest {
        let files = files.iter().map(|(path, content)| {
            let kind = match path {
                path if path.starts_with("assets/") => FileKind::Asset,
                path if path.contains(".html") => FileKind::Entry,
                path if path.contains(".map") => FileKind::Private,
                _ => FileKind::Document,
            };
            file(path, content, kind)
        });
        Manifest::new(name.parse().unwrap(), None, files.collect()).unwrap()
    }

    fn between(wanted: &Manifest, serving: Option<&Manifest>, leftover: Option<&Manifest>) -> Changes {
        changes(wanted, (&Marker::empty(), serving, leftover), &[])
    }

    fn paths(files: &[File]) -> Vec<&str> {
        files.iter().map(|file| file.path.as_str()).collect()
    }

    const A: &[(&str, &str)] =
        &[("a.txt", "1"), ("assets/a-11111111.js", "1"), ("index.html", "1"), ("main.js.map", "1")];

    #[test]
    fn only_what_differs_is_sent_and_the_entries_are_last() {
        let (a, b) = (
            release("a", A),
            release("b", &[("a.txt", "1"), ("assets/b-22222222.js", "2"), ("index.html", "2"), ("robots.txt", "2")]),
        );
        let first = between(&a, None, None);
        assert_eq!((paths(&first.documents), first.unchanged), (vec!["a.txt", "index.html"], 0));
        assert_eq!((paths(&first.assets), paths(&first.private)), (vec!["assets/a-11111111.js"], vec!["main.js.map"]));
        assert_eq!((between(&a, Some(&a), None).count(), between(&a, Some(&a), None).unchanged), (0, 4));
        let next = between(&b, Some(&a), None);
        assert_eq!(paths(&next.documents), ["robots.txt", "index.html"]);
        assert_eq!(paths(&next.assets), ["assets/b-22222222.js"]);
        assert_eq!(next.paths(".release.json"), ["/", "/.release.json", "/index.html", "/robots.txt"]);
    }

    #[test]
    fn what_an_ended_run_may_have_put_there_is_sent_again() {
        let (a, b) = (release("a", A), release("b", &[("index.html", "2"), ("b.html", "2"), ("a.txt", "1")]));
        let back = between(&a, Some(&a), Some(&b));
        assert_eq!(paths(&back.documents), ["index.html"], "a.txt is alike in both");
    }

    #[test]
    fn other_header_fields_are_a_change_and_other_bytes_of_an_asset_a_clash() {
        let a = release("a", A);
        let mut files = a.files.clone();
        for file in &mut files {
            file.meta.cache = "max-age=60".to_owned();
        }
        let headers = Manifest::new("h".parse().unwrap(), None, files).unwrap();
        assert_ne!(headers.digest, a.digest);
        let changed = between(&headers, Some(&a), None);
        assert_eq!(changed.headers_only.len(), 4);
        assert!(changed.clashes.is_empty() && changed.paths("m").contains(&"/assets/a-11111111.js".to_owned()));
        let other = release("c", &[("assets/a-11111111.js", "9")]);
        assert_eq!(
            between(&other, Some(&a), None).clashes,
            [("assets/a-11111111.js".to_owned(), "1".to_owned(), "9".to_owned())]
        );
    }

    #[test]
    fn what_belongs_to_the_environment_is_compared_with_the_marker() {
        let a = release("a", A);
        let runtime = [Runtime::new("config.json", "{}".to_owned())];
        let mut marker = Marker::empty();
        assert_eq!(changes(&a, (&marker, Some(&a), None), &runtime).runtime.len(), 1);
        marker.runtime.insert("config.json".to_owned(), runtime[0].sha256.clone());
        assert_eq!(changes(&a, (&marker, Some(&a), None), &runtime).count(), 0);
    }
}
