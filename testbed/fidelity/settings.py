"""What a test may set for its account while the server runs."""

import copy
import time

DEFAULTS = {
    # Seconds between UpdateFunctionCode/Configuration and LastUpdateStatus Successful.
    "update_delay": 0.15,
    # Seconds between CreateFunction and State Active; null: as update_delay.
    "create_delay": None,
    # Makes the next update fail: {"reason": "...", "code": "InvalidImage", "function": optional name}.
    "next_update_failure": None,
    # What the next published version becomes: {"state": "Failed", "reason": "...", "code": "...",
    # "delay": seconds it is Pending before, "function": optional name}.
    "next_version": None,
    # Seconds for which every published version is Pending.
    "version_delay": 0.0,
    # Seconds for which provisioned concurrency is IN_PROGRESS; "failure": a reason makes what begins from then on FAILED.
    "provisioned_concurrency_delay": 0.0,
    "provisioned_concurrency_failure": None,
    # Seconds session credentials last; null: as asked for by the caller (DurationSeconds).
    "session_lifetime": None,
    # Seconds a token of ECR's registry is good; null: twelve hours.
    "ecr_token_lifetime": None,
    # Seconds by which the clock of AWS is ahead of this machine's: of signatures, of `Date`, of the ends of sessions.
    "clock_shift": 0.0,
    # Seconds for which a new role cannot be assumed by Lambda.
    "role_delay": 0.0,
    # Seconds until a datapoint, or a log event, can be read; judged when it is asked for.
    "metric_delay": 0.0,
    "log_delay": 0.0,
    # Seconds by which "what can be read by now" is ahead: see watch.py.
    "watch_shift": 0.0,
    # Datapoints on a page of GetMetricData, events on a page of FilterLogEvents; null: as AWS.
    "metric_page": None,
    "log_page": None,
    # How many empty pages with a token a scan of FilterLogEvents begins with.
    "log_empty_pages": 0,
    # Seconds between two states of a task of ECS or of a service deployment; seconds that a minute of bake times and hooks takes.
    "ecs_delay": 0.05,
    "ecs_minute": 60.0,
    # What images of other registries than ECR do: see ecs/images.py.
    "ecs_images": [],
    # The container engine that runs tasks: {"host": "unix:///..", "registries": {host: address}}; null: see ecs/images.py.
    "ecs_engine": None,
    # Reasons for which RunTask starts nothing, one for each of the next calls: ["RESOURCE:ENI"].
    "ecs_run_failures": [],
    # Seconds that each phase of a build of CodeBuild takes, those under way too.
    "codebuild_delay": 0.02,
    # Seconds that a scan of an image, a preview of a lifecycle policy and the restoring of an archived image take, those under way too.
    "ecr_scan_delay": 0.02,
    "ecr_preview_delay": 0.02,
    "ecr_restore_delay": 0.02,
    # Whether DescribeImages answers an archived image that is named without a filter: no page says it.
    "ecr_describes_archived": False,
    # Seconds until a changed distribution is Deployed, an invalidation Completed, a new key value store READY, and a value at the
    # edge; those under way too.
    "distribution_delay": 0.05,
    "invalidation_delay": 0.05,
    "kvs_create_delay": 0.05,
    "kvs_delay": 0.05,
    # Whether policies bind sessions and users. 12-digit access keys are their account's root, and free.
    "enforce_iam": True,
}

_everyone = copy.deepcopy(DEFAULTS)
_accounts: dict[str, dict] = {}


class Unknown(Exception):
    """A setting of that name does not exist."""


def of(account: str) -> dict:
    """All settings of an account."""
    return {**_everyone, **_accounts.get(account, {})}


def value(account: str, name: str):
    return _accounts.get(account, {}).get(name, _everyone[name])


def wait(account: str, name: str) -> None:
    """Takes as many seconds as a setting says by then: a test that makes it 0 ends what is under way."""
    began = time.monotonic()
    while (rest := began + value(account, name) - time.monotonic()) > 0:
        time.sleep(min(rest, 0.05))


def change(account: str, changes: dict) -> dict:
    """Merges changes into the settings of an account, or of all (`*`), and answers what holds now."""
    unknown = sorted(set(changes) - set(DEFAULTS))
    if unknown:
        raise Unknown(f"no such setting: {', '.join(unknown)}")
    target = _everyone if account == "*" else _accounts.setdefault(account, {})
    target.update(changes)
    return of(account)


def take(account: str, name: str, function: str):
    """A setting meant for one event: it is gone once it was used."""
    for holder in (_accounts.get(account, {}), _everyone):
        found = holder.get(name)
        if found and found.get("function") in (None, function):
            holder[name] = None
            return found
    return None
