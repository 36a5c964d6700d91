"""Which action and which resource requests are judged by that only look, before a deployment.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from botocore.exceptions import ClientError

from .check_iam import Roles
from .common import REGION, section


class Looks(Roles):
    """Who may do it on this may do it; who may on something else is denied. Not each of these services names the resource then."""

    def row(self, name, service, act, action, resource):
        def judged():
            act(self.c.client(service, **self.only(action, resource)))
            try:
                act(self.c.client(service, **self.only(action, f"{resource}-other")))
            except ClientError as problem:
                return action in problem.response["Error"]["Message"]
            return False

        self.c.row(name, judged, want=lambda denied: denied)


@section("iam")
def looks(c):
    r = Looks(c)
    r.session({"Action": "lambda:UpdateAlias", "Resource": "*"})
    role = f"arn:aws:iam::{c.account}:role/r1"
    asked = {"PolicySourceArn": role, "ActionNames": ["lambda:UpdateAlias", "lambda:DeleteFunction"]}
    name = "SimulatePrincipalPolicy"
    r.row(f"{name} is iam:{name} on the role", "iam", lambda s: s.simulate_principal_policy(**asked), f"iam:{name}", role)
    decisions = lambda: [one["EvalDecision"] for one in r.iam.simulate_principal_policy(**asked)["EvaluationResults"]]
    c.row(f"{name} tells what the role may do", decisions, want=lambda found: found == ["allowed", "implicitDeny"])
    none = {**asked, "PolicySourceArn": f"arn:aws:iam::{c.account}:role/none"}
    c.row(f"{name} of no role", lambda: r.iam.simulate_principal_policy(**none), error="NoSuchEntity")

    secret = c.client("secretsmanager").create_secret(Name="shop", SecretString="x")["ARN"]
    r.row(
        "DescribeSecret is secretsmanager:DescribeSecret on the secret",
        "secretsmanager",
        lambda s: s.describe_secret(SecretId=secret),
        "secretsmanager:DescribeSecret",
        secret,
    )
    topic = c.client("sns").create_topic(Name="alarms")["TopicArn"]
    r.row(
        "ListSubscriptionsByTopic is sns:ListSubscriptionsByTopic on the topic",
        "sns",
        lambda s: s.list_subscriptions_by_topic(TopicArn=topic),
        "sns:ListSubscriptionsByTopic",
        topic,
    )
    c.client("rds").create_db_instance(
        DBInstanceIdentifier="shop", DBInstanceClass="db.t4g.micro", Engine="postgres", AllocatedStorage=20,
        MasterUsername="shop", MasterUserPassword="not-a-secret-here", DeletionProtection=True, BackupRetentionPeriod=14,
    )
    database = f"arn:aws:rds:{REGION}:{c.account}:db:shop"
    r.row(
        "DescribeDBInstances is rds:DescribeDBInstances on the database",
        "rds",
        lambda s: s.describe_db_instances(DBInstanceIdentifier="shop"),
        "rds:DescribeDBInstances",
        database,
    )
    told = lambda: c.client("rds").describe_db_instances(DBInstanceIdentifier="shop")["DBInstances"][0]
    c.row(
        "DescribeDBInstances tells deletion protection and how long backups are kept",
        lambda: (told()["DeletionProtection"], told()["BackupRetentionPeriod"]),
        want=lambda found: found == (True, 14),
    )


SECTIONS = [looks]
