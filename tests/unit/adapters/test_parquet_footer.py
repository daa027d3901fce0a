from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.local.parquet_footer import add_key_values, footer, parse
from penstock.errors import ValidationError
from penstock.model.sealing import Footer

METADATA = {
    "penstock.sources": '[{"key":"raw/t/a.json","etag":"e","size":7,"records":3,"good":2,"quarantined":1}]',
    "penstock.schema": '{"fingerprint":"f","columns":[{"name":"a","type":"bigint"}]}',
    "penstock.counts": '{"records":3,"good":2,"quarantined":1,"duplicates":0}',
    "penstock.format": "1",
}
EVERYTHING = (
    "SELECT i::BIGINT AS whole, i::INTEGER AS short, i::DOUBLE AS real, 'é' || i AS text, i % 2 = 0 AS flag,"
    " DATE '2026-02-20' AS day, TIMESTAMP '2026-02-20 07:00:00' AS moment, i::DECIMAL(38,9) AS money,"
    " i::DECIMAL(9,2) AS price, [i::BIGINT] AS list, MAP {'k': i::DOUBLE} AS map, {'a': i, 'b': {'c': 'x'}} AS nested,"
    " CASE WHEN i > 5 THEN i END AS gaps FROM range(300000) AS rows(i)"
)


def written(path: Path, query: str, metadata: dict[str, str]) -> Path:
    """Writes a file with DuckDB."""
    values = ", ".join(f"'{name}': '{value}'" for name, value in metadata.items())
    keeping = f", KV_METADATA {{{values}}}" if metadata else ""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 20000{keeping})")
    return path


def reference(path: Path) -> list[tuple[tuple[str, ...], str, str, bool]]:
    """Returns the leaves of a file's schema as DuckDB's own reader tells them."""
    with duckdb.connect(":memory:") as connection:
        asked = "SELECT name, type, coalesce(converted_type, ''), repetition_type, coalesce(num_children, 0)"
        elements = connection.execute(f"{asked} FROM parquet_schema(?)", [str(path)]).fetchall()
    position = 0

    def walk(above: tuple[str, ...]) -> Any:
        nonlocal position
        name, physical, converted, repetition, children = elements[position]
        position += 1
        here = (*above, name)
        if not children:
            yield here, physical, converted, repetition == "REQUIRED"
        for _ in range(children):
            yield from walk(here)

    return [(path[1:], *rest) for path, *rest in walk(())]


def test_a_footer_is_what_another_reader_finds(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet", EVERYTHING, METADATA)
    found = footer(path)
    assert isinstance(found, Footer)
    assert [(one.path, one.physical, one.converted, one.is_required) for one in found.columns] == reference(path)
    assert [(one.scale, one.precision) for one in found.columns if one.converted == "DECIMAL"] == [(9, 38), (2, 9)]
    assert found.rows == 300_000
    assert found.created_by.startswith("DuckDB")
    source = found.sources["raw/t/a.json"]
    assert (source.etag, source.size, source.records, source.good, source.quarantined, source.duplicates) == (
        "e", 7, 3, 2, 1, 0
    )  # fmt: skip


@pytest.mark.parametrize("known", [{}, {"other": "kept", "penstock.format": "0"}])
@pytest.mark.parametrize("sources", [1, 5_000])
def test_metadata_that_is_added_is_what_other_readers_find(tmp_path: Path, known: dict[str, str], sources: int) -> None:
    path = written(tmp_path / "t.parquet", EVERYTHING, known)
    before = pq.read_table(path)
    listed = msgspec.json.encode([{"key": f"raw/t/é{number:06}.json"} for number in range(sources)]).decode()
    added = {**METADATA, "penstock.sources": listed, "empty": "", **{f"key{number}": "x" for number in range(20)}}
    add_key_values(path, added)
    expected = {**known, **added}
    with duckdb.connect(":memory:") as connection:
        asked = "SELECT decode(key), decode(value) FROM parquet_kv_metadata(?)"
        assert dict(connection.execute(asked, [str(path)]).fetchall()) == expected
        assert connection.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone() == (300_000,)
    found = pq.read_metadata(path).metadata
    assert {name.decode(): value.decode() for name, value in found.items() if name != b"ARROW:schema"} == expected
    assert pq.read_table(path).equals(before)
    assert len(footer(path).sources) == sources


def test_metadata_cannot_be_added_to_what_is_no_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 no PAR1")
    with pytest.raises(ValidationError):
        add_key_values(path, METADATA)
    assert path.read_bytes() == b"PAR1 no PAR1"


def test_a_large_footer_is_read_whole(tmp_path: Path) -> None:
    sources = [{"key": f"raw/t/{number:06}.json"} for number in range(5_000)]
    metadata = {**METADATA, "penstock.sources": msgspec.json.encode(sources).decode()}
    assert len(footer(written(tmp_path / "t.parquet", "SELECT 1 AS a", metadata)).sources) == 5_000


def test_a_file_that_was_not_sealed(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet", "SELECT 1 AS a", {})
    with pytest.raises(ValidationError, match="no sealed file: its footer lacks"):
        footer(path)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1PAR1PAR1", b"x" * 100, b"PAR1" + b"\xff" * 8 + b"PAR1"])
def test_what_is_no_parquet_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(data)
    with pytest.raises(ValidationError):
        footer(path)


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    data = written(tmp_path_factory.mktemp("p") / "t.parquet", "SELECT 1 AS a", METADATA).read_bytes()
    length = int.from_bytes(data[-8:-4], "little")
    return data[-length - 8 : -8]


@given(st.data())
def test_a_damaged_footer_is_an_error_of_ours(metadata: bytes, data: st.DataObject) -> None:
    broken = bytearray(metadata)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = broken[: data.draw(st.integers(0, len(broken)))]
    for damaged in (bytes(broken), bytes(cut)):
        try:
            parse(damaged, "t.parquet")
        except ValidationError:
            continue
