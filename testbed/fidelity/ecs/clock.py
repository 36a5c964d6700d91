"""What happens in ECS by itself: processes that wait, for a time or for something to hold.

Nothing runs in the background. Before and after each request of the account, what was due by the account's clock happens in
order. The clock is the one by which CloudWatch shows things (`watch.reached`): a test moves it, or makes a minute of ECS
shorter (`ecs_minute`).
"""

import contextlib
import math
import threading

from ministack.core.responses import set_request_account_id, set_request_region

from .. import settings, watch
from ..scope import get_account_id, get_region

_worlds: dict[tuple[str, str], "World"] = {}
_lock = threading.RLock()


class Wait:
    """Yielded by a process that waits until `holds` is true, or until a time has passed: it is sent which of them it was."""

    def __init__(self, holds=None, *, seconds=None, minutes=None, delays=None):
        self.holds = holds
        # Minutes and delays are as long as the settings say by then: a test that makes them 0 ends what is under way.
        self.times = [(seconds, None), (minutes, "ecs_minute"), (delays, "ecs_delay")]

    def due(self, account: str, began: float) -> float:
        given = [number * (settings.value(account, unit) if unit else 1) for number, unit in self.times if number is not None]
        return began + sum(given) if given else math.inf


class _Process:
    def __init__(self, world: "World", generator):
        self.world, self.generator = world, generator
        self.began, self.wait = world.time, None

    def due(self) -> float:
        return self.wait.due(self.world.account, self.began)

    def resume(self, value=None) -> None:
        self.began = self.world.time
        try:
            self.wait = self.generator.send(value)
        except StopIteration:
            self.world.processes.remove(self)
        except BaseException:
            self.world.processes.remove(self)
            raise


class World:
    """The ECS of one account in one region."""

    def __init__(self, account: str):
        self.account = account
        self.time = watch.reached(account)
        self.processes: list[_Process] = []
        # Its own tasks, by ARN, and services: MiniStack's stores hold those of all accounts, and are slow to go through.
        self.tasks: dict[str, dict] = {}
        self.services: list = []
        # Called after each step; answers whether it changed something.
        self.reconcilers: list = []

    def start(self, generator) -> None:
        process = _Process(self, generator)
        self.processes.append(process)
        process.resume()

    def settle(self) -> None:
        """Lets everything happen that is due by now."""
        now = watch.reached(self.account)
        while True:
            while self._step():
                pass
            due = min((process.due() for process in self.processes), default=math.inf)
            if due > now:
                break
            self.time = max(self.time, due)
        self.time = max(self.time, now)
        while self._step():
            pass

    def _step(self) -> bool:
        changed = False
        for process in list(self.processes):
            if process not in self.processes:
                continue
            if process.wait.holds is not None and process.wait.holds():
                changed = True
                process.resume(True)
            elif process.due() <= self.time:
                changed = True
                process.resume(False)
        for reconcile in list(self.reconcilers):
            changed = reconcile() or changed
        return changed

    def delay(self) -> float:
        """Seconds between two states of a task or a deployment."""
        return settings.value(self.account, "ecs_delay")


def world() -> World:
    """The world of the account and region at hand."""
    key = (get_account_id(), get_region())
    if key not in _worlds:
        _worlds[key] = World(key[0])
    return _worlds[key]


def catch_up(account: str, region: str) -> None:
    """Lets happen what is due where a request is about to be carried out, if there is any ECS."""
    if (account, region) in _worlds:
        set_request_account_id(account)
        set_request_region(region)
        with settled():
            pass


@contextlib.contextmanager
def settled():
    """Within this block nothing else happens; before it, and after it, all that is due."""
    with _lock:
        here = world()
        here.settle()
        yield here
        here.settle()
