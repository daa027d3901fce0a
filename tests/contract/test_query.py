from pathlib import Path

import pytest

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.lake.records import encode
from penstock.testing.contracts.query import RECORDS, QueryEngineContract


class TestDuckDbQueryEngine(QueryEngineContract):
    @pytest.fixture
    def query(self, tmp_path: Path) -> DuckDbQueryEngine:
        store = FileObjectStore(tmp_path / "lake")
        for key, records in RECORDS.items():
            store.create(key, encode(records))
        return DuckDbQueryEngine(tmp_path / "lake")
