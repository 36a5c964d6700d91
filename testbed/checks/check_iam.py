"""Which action and which resource a request is judged by, and what Lambda asks of who deploys."""

import json
import re

from botocore.exceptions import ClientError

from .check_ecr import Images
from .common import REGION, section, source

_DENIED = re.compile(r"not authorized to perform: (\S+) on resource: (\S+)")


class Roles:
    """Sessions of roles with one policy each."""

    def __init__(self, c):
        self.c, self.iam, self.sts, self.made = c, c.client("iam"), c.client("sts"), 0

    def session(self, *statements) -> dict:
        """The keys of a session that may do this."""
        self.made += 1
        name = f"r{self.made}"
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": self.c.account}}
        trust = {"Version": "2012-10-17", "Statement": [trust]}
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        self.allow(name, *statements)
        keys = self.sts.assume_role(RoleArn=role, RoleSessionName="check")["Credentials"]
        return {"key": keys["AccessKeyId"], "secret": keys["SecretAccessKey"], "token": keys["SessionToken"]}

    def allow(self, name, *statements):
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
        self.iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=json.dumps(policy))

    def without(self, *actions) -> dict:
        """The keys of a session that may do everything else."""
        return self.session({"NotAction": list(actions), "Resource": "*"})

    def only(self, action, resource) -> dict:
        return self.session({"Action": action, "Resource": resource})

    def row(self, name, service, act, action, resource):
        """Who lacks the action is told it with the resource; who has nothing but it, on nothing else, may do it."""

        def judged():
            try:
                act(self.c.client(service, **self.without(action)))
            except ClientError as problem:
                found = _DENIED.search(problem.response["Error"]["Message"])
                told = found.groups() if found else problem.response["Error"]["Message"]
                act(self.c.client(service, **self.only(action, resource)))
                return told
            return "not denied"

        self.c.row(name, judged, want=lambda r: r == (action, resource))


@section("iam")
def actions(c):
    """Lambda, ECR, S3 and STS."""
    r, f = Roles(c), c.functions
    c.create("app", source("A"))
    f.publish_version(FunctionName="app")
    f.create_alias(FunctionName="app", Name="live", FunctionVersion="1")
    f.put_provisioned_concurrency_config(FunctionName="app", Qualifier="live", ProvisionedConcurrentExecutions=1)
    function = f"arn:aws:lambda:{REGION}:{c.account}:function:app"

    def judged(name, act, action, qualifier=""):
        r.row(name, "lambda", act, action, function + qualifier)

    judged(
        "a denial of Lambda names action and resource",
        lambda l: l.get_function(FunctionName="app"),
        "lambda:GetFunction",
    )
    judged(
        "GetFunction of a version is lambda:GetFunction on the function",
        lambda l: l.get_function(FunctionName="app", Qualifier="1"),
        "lambda:GetFunction",
    )
    judged(
        "GetAlias is lambda:GetAlias on the function",
        lambda l: l.get_alias(FunctionName="app", Name="live"),
        "lambda:GetAlias",
    )
    judged(
        "UpdateAlias is lambda:UpdateAlias on the function",
        lambda l: l.update_alias(FunctionName="app", Name="live", FunctionVersion="1"),
        "lambda:UpdateAlias",
    )
    judged(
        "Invoke of a version is lambda:InvokeFunction on the version",
        lambda l: l.invoke(FunctionName="app", Qualifier="1", Payload=b"{}"),
        "lambda:InvokeFunction",
        ":1",
    )
    judged(
        "Invoke of an alias is lambda:InvokeFunction on the alias",
        lambda l: l.invoke(FunctionName="app", Qualifier="live", Payload=b"{}"),
        "lambda:InvokeFunction",
        ":live",
    )
    judged(
        "GetProvisionedConcurrencyConfig is an action of its own, on the alias",
        lambda l: l.get_provisioned_concurrency_config(FunctionName="app", Qualifier="live"),
        "lambda:GetProvisionedConcurrencyConfig",
        ":live",
    )
    others(c, r)


def others(c, r):
    Images(c, "app")
    repository = f"arn:aws:ecr:{REGION}:{c.account}:repository/app"
    r.row(
        "a denial of ECR names action and resource",
        "ecr",
        lambda e: e.list_images(repositoryName="app"),
        "ecr:ListImages",
        repository,
    )
    r.row(
        "DescribeRepositories is ecr:DescribeRepositories on the repository",
        "ecr",
        lambda e: e.describe_repositories(repositoryNames=["app"]),
        "ecr:DescribeRepositories",
        repository,
    )
    r.row(
        "GetAuthorizationToken has no resource",
        "ecr",
        lambda e: e.get_authorization_token(),
        "ecr:GetAuthorizationToken",
        "*",
    )
    s3 = c.client("s3")
    s3.create_bucket(Bucket=f"b-{c.account}", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=f"b-{c.account}", Key="k", Body=b"x")
    r.row(
        "a denial of S3 names action and resource",
        "s3",
        lambda s: s.get_object(Bucket=f"b-{c.account}", Key="k"),
        "s3:GetObject",
        f"arn:aws:s3:::b-{c.account}/k",
    )
    c.row(
        "S3 tells an absent object to those only who may list the bucket",
        lambda: c.client("s3", **r.without("s3:ListBucket")).head_object(Bucket=f"b-{c.account}", Key="none"),
        error="403",
    )
    role = f"arn:aws:iam::{c.account}:role/r1"
    assume = lambda s: s.assume_role(RoleArn=role, RoleSessionName="check")
    r.row("a denial of STS names action and resource", "sts", assume, "sts:AssumeRole", role)


@section("iam")
def tags(c):
    r = Roles(c)
    c.create("app", source("A"), Tags={"stage": "prd"})
    told = lambda keys: c.client("lambda", **keys).get_function(FunctionName="app")
    c.row(
        "GetFunction answers the tags to who may list them",
        lambda: told(r.session({"Action": ["lambda:GetFunction", "lambda:ListTags"], "Resource": "*"}))["Tags"],
        want=lambda r: r == {"stage": "prd"},
    )
    c.row(
        "GetFunction leaves the tags out without lambda:ListTags",
        lambda: told(r.without("lambda:ListTags")),
        want=lambda r: "Tags" not in r and "lambda:ListTags on resource" in r["TagsError"]["Message"],
    )


@section("iam")
def code(c):
    """What Lambda asks of who deploys an image, or an archive in S3."""
    r, i = Roles(c), Images(c, "app")
    uri = i.uri(i.push("v1"))
    c.create("image", PackageType="Image", Code={"ImageUri": uri})
    update = lambda keys: c.client("lambda", **keys).update_function_code(FunctionName="image", ImageUri=uri)
    ecr = "permission to access the ECR image"
    for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
        keys = r.without(action)
        c.row(f"UpdateFunctionCode by image asks {action} of the caller", lambda keys=keys: update(keys), error=ecr)
    statement = lambda: json.loads(i.ecr.get_repository_policy(repositoryName="app")["policyText"])["Statement"][0]
    i.ecr.set_repository_policy(repositoryName="app", policyText='{"Version": "2012-10-17", "Statement": []}')
    c.row(
        "UpdateFunctionCode by image: the repository must let Lambda in",
        lambda: update(r.without("ecr:SetRepositoryPolicy")),
        error=ecr,
    )
    c.row(
        "UpdateFunctionCode by image: Lambda lets itself in, as the caller may",
        lambda: update(r.without("ecr:PutImage")) and statement(),
        want=lambda r: r["Principal"] == {"Service": "lambda.amazonaws.com"},
    )
    c.settle("image")
    c.row(
        "UpdateFunctionCode by image: once let in, Lambda changes no policy",
        lambda: update(r.without("ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"))["FunctionName"],
    )
    archives(c, r)


def archives(c, r):
    c.create("zip", source("A"))
    bucket, s3 = f"b-{c.account}", c.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="k.zip", Body=source("B"))["VersionId"]
    for action, pinned in (("s3:GetObject", {}), ("s3:GetObjectVersion", {"S3ObjectVersion": version})):
        keys = r.without(action)
        which = " for a version" if pinned else " of the caller"
        c.row(
            f"UpdateFunctionCode by S3 asks {action}{which}",
            lambda keys=keys, pinned=pinned: c.client("lambda", **keys).update_function_code(
                FunctionName="zip", S3Bucket=bucket, S3Key="k.zip", **pinned
            ),
            error="denied by S3",
        )


@section("iam")
def watching(c):
    """CloudWatch and Logs, as a step reads them."""
    r, group = Roles(c), "/aws/lambda/app"
    c.client("logs").create_log_group(logGroupName=group)
    on_group = f"arn:aws:logs:{REGION}:{c.account}:log-group:{group}:*"
    alarm = f"arn:aws:cloudwatch:{REGION}:{c.account}:alarm:"

    def cloudwatch(name, act, resource):
        action = f"cloudwatch:{name.split()[0]}"
        told = f"{name} is {action}" + {"*": "", f"{alarm}*": " on all alarms"}.get(resource, " on the alarm")

        def judged():
            try:
                act(c.client("cloudwatch", **r.without(action)))
            except ClientError as problem:
                act(c.client("cloudwatch", **r.only(action, resource)))
                return problem.response["Error"]["Message"]
            return "not denied"

        c.row(
            told,
            judged,
            want=lambda r: f"not authorized to perform: {action} " in r and (resource == "*" or resource in r),
        )

    day = {"StartTime": 1_800_000_000, "EndTime": 1_800_086_400}
    cloudwatch("GetMetricData", lambda w: w.get_metric_data(MetricDataQueries=[], **day), "*")
    cloudwatch("DescribeAlarms", lambda w: w.describe_alarms(), f"{alarm}*")
    cloudwatch("DescribeAlarmHistory", lambda w: w.describe_alarm_history(AlarmName="errors"), f"{alarm}errors")
    cloudwatch("ListAlarmMuteRules", lambda w: w.list_alarm_mute_rules(), "*")
    query = {"startTime": 1, "endTime": 2, "queryString": "fields @message"}
    for operation, act in {
        "FilterLogEvents": lambda l: l.filter_log_events(logGroupName=group),
        "DescribeLogStreams": lambda l: l.describe_log_streams(logGroupName=group),
        "StartQuery": lambda l: l.start_query(logGroupName=group, **query),
    }.items():
        r.row(f"{operation} is logs:{operation} on the log group", "logs", act, f"logs:{operation}", on_group)
    c.client("logs").create_log_stream(logGroupName=group, logStreamName="s")
    r.row(
        "GetLogEvents is logs:GetLogEvents on the log stream",
        "logs",
        lambda l: l.get_log_events(logGroupName=group, logStreamName="s"),
        "logs:GetLogEvents",
        on_group.removesuffix("*") + "log-stream:s",
    )


SECTIONS = [actions, tags, code, watching]
