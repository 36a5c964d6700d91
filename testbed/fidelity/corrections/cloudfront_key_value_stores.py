"""A new store is PROVISIONING before it is READY, keys and values are limited, and what is written reaches the edge
after a while.

MiniStack has it READY at once, and takes keys and values of any size, and as many as are sent. For how long edges may
answer by the old value AWS says "a few seconds": it is the setting `kvs_delay`.
"""

import json

from ministack.services import cloudfront
from ministack.services import cloudfront_keyvaluestore as stores

from ..edge import progress
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"
ROWS = [
    "cloudfront: CreateKeyValueStore is PROVISIONING",
    "cloudfront: UpdateKeys with a key of 513 bytes",
    "cloudfront: UpdateKeys with a value of 1025 bytes",
    "cloudfront: UpdateKeys of 51 keys",
]
KEY, VALUE, STORE, KEYS = 512, 1024, 5 * 1024 * 1024, 50


def install():
    @around(cloudfront, "_create_kvs", "(headers, body)", "8d384278429f")
    def create(inner, headers, body):
        response = inner(headers, body)
        if response[0] != 201:
            return response
        name = response[1]["Location"].rsplit("/", 1)[-1]
        store = cloudfront._kvstores[name]
        store["_testbed_time"] = progress.now()
        progress.contents_forgotten(store["ARN"])
        progress.refresh()
        return response[0], response[1], cloudfront._describe_kvs(name)[2]

    @around(stores, "_describe_store", "(arn)", "1314921e7bbd")
    def describe(inner, arn):
        progress.refresh()
        status, headers, body = inner(arn)
        if status == 200:
            store = cloudfront._kvstores[arn.rsplit("/", 1)[-1]]
            body = json.dumps({**json.loads(body), "Status": store["Status"]}).encode()
        return status, headers, body

    @around(stores, "_put_key", "(arn, key, headers, body)", "e27c9606f8bc")
    def put(inner, arn, key, headers, body):
        value = _read(body).get("Value")
        return _refusal(arn, [(key, value)]) or _noted(arn, inner(arn, key, headers, body))

    @around(stores, "_delete_key", "(arn, key, headers)", "72a909d46ca7")
    def delete(inner, arn, key, headers):
        return _noted(arn, inner(arn, key, headers))

    @around(stores, "_update_keys", "(arn, headers, body)", "cf58881579b5")
    def update(inner, arn, headers, body):
        data = _read(body)
        puts, deletes = data.get("Puts") or [], data.get("Deletes") or []
        if len(puts) + len(deletes) > KEYS:
            return stores._error("ValidationException", f"A request can put and delete at most {KEYS} keys.", 400)
        pairs = [(one.get("Key"), one.get("Value")) for one in puts if isinstance(one, dict)]
        return _refusal(arn, pairs) or _noted(arn, inner(arn, headers, body))


def _read(body) -> dict:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(arn: str, pairs: list[tuple]):
    items = dict((stores._stores.get(arn) or {}).get("items", {}))
    for key, value in pairs:
        if len(str(key).encode()) > KEY:
            return stores._error("ValidationException", f"A key has at most {KEY} bytes.", 400)
        if len(str(value).encode()) > VALUE:
            return stores._error("ValidationException", f"A value has at most {VALUE} bytes.", 400)
        items[str(key)] = str(value)
    if stores._compute_size(items) > STORE:
        return stores._error("ServiceQuotaExceededException", "The key value store would be larger than 5 MB.", 402)
    return None


def _noted(arn: str, response: tuple) -> tuple:
    if response[0] == 200:
        progress.contents_changed(arn, stores._stores[arn]["items"])
    return response
