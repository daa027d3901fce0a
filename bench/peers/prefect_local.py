"""Prefect with its own local server on SQLite: a flow of four no-op tasks submitted at once. Prints JSON."""

import json
import logging
import os
import sys
import tempfile
import time

os.environ["PREFECT_HOME"] = tempfile.mkdtemp()
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_LOGGING_LEVEL"] = "ERROR"
os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "true"

from concurrent.futures import ThreadPoolExecutor

from prefect import flow, task

logging.disable(logging.CRITICAL)


@task
def nothing(number: int) -> int:
    """Does nothing."""
    return number


@flow
def four() -> list[int]:
    """Four tasks at once."""
    return [future.result() for future in [nothing.submit(number) for number in range(4)]]


def measure(count: int, at_once: int) -> float:
    """Returns flows a second."""
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda _: four(), range(count)))
    return count / (time.perf_counter() - began)


four()
count = int(sys.argv[1])
rates = {at_once: measure(count, at_once) for at_once in (1, 4)}
best = max(rates, key=lambda key: rates[key])
print(json.dumps({"per_second": rates[best], "at_once": best, "rates": rates}))
sys.stdout.flush()
os._exit(0)
