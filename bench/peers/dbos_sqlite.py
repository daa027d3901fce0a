"""DBOS on SQLite: a workflow of four no-op steps at once, many workflows at once. Prints JSON."""

import asyncio
import json
import sys
import tempfile
import time

from dbos import DBOS

folder = tempfile.mkdtemp()
DBOS(
    config={
        "name": "bench",
        "system_database_url": f"sqlite:///{folder}/dbos.sqlite",
        "log_level": "ERROR",
        "run_admin_server": False,
        "enable_otlp": False,
    }
)


@DBOS.step()
async def nothing(number: int) -> int:
    """Does nothing."""
    return number


@DBOS.workflow()
async def four() -> list[int]:
    """Four steps at once."""
    return list(await asyncio.gather(*(nothing(number) for number in range(4))))


async def measure(count: int, at_once: int) -> float:
    """Returns workflows a second."""
    gate = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with gate:
            handle = await DBOS.start_workflow_async(four)
            await handle.get_result()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return count / (time.perf_counter() - began)


async def main() -> None:
    """Keeps the best of several degrees of concurrency."""
    DBOS.launch()
    await measure(10, 4)
    count = int(sys.argv[1])
    rates = {at_once: await measure(count, at_once) for at_once in (1, 8, 32)}
    best = max(rates, key=lambda key: rates[key])
    print(json.dumps({"per_second": rates[best], "at_once": best, "rates": rates}))


asyncio.run(main())
DBOS.destroy()
