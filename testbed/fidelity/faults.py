"""Rules that make one account's requests fail, slowly or half way, or let somebody else act in between.

A rule applies to the requests that match all of `service`, `operation` and `match`, after `after` of them
have passed, and to `times` of them (default 1, null for all). The first rule that applies is used.

    service       credential scope: lambda, ecr, sts, iam, s3, ecs, codebuild, logs, monitoring (CloudWatch), cloudfront,
                  cloudfront-keyvaluestore...; `registry` for /v2; `layers` for ECR's layer URLs; `edge` for viewers
    operation     UpdateAlias, BatchGetImage, AssumeRole, GetObject; on /v2 PutManifest, HeadBlob...; GetLayer; the method
                  of viewers
    match         regular expression, searched in "METHOD /path?query" + newline + body (CBOR as JSON)
    after         number of matching requests that pass first
    times         number of requests the rule applies to
    delay         seconds to wait first; with `applied` once the request was carried out
    status        answer with this status ...
    code, message ... and this error, in the protocol of the service
    retry_after   the Retry-After header of that answer
    applied       carry the request out before failing it
    stale         answer a GET of Lambda as the one before it was answered: a read that lags behind a write
    truncate      send the real answer's headers and half of its body, then reset the connection
    drop          reset the connection without an answer (with `applied`: after carrying the request out)
    hold          receive the request (with `applied`: and carry it out) and answer nothing until the account's holds
                  are released, see control.py; then the connection is reset
    before        requests made as the account's root before this one is carried out
    after_answer  requests made as the account's root once the answer is known, before it is sent

`before` and `after_answer` are one or a list of {method, path, body, service, target, headers}.
"""

import asyncio
import itertools
import re

FIELDS = {
    "service",
    "operation",
    "match",
    "after",
    "times",
    "delay",
    "status",
    "code",
    "message",
    "retry_after",
    "applied",
    "stale",
    "truncate",
    "drop",
    "hold",
    "before",
    "after_answer",
}

_numbers = itertools.count(1)
_accounts: dict[str, list[dict]] = {}
_holds: dict[str, "Holds"] = {}


class Invalid(Exception):
    """A rule with a field that does not exist."""


class Holds:
    """The requests of an account that wait to be released."""

    def __init__(self):
        self.some = asyncio.Event()
        self.released = asyncio.get_running_loop().create_future()

    async def wait(self) -> bool:
        """Whether the request is to be carried out now that it is released."""
        self.some.set()
        return await asyncio.shield(self.released)


def holds(account: str) -> Holds:
    return _holds.setdefault(account, Holds())


def release(account: str, carry_out: bool) -> None:
    """Lets go what is held; what is held from now on waits anew."""
    found = _holds.pop(account, None)
    if found:
        found.released.set_result(carry_out)


def add(account: str, rules: list[dict]) -> list[dict]:
    made = []
    for rule in rules:
        unknown = sorted(set(rule) - FIELDS)
        if unknown:
            raise Invalid(f"no such field in a rule: {', '.join(unknown)}")
        rule = {"times": 1, "after": 0, "applied": False} | rule
        made.append(rule | {"id": next(_numbers), "matched": 0, "fired": 0})
    _accounts.setdefault(account, []).extend(made)
    return made


def of(account: str) -> list[dict]:
    return _accounts.get(account, [])


def clear(account: str) -> None:
    """Removes the rules, and releases what is held without carrying it out."""
    _accounts.pop(account, None)
    release(account, carry_out=False)


def take(request) -> dict | None:
    """The rule that applies to this request, counted."""
    for rule in _accounts.get(request.account, []) + _accounts.get("*", []):
        if not _matches(rule, request):
            continue
        if rule["times"] is not None and rule["fired"] >= rule["times"]:
            continue
        rule["matched"] += 1
        if rule["matched"] <= rule["after"]:
            continue
        rule["fired"] += 1
        return rule
    return None


def _matches(rule: dict, request) -> bool:
    if rule.get("service") not in (None, request.service):
        return False
    if rule.get("operation") not in (None, request.operation):
        return False
    pattern = rule.get("match")
    if not pattern:
        return True
    target = request.path + (f"?{request.query}" if request.query else "")
    return re.search(pattern, f"{request.method} {target}\n{request.text}") is not None
