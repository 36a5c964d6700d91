"""What every request passes: it is named, logged, checked for expired credentials and for faults.

The body of every answer is collected before it is sent: AWS's answers are small, and so an answer can be
dropped or cut although the request was carried out.
"""

import asyncio
import json
import socket
import struct

from . import control, corrections, errors, faults, requestlog
from .codebuild import builds
from .corrections import ecr_layer_url, iam_enforcement, signature_time, sts_session_lifetime
from .ecs import clock
from .edge import address
from .request import identify


# Seconds that a rule's own request waits for the end of an update: the one before it may have begun one.
BUSY = 5


class Layer:
    """The ASGI application around MiniStack's."""

    def __init__(self, inner, port: int):
        self.inner = inner
        self.port = port
        self.answered = {}

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        scope = address.normal(scope)
        body = await _read(receive)
        if body is None:
            return
        if scope["path"].startswith("/_testbed/") and not scope["path"].startswith(ecr_layer_url.PATH):
            await _send(
                send, await control.answer(scope["method"], scope["path"], scope["query_string"].decode(), body)
            )
            return
        request = identify(
            scope["method"], scope["path"], scope["query_string"].decode("utf-8", "replace"), _headers(scope), body
        )
        entry = requestlog.arrived(request)
        # Who asks, and when, is judged when a request arrives, however long it takes then.
        refusal = self._refusal(request)
        rule = faults.take(request)
        delay = rule.get("delay") if rule else None
        if delay and not rule["applied"]:
            await asyncio.sleep(delay)
        if rule:
            await self._act(rule.get("before"), request)
        answer = await self._answer(request, scope, body, rule, refusal)
        if scope["method"] == "GET" and request.service == "lambda":
            answer = self._as_before(request, scope, answer, rule is not None and rule.get("stale"))
        if rule:
            await self._act(rule.get("after_answer"), request)
        if delay and rule["applied"]:
            await asyncio.sleep(delay)
        answer = _dated(answer, request.account)
        # Noted before it is sent: who reads the answer may ask for the log at once.
        requestlog.answered(entry, answer[0], rule)
        if answer[0] is None:
            _reset(send)
        elif rule and rule.get("truncate"):
            await _send_half(send, answer)
        else:
            await _send(send, answer, head=scope["method"] == "HEAD")

    def _as_before(self, request, scope, answer, stale):
        """The answer; or, when it is to lag behind, the one this request got before."""
        key = (request.account, scope["path"], scope["query_string"])
        if not stale:
            self.answered[key] = answer
        return self.answered.get(key, answer)

    async def _answer(self, request, scope, body, rule, refusal):
        """Status, headers and body; status None for a connection that is reset."""
        fails = rule is not None and (rule.get("status") is not None or rule.get("drop") or rule.get("hold"))
        if not fails or rule["applied"]:
            answer = refusal or await self._really(request, scope, body)
        if not fails:
            return answer
        if rule.get("hold"):
            if await faults.holds(request.account).wait() and not rule["applied"] and not refusal:
                await self._really(request, scope, body)
            return None, {}, b""
        if rule.get("drop"):
            return None, {}, b""
        status = rule["status"]
        message = rule.get("message") or "A fault rule of the test says so."
        answer = errors.response(request, status, rule.get("code") or _usual(status), message)
        if rule.get("retry_after") is not None:
            answer[1]["retry-after"] = str(rule["retry_after"])
        return answer

    async def _really(self, request, scope, body):
        if request.service == ecr_layer_url.SERVICE:
            return ecr_layer_url.download(request)
        return await self._carry_out(scope, body, request)

    def _refusal(self, request):
        if corrections.on("sts-session-lifetime") and sts_session_lifetime.expired(request.access_key):
            return errors.expired_session(request)
        return signature_time.refusal(request) if corrections.on("signature-time") else None

    async def _carry_out(self, scope, body, request):
        """MiniStack's answer: status, headers as a list of pairs, body."""
        parts, chunks = {}, []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            if message["type"] == "http.response.start":
                parts.update(status=message["status"], headers=message.get("headers", []))
            elif message["type"] == "http.response.body":
                chunks.append(bytes(message.get("body", b"")))

        async def run():
            iam_enforcement.decide(request)
            clock.catch_up(request.account, request.region)
            builds.catch_up(request.account, request.region)
            await self.inner(dict(scope), receive, send)

        # A task has a context of its own: MiniStack keeps account and region in context variables.
        await asyncio.create_task(run())
        return parts.get("status", 500), parts.get("headers", []), b"".join(chunks)

    async def _act(self, actions, request) -> None:
        """Requests of somebody else in the same account."""
        for action in [actions] if isinstance(actions, dict) else actions or []:
            body = action.get("body") or b""
            if isinstance(body, dict | list):
                body = json.dumps(body)
            body = body.encode() if isinstance(body, str) else body
            service = action.get("service", request.service)
            region = request.region or "eu-west-1"
            headers = {
                "host": request.headers.get("host", "127.0.0.1"),
                "content-type": "application/json",
                "content-length": str(len(body)),
                "authorization": f"AWS4-HMAC-SHA256 Credential={request.account}/20260101/{region}/{service}/"
                "aws4_request, SignedHeaders=host, Signature=0",
            } | {name.lower(): value for name, value in action.get("headers", {}).items()}
            if action.get("target"):
                headers |= {"x-amz-target": action["target"], "content-type": "application/x-amz-json-1.1"}
            path, _, query = action["path"].partition("?")
            scope = {
                "type": "http",
                "http_version": "1.1",
                "asgi": {"version": "3.0"},
                "scheme": "http",
                "method": action["method"],
                "path": path,
                "raw_path": path.encode(),
                "root_path": "",
                "query_string": query.encode(),
                "client": ("127.0.0.1", 0),
                "server": ("127.0.0.1", self.port),
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
                "extensions": {},
                "state": {},
            }
            deadline = asyncio.get_running_loop().time() + BUSY
            while True:
                made = identify(action["method"], path, query, headers, body)
                made.by_rule = True
                entry = requestlog.arrived(made)
                answer = await self._carry_out(scope, body, made)
                requestlog.answered(entry, answer[0], None)
                if answer[0] != 409 or asyncio.get_running_loop().time() > deadline:
                    break
                await asyncio.sleep(0.02)
            if answer[0] >= 400:
                raise RuntimeError(f"a rule's own request was refused: {action['method']} {path}: {answer[2][:300]!r}")


async def _read(receive) -> bytes | None:
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _headers(scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _dated(answer, account: str):
    """The answer with the field `Date`, by the clock of the account's AWS."""
    status, headers, body = answer
    pairs = [pair for pair in _pairs(headers) if pair[0].lower() != b"date"]
    return status, [*pairs, (b"date", signature_time.date(account).encode())], body


def _pairs(headers):
    if isinstance(headers, dict):
        return [(name.lower().encode(), str(value).encode()) for name, value in headers.items()]
    return list(headers)


async def _send(send, answer, head: bool = False) -> None:
    status, headers, body = answer
    pairs = _pairs(headers)
    if not head and not any(name.lower() == b"content-length" for name, _ in pairs) and status != 204:
        pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def _send_half(send, answer) -> None:
    status, headers, body = answer
    pairs = [pair for pair in _pairs(headers) if pair[0].lower() != b"content-length"]
    pairs.append((b"content-length", str(max(len(body), 2)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await asyncio.sleep(0.05)
    _transport(send).close()


def _reset(send) -> None:
    """Closes the connection so that the client reads a reset, as from a host that went away."""
    transport = _transport(send)
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _transport(send):
    """The connection behind uvicorn's `send`, which is a method of the cycle of a request."""
    return send.__self__.transport


def _usual(status: int) -> str:
    return {
        400: "ValidationException",
        401: "UNAUTHORIZED",
        403: "AccessDeniedException",
        404: "ResourceNotFoundException",
        409: "ResourceConflictException",
        429: "TooManyRequestsException",
        500: "ServiceException",
        503: "ServiceUnavailable",
    }.get(status, "ServiceException")
