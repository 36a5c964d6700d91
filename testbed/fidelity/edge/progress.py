"""What was changed and is not everywhere yet: distributions, invalidations, key value stores.

Each change keeps the time it was made at. Whether it is done is judged when it is asked for, by the delay that the
settings say by then.
"""

from ministack.core.responses import get_account_id
from ministack.services import cloudfront

from .. import settings, watch

# Which configurations a distribution had from when on, by id; which content a store had from when on, by ARN.
_configurations: dict[str, list[tuple[float, str]]] = {}
_contents: dict[str, list[tuple[float, dict]]] = {}


def owner(distribution: dict) -> str:
    return distribution["ARN"].split(":")[4]


def now(account: str | None = None) -> float:
    return watch.reached(account or get_account_id())


def done(account: str, since: float, delay: str, time: float | None = None) -> bool:
    return since + settings.value(account, delay) <= (now(account) if time is None else time)


# Distributions


def configured(distribution: dict) -> None:
    """Notes the configuration that a distribution has got."""
    known = _configurations.setdefault(distribution["Id"], [])
    known.append((now(owner(distribution)), distribution["config_xml"]))


def serving(distribution: dict) -> str:
    """The configuration that edges serve by: the newest that is deployed."""
    known = _configurations.get(distribution["Id"])
    if not known:
        return distribution["config_xml"]
    deployed = [xml for since, xml in known if done(owner(distribution), since, "distribution_delay")]
    return deployed[-1] if deployed else known[0][1]


def refresh() -> None:
    """Brings the statuses that MiniStack keeps for the account at hand to what they are by now."""
    account = get_account_id()
    for distribution in cloudfront._distributions.values():
        known = _configurations.get(distribution["Id"])
        if known:
            is_done = done(account, known[-1][0], "distribution_delay")
            distribution["Status"] = "Deployed" if is_done else "InProgress"
        for invalidation in cloudfront._invalidations.get(distribution["Id"], []):
            if "_testbed_time" in invalidation:
                invalidation["Status"] = "Completed" if _completed(account, invalidation) else "InProgress"
    for store in cloudfront._kvstores.values():
        if "_testbed_time" in store and not store.get("_testbed_status"):
            ready = done(account, store["_testbed_time"], "kvs_create_delay")
            store["Status"] = "READY" if ready else "PROVISIONING"


# Invalidations


def _completed(account: str, invalidation: dict, time: float | None = None) -> bool:
    return done(account, invalidation["_testbed_time"], "invalidation_delay", time)


def of(distribution: dict) -> list[dict]:
    """The invalidations of a distribution, whoever asks."""
    return cloudfront._invalidations._data.get((owner(distribution), distribution["Id"]), [])


def paths_in_progress(distribution: dict) -> list[str]:
    account = owner(distribution)
    open_ones = [one for one in of(distribution) if "_testbed_time" in one and not _completed(account, one)]
    return [path for one in open_ones for path in one["InvalidationBatch"]["Paths"]["Items"]]


def invalidated(distribution: dict, path: str, stored: float, time: float) -> bool:
    """Whether an invalidation of this path was made after the object was stored, and has reached the edge."""
    account = owner(distribution)
    for one in of(distribution):
        made = one.get("_testbed_time")
        if made is not None and made >= stored and _completed(account, one, time):
            if any(_covers(covered, path) for covered in one["InvalidationBatch"]["Paths"]["Items"]):
                return True
    return False


def _covers(covered: str, path: str) -> bool:
    return path.startswith(covered[:-1]) if covered.endswith("*") else path == covered


# Key value stores


def contents_changed(arn: str, items: dict) -> None:
    _contents.setdefault(arn, []).append((now(), dict(items)))


def contents_at_edge(arn: str) -> dict:
    """What functions find in a store: the newest content that has reached them."""
    account = arn.split(":")[4]
    reached = [items for since, items in _contents.get(arn, []) if done(account, since, "kvs_delay")]
    return reached[-1] if reached else {}


def contents_forgotten(arn: str) -> None:
    _contents.pop(arn, None)
