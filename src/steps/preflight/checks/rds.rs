//! Databases of RDS: nobody deletes them by mistake, and there is a backup to go back to.

use anyhow::{Context as _, Result, anyhow};
use roxmltree::{Document, Node};
use serde::Deserialize;

use super::super::finding::{Finding, nothing_named};
use super::super::job::Job;
use crate::action::inputs::texts;
use crate::aws::Aws;
use crate::aws::signed::{Service, Signed};
use crate::outcome::Step;

const NEEDS: &str = "rds:DescribeDBInstances";
/// Days that backups are kept for, unless the check says otherwise.
const DAYS: u32 = 7;

/// Which databases.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Identifiers of instances; those of a cluster have its settings.
    #[serde(default, deserialize_with = "texts")]
    instances: Vec<String>,
    /// The fewest days that backups are kept for; without it, 7.
    #[serde(default)]
    retention_days: Option<crate::action::inputs::Number<0, 35>>,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    if options.instances.is_empty() {
        return Ok(nothing_named("databases", NEEDS, "`instances`"));
    }
    let days = options.retention_days.map_or(DAYS, |days| days.0);
    let mut found = Vec::new();
    for name in &options.instances {
        let read = match job.cx.aws().await {
            Ok(aws) => describe(&aws, name).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(database) => found.extend(judge(name, &database, days)),
            Err(error) => found.push(Finding::unanswered(job.cx, format!("database {name}"), NEEDS, error)?),
        }
    }
    Ok(found)
}

/// What is known of a database; nothing is what AWS does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Database {
    status: String,
    is_protected: Option<bool>,
    retention_days: Option<u32>,
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>
async fn describe(aws: &Aws, name: &str) -> Result<Database> {
    let api = Signed::new(aws, Service { name: "rds", id: "RDS" })?;
    let form = [("Action", "DescribeDBInstances"), ("Version", "2014-10-31"), ("DBInstanceIdentifier", name)];
    let answer = aws.calls().read(NEEDS, || api.query(NEEDS, &form)).await;
    let answer = answer.with_context(|| format!("read database {name}"))?;
    let document = Document::parse(&answer).map_err(|error| anyhow!("the answer of RDS could not be read: {error}"))?;
    let found = document.descendants().find(|node| node.tag_name().name() == "DBInstance");
    let found = found.context("the answer of RDS holds no database")?;
    let text = |name: &str| {
        let named = |node: &Node<'_, '_>| node.tag_name().name() == name;
        found.children().find(named).and_then(|node| node.text()).map(str::to_owned)
    };
    Ok(Database {
        status: text("DBInstanceStatus").unwrap_or_default(),
        is_protected: text("DeletionProtection").map(|word| word == "true"),
        retention_days: text("BackupRetentionPeriod").and_then(|days| days.parse().ok()),
    })
}

fn judge(name: &str, database: &Database, days: u32) -> Vec<Finding> {
    let what = |of: &str| format!("database {name}{of}");
    let is_protected = database.is_protected == Some(true);
    let kept = database.retention_days.unwrap_or_default();
    vec![
        Finding::ok(what(""), NEEDS, format!("it is there, {}", database.status)),
        Finding::when(
            is_protected,
            what(", deletion protection"),
            NEEDS,
            if is_protected { "on" } else { "off" },
            format!(
                "aws rds modify-db-instance --db-instance-identifier {name} --deletion-protection --apply-immediately"
            ),
        )
        .require("on"),
        Finding::when(
            kept >= days,
            what(", backups"),
            NEEDS,
            format!("kept for {kept} days"),
            format!("aws rds modify-db-instance --db-instance-identifier {name} --backup-retention-period {days}"),
        )
        .require(format!("{days} days")),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State;
    use super::*;

    #[test]
    fn a_database_must_be_protected_and_backed_up() {
        let failed = |is_protected, retention_days| {
            let database = Database { status: "available".to_owned(), is_protected, retention_days };
            judge("shop", &database, 7).iter().filter(|one| one.state == State::Fail).count()
        };
        assert_eq!(failed(Some(true), Some(7)), 0);
        assert_eq!(failed(Some(false), Some(7)), 1);
        assert_eq!(failed(Some(true), Some(1)), 1);
        assert_eq!(failed(None, None), 2);
    }
}
