"""What the crawler says of files that it finds: each format and compression, by content, and what cannot be read."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
import zstandard

from penstock.adapters.local.crawler import DuckDbCrawler, find
from penstock.errors import NotFoundError, UsageError
from penstock.lake.crawl import FileFacts, infer

LINES = b'{"id": 1, "name": "a"}\n{"id": 2, "name": null}\n'


def look(path: Path) -> FileFacts:
    with DuckDbCrawler() as crawler:
        (file,) = find(path.parent)
        return msgspec.convert(crawler.look(file), FileFacts)


def types(facts: FileFacts) -> dict[str, str]:
    return {name: str(kind) for name, kind in facts.columns.items()}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lines.json", LINES),
        ("lines.txt", LINES),
        ("lines", LINES),
        ("array.json", b'[{"id": 1, "name": "a"},\n {"id": 2, "name": null}]'),
        ("spread.json", b'{\n "id": 1,\n "name": "a"\n}\n{\n "id": 2,\n "name": null\n}\n'),
        ("lines.json.gz", gzip.compress(LINES, mtime=0)),
        ("mislabelled.json", gzip.compress(LINES, mtime=0)),
        ("lines.jsonl.zst", zstandard.compress(LINES)),
        ("array.zst", zstandard.compress(b'[{"id": 1, "name": "a"}, {"id": 2, "name": null}]')),
    ],
)
def test_json_in_every_shape(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    facts = look(tmp_path / name)
    assert (facts.error, facts.format, facts.rows) == ("", "json", 2)
    assert types(facts) == {"id": "bigint", "name": "string"}
    assert facts.nulls == {"id": 0, "name": 1}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"id,name\n1,a\n2,\n"),
        ("a.csv.gz", gzip.compress(b"id,name\n1,a\n2,\n", mtime=0)),
        ("a.tsv", b"id\tname\n1\ta\n2\t\n"),
    ],
)
def test_csv(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    facts = look(tmp_path / name)
    assert (facts.error, facts.format, facts.rows) == ("", "csv", 2)
    assert types(facts) == {"id": "bigint", "name": "string"}
    assert facts.nulls == {"id": 0, "name": 1}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("1::TINYINT", "bigint"),
        ("1::UINTEGER", "bigint"),
        ("1::UBIGINT", "decimal(20,0)"),
        ("1.5::FLOAT", "double"),
        ("1.25::DECIMAL(12,2)", "decimal(12,2)"),
        ("true", "boolean"),
        ("'x'::BLOB", "binary"),
        ("DATE '2026-02-20'", "date"),
        ("TIMESTAMP '2026-02-20 07:00:00'", "timestamp"),
        ("TIMESTAMPTZ '2026-02-20 07:00:00Z'", "timestamp"),
        ("TIMESTAMP_NS '2026-02-20 07:00:00'", "timestamp"),
        ("TIME '07:00:00'", "string"),
        ("gen_random_uuid()", "string"),
        ("[1, 2]", "array<bigint>"),
        ("MAP {'a': 1.5::DOUBLE}", "map<string,double>"),
        ("{'a': 1, 'b': ['x']}", "struct<a:bigint,b:array<string>>"),
    ],
)
def test_types_of_parquet(tmp_path: Path, sql: str, expected: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {sql} AS x) TO '{tmp_path}/a.parquet' (FORMAT parquet)")
    facts = look(tmp_path / "a.parquet")
    assert (facts.error, facts.format, facts.rows) == ("", "parquet", 1)
    assert types(facts) == {"x": expected}


def test_a_type_that_only_the_last_line_shows_is_seen(tmp_path: Path) -> None:
    content = b'{"n": 1}\n' * 30_000 + b'{"n": 1.5}\n'
    (tmp_path / "a.json").write_bytes(content)
    assert types(look(tmp_path / "a.json")) == {"n": "double"}


def test_values_without_a_common_type_are_told_from_a_column_of_nulls(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"m": 1, "z": null}\n{"m": {"a": 1}, "z": null}\n')
    assert types(look(tmp_path / "a.json")) == {"m": "mixed", "z": "unknown"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.bin", b"\x00\x01\x02", "neither JSON, CSV nor Parquet"),
        ("a.json", b'{"a": 1}\n{"a": \n', "Malformed JSON"),
        ("a.parquet", b"PAR1 and no more", "a.parquet"),
        ("a.parquet.gz", gzip.compress(b"PAR1 and more", mtime=0), "decompress it"),
        ("a.json.gz", gzip.compress(LINES, mtime=0)[:20], ""),
        ("a.json.zst", zstandard.compress(LINES)[:12], ""),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    facts = look(tmp_path / name)
    assert facts.error.startswith("cannot be read: ")
    assert reason in facts.error
    assert str(tmp_path) not in facts.error


def test_what_is_no_data_file_is_left_out(tmp_path: Path) -> None:
    for name in ("_SUCCESS", ".hidden", "empty.json", "_temporary/a.json", "day=1/a.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"" if name == "empty.json" else LINES)
    (tmp_path / "link.json").symlink_to(tmp_path / "day=1/a.json")
    os.mkfifo(tmp_path / "pipe.json")
    assert [one.relative for one in find(tmp_path)] == ["day=1/a.json"]


def test_a_name_that_looks_like_a_pattern_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "a[1]*.json").write_bytes(LINES)
    assert look(tmp_path / "a[1]*.json").rows == 2


def test_one_table_of_several_files(tmp_path: Path) -> None:
    for day, content in (("1", b'{"id": 1}\n'), ("2", b'{"id": 1.5, "late": true}\n')):
        (tmp_path / f"day={day}").mkdir()
        (tmp_path / f"day={day}/a.json").write_bytes(content)
    with DuckDbCrawler() as crawler:
        plain: list[dict[str, Any]] = [crawler.look(file) for file in find(tmp_path)]
    found = infer([msgspec.convert(one, FileFacts) for one in plain], "readings")
    assert [(one.name, str(one.type), one.nullable) for one in found.columns] == [
        ("id", "double", False), ("late", "boolean", True),
    ]  # fmt: skip
    assert found.partition_columns == ("day",)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        list(find(tmp_path / "none"))


def test_a_crawler_that_is_not_open(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(LINES)
    with pytest.raises(UsageError):
        DuckDbCrawler().look(next(find(tmp_path)))
