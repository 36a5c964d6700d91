"""The containers of a task on a container engine: pulled, run, read, stopped and asked, each on a thread of its own.

What a task waits for are plain fields that its threads set: what happens in ECS happens when a request comes (clock.py).

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

import queue
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

from .. import settings, watch
from ..scope import get_account_id
from . import registry, secrets
from .engine import LABEL, Engine, Refused

# Seconds between SIGTERM and SIGKILL: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
STOP_TIMEOUT = 30
_ANSWER = 5
_NO_ANSWER = 502, {"content-type": "application/json"}, b'{"message": "the target does not answer"}'


def of(task: dict, found: dict) -> "Containers | None":
    """The containers of a task whose images all really run: there is an engine, and no image says what it would do."""
    told = settings.value(get_account_id(), "ecs_engine")
    if not told or any(image.digest is None or image.is_told for image in found.values()):
        return None
    return Containers(Engine(told), task, found)


class Containers:
    """All containers of a task."""

    def __init__(self, engine: Engine, task: dict, found: dict):
        overrides = {one["name"]: one for one in task["overrides"]["containerOverrides"]}
        # Values of secrets are read here: threads belong to no account.
        self.refusal = ""
        self.all = {}
        for one in task["_definition"]["containerDefinitions"]:
            other = overrides.get(one["name"], {})
            values, missing = secrets.values(one.get("secrets") or [])
            self.refusal = self.refusal or missing
            name = registry.name_of(one["image"], found[one["name"]].digest, engine.registries)
            self.all[one["name"]] = Container(engine, name, one, other, values)

    def pull(self) -> None:
        for one in self.all.values():
            one.begin()

    def start(self) -> None:
        for one in self.all.values():
            one.go.set()

    def stop(self) -> None:
        for one in self.all.values():
            threading.Thread(target=one.stop, daemon=True).start()

    def are(self, state: str) -> bool:
        """Whether all are `pulled`, `started`, `ready` or `ended`, or will never be."""
        return all(getattr(one, state) or one.ended for one in self.all.values())

    def answer(self, name: str, path: str) -> tuple[int, dict, bytes]:
        one = self.all.get(name) or next((one for one in self.all.values() if one.port), None)
        return one.answer(path) if one and one.port else _NO_ANSWER


class Container:
    """One container. Its fields are set by its threads, and read by the process of its task."""

    def __init__(self, engine: Engine, image: str, definition: dict, override: dict, secret: dict):
        self.engine, self.image, self.definition, self.override, self.secret = engine, image, definition, override, secret
        self.account = get_account_id()
        self.go, self.lines = threading.Event(), queue.SimpleQueue()
        self.pulled = self.started = self.ready = self.ended = self.stopping = False
        self.refusal, self.code, self.identifier = "", None, None
        self.port = _free_port() if definition.get("portMappings") else None

    def begin(self) -> None:
        threading.Thread(target=self._live, daemon=True).start()

    def _live(self) -> None:
        try:
            self._pull()
            self.go.wait()
            if not self.stopping:
                self._run()
        except Refused as refused:
            self.refusal = self.refusal or f"CannotStartContainerError: Error response from daemon: {refused}"
        except OSError as trouble:
            self.refusal = f"CannotStartContainerError: {trouble}"
        finally:
            self.ended = True

    def _pull(self) -> None:
        try:
            self.engine.pull(self.image)
        except Refused as refused:
            self.refusal = f"CannotPullContainerError: pull image manifest has been retried 1 time(s): {refused}"
            raise
        self.pulled = True

    def _run(self) -> None:
        self.identifier = self.engine("create", *self._options(), self.image, *self._arguments())
        try:
            self.engine("start", self.identifier)
            self.started = True
            if self.stopping:
                self.stop()
            threading.Thread(target=self._knock, daemon=True).start()
            self._read()
            self.code = int(self.engine("wait", self.identifier))
        finally:
            self.engine("rm", "--force", self.identifier)

    def _options(self) -> list[str]:
        given = {one["name"]: one.get("value", "") for one in self.definition.get("environment") or []} | self.secret
        given |= {one["name"]: one.get("value", "") for one in self.override.get("environment") or []}
        if self.port:
            given["PORT"] = str(self.port)
        options = ["--label", LABEL, "--network", "host", "--log-driver", "json-file"]
        for name, value in given.items():
            options += ["--env", f"{name}={value}"]
        for field, option in (("user", "--user"), ("workingDirectory", "--workdir")):
            if self.definition.get(field):
                options += [option, self.definition[field]]
        if (self.definition.get("linuxParameters") or {}).get("initProcessEnabled"):
            options.append("--init")
        if self.definition.get("readonlyRootFilesystem"):
            options.append("--read-only")
        entry = self.definition.get("entryPoint")
        return options + (["--entrypoint", entry[0]] if entry else [])

    def _arguments(self) -> list[str]:
        command = self.override.get("command") or self.definition.get("command") or []
        return [*(self.definition.get("entryPoint") or [])[1:], *command]

    def _read(self) -> None:
        """Reads what it writes, until it has ended."""
        follow = ["docker", "logs", "--follow", self.identifier]
        reader = subprocess.Popen(
            follow,
            env=self.engine.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        for line in reader.stdout:
            self.lines.put({"at": watch.now(self.account), "message": line.rstrip("\n")})
        reader.wait()

    def _knock(self) -> None:
        """Waits until it listens."""
        while self.port and not self.ended:
            with socket.socket() as knocking:
                if knocking.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.05)
        self.ready = True

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after its time; one that has not started never will."""
        self.stopping = True
        self.go.set()
        if self.started and not self.ended:
            try:
                self.engine.stop(self.identifier, int(self.definition.get("stopTimeout", STOP_TIMEOUT)))
            except Refused:
                # It has ended by itself in the meantime.
                return

    def written(self) -> list[dict]:
        """What it has written since the last time."""
        found = []
        while not self.lines.empty():
            found.append(self.lines.get())
        return found

    def answer(self, path: str) -> tuple[int, dict, bytes]:
        """What it answers to a request behind its load balancer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=_ANSWER) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, dict(refused.headers), refused.read()
        except OSError:
            return _NO_ANSWER


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]
