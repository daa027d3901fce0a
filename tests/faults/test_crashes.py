"""Killed anywhere, between any two effects, and started again: nothing is lost, nothing is doubled."""

import random
import signal
import time
from pathlib import Path

import pytest

from tests.faults.points import kills
from tests.faults.world import check, drive, recover

# Points in the main process, with the passings at which it is killed.
MAIN = [
    *(("database.before_commit", nth) for nth in range(1, 26)),
    *(("database.after_commit", nth) for nth in range(1, 26)),
    *(("worker.before_journal", nth) for nth in range(1, 6)),
    *(("worker.after_journal", nth) for nth in range(1, 6)),
    *(("worker.before_invoke", nth) for nth in range(1, 7)),
    *(("dispatcher.after_dispatch", nth) for nth in range(1, 4)),
    ("watcher.after_evaluate", 1),
    ("notifier.before_deliver", 1),
    ("notifier.after_deliver", 1),
    ("notifier.before_mark", 1),
]
# Points that a worker process passes: it dies, its call fails, and is tried again.
WORKER = ["objects.before_sync", "objects.before_link", "objects.after_link"]
QUICK = {
    ("database.before_commit", 4), ("database.after_commit", 4), ("worker.after_journal", 2),
    ("worker.before_invoke", 3), ("dispatcher.after_dispatch", 1),
}  # fmt: skip
POINTS = [
    pytest.param(point, nth, marks=[] if (point, nth) in QUICK else [pytest.mark.slow], id=f"{point}:{nth}")
    for point, nth in MAIN
]


@pytest.mark.parametrize(("point", "nth"), POINTS)
def test_killed_at_a_point(tmp_path: Path, point: str, nth: int) -> None:
    with drive(tmp_path, "start", fault=f"{point}:kill:{nth}") as process:
        process.wait(60)
    assert process.returncode in {-signal.SIGKILL, 0}
    recover(tmp_path)
    # Killed before the execution was journaled, there is none.
    assert check(tmp_path) in {0, 1}


@pytest.mark.slow
@pytest.mark.parametrize("point", WORKER)
def test_a_task_killed_in_the_middle_of_a_write_is_tried_again(tmp_path: Path, point: str) -> None:
    with drive(tmp_path, "start", fault=f"{point}:kill:1") as process:
        process.wait(60)
    # Every worker inherits the armed point, so that each first write dies; what is not done after the retries is
    # put through again without the fault.
    recover(tmp_path)
    from penstock.ports.journal import Filter
    from penstock.runtime.machine.home import Home

    home = Home(tmp_path, create=False)
    objects = [info.key for info in home.objects.list("raw/")]
    assert home.bus.known(objects) == set(objects)
    finished = home.journal.find(Filter(limit=100))
    assert all(execution.status.is_final for execution in finished)
    home.close()


@pytest.mark.parametrize("point", ["database.before_commit:full:9", "objects.before_sync:full:1"])
def test_a_full_disk_loses_nothing(tmp_path: Path, point: str) -> None:
    with drive(tmp_path, "start", fault=point) as process:
        errors = process.stderr.read().decode() if process.stderr else ""
    if process.returncode:
        assert "StorageFullError" in errors or "No space left" in errors
    recover(tmp_path)
    assert check(tmp_path) == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_random(tmp_path: Path) -> None:
    chance = random.Random(20260220)
    began = time.monotonic()
    with drive(tmp_path, "start", CRASH_SLEEP="0.05") as process:
        process.wait(60)
    usual = time.monotonic() - began
    for number in range(kills()):
        action = ("start", "up")[number % 2]
        process = drive(tmp_path, action, CRASH_SCHEDULE="1", CRASH_SLEEP="0.05")
        with process:
            time.sleep(chance.uniform(0.2, 2.0) * usual)
            process.kill()
    recover(tmp_path)
    # The first was not killed; how far the others came is up to the machine.
    assert check(tmp_path) >= 1
