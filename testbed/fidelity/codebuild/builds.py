"""A build: its phases follow one another by the account's clock (`watch.reached`), and end as its script says (control.py).

Nothing runs in the background. Before each request of the account, what was due by then happens. The record is MiniStack's own, so that all
its operations see it. How phases end, and what a build that was stopped looks like, is in
https://docs.aws.amazon.com/cli/latest/reference/codebuild/stop-build.html; what follows a phase that failed is an assumption
but for UPLOAD_ARTIFACTS after BUILD (https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html).
"""

import contextvars
import hashlib
import math
import re
import threading

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import codebuild

from .. import settings, watch
from ..scope import get_account_id, get_region
from . import build_log, overrides

PHASES = (
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
    "COMPLETED",
)
ENDS = ("SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED")
_AFTER_FAILURE = {"INSTALL": "UPLOAD_ARTIFACTS", "PRE_BUILD": "UPLOAD_ARTIFACTS"} | dict.fromkeys(
    PHASES[:4], "FINALIZING"
)
_SILENT = ("SUBMITTED", "QUEUED")

_lock = threading.RLock()
_places: dict[tuple[str, str], dict[str, "Build"]] = {}
# What the next builds of a project do: see control.py.
_scripts: dict[tuple[str, str, str], list[dict]] = {}


class Build:
    """One build. `record` is what BatchGetBuilds answers."""

    def __init__(self, record: dict, project: dict, data: dict, script: dict):
        self.account, self.record, self.script = get_account_id(), record, script
        self.logs_config = overrides.logs_config(project, data)
        # What is said of it, whatever is true.
        self.said: dict = {}
        self.status, self.stopped, self.lines = "SUCCEEDED", math.inf, []
        now = watch.reached(self.account)
        for name in ("endTime", "sourceVersion"):
            record.pop(name, None)
        record.update(overrides.applied(project, data))
        record.update(startTime=round(now, 3), buildStatus="IN_PROGRESS", buildComplete=False, phases=[])
        self._place()
        self._enter("SUBMITTED", now)
        self._leave(now, "SUCCEEDED")
        self._enter("QUEUED", now)

    def advance(self, now: float) -> None:
        """Lets happen what was due by then."""
        while not self.record["buildComplete"]:
            due, limit = self._due(), self._limit()
            end = min(due, limit, self.stopped)
            self._write(min(end, now))
            if end > now:
                break
            if end == self.stopped:
                self._end(end, "STOPPED")
            elif end == limit:
                self._end(end, "TIMED_OUT", "BUILD_TIMED_OUT", "Build has timed out. ")
            else:
                self._next(end)
        self.record.update(self.said)

    def stop(self) -> None:
        """Stops it, at once unless its script says otherwise."""
        now = watch.reached(self.account)
        with _lock:
            if not self.record["buildComplete"]:
                self.stopped = min(self.stopped, now + self.script.get("stop-after", 0))
                self.advance(now)

    def change(self, script: dict) -> None:
        """Changes what it does. A phase that was held ends now, not when it would have."""
        with _lock:
            held, phase = self.script.get("hold"), self._phase()
            self.script.update(script)
            if held == phase["phaseType"] and self.script.get("hold") != held:
                elapsed = watch.reached(self.account) - phase["startTime"]
                self.script["seconds"] = {**self.script.get("seconds", {}), held: elapsed}

    def _phase(self) -> dict:
        return self.record["phases"][-1]

    def _seconds(self) -> float:
        told = self.script.get("seconds", {}).get(self._phase()["phaseType"])
        return settings.value(self.account, "codebuild_delay") if told is None else told

    def _due(self) -> float:
        if self.script.get("hold") == self._phase()["phaseType"]:
            return math.inf
        return self._phase()["startTime"] + self._seconds()

    def _limit(self) -> float:
        """When the build times out: in the queue by one limit, after it by the other."""
        if self._phase()["phaseType"] == "QUEUED":
            return self._phase()["startTime"] + 60 * self.record["queuedTimeoutInMinutes"]
        return self.record["phases"][1]["endTime"] + 60 * self.record["timeoutInMinutes"]

    def _next(self, at: float) -> None:
        phase = self._phase()["phaseType"]
        end = self.script.get("end", "SUCCEEDED")
        following = PHASES[PHASES.index(phase) + 1]
        if end == "SUCCEEDED" or self.script.get("at", "BUILD") != phase:
            self._leave(at, "SUCCEEDED")
        elif end == "FAILED":
            self.status = "FAILED"
            self._leave(at, "FAILED", *self._reason(phase))
            following = _AFTER_FAILURE.get(phase, following)
        else:
            reason = {
                "TIMED_OUT": ("BUILD_TIMED_OUT", "Build has timed out. "),
                "FAULT": ("INTERNAL_SERVICE_ERROR", "Internal Service Error"),
            }
            code, message = reason.get(end, (None, None))
            self._end(at, end, self.script.get("code", code), self.script.get("message", message))
            return
        if phase == "DOWNLOAD_SOURCE" and self.status == "SUCCEEDED":
            self._resolve()
        if following == "COMPLETED":
            self._complete(at, self.status)
        else:
            self._enter(following, at)

    def _reason(self, phase: str) -> tuple[str, str]:
        """Status code and message of a phase that failed."""
        told = f"Error while executing command: {build_log.command(self.script)}. Reason: exit status {self.script.get('exit', 1)}"
        code = "COMMAND_EXECUTION_ERROR"
        if phase == "DOWNLOAD_SOURCE":
            version = self.record.get("sourceVersion", "")
            code, told = "CLIENT_ERROR", f"reference not found for primary source and source version {version}"
        elif phase in ("QUEUED", "PROVISIONING", "FINALIZING"):
            code, told = "CLIENT_ERROR", ""
        elif phase == "UPLOAD_ARTIFACTS":
            code, told = "CLIENT_ERROR", "no matching artifact paths found"
        return self.script.get("code", code), self.script.get("message", told)

    def _resolve(self) -> None:
        """The commit of a source that is a repository."""
        if self.record.get("source", {}).get("type") in (None, "NO_SOURCE", "S3"):
            return
        version = self.record.get("sourceVersion", "")
        made = version if re.fullmatch("[0-9a-f]{40}", version) else hashlib.sha1(version.encode()).hexdigest()
        self.record["resolvedSourceVersion"] = self.script.get("resolved", made)

    def _enter(self, phase: str, at: float) -> None:
        self.record["phases"].append({"phaseType": phase, "startTime": round(at, 3)})
        self.record["currentPhase"] = phase
        if phase == "PROVISIONING":
            self._place()
        if phase != "COMPLETED":
            self.lines += build_log.begun(phase, at, self._seconds(), self.script)

    def _leave(self, at: float, status: str, code: str | None = "", message: str | None = "") -> None:
        phase = self._phase()
        phase.update(phaseStatus=status, endTime=round(at, 3), durationInSeconds=int(at - phase["startTime"]))
        if code or (code is not None and phase["phaseType"] not in _SILENT):
            phase["contexts"] = [{"statusCode": code, "message": message}]
            build_log.write(self.record["logs"], build_log.ended(phase, at))

    def _end(self, at: float, status: str, code: str | None = None, message: str | None = None) -> None:
        """Ends the build in the middle of a phase."""
        self.lines = []
        self._leave(at, status, code, message)
        self._complete(at, status)

    def _complete(self, at: float, status: str) -> None:
        self._enter("COMPLETED", at)
        self.record.update(buildStatus=status, buildComplete=True, endTime=round(at, 3))

    def _place(self) -> None:
        began = any(phase["phaseType"] == "PROVISIONING" for phase in self.record["phases"])
        project, identifier = self.record["id"].split(":")
        self.record["logs"] = build_log.location(self.logs_config, project, identifier, began)

    def _write(self, until: float) -> None:
        build_log.write(self.record["logs"], [line for line in self.lines if line[0] <= until])
        self.lines = [line for line in self.lines if line[0] > until]


def start(identifier: str, project: dict, data: dict) -> Build:
    """Makes MiniStack's record of a build into one that has just begun."""
    with _lock:
        build = Build(codebuild._builds[identifier], project, data, _script(project["name"]))
        _places.setdefault((get_account_id(), get_region()), {})[identifier] = build
    return build


def find(identifier: str) -> Build | None:
    return _places.get((get_account_id(), get_region()), {}).get(identifier)


def newest(project: str) -> Build:
    builds = _places.get((get_account_id(), get_region()), {}).values()
    found = [build for build in builds if build.record["projectName"] == project]
    if not found:
        raise ValueError(f"there is no build of the project {project}")
    return found[-1]


def tell(project: str, script: dict) -> None:
    """What the next builds of a project do."""
    if script.get("end", "SUCCEEDED") not in ENDS:
        raise ValueError(f"a build does not end {script['end']}: {', '.join(ENDS)}")
    unknown = {script.get("at", "BUILD"), script.get("hold") or "BUILD", *script.get("seconds", {})} - set(PHASES)
    if unknown:
        raise ValueError(f"no such phase of a build: {', '.join(sorted(unknown))}")
    _scripts.setdefault((get_account_id(), get_region(), project), []).append({"times": 1, **script})


def _script(project: str) -> dict:
    for script in _scripts.get((get_account_id(), get_region(), project), []):
        if script["times"] is None or script["times"] > 0:
            script["times"] = script["times"] and script["times"] - 1
            return dict(script)
    return {}


def catch_up(account: str, region: str) -> None:
    """Lets happen what is due where a request is about to be carried out."""
    builds = [build for build in _places.get((account, region), {}).values() if not build.record["buildComplete"]]
    if builds:
        contextvars.copy_context().run(_catch_up, account, region, builds)


def _catch_up(account: str, region: str, builds: list[Build]) -> None:
    set_request_account_id(account)
    set_request_region(region)
    with _lock:
        for build in builds:
            build.advance(watch.reached(account))
