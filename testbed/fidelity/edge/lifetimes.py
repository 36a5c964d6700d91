"""How long the edge keeps an answer of the origin.

Objects: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
Errors:  https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
"""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

# Errors that are kept whatever the origin says, and those kept only if it says for how long, or the distribution does.
ALWAYS = (404, 414, 500, 501, 502, 503, 504)
IF_TOLD = (400, 403, 405, 412, 415)
ERROR = 10.0


@dataclass(frozen=True)
class Ttl:
    """Seconds of a cache behaviour."""

    minimum: float
    default: float
    maximum: float


def of_object(ttl: Ttl, headers: dict, now: float) -> float | None:
    """Seconds for which an answer below 400 is good; None if it is not kept at all."""
    told = _directives(headers)
    if ttl.maximum == 0:
        return None
    if told.keys() & {"no-cache", "no-store", "private"}:
        # With a minimum they are kept all the same.
        if ttl.minimum > 0:
            return ttl.minimum
        return 0.0 if told.keys() & {"no-store", "private"} == set() else None
    seconds = _seconds(told, headers, now)
    if seconds is None:
        return max(ttl.minimum, ttl.default)
    return max(ttl.minimum, min(seconds, ttl.maximum))


def of_error(status: int, headers: dict, configured: float | None, now: float) -> float | None:
    """Seconds for which an error is kept: `configured` is the distribution's own minimum for this status."""
    seconds = _seconds(_directives(headers), headers, now)
    if status not in ALWAYS and configured is None and (status not in IF_TOLD or seconds is None):
        return None
    return max(ERROR if configured is None else configured, seconds or 0.0)


def _directives(headers: dict) -> dict[str, str]:
    found = re.findall(r"([\w-]+)(?:=\"?([^\",\s]+))?", str(headers.get("cache-control", "")))
    return {name.lower(): value for name, value in found}


def _seconds(told: dict[str, str], headers: dict, now: float) -> float | None:
    """What the origin says: `s-maxage`, then `max-age`, then `Expires`."""
    for name in ("s-maxage", "max-age"):
        if told.get(name, "").isdigit():
            return float(told[name])
    try:
        return max(0.0, parsedate_to_datetime(headers["expires"]).timestamp() - now)
    except (KeyError, TypeError, ValueError):
        return None
