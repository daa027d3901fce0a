from pathlib import Path

import duckdb
import pytest

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.model.datasets import LakeTable
from penstock.testing.contracts.sealing import ARRIVING, UNIQUE, SealingEngineContract


@pytest.fixture
def objects(tmp_path: Path) -> FileObjectStore:
    return FileObjectStore(tmp_path / "lake")


class TestDuckDbSealer(SealingEngineContract):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> DuckDbSealer:
        return DuckDbSealer(tmp_path / "lake", threads=1)


class TestDuckDbSealerOfObjects(SealingEngineContract):
    """As it works where the lake is no folder."""

    @pytest.fixture
    def engine(self, tmp_path: Path, objects: FileObjectStore) -> DuckDbSealer:
        return DuckDbSealer(tmp_path / "elsewhere", objects=objects, threads=1)


def test_the_scratch_of_the_dead_is_removed_and_that_of_the_living_is_not(tmp_path: Path) -> None:
    (tmp_path / ".penstock-seal-dead" / "spilled").mkdir(parents=True)
    engine = DuckDbSealer(tmp_path)
    with engine.scratch() as living, DuckDbSealer(tmp_path).scratch():
        assert not (tmp_path / ".penstock-seal-dead").exists()
        assert living.exists()


@pytest.mark.parametrize("table", [ARRIVING, UNIQUE])
def test_rows_stay_in_the_order_in_which_they_came(tmp_path: Path, table: LakeTable) -> None:
    engine = DuckDbSealer(tmp_path, threads=2)
    # Two files of several of the engine's buffers each.
    numbers = [range(200_000), range(200_000, 300_000)]
    with engine.scratch() as scratch:
        paths = [scratch / f"{place}.json" for place in range(2)]
        for path, found in zip(paths, numbers, strict=True):
            path.write_bytes(b"".join(b'{"name":"%d-%b","count":%d}\n' % (n, b"x" * 200, n) for n in found))
        written = engine.write(
            table,
            paths,
            check=lambda: list(map(len, numbers)),
            previous=None,
            describe=lambda _: {},
            scratch=scratch,
        )
        with duckdb.connect(":memory:") as connection:
            rows = connection.execute("SELECT count FROM read_parquet(?)", [str(written.path)]).fetchall()
    assert [count for (count,) in rows] == list(range(300_000))
