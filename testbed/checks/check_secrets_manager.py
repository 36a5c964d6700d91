"""Secrets and their versions.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
"""

from .common import section


@section("secretsmanager")
def versions(c):
    secrets = c.client("secretsmanager")
    secrets.create_secret(Name="empty")
    secrets.create_secret(Name="full", SecretString="x")
    stages = lambda name: secrets.describe_secret(SecretId=name).get("VersionIdsToStages", {})
    c.row("a secret without a value has no version", lambda: stages("empty"), want=lambda found: not found)
    c.row(
        "a secret with a value has a current version",
        lambda: list(stages("full").values()),
        want=lambda found: found == [["AWSCURRENT"]],
    )
    missing = lambda: secrets.describe_secret(SecretId="none")
    c.row("DescribeSecret of no secret", missing, error="ResourceNotFoundException")


SECTIONS = [versions]
