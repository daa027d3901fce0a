"""A home that is killed again and again, and what must be true of it afterwards."""

from __future__ import annotations

import collections
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from penstock.ports.journal import Filter, Status
from penstock.runtime.machine.home import Home

DRIVE = Path(__file__).parent / "drive.py"


def drive(home: Path, action: str, *, fault: str = "", **environment: str) -> subprocess.Popen[bytes]:
    """Starts a process that drives the crash pipeline in a home."""
    variables = {**os.environ, "PENSTOCK_FAULT": fault, **environment}
    return subprocess.Popen([sys.executable, str(DRIVE), str(home), action], env=variables, stderr=subprocess.PIPE)


def recover(path: Path) -> None:
    """Lets a process finish what is left."""
    with drive(path, "recover") as process:
        errors = process.stderr.read().decode() if process.stderr else ""
    assert process.returncode == 0, errors


def check(path: Path) -> int:
    """Checks that everything is complete and agrees in number; returns how many executions were started."""
    sys.path.insert(0, str(DRIVE.parent))
    from crash_pipeline import hot, pipeline, seen

    pipeline.build()
    home = Home(path, create=False)
    executions = home.journal.find(Filter(limit=100_000))
    unfinished = [one for one in executions if one.status != Status.SUCCEEDED]
    assert not unfinished, unfinished
    roots = [execution for execution in executions if execution.workflow == "crash"]
    objects = [info.key for info in home.objects.list("raw/")]
    items = _count_items(home, hot)
    values = home.metrics.values(seen, 0.0, home.clock.now() + 60)
    assert len(objects) == 4 * len(roots)
    assert len(executions) - len(roots) == len(objects)
    assert items == len(objects)
    assert len(values) == len(objects)
    assert home.bus.due(["crash"], 10) == []
    assert home.bus.announced() == []
    for execution in executions:
        _check_events(home, execution.id)
    told = [row.message.body for row in home.outbox.rows(limit=100_000) if row.message.subject == "done"]
    assert sorted(told) == sorted(execution.id for execution in roots)
    home.close()
    return len(roots)


def _count_items(home: Home, table: Any) -> int:
    count, after = 0, None
    while True:
        page = home.hot.scan(table, after=after)
        count += len(page.items)
        after = page.after
        if after is None:
            return count


def _check_events(home: Home, execution: str) -> None:
    """No gap in the sequence, and no task that succeeded twice."""
    recorded = home.journal.events(execution)
    assert [entry.sequence for entry in recorded] == list(range(len(recorded)))
    events = [msgspec.json.decode(entry.event) for entry in recorded]
    succeeded = collections.Counter(e["token"].partition("#")[0] for e in events if e["type"] == "TaskSucceeded")
    assert not [key for key, times in succeeded.items() if times > 1]
