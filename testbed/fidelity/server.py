"""The process: a socket, MiniStack behind the layer, and an end when standard input closes."""

import asyncio
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
    asyncio.run(_serve(layer.Layer(app.app, port), listener, ready, started))


async def _serve(layer, listener, ready, started) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    async def application(scope, receive, send):
        await layer(scope, receive, announced(send) if scope["type"] == "lifespan" else send)

    def announced(send):
        async def sent(message):
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                ready["seconds"] = round(time.monotonic() - started, 3)
                print(json.dumps(ready), flush=True)

        return sent

    config = Config()
    config.bind = [f"fd://{os.dup(listener.fileno())}"]
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 1_000_000
    config.h11_max_incomplete_size = 256 * 1024
    # The layer tells the date, by the clock of the account's AWS.
    config.include_date_header = False
    config.loglevel = os.environ.get("LOG_LEVEL", "INFO")
    await serve(application, config)


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
