import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.adapters.local.metrics import SqliteMetricStore
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import HomeError, NotFoundError, ValidationError
from penstock.model.metrics import Datapoint, Metric
from penstock.testing.contracts.metrics import CPU, NOW, MetricStoreContract
from penstock.testing.contracts.objects import ObjectStoreContract

WRITE = "import sys; from pathlib import Path; from penstock.adapters.local.objects import FileObjectStore;"
WRITE += "FileObjectStore(Path(sys.argv[1])).create('t/a', b'x' * 1000)"


class TestFileObjectStore(ObjectStoreContract):
    @pytest.fixture
    def objects(self, tmp_path: Path) -> FileObjectStore:
        return FileObjectStore(tmp_path / "store")

    @pytest.mark.parametrize("point", ["objects.before_sync", "objects.before_link", "objects.after_link"])
    def test_a_writer_that_dies_leaves_nothing_half(self, objects: FileObjectStore, tmp_path: Path, point: str) -> None:
        environment = {**os.environ, "PENSTOCK_FAULT": f"{point}:kill"}
        dead = subprocess.run([sys.executable, "-c", WRITE, str(tmp_path / "store")], env=environment, check=False)
        assert dead.returncode == -9
        found = [info.key for info in objects.list()]
        assert found == (["t/a"] if point == "objects.after_link" else [])
        if not found:
            objects.create("t/a", b"again")

    def test_links_lead_nowhere(self, objects: FileObjectStore, tmp_path: Path) -> None:
        objects.create("t/a", b"x")
        (tmp_path / "secret").write_text("secret")
        (tmp_path / "store" / "t" / "link").symlink_to(tmp_path / "secret")
        (tmp_path / "store" / "out").symlink_to(tmp_path)
        assert [info.key for info in objects.list()] == ["t/a"]
        for key in ("t/link", "out/secret"):
            with pytest.raises(NotFoundError):
                objects.get(key)
        with pytest.raises(HomeError):
            objects.create("out/new", b"x")

    def test_the_stores_own_names_are_refused(self, objects: FileObjectStore) -> None:
        with pytest.raises(ValidationError):
            objects.create("t/.penstock-1", b"")


class TestSqliteMetricStore(MetricStoreContract):
    @pytest.fixture
    def metrics(self, tmp_path: Path) -> Iterator[SqliteMetricStore]:
        store = SqliteMetricStore(tmp_path / "metrics.sqlite", VirtualClock(NOW))
        yield store
        store.close()

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 3599), st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-3))))
    def test_statistics_are_those_of_the_plain_sum(
        self, tmp_path_factory: pytest.TempPathFactory, values: list[tuple[int, float]]
    ) -> None:
        store = SqliteMetricStore(tmp_path_factory.mktemp("m") / "m.sqlite", VirtualClock(NOW))
        start = NOW // 600 * 600 - 3600
        store.publish([Datapoint(CPU, start + offset, value) for offset, value in values])
        for found in store.statistics(CPU, start, start + 3600, 600):
            own = [value for offset, value in values if found.start <= start + offset < found.start + 600]
            assert (found.sample_count, found.minimum, found.maximum) == (len(own), min(own), max(own))
            assert found.sum == pytest.approx(sum(own), abs=1e-3)
        store.close()


def test_a_store_tells_that_somebody_has_published_or_deleted(tmp_path: Path) -> None:
    mine, other = (SqliteMetricStore(tmp_path / "m.sqlite", VirtualClock(NOW)) for _ in range(2))
    point = Datapoint(Metric("N", "CPU"), NOW, 1.0)
    before = mine.version()
    assert mine.version() == before
    mine.publish([point])
    after = mine.version()
    assert after != before
    other.publish([point])
    assert mine.version() != after
    after = mine.version()
    mine.expire(NOW + 1)
    assert mine.version() != after
    assert mine.span() is None
    mine.publish([point, Datapoint(Metric("N", "CPU"), NOW - 60, 1.0)])
    assert (mine.count(), mine.span()) == (2, (NOW - 60, NOW))
    mine.close()
    other.close()


def test_a_series_has_the_unit_that_was_published_last(tmp_path: Path) -> None:
    store = SqliteMetricStore(tmp_path / "m.sqlite", VirtualClock(NOW))
    for unit in ("Percent", "Count", "Percent", "Count"):
        store.publish([Datapoint(Metric("N", "CPU", (), unit), NOW, 1.0)])
        assert [metric.unit for metric in store.series()] == [unit]
    assert len(store.values(Metric("N", "CPU"), 0, NOW + 1)) == 4
    store.close()
