"""Services, their revisions and deployments as they are kept; `answers` has AWS's shapes of them."""

import secrets
import uuid
from dataclasses import dataclass, field

from .. import corrections
from ..scope import get_account_id, get_region
from . import clock

EVENTS = 100
ENDED = ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")
# What a revision keeps of its service.
CONFIGURATION = (
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "platformFamily",
    "loadBalancers",
    "serviceRegistries",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)


@dataclass(eq=False)
class Revision:
    """A service revision, and the entry in `deployments` of the service that runs it."""

    id: str
    arn: str
    definition: str
    created: float
    configuration: dict
    # Digests by container, once the first task has pulled them.
    digests: dict = field(default_factory=dict)
    # How many tasks it should have now.
    wanted: int = 0
    failed: int = 0
    rollout: str = "IN_PROGRESS"
    reason: str = ""
    # It was the target of a deployment that ended well.
    completed: bool = False
    next_start: float = 0.0
    updated: float = 0.0
    group: str | None = None
    weight: float = 0.0
    test_weight: float = 0.0
    overrides: dict | None = None


@dataclass(eq=False)
class Deployment:
    """A service deployment."""

    arn: str
    target: Revision
    sources: list[Revision]
    created: float
    configuration: dict
    status: str = "PENDING"
    reason: str = ""
    stage: str | None = None
    started: float | None = None
    stopped: float | None = None
    finished: float | None = None
    updated: float = 0.0
    hooks: list[dict] = field(default_factory=list)
    rollback: dict | None = None
    breaker: dict | None = None
    alarms: dict | None = None
    # What was asked for by StopServiceDeployment, or by a later deployment.
    stop: tuple | None = None
    script: dict = field(default_factory=dict)
    # Fields that a test sets over AWS's.
    fields: dict = field(default_factory=dict)

    def strategy(self) -> str:
        told = self.configuration.get("strategy", "ROLLING")
        return told if corrections.on("ecs-traffic-strategies") else "ROLLING"

    def ended(self) -> bool:
        return self.status in ENDED


class Service:
    """What MiniStack's record of a service does not hold."""

    def __init__(self, record: dict):
        self.record = record
        self.revisions: list[Revision] = []
        self.deployments: list[Deployment] = []
        self.primary: Revision | None = None
        # Sets `wanted` of the revisions while a deployment is going on.
        self.plan = None
        self.scripts: list[dict] = []
        self.steady = False
        # Addresses that were registered last, by revision and target group.
        self.published: dict[tuple[str, str], list[str]] = {}

    @property
    def name(self) -> str:
        return self.record["serviceName"]

    @property
    def desired(self) -> int:
        return self.record["desiredCount"]

    def current(self) -> Deployment | None:
        return self.deployments[-1] if self.deployments else None

    def live(self, revision: Revision | None = None) -> list[dict]:
        """Tasks that are not about to stop, of one revision or of all."""
        return [
            task
            for task in clock.world().tasks.values()
            if task.get("_service") is self
            and task["desiredStatus"] == "RUNNING"
            and (revision is None or task["_revision"] is revision)
        ]

    def left(self, revision: Revision) -> list[dict]:
        """Tasks of a revision that have not stopped."""
        return [
            task
            for task in clock.world().tasks.values()
            if task.get("_revision") is revision and task["lastStatus"] != "STOPPED"
        ]

    def healthy(self, revision: Revision | None = None) -> list[dict]:
        return [task for task in self.live(revision) if task["_good"]]

    def arn(self, kind: str, identifier: str) -> str:
        cluster = self.record["clusterArn"].rsplit("/", 1)[1]
        return f"arn:aws:ecs:{get_region()}:{get_account_id()}:{kind}/{cluster}/{self.name}/{identifier}"

    def tell(self, world, message: str) -> None:
        """Adds an event; the newest hundred are kept."""
        event = {"id": str(uuid.uuid4()), "createdAt": world.time, "message": f"(service {self.name}) {message}"}
        self.record["events"] = [event, *self.record["events"]][:EVENTS]


def of(record: dict) -> Service:
    return record["_testbed"]


def services() -> list[Service]:
    """All services of the account and region at hand."""
    return clock.world().services


def number() -> str:
    """An identifier as those of deployments and revisions."""
    return str(10**18 + secrets.randbelow(8 * 10**18))
