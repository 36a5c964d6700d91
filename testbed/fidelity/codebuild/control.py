"""What a test says about CodeBuild of an account, under /_testbed/accounts/{id}/codebuild/, in the region `?region=`.

POST   script   [{"project", "times"?: 1, ...}]: what the next builds of the project do, null for all; without, they end well
    "end": "FAILED" | "FAULT" | "TIMED_OUT" | "STOPPED", "at"?: "BUILD"   how the build ends, and in which phase
    "code"?, "message"?                     of the phase that it ends in
    "command"?: "./run", "exit"?: 1         the command of the log, and the status a failed one exits with
    "log": [lines] or {phase: [lines]}      what the commands print, spread over the phase; a list is that of BUILD
    "seconds": {phase: seconds}             how long a phase takes, in place of the setting `codebuild_delay`
    "hold": phase                           it never gets past this phase, but to its time-out
    "stop-after": seconds                   how long StopBuild takes to stop it
    "resolved": commit                      what its source version was resolved to
PATCH  script   {"project" or "build", "set": {...}}: changes that of the newest build: {"hold": null} lets it go on
PATCH  build    {"project" or "build", "set": {fields}}: what is said of it from now on, whatever is true
"""

from . import builds


def answer(method: str, parts: list[str], data):
    """The answer; none if there is no such endpoint."""
    match (method, *parts):
        case ("POST", "script"):
            for one in data:
                builds.tell(one["project"], {name: value for name, value in one.items() if name != "project"})
            return {}
        case ("PATCH", "script"):
            build = _build(data)
            build.change(data["set"])
            return build.script
        case ("PATCH", "build"):
            build = _build(data)
            build.said.update(data["set"])
            build.record.update(data["set"])
            return build.record
    return None


def _build(data: dict) -> builds.Build:
    found = builds.find(data["build"]) if "build" in data else builds.newest(data["project"])
    if found is None:
        raise ValueError(f"there is no build {data['build']}")
    return found
