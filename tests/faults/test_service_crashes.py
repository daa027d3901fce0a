"""A workflow that calls services, killed between a call's effect and its record: each effect is there once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.ports.journal import Filter, Status
from penstock.runtime.machine.home import Home
from tests.faults.service_crash import STATES, definition

SCRIPT = Path(__file__).with_name("service_crash.py")
# The answer of the state's call has come, and is not journaled: the call is made again.
POINTS = [
    *(pytest.param("worker.before_journal", nth, id=f"before {name}") for nth, name in enumerate(STATES, start=1)),
    pytest.param("worker.after_journal", 2, id="after", marks=pytest.mark.slow),
]


def run(folder: Path, action: str, fault: str = "") -> int:
    environment = {**os.environ, "PENSTOCK_FAULT": fault}
    command = [sys.executable, str(SCRIPT), str(folder), action]
    return subprocess.run(command, env=environment, timeout=60, check=False).returncode


@pytest.mark.parametrize(("point", "nth"), POINTS)
def test_each_effect_once(tmp_path: Path, point: str, nth: int) -> None:
    assert run(tmp_path, "start", f"{point}:kill:{nth}") == -signal.SIGKILL
    assert run(tmp_path, "recover") == 0
    pipeline, home = definition(tmp_path), Home(tmp_path / "home", create=False)
    try:
        (execution,) = home.journal.find(Filter())
        assert execution.status == Status.SUCCEEDED, execution.cause
        assert home.hot.get(pipeline.hot_tables["Counters"], {"id": "visits"}) == {"id": "visits", "n": 1}
        assert len(list(home.objects.list("raw/"))) == 1
        assert len(home.outbox.rows()) == 1
        assert home.queues.counts(pipeline.queues["jobs"]).waiting == 1
        assert len(home.events.due(["counting"], 10)) <= 1
    finally:
        home.close()
