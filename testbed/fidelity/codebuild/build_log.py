"""What a build writes to CloudWatch Logs: the lines of CodeBuild's agent, and those that a test lets its commands print.

The lines read as in https://github.com/awslabs/aws-deployment-framework/issues/471; each event ends with a line feed. Group and stream are
named by the build from PROVISIONING on (https://docs.aws.amazon.com/codebuild/latest/APIReference/API_LogsLocation.html), and are
there once something was written.
"""

import time

from .. import corrections, logs
from ..scope import get_account_id, get_region

_COMMANDS = ("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD")


def location(configuration: dict, project: str, identifier: str, begun: bool) -> dict:
    """The field `logs` of a build."""
    told = configuration.get("cloudWatchLogs") or {"status": "ENABLED"}
    found = {
        "cloudWatchLogs": told,
        "s3Logs": configuration.get("s3Logs") or {"status": "DISABLED", "encryptionDisabled": False},
    }
    if told["status"] == "DISABLED":
        return found
    group = told.get("groupName") or f"/aws/codebuild/{project}"
    stream = "/".join(part for part in (told.get("streamName"), identifier) if part)
    if begun:
        found |= {"groupName": group, "streamName": stream}
    else:
        group = stream = "null"
    console = (
        f"https://console.aws.amazon.com/cloudwatch/home?region={get_region()}#logEvent:group={group};stream={stream}"
    )
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}:log-stream:{stream}"
    return {"deepLink": console, "cloudWatchLogsArn": arn, **found}


def begun(phase: str, at: float, seconds: float, script: dict) -> list[tuple[float, str]]:
    """What is written while a phase goes on, and when."""
    if phase == "DOWNLOAD_SOURCE":
        return [(at, _agent(at, "Waiting for agent ping")), (at, _agent(at, "Phase is DOWNLOAD_SOURCE"))]
    if phase not in _COMMANDS:
        return []
    lines = [(at, _agent(at, f"Entering phase {phase}"))]
    told = script.get("log", [])
    printed = told.get(phase, []) if isinstance(told, dict) else told if phase == "BUILD" else []
    if printed or phase == "BUILD":
        lines.append((at, _agent(at, f"Running command {command(script)}")))
    every = seconds / (len(printed) + 1)
    return lines + [(at + number * every, f"{line}\n") for number, line in enumerate(printed, 1)]


def ended(phase: dict, at: float) -> list[tuple[float, str]]:
    """What is written when a phase is over."""
    if phase["phaseType"] not in (*_COMMANDS, "DOWNLOAD_SOURCE", "UPLOAD_ARTIFACTS"):
        return []
    context = phase["contexts"][0]
    return [
        (at, _agent(at, f"Phase complete: {phase['phaseType']} State: {phase['phaseStatus']}")),
        (at, _agent(at, f"Phase context status code: {context['statusCode']} Message: {context['message']}")),
    ]


def write(place: dict, lines: list[tuple[float, str]]) -> None:
    if lines and place.get("groupName") and corrections.on("codebuild-build-logs"):
        logs.write(place["groupName"], place["streamName"], [{"at": at, "message": line} for at, line in lines])


def command(script: dict) -> str:
    return script.get("command", "./run")


def _agent(at: float, text: str) -> str:
    fraction = f"{int(at % 1 * 1_000_000):06d}"
    return f"[Container] {time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime(at))}.{fraction} {text}\n"
