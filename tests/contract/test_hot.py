import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from penstock.adapters.local.hot import SqliteHotStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import ConditionFailedError
from penstock.ports import hot
from penstock.ports.hot import attribute_not_exists
from penstock.testing.contracts.hot import HotStoreContract
from penstock.testing.contracts.hot_tables import PLAIN, READINGS, pages, reading

NOW = 1_790_000_000.5


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


class TestSqliteHotStore(HotStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, clock: VirtualClock) -> Iterator[SqliteHotStore]:
        opened = SqliteHotStore(tmp_path / "hot.sqlite", clock)
        yield opened
        opened.close()


# -- against a dict -----------------------------------------------------------------------------------

ATS = st.sampled_from([Decimal(text) for text in ("-12.03", "-12", "-1.2", "-1.203", "0", "1E-5", "1.2", "7", "10")])
DEVICES = st.sampled_from(["d", "e"])
LEVELS = st.one_of(st.none(), st.integers(-3, 3))
LIMITS = st.one_of(st.none(), st.integers(1, 4))
RANGES: dict[str, Callable[[Any, Any, Any], bool]] = {
    "=": lambda at, low, _: at == low,
    "<": lambda at, low, _: at < low,
    "<=": lambda at, low, _: at <= low,
    ">": lambda at, low, _: at > low,
    ">=": lambda at, low, _: at >= low,
    "between": lambda at, low, high: low <= at <= high,
}


class AgainstADict(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = SqliteHotStore(Path(self.folder.name) / "hot.sqlite", VirtualClock(NOW))
        self.model: dict[tuple[str, Decimal], dict[str, Any]] = {}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def make(self, device: str, at: Decimal, level: int | None) -> dict[str, Any]:
        return reading(at, device, turn=len(self.model), **({} if level is None else {"room": "r", "level": level}))

    @rule(device=DEVICES, at=ATS, level=LEVELS)
    def put(self, device: str, at: Decimal, level: int | None) -> None:
        item = self.make(device, at, level)
        self.store.put(READINGS, item)
        self.model[device, at] = item

    @rule(device=DEVICES, at=ATS, level=LEVELS)
    def put_if_absent(self, device: str, at: Decimal, level: int | None) -> None:
        item = self.make(device, at, level)
        try:
            self.store.put(READINGS, item, condition=attribute_not_exists("device"))
        except ConditionFailedError:
            assert (device, at) in self.model
        else:
            assert (device, at) not in self.model
            self.model[device, at] = item

    @rule(device=DEVICES, ats=st.sets(ATS), level=LEVELS)
    def batch_put(self, device: str, ats: set[Decimal], level: int | None) -> None:
        items = [self.make(device, at, level) for at in ats]
        self.store.batch_put(READINGS, items)
        self.model.update({(device, item["at"]): item for item in items})

    @rule(device=DEVICES, at=ATS)
    def delete(self, device: str, at: Decimal) -> None:
        self.store.delete(READINGS, {"device": device, "at": at})
        self.model.pop((device, at), None)

    @rule(device=DEVICES, at=ATS)
    def get(self, device: str, at: Decimal) -> None:
        assert self.store.get(READINGS, {"device": device, "at": at}) == self.model.get((device, at))

    @rule(
        device=DEVICES, operator=st.sampled_from(sorted(RANGES)), bounds=st.tuples(ATS, ATS), limit=LIMITS,
        newest_first=st.booleans(),
    )  # fmt: skip
    def query(
        self, device: str, operator: Any, bounds: tuple[Decimal, Decimal], limit: int | None, newest_first: bool
    ) -> None:
        low, high = sorted(bounds)
        found = pages(
            lambda after: self.store.query(
                READINGS, partition=device, sort=hot.KeyRange(operator, low, high), limit=limit, after=after,
                newest_first=newest_first,
            )
        )  # fmt: skip
        fitting = [at for one, at in self.model if one == device and RANGES[operator](at, low, high)]
        assert list(found) == [self.model[device, at] for at in sorted(fitting, reverse=newest_first)]

    @rule(limit=LIMITS, newest_first=st.booleans())
    def query_index(self, limit: int | None, newest_first: bool) -> None:
        found = list(
            pages(
                lambda after: self.store.query(
                    READINGS, partition="r", index="by-room", limit=limit, after=after, newest_first=newest_first
                )
            )
        )
        levels = [item["level"] for item in self.model.values() if "level" in item]
        assert [item["level"] for item in found] == sorted(levels, reverse=newest_first)
        keys = {(item["device"], item["at"]) for item in found}
        assert keys == {key for key, item in self.model.items() if "level" in item}
        assert len(keys) == len(found)

    @rule(limit=LIMITS)
    def scan(self, limit: int | None) -> None:
        found = list(pages(lambda after: self.store.scan(READINGS, limit=limit, after=after)))
        assert {(item["device"], item["at"]): item for item in found} == self.model
        assert len(found) == self.store.count(READINGS) == len(self.model)


TestAgainstADict = AgainstADict.TestCase
TestAgainstADict.settings = settings(
    max_examples=60, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


# -- two processes ------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from penstock.adapters.local.hot import SqliteHotStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import ConditionFailedError
from penstock.ports.hot import attribute, attribute_not_exists
from penstock.testing.contracts.hot_tables import PLAIN, READINGS, reading

path, name = sys.argv[1:]
store = SqliteHotStore(Path(path), VirtualClock(0))
sys.stdin.readline()
for at in range(200):
    store.put(READINGS, reading(at, name, room="r", level=at))
    store.put(READINGS, reading(at, "shared", room="s", level=at, writer=name))
    while True:
        counter = store.get(PLAIN, {"id": "counter"})
        seen = attribute_not_exists("id") if counter is None else attribute("count", "=", counter["count"])
        try:
            count = 0 if counter is None else counter["count"]
            store.put(PLAIN, {"id": "counter", "count": count + 1}, condition=seen)
            break
        except ConditionFailedError:
            pass
store.close()
"""


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path, clock: VirtualClock) -> None:
    path = tmp_path / "hot.sqlite"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], stdin=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.close()
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    store = SqliteHotStore(path, clock)
    assert store.get(PLAIN, {"id": "counter"}) == {"id": "counter", "count": 400}
    for device in ("one", "two", "shared"):
        assert [item["at"] for item in store.query(READINGS, partition=device).items] == list(range(200))
    assert len(store.query(READINGS, partition="r", index="by-room").items) == 400
    by_room = store.query(READINGS, partition="s", index="by-room").items
    assert [item["level"] for item in by_room] == list(range(200))
    store.close()
