"""A month of the metrics pipeline under a virtual clock: ``python -m bench.simulation [--instances N] [--days D] …``.

Each simulation is a process of its own, so that its memory can be told. CPU seconds are those of its children too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PLAYED = """
import json, resource, sys, time
began = time.perf_counter()
from pathlib import Path
from penstock.runtime.machine.loader import Catalog
from penstock.runtime.simulation.app import simulate
from penstock.runtime.simulation.plan import Plan
folder, instances, days, workers, metered = sys.argv[1:]
definition = Catalog([]).load("metrics")
loaded = time.perf_counter()
plan = Plan(start=1769904000.0, seconds=float(days) * 86400, seed=7, instances=int(instances), workers=int(workers),
            is_metered=metered == "True")
simulate(definition, Path(folder), plan)
ended = time.perf_counter()
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({
    "seconds": round(ended - began, 2), "simulating_seconds": round(ended - loaded, 2),
    "cpu_seconds": round(sum(one.ru_utime + one.ru_stime for one in used), 2),
    "largest_rss_mb": round(max(one.ru_maxrss for one in used) / 1024, 1),
}))
"""


def play(instances: int, days: float, workers: int, *, metered: bool) -> dict[str, Any]:
    """Returns how long a simulation takes, and how much memory its largest process."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        command = [sys.executable, "-c", PLAYED, str(home), str(instances), str(days), str(workers), str(metered)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"instances": instances, "days": days, "workers": workers, **json.loads(done.stdout)}


def month(*, quick: bool) -> dict[str, Any]:
    """Returns a month of one instance and of a thousand, and a day of several fleets."""
    days = 3.0 if quick else 30.0
    largest = 100 if quick else 1000
    found = [play(1, days, 2, metered=True), play(largest, days, 2, metered=True)]
    found += [play(count, 1.0, 2, metered=True) for count in (1, 10, 100, largest)]
    return {f"{one['instances']} instances, {one['days']:g} days": one for one in found}


def main() -> None:
    """Prints one simulation as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--without-meter", action="store_true")
    chosen = parser.parse_args()
    print(json.dumps(play(chosen.instances, chosen.days, chosen.workers, metered=not chosen.without_meter)))


if __name__ == "__main__":
    main()
