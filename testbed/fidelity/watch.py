"""The clock by which CloudWatch shows what happened: an account's own, so that a test can move it.

What happens is stamped by the clock of the account's AWS (`clock_shift`). It can be read once that clock, and
`watch_shift` on top, has reached its time and its delay: with `watch_shift` a test lets minutes pass for what is
published, and for what happens in ECS, CodeBuild, ECR and CloudFront, and for nothing else.
"""

from .corrections import signature_time
from . import settings


def now(account: str) -> float:
    """Seconds since 1970 by the clock of the account's AWS."""
    return signature_time.now(account)


def reached(account: str) -> float:
    """What has been published by this time can be read."""
    return now(account) + settings.value(account, "watch_shift")


def advance(account: str, data: dict) -> dict:
    """Moves what can be read: `{"advance": seconds}` or `{"set": seconds}`."""
    shift = data["set"] if "set" in data else settings.value(account, "watch_shift") + data["advance"]
    return {"watch_shift": settings.change(account, {"watch_shift": float(shift)})["watch_shift"]}


def can_be_read(account: str, time: float, late: float | None, delay: str) -> bool:
    """Whether something of that time can be read: `late` is its own delay, the setting `delay` that of all others."""
    return time + (settings.value(account, delay) if late is None else late) <= reached(account)


def moment(account: str, data: dict) -> float:
    """The time that a test means: `at`, in seconds from now, or `time`, since 1970; else now."""
    return float(data["time"]) if "time" in data else now(account) + float(data.get("at", 0))
