import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.query_types import duckdb_type
from penstock.errors import QueryError, ValidationError
from penstock.lake.records import encode
from penstock.testing.contracts.query import RECORDS, TABLE, QueryEngineContract


class TestDuckDbQueryEngine(QueryEngineContract):
    @pytest.fixture
    def query(self, tmp_path: Path) -> DuckDbQueryEngine:
        store = FileObjectStore(tmp_path / "lake")
        for key, records in RECORDS.items():
            store.create(key, encode(records))
        return DuckDbQueryEngine(tmp_path / "lake")

    def test_a_bad_file_does_not_spoil_a_query(self, query: DuckDbQueryEngine, tmp_path: Path) -> None:
        folder = tmp_path / "lake/raw/readings/year=2026/month=02/day=20/hour=07"
        (folder / "bad.json").write_bytes(b'not json\n{"value": "x"}\n\xff\xfe\n{"timestamp": 1}\n')
        (folder / "empty.json").write_bytes(b"")
        assert query.run("SELECT count(*) FROM readings", tables=[TABLE]).rows == [(3,)]

    def test_a_link_out_of_the_lake_is_not_followed_by_a_view(self, query: DuckDbQueryEngine, tmp_path: Path) -> None:
        (tmp_path / "secret.json").write_bytes(encode(RECORDS[next(iter(RECORDS))]))
        with pytest.raises(QueryError):
            query.run(f"SELECT * FROM read_json('{tmp_path}/secret.json')", tables=[TABLE])
        with pytest.raises(QueryError):
            query.run(f"SELECT * FROM read_json('{tmp_path}/lake/../secret.json')", tables=[TABLE])

    def test_too_much_memory_is_an_error(self, tmp_path: Path) -> None:
        small = DuckDbQueryEngine(tmp_path, memory_limit_mb=20)
        with pytest.raises(QueryError, match="more than 20 MB"):
            small.run("SELECT count(DISTINCT range) FROM range(50000000)", tables=[])

    @settings(max_examples=40, deadline=None)
    @given(st.text(max_size=60))
    def test_any_text_is_answered_or_refused(self, text: str) -> None:
        with contextlib.suppress(QueryError):
            DuckDbQueryEngine(Path("nowhere")).run(text, tables=[])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("map<string,array<bigint>>", "MAP(VARCHAR, BIGINT[])"),
        ("struct<a:string,b:struct<c:double>>", 'STRUCT("a" VARCHAR, "b" STRUCT("c" DOUBLE))'),
        ("decimal(38,9)", "DECIMAL(38,9)"),
    ],
)
def test_types(name: str, expected: str) -> None:
    assert duckdb_type(name) == expected


def test_a_type_that_is_none() -> None:
    with pytest.raises(ValidationError):
        duckdb_type("varchar")
