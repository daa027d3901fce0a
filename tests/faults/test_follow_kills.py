"""A follower that is killed again and again, at named points and at random ones, while its log is written, rotated and
truncated: what was written is stored once, in order."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from penstock.adapters.local.objects import FileObjectStore
from tests.faults.points import kills

FOLLOW = Path(__file__).parent / "follow_crash.py"
POINTS = (
    "follow.after_begin", "follow.before_create", "objects.before_sync", "objects.before_link", "objects.after_link",
    "follow.after_create", "database.before_commit", "database.after_commit", "follow.after_commit",
)  # fmt: skip


def follow(home: Path, log: Path, how: str = "on", fault: str = "") -> subprocess.Popen[str]:
    """Starts a follower; returns once it has begun."""
    process = subprocess.Popen(
        [sys.executable, str(FOLLOW), str(home), str(log), how],
        env={**os.environ, "PENSTOCK_FAULT": fault},
        stdout=subprocess.PIPE,
        text=True,
    )
    if how == "on" and process.stdout is not None:
        process.stdout.readline()
    return process


def first_look(home: Path, log: Path) -> None:
    """Has the log followed for the first time: older generations that are there already are not collected."""
    with follow(home, log, "all") as process:
        assert process.wait(30) == 0


def stored(home: Path) -> list[int]:
    """Returns the numbers of the lines that are stored, in order."""
    objects = FileObjectStore(home / "lake")
    found = []
    for info in objects.list("raw/logs/"):
        found += [int(msgspec.json.decode(line)["message"].split()[1]) for line in objects.get(info.key).splitlines()]
    return found


class Log:
    """A log whose lines are numbered.

    Attributes:
        lines: how many were written.
        compresses: whether all older generations but the newest are compressed.
    """

    def __init__(self, path: Path, seed: int, *, compresses: bool) -> None:
        self.path = path
        self.compresses = compresses
        self.lines = 0
        self._chance = random.Random(seed)

    def write(self) -> None:
        with self.path.open("a") as file:
            for _ in range(self._chance.choice([1, 10, 300])):
                file.write(f"line {self.lines} {'.' * self._chance.randrange(60)}\n")
                self.lines += 1

    def rotate(self) -> None:
        """Renames the log, or copies and truncates it; older generations make room."""
        if not self.path.exists():
            return
        for path in sorted(self.path.parent.glob("app.log.*"), key=lambda path: -int(path.name.split(".")[2])):
            app, log, number, *packed = path.name.split(".")
            moved = path.rename(path.with_name(".".join([app, log, str(int(number) + 1), *packed])))
            if self.compresses and not packed:
                self._compress(moved)
        older = self.path.with_name("app.log.1")
        if self._chance.random() < 0.5:
            self.path.rename(older)
        else:
            shutil.copyfile(self.path, older)
            with self.path.open("r+") as file:
                file.truncate(0)

    def _compress(self, path: Path) -> None:
        """Does as logrotate does: the compressed file is there whole before the other one goes."""
        with path.open("rb") as plain, gzip.open(f"{path}.gz", "wb") as packed:
            shutil.copyfileobj(plain, packed, 1000)
        path.unlink()


def check(home: Path, log: Log) -> None:
    """Checks that each line is stored once; in order, if no generation was taken away in the midst of a look."""
    found = stored(home)
    assert (sorted(found) if log.compresses else found) == list(range(log.lines))


@pytest.mark.parametrize(
    ("point", "compresses"), [*((point, False) for point in POINTS), *((point, True) for point in POINTS[::3])]
)
def test_a_kill_at_a_named_point(tmp_path: Path, point: str, compresses: bool) -> None:
    log, home = Log(tmp_path / "app.log", 1, compresses=compresses), tmp_path / "home"
    first_look(home, log.path)
    log.write()
    with follow(home, log.path, fault=f"{point}:kill:3") as process:
        while process.poll() is None:
            log.write()
            log.rotate()
            time.sleep(0.02)
    assert process.returncode == -signal.SIGKILL
    with follow(home, log.path, "all") as process:
        assert process.wait(30) == 0
    check(home, log)


@pytest.mark.slow
@pytest.mark.parametrize("compresses", [False, True])
def test_kills_at_random_while_the_log_turns(tmp_path: Path, compresses: bool) -> None:
    seed = int(os.environ.get("PENSTOCK_SEED", "7"))
    chance = random.Random(seed)
    log, home = Log(tmp_path / "app.log", seed, compresses=compresses), tmp_path / "home"
    first_look(home, log.path)
    for _ in range(max(15, kills() // 8)):
        with follow(home, log.path) as process:
            until = time.monotonic() + chance.uniform(0.02, 0.5)
            while time.monotonic() < until:
                log.write()
                if chance.random() < 0.1:
                    log.rotate()
                time.sleep(chance.choice([0.0, 0.01, 0.03]))
            process.kill()
    with follow(home, log.path, "all") as process:
        assert process.wait(60) == 0
    check(home, log)
    assert log.lines > 1000
