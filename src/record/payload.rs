//! What a record says: schema 1, written once, never changed afterwards.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::Place;
use super::target::{Previous, Target};
use crate::action::inputs::CommitSha;

/// The schema written and read.
const SCHEMA: u32 = 1;
/// The largest payload written, in bytes.
const LARGEST: usize = 16 * 1024;

/// The payload of a deployment of ours.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Payload {
    /// Always [`SCHEMA`].
    pub schema: u32,
    /// The app.
    pub component: String,
    /// Forward or back.
    pub kind: Kind,
    /// The commit; of several targets that hold different ones, that of the first.
    pub commit: String,
    /// Its tree: equal for commits that hold equal files.
    #[serde(default)]
    pub tree: Option<String>,
    /// The release's name: a tag, else the commit's first digits.
    #[serde(default)]
    pub version: Option<String>,
    /// What was moved.
    pub targets: Vec<Target>,
    /// Whether it takes user traffic; false for a candidate.
    #[serde(default = "yes")]
    pub serves: bool,
    /// Whether a smoke test proved it.
    #[serde(default)]
    pub proof: Option<bool>,
    /// Versions of migrations applied with it.
    #[serde(default)]
    pub migrations: Vec<String>,
    /// The schema's version below which nothing may go back any more.
    #[serde(default, rename = "schema-floor", skip_serializing_if = "Option::is_none")]
    pub schema_floor: Option<String>,
    /// The set of artifacts it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The commits that are held at its places since, or still.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold: Vec<CommitSha>,
    /// Who let a held commit through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Released>,
    /// The run that did it; absent when it was done at a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// Who triggered it.
    #[serde(default)]
    pub actor: Option<String>,
}

/// The direction of a record.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// To a newer version.
    Deploy,
    /// Back to one that served before.
    Rollback,
}

impl Kind {
    /// The deployment's `task`.
    #[must_use]
    pub const fn task(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "deploy:rollback",
        }
    }
}

/// Who let a held commit through, and why.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Released {
    /// The commit.
    pub commit: CommitSha,
    /// Why.
    pub reason: String,
    /// Who triggered the run.
    pub actor: Option<String>,
}

/// A workflow run.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Run {
    /// `GITHUB_RUN_ID`.
    pub id: u64,
    /// `GITHUB_RUN_ATTEMPT`.
    pub attempt: u64,
}

/// True for two that are the same run, whatever the attempts. What was done at a terminal belongs to none.
#[must_use]
pub fn is_same_run(one: Option<Run>, other: Option<Run>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.id == other.id)
}

/// Who did something: `run 700`, or what was done at a terminal.
#[must_use]
pub fn doer(run: Option<Run>) -> String {
    run.map_or_else(|| "a terminal".to_owned(), |run| format!("run {}", run.id))
}

/// What a deployment's payload turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A record of ours.
    Ours(Box<Payload>),
    /// Somebody else's deployment.
    Foreign,
    /// It begins like ours and cannot be read.
    Corrupt,
}

impl Payload {
    /// The schema of a new payload.
    pub const SCHEMA: u32 = SCHEMA;

    /// Reads a payload, given as an object or as its text.
    #[must_use]
    pub fn read(payload: &Value) -> Read {
        let parsed = match payload {
            Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            other => other.clone(),
        };
        let looks_ours = parsed.get("schema").is_some() && parsed.get("component").is_some();
        match serde_json::from_value::<Self>(parsed) {
            Ok(payload) if payload.schema == SCHEMA => Read::Ours(Box::new(payload)),
            _ if looks_ours => Read::Corrupt,
            _ => Read::Foreign,
        }
    }

    /// The payload as it is sent; `None` when it is larger than a record may be. Nothing of it is left out.
    #[must_use]
    pub fn to_value(&self) -> Option<Value> {
        serde_json::to_value(self).ok().filter(|value| value.to_string().len() <= LARGEST)
    }

    /// The same without the details of what was replaced: of each place the version alone.
    #[must_use]
    pub fn without_details(&self) -> Self {
        let bare = |previous: Previous| Previous {
            version: previous.version,
            release: previous.release,
            ..Previous::default()
        };
        let targets = self.targets.iter().cloned();
        let targets = targets.map(|target| Target { previous: target.previous.map(bare), ..target });
        Self { targets: targets.collect(), ..self.clone() }
    }

    /// The part of one place.
    #[must_use]
    pub fn target(&self, place: &Place) -> Option<&Target> {
        self.targets.iter().find(|target| target.place == *place)
    }

    /// True when it speaks of any of these places.
    #[must_use]
    pub fn touches(&self, places: &[Place]) -> bool {
        places.iter().any(|place| self.target(place).is_some())
    }

    /// True when it brought a commit to any of its places.
    #[must_use]
    pub fn brought(&self, commit: &CommitSha) -> bool {
        self.targets.iter().any(|target| self.commit_at(&target.place).as_ref() == Some(commit))
    }

    /// The commit that it brought to a place; nothing when it does not speak of the place, or nobody knows.
    #[must_use]
    pub fn commit_at(&self, place: &Place) -> Option<CommitSha> {
        let target = self.target(place)?;
        target.commit.clone().or_else(|| self.commit.parse().ok())
    }
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::place::tests::place;
    use super::*;
    use crate::hostile::{config, foreign, like};
    use crate::lambda::Version;
    use serde_json::json;

    pub(crate) fn payload(version: u64, run: u64) -> Payload {
        Payload {
            schema: SCHEMA,
            component: "shop".to_owned(),
            kind: Kind::Deploy,
            commit: "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2".to_owned(),
            tree: None,
            version: None,
            targets: vec![Target {
                previous: Some(Previous { version: Some(Version::number(version - 1)), ..Previous::default() }),
                ..Target::new(place("api"), Some(Version::number(version)), None)
            }],
            serves: true,
            proof: None,
            migrations: Vec::new(),
            schema_floor: None,
            release: None,
            hold: Vec::new(),
            released: None,
            run: Some(Run { id: run, attempt: 1 }),
            actor: None,
        }
    }

    #[test]
    fn a_payload_is_read_as_object_and_as_text() {
        let payload = payload(42, 7);
        let written = payload.to_value().unwrap();
        assert_eq!(Payload::read(&written), Read::Ours(Box::new(payload.clone())));
        assert_eq!(Payload::read(&Value::String(written.to_string())), Read::Ours(Box::new(payload)));
    }

    #[test]
    fn foreign_and_corrupt_payloads_are_told_apart() {
        for foreign in
            [json!(null), json!(""), json!("{"), json!({}), json!({"web_url": "x"}), json!([1]), json!("text")]
        {
            assert_eq!(Payload::read(&foreign), Read::Foreign, "{foreign}");
        }
        let mut newer = payload(42, 7).to_value().unwrap();
        newer["schema"] = json!(2);
        let mut hostile = payload(42, 7).to_value().unwrap();
        hostile["targets"][0]["function"] = json!("::error::x");
        let mut nowhere = payload(42, 7).to_value().unwrap();
        nowhere["targets"][0]["region"] = Value::Null;
        for corrupt in [json!({"schema": 1, "component": "a"}), newer, hostile, nowhere] {
            assert_eq!(Payload::read(&corrupt), Read::Corrupt, "{corrupt}");
        }
    }

    #[test]
    fn a_payload_too_large_is_not_written_and_loses_nothing_but_details() {
        let mut payload = payload(42, 7);
        let weights = (0..2000).map(|version| (version.to_string(), 0.0001)).collect();
        payload.targets[0].previous =
            Some(Previous { version: Some(Version::number(41)), weights, ..Previous::default() });
        assert_eq!(payload.to_value(), None);
        let bare = payload.without_details().to_value().unwrap();
        assert_eq!(bare["targets"][0]["previous"]["version"], "41");
        payload.migrations = vec!["x".repeat(100); 1000];
        assert_eq!(payload.without_details().to_value(), None, "migrations are never left out");
    }

    #[test]
    fn each_place_has_the_commit_that_was_brought_to_it() {
        let mut payload = payload(42, 7);
        let other: CommitSha = "1111111111111111111111111111111111111111".parse().unwrap();
        let worker = Target { place: place("worker"), commit: Some(other.clone()), ..payload.targets[0].clone() };
        payload.targets.push(worker);
        assert_eq!(payload.commit_at(&place("api")).unwrap().to_string(), payload.commit);
        assert_eq!(payload.commit_at(&place("worker")), Some(other));
        assert_eq!(payload.commit_at(&place("web")), None);
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_payload_is_ours_foreign_or_corrupt(
            text in like(&[r#"{"schema":1,"component":"shop"}"#, "{}", "null"]),
            foreign in foreign(),
        ) {
            let _ = Payload::read(&Value::String(text));
            let migrations = Vec::new();
            let (component, version, actor) = (foreign.clone(), Some(foreign.clone()), Some(foreign));
            let own = Payload { component, version, migrations, actor, ..payload(2, 1) };
            if let Some(written) = own.to_value() {
                prop_assert_eq!(Payload::read(&Value::String(written.to_string())), Read::Ours(Box::new(own)));
            }
        }
    }
}
