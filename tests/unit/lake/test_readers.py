"""Objects of all formats become records, and nothing that is in them is left out."""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import duckdb
import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.adapters.local.rows import DuckDbRowReader
from penstock.lake.compression import compress
from penstock.lake.formats import content_of, extension_of, is_readable
from penstock.lake.outcome import Bad, Good
from penstock.lake.records import decode, encode
from penstock.model.schema import Precision


class Reading(msgspec.Struct):
    a: int
    s: str = ""
    f: float | None = None
    at: datetime | None = None
    on: date | None = None
    money: Annotated[Decimal, Precision(6, 2)] | None = None
    ok: bool = True
    tags: list[str] = []
    sizes: dict[str, float] = {}
    kind: Literal["x", "y"] = "x"


class Needed(msgspec.Struct):
    a: int
    s: str
    f: float | None


NDJSON = b'{"a":1}\n{"a":2,"s":"two"}\n'
TWO = [Reading(1), Reading(2, "two")]
PACK: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gzip": gzip.compress, "zstd": compress}


def pieces(data: bytes, size: int = 7) -> Iterable[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def records(found: Iterable[Good | Bad]) -> list[Any]:
    return [one.record if isinstance(one, Good) else (one.line, one.reason) for one in found]


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.json", NDJSON),
        ("x.json", b'[{"a":1},\n {"a":2,"s":"two"}]'),
        ("x.csv", b"a,s\n1,\n2,two\n"),
        ("x.tsv", b"a\ts\r\n1\t\r\n2\ttwo\r\n"),
        ("x.CSV.gz", b'\xef\xbb\xbf"a";"s"\n1;""\n"2";"two"'),
    ],
)
def test_an_object_is_what_its_bytes_and_its_name_say(pack: str, name: str, data: bytes) -> None:
    packed = PACK[pack](data)
    assert records(decode(packed, Reading, name)) == TWO
    assert records(decode(pieces(packed), Reading, name)) == TWO


@pytest.mark.parametrize("pack", [gzip.compress, compress])
def test_several_members_are_one_object(pack: Any) -> None:
    data = pack(b'{"a":1}\n{"a"') + pack(b"") + pack(b':2,"s":"two"}\n')
    assert records(decode(data, Reading)) == TWO
    assert records(decode(pieces(data, 3), Reading)) == TWO


def test_zeros_that_pad_a_gzip_file_are_no_data() -> None:
    assert records(decode(gzip.compress(NDJSON) + b"\0" * 512, Reading)) == TWO


@pytest.mark.parametrize("pack", ["gzip", "zstd"])
def test_a_file_that_is_cut_short_says_so_after_what_could_be_read(pack: str) -> None:
    noise = random.Random(7)
    data = b"".join(b'{"a":%d}\n' % noise.randrange(10**12) for _ in range(40_000))
    packed = PACK[pack](data)
    found = list(decode(pieces(packed[: len(packed) * 3 // 4], 4096), Reading))
    assert isinstance(found[-1], Bad)
    assert "cut short" in found[-1].reason
    assert all(isinstance(one, Good) for one in found[:-1])
    assert 1000 < len(found) < 40_000
    assert found[-1].line == len(found)


@pytest.mark.parametrize("pack", ["gzip", "zstd"])
def test_a_damaged_file_is_bad_and_does_not_raise(pack: str) -> None:
    packed = bytearray(PACK[pack](NDJSON * 100))
    packed[-3] ^= 0xFF
    found = list(decode(bytes(packed), Reading))
    assert isinstance(found[-1], Bad)
    assert "damaged" in found[-1].reason


def test_what_comes_after_the_compressed_data_is_damage() -> None:
    found = list(decode(gzip.compress(NDJSON) + b'{"a":3}\n', Reading))
    assert [type(one) for one in found] == [Good, Good, Bad]


@pytest.mark.parametrize("pack", ["gzip", "zstd"])
def test_a_small_file_that_holds_very_much_is_read_in_little_memory(pack: str) -> None:
    import tracemalloc

    bomb = PACK[pack](b" " * 300_000_000)
    assert len(bomb) < 400_000
    tracemalloc.start()
    found = list(decode(bomb, Reading))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 1
    assert peak < 120_000_000


def test_a_window_that_only_a_large_machine_has_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=30)
    huge = zstandard.ZstdCompressor(compression_params=parameters)
    stream = huge.compressobj()
    data = stream.compress(NDJSON) + stream.flush()
    (found,) = decode(data, Reading)
    assert isinstance(found, Bad)
    assert "damaged" in found.reason


# -- CSV ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'a,s\n1,"x,y"\n', [Reading(1, "x,y")]),
        (b'a,s\n1,"say ""hi"""\n', [Reading(1, 'say "hi"')]),
        (b'a,s\n1,"two\r\nlines\n"\n2,z\n', [Reading(1, "two\r\nlines\n"), Reading(2, "z")]),
        (b"a,new\n1,whatever\n", [Reading(1)]),
        (b"s,a\n x ,1\n", [Reading(1, " x ")]),
        (b"a,f,ok,kind\n1, 2.5 ,false,y\n", [Reading(1, f=2.5, ok=False, kind="y")]),
        (b"a,at\n1,2026-02-20T07:57:00Z\n", [Reading(1, at=datetime(2026, 2, 20, 7, 57, tzinfo=UTC))]),
        (b"a,on,money\n1,2026-02-20,1.25\n", [Reading(1, on=date(2026, 2, 20), money=Decimal("1.25"))]),
        (b'a,tags,sizes\n1,"[""x"",""y""]","{""k"":2}"\n', [Reading(1, tags=["x", "y"], sizes={"k": 2.0})]),
        (b"a|s\n\n1|x\n   \n2|y", [Reading(1, "x"), Reading(2, "y")]),
    ],
)
def test_cells_are_values(data: bytes, expected: list[Reading]) -> None:
    assert records(decode(data, Reading, "x.csv")) == expected


def test_an_empty_cell_is_no_value() -> None:
    assert records(decode(b"a,s,f\n1,,\n", Needed, "x.csv")) == [Needed(1, "", None)]
    (found,) = decode(b"a,s,f\n,x,1\n", Needed, "x.csv")
    assert isinstance(found, Bad)
    assert "missing required field `a`" in found.reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"x,y", "Expected `int`"),
        (b"1,2,3", "has 3 cells, the header 2"),
        (b"1", "has 1 cells, the header 2"),
        (b'1,a"b', "middle of a cell"),
        (b'1,"open', "not closed"),
        (b"1,\xff", "not UTF-8"),
        (b"99999999999999999999,x", "more than 64 bits"),
    ],
)
def test_a_bad_line_is_bad_alone(line: bytes, reason: str) -> None:
    first, bad, last = decode(b"a,s\n7,x\n" + line + b"\n8,y\n", Reading, "x.csv")
    assert isinstance(bad, Bad)
    assert reason in bad.reason
    assert (bad.line, bad.raw) == (3, line)
    assert [one.record.a for one in (first, last) if isinstance(one, Good)] == [7, 8]


def test_a_number_is_no_time() -> None:
    (found,) = decode(b"a,at\n1,1771574220\n", Reading, "x.csv")
    assert isinstance(found, Bad)
    assert "at is a time" in found.reason


@pytest.mark.parametrize("header", [b"a,a", b"\xff,a"])
def test_under_a_header_that_says_nothing_every_line_is_bad(header: bytes) -> None:
    found = list(decode(header + b"\n1,2\n3,4\n", Reading, "x.csv"))
    assert [(one.line, one.raw) for one in found] == [(2, b"1,2"), (3, b"3,4")]
    assert all(isinstance(one, Bad) and "header" in one.reason for one in found)


def test_a_header_alone_is_bad() -> None:
    assert records(decode(b"a,s\n", Reading, "x.csv")) == [(1, "the object has a header and no records")]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), TEXT), min_size=1), st.sampled_from(",;\t|"))
def test_what_a_csv_writer_writes_is_read(rows: list[tuple[int, str]], separator: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "s"), *rows])
    found = list(decode(out.getvalue().encode(), Reading, "x.csv"))
    assert [(one.record.a, one.record.s) for one in found if isinstance(one, Good)] == rows
    assert len(found) == len(rows)


CSV_LINES = st.lists(
    st.sampled_from([b"1,x", b'2,"a', b'b"', b'"', b",", b'3,"q"', b'4,"a""b"', b"", b"\xff", b'5,"a\r', b'"",""'])
    | st.binary(max_size=6).filter(lambda raw: b"\n" not in raw),
    max_size=30,
)


@given(CSV_LINES)
def test_every_line_of_a_csv_file_is_in_one_outcome(lines: list[bytes]) -> None:
    found = list(decode(b"\n".join([b"a,s", *lines]), Reading, "x.csv"))
    told = [line for one in found for line in one.raw.split(b"\n") if line.strip()]
    assert told == [line for line in lines if line.strip()]


@given(CSV_LINES)
def test_every_line_of_a_json_file_is_in_one_outcome(lines: list[bytes]) -> None:
    found = list(decode(b"\n".join([b"7", *lines]), Reading, "x.json"))
    assert [one.raw for one in found] == [b"7", *(line.strip() for line in lines if line.strip())]


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    data = b'a,s\n1,"open\n' + b"2,x\n" * 5000
    found = list(decode(data, Reading, "x.csv"))
    assert [type(one) for one in found] == [Bad, *[Good] * 5000]


def test_a_record_is_no_longer_than_a_thousand_lines() -> None:
    data = b'a,s\n1,"open\n' + b"2,x\n" * 2000 + b'end"\n'
    found = list(decode(data, Reading, "x.csv"))
    assert [type(one) for one in found] == [Bad, *[Good] * 2000, Bad]


# -- Parquet --------------------------------------------------------------------------------------


def parquet(path: Path, select: str) -> bytes:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


@pytest.mark.parametrize("pack", PACK)
def test_rows_of_parquet_are_records(tmp_path: Path, pack: str) -> None:
    data = parquet(
        tmp_path / "x.parquet",
        "SELECT 1 AS a, 'x' AS s, NULL::DOUBLE AS f, TIMESTAMPTZ '2026-02-20 07:57:00+02' AS at,"
        " DATE '2026-02-20' AS on, 1.25::DECIMAL(6,2) AS money, NULL::BOOLEAN AS ok, ['t'] AS tags,"
        " MAP {'k': 2.0::DOUBLE} AS sizes, 3 AS other",
    )
    expected = Reading(
        1,
        "x",
        None,
        datetime(2026, 2, 20, 5, 57, tzinfo=UTC),
        date(2026, 2, 20),
        Decimal("1.25"),
        True,
        ["t"],
        {"k": 2.0},
    )
    found = decode(pieces(PACK[pack](data), 100), Reading, "x.json", rows=DuckDbRowReader(tmp_path))
    assert records(found) == [expected]
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_rows_that_do_not_fit_are_bad_with_their_number(tmp_path: Path) -> None:
    data = parquet(
        tmp_path / "x.parquet", "SELECT * FROM (VALUES (1, 0.5), (NULL, 0.5), (3, 'NaN'::DOUBLE)) AS t(a, f)"
    )
    found = list(decode(data, Reading, rows=DuckDbRowReader()))
    assert [(one.line, type(one)) for one in found] == [(1, Good), (2, Bad), (3, Bad)]
    assert found[1].raw == b'{"a":null,"f":0.5}'


def test_what_only_begins_like_parquet_is_one_bad() -> None:
    (found,) = decode(b"PAR1 and more", Reading, rows=DuckDbRowReader())
    assert isinstance(found, Bad)
    assert "not Parquet" in found.reason


def test_where_nobody_reads_parquet_it_is_one_bad() -> None:
    (found,) = decode(b"PAR1 and more", Reading)
    assert isinstance(found, Bad)
    assert "Parquet" in found.reason


# -- all of them ----------------------------------------------------------------------------------


@given(st.binary(max_size=100), st.sampled_from(["x.json", "x.csv", "x.tsv.zst"]), st.sampled_from([*PACK, "magic"]))
def test_no_bytes_raise_and_none_are_passed_over(data: bytes, name: str, pack: str) -> None:
    packed = PACK[pack](data) if pack in PACK else b"\x28\xb5\x2f\xfd" + data
    assert list(decode(packed, Reading, name))


FINITE = st.floats(allow_nan=False, allow_infinity=False)
MONEY = st.decimals("-9999.99", "9999.99", places=2)
RECORDS = st.lists(
    st.builds(
        Reading,
        a=st.integers(-(2**63), 2**63 - 1),
        s=st.text(st.characters(codec="utf-8")),
        f=st.none() | FINITE,
        at=st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
        on=st.none() | st.dates(),
        money=st.none() | MONEY,
        ok=st.booleans(),
        tags=st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=3),
        sizes=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), FINITE, max_size=3),
        kind=st.sampled_from(["x", "y"]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60)
@given(RECORDS, st.sampled_from(sorted(PACK)), st.integers(1, 50))
def test_what_is_written_is_read(written: list[Reading], pack: str, size: int) -> None:
    assert records(decode(pieces(PACK[pack](encode(written)), size), Reading)) == written


@pytest.mark.parametrize(
    ("name", "extension", "readable"),
    [
        ("a.json", ".json", True), ("a.JSONL.gz", ".json.gz", True), ("a.ndjson.zst", ".json.zst", True),
        ("a.csv", ".csv", True), ("a.b.parquet", ".parquet", True), ("a.txt", ".json", False), ("json", ".json", False),
    ],
)  # fmt: skip
def test_names(name: str, extension: str, readable: bool) -> None:
    assert (extension_of(name), is_readable(name)) == (extension, readable)


def test_parquet_is_known_by_its_content_only() -> None:
    assert content_of("x.json", b"PAR1") == "parquet"
    assert content_of("x.parquet", b'{"a"') == "json"
