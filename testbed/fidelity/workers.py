"""The processes that run functions, and the code they run: none is kept for long, and none outlives the server."""

import shutil
import threading
import time

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

IDLE_SECONDS = 15.0


def start_reaper() -> None:
    """Ends idle workers. MiniStack keeps one process per version for ever: too many for a test run."""

    def reap():
        while True:
            time.sleep(IDLE_SECONDS / 3)
            end_idle(IDLE_SECONDS)

    threading.Thread(target=reap, daemon=True).start()


def keep_code() -> None:
    """Leaves the code that was unpacked where it is. MiniStack looks through all functions of all accounts at each update, for code that
    none has any more: thousands, in a test run."""
    lambda_svc._sweep_extract_cache = lambda: None


def end_idle(seconds: float) -> None:
    now = time.time()
    with lambda_runtime._lock:
        idle = []
        for key, pool in list(lambda_runtime._workers.items()):
            gone = [worker for worker in pool if not worker.in_use and now - worker.last_used > seconds]
            idle += gone
            left = [worker for worker in pool if worker not in gone]
            if left:
                lambda_runtime._workers[key] = left
            else:
                del lambda_runtime._workers[key]
    lambda_runtime.kill_workers(idle)


def end(worker) -> None:
    """Takes one worker that the caller has leased out of its pool and ends it."""
    with lambda_runtime._lock:
        for key, pool in list(lambda_runtime._workers.items()):
            if worker in pool:
                pool.remove(worker)
                if not pool:
                    del lambda_runtime._workers[key]
    lambda_runtime.kill_workers([worker])


def end_all() -> None:
    with lambda_runtime._lock:
        everyone = [worker for pool in lambda_runtime._workers.values() for worker in pool]
        lambda_runtime._workers.clear()
    for worker in everyone:
        process = worker._proc
        if process is not None and process.poll() is None:
            process.kill()
        worker._discard_tmpdir()
    for folder in (lambda_svc._DOCKER_EXTRACT_CACHE, lambda_svc._PROVIDED_CODE_CACHE):
        shutil.rmtree(folder, ignore_errors=True)
