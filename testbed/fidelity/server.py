"""The process: a socket, MiniStack behind the layer, and an end when standard input closes."""

import gc
import json
import os
import socket
import sys
import threading
import time
from importlib.metadata import version

MINISTACK = "1.5.33"

# Read by MiniStack while it is imported.
ENVIRONMENT = {
    "BIND_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LAMBDA_EXECUTOR": "local",
    "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",
    "MINISTACK_REGION": "eu-west-1",
}

# Not for functions and servers started from here.
PRIVATE = ("PYTHONPATH", "PYTHONPYCACHEPREFIX", "DOCKER_HOST", "AWS_PROFILE", "AWS_ENDPOINT_URL")


def main() -> None:
    started = time.monotonic()
    found = version("ministack")
    if found != MINISTACK:
        sys.exit(f"ministack {MINISTACK} is corrected here, ministack {found} is installed")

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", int(os.environ.get("TESTBED_PORT", "0"))))
    port = listener.getsockname()[1]
    listener.listen(512)
    listener.set_inheritable(False)

    for name in PRIVATE:
        os.environ.pop(name, None)
    os.environ.update(ENVIRONMENT, GATEWAY_PORT=str(port))

    import uvloop
    from ministack import app

    from . import corrections, layer, workers

    corrections.install()
    # Collections go through all that MiniStack has loaded and keeps, which is no garbage.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    workers.start_reaper()
    workers.keep_code()
    threading.Thread(target=_end_with_input, daemon=True).start()
    ready = {"ready": True, "port": port, "pid": os.getpid()}
    uvloop.run(_serve(layer.Layer(app.app, port), listener, ready, started))


async def _serve(layer, listener, ready, started) -> None:
    from uvicorn import Config, Server
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Protocol(HttpToolsProtocol):
        def on_headers_complete(self):
            super().on_headers_complete()
            # To a proxy the whole address is sent, of which the host is left out there.
            if self.url.startswith(b"http://"):
                self.scope["raw_path"] = self.url.partition(b"?")[0]

    async def application(scope, receive, send):
        await layer(scope, receive, announced(send) if scope["type"] == "lifespan" else send)

    def announced(send):
        async def sent(message):
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                ready["seconds"] = round(time.monotonic() - started, 3)
                print(json.dumps(ready), flush=True)

        return sent

    config = Config(
        application,
        http=Protocol,
        ws="none",
        lifespan="on",
        backlog=512,
        timeout_keep_alive=75,
        # The layer tells the date, by the clock of the account's AWS.
        date_header=False,
        server_header=False,
        proxy_headers=False,
        access_log=False,
        log_level=os.environ.get("LOG_LEVEL", "INFO").lower(),
    )
    await Server(config).serve(sockets=[listener])


def _end_with_input() -> None:
    """Ends the process, and the functions it runs, once nobody holds its standard input any more."""
    try:
        while sys.stdin.buffer.read(4096):
            pass
    except (OSError, ValueError):
        pass
    from . import workers
    from .ecs import engine

    workers.end_all()
    engine.end_all()
    os._exit(0)
