"""What every hot store promises.

Hand it a store that has the tables of ``CONTRACT_TABLES``, empty, and the clock that the store reads.
"""

from __future__ import annotations

from typing import Any

import pytest

from penstock.ports import hot
from penstock.ports.hot import HotStore, attribute_not_exists
from penstock.testing.contracts.hot_queries import HotQueryContract
from penstock.testing.contracts.hot_tables import (
    CONTRACT_TABLES,
    FIVE_YEARS_SECONDS,
    PLAIN,
    READINGS,
    HotCapabilities,
    MovableClock,
    pages,
    reading,
    settled,
)
from penstock.testing.contracts.hot_writes import HotWriteContract

__all__ = ["CONTRACT_TABLES", "HotCapabilities", "HotStoreContract", "MovableClock"]


class HotStoreContract(HotWriteContract, HotQueryContract):
    """Subclass it with a ``store`` and a ``clock`` fixture; override ``capabilities`` where the store can less."""

    @pytest.fixture
    def capabilities(self) -> HotCapabilities:
        return HotCapabilities()

    # -- indexes --------------------------------------------------------------------------------------

    def test_an_index_has_the_items_with_its_keys_in_order(
        self, store: HotStore, capabilities: HotCapabilities
    ) -> None:
        store.batch_put(
            READINGS,
            [
                reading(1, room="r", level=5), reading(2, room="r", level=-3), reading(3, room="s", level=4),
                reading(4, room="r"), reading(5, level=1), reading(6), reading(7, "e", room="r", level=0.5),
            ],
        )  # fmt: skip

        def ats(**arguments: Any) -> list[Any]:
            return [i["at"] for i in store.query(READINGS, partition="r", index="by-room", **arguments).items]

        settled(capabilities, ats, [2, 7, 1])
        assert ats(newest_first=True) == [1, 7, 2]
        assert ats(sort=hot.greater(0)) == [7, 1]
        assert ats(limit=1, newest_first=True) == [1]

    def test_an_index_follows_its_items(self, store: HotStore, capabilities: HotCapabilities) -> None:
        def rooms() -> list[list[Any]]:
            reads = (store.query(READINGS, partition=room, index="by-room").items for room in ("r", "s"))
            return [[(i["at"], i["level"]) for i in items] for items in reads]

        store.put(READINGS, reading(1, room="r", level=1))
        store.put(READINGS, reading(2, room="r", level=2))
        store.put(READINGS, reading(1, room="s", level=3))
        settled(capabilities, rooms, [[(2, 2)], [(1, 3)]])
        store.put(READINGS, reading(2, room="r"))
        store.delete(READINGS, {"device": "d", "at": 1})
        settled(capabilities, rooms, [[], []])

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_pages_of_an_index_have_each_item_once(
        self, store: HotStore, capabilities: HotCapabilities, newest_first: bool
    ) -> None:
        store.batch_put(READINGS, [reading(at, room="r", level=at // 5, owner="o") for at in range(20)])

        def read(index: str, partition: str) -> list[dict[str, Any]]:
            arguments: Any = {"partition": partition, "index": index, "newest_first": newest_first}
            return list(pages(lambda after: store.query(READINGS, limit=3, after=after, **arguments)))

        settled(capabilities, lambda: sorted(i["at"] for i in read("by-room", "r")), list(range(20)))
        settled(capabilities, lambda: sorted(i["at"] for i in read("by-owner", "o")), list(range(20)))
        same_level = pages(
            lambda after: store.query(
                READINGS, partition="r", index="by-room", sort=hot.equals(2), limit=2, after=after,
                newest_first=newest_first,
            )
        )  # fmt: skip
        assert sorted(i["at"] for i in same_level) == [10, 11, 12, 13, 14]
        levels = [at // 5 for at in range(20)]
        assert [i["level"] for i in read("by-room", "r")] == (levels[::-1] if newest_first else levels)

    # -- time to live ---------------------------------------------------------------------------------

    def test_an_item_without_expiry_gets_the_tables(self, store: HotStore, clock: MovableClock) -> None:
        store.put(READINGS, {"device": "d", "at": 1})
        store.batch_put(READINGS, [{"device": "d", "at": 2}, {"device": "d", "at": 3, "expires_at": 9_000_000_000}])
        expiries = [i["expires_at"] for i in store.query(READINGS, partition="d").items]
        assert expiries == [int(clock.now()) + 3600, int(clock.now()) + 3600, 9_000_000_000]

    def test_an_expired_item_is_not_there(
        self, store: HotStore, clock: MovableClock, capabilities: HotCapabilities
    ) -> None:
        if not capabilities.expired_items_are_hidden:
            pytest.skip("the service shows expired items until it has deleted them")
        store.put(READINGS, {"device": "d", "at": 1, "room": "r", "level": 1})
        store.put(READINGS, reading(2))
        clock.advance(3700)
        assert store.get(READINGS, {"device": "d", "at": 1}) is None
        assert [i["at"] for i in store.query(READINGS, partition="d").items] == [2]
        assert store.query(READINGS, partition="r", index="by-room").items == []
        assert [i["at"] for i in store.scan(READINGS).items] == [2]
        assert store.count(READINGS) == 1
        store.put(READINGS, reading(1), condition=attribute_not_exists("device"))
        assert store.count(READINGS) == 2

    def test_expiring_deletes_what_is_past_its_ttl(
        self, store: HotStore, clock: MovableClock, capabilities: HotCapabilities
    ) -> None:
        if not capabilities.expire_deletes:
            pytest.skip("the service expires items by itself")
        store.batch_put(READINGS, [{"device": "d", "at": at, "room": "r", "level": at} for at in range(5)])
        store.put(READINGS, reading(9, room="r", level=9))
        now = clock.now() + 3700
        assert [store.expire(READINGS, now, limit=3), store.expire(READINGS, now), store.expire(READINGS, now)] == [
            3, 2, 0,
        ]  # fmt: skip
        assert [i["at"] for i in store.query(READINGS, partition="d").items] == [9]
        assert [i["at"] for i in store.query(READINGS, partition="r", index="by-room").items] == [9]
        assert store.expire(PLAIN, now) == 0

    def test_no_number_and_no_time_of_the_last_five_years_is_no_expiry(
        self, store: HotStore, clock: MovableClock
    ) -> None:
        now = clock.now()
        for at, expiry in enumerate(("1", None, [1], 0, int(now - FIVE_YEARS_SECONDS), int(now) * 1000)):
            store.put(READINGS, {"device": "d", "at": at, "expires_at": expiry})
        assert store.expire(READINGS, now) == 0
        assert [i["at"] for i in store.query(READINGS, partition="d").items] == [0, 1, 2, 3, 4, 5]
