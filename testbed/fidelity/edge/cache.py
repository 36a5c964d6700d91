"""What the edge keeps of a distribution, and how it answers from it."""

from dataclasses import dataclass

from ministack.services import s3

from . import progress

# Never kept, never answered to a viewer who has the object.
_OF_CONTENT = ("content-length", "content-type", "content-encoding", "content-range", "accept-ranges")


@dataclass
class Entry:
    """An answer of the origin."""

    path: str
    status: int
    reason: str
    headers: dict
    body: bytes
    # When the origin gave it, or last said that it is still so.
    stored: float
    lifetime: float

    def good(self, now: float) -> bool:
        return now - self.stored < self.lifetime


_distributions: dict[str, dict[tuple, Entry]] = {}


def find(distribution: dict, key: tuple, now: float) -> Entry | None:
    """The entry, good or expired, unless an invalidation has reached the edge since."""
    entries = _distributions.get(distribution["Id"], {})
    entry = entries.get(key)
    if entry and progress.invalidated(distribution, entry.path, entry.stored, now):
        entry = entries.pop(key) and None
    return entry


def keep(distribution: dict, key: tuple, entry: Entry) -> None:
    _distributions.setdefault(distribution["Id"], {})[key] = entry


def forget(distribution_id: str | None = None) -> None:
    """Empties the edge of a distribution, or of all."""
    if distribution_id is None:
        _distributions.clear()
    else:
        _distributions.pop(distribution_id, None)


def told(distribution: dict, now: float) -> list[dict]:
    """What a viewer could be answered from the edge."""
    found = []
    for key, entry in list(_distributions.get(distribution["Id"], {}).items()):
        if find(distribution, key, now):
            told = {"path": entry.path, "status": entry.status, "age": now - entry.stored, "good": entry.good(now)}
            found.append(told | {"etag": entry.headers.get("etag")})
    return found


def answer(entry: Entry, method: str, headers: dict) -> tuple:
    """Status, reason, headers and body for a viewer who may have the object already, or want a part of it."""
    if entry.status != 200:
        return entry.status, entry.reason, dict(entry.headers), b"" if method == "HEAD" else entry.body
    if _has(entry, headers):
        kept = {name: value for name, value in entry.headers.items() if name not in _OF_CONTENT}
        return 304, "Not Modified", kept, b""
    size = len(entry.body)
    asked = headers.get("range")
    if not asked or method == "HEAD":
        return 200, "OK", dict(entry.headers), b"" if method == "HEAD" else entry.body
    found = s3._parse_range(asked, size)
    if found is None:
        told = {"content-range": f"bytes */{size}", "content-length": "0"}
        return 416, "Requested Range Not Satisfiable", {**entry.headers, **told}, b""
    start, end = found
    told = {"content-range": f"bytes {start}-{end}/{size}", "content-length": str(end - start + 1)}
    return 206, "Partial Content", {**entry.headers, **told}, entry.body[start : end + 1]


def _has(entry: Entry, headers: dict) -> bool:
    if headers.get("if-none-match"):
        return s3._etag_condition_matches(
            headers["if-none-match"].strip(), str(entry.headers.get("etag", "")).strip('"')
        )
    since = s3._parse_http_date(headers.get("if-modified-since", ""))
    changed = s3._parse_http_date(str(entry.headers.get("last-modified", "")))
    return bool(since and changed and changed <= since)
