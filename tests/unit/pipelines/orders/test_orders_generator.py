"""Simulated orders: what is in a batch follows from its seed, hour and number alone, and is told with it."""

import collections

import pytest

from penstock import TaskError
from penstock.pipelines.orders import generator
from penstock.pipelines.orders.generator import Batch, Orders

HOUR = 1_771_567_200  # 2026-02-20T06:00:00Z


def test_a_batch_is_the_same_each_time_and_no_other_is() -> None:
    one = generator.make(Batch(3, 200, 7, HOUR))
    assert generator.make(Batch(3, 200, 7, HOUR)).records == one.records
    ids = {record.get("order_id") for record in one.records}
    for other in (Batch(4, 200, 7, HOUR), Batch(3, 200, 8, HOUR), Batch(3, 200, 7, HOUR + 3600)):
        shared = ids & {record.get("order_id") for record in generator.make(other).records}
        assert shared <= {None, "", "  "}


def test_defects_have_their_shares() -> None:
    made = generator.make(Batch(0, 20_000, 7, HOUR))
    rejected = sum(made.rejected.values())
    # The shares add up to 3 percent of 20 000; five standard deviations of a binomial are 121.
    assert 600 - 121 < rejected < 600 + 121
    assert set(made.rejected) == {name for name, _, _ in generator.DEFECTS}
    # 2 and 3 percent of the 97 that have no defect.
    assert 388 - 98 < made.duplicates < 388 + 98
    assert 582 - 119 < made.late < 582 + 119
    assert len(made.records) == 20_000 + made.duplicates


def test_a_duplicate_is_a_copy() -> None:
    made = generator.make(Batch(0, 2000, 1, HOUR))
    found = collections.defaultdict(list)
    for record in made.records:
        if record["order_id"] and record["order_id"].strip():
            found[record["order_id"]].append(record)
    twice = [copies for copies in found.values() if len(copies) > 1]
    assert len(twice) == made.duplicates > 0
    assert all(len(copies) == 2 and copies[0] == copies[1] for copies in twice)


def test_an_hour_is_divided_into_batches() -> None:
    found = generator.batches(Orders(count=11, seed=2, batch=5), HOUR + 3600 + 59.5)
    assert found == [Batch(0, 5, 2, HOUR), Batch(1, 5, 2, HOUR), Batch(2, 1, 2, HOUR)]


def test_what_is_wanted_comes_from_the_input_or_the_environment() -> None:
    assert generator.parse_orders({"orders": {"count": 9, "seed": 3}}, "1:2") == Orders(9, 3)
    assert generator.parse_orders({}, "20:5") == Orders(20, 5)
    assert generator.parse_orders(None, "") == Orders(500, 0)
    assert generator.parse_orders({}, "off") is None


@pytest.mark.parametrize(
    ("event", "environment"),
    [
        ({"orders": {"count": 0}}, ""),
        ({"orders": {"count": 1_000_001}}, ""),
        ({"orders": {"count": "many"}}, ""),
        ({"orders": {"number": 5}}, ""),
        ({"orders": {"batch": 0}}, ""),
        ({}, "many"),
    ],
)
def test_what_cannot_be_made_is_refused(event: dict[str, object], environment: str) -> None:
    with pytest.raises(TaskError) as caught:
        generator.parse_orders(event, environment)
    assert caught.value.error == "InvalidInput"
