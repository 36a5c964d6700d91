"""Clients, functions to deploy, and the rows."""

import base64
import functools
import hashlib
import io
import json
import secrets
import threading
import time
import traceback
import urllib.request
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "eu-west-1"
# Long enough to meet an update in progress, short enough to wait for.
UPDATE_DELAY = 0.4
ABSENT = ("NotImplemented", "not implemented", "InvalidAction", "UnknownOperation", "Unknown action", "unsupported")

_boto = threading.Lock()


class Checks:
    """One section of the checks: an account of its own, and the rows it gave."""

    def __init__(self, area: str, url: str):
        self.area = area
        self.url = url
        self.account = str(secrets.randbelow(900_000_000_000) + 100_000_000_000)
        self.rows = []
        self.set(update_delay=UPDATE_DELAY)

    def client(self, service: str, key=None, secret="test", token=None, **config):
        options = Config(
            retries={"max_attempts": 0},
            read_timeout=30,
            s3={"addressing_style": "path"},
            max_pool_connections=16,
            inject_host_prefix=False,
            **config,
        )
        # Making clients is not thread-safe.
        with _boto:
            return _session().client(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id=key or self.account,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=options,
            )

    @functools.cached_property
    def functions(self):
        return self.client("lambda")

    @functools.cached_property
    def role(self) -> str:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
            ],
        }
        made = self.client("iam").create_role(RoleName="lambda-role", AssumeRolePolicyDocument=json.dumps(trust))
        return made["Role"]["Arn"]

    def control(self, method: str, path: str, body=None):
        request = urllib.request.Request(
            f"{self.url}/_testbed/{path}", method=method, data=json.dumps(body).encode() if body is not None else None
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())

    def set(self, **settings) -> None:
        self.control("PATCH", f"accounts/{self.account}/settings", settings)

    def row(self, name: str, act, error=None, want=None):
        """Notes one row: `error` is the code AWS answers, `want` what the result must be like."""
        result = None
        try:
            result = act()
        except Exception as problem:
            said = describe(problem)
            if error:
                verdict = "works" if any(code in said for code in names(error)) else "WRONG"
            else:
                verdict = "UNIMPL" if any(sign in said for sign in ABSENT) else "WRONG"
            self.note(name, verdict, said)
            return None
        if error:
            self.note(name, "WRONG", f"want {error}, got {str(result)[:200]}")
            return result
        try:
            good = want is None or bool(want(result))
        except Exception as problem:
            good, result = False, f"{describe(problem)} in {result}"
        self.note(name, "works" if good else "WRONG", str(result))
        return result

    def note(self, name: str, verdict: str, detail="") -> None:
        self.rows.append((f"{self.area}: {name}", verdict, str(detail)))

    # Functions

    def create(self, name: str, code: bytes | None = None, **options) -> dict:
        if code is not None:
            options = {"Runtime": "python3.12", "Handler": "index.handler", "Code": {"ZipFile": code}} | options
        made = self.functions.create_function(FunctionName=name, Role=self.role, **options)
        self.settle(name)
        return made

    def update(self, name: str, code: bytes) -> dict:
        updated = self.functions.update_function_code(FunctionName=name, ZipFile=code)
        self.settle(name)
        return updated

    def configure(self, name: str, **changes) -> dict:
        changed = self.functions.update_function_configuration(FunctionName=name, **changes)
        self.settle(name)
        return changed

    def settle(self, name: str, **qualifier) -> dict:
        return self.until(
            lambda: self.functions.get_function_configuration(FunctionName=name, **qualifier),
            lambda found: found["State"] != "Pending" and found.get("LastUpdateStatus") != "InProgress",
        )

    def until(self, ask, is_so):
        """Asks until the answer is so, and answers it."""
        end = time.time() + 10
        while time.time() < end:
            found = ask()
            if is_so(found):
                return found
            time.sleep(0.02)
        raise TimeoutError(f"it stays as it is: {found}")

    def invoke(self, name: str, event=None, **options):
        """Status, function error, executed version, payload and log of an invocation."""
        answer = self.functions.invoke(FunctionName=name, Payload=json.dumps(event or {}).encode(), **options)
        payload = answer["Payload"].read()
        log = base64.b64decode(answer.get("LogResult", "")).decode()
        version = answer.get("ExecutedVersion")
        return answer["StatusCode"], answer.get("FunctionError"), version, json.loads(payload or b"null"), log

    def says(self, name: str, event=None, **options) -> str:
        """What a function of `source` says it is."""
        return self.invoke(name, event, **options)[3]["v"]


@functools.cache
def _session() -> boto3.Session:
    """One for all: it reads the description of a service once. Its CloudWatch client speaks rpc-v2-cbor, as the AWS SDK for Rust
    does; boto3 prefers JSON."""
    session = boto3.Session()
    loader = session._session.get_component("data_loader")
    load = loader.load_service_model

    def in_cbor(name, kind, *arguments, **named):
        model = load(name, kind, *arguments, **named)
        if (name, kind) != ("cloudwatch", "service-2"):
            return model
        return model | {"metadata": model["metadata"] | {"protocols": ["smithy-rpc-v2-cbor"]}}

    loader.load_service_model = in_cbor
    return session


def section(area: str):
    """Makes a function with a `Checks` into a section of an area: it never fails, whatever the server does."""

    def make(function):
        @functools.wraps(function)
        def run(url):
            checks = Checks(area, url)
            try:
                function(checks)
            except Exception:
                checks.note(f"{function.__name__} ends", "WRONG", traceback.format_exc(limit=3))
            return checks.rows

        return run

    return make


def names(error) -> tuple[str, ...]:
    return (error,) if isinstance(error, str) else tuple(error)


def describe(problem: Exception) -> str:
    if isinstance(problem, ClientError):
        status = problem.response["ResponseMetadata"].get("HTTPStatusCode")
        error = problem.response["Error"]
        return f"{status} {error.get('Code')}: {error.get('Message', '')[:200]}"
    return f"{type(problem).__name__}: {str(problem)[:200]}"


def package(source: str, name: str = "index.py") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, source)
    return content.getvalue()


def source(version: str, head: str = "") -> bytes:
    """A function that says which version it is, and does what its event asks for."""
    return package(f"""
import os, sys, time
{head}
def handler(event, context):
    print("hello from {version}")
    if event.get("boom"):
        raise ValueError("boom {version}")
    if event.get("exit") is not None:
        os._exit(event["exit"])
    time.sleep(event.get("sleep", 0))
    return {{"v": "{version}", "version": context.function_version, "arn": context.invoked_function_arn,
             "stage": os.environ.get("STAGE")}}
""")


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
