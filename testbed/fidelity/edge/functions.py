"""What a CloudFront function does: the first comment line of its code may say, else its code is run.

    // testbed: {"pointer": {"key": "live/shop", "release": "c0ffee", "prefix": "/r/{release}", "only": "html$"}}
    // testbed: {"fail": "TypeError: Cannot read property"}

`pointer` puts `prefix` before the path of the documents: what matches `only` (all unless set), after a final slash
was completed by `index` (index.html unless set). The release is what the function's store has under `key`, and
`release`, which is compiled into the function, while it has nothing. `cookie` names one that pins a viewer to a
release. `fail` ends with an error.

Code without such a line is run by Node, if there is one on this machine, as MiniStack does it; here with the module
`cloudfront`, by which AWS lets functions read key value stores.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-custom-methods.html
"""

import asyncio
import json
import re

from ministack.core import cloudfront_js
from ministack.core.node_pool import NodeWorkerError, NodeWorkerPool, NodeWorkerTimeout
from ministack.services import cloudfront

from . import progress

_TOLD = re.compile(r"^\s*//\s*testbed:\s*(\{.*\})\s*$", re.MULTILINE)

# How MiniStack's worker is taught the module.
_MODULES = "const _ALLOWED_MODULES = { crypto, querystring, buffer: bufferModule };"
_STORES = """
let stores = {};
function kvs(id) {
  // Code is kept from one request to the next, and by requests to other functions of the same code: what is in the store is looked at then.
  const items = () => {
    const named = Object.keys(stores).filter((arn) => !id || arn === id || arn.endsWith("/" + id));
    if (named.length !== 1) throw new Error("KvsAssociationNotFound");
    return stores[named[0]];
  };
  const has = (key) => Object.prototype.hasOwnProperty.call(items(), key);
  items();
  return {
    async get(key, options) {
      if (!has(key)) throw new Error("KeyNotFound");
      const format = (options && options.format) || "string", value = items()[key];
      return format === "json" ? JSON.parse(value) : format === "bytes" ? Buffer.from(value) : value;
    },
    async exists(key) { return has(key); },
    async count() { return Object.keys(items()).length; },
  };
}
const _ALLOWED_MODULES = { crypto, querystring, buffer: bufferModule, cloudfront: { kvs } };
"""
_REQUEST = "const { code, event } = req;"
_pool = None


def pointer(told: dict) -> str:
    """The code of a function that says so."""
    named = {name: told[name] for name in ("key", "release", "prefix", "only", "index", "cookie") if name in told}
    return f"// testbed: {json.dumps({'pointer': named})}\nfunction handler(event) {{ return event.request; }}\n"


async def run(function_arn: str, event: dict):
    """The request or response that the function makes of an event."""
    code = cloudfront.live_function_code(function_arn)
    if code is None:
        raise cloudfront.CloudFrontFunctionError(f"{function_arn} is not published")
    record = cloudfront._functions.get(function_arn.rsplit("/", 1)[-1])
    stores = {
        arn: progress.contents_at_edge(arn) for arn in cloudfront._function_view(record, "LIVE").get("kvs_arns") or []
    }
    text = code.decode("utf-8")
    told = _TOLD.search(text)
    if told:
        return _do(json.loads(told.group(1)), stores, event)
    return await asyncio.to_thread(_evaluate, text, stores, event)


def _do(told: dict, stores: dict[str, dict], event: dict) -> dict:
    if "fail" in told:
        raise cloudfront.CloudFrontFunctionError(told["fail"])
    request, pointer = event["request"], told["pointer"]
    uri = request["uri"] + (pointer.get("index", "index.html") if request["uri"].endswith("/") else "")
    if not re.search(pointer.get("only", ""), uri):
        return request
    found = [items[pointer["key"]] for items in stores.values() if pointer["key"] in items]
    pinned = request["cookies"].get(pointer.get("cookie"), {}).get("value")
    release = pinned or (found[0] if found else pointer["release"])
    return {**request, "uri": pointer.get("prefix", "/r/{release}").replace("{release}", release) + uri}


def _evaluate(code: str, stores: dict[str, dict], event: dict):
    global _pool
    if _pool is None:
        script = cloudfront_js._WORKER_SCRIPT
        for place, changed in ((_MODULES, _STORES), (_REQUEST, "const { code, event } = req; stores = req.stores;")):
            if place not in script:
                raise RuntimeError("MiniStack's worker of functions is not the one that was read")
            script = script.replace(place, changed)
        _pool = NodeWorkerPool(
            script,
            log_prefix="cloudfront-js",
            logger=cloudfront_js.logger,
            timeout=5.0,
            max_old_space_mb=256,
            recycle_after=1000,
            max_idle=2,
        )
    try:
        done = _pool.call({"code": code, "event": event, "stores": stores}, timeout=5.0)
    except (NodeWorkerError, NodeWorkerTimeout) as problem:
        raise cloudfront.CloudFrontFunctionError(str(problem)) from problem
    if done["status"] == "error":
        raise cloudfront.CloudFrontFunctionError(done.get("message", ""))
    return done.get("value")
