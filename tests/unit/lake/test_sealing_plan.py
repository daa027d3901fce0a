import msgspec
import pytest

from penstock.lake.sealing import is_closed, metadata, partition_of, plan, sealed_key, totals
from penstock.model.datasets import LakeTable
from penstock.model.sealing import Counts, Footer, SealedSchema, SourceCounts

PARTITION = "year=2026/month=02/day=20/hour=07"
AT = 1_771_570_800.0  # 2026-02-20T07:00:00Z


class Reading(msgspec.Struct):
    a: int


TABLE = LakeTable(name="t", record=Reading)
UNIQUE = LakeTable(name="t", record=Reading, unique=("a",))


def source(name: str, quarantined: int = 0) -> SourceCounts:
    return SourceCounts(key=f"raw/t/{PARTITION}/{name}", records=2, good=2 - quarantined, quarantined=quarantined)


def sealed(*sources: SourceCounts) -> Footer:
    found = {one.key: one for one in sources}
    return Footer(sources=found, schema=SealedSchema("f", ()), counts=totals(sources), rows=0)


A, B, C = source("a"), source("b"), source("c")
BAD = source("b", quarantined=1)


@pytest.mark.parametrize(
    ("table", "raw", "footer", "again", "read", "keep", "regain"),
    [
        (TABLE, [], None, False, [], [], []),
        (TABLE, [], None, True, [], [], []),
        (TABLE, [A, B], None, False, [A, B], [], []),
        (TABLE, [A, B], sealed(A, B), False, [], [A, B], []),
        (TABLE, [A, B, C], sealed(A, B), False, [C], [A, B], []),
        (TABLE, [A, B, C], sealed(A, B), True, [A, B, C], [], []),
        (UNIQUE, [A, B, C], sealed(A, B), False, [A, B, C], [], []),
        (UNIQUE, [B, C], sealed(A, B), False, [C], [A, B], []),
        (UNIQUE, [A, B], sealed(A, B), False, [], [A, B], []),
        (TABLE, [], sealed(A, BAD), False, [], [A, BAD], []),
        (TABLE, [], sealed(A, BAD), True, [], [A, BAD], [BAD]),
        (TABLE, [C], sealed(A, BAD), True, [C], [A, BAD], [BAD]),
        (TABLE, [C], sealed(A, BAD), False, [C], [A, BAD], []),
    ],
)
def test_what_is_read_and_what_is_kept(
    table: LakeTable,
    raw: list[SourceCounts],
    footer: Footer | None,
    again: bool,
    read: list[SourceCounts],
    keep: list[SourceCounts],
    regain: list[SourceCounts],
) -> None:
    made = plan(table, raw, footer, again=again)
    assert [one.key for one in made.read] == [one.key for one in read]
    assert (list(made.keep), list(made.regain)) == (keep, regain)
    assert made.is_nothing == (not read and not regain)


@pytest.mark.parametrize(
    ("partition", "now", "closed"),
    [("hour", AT + 4199, False), ("hour", AT + 4200, True), ("day", AT - 7 * 3600 + 86_999, False),
     ("day", AT - 7 * 3600 + 87_000, True)],
)  # fmt: skip
def test_a_partition_closes_ten_minutes_after_its_end(partition: str, now: float, closed: bool) -> None:
    table = LakeTable(name="t", record=Reading, partition=partition)  # type: ignore[arg-type]
    folders = PARTITION if partition == "hour" else PARTITION.removesuffix("/hour=07")
    assert is_closed(table, f"raw/t/{folders}/a.json", now) is closed


def test_names() -> None:
    assert sealed_key("t", PARTITION) == f"sealed/t/{PARTITION}/t.parquet"
    assert partition_of(sealed_key("t", PARTITION)) == PARTITION


def test_the_metadata_say_where_every_record_went() -> None:
    found = metadata(TABLE, [BAD, A])
    assert [one["key"][-1] for one in msgspec.json.decode(found["penstock.sources"])] == ["a", "b"]
    counts = msgspec.json.decode(found["penstock.counts"], type=Counts)
    assert counts == Counts(records=4, good=3, quarantined=1)
    assert msgspec.json.decode(found["penstock.schema"])["columns"][0]["name"] == "a"
    assert found["penstock.format"] == "1"
