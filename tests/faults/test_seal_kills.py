"""Sealers that are killed at any moment, and readers that look all the time: nothing is missing and nothing double."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.parquet_footer import footer
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.lake.sealing import sealed_key
from penstock.runtime.lake.check import LakeCheck
from tests.faults.seal_crash import PARTITION, TABLE, sealer

SCRIPT = Path(__file__).parent / "seal_crash.py"
SEALERS = 2
KILLS = int(os.environ.get("PENSTOCK_KILLS", "60"))
RECORDS = 400
POINTS = [
    "sealing.before_replace", "sealing.after_replace", "objects.before_lock", "objects.before_rename",
    "objects.after_rename", "sealer.after_write",
]  # fmt: skip


class Scene:
    """A lake, those who seal it, and one who reads it."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root = root
        self.chance = chance
        self.objects = FileObjectStore(root)
        self.ids: dict[str, set[int]] = {}
        self.kills = self.snapshots = self.points = 0
        self._sealers: list[subprocess.Popen[bytes]] = []

    def arrive(self) -> None:
        """Adds a raw object: records of its own, one twice, and one that is none."""
        number = len(self.ids)
        own = range(number * RECORDS, (number + 1) * RECORDS)
        lines = [json.dumps({"id": one, "text": "x" * 50}) for one in own]
        # Keys are not in the order of arrival.
        key = f"raw/readings/{PARTITION}/{self.chance.randrange(100):02}-{number}.json"
        self.objects.create(key, "\n".join([*lines, lines[0], '{"id": "none"}', ""]).encode())
        self.ids[key] = set(own)

    def start(self) -> None:
        """Starts sealers until there are enough; each second one will kill itself between two effects."""
        while len(self._sealers) < SEALERS:
            environment = dict(os.environ)
            if self.chance.random() < 0.5:
                self.points += 1
                environment["PENSTOCK_FAULT"] = f"{self.chance.choice(POINTS)}:kill:{self.chance.randrange(1, 4)}"
            command = [sys.executable, str(SCRIPT), str(self.root), str(self.chance.random())]
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
            assert process.stdout is not None
            with process.stdout as printed:
                assert printed.readline() == b"ready\n"
            self._sealers.append(process)

    def kill_one(self) -> None:
        """Kills a sealer, and buries those that are dead."""
        self.chance.choice(self._sealers).send_signal(signal.SIGKILL)
        time.sleep(0.01)
        for process in [one for one in self._sealers if one.poll() is not None]:
            assert process.returncode == -signal.SIGKILL
            self._sealers.remove(process)
            self.kills += 1

    def stop(self) -> None:
        """Kills all sealers."""
        for process in self._sealers:
            process.kill()
            process.wait()
        self._sealers.clear()

    def read(self) -> None:
        """Looks at the table as a query does, and compares with all that had arrived before."""
        arrived = dict(self.ids)
        found = Counter(self._snapshot())
        expected = set().union(*arrived.values()) if arrived else set()
        assert found == Counter(dict.fromkeys(expected, 1))
        self.snapshots += 1

    def _snapshot(self) -> Iterator[int]:
        pinned = self.root.parent / f"pinned-{self.snapshots}.parquet"
        covered: set[str] = set()
        try:
            os.link(self.root / sealed_key("readings", PARTITION), pinned)
        except FileNotFoundError:
            pass
        else:
            covered = set(footer(pinned).sources)
            with duckdb.connect(":memory:") as connection:
                for (one,) in connection.execute("SELECT id FROM read_parquet(?)", [str(pinned)]).fetchall():
                    yield one
            pinned.unlink()
        for info in self.objects.list("raw/readings/"):
            if info.key not in covered:
                lines = map(json.loads, self.objects.get(info.key).splitlines())
                yield from {line["id"] for line in lines if isinstance(line["id"], int)}


@pytest.mark.parametrize("count", [6, pytest.param(KILLS, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_sealers_are_killed_while_readers_look(tmp_path: Path, count: int) -> None:
    chance = random.Random(count)
    scene = Scene(tmp_path / "lake", chance)
    scene.arrive()
    try:
        # However slow the machine is, readers have looked more often than sealers died.
        while scene.kills < count or scene.snapshots <= count:
            scene.start()
            if chance.random() < 0.4 and len(scene.ids) < 40:
                scene.arrive()
            until = time.monotonic() + chance.uniform(0.0, 0.4)
            while time.monotonic() < until:
                scene.read()
            scene.kill_one()
    finally:
        scene.stop()
    scene.read()
    outcome = sealer(scene.root).seal(TABLE, PARTITION, again=True)
    objects = len(scene.ids)
    counts = outcome.counts
    assert (counts.records, counts.good) == (objects * (RECORDS + 2), objects * RECORDS)
    assert (counts.quarantined, counts.duplicates) == (objects, objects)
    check = LakeCheck(scene.objects, DuckDbSealer(scene.root), DuckDbRowReader())
    assert [one for balance in check.check(TABLE) for one in balance.wrong] == []
    # What the dead left behind is cleared away.
    assert [str(path) for path in scene.root.rglob(".penstock-*")] == []
    assert scene.snapshots > count
    assert scene.points


@pytest.mark.parametrize("point", POINTS)
def test_a_sealer_dies_at_a_point(tmp_path: Path, point: str) -> None:
    scene = Scene(tmp_path / "lake", random.Random(0))
    scene.arrive()
    command = [sys.executable, str(SCRIPT), str(scene.root), "0"]
    environment = {**os.environ, "PENSTOCK_FAULT": f"{point}:kill:1"}
    dead = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False, timeout=60)
    assert dead.returncode == -signal.SIGKILL
    scene.read()
    assert sealer(scene.root).seal(TABLE, PARTITION).counts.good == RECORDS
    scene.read()
    sealer(scene.root).seal(TABLE, PARTITION, again=True)
    assert [str(path) for path in scene.root.rglob(".penstock-*")] == []
