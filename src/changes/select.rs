//! Which components are selected, and why each is or is not. No I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::components::{Components, Scope};
use super::words::label;
use crate::action::inputs::Component;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The components to be judged.
    pub names: Vec<&'a Component>,
    /// Those that are selected in any case.
    pub forced: BTreeSet<&'a Component>,
    /// Whether a file that no pattern is about selects everything.
    pub unmatched_selects: bool,
}

/// What one component is compared with.
#[derive(Clone, Debug)]
pub enum Since {
    /// These files differ, sorted, from what is named: `commit 4fe2c1a`.
    Files(String, Rc<Vec<String>>),
    /// What differs is unknown, because: it counts as changed.
    Unknown(String),
    /// There is nothing to compare with, because.
    Nothing(String),
}

/// The judgement of all that was asked.
#[derive(Clone, Debug)]
pub struct Selection {
    /// In the order of dependencies.
    pub judged: Vec<Judged>,
    /// The files that differ and that no pattern is about, sorted.
    pub unmatched: Vec<String>,
}

/// The judgement of one component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its name.
    pub name: Component,
    /// Whether it is selected.
    pub selected: bool,
    /// Why, in one line without hidden characters.
    pub why: String,
}

/// Judges what is asked. A component that has nothing in `since` is unchanged.
#[must_use]
pub fn select(components: &Components, asked: &Request<'_>, since: &BTreeMap<Component, Vec<Since>>) -> Selection {
    let mut unmatched = BTreeSet::new();
    let mut judged = Vec::new();
    for name in components.names().filter(|name| asked.names.contains(name)) {
        let since = since.get(name).map_or(&[][..], Vec::as_slice);
        for files in since.iter().filter_map(Since::files) {
            unmatched.extend(files.iter().filter(|file| !components.know(file)).cloned());
        }
        let scope = components.scope(name.as_str());
        let why = because(components, asked, &scope, since);
        judged.push(Judged {
            name: name.clone(),
            selected: why.is_some(),
            why: why.unwrap_or_else(|| why_unchanged(since)),
        });
    }
    Selection { judged, unmatched: unmatched.into_iter().collect() }
}

impl Since {
    fn files(&self) -> Option<&[String]> {
        match self {
            Self::Files(_, files) => Some(files),
            Self::Unknown(_) | Self::Nothing(_) => None,
        }
    }

    /// Why there is nothing to compare with, where that is so.
    #[must_use]
    pub fn nothing(&self) -> Option<&str> {
        match self {
            Self::Nothing(why) => Some(why),
            Self::Files(..) | Self::Unknown(_) => None,
        }
    }
}

/// Why a component is selected; nothing if it is not.
fn because(components: &Components, asked: &Request<'_>, scope: &Scope<'_>, since: &[Since]) -> Option<String> {
    why_forced(asked, scope)
        .or_else(|| since.iter().find_map(Since::nothing).map(str::to_owned))
        .or_else(|| since.iter().find_map(|since| why_changed(scope, since)))
        .or_else(|| since.iter().filter(|_| asked.unmatched_selects).find_map(|since| why_unmatched(components, since)))
}

fn why_forced(asked: &Request<'_>, scope: &Scope<'_>) -> Option<String> {
    let mut names = scope.names();
    let own = names.next()?;
    if asked.forced.contains(own) {
        return Some("forced".to_owned());
    }
    names.find(|name| asked.forced.contains(name)).map(|other| format!("depends on {other}, which is forced"))
}

fn why_changed(scope: &Scope<'_>, since: &Since) -> Option<String> {
    let (than, files) = match since {
        Since::Files(than, files) => (than, files),
        Since::Unknown(why) => return Some(why.clone()),
        Since::Nothing(_) => return None,
    };
    let mut concerned = files.iter().filter_map(|file| scope.owner(file).map(|owner| (file, owner)));
    let (file, owner) = concerned.next()?;
    let of = match scope.names().next() {
        Some(own) if own == owner => String::new(),
        _ => format!(" of {owner}, which it depends on,"),
    };
    Some(format!("{}{of} {}", file_and_more(file, concerned.count()), differs(than)))
}

fn why_unmatched(components: &Components, since: &Since) -> Option<String> {
    let Since::Files(than, files) = since else { return None };
    let mut unknown = files.iter().filter(|file| !components.know(file));
    let file = unknown.next()?;
    Some(format!("{}, which belongs to no component, {}", file_and_more(file, unknown.count()), differs(than)))
}

fn why_unchanged(since: &[Since]) -> String {
    let than = since.iter().filter_map(|since| match since {
        Since::Files(than, _) => Some(than.as_str()),
        _ => None,
    });
    format!("nothing of it {}", differs(&than.collect::<Vec<_>>().join(", nor from ")))
}

fn file_and_more(file: &str, more: usize) -> String {
    let file = label(file);
    if more == 0 { file } else { format!("{file} (and {more} more)") }
}

fn differs(than: &str) -> String {
    format!("differs from {than}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{assert_harmless, config, foreign};

    const APPS: &str = "
shared: {paths: ['shared/**']}
web: {paths: ['web/**'], ignore: ['**/*.md'], depends-on: [shared]}
bot: {paths: ['bot/**'], depends-on: [shared]}
";

    fn files(than: &str, names: &[&str]) -> Since {
        Since::Files(format!("commit {than}"), Rc::new(names.iter().map(|name| (*name).to_owned()).collect()))
    }

    /// The judgement, where each component is compared with what is given for it; forced are those named.
    fn judge(since: &[(&str, Vec<Since>)], forced: &[&str], unmatched_selects: bool) -> Selection {
        let components = Components::read(APPS).unwrap();
        let name = |name: &str| name.parse::<Component>().unwrap();
        let since = since.iter().map(|(of, since)| (name(of), since.clone())).collect();
        let forced: Vec<Component> = forced.iter().map(|one| name(one)).collect();
        let asked = Request { names: components.names().collect(), forced: forced.iter().collect(), unmatched_selects };
        select(&components, &asked, &since)
    }

    fn all(since: &Since) -> Vec<(&'static str, Vec<Since>)> {
        ["shared", "web", "bot"].map(|name| (name, vec![since.clone()])).to_vec()
    }

    fn selected(selection: &Selection) -> Vec<&str> {
        selection.judged.iter().filter(|one| one.selected).map(|one| one.name.as_str()).collect()
    }

    fn why<'s>(selection: &'s Selection, name: &str) -> &'s str {
        &selection.judged.iter().find(|one| one.name.as_str() == name).unwrap().why
    }

    #[test]
    fn a_component_is_selected_by_its_own_files_and_those_it_depends_on() {
        let table: [(&[&str], &[&str]); 7] = [
            (&[], &[]),
            (&["web/a", "web/b"], &["web"]),
            (&["bot/a"], &["bot"]),
            (&["shared/a"], &["shared", "web", "bot"]),
            (&["web/a.md"], &[]),
            (&["web/a.md", "bot/a.md"], &["bot"]),
            // Both names of a file that was renamed.
            (&["bot/a", "web/a"], &["web", "bot"]),
        ];
        for (changed, expected) in table {
            assert_eq!(selected(&judge(&all(&files("a", changed)), &[], true)), expected, "{changed:?}");
        }
        let selection = judge(&all(&files("4fe2c1a", &["shared/a", "shared/b", "web/c"])), &[], true);
        assert_eq!(
            why(&selection, "web"),
            "shared/a (and 2 more) of shared, which it depends on, differs from commit 4fe2c1a"
        );
        assert_eq!(why(&selection, "shared"), "shared/a (and 1 more) differs from commit 4fe2c1a");
        let selection = judge(&all(&files("4fe2c1a", &["bot/a"])), &[], true);
        assert_eq!(why(&selection, "web"), "nothing of it differs from commit 4fe2c1a");
    }

    /// Each app may be at another commit: one failed where the other succeeded.
    #[test]
    fn each_component_is_judged_by_what_it_is_compared_with() {
        let since = [
            ("web", vec![files("a", &["docs/x"])]),
            ("bot", vec![files("b", &["bot/a", "docs/x"])]),
            ("shared", vec![files("a", &["docs/x"]), files("b", &["bot/a", "docs/x"])]),
        ];
        assert_eq!(selected(&judge(&since, &[], false)), ["bot"]);
        let twice = [("web", vec![files("a", &[]), files("b", &["web/a"])])];
        let selection = judge(&twice, &[], true);
        assert_eq!((selected(&selection), why(&selection, "web")), (vec!["web"], "web/a differs from commit b"));
        let neither = [("web", vec![files("a", &[]), files("b", &["bot/a"])])];
        assert_eq!(why(&judge(&neither, &[], true), "web"), "nothing of it differs from commit a, nor from commit b");
    }

    #[test]
    fn what_nobody_owns_selects_all_or_is_only_told() {
        let since = all(&files("a", &["Makefile", "web/a.md"]));
        let selection = judge(&since, &[], true);
        assert_eq!(selected(&selection), ["shared", "web", "bot"]);
        assert_eq!(selection.unmatched, ["Makefile"]);
        assert_eq!(why(&selection, "bot"), "Makefile, which belongs to no component, differs from commit a");
        let selection = judge(&since, &[], false);
        assert_eq!((selected(&selection), selection.unmatched.len()), (vec![], 1));
    }

    #[test]
    fn what_cannot_be_compared_counts_as_changed() {
        for since in [Since::Nothing("never deployed".to_owned()), Since::Unknown("too large".to_owned())] {
            let selection = judge(&[("web", vec![files("a", &[]), since.clone()])], &[], true);
            assert_eq!(selected(&selection), ["web"]);
            assert!(["never deployed", "too large"].contains(&why(&selection, "web")));
        }
    }

    #[test]
    fn who_is_forced_is_selected_with_what_depends_on_it() {
        let since = all(&files("a", &[]));
        let selection = judge(&since, &["shared"], true);
        assert_eq!(selected(&selection), ["shared", "web", "bot"]);
        assert_eq!(
            (why(&selection, "shared"), why(&selection, "web")),
            ("forced", "depends on shared, which is forced")
        );
        assert_eq!(selected(&judge(&since, &["bot"], true)), ["bot"]);
    }

    proptest! {
        #![proptest_config(config())]

        /// More files never select less, and no name of a file does harm where it is shown.
        #[test]
        fn more_changes_select_no_less(names in prop::collection::vec(("(shared|web|bot|docs)/", foreign()), 0..6), left_out in any::<prop::sample::Index>()) {
            let mut all_names: Vec<String> = names.iter().map(|(folder, name)| format!("{folder}{name}")).collect();
            all_names.sort();
            let refs = |names: &[String]| files("a", &names.iter().map(String::as_str).collect::<Vec<_>>());
            let more = judge(&all(&refs(&all_names)), &[], true);
            for one in &more.judged {
                assert_harmless(&one.why);
            }
            if !all_names.is_empty() {
                all_names.remove(left_out.index(all_names.len()));
                let less = judge(&all(&refs(&all_names)), &[], true);
                for name in selected(&less) {
                    prop_assert!(selected(&more).contains(&name), "{}", name);
                }
            }
        }
    }
}
