"""What every hot store promises of values, keys, writes and conditions."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest

from penstock.errors import ConditionFailedError, ValidationError
from penstock.model.datasets import HotTable
from penstock.ports.hot import Condition, HotStore, attribute, attribute_exists, attribute_not_exists
from penstock.testing.contracts.hot_tables import BINARY, PLAIN, READINGS, TEXTS, nested, reading


class HotWriteContract:
    """A part of ``HotStoreContract``."""

    # -- values ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("given", "returned"),
        [
            ("", ""), ("text é \U0001f600", "text é \U0001f600"), (True, True), (False, False), (None, None),
            (b"", b""), (b"\x00\xff", b"\x00\xff"), (0, 0), (-7, -7), (1.0, 1), (0.1, Decimal("0.1")),
            (1e100, 10**100), (-2.5e-7, Decimal("-0.00000025")), (Decimal("1.50"), Decimal("1.5")),
            (Decimal("-0"), 0), (int("9" * 38), int("9" * 38)), (Decimal("1E-130"), Decimal("1E-130")),
            (Decimal("-9." + "9" * 37 + "E+125"), -int("9" * 38 + "0" * 88)), (int("1" + "0" * 60), 10**60),
            (Decimal("0." + "123456789" * 4 + "12"), Decimal("0." + "123456789" * 4 + "12")),
            ([], []), ({}, {}), ([1, "a", None, [True]], [1, "a", None, [True]]), ((1, 2), [1, 2]),
            ({"a": {"b": [0.5]}}, {"a": {"b": [Decimal("0.5")]}}), ({"a", ""}, {"a", ""}),
            ({1, 2.5}, {1, Decimal("2.5")}), (frozenset({b"a", b"\xff"}), {b"a", b"\xff"}), (nested(32), nested(32)),
        ],
    )  # fmt: skip
    def test_a_value_comes_back(self, store: HotStore, given: Any, returned: Any) -> None:
        store.put(PLAIN, {"id": "a", "value": given})
        found = store.get(PLAIN, {"id": "a"})
        assert found == {"id": "a", "value": returned}
        assert type(found["value"]) is type(returned)

    @pytest.mark.parametrize(
        "value",
        [
            float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity"), int("1" * 39), Decimal("0." + "1" * 39),
            Decimal("1E+126"), Decimal("-1E+126"), Decimal("1E-131"), 10**5000, set(), {1, "a"}, {(1,)}, {True},
            {0.1, Decimal("0.1")}, object(), "\ud800", ["\udfff"], {1: 2}, {"": 1}, nested(33),
        ],
        ids=lambda value: repr(type(value)),
    )  # fmt: skip
    def test_a_value_that_would_be_changed_is_refused(self, store: HotStore, value: Any) -> None:
        with pytest.raises(ValidationError) as caught:
            store.put(PLAIN, {"id": "a", "value": value})
        assert caught.value.hint
        assert store.get(PLAIN, {"id": "a"}) is None

    def test_an_item_has_400_kilobytes_of_names_and_values(self, store: HotStore) -> None:
        # "id" and "a" are 3 bytes, "d" is 1, "é" is 2 in UTF-8: 3 + 1 + 2 * 204,798 = 409,600.
        store.put(PLAIN, {"id": "a", "d": "é" * 204_798})
        with pytest.raises(ValidationError):
            store.put(PLAIN, {"id": "b", "d": "é" * 204_798 + "a"})
        with pytest.raises(ValidationError):
            store.put(PLAIN, {"id": "b", "d": b"a" * 409_597})
        assert store.get(PLAIN, {"id": "b"}) is None

    # -- keys -----------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("table", "item"),
        [
            (PLAIN, {}), (PLAIN, {"id": ""}), (PLAIN, {"id": 1}), (PLAIN, {"id": None}), (PLAIN, {"id": b"a"}),
            (PLAIN, {"id": "a" * 2049}), (PLAIN, {"id": "é" * 1024 + "a"}), (PLAIN, {"id": "a", "": 1}),
            (TEXTS, {"id": "a"}), (TEXTS, {"id": "a", "text": ""}), (TEXTS, {"id": "a", "text": "b" * 1025}),
            (BINARY, {"id": b"", "content": b"a"}), (BINARY, {"id": b"a", "content": "a"}),
            (READINGS, reading("1")), (READINGS, reading(at=True)), (READINGS, reading(float("nan"))),
            (READINGS, reading(1, room="", level=1)), (READINGS, reading(1, room=1)), (READINGS, reading(1, level="x")),
            (READINGS, reading(1, owner=None)), (READINGS, reading(1, owner="a" * 2049)),
        ],
    )  # fmt: skip
    def test_a_key_that_does_not_fit_is_refused(self, store: HotStore, table: HotTable, item: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            store.put(table, item)
        assert store.count(table) == 0

    def test_keys_may_be_as_long_as_the_limits(self, store: HotStore) -> None:
        item = {"id": "é" * 1024, "text": "b" * 1024}
        store.put(TEXTS, item)
        assert store.get(TEXTS, item) == item

    @pytest.mark.parametrize("key", [{}, {"device": "d"}, {"device": "d", "at": "1"}, reading(1), {"at": 1}])
    def test_an_item_is_named_by_its_key_alone(self, store: HotStore, key: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            store.get(READINGS, key)
        with pytest.raises(ValidationError):
            store.delete(READINGS, key)

    def test_equal_numbers_are_one_key(self, store: HotStore) -> None:
        for turn, at in enumerate((1, 1.0, Decimal("1.00"), Decimal("0.1E1"))):
            store.put(READINGS, reading(at, turn=turn))
        assert store.count(READINGS) == 1
        assert store.get(READINGS, {"device": "d", "at": 1}) == reading(1, turn=3)

    # -- writes ---------------------------------------------------------------------------------------

    def test_a_put_takes_the_place_of_the_whole_item(self, store: HotStore) -> None:
        store.put(PLAIN, {"id": "a", "old": 1})
        store.put(PLAIN, {"id": "a", "new": 2})
        assert store.get(PLAIN, {"id": "a"}) == {"id": "a", "new": 2}

    def test_a_delete_may_find_nothing(self, store: HotStore) -> None:
        store.put(PLAIN, {"id": "a"})
        store.delete(PLAIN, {"id": "a"})
        store.delete(PLAIN, {"id": "a"})
        assert (store.get(PLAIN, {"id": "a"}), store.count(PLAIN)) == (None, 0)

    def test_tables_do_not_mix(self, store: HotStore) -> None:
        store.put(PLAIN, {"id": "a"})
        store.put(TEXTS, {"id": "a", "text": "b"})
        store.delete(PLAIN, {"id": "a"})
        assert (store.count(PLAIN), store.count(TEXTS)) == (0, 1)

    def test_a_batch_may_be_longer_than_25(self, store: HotStore) -> None:
        store.batch_put(READINGS, [reading(at, room="r", level=at) for at in range(60)])
        store.batch_put(READINGS, [])
        assert [i["at"] for i in store.query(READINGS, partition="d").items] == list(range(60))

    @pytest.mark.parametrize("bad", [reading(3), reading(2.0), reading("x"), reading(4, value=float("nan"))])
    def test_of_a_batch_that_breaks_a_rule_nothing_is_written(self, store: HotStore, bad: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            store.batch_put(READINGS, [*(reading(at) for at in (*range(4), *range(10, 40))), bad])
        assert store.count(READINGS) == 0

    # -- conditions -----------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("condition", "holds_of_item", "holds_of_none"),
        [
            (attribute_exists("id"), True, False), (attribute_not_exists("id"), False, True),
            (attribute_exists("other"), False, False), (attribute_not_exists("other"), True, True),
            (attribute("version", "=", 7), True, False), (attribute("version", "=", Decimal("7.0")), True, False),
            (attribute("version", "=", "7"), False, False), (attribute("version", "<", 8), True, False),
            (attribute("version", "<", 7), False, False), (attribute("version", "<=", 7), True, False),
            (attribute("version", ">", 6.5), True, False), (attribute("version", ">=", 10), False, False),
            (attribute("version", "<", "8"), False, False), (attribute("name", "<", "\U0001f600"), True, False),
            (attribute("name", ">", "Z"), True, False), (attribute("other", "<", 8), False, False),
            (~attribute("other", "<", 8), True, True), (attribute("list", "=", [0.1, {"a": 1}]), True, False),
            (attribute("list", "=", [{"a": 1}, 0.1]), False, False), (attribute("set", "=", {2, 1}), True, False),
            (attribute("flag", "=", value=True), True, False), (attribute("version", "=", value=True), False, False),
            (attribute("nothing", "=", None), True, False), (attribute("nothing", "=", value=False), False, False),
            (attribute_exists("id") & attribute("version", "<", 7), False, False),
            (attribute_not_exists("id") | attribute("version", "<", 8), True, True),
            (~(attribute_exists("id") & attribute_exists("name")), False, True),
        ],
    )  # fmt: skip
    def test_a_write_happens_if_its_condition_holds(
        self, store: HotStore, condition: Condition, holds_of_item: bool, holds_of_none: bool
    ) -> None:
        there = {
            "id": "there", "version": 7, "name": "\uffff", "list": [0.1, {"a": 1}], "set": {1, 2}, "flag": True,
            "nothing": None,
        }  # fmt: skip
        for identity, holds in (("there", holds_of_item), ("absent", holds_of_none)):
            store.put(PLAIN, there)
            key = {"id": identity}
            before = store.get(PLAIN, key)
            with contextlib.nullcontext() if holds else pytest.raises(ConditionFailedError) as caught:
                store.put(PLAIN, {**key, "written": 1}, condition=condition)
            assert store.get(PLAIN, key) == ({**key, "written": 1} if holds else before)
            assert holds or (caught is not None and caught.value.data["item"] == before)

    @pytest.mark.parametrize(("version", "deleted"), [(8, True), (7, False)])
    def test_a_delete_happens_if_its_condition_holds(self, store: HotStore, version: int, deleted: bool) -> None:
        store.put(PLAIN, {"id": "a", "version": 7})
        with contextlib.nullcontext() if deleted else pytest.raises(ConditionFailedError):
            store.delete(PLAIN, {"id": "a"}, condition=attribute("version", "<", version))
        assert store.count(PLAIN) == (0 if deleted else 1)

    @pytest.mark.parametrize("value", [[1], {"a": 1}, True, None, {1}])
    def test_only_text_numbers_and_bytes_have_an_order(self, store: HotStore, value: Any) -> None:
        with pytest.raises(ValidationError):
            store.put(PLAIN, {"id": "a"}, condition=attribute("version", "<", value))
