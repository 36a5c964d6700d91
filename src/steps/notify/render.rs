//! What every message holds, in the marks of each service.

use super::notification::Notification;
use crate::text::Foreign;

/// How a service shows text.
pub(super) trait Render {
    /// Foreign text: shown as it is, and read for no mention, link or mark.
    fn text(foreign: &str) -> String {
        Foreign::new(foreign).for_chat()
    }

    /// A link by a word of ours.
    fn link(name: &str, url: &str) -> String {
        format!("{name}: {url}")
    }

    /// The sign, and what happened in a few words.
    fn headline(news: &Notification) -> String {
        format!("{} {}", news.sign(), Self::text(&news.headline()))
    }

    /// Names and values.
    fn facts(news: &Notification) -> Vec<(&'static str, String)> {
        news.facts().into_iter().map(|(name, value)| (name, Self::text(&value))).collect()
    }

    /// What more there is to say, one line each.
    fn remarks(news: &Notification) -> Vec<String> {
        news.remarks().iter().map(|line| Self::text(line)).collect()
    }

    /// Where more is told.
    fn links(news: &Notification) -> Vec<String> {
        news.links().iter().filter(|link| is_plain(&link.url)).map(|link| Self::link(link.name, &link.url)).collect()
    }

    /// All of it as plain lines.
    fn all(news: &Notification) -> String {
        let facts = Self::facts(news).into_iter().map(|(name, value)| format!("{name}: {value}"));
        let lines = [Self::headline(news)].into_iter().chain(facts).chain(Self::links(news)).chain(Self::remarks(news));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Whether an address ends nothing that it stands in.
pub(super) fn is_plain(url: &str) -> bool {
    !url.contains(|c: char| c.is_whitespace() || c.is_control() || "()<>[]|\"".contains(c))
}
