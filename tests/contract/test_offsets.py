"""The store of offsets, by its contract."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from penstock.adapters.local.offsets import SqliteOffsetStore
from penstock.ports.offsets import OffsetStore
from penstock.testing.contracts.offsets import OffsetsContract


class TestSqliteOffsetStore(OffsetsContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[OffsetStore]:
        store = SqliteOffsetStore(tmp_path / "follow.sqlite")
        yield store
        store.close()

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], OffsetStore]:
        return lambda: SqliteOffsetStore(tmp_path / "follow.sqlite")
