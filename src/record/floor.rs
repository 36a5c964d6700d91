//! The floor of the schema: what a CONTRACT has taken away, older code still uses.

use super::history::{Entry, History};
use super::inputs::RecordInputs;
use super::payload::Kind;
use super::place::{Identity, Place};
use super::target::Target;

impl History {
    /// The floor that is above what was put at a place, as a record says it, `<version> (<file>)`: raised since then, by a migration
    /// whose expansion that code does not know. `raised`: by a deployment that has no record yet. `is_it`: whether a record put it there.
    #[must_use]
    pub fn floor_above(&self, place: &Place, raised: Option<&str>, is_it: impl Fn(&Target) -> bool) -> Option<String> {
        let entries: Vec<&Entry> = self.entries.iter().filter(|entry| entry.payload.target(place).is_some()).collect();
        // A rollback brings code that is older than itself.
        let brought =
            |entry: &&Entry| entry.payload.kind == Kind::Deploy && entry.payload.target(place).is_some_and(&is_it);
        let at = entries.iter().position(brought).unwrap_or(entries.len());
        let floor =
            raised.or_else(|| entries.iter().take(at).find_map(|entry| entry.payload.schema_floor.as_deref()))?;
        let holds =
            |entry: &&Entry| entry.payload.migrations.iter().any(|migration| is_same(migration, version(floor)));
        let reached = entries.iter().rposition(holds);
        Some(floor.to_owned()).filter(|_| reached.is_none_or(|reached| reached < at))
    }
}

impl RecordInputs {
    /// The floor that this deployment raises above what it replaces. Where the records so far were not read, only what is certain
    /// without them: that its own migration is not known to older code.
    #[must_use]
    pub fn floor_above(&self, history: Option<&History>, replaced: &[Target]) -> Option<String> {
        let (migrations, floor) = self.applied();
        let floor = floor?;
        let Some(history) = history else {
            return migrations.iter().any(|migration| is_same(migration, version(&floor))).then_some(floor);
        };
        let above =
            |target: &Target| history.floor_above(&target.place, Some(&floor), |before| replaced_by(before, target));
        replaced.iter().filter(|target| target.previous.is_some()).find_map(above)
    }
}

/// Whether a record put there what another target replaces.
fn replaced_by(before: &Target, target: &Target) -> bool {
    let Some(previous) = &target.previous else { return false };
    match target.place.identity {
        Identity::LambdaAlias { .. } => before.version.is_some() && before.version == previous.version,
        Identity::LambdaLatest { .. } => before.code().is_some() && before.code() == previous.code(),
        Identity::EcsService { .. } | Identity::EcsTask { .. } => {
            !before.images.is_empty() && before.images == previous.images
        }
        Identity::Site { .. } => before.release.is_some() && before.release == previous.release,
    }
}

/// The version of a floor.
fn version(floor: &str) -> &str {
    floor.split(' ').next().unwrap_or_default()
}

/// Whether two versions of migrations are one: `000015` and `15` are.
fn is_same(one: &str, other: &str) -> bool {
    let bare = |version: &str| version.rsplit(':').next().unwrap_or_default().trim_start_matches('0').to_owned();
    bare(one) == bare(other)
}
