//! What each tool makes of migrations that come late, were changed, or are gone.

use super::layout::Layout;

impl Layout {
    /// Whether the tool runs a migration that is older than one that was applied.
    #[must_use]
    pub const fn applies_late(self) -> bool {
        matches!(self, Self::Dbmate | Self::Sqlx | Self::Prisma | Self::Plain)
    }

    /// What becomes of a migration that is older than one that was applied.
    #[must_use]
    pub const fn late(self) -> &'static str {
        match self {
            Self::GolangMigrate => {
                "golang-migrate keeps only the greatest version, so it will never run, without an error"
            }
            Self::Goose => "goose stops with `missing migrations`",
            Self::Flyway => "Flyway stops: a resolved migration was not applied",
            Self::Dbmate | Self::Sqlx | Self::Prisma | Self::Plain => {
                "it is applied all the same, after those that came before it"
            }
        }
    }

    /// What becomes of a migration that was changed after it was applied.
    #[must_use]
    pub const fn edited(self) -> &'static str {
        match self {
            Self::Flyway | Self::Sqlx => "its checksum is not the one that was applied, and the tool stops",
            Self::Prisma => {
                "its checksum is not the one that was applied, and a database that is made new differs from this one"
            }
            Self::GolangMigrate | Self::Dbmate | Self::Goose | Self::Plain => {
                "the tool does not run it again, so a database that is made new differs from this one"
            }
        }
    }

    /// Whether only the version tells a migration from others, so that its name is free.
    #[must_use]
    pub const fn names_are_free(self) -> bool {
        matches!(self, Self::Dbmate | Self::Goose | Self::Sqlx)
    }

    /// Whether a migration that was applied may be missing.
    #[must_use]
    pub const fn may_be_deleted(self) -> bool {
        matches!(self, Self::Dbmate | Self::Goose | Self::Plain)
    }

    /// What becomes of a migration that was applied and is not there any more.
    #[must_use]
    pub const fn deleted(self) -> &'static str {
        match self {
            Self::GolangMigrate => {
                "golang-migrate stops with `no migration found` once that is the version of the database"
            }
            Self::Sqlx => "sqlx stops: it was applied and is missing",
            Self::Flyway => "Flyway stops at an applied migration that it does not find, unless it was the newest",
            Self::Prisma => "Prisma stops: the database has a migration that is not in the folder",
            Self::Dbmate | Self::Goose | Self::Plain => "a database that is made new differs from this one",
        }
    }
}
