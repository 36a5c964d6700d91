"""Every request, by account and in the order of arrival, so that a test can say exactly what was asked."""

import itertools
import time
from collections import defaultdict, deque

BODY_EXCERPT = 2000
PER_ACCOUNT = 5000

_numbers = itertools.count(1)
_accounts: dict[str, deque] = defaultdict(lambda: deque(maxlen=PER_ACCOUNT))


def arrived(request) -> dict:
    """Notes a request. The entry returned is filled in by `answered`."""
    entry = {
        "number": next(_numbers),
        "time": time.time(),
        "account": request.account,
        "region": request.region,
        "access_key": request.access_key,
        "service": request.service,
        "operation": request.operation,
        "method": request.method,
        "host": request.headers.get("host", ""),
        "path": request.path,
        "query": request.query,
        "params": request.params,
        "user_agent": request.headers.get("user-agent", ""),
        "algorithm": request.headers.get("authorization", "").split(" ")[0],
        "body": request.text[:BODY_EXCERPT],
        "body_length": len(request.body),
        "by_rule": request.by_rule,
        "status": None,
        "seconds": None,
        "fault": None,
    }
    _accounts[request.account].append(entry)
    return entry


def answered(entry: dict, status: int | None, rule: dict | None) -> None:
    """Status null: the connection was closed instead of an answer."""
    entry["status"] = status
    entry["seconds"] = round(time.time() - entry["time"], 4)
    entry["fault"] = rule["id"] if rule else None


def of(account: str) -> list[dict]:
    return list(_accounts.get(account, ()))


def clear(account: str) -> None:
    _accounts.pop(account, None)
