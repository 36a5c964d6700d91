"""The endpoints a test steers the server with, under /_testbed/ on the same port, in JSON.

GET    /_testbed/corrections                          what is corrected, and whether it is on
GET    /_testbed/accounts/{id}/settings               see settings.py; {id} is an account or `*` for all
PATCH  /_testbed/accounts/{id}/settings               merge
GET    /_testbed/accounts/{id}/faults                 the rules with `matched` and `fired`, see faults.py
POST   /_testbed/accounts/{id}/faults                 add a list of rules
DELETE /_testbed/accounts/{id}/faults
GET    /_testbed/accounts/{id}/held                   answers once a request is held by a rule
POST   /_testbed/accounts/{id}/release                carries out what is held
GET    /_testbed/accounts/{id}/requests               see requestlog.py
DELETE /_testbed/accounts/{id}/requests
PATCH  /_testbed/accounts/{id}/functions/{name}?region=&qualifier=    sets fields of the configuration
PATCH  /_testbed/accounts/{id}/provisioned/{name}?region=&alias=      sets fields of an alias's provisioned concurrency
...    /_testbed/accounts/{id}/{clock,metrics,metric-status,logs,alarms,mutes}    CloudWatch and Logs, see control_watch.py
...    /_testbed/accounts/{id}/ecs/...                  services, deployments and tasks, see ecs/control.py
...    /_testbed/accounts/{id}/{codebuild,ecr}/...      builds; scans, lifecycle policies and archived images
...    /_testbed/accounts/{id}/edge/...                 distributions and their edge, see edge/control.py
POST   /_testbed/oidc/key      {kid?}                 -> {kid, jwks}
POST   /_testbed/oidc/sign     {kid, claims, header?} -> {token}
POST   /_testbed/oidc/issuers  {issuer, jwks, replace?}
DELETE /_testbed/oidc/issuers  {issuer}
"""

import json
from urllib.parse import parse_qs, unquote

from ministack.services import lambda_svc

from . import control_watch, corrections, faults, oidc, requestlog, settings


async def answer(method: str, path: str, query: str, body: bytes):
    """Status, headers and body."""
    parts = [unquote(part) for part in path.split("/")[2:]]
    try:
        data = json.loads(body) if body else {}
        result = await _answer(method, parts, parse_qs(query), data)
    except (settings.Unknown, faults.Invalid, KeyError, TypeError, ValueError) as problem:
        return _json(400, {"error": f"{type(problem).__name__}: {problem}"})
    return _json(404, {"error": f"no endpoint {method} {path}"}) if result is None else _json(200, result)


async def _answer(method, parts, query, data):
    match (method, *parts):
        case ("GET", "corrections"):
            return corrections.catalogue()
        case ("GET", "accounts", account, "settings"):
            return settings.of(account)
        case ("PATCH", "accounts", account, "settings"):
            return settings.change(account, data)
        case ("GET", "accounts", account, "faults"):
            return faults.of(account)
        case ("POST", "accounts", account, "faults"):
            return faults.add(account, data)
        case ("DELETE", "accounts", account, "faults"):
            faults.clear(account)
            return {}
        case ("GET", "accounts", account, "held"):
            await faults.holds(account).some.wait()
            return {}
        case ("POST", "accounts", account, "release"):
            faults.release(account, carry_out=True)
            return {}
        case ("GET", "accounts", account, "requests"):
            return requestlog.of(account)
        case ("DELETE", "accounts", account, "requests"):
            requestlog.clear(account)
            return {}
        case ("PATCH", "accounts", account, "functions", name):
            return _configure(account, name, query, data)
        case ("PATCH", "accounts", account, "provisioned", name):
            function = _function(account, name, query)
            function["provisioned_concurrency"][query["alias"][0]].update(data)
            return data
        case (_, "accounts", account, *rest):
            return control_watch.answer(method, account, rest, query, data)
        case ("POST", "oidc", "key"):
            return oidc.make_key(data.get("kid"))
        case ("POST", "oidc", "sign"):
            return {"token": oidc.sign(data["kid"], data["claims"], data.get("header"))}
        case ("POST", "oidc", "issuers"):
            oidc.trust(data["issuer"], data["jwks"], data.get("replace", False))
            return {}
        case ("DELETE", "oidc", "issuers"):
            oidc.forget(data["issuer"])
            return {}
    return None


def _configure(account, name, query, fields):
    """Sets fields that AWS sets by itself, such as State Inactive of a function that was idle for weeks."""
    function = _function(account, name, query)
    qualifier = query.get("qualifier", ["$LATEST"])[0]
    configuration = (function if qualifier == "$LATEST" else function["versions"][qualifier])["config"]
    configuration.update(fields)
    return configuration


def _function(account, name, query):
    region = query.get("region", ["eu-west-1"])[0]
    function = lambda_svc._functions.get_scoped(account, region, name)
    if function is None:
        raise KeyError(f"no function {name} in {account} {region}")
    return function


def _json(status, result):
    return status, {"content-type": "application/json"}, json.dumps(result).encode()
