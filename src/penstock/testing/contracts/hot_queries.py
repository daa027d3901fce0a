"""What every hot store promises of queries, scans and their pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from penstock.errors import ValidationError
from penstock.ports import hot
from penstock.ports.hot import HotStore, KeyRange
from penstock.testing.contracts.hot_tables import BINARY, READINGS, TEXTS, pages, reading


class HotQueryContract:
    """A part of ``HotStoreContract``."""

    # -- queries --------------------------------------------------------------------------------------

    def test_numbers_are_in_the_order_of_their_values(self, store: HotStore) -> None:
        ordered = [
            Decimal("-9E+125"), Decimal("-1.0000000000000000000000000000000000001"), -1, Decimal("-0.1203"),
            Decimal("-0.12"), Decimal("-1E-130"), 0, Decimal("1E-130"), Decimal("0.1"), Decimal("0.101"), 2, 10,
            Decimal("10.5"), 100, int("9" * 37 + "8"), int("9" * 38), 10**100,
        ]  # fmt: skip
        store.batch_put(READINGS, [reading(at) for at in reversed(ordered)])
        assert [i["at"] for i in store.query(READINGS, partition="d").items] == ordered
        assert [i["at"] for i in store.query(READINGS, partition="d", newest_first=True).items] == ordered[::-1]

    def test_text_is_in_the_order_of_its_utf8_bytes(self, store: HotStore) -> None:
        # By UTF-16 the last two would change places, by a dictionary the first two.
        ordered = ["Z", "a", "a\x00", "aa", "z", "é", "\uffff", "\U0001f600"]
        store.batch_put(TEXTS, [{"id": "a", "text": text} for text in reversed(ordered)])
        assert [i["text"] for i in store.query(TEXTS, partition="a").items] == ordered

    def test_bytes_are_in_their_order(self, store: HotStore) -> None:
        ordered = [b"\x00", b"\x00\x00", b"a", b"\x7f", b"\x80", b"\xff", b"\xff\x00", b"\xff\xff"]
        store.batch_put(BINARY, [{"id": b"\xff", "content": content} for content in reversed(ordered)])
        assert [i["content"] for i in store.query(BINARY, partition=b"\xff").items] == ordered

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            (hot.equals(3), [3]), (hot.equals(3.5), []), (hot.less(3), [-2, 1]), (hot.less_or_equal(3), [-2, 1, 3]),
            (hot.greater(3), [10, 20]), (hot.greater_or_equal(3), [3, 10, 20]), (hot.between(1, 10), [1, 3, 10]),
            (hot.between(3, 3), [3]), (hot.greater(Decimal("2.9999")), [3, 10, 20]), (hot.less(-2), []),
        ],
    )  # fmt: skip
    def test_a_range_of_the_sort_key(self, store: HotStore, sort: KeyRange, expected: list[int]) -> None:
        store.batch_put(READINGS, [reading(at, device) for at in (-2, 1, 3, 10, 20) for device in ("d", "e")])
        for newest_first in (False, True):
            found = store.query(READINGS, partition="d", sort=sort, newest_first=newest_first).items
            assert [i["at"] for i in found] == (expected[::-1] if newest_first else expected)
            assert {i["device"] for i in found} <= {"d"}

    def test_a_prefix_of_the_sort_key(self, store: HotStore) -> None:
        store.batch_put(TEXTS, [{"id": "a", "text": text} for text in ("a", "ab", "ab\U0010ffff", "ac", "b")])
        found = store.query(TEXTS, partition="a", sort=hot.begins_with("ab")).items
        assert [i["text"] for i in found] == ["ab", "ab\U0010ffff"]
        store.batch_put(BINARY, [{"id": b"a", "content": c} for c in (b"\xfe", b"\xff", b"\xff\xff", b"\xff\xff\x01")])
        found = store.query(BINARY, partition=b"a", sort=hot.begins_with(b"\xff\xff")).items
        assert [i["content"] for i in found] == [b"\xff\xff", b"\xff\xff\x01"]
        found = store.query(BINARY, partition=b"a", sort=hot.begins_with(b"\xfe")).items
        assert [i["content"] for i in found] == [b"\xfe"]

    @pytest.mark.parametrize(
        "arguments",
        [
            {"partition": 1}, {"partition": ""}, {"partition": "d", "index": "none"}, {"partition": "d", "limit": 0},
            {"partition": "d", "sort": hot.equals("1")}, {"partition": "d", "sort": hot.between(2, 1)},
            {"partition": "d", "sort": hot.begins_with("1")}, {"partition": "d", "sort": KeyRange("begins_with", 1)},
            {"partition": "o", "index": "by-owner", "sort": hot.equals(1)},
            {"partition": "d", "after": {"device": "d"}}, {"partition": "d", "after": {"device": "e", "at": 1}},
            {"partition": "d", "after": {"device": "d", "at": 1}, "sort": hot.greater(1)},
            {"partition": "r", "index": "by-room", "after": {"device": "d", "at": 1}},
        ],
    )  # fmt: skip
    def test_a_query_that_makes_no_sense_is_refused(self, store: HotStore, arguments: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            store.query(READINGS, **arguments)

    # -- pages ----------------------------------------------------------------------------------------

    @pytest.mark.parametrize("limit", [1, 2, 7, None])
    @pytest.mark.parametrize("newest_first", [False, True])
    def test_pages_have_each_item_once(self, store: HotStore, limit: int | None, newest_first: bool) -> None:
        store.batch_put(READINGS, [reading(at) for at in range(14)])
        found = pages(
            lambda after: store.query(
                READINGS, partition="d", limit=limit, newest_first=newest_first, after=after,
                sort=hot.between(2, 12),
            )
        )  # fmt: skip
        expected = list(range(2, 13))
        assert [i["at"] for i in found] == (expected[::-1] if newest_first else expected)

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_writes_between_pages_neither_skip_nor_repeat(self, store: HotStore, newest_first: bool) -> None:
        store.batch_put(READINGS, [reading(at) for at in range(0, 100, 10)])
        found: list[Any] = []
        after = None
        for step in range(12):
            page = store.query(READINGS, partition="d", limit=2, after=after, newest_first=newest_first)
            found += [i["at"] for i in page.items]
            after = page.after
            if after is None:
                break
            store.put(READINGS, reading(-1 - step))
            store.put(READINGS, reading(1000 + step))
            store.delete(READINGS, {"device": "d", "at": found[-1]})
        kept = [at for at in found if 0 <= at < 100]
        expected = list(range(0, 100, 10))
        assert kept == (expected[::-1] if newest_first else expected)
        assert len(set(found)) == len(found)

    def test_a_page_has_about_a_megabyte(self, store: HotStore) -> None:
        store.batch_put(READINGS, [reading(at, content="x" * 100_000) for at in range(25)])
        first = store.query(READINGS, partition="d")
        assert 10 <= len(first.items) <= 11
        assert first.after == {"device": "d", "at": first.items[-1]["at"]}
        whole = pages(lambda after: store.query(READINGS, partition="d", after=after))
        assert [i["at"] for i in whole] == list(range(25))
        assert sorted(i["at"] for i in pages(lambda after: store.scan(READINGS, after=after))) == list(range(25))

    @pytest.mark.parametrize("limit", [1, 3, None])
    def test_a_scan_has_each_item_once(self, store: HotStore, limit: int | None) -> None:
        keys = {(device, at) for device in ("a", "b", "c") for at in (-1, 0, 2)}
        store.batch_put(READINGS, [reading(at, device) for device, at in keys])
        found = [(i["device"], i["at"]) for i in pages(lambda after: store.scan(READINGS, limit=limit, after=after))]
        assert (set(found), len(found), store.count(READINGS)) == (keys, 9, 9)
