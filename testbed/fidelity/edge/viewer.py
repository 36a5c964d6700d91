"""A viewer's request on its way: what MiniStack's data plane is told by the edge in place of the origin."""

import contextvars
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from ministack.services import cloudfront

from . import cache, lifetimes, progress


@dataclass
class Viewing:
    """One request."""

    distribution: dict
    behaviour: dict | None = None
    # The first answer that was got for it, before an error page took its place.
    told: str = ""
    age: float | None = None


_viewing: contextvars.ContextVar[Viewing | None] = contextvars.ContextVar("testbed_viewing", default=None)


async def view(inner, dist, *arguments, **named):
    """The answer, with what the edge says of itself in `X-Cache` and `Age`."""
    viewing = Viewing(dist)
    token = _viewing.set(viewing)
    try:
        status, headers, body = await inner(dist, *arguments, **named)
    finally:
        _viewing.reset(token)
    if headers.get("X-Cache") == "Miss from cloudfront" and viewing.told:
        headers["X-Cache"] = f"{viewing.told} from cloudfront"
        if viewing.age is not None:
            headers["Age"] = str(int(viewing.age))
    return status, headers, body


def matched(behaviour: dict | None) -> None:
    """Notes the cache behaviour by which what is fetched next is kept."""
    if viewing := _viewing.get():
        viewing.behaviour = behaviour


async def fetch(inner, origin, method, uri, query_string, headers, body, *rest):
    """The origin's answer, or that of the edge."""
    viewing = _viewing.get()
    ttl = viewing and viewing.behaviour and viewing.behaviour.get("testbed_ttl")
    if not ttl or ttl.maximum == 0 or method not in ("GET", "HEAD"):
        answer = await inner(origin, method, uri, query_string, headers, body, *rest)
        _tell(viewing, "Error" if answer[0] >= 400 else "Miss")
        return answer
    distribution = viewing.distribution
    account = progress.owner(distribution)
    path, key = _key(viewing.behaviour, uri, query_string, headers)
    now = progress.now(account)
    entry = cache.find(distribution, key, now)
    if entry and entry.good(now):
        _tell(viewing, "Error" if entry.status >= 400 else "Hit", now - entry.stored)
        return cache.answer(entry, method, headers)
    # Whole objects are kept, whatever part of one is asked for.
    asked = {name: value for name, value in headers.items() if name not in cloudfront._ALWAYS_FORWARD_REQUEST_HEADERS}
    validator = entry and entry.status == 200 and entry.headers.get("etag")
    if validator:
        asked["if-none-match"] = validator
    status, reason, found, content = await inner(origin, "GET", uri, query_string, asked, body, *rest)
    if status == 304 and validator:
        lifetime = lifetimes.of_object(ttl, entry.headers, now)
        entry.stored, entry.lifetime = now, lifetime or 0.0
        _tell(viewing, "RefreshHit")
        return cache.answer(entry, method, headers)
    if status >= 400:
        lifetime = lifetimes.of_error(status, found, _error_minimum(distribution, status), now)
    else:
        lifetime = lifetimes.of_object(ttl, found, now)
    entry = cache.Entry(path, status, reason, found, content, now, lifetime or 0.0)
    if lifetime is not None:
        cache.keep(distribution, key, entry)
    _tell(viewing, "Error" if status >= 400 else "Miss")
    return cache.answer(entry, method, headers)


def _tell(viewing: Viewing | None, word: str, age: float | None = None) -> None:
    if viewing and not viewing.told:
        viewing.told, viewing.age = word, age


def _key(behaviour: dict, uri: str, query_string: str, headers: dict) -> tuple[str, tuple]:
    """The path by which it is invalidated, and all that tells it from other objects: what the cache policy names.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-the-cache-key.html
    """
    header, cookie, query = cloudfront._forwarding_predicates({**behaviour, "origin_request_policy_id": None})
    queries = [pair for pair in parse_qsl(query_string, keep_blank_values=True) if query(pair[0])]
    path = uri + (f"?{urlencode(queries)}" if queries else "")
    cookies = cloudfront._event_cookies_from_header(headers.get("cookie", ""))
    named = sorted((name, str(value)) for name, value in headers.items() if name != "cookie" and header(name))
    return path, (path, tuple(named), tuple(sorted((name, str(one)) for name, one in cookies.items() if cookie(name))))


def _error_minimum(distribution: dict, status: int) -> float | None:
    """Seconds of `ErrorCachingMinTTL`, if the distribution says what becomes of this error."""
    config = cloudfront._dist_config_el({**distribution, "config_xml": progress.serving(distribution)})
    responses = cloudfront._find(config, "CustomErrorResponses")
    items = cloudfront._find(responses, "Items") if responses is not None else None
    for one in items if items is not None else ():
        if cloudfront._text(one, "ErrorCode") == str(status):
            return float(cloudfront._text(one, "ErrorCachingMinTTL") or lifetimes.ERROR)
    return None


def ttl_of(behaviour_el, behaviour: dict) -> lifetimes.Ttl:
    """The times of a cache behaviour: its policy's, or its own."""
    policy_id = behaviour.get("cache_policy_id")
    if policy_id:
        policy = cloudfront._cache_policies.get(policy_id) or cloudfront._MANAGED_CACHE_POLICIES.get(policy_id)
        told = (policy or {}).get("Config", {}).get
    else:
        told = lambda name: cloudfront._text(behaviour_el, name) or None
    usual = {"MinTTL": 0, "DefaultTTL": 86400, "MaxTTL": 31536000}
    return lifetimes.Ttl(*(float(seconds if told(name) is None else told(name)) for name, seconds in usual.items()))
