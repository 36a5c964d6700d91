"""A container engine, as the setting `ecs_engine` names it: `{"host": "unix:///run/docker.sock", "registries": {"ghcr.io": ..}}`.

Containers share the network of the machine: no other is there on an engine without networks. So an image that listens must do it
where the variable `PORT` says, and is reached there on 127.0.0.1.
"""

import os
import subprocess
import threading
import uuid

# What every container of this process is marked with.
LABEL = f"testbed.aws={uuid.uuid4().hex}"
_pulls: dict[tuple[str, str], threading.Lock] = {}
_lock = threading.Lock()


class Refused(Exception):
    """The engine does not do it; its words are the text."""


class Engine:
    def __init__(self, told: dict):
        self.host, self.registries = told["host"], told.get("registries") or {}

    def __call__(self, *arguments: str) -> str:
        """Runs the engine's client to its end and answers what it printed."""
        done = subprocess.run(
            ["docker", *arguments], env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode:
            raise Refused(done.stderr.strip().removeprefix("Error response from daemon: ").split("\n")[0])
        return done.stdout.strip()

    def environment(self) -> dict:
        return {**os.environ, "DOCKER_HOST": self.host}

    def pull(self, image: str) -> None:
        """Pulls an image that is not there yet; whoever pulls the same one waits."""
        with _lock:
            turn = _pulls.setdefault((self.host, image), threading.Lock())
        with turn:
            try:
                self("image", "inspect", "--format", "{{.Id}}", image)
            except Refused:
                self("pull", "--quiet", image)

    def stop(self, container: str, seconds: int) -> None:
        self("stop", "--time", str(seconds), container)


def end_all() -> None:
    """Takes away what runs, when the process ends."""
    for host in {host for host, _ in _pulls}:
        engine = Engine({"host": host})
        try:
            running = engine("ps", "--all", "--quiet", "--filter", f"label={LABEL}").split()
            if running:
                engine("rm", "--force", *running)
        except (Refused, OSError):
            # An engine of the same tests has ended before.
            continue
