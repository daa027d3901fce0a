"""What every ``HotExchange`` gives. A machine's store has one; in AWS the service itself does what a workflow asks.

Subclass it, and give the fixtures ``exchange`` (a ``HotExchange`` that is a ``HotStore`` too) and nothing more.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest

from penstock.errors import ValidationError
from penstock.model.datasets import HotTable, Index, Key
from penstock.ports.hot import Replacement

TABLE = HotTable(name="Exchanged", partition=Key("id"), indexes=(Index("ByKind", Key("kind")),))
KEY = {"id": {"S": "a"}}
Encoded = dict[str, dict[str, Any]]


def becomes(item: Encoded | None, answer: bytes = b"", *, writes: bool = True) -> Any:
    """Returns a decision: whatever is there, this is there from now on."""
    return lambda _: Replacement(item, answer, writes)


class HotExchangeContract:
    """The behaviour of an exchange."""

    def test_what_is_there_is_handed_over(self, exchange: Any) -> None:
        seen: list[Encoded | None] = []

        def look(item: Encoded | None) -> Replacement:
            seen.append(item)
            return Replacement({**KEY, "n": {"N": "1"}}, b"done")

        assert exchange.exchange(TABLE, KEY, look, token="one") == b"done"
        exchange.exchange(TABLE, KEY, look, token="two")
        assert seen == [None, {**KEY, "n": {"N": "1"}}]
        assert exchange.get(TABLE, {"id": "a"}) == {"id": "a", "n": 1}

    def test_nothing_in_place_of_an_item_deletes_it(self, exchange: Any) -> None:
        exchange.put(TABLE, {"id": "a", "kind": "k"})
        exchange.exchange(TABLE, KEY, becomes(None), token="one")
        assert exchange.get(TABLE, {"id": "a"}) is None
        assert exchange.query(TABLE, partition="k", index="ByKind").items == []

    def test_indexes_follow(self, exchange: Any) -> None:
        exchange.put(TABLE, {"id": "a", "kind": "old"})
        exchange.exchange(TABLE, KEY, becomes({**KEY, "kind": {"S": "new"}}), token="one")
        assert exchange.query(TABLE, partition="old", index="ByKind").items == []
        assert exchange.query(TABLE, partition="new", index="ByKind").items == [{"id": "a", "kind": "new"}]

    def test_what_is_raised_is_passed_on_and_nothing_is_written(self, exchange: Any) -> None:
        def refuse(_: Encoded | None) -> Replacement:
            raise KeyError("no")

        with pytest.raises(KeyError):
            exchange.exchange(TABLE, KEY, refuse, token="one")
        assert exchange.exchange(TABLE, KEY, becomes(KEY, b"after all"), token="one") == b"after all"

    def test_it_is_done_once_a_token(self, exchange: Any) -> None:
        assert exchange.exchange(TABLE, KEY, becomes({**KEY, "n": {"N": "1"}}, b"first"), token="one") == b"first"
        assert exchange.exchange(TABLE, KEY, becomes({**KEY, "n": {"N": "2"}}, b"second"), token="one") == b"first"
        assert exchange.get(TABLE, {"id": "a"}) == {"id": "a", "n": 1}

    def test_what_only_looks_is_not_remembered(self, exchange: Any) -> None:
        assert exchange.exchange(TABLE, KEY, becomes(None, b"looked", writes=False), token="one") == b"looked"
        assert exchange.exchange(TABLE, KEY, becomes(KEY, b"wrote"), token="one") == b"wrote"

    @pytest.mark.parametrize(
        "item", [{"id": {"N": "1"}}, {}, {**KEY, "kind": {"N": "1"}}, {**KEY, "x": {"S": "x" * 410_000}}]
    )
    def test_no_item_that_breaks_a_rule(self, exchange: Any, item: Encoded) -> None:
        with pytest.raises(ValidationError):
            exchange.exchange(TABLE, KEY, becomes(item), token="one")
        assert exchange.get(TABLE, {"id": "a"}) is None

    @pytest.mark.parametrize("key", [{}, {"id": {"N": "1"}}, {"id": {"S": ""}}, {**KEY, "kind": {"S": "k"}}])
    def test_no_key_that_is_none(self, exchange: Any, key: Encoded) -> None:
        with pytest.raises(ValidationError):
            exchange.exchange(TABLE, key, becomes(None), token="one")

    def test_nothing_comes_between(self, exchange: Any) -> None:
        def one_more(item: Encoded | None) -> Replacement:
            number = int(item["n"]["N"]) if item else 0
            return Replacement({**KEY, "n": {"N": str(number + 1)}}, b"")

        def count(name: str) -> None:
            for number in range(25):
                exchange.exchange(TABLE, KEY, one_more, token=f"{name}{number}")

        threads = [threading.Thread(target=count, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert exchange.get(TABLE, {"id": "a"}) == {"id": "a", "n": 100}
