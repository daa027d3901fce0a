"""Objects that an engine reads as they are, while they are checked; and what becomes of those that are otherwise."""

import gzip
from pathlib import Path

import msgspec
import pytest
from tests.sealing import PARTITION, Lake

from penstock.model.datasets import LakeTable


class Row(msgspec.Struct):
    """A record of the table."""

    name: str
    count: int | None = None


TABLE = LakeTable(name="rows", record=Row, sort=("name",))
UNIQUE = LakeTable(name="rows", record=Row, unique=("name",))
GOOD = b"".join(b'{"name":"%05d"}\n' % number for number in range(5_000))


@pytest.fixture(params=[TABLE, UNIQUE], ids=["table", "unique"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(tmp_path, request.param, large_bytes=1_000)


def test_a_misfit_is_found_while_its_object_is_being_sealed(lake: Lake) -> None:
    # DuckDB takes a number for a text, so that only the record's type refuses it.
    lake.add("a.json", GOOD)
    bad = lake.add("b.json", GOOD.replace(b'"04999"', b"4999").replace(b'{"name":"0', b'{"name":"1'))
    lake.add("c.json", b'{"name":"small"}\n')
    counts = lake.sealer.seal(lake.table, PARTITION).counts
    assert (counts.records, counts.good, counts.quarantined, counts.duplicates) == (10_001, 10_000, 1, 0)
    ((source, line),) = [(one["source"], one["line"]) for one in lake.quarantined()]
    assert (source, line) == (bad, 5_000)
    assert lake.wrong() == []


@pytest.mark.parametrize("name", ["b.json", "b.json.gz"])
@pytest.mark.parametrize(
    "data",
    [b"[" + b",\n".join(GOOD.splitlines()) + b"]", gzip.compress(GOOD, mtime=0), GOOD],
    ids=["array", "gzip", "plain"],
)
def test_an_object_that_is_not_what_its_name_says(lake: Lake, name: str, data: bytes) -> None:
    # Texts that compress too well would make the object a small one.
    lake.add("a.json", GOOD.replace(b'{"name":"0', b'{"name":"1'))
    lake.add(name, data)
    counts = lake.sealer.seal(lake.table, PARTITION).counts
    assert (counts.records, counts.good, counts.quarantined) == (10_000, 10_000, 0)
    assert [row[0] for row in lake.rows()][:2] in (["00000", "00001"], ["10000", "10001"])
    assert lake.wrong() == []


def test_what_only_the_engine_refuses_is_looked_at_line_by_line(lake: Lake) -> None:
    # The first key counts for DuckDB, and the last one for msgspec: such a line is nobody's record.
    twice = b'{"name":"twice","name":"again"}\n'
    for place in range(5):
        lake.add(f"{place}.json", GOOD.replace(b'{"name":"0', b'{"name":"%d' % place) + twice * (place == 3))
    lake.add("9.json", b'{"name":"small"}\n' + twice)
    counts = lake.sealer.seal(lake.table, PARTITION).counts
    assert (counts.records, counts.good, counts.quarantined) == (25_003, 25_001, 2)
    assert sorted(one["line"] for one in lake.quarantined()) == [2, 5_001]
    assert lake.wrong() == []
