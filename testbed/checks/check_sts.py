"""Sessions: tokens of GitHub, trust, policies, and credentials that end."""

import json
import time
import uuid

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from .common import REGION, section, source

HOST = "token.actions.githubusercontent.com"
ISSUER = f"https://{HOST}"
SUBJECT = "repo:octo-org/shop:environment:prd"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["lambda:GetFunction*", "lambda:ListFunctions"], "Resource": "*"}],
}


class GitHub:
    """An issuer with GitHub's name and a key of its own, and the calls of its jobs."""

    def __init__(self, c):
        self.c = c
        self.key = c.control("POST", "oidc/key", {})
        self.other = c.control("POST", "oidc/key", {})["kid"]
        c.control("POST", "oidc/issuers", {"issuer": ISSUER, "jwks": self.key["jwks"]})
        self.sts = boto3.client(
            "sts",
            endpoint_url=c.url,
            region_name=REGION,
            config=Config(signature_version=UNSIGNED, parameter_validation=False, retries={"max_attempts": 0}),
        )
        self.root, self.iam = c.client("sts"), c.client("iam")

    def token(self, kid=None, header=None, **claims):
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": "sts.amazonaws.com",
            "sub": SUBJECT,
            "iat": now,
            "nbf": now - 5,
            "exp": now + 300,
            "repository": "octo-org/shop",
            "repository_id": "42",
            "environment": "prd",
            "ref": "refs/heads/main",
            "actor_id": "7",
        } | claims
        body = {"kid": kid or self.key["kid"], "claims": claims, "header": header}
        return self.c.control("POST", "oidc/sign", body)["token"]

    def provider(self):
        return self.iam.create_open_id_connect_provider(
            Url=ISSUER, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40]
        )["OpenIDConnectProviderArn"]

    def role(self, name, conditions, policy=POLICY):
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": conditions,
                    "Principal": {"Federated": f"arn:aws:iam::{self.c.account}:oidc-provider/{HOST}"},
                }
            ],
        }
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        return arn

    def assume(self, role, **options):
        options = {"RoleSessionName": "GitHubActions", "DurationSeconds": 900} | options
        options.setdefault("WebIdentityToken", self.token())
        return self.sts.assume_role_with_web_identity(RoleArn=role, **options)

    def session(self, role, **options):
        credentials = self.assume(role, **options)["Credentials"]
        return {
            "key": credentials["AccessKeyId"],
            "secret": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
        }


def equals(**claims):
    return {"StringEquals": {f"{HOST}:{claim}": value for claim, value in claims.items()}}


@section("sts")
def tokens(c):
    g = GitHub(c)
    provider = g.provider()
    role = g.role("deploy", {**equals(aud="sts.amazonaws.com"), "StringLike": {f"{HOST}:sub": "repo:octo-org/shop:*"}})
    c.row(
        "AssumeRoleWithWebIdentity answers subject, audience and provider",
        lambda: g.assume(role),
        want=lambda r: (
            (r["SubjectFromWebIdentityToken"], r["Audience"], r["Provider"]) == (SUBJECT, "sts.amazonaws.com", provider)
        ),
    )
    wrong = lambda name, error, **claims: c.row(
        name, lambda: g.assume(role, WebIdentityToken=g.token(**claims)), error=error
    )
    wrong("wrong sub (AWS AccessDenied)", "AccessDenied", sub="repo:evil/shop:ref:refs/heads/main")
    wrong("wrong aud (AWS InvalidIdentityToken)", "InvalidIdentityToken", aud="https://github.com/octo-org")
    wrong("wrong issuer (AWS InvalidIdentityToken)", "InvalidIdentityToken", iss="https://evil.example")
    wrong("expired token (AWS ExpiredTokenException)", "ExpiredToken", exp=int(time.time()) - 100)
    wrong(
        "signature by other key (AWS InvalidIdentityToken)",
        "InvalidIdentityToken",
        kid=g.other,
        header={"kid": g.key["kid"]},
    )
    c.row(
        "garbage token (AWS InvalidIdentityToken)",
        lambda: g.assume(role, WebIdentityToken="abcd"),
        error="InvalidIdentityToken",
    )
    c.row("role missing (AWS AccessDenied)", lambda: g.assume(role.replace("deploy", "none")), error="AccessDenied")
    c.row("role ARN malformed", lambda: g.assume("arn:aws:iam::123:notarole/xxxxxxxxx"), error="ValidationError")
    c.row(
        "duration > MaxSessionDuration (AWS ValidationError)",
        lambda: g.assume(role, DurationSeconds=7200),
        error="ValidationError",
    )
    c.row(
        "duration below 900 (AWS ValidationError)", lambda: g.assume(role, DurationSeconds=60), error="ValidationError"
    )
    c.row(
        "session name with space (AWS ValidationError)",
        lambda: g.assume(role, RoleSessionName="bad name!"),
        error="ValidationError",
    )
    claims = g.role("claims", equals(aud="sts.amazonaws.com", repository_id="42", environment="prd"))
    c.row("trust on repository_id and environment, good", lambda: g.assume(claims)["AssumedRoleUser"]["Arn"])
    c.row(
        "trust on repository_id, wrong (AWS AccessDenied)",
        lambda: g.assume(claims, WebIdentityToken=g.token(repository_id="43")),
        error="AccessDenied",
    )
    workflow = g.role("workflow", equals(job_workflow_ref="octo-org/shop/.github/workflows/prd.yml@refs/heads/main"))
    c.row(
        "trust on job_workflow_ref, absent claim (AWS AccessDenied)", lambda: g.assume(workflow), error="AccessDenied"
    )
    g.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    c.row(
        "OIDC provider deleted (AWS InvalidIdentityToken No OpenIDConnect provider found)",
        lambda: g.assume(role),
        error="InvalidIdentityToken",
    )


@section("sts")
def sessions(c):
    g = GitHub(c)
    g.provider()
    role = g.role("deploy", equals(aud="sts.amazonaws.com"))
    session = g.session(role)
    identity = lambda **keys: c.client("sts", **keys).get_caller_identity()
    c.row(
        "GetCallerIdentity as assumed role",
        lambda: identity(**session),
        want=lambda r: (
            r["Account"] == c.account and (r["Arn"] == f"arn:aws:sts::{c.account}:assumed-role/deploy/GitHubActions")
        ),
    )
    c.create("app", source("A"))
    c.row(
        "allowed action in the role's account",
        lambda: [f["FunctionName"] for f in c.client("lambda", **session).list_functions()["Functions"]],
        want=lambda r: r == ["app"],
    )
    c.row(
        "not allowed CreateRepository (IAM enforced?)",
        lambda: c.client("ecr", **session).create_repository(repositoryName="other"),
        error="AccessDenied",
    )
    c.row(
        "not allowed UpdateFunctionCode (IAM enforced?)",
        lambda: c.client("lambda", **session).update_function_code(FunctionName="app", ZipFile=source("B")),
        error="AccessDenied",
    )
    c.row(
        "wrong secret (signature verified?)",
        lambda: identity(**{**session, "secret": "wrong"}),
        error=("SignatureDoesNotMatch", "InvalidClientTokenId"),
    )
    c.row(
        "missing session token",
        lambda: identity(**{**session, "token": None}),
        error=("InvalidClientTokenId", "UnrecognizedClient", "SignatureDoesNot"),
    )
    c.row(
        "unknown access key (AWS InvalidClientTokenId)",
        lambda: identity(key="AKIAAAAAAAAAAAAAAAAA", secret="x"),
        error=("InvalidClientTokenId", "UnrecognizedClient"),
    )
    c.row("GetCallerIdentity account from 12-digit key", lambda: identity()["Account"], want=lambda r: r == c.account)
    narrow = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": "*"}]}
    )
    c.row(
        "inline session policy narrows the session",
        lambda: c.client("lambda", **g.session(role, Policy=narrow)).get_function(FunctionName="app"),
        error="AccessDenied",
    )
    c.row(
        "SimulatePrincipalPolicy",
        lambda: [
            x["EvalDecision"]
            for x in g.iam.simulate_principal_policy(
                PolicySourceArn=role, ActionNames=["lambda:GetFunction", "ecr:PutImage"]
            )["EvaluationResults"]
        ],
        want=lambda r: r == ["allowed", "implicitDeny"],
    )
    chains(c, g, role, session)
    c.set(session_lifetime=0.2)
    ended = g.session(role)
    time.sleep(0.4)
    # Opening another session makes MiniStack forget the ended one.
    g.session(role)
    c.row(
        "expired session (Lambda ExpiredTokenException)",
        lambda: c.client("lambda", **ended).list_functions(),
        error="ExpiredTokenException",
    )
    c.row("expired session (STS ExpiredToken)", lambda: identity(**ended), error="ExpiredToken")
    for seconds, when in [(600, "ago"), (-600, "ahead")]:
        c.set(clock_shift=seconds)
        c.row(
            f"signature of ten minutes {when} (Lambda InvalidSignatureException)",
            lambda: c.client("lambda").list_functions(),
            error="InvalidSignatureException",
        )
    c.set(clock_shift=600)
    c.row(
        "signature of ten minutes ago (STS SignatureDoesNotMatch)",
        lambda: c.client("sts").get_caller_identity(),
        error="SignatureDoesNotMatch",
    )
    c.set(clock_shift=0)


def chains(c, g, role, session):
    """A session that assumes another role."""
    sts = c.client("sts", **session)
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": role}, "Action": "sts:AssumeRole"}],
    }
    second = g.iam.create_role(RoleName="second", AssumeRolePolicyDocument=json.dumps(trust), MaxSessionDuration=7200)[
        "Role"
    ]["Arn"]
    g.iam.put_role_policy(
        RoleName="deploy",
        PolicyName="chain",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}
        ),
    )
    assume = lambda arn, **options: sts.assume_role(RoleArn=arn, RoleSessionName="chain", **options)
    c.row("role chaining", lambda: assume(second)["AssumedRoleUser"]["Arn"])
    c.row("role chaining above an hour", lambda: assume(second, DurationSeconds=7200), error="ValidationError")
    c.row(
        "AssumeRole trust denied",
        lambda: g.root.assume_role(RoleArn=role, RoleSessionName="root"),
        error="AccessDenied",
    )
    c.row("role chaining trust denied", lambda: assume(role), error="AccessDenied")
    c.row(
        "AssumeRole missing role",
        lambda: g.root.assume_role(RoleArn=f"arn:aws:iam::{c.account}:role/{uuid.uuid4()}", RoleSessionName="root"),
        error="AccessDenied",
    )


SECTIONS = [tokens, sessions]
