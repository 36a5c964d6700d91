"""What an image function does, told by the label `testbed.behaviour` of its image.

The label holds a YAML list of rules, and the first that applies is followed:

    - {when: {env: {STAGE: prd}, after-invocations: 3}, do: status 500}
    - {when: {event: migrate}, do: 'return {"schema": 7}', log: [one, two]}
    - {do: ok}

`when` may name `env` (variables of the function with these values), `after-invocations` (that many invocations of
this version came before), `path` (of an HTTP event) and `event` (a text within the event). `log` are lines that the function
writes first. `do` is one of

    ok             answer as a healthy service
    status N       answer with HTTP status N
    stream N       answer as a function that streams its response: metadata with HTTP status N, eight NUL bytes, the body
    return TEXT    answer with these bytes, JSON as a rule, whatever the event
    import-error   fail before the handler runs, as Python does when a module is missing
    init-error KIND    fail before the handler runs, as platform_lines.py has it: python, nodejs, java, ruby, provided-arch...
    fail TYPE      end with an error of this type, as the runtime reports it
    silent         answer as a healthy service, and log nothing
    exit           end the process
    sleep 2s       wait (the function's timeout applies), then answer as a healthy service

HTTP events (API Gateway v1 and v2, function URLs, load balancers) get an HTTP answer, others its content. It names
the labels `org.opencontainers.image.revision` and `org.opencontainers.image.version`, and the variable STAGE.
"""

import json
import threading
import time

import yaml
from ministack.services import ecr

from . import platform_lines
from .corrections import lambda_image_source

_counts: dict[tuple, int] = {}
_counting = threading.Lock()

_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}


def run(func: dict, event, request_id: str) -> dict:
    """The result of one invocation, in the form MiniStack's executors return."""
    configuration = func["config"]
    image = configuration_of(func["testbed_image"])
    wanted = _ARCHITECTURES.get((configuration.get("Architectures") or ["x86_64"])[0])
    if image.get("architecture", wanted) != wanted:
        return _failure(
            "Runtime.InvalidEntrypoint",
            f"RequestId: {request_id} Error: fork/exec /var/task/bootstrap: exec format error",
        )
    labels = (image.get("config") or {}).get("Labels") or {}
    variables = (configuration.get("Environment") or {}).get("Variables") or {}
    path = event.get("rawPath") or event.get("path") if isinstance(event, dict) else None
    rule = _rule(labels, variables, path, event, _count(func))
    result = _run(configuration, labels, variables, path, event, request_id, str(rule["do"]))
    result["log"] = "\n".join([*map(str, rule.get("log", [])), *filter(None, [result["log"]])])
    return result


def _run(configuration, labels, variables, path, event, request_id, done) -> dict:
    content = {
        "status": "ok",
        "commit": labels.get("org.opencontainers.image.revision", ""),
        "version": labels.get("org.opencontainers.image.version", ""),
        "stage": variables.get("STAGE", ""),
    }
    verb, _, argument = done.partition(" ")
    log = f"{path or 'event'}: {done}"
    if verb == "import-error":
        return {
            "body": {
                "errorMessage": "Unable to import module 'app': No module named 'missing'",
                "errorType": "Runtime.ImportModuleError",
                "requestId": request_id,
                "stackTrace": [],
            },
            "error": True,
            "log": "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'missing'\n"
            "Traceback (most recent call last):",
            "testbed_init_error": "Runtime.ImportModuleError",
        }
    if verb == "init-error":
        return _failed_start(argument, configuration, request_id)
    if verb == "fail":
        return _failure(argument, f"RequestId: {request_id} Error: refused")
    if verb == "exit":
        return _failure("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: exit status 1")
    if verb == "return":
        return {"body": argument.encode(), "log": log}
    if verb == "stream":
        # Invoke brings metadata, delimiter and body of a streamed response as one payload.
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
        metadata = {"statusCode": int(argument), "headers": {"content-type": "application/json"}, "cookies": []}
        return {"body": json.dumps(metadata).encode() + bytes(8) + json.dumps(content).encode(), "log": log}
    status = 200
    if verb == "sleep":
        timeout = float(configuration.get("Timeout") or 3)
        seconds = float(argument.rstrip("s"))
        time.sleep(min(seconds, timeout))
        if seconds > timeout:
            return _failure(
                "Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
            )
    elif verb == "status":
        status = int(argument)
        content["status"] = "ok" if status < 400 else "error"
    elif verb == "silent":
        log = ""
    elif verb != "ok":
        return _failure("BehaviourError", f"the label testbed.behaviour says `{done}`")
    if path is None and not (isinstance(event, dict) and "requestContext" in event):
        return {"body": content if status == 200 else {"statusCode": status, **content}, "log": log}
    return {
        "body": {
            "statusCode": status,
            "headers": {"content-type": "application/json"},
            "body": json.dumps(content, separators=(",", ":")),
        },
        "log": log,
    }


def configuration_of(resolved: str) -> dict:
    """The image configuration (architecture, labels) of an image in ECR."""
    account, region, repository, digest = lambda_image_source.parts(resolved)
    for image in ecr._images.get_scoped(account, region, repository) or []:
        if image["imageDigest"] == digest:
            manifest = json.loads(image["imageManifest"])
            blobs = ecr._layer_blobs.get_scoped(account, region, repository) or {}
            return json.loads(blobs.get(manifest["config"]["digest"], b"{}"))
    return {}


def _rule(labels: dict, variables: dict, path, event, before: int) -> dict:
    for rule in yaml.safe_load(labels.get("testbed.behaviour") or "[]") or []:
        when = rule.get("when") or {}
        if any(variables.get(name) != str(value) for name, value in (when.get("env") or {}).items()):
            continue
        if before < when.get("after-invocations", 0):
            continue
        if "path" in when and when["path"] != path:
            continue
        if when.get("event", "") not in json.dumps(event):
            continue
        return rule
    return {"do": "ok"}


def _count(func: dict) -> int:
    """How many invocations of this version, with this image, came before."""
    configuration = func["config"]
    arn = configuration["FunctionArn"].split(":")
    key = (*arn[3:7], configuration["Version"], func["testbed_image"])
    with _counting:
        before = _counts.get(key, 0)
        _counts[key] = before + 1
    return before


def _failed_start(kind: str, configuration: dict, request_id: str) -> dict:
    told = platform_lines.failure(kind)
    formatted = (configuration.get("LoggingConfig") or {}).get("LogFormat") or "Text"
    own = platform_lines.own_lines(kind, formatted)
    lines = (
        [*own, platform_lines.platform_error(told, request_id)]
        if told.told_by_platform and formatted == "Text"
        else own
    )
    message = f"RequestId: {request_id} Error: {told.message}" if told.told_by_platform else told.message
    body = {"errorType": told.error, "errorMessage": message}
    return {
        "body": body,
        "error": True,
        "log": "\n".join(lines),
        "testbed_init_error": told.error,
        "testbed_own_events": own,
    }


def _failure(kind: str, message: str) -> dict:
    return {"body": {"errorType": kind, "errorMessage": message}, "error": True, "log": message}
