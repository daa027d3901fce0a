from pathlib import Path

import duckdb
import pytest

from penstock.adapters.local.parquet_rows import ParquetRows
from penstock.errors import ValidationError


def test_rows_are_read_as_json_can_hold_them(tmp_path: Path) -> None:
    query = """SELECT 1 AS i, 'é' AS t, 1.5::DOUBLE AS d, NULL AS n, TIMESTAMP '2026-02-20 07:00:00' AS at, [1, 2] AS l,
               {'a': true} AS s UNION ALL SELECT 2, 'x', 2.5, NULL, NULL, [], {'a': false}"""
    duckdb.connect().execute(f"COPY ({query}) TO '{tmp_path}/a.parquet' (FORMAT parquet)")
    assert list(ParquetRows(tmp_path)("a.parquet")) == [
        {"i": 1, "t": "é", "d": 1.5, "n": None, "at": "2026-02-20 07:00:00", "l": [1, 2], "s": {"a": True}},
        {"i": 2, "t": "x", "d": 2.5, "n": None, "at": None, "l": [], "s": {"a": False}},
    ]


def test_more_rows_than_are_held_at_once(tmp_path: Path) -> None:
    duckdb.connect().execute(f"COPY (SELECT range AS n FROM range(2500)) TO '{tmp_path}/a.parquet' (FORMAT parquet)")
    assert [row["n"] for row in ParquetRows(tmp_path)("a.parquet")] == list(range(2500))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all", b"PAR1" + b"\x00" * 40 + b"PAR1"])
def test_what_is_no_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(ValidationError, match=r"a\.parquet is no Parquet file"):
        list(ParquetRows(tmp_path)("a.parquet"))
