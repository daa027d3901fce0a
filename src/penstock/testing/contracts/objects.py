"""What every object store promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from penstock.errors import AlreadyExistsError, ConditionFailedError, NotFoundError, ValidationError
from penstock.ports.objects import ObjectInfo, ObjectStore

BAD_KEYS = [
    "", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".", "a\x00b", "a\nb", "a\\b", "x" * 1025, "a/" + "x" * 256,
    "\ud800",
]  # fmt: skip


def assert_described(found: ObjectInfo | None, written: ObjectInfo) -> None:
    """Asserts that an object is described as its writer was told. A writer's clock is not the store's."""
    assert found is not None
    assert (found.key, found.size, found.etag) == (written.key, written.size, written.etag)
    assert abs(found.modified_at - written.modified_at) < 60


class ObjectStoreContract:
    """Subclass it with an ``objects`` fixture over an empty store."""

    def test_what_is_created_is_read_at_once(self, objects: ObjectStore) -> None:
        info = objects.create("raw/t/a.json", b"hello")
        assert (info.key, info.size) == ("raw/t/a.json", 5)
        assert objects.get("raw/t/a.json") == b"hello"
        assert_described(objects.head("raw/t/a.json"), info)

    def test_an_object_is_created_once(self, objects: ObjectStore) -> None:
        objects.create("a", b"first")
        with pytest.raises(AlreadyExistsError):
            objects.create("a", b"second")
        assert objects.get("a") == b"first"

    def test_put_replaces(self, objects: ObjectStore) -> None:
        objects.put("a", b"first")
        written = objects.put("a", b"second")
        assert objects.get("a") == b"second"
        assert_described(objects.head("a"), written)

    def test_replace_writes_what_is_still_the_same(self, objects: ObjectStore, tmp_path: Path) -> None:
        first = objects.replace("a", b"first", if_match=None)
        assert_described(objects.head("a"), first)
        file = tmp_path / "second"
        file.write_bytes(b"second!")
        second = objects.replace("a", file, if_match=first.etag)
        assert objects.get("a") == b"second!"
        assert_described(objects.head("a"), second)

    def test_replace_refuses_another_object_and_none(self, objects: ObjectStore) -> None:
        first = objects.replace("a", b"first", if_match=None)
        with pytest.raises(ConditionFailedError):
            objects.replace("a", b"unaware", if_match=None)
        second = objects.replace("a", b"second!", if_match=first.etag)
        with pytest.raises(ConditionFailedError):
            objects.replace("a", b"late", if_match=first.etag)
        assert objects.get("a") == b"second!"
        objects.delete("a")
        with pytest.raises(ConditionFailedError):
            objects.replace("a", b"gone", if_match=second.etag)
        assert objects.head("a") is None

    @pytest.mark.parametrize("is_there", [False, True])
    def test_of_many_that_replace_one_succeeds(self, objects: ObjectStore, is_there: bool) -> None:
        known = objects.create("contended", b"first").etag if is_there else None

        def write(number: int) -> bool:
            try:
                objects.replace("contended", b"x" * (100 + number), if_match=known)
            except ConditionFailedError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(write, range(32)))
        assert sum(won) == 1
        assert len(objects.get("contended")) == 100 + won.index(True)

    def test_of_many_writers_one_succeeds(self, objects: ObjectStore) -> None:
        def write(number: int) -> bool:
            try:
                objects.create("contended", str(number).encode())
            except AlreadyExistsError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(write, range(32)))
        assert sum(won) == 1
        assert objects.get("contended") == str(won.index(True)).encode()

    def test_large_and_empty_objects_come_in_pieces(self, objects: ObjectStore) -> None:
        data = bytes(range(256)) * 10_000
        objects.create("large", data)
        pieces = list(objects.stream("large", 100_000))
        assert b"".join(pieces) == data
        assert max(map(len, pieces)) <= 100_000
        objects.create("empty", b"")
        assert objects.get("empty") == b""

    def test_what_is_not_there(self, objects: ObjectStore) -> None:
        assert objects.head("nothing") is None
        with pytest.raises(NotFoundError):
            objects.get("nothing")
        with pytest.raises(NotFoundError):
            list(objects.stream("nothing"))
        objects.delete("nothing")

    def test_delete(self, objects: ObjectStore) -> None:
        objects.create("a", b"x")
        objects.delete("a")
        assert objects.head("a") is None
        objects.create("a", b"y")

    def test_a_listing_is_in_the_order_of_utf8_bytes(self, objects: ObjectStore) -> None:
        keys = ["a", "a-b", "a.b/c", "a/b", "a/b/c", "a0", "b/ä", "b/z", "Z"]
        for key in keys[:3] + keys[5:]:
            objects.create(key if key != "a" else "a.txt", b"")
        objects.create("d/e/f", b"")
        found = [info.key for info in objects.list()]
        assert found == sorted(found, key=str.encode)
        assert len(found) == 8

    def test_a_listing_can_be_narrowed(self, objects: ObjectStore) -> None:
        for key in ("raw/t/1", "raw/t/2", "raw/t2/1", "raw/tx", "other"):
            objects.create(key, b"")
        assert [info.key for info in objects.list("raw/t/")] == ["raw/t/1", "raw/t/2"]
        assert [info.key for info in objects.list("raw/t")] == ["raw/t/1", "raw/t/2", "raw/t2/1", "raw/tx"]
        assert [info.key for info in objects.list("raw/t/", start_after="raw/t/1")] == ["raw/t/2"]
        assert list(objects.list("nothing/")) == []

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_keys_that_could_mean_another_place_are_refused(self, objects: ObjectStore, key: str) -> None:
        for attempt in (objects.get, objects.head, objects.delete):
            with pytest.raises(ValidationError):
                attempt(key)
        with pytest.raises(ValidationError):
            objects.create(key, b"")
