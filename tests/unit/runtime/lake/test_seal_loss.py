"""Raw objects that are in the archive or have expired: they are counted, and their rows are never lost unnoticed."""

from pathlib import Path

import msgspec
import pytest
import zstandard
from tests.sealing import PARTITION, SHORT, UNIQUE, Lake, Strict

from penstock.adapters.local.rows import DuckDbRowReader
from penstock.errors import ValidationError
from penstock.lake.catalog import archive_key
from penstock.model.datasets import LakeTable
from penstock.runtime.lake.archived import ArchivedObjects
from penstock.runtime.lake.check import Balance, LakeCheck
from penstock.runtime.lake.replay import replay

DAY = 86_400
# 2026-02-20T08:00:00Z, the end of the partition.
END = 1_771_574_400.0


STRICT = LakeTable(name="short", record=Strict, sort=("name",))
KEPT_SHORTLY = msgspec.structs.replace(STRICT, retain_zones=(("quarantine", 5 * DAY),))
OUTLIVED = msgspec.structs.replace(
    SHORT, retain_seconds=5 * DAY, retain_zones=(("raw", 90 * DAY),), archive_after_seconds=DAY
)


def archive(lake: Lake, key: str) -> str:
    """Moves a raw object as retention does: one zstd frame in the archive."""
    target = archive_key(key)
    lake.objects.create(target, zstandard.ZstdCompressor().compress(lake.objects.get(key)))
    lake.objects.delete(key)
    return target


def checked(lake: Lake, now: float = 0.0) -> Balance:
    (found,) = LakeCheck(lake.objects, lake.engine, DuckDbRowReader(), now=now).check(lake.table)
    return found


def damage(lake: Lake) -> bytes:
    data = lake.sealed.read_bytes()
    lake.sealed.write_bytes(data[:-9] + b"\xff" * 9)
    return lake.sealed.read_bytes()


# -- the check --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.json", "a.json.zst"])
def test_what_is_in_the_archive_is_counted_again(tmp_path: Path, name: str) -> None:
    lake = Lake(tmp_path, UNIQUE)
    text = b'{"name":"a"}\n{"name":"a","count":2}\nnonsense\n'
    key = lake.add(name, zstandard.ZstdCompressor().compress(text) if name.endswith(".zst") else text)
    lake.sealer.seal(UNIQUE, PARTITION)
    archive(lake, key)
    found = checked(lake)
    assert (found.archived, found.gone, found.unsealed, found.wrong) == (1, 0, 0, ())
    counts = found.counts
    assert (counts.records, found.rows, counts.quarantined, counts.duplicates) == (3, 1, 1, 1)


def test_an_object_of_the_archive_that_was_changed_is_found(lake: Lake) -> None:
    key = lake.add("a.json", [{"name": "a"}, {"name": "b"}])
    lake.sealer.seal(SHORT, PARTITION)
    moved = archive(lake, key)
    # As many bytes, and one record less.
    lake.objects.put(moved, zstandard.ZstdCompressor().compress(b'{"name":"a"} {"name":"b"}\n'))
    assert [one.message for one in checked(lake).wrong] == ["holds 1 records, 2 were sealed"]
    lake.objects.put(moved, zstandard.ZstdCompressor().compress(b'{"name":"a"}\n'))
    assert "had 26 bytes when it was sealed and has 13 now" in checked(lake).wrong[0].message
    lake.objects.put(moved, zstandard.ZstdCompressor(write_checksum=True).compress(b'{"name":"a"}\n')[:-2])
    assert "damaged" in checked(lake).wrong[0].message


def test_an_expired_object_is_counted_by_the_sealed_file(lake: Lake) -> None:
    key = lake.add("a.json", [{"name": "a"}])
    lake.sealer.seal(SHORT, PARTITION)
    lake.objects.delete(key)
    found = checked(lake)
    assert (found.archived, found.gone, found.counts.records, found.rows, found.wrong) == (0, 1, 1, 1, ())


def test_an_archived_object_that_no_sealed_file_covers_is_wrong(lake: Lake) -> None:
    first = lake.add("a.json", [{"name": "a"}])
    lake.sealer.seal(SHORT, PARTITION)
    moved = archive(lake, first)
    lake.sealed.unlink()
    (wrong,) = checked(lake).wrong
    assert wrong.key == moved
    assert f"penstock lake restore short {PARTITION}" in wrong.message
    lake.add("b.json", [{"name": "b"}])
    lake.sealer.seal(SHORT, PARTITION)
    assert [one.key for one in checked(lake).wrong] == [moved]


def test_an_archive_that_outlives_its_sealed_file_is_as_declared(tmp_path: Path) -> None:
    lake = Lake(tmp_path, OUTLIVED)
    key = lake.add("a.json", [{"name": "a"}])
    lake.sealer.seal(OUTLIVED, PARTITION)
    archive(lake, key)
    lake.sealed.unlink()
    assert checked(lake).wrong == ()


def test_a_quarantine_is_missed_until_it_expires(tmp_path: Path) -> None:
    lake = Lake(tmp_path, KEPT_SHORTLY)
    lake.add("a.json", b'{"name":"a","count":1}\n{"name":"b"}\n')
    lake.sealer.seal(KEPT_SHORTLY, PARTITION)
    lake.objects.delete(f"quarantine/short/{PARTITION}/a.json")
    assert [one.message for one in checked(lake, END + 5 * DAY - 1).wrong] == ["holds 0 records, 1 were quarantined"]
    assert checked(lake, END + 5 * DAY).wrong == ()


def test_the_archive_is_seen_as_it_was_and_not_written(lake: Lake) -> None:
    key = lake.add("a.json", b"x" * 1000)
    archive(lake, key)
    seen = ArchivedObjects(lake.objects)
    info = seen.head(key)
    assert info is not None
    assert (info.key, info.size, seen.get(key)) == (key, 1000, b"x" * 1000)
    assert [one.key for one in seen.list("raw/short/")] == [key]
    assert seen.head("raw/short/none.json") is None


# -- sealing again ----------------------------------------------------------------------------


def test_a_damaged_file_whose_raw_objects_have_expired_is_not_replaced_by_a_smaller_one(lake: Lake) -> None:
    gone = lake.add("a.json", [{"name": "a"}, {"name": "b"}])
    lake.add("c.json", [{"name": "c"}])
    lake.sealer.seal(SHORT, PARTITION)
    lake.objects.delete(gone)
    before = damage(lake)
    with pytest.raises(ValidationError, match=r"short\.parquet is damaged") as refused:
        lake.sealer.seal(SHORT, PARTITION, again=True)
    assert "the raw zone has 1 object of it" in refused.value.message
    assert "--accept-loss" in refused.value.hint
    assert lake.sealed.read_bytes() == before
    assert lake.sealer.seal(SHORT, PARTITION, again=True, accept_loss=True).counts.good == 1


def test_a_replay_does_not_replace_a_damaged_file(tmp_path: Path) -> None:
    lake = Lake(tmp_path, STRICT)
    gone = lake.add("a.json", b'{"name":"a","count":1}\n{"name":"b"}\n')
    lake.add("c.json", [{"name": "c", "count": 2}])
    lake.sealer.seal(STRICT, PARTITION)
    lake.objects.delete(gone)
    before = damage(lake)
    with pytest.raises(ValidationError, match="is damaged"):
        list(replay(lake.objects, lake.sealer, SHORT))
    assert lake.sealed.read_bytes() == before


def test_the_archive_is_named_where_it_holds_what_is_missing(lake: Lake) -> None:
    first = lake.add("a.json", [{"name": "a"}])
    lake.add("b.json", [{"name": "b"}])
    lake.sealer.seal(SHORT, PARTITION)
    moved = archive(lake, first)
    damage(lake)
    with pytest.raises(ValidationError, match=f"the archive 1 object, such as {first}") as refused:
        lake.sealer.seal(SHORT, PARTITION, again=True)
    assert refused.value.hint.startswith(f"first `penstock lake restore short {PARTITION}`")
    lake.sealed.unlink()
    with pytest.raises(ValidationError, match=f"is gone, and so are raw objects that it covered: {first}"):
        lake.sealer.seal(SHORT, PARTITION, again=True)
    lake.objects.put(first, zstandard.ZstdDecompressor().decompress(lake.objects.get(moved)))
    assert lake.sealer.seal(SHORT, PARTITION, again=True).counts.good == 2


def test_a_quarantine_tells_of_a_sealed_file_that_is_gone(tmp_path: Path) -> None:
    lake = Lake(tmp_path, STRICT)
    gone = lake.add("a.json", b'{"name":"a","count":1}\n{"name":"b"}\n')
    lake.sealer.seal(STRICT, PARTITION)
    lake.objects.delete(gone)
    lake.sealed.unlink()
    with pytest.raises(ValidationError, match=f"is gone, and so are raw objects that it covered: {gone}"):
        list(replay(lake.objects, lake.sealer, SHORT))
    (wrong,) = checked(lake).wrong
    assert wrong.message == f"is gone, and so are raw objects that it covered: {gone}"


def test_sealing_again_after_a_crash_between_quarantine_and_file_is_no_loss(tmp_path: Path) -> None:
    lake = Lake(tmp_path, STRICT)
    lake.add("a.json", b'{"name":"a","count":1}\n{"name":"b"}\n')
    lake.sealer.seal(STRICT, PARTITION)
    lake.sealed.unlink()
    assert lake.sealer.seal(STRICT, PARTITION, again=True).counts.quarantined == 1
    assert lake.wrong() == []


# -- keys that are there twice ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.json", "array.json", "mixed.json"])
def test_a_key_that_is_there_twice_is_quarantined_on_every_path(lake: Lake, name: str) -> None:
    good, twice = b'{"name":"a","count":1}', b'{"name":"b","count":1,"count":2}'
    text = {
        # All lines fit for a decoder: the engine has to tell.
        "a.json": good + b"\n" + twice + b"\n",
        "array.json": b"[" + good + b",\n" + twice + b"]",
        "mixed.json": good + b"\nnonsense\n" + twice + b"\n",
    }[name]
    lake.add(name, text)
    lake.sealer.seal(SHORT, PARTITION)
    assert lake.rows() == [("a", 1)]
    reasons = [one["reason"] for one in lake.quarantined() if "JSON" not in one["reason"]]
    assert reasons == ["the key at $.count is there twice"]
    assert lake.wrong() == []


def test_a_key_that_the_table_does_not_have_may_be_there_twice(lake: Lake) -> None:
    lake.add("a.json", b'{"name":"a","other":1,"other":2}\n')
    lake.add("b.json", b'nonsense\n{"name":"b","other":1,"other":2}\n')
    lake.sealer.seal(SHORT, PARTITION)
    assert lake.rows() == [("a", None), ("b", None)]
    assert lake.wrong() == []
