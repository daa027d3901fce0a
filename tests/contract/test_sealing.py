from pathlib import Path

import pytest

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.testing.contracts.sealing import SealingEngineContract


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
