//! Who uses whom: no cycle of files, and no file that uses a later layer.
//!
//! A path is followed to the file that defines what it names: through modules, through what files import, and through what they
//! pass on (`pub use`), which is no use of its own. What no path names is not seen: the file of a method, say.

pub(crate) mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::Source;

/// The layers of the testbed, lowest first: files and folders, of which a file may use those of its own line and of earlier
/// ones. Where a folder and a file in it are both named, the file's own line counts.
const TESTBED: &[&str] = &[
    "lock build skip yaml",
    "wire",
    "web",
    "registry/options registry/secret registry/blob registry/spec registry/image registry/answer registry/docker",
    "registry/state",
    "registry/inner",
    "registry/blobs registry/login registry/manifests registry/uploads",
    "registry/routes",
    "registry/service",
    "registry/local registry/contents registry",
    "github/clock github/objects github/compare github/permissions github/answer github/limits",
    "github/records",
    "github/state",
    "github/inner github/call github/shapes",
    "github/handlers",
    "github/routes",
    "github/contract github/gate",
    "github/repository github/service",
    "github/local github",
    "aws browser runner pty picture",
    "outage load postgres",
    "engine",
    "play story speed",
    "lib",
];

/// The layers of the product, lowest first, as docs/architecture.md draws them.
const PRODUCT: &[&str] = &[
    "outcome permissions",
    "text",
    "calls",
    "net",
    "action",
    "oci sql",
    "aws",
    "registry github lambda ecs site postgres",
    "health",
    "smoke",
    "watch",
    "explain context",
    "changes migrations",
    "record rehearsal",
    "insight",
    "rollout",
    "steps",
    "invocation reference",
    "terminal",
    "lib",
];

#[test]
fn the_layers_are_drawn_as_they_are() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let page = std::fs::read_to_string(page).unwrap();
    let drawn = page.split("```").nth(1).unwrap().lines().skip(1);
    let names = |line: &str| line.split("  ").next().unwrap().replace('/', "");
    let drawn: Vec<String> = drawn.map(names).collect();
    let main = drawn.last().map(String::as_str);
    assert_eq!(main, Some("lib main"));
    assert_eq!(drawn[..drawn.len() - 1], PRODUCT[..PRODUCT.len() - 1]);
}

#[test]
fn no_file_of_the_product_is_in_a_cycle_or_uses_a_later_layer() {
    House::read("src").assert_sound(PRODUCT);
}

#[test]
fn no_file_of_the_testbed_is_in_a_cycle_or_uses_a_later_layer() {
    House::read("testbed/src").assert_sound(TESTBED);
}

type Module = Vec<String>;

/// The files of a library by their modules.
struct House {
    files: BTreeMap<Module, (String, Source)>,
}

/// Where a path leads.
struct Place {
    module: Module,
    /// Whether it ends at something in that module, not at the module.
    is_item: bool,
}

impl House {
    /// The files below a folder of the workspace.
    fn read(folder: &str) -> Self {
        let found = source::files(folder);
        Self::of(found.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// Files by their paths. Programs stand above all: nobody can use them.
    fn of<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let library = all.into_iter().filter(|(path, _)| *path != "main.rs" && !path.starts_with("bin/"));
        let mut files: BTreeMap<Module, (String, Source)> = library
            .map(|(path, text)| {
                let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
                let names = module.split('/').filter(|name| *name != "lib").map(str::to_owned);
                (names.collect(), (path.to_owned(), Source::of(text)))
            })
            .collect();
        let for_tests: Vec<Module> = files
            .iter()
            .flat_map(|(module, (_, source))| source.for_tests.iter().map(|name| child(module, name)))
            .collect();
        files.retain(|module, _| !for_tests.iter().any(|test| module.starts_with(test)));
        Self { files }
    }

    /// Asserts that there is no cycle of files, and that each file is in a layer and uses no later one.
    #[track_caller]
    fn assert_sound(&self, layers: &[&str]) {
        let wrong = self.wrong(layers);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn wrong(&self, layers: &[&str]) -> Vec<String> {
        let uses = self.uses();
        cycles(&uses).into_iter().chain(self.climbs(&uses, layers)).collect()
    }

    /// The names that each file uses of each other one.
    fn uses(&self) -> BTreeMap<(&str, &str), BTreeSet<&str>> {
        let mut uses: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
        for (module, (file, source)) in &self.files {
            let imports = source.imports.iter().filter(|import| import.needed).map(|import| &import.path);
            for path in imports.chain(&source.paths) {
                let place = self.find(module, path, &mut BTreeSet::new());
                if let Some(place) = place.filter(|place| place.module != *module)
                    && let (Some(name), (other, _)) = (path.last(), &self.files[&place.module])
                {
                    uses.entry((file.as_str(), other.as_str())).or_default().insert(name);
                }
            }
        }
        uses
    }

    /// Where a path that a module writes leads, if it stays in the library.
    fn find(&self, from: &Module, path: &[String], seen: &mut BTreeSet<(Module, String)>) -> Option<Place> {
        Some(match path.first()?.as_str() {
            "crate" => self.walk(Vec::new(), &path[1..], seen),
            "self" => self.walk(from.clone(), &path[1..], seen),
            "super" => {
                let up = path.iter().take_while(|name| *name == "super").count();
                self.walk(from[..from.len() - up].to_vec(), &path[up..], seen)
            }
            name if self.files.contains_key(&child(from, name)) => self.walk(from.clone(), path, seen),
            name => match self.passed_on(from, name, seen)? {
                Place { module, is_item: false } => self.walk(module, &path[1..], seen),
                item => item,
            },
        })
    }

    fn walk(&self, mut at: Module, path: &[String], seen: &mut BTreeSet<(Module, String)>) -> Place {
        for name in path.iter().filter(|name| *name != "*") {
            let below = child(&at, name);
            if self.files.contains_key(&below) {
                at = below;
                continue;
            }
            match self.passed_on(&at, name, seen) {
                Some(Place { module, is_item: false }) => at = module,
                Some(item) => return item,
                None => return Place { module: at, is_item: true },
            }
        }
        Place { module: at, is_item: false }
    }

    /// Where something comes from that a module imports by this name.
    fn passed_on(&self, at: &Module, name: &str, seen: &mut BTreeSet<(Module, String)>) -> Option<Place> {
        let (_, source) = self.files.get(at)?;
        if !seen.insert((at.clone(), name.to_owned())) {
            return None;
        }
        if let Some(import) = source.imports.iter().find(|import| import.name == name) {
            return self.find(at, &import.path, seen);
        }
        source.imports.iter().filter(|import| import.name == "*").find_map(|import| {
            let all = self.find(at, &import.path, seen)?.module;
            let (_, other) = self.files.get(&all)?;
            let known = other.items.contains(name)
                || other.imports.iter().any(|import| import.name == name)
                || self.files.contains_key(&child(&all, name));
            known.then(|| self.walk(all, &[name.to_owned()], seen))
        })
    }

    /// Uses of later layers.
    fn climbs(&self, uses: &BTreeMap<(&str, &str), BTreeSet<&str>>, layers: &[&str]) -> Vec<String> {
        let entries: Vec<(usize, &str)> = layers
            .iter()
            .enumerate()
            .flat_map(|(line, names)| names.split_whitespace().map(move |name| (line, name)))
            .collect();
        let fits = |file: &str, entry: &str| {
            file.strip_prefix(entry).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        let line = |file: &str| {
            let own = entries.iter().filter(|(_, entry)| fits(file, entry));
            own.max_by_key(|(_, entry)| entry.len()).map(|(line, _)| *line)
        };
        let files: Vec<&str> = self.files.values().map(|(file, _)| file.as_str()).collect();
        let homeless = files.iter().filter(|file| line(file).is_none()).map(|file| format!("{file} is in no layer"));
        let empty = entries.iter().filter(|(_, entry)| !files.iter().any(|file| fits(file, entry)));
        let empty = empty.map(|(_, entry)| format!("there is no {entry} for its layer"));
        let climbs = uses.iter().filter(|((from, to), _)| line(from).is_some_and(|own| line(to) > Some(own)));
        let climbs =
            climbs.map(|((from, to), names)| format!("{from} uses {to}, which is of a later layer: {names:?}"));
        homeless.chain(empty).chain(climbs).collect()
    }
}

/// Files that use each other in the end, each cycle with all its uses.
fn cycles(uses: &BTreeMap<(&str, &str), BTreeSet<&str>>) -> Vec<String> {
    let mut direct: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in uses.keys() {
        direct.entry(from).or_default().push(to);
    }
    let mut reach: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for from in direct.keys() {
        let (mut reached, mut open) = (BTreeSet::new(), vec![*from]);
        while let Some(at) = open.pop() {
            open.extend(direct.get(at).into_iter().flatten().filter(|to| reached.insert(**to)));
        }
        reach.insert(from, reached);
    }
    let groups = reach.iter().map(|(one, reached)| {
        let back = reached.iter().filter(|other| reach.get(*other).is_some_and(|all| all.contains(one)));
        back.copied().collect::<Vec<_>>()
    });
    let groups: BTreeSet<Vec<&str>> = groups.filter(|group| !group.is_empty()).collect();
    groups
        .iter()
        .map(|group| {
            let inside = uses.iter().filter(|((from, to), _)| group.contains(from) && group.contains(to));
            let uses = inside.map(|((from, to), names)| format!("  {from} uses {to}: {names:?}"));
            let head = format!("a cycle of {} files:", group.len());
            std::iter::once(head).chain(uses).collect::<Vec<_>>().join("\n")
        })
        .collect()
}

fn child(module: &Module, name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// What is wrong with these files, a line each: of a cycle its uses too.
fn wrong(files: &[(&str, &str)], layers: &[&str]) -> String {
    House::of(files.iter().copied()).wrong(layers).join("\n")
}

#[test]
fn a_use_through_the_parent_is_one_of_the_sibling_that_defines_the_item() {
    let parent = ("a/mod.rs", "mod one; mod two; pub use one::One; pub use two::*;");
    let one = ("a/one.rs", "use std::fmt; use super::{\n    Two as Other,\n}; pub struct One;");
    let found = wrong(&[parent, one, ("a/two.rs", "use super::One; pub struct Two;")], &["a"]);
    assert_eq!(found, "a cycle of 2 files:\n  a/one.rs uses a/two.rs: {\"Two\"}\n  a/two.rs uses a/one.rs: {\"One\"}");
    assert_eq!(wrong(&[parent, one, ("a/two.rs", "pub struct Two;")], &["a"]), "", "what is passed on is not used");
}

#[test]
fn a_parent_that_needs_its_child_and_is_needed_by_it_is_a_cycle() {
    let child = ("a/b.rs", "pub struct B(super::A);");
    for parent in ["mod b; pub use b::B; pub struct A; fn f(_: B) {}", "mod b; pub struct A; fn f() { b::B; }"] {
        let found = wrong(&[("a.rs", parent), child], &["a"]);
        assert!(found.starts_with("a cycle of 2 files:\n  a.rs uses a/b.rs: {\"B\"}"), "{found}");
    }
    assert_eq!(wrong(&[("a.rs", "mod b; pub use b::B; pub struct A;"), child], &["a"]), "");
}

#[test]
fn a_path_is_read_wherever_it_stands_but_in_texts_comments_and_tests() {
    let uses = [
        "use crate::{c, late::{self, Late}};",
        "fn f(one: &crate::late::Late) {}",
        "use crate::late; fn f() { vec![late::Late]; }",
        "mod inner { use super::super::late::Late; }",
        "use super::*; fn f() { 'x'; late::Late; '\\''; }",
    ];
    let others = [
        "// use crate::late::Late;",
        "/* crate::late::Late */ fn f<'a>() { \"crate::late::Late\\\"\"; br\"\\\"; r#\"\" crate::late::Late\"#; '\"'; }",
        "#[cfg(test)] mod tests { use crate::late::Late; fn f() { [1; 2]; } } fn f() {}",
        "use other::late::Late;",
        "pub(in crate::late) struct A;",
    ];
    let files = |early| [("lib.rs", ""), ("early.rs", early), ("late.rs", "pub struct Late;"), ("c.rs", "")];
    for early in uses {
        let found = wrong(&files(early), &["early c", "late lib"]);
        assert!(found.contains("early.rs uses late.rs, which is of a later layer: {"), "{early}: {found}");
    }
    for early in others {
        assert_eq!(wrong(&files(early), &["early c", "late lib"]), "", "{early}");
    }
    let test = ("early/only.rs", "use crate::late::Late;");
    let all = |early| files(early).into_iter().chain([test]).collect::<Vec<_>>();
    assert_eq!(wrong(&all("#[cfg(test)] pub(crate) mod only;"), &["early c", "late lib"]), "");
    assert_ne!(wrong(&all("pub(crate) mod only;"), &["early c", "late lib"]), "");
}

#[test]
fn every_file_has_a_layer_and_every_layer_a_file() {
    let files =
        [("lib.rs", ""), ("main.rs", "use a::b;"), ("a/mod.rs", "use crate::c::C;"), ("a/b.rs", ""), ("c.rs", "")];
    assert_eq!(wrong(&files, &["a/b c", "a lib"]), "");
    let found = wrong(&files, &["a/b d", "a"]);
    assert_eq!(found, "lib.rs is in no layer\nc.rs is in no layer\nthere is no d for its layer");
}
