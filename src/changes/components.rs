//! The components of a repository: which files are whose, and what depends on what.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::patterns::Patterns;
use super::words::some;
use crate::action::inputs::{Component, Yaml, mapping, nearest, texts};
use crate::text::message;

/// What is wrong with a map that names none.
const EMPTY: &str = "must name at least one component";

/// All components, what others depend on before what depends on it.
#[derive(Clone, Debug)]
pub struct Components {
    ordered: Vec<Entry>,
}

/// One component.
#[derive(Clone, Debug)]
struct Entry {
    name: Component,
    paths: Patterns,
    /// What is not its own although `paths` says so.
    ignore: Patterns,
    depends_on: Vec<Component>,
}

/// A component as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    #[serde(deserialize_with = "texts")]
    paths: Vec<String>,
    #[serde(deserialize_with = "texts")]
    ignore: Vec<String>,
    #[serde(deserialize_with = "texts")]
    depends_on: Vec<String>,
}

impl Components {
    /// Reads a YAML map: the name of each component, and its `paths`, `ignore` and `depends-on`.
    pub fn read(yaml: &str) -> Result<Self, String> {
        let map = match Yaml::read(yaml) {
            Ok(Yaml::Mapping(map)) => map,
            Ok(Yaml::Null) => return Err(EMPTY.to_owned()),
            Ok(_) => return Err("must be a YAML map of components".to_owned()),
            Err(error) => {
                let quoted = if yaml.contains('*') {
                    " (a pattern that begins with `*` or `!` needs quotation marks)"
                } else {
                    ""
                };
                return Err(format!("must be a YAML map of components: {error}{quoted}"));
            }
        };
        let entries: Vec<Entry> =
            map.into_iter().map(|(name, value)| Entry::read(&name, value.texts())).collect::<Result<_, _>>()?;
        let all = in_order(&entries).map(|ordered| Self { ordered })?;
        if all.names().next().is_none() { Err(EMPTY.to_owned()) } else { Ok(all) }
    }

    /// The names, what others depend on first. One that has nothing but `ignore` is no component: it says which files concern none.
    pub fn names(&self) -> impl Iterator<Item = &Component> {
        let is_one = |entry: &&Entry| !entry.paths.is_empty() || !entry.depends_on.is_empty();
        self.ordered.iter().filter(is_one).map(|entry| &entry.name)
    }

    /// Whether this is one of them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|known| known.as_str() == name)
    }

    /// An error that names the nearest one, when this is none of them.
    pub fn must_contain(&self, name: &str) -> Result<(), String> {
        if self.contains(name) { Ok(()) } else { Err(unknown_component(name, self.names())) }
    }

    /// A component with all that it depends on; empty for one that is unknown.
    #[must_use]
    pub fn scope(&self, name: &str) -> Scope<'_> {
        let entry = |name: &str| self.ordered.iter().find(|entry| entry.name.as_str() == name);
        let mut all: Vec<&Entry> = entry(name).into_iter().collect();
        let mut next = 0;
        while let Some(one) = all.get(next).copied() {
            for dependency in one.depends_on.iter().filter_map(|name| entry(name.as_str())) {
                if !all.iter().any(|known| known.name == dependency.name) {
                    all.push(dependency);
                }
            }
            next += 1;
        }
        Scope(all)
    }

    /// All that depend on a component, directly or not.
    #[must_use]
    pub fn dependents(&self, name: &str) -> Vec<&Component> {
        let depends = |other: &&Component| {
            other.as_str() != name && self.scope(other.as_str()).names().any(|one| one.as_str() == name)
        };
        self.names().filter(depends).collect()
    }

    /// Whether any pattern of any component is about a file, be it to leave it out.
    #[must_use]
    pub fn know(&self, path: &str) -> bool {
        self.ordered.iter().any(|entry| entry.paths.know(path) || entry.ignore.know(path))
    }

    /// The patterns that match no file, in backquotes, each with its component.
    #[must_use]
    pub fn idle(&self, files: &[&str]) -> Vec<(&Component, String)> {
        let of = |entry: &'_ Entry| [entry.paths.idle(files), entry.ignore.idle(files)].concat();
        self.ordered.iter().flat_map(|entry| of(entry).into_iter().map(|pattern| (&entry.name, pattern))).collect()
    }

    /// An error that shows how a pattern is written that names a file letter by letter and does not match it.
    pub fn must_fit_what_they_name(&self, files: &[&str]) -> Result<(), String> {
        let misread = |entry: &Entry| {
            let why = entry.paths.misreading(files).or_else(|| entry.ignore.misreading(files))?;
            Some(format!("component {}: {why}", entry.name))
        };
        self.ordered.iter().find_map(misread).map_or(Ok(()), Err)
    }
}

/// A component and all that it depends on, directly or not.
#[derive(Clone, Debug)]
pub struct Scope<'c>(Vec<&'c Entry>);

impl<'c> Scope<'c> {
    /// The names, that of the component itself first.
    pub fn names(&self) -> impl Iterator<Item = &'c Component> + '_ {
        self.0.iter().map(|entry| &entry.name)
    }

    /// Whose file this is; nothing if it concerns none of them.
    #[must_use]
    pub fn owner(&self, path: &str) -> Option<&'c Component> {
        self.0.iter().find(|entry| entry.owns(path)).map(|entry| &entry.name)
    }
}

impl Entry {
    fn read(name: &str, value: Value) -> Result<Self, String> {
        let name: Component = name.parse().map_err(|why| format!("the name of a component {why}"))?;
        let of = |error: String| format!("component {name}: {error}");
        let written = match value {
            Value::Null => Written::default(),
            Value::Object(_) => mapping(value).map_err(of)?,
            _ => return Err(of("must be a map of `paths`, `ignore` and `depends-on`".to_owned())),
        };
        let only_leaves_out = !written.paths.is_empty() && written.paths.iter().all(|path| path.starts_with('!'));
        let nothing = written.paths.is_empty() && written.ignore.is_empty() && written.depends_on.is_empty();
        if only_leaves_out || nothing {
            return Err(of("no pattern in `paths` says which files are its own".to_owned()));
        }
        Ok(Self {
            paths: Patterns::read(&written.paths).map_err(of)?,
            ignore: Patterns::read(&written.ignore).map_err(of)?,
            depends_on: written
                .depends_on
                .iter()
                .map(|name| name.parse())
                .collect::<Result<_, _>>()
                .map_err(|why| of(format!("`depends-on` {why}")))?,
            name: name.clone(),
        })
    }

    fn owns(&self, path: &str) -> bool {
        self.paths.take(path) && !self.ignore.take(path)
    }
}

fn unknown_component<'n>(name: &str, known: impl Iterator<Item = &'n Component>) -> String {
    let known: Vec<&str> = known.map(Component::as_str).collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("there are {}", some(known)),
    };
    message!("unknown-component", "there is no component {name}: {hint}")
}

/// What others depend on first, else as they are written. An unknown dependency, or a circle of them, is an error.
fn in_order(entries: &[Entry]) -> Result<Vec<Entry>, String> {
    let by_name: BTreeMap<&str, &Entry> = entries.iter().map(|entry| (entry.name.as_str(), entry)).collect();
    let mut walk = Walk { by_name, path: Vec::new(), done: BTreeSet::new(), ordered: Vec::new() };
    for entry in entries {
        walk.visit(entry, entries)?;
    }
    Ok(walk.ordered.into_iter().cloned().collect())
}

/// A walk down the dependencies.
struct Walk<'e> {
    by_name: BTreeMap<&'e str, &'e Entry>,
    /// From where it began to where it is.
    path: Vec<&'e str>,
    done: BTreeSet<&'e str>,
    ordered: Vec<&'e Entry>,
}

impl<'e> Walk<'e> {
    fn visit(&mut self, entry: &'e Entry, all: &'e [Entry]) -> Result<(), String> {
        let name = entry.name.as_str();
        if self.done.contains(name) {
            return Ok(());
        }
        if let Some(begin) = self.path.iter().position(|one| *one == name) {
            let circle = self.path[begin..].join(" -> ");
            return Err(message!("components-cycle", "`depends-on` has a cycle: {circle} -> {name}"));
        }
        self.path.push(name);
        for dependency in &entry.depends_on {
            let Some(next) = self.by_name.get(dependency.as_str()).copied() else {
                let known = all.iter().map(|entry| &entry.name);
                return Err(format!(
                    "component {name}: `depends-on`: {}",
                    unknown_component(dependency.as_str(), known)
                ));
            };
            self.visit(next, all)?;
        }
        self.path.pop();
        self.done.insert(name);
        self.ordered.push(entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like};

    fn read(yaml: &str) -> Components {
        Components::read(yaml).unwrap_or_else(|error| panic!("{error}"))
    }

    fn names<'c>(names: impl IntoIterator<Item = &'c Component>) -> Vec<&'c str> {
        names.into_iter().map(Component::as_str).collect()
    }

    const DIAMOND: &str = "
web: {paths: ['web/**'], depends-on: [api, bot]}
api: {paths: ['api/**'], depends-on: core}
bot: {paths: 'bot/**', ignore: ['**/*.md'], depends-on: [core]}
core: {paths: ['core/**', '!core/docs/**']}
release: {depends-on: [web]}
";

    #[test]
    fn what_others_depend_on_comes_first() {
        let components = read(DIAMOND);
        assert_eq!(names(components.names()), ["core", "api", "bot", "web", "release"]);
        assert_eq!(names(components.scope("web").names()), ["web", "api", "bot", "core"]);
        assert_eq!(names(components.scope("core").names()), ["core"]);
        assert_eq!(names(components.scope("nobody").names()), Vec::<&str>::new());
        assert_eq!(names(components.dependents("core")), ["api", "bot", "web", "release"]);
    }

    #[test]
    fn a_file_is_owned_unless_a_later_pattern_leaves_it_out() {
        let components = read(DIAMOND);
        let owner = |name: &str, path: &str| components.scope(name).owner(path).map(Component::as_str);
        assert_eq!(owner("web", "web/a"), Some("web"));
        assert_eq!(owner("release", "core/a"), Some("core"));
        assert_eq!(owner("api", "web/a"), None);
        assert_eq!(owner("bot", "bot/a.md"), None);
        assert_eq!(owner("core", "core/docs/a"), None);
        let takes = |components: &Components, path: &str| components.scope("all").owner(path).is_some();
        let all = read("all: {paths: ['**', '!**/*.md', README.md]}");
        assert!(takes(&all, "a.py") && !takes(&all, "a.md") && takes(&all, "README.md"));
        assert!(all.know("a.md") && !components.know("Makefile"));
        let others = read("all: {paths: '**', ignore: ['docs/**', '!docs/api/**']}");
        assert!(!takes(&others, "docs/a") && takes(&others, "docs/api/a"));
    }

    #[test]
    fn files_that_concern_nobody_are_known_and_no_component() {
        let components = read("a: {paths: ['a/**']}\nnobody: {ignore: ['docs/**']}");
        assert_eq!(names(components.names()), ["a"]);
        assert!(components.know("docs/x") && !components.know("x") && !components.contains("nobody"));
    }

    #[test]
    fn a_number_is_the_text_that_is_written() {
        let components = read("1: {paths: 1.10}\nyes: {paths: [012, 6063e25], depends-on: 1}");
        assert_eq!(names(components.names()), ["1", "yes"]);
        let owner = |path: &str| components.scope("yes").owner(path).map(Component::as_str);
        assert_eq!(["1.10", "012", "6063e25", "1.1"].map(owner), [Some("1"), Some("yes"), Some("yes"), None]);
    }

    #[test]
    fn patterns_that_fit_no_file_are_named_with_their_component() {
        let components = read("a: {paths: ['a/**', b/*], ignore: ['*.md']}");
        let idle = components.idle(&["a/x"]);
        assert_eq!(
            idle.iter().map(|(name, pattern)| format!("{name} {pattern}")).collect::<Vec<_>>(),
            ["a `b/*`", "a `*.md`"]
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let table = [
            ("", "must name at least one component"),
            ("[]", "must be a YAML map of components"),
            ("{}", "must name at least one component"),
            ("nobody: {ignore: ['docs/**']}", "must name at least one component"),
            ("a: {paths: [*]}", "needs quotation marks"),
            ("a: {paths: [a]}\na: {paths: [b]}", "duplicate"),
            ("~: {paths: [a]}", "must be a component name"),
            ("a/b: {paths: [a]}", "must be a component name"),
            ("a: [a/**]", "must be a map of `paths`"),
            ("a:", "component a: no pattern in `paths`"),
            ("a: {paths: ['!b']}", "component a: no pattern in `paths`"),
            ("a: {paths: [!b c]}", "begins with `!` needs quotation marks at line 1 column"),
            ("a: {path: [b]}", "component a: `path` is not known (did you mean `paths`?)"),
            ("a: {paths: [{b: c}]}", "component a: `paths` must be a list of texts"),
            ("a: {paths: ['b/']}", "component a: the pattern `b/` names a folder"),
            ("a: {paths: ['!b', c]}", "component a: the pattern `!b` leaves out nothing"),
            ("shared: {paths: [a]}\nb: {paths: [b], depends-on: [share]}", "did you mean `shared`?"),
            ("a: {paths: [a], depends-on: [a]}", "has a cycle: a -> a"),
            (
                "a: {paths: [a], depends-on: [b]}\nb: {paths: [b], depends-on: [c]}\nc: {paths: [c], depends-on: [b]}",
                "has a cycle: b -> c -> b",
            ),
        ];
        for (yaml, part) in table {
            let error = Components::read(yaml).unwrap_err();
            assert!(error.contains(part), "{yaml}: {error}");
        }
        let error = read("a: {paths: [a]}").must_contain("x").unwrap_err();
        assert_eq!(error, "there is no component x: there are a");
    }

    proptest! {
        #![proptest_config(config())]

        /// However they depend on each other: in order, or refused as a cycle.
        #[test]
        fn every_component_stands_after_what_it_depends_on(edges in prop::collection::vec((0..6_usize, 0..6_usize), 0..12)) {
            let of = |name: usize| {
                let of = edges.iter().filter(|(from, _)| *from == name).map(|(_, to)| format!("c{to}"));
                format!("c{name}: {{paths: ['{name}/**'], depends-on: [{}]}}\n", of.collect::<Vec<_>>().join(", "))
            };
            let yaml: String = (0..6).map(of).collect();
            match Components::read(&yaml) {
                Ok(components) => {
                    let order = names(components.names());
                    let at = |name: usize| order.iter().position(|one| *one == format!("c{name}")).unwrap();
                    prop_assert_eq!(order.len(), 6);
                    for (from, to) in &edges {
                        prop_assert!(at(*to) < at(*from), "{} before {}", to, from);
                    }
                }
                Err(error) => prop_assert!(error.contains("cycle"), "{}", error),
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in like(&["a: {paths: ['a/**'], ignore: b, depends-on: [c]}", "b: &x {paths: [*x]}"])) {
            if let Err(error) = Components::read(&text) {
                prop_assert!(!error.is_empty());
            }
        }
    }
}
