"""Executions that wait, killed around parking, mail and the start of children: none is lost, none is doubled."""

from __future__ import annotations

import collections
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock.ports.journal import Filter, Status
from penstock.runtime.machine.home import Home
from tests.faults.points import cases

DRIVE = Path(__file__).parent / "waiting_crash.py"
POINTS = [
    *(("database.before_commit", nth) for nth in range(1, 31)),
    *(("database.after_commit", nth) for nth in range(1, 31)),
    *(("worker.after_claim", nth) for nth in range(1, 7)),
    *(("worker.before_journal", nth) for nth in range(1, 13)),
    *(("worker.after_journal", nth) for nth in range(1, 13)),
]
QUICK = {
    # Of the start of a child, of an answer in the mail, of its delivery, and of a child's end.
    ("database.before_commit", 12), ("database.after_commit", 12), ("database.after_commit", 16),
    ("worker.after_claim", 2), ("worker.before_journal", 4), ("worker.after_journal", 5),
}  # fmt: skip


def drive(folder: Path, action: str, fault: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PENSTOCK_FAULT": fault}
    return subprocess.run(
        [sys.executable, str(DRIVE), str(folder), action], env=environment, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def events_of(home: Home, execution: str) -> list[dict[str, Any]]:
    recorded = home.journal.events(execution)
    assert [entry.sequence for entry in recorded] == list(range(len(recorded)))
    return [json.loads(entry.event) for entry in recorded]


def check(folder: Path) -> int:
    """Counts everything; returns how many parents there are."""
    home = Home(folder / "home", create=False)
    executions = home.journal.find(Filter(limit=1000))
    assert {execution.status for execution in executions} <= {Status.SUCCEEDED}
    parents = [execution for execution in executions if execution.workflow == "parent"]
    by_parent = collections.Counter(one.source for one in executions if one.workflow == "child")
    assert by_parent == {f"execution:{parent.id}": 2 for parent in parents}
    for execution in executions:
        events = events_of(home, execution.id)
        for kind in ("TaskSucceeded", "TaskSubmitted", "TimerFired"):
            tokens = [event["token"] for event in events if event["type"] == kind]
            assert len(tokens) == len(set(tokens)), kind
    for parent in parents:
        kinds = collections.Counter(event["type"] for event in events_of(home, parent.id))
        assert kinds == {"TaskSubmitted": 2, "TaskSucceeded": 3, "TimerFired": 1}
        asked, job, _ = json.loads(parent.output or b"")
        # The answer is the one that was given to this very token.
        assert asked.startswith(f"{parent.id}/")
        assert (job["Status"], job["Input"]) == ("SUCCEEDED", {"kind": "job"})
    for table in ("mail", "waiters"):
        assert home.database.rows(f"SELECT * FROM {table}") == []
    home.close()
    return len(parents)


def test_nothing_is_lost_without_a_fault(tmp_path: Path) -> None:
    done = drive(tmp_path, "start")
    assert done.returncode == 0, done.stderr
    assert check(tmp_path) == 3


@pytest.mark.parametrize(("point", "nth"), cases(POINTS, QUICK))
def test_killed_at_a_point(tmp_path: Path, point: str, nth: int) -> None:
    died = drive(tmp_path, "start", f"{point}:kill:{nth}")
    assert died.returncode in ({-signal.SIGKILL} if (point, nth) in QUICK else {-signal.SIGKILL, 0}), died.stderr
    recovered = drive(tmp_path, "recover")
    assert recovered.returncode == 0, recovered.stderr
    # Killed while they were being started, there are as many as were journaled.
    assert check(tmp_path) in ({3} if nth > 12 or point.startswith("worker") else {0, 1, 2, 3})


@pytest.mark.slow
def test_killed_again_and_again(tmp_path: Path) -> None:
    drive(tmp_path, "start", "database.after_commit:kill:8")
    for nth in range(1, 9):
        drive(tmp_path, "recover", f"database.before_commit:kill:{nth}")
        drive(tmp_path, "recover", f"worker.after_journal:kill:{nth}")
    assert drive(tmp_path, "recover").returncode == 0
    assert check(tmp_path) == 3
