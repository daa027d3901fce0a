from pathlib import Path

import pytest

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.lake.records import encode
from penstock.ports.query import RawFit
from penstock.runtime.lake.fitting import RawFitting
from penstock.testing.contracts.query import RECORDS, QueryEngineContract


@pytest.mark.parametrize("fit", [None, RawFitting(DuckDbRowReader())], ids=["as DuckDB reads", "as it is sealed"])
class TestDuckDbQueryEngine(QueryEngineContract):
    @pytest.fixture
    def query(self, tmp_path: Path, fit: RawFit | None) -> DuckDbQueryEngine:
        store = FileObjectStore(tmp_path / "lake")
        for key, records in RECORDS.items():
            store.create(key, encode(records))
        return DuckDbQueryEngine(tmp_path / "lake", fit=fit)
