"""A distributed Map whose process is killed between any two effects: no item is lost, none is counted twice."""

import collections
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from penstock.ports.journal import Filter, Status
from penstock.ports.map_runs import MapRunStatus
from penstock.runtime.machine.home import Home
from tests.faults.map_crash import ITEMS
from tests.faults.points import cases

DRIVE = Path(__file__).parent / "map_crash.py"
POINTS = [
    *(("map_runs.before_begin", nth) for nth in range(1, 5)),
    *(("map_runs.after_begin", nth) for nth in range(1, 5)),
    ("map_runs.before_answer", 1),
    ("map_runs.after_answer", 1),
    *(("worker.before_journal", nth) for nth in range(1, 8)),
    *(("worker.after_journal", nth) for nth in range(1, 8)),
    *(("database.before_commit", nth) for nth in range(1, 31)),
    *(("database.after_commit", nth) for nth in range(1, 31)),
    *(("objects.before_rename", nth) for nth in (2, 3)),
]
QUICK = {
    ("map_runs.before_begin", 2), ("map_runs.after_begin", 2), ("map_runs.before_answer", 1),
    ("map_runs.after_answer", 1), ("database.after_commit", 4), ("database.before_commit", 12),
}  # fmt: skip


def drive(folder: Path, action: str, fault: str = "") -> subprocess.CompletedProcess[bytes]:
    variables = {**os.environ, "PENSTOCK_FAULT": fault}
    return subprocess.run(
        [sys.executable, str(DRIVE), str(folder), action], env=variables, capture_output=True, timeout=90, check=False
    )


def check(folder: Path) -> int:
    """Checks that every Map that was started is complete; returns how many were."""
    home = Home(folder / "home", create=False)
    parents = home.journal.find(Filter(source="manual", limit=10))
    for parent in parents:
        assert parent.status is Status.SUCCEEDED, (parent.error, parent.cause)
        output = json.loads(parent.output or b"")
        run = home.map_runs.get(output["MapRunArn"].rpartition(":")[2])
        assert run.status is MapRunStatus.SUCCEEDED
        assert (run.given, run.children, run.items.succeeded, run.items.running) == (ITEMS, ITEMS, ITEMS, 0)
        manifest = json.loads(home.objects.get(output["ResultWriterDetails"]["Key"]))
        (file,) = manifest["ResultFiles"]["SUCCEEDED"]
        assert json.loads(home.objects.get(file["Key"])) == [{"n": n, "done": True} for n in range(ITEMS)]
        children = home.map_runs.children(run.id, "", 100)
        assert [json.loads(child.input)["n"] for child in children] == list(range(ITEMS))
        for child in children:
            recorded = home.journal.events(child.id)
            assert [entry.sequence for entry in recorded] == list(range(len(recorded)))
            kinds = collections.Counter(msgspec.json.decode(entry.event)["type"] for entry in recorded)
            assert kinds["TaskSucceeded"] == 1
    home.close()
    return len(parents)


@pytest.mark.parametrize(("point", "nth"), cases(POINTS, QUICK))
def test_killed_at_a_point(tmp_path: Path, point: str, nth: int) -> None:
    killed = drive(tmp_path, "start", f"{point}:kill:{nth}")
    assert killed.returncode in {-signal.SIGKILL, 0}, killed.stderr.decode()
    recovered = drive(tmp_path, "recover")
    assert recovered.returncode == 0, recovered.stderr.decode()
    # Killed before the execution was journaled, there is none.
    assert check(tmp_path) in {0, 1}


def test_what_nobody_kills_ends(tmp_path: Path) -> None:
    done = drive(tmp_path, "start")
    assert done.returncode == 0, done.stderr.decode()
    assert check(tmp_path) == 1
