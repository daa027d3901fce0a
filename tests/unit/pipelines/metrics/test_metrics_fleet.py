"""The simulated fleet: a pure function of seed, instance, kind and time, with the rhythms that its page promises."""

import os
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import TaskError
from penstock.pipelines.metrics.fleet import FULL, Fleet, incident, parse_fleet, read
from penstock.pipelines.metrics.records import MetricType

MONDAY = 1_771_804_800  # 2026-02-23T00:00:00Z
HOUR, DAY, WEEK = 3600, 86_400, 7 * 86_400
KINDS: tuple[MetricType, ...] = ("cpu", "memory", "disk", "network")
THRESHOLDS: dict[MetricType, float] = {"cpu": 80.0, "memory": 90.0}

seeds = st.integers(0, 2**32)
times = st.floats(0, 4_102_444_800, allow_nan=False)
kinds = st.sampled_from(KINDS)


@given(seeds, times, kinds)
@settings(max_examples=100)
def test_every_reading_is_in_range(seed: int, at: float, kind: MetricType) -> None:
    found = read(seed, "i-1", kind, at)
    assert 0 <= found.value <= FULL[kind]
    assert all(value >= 0 for value in found.readings.values())
    if kind == "memory":
        assert found.readings["used_mb"] / found.readings["total_mb"] == pytest.approx(found.value / 100)


@given(seeds, st.floats(MONDAY, MONDAY + 52 * WEEK), st.sampled_from(("cpu", "memory")))
@settings(max_examples=100)
def test_a_healthy_instance_sets_off_no_alarm(seed: int, at: float, kind: MetricType) -> None:
    if incident(seed, "i-1", kind, at) is None:
        assert read(seed, "i-1", kind, at).value < THRESHOLDS[kind]


def test_readings_are_the_same_in_every_process() -> None:
    program = "from penstock.pipelines.metrics.fleet import Fleet, read; name = Fleet(3, 7).names()[2]\n"
    program += "print(name, [read(7, name, kind, 1771574220.5) for kind in ('cpu', 'memory', 'disk', 'network')])"
    printed = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_instances_and_seeds_differ() -> None:
    names = Fleet(500, 7).names()
    assert len(set(names)) == 500
    assert set(names).isdisjoint(Fleet(500, 8).names())
    assert Fleet(3, 7).names() == names[:3]
    assert len({read(7, name, "cpu", MONDAY).value for name in names[:20]}) == 20
    assert all(name.startswith("i-") and len(name) == 19 for name in names)


def usual(seed: int, kind: MetricType, start: int, stop: int, step: int) -> list[tuple[int, float]]:
    """Readings without those of incidents, so that only the rhythms are left."""
    moments = range(start, stop, step)
    return [(at, read(seed, "i-1", kind, at).value) for at in moments if incident(seed, "i-1", kind, at) is None]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_weekends_are_quieter(seed: int, kind: MetricType) -> None:
    readings = usual(seed, kind, MONDAY, MONDAY + 8 * WEEK, HOUR)
    weekdays = [value for at, value in readings if (at - MONDAY) % WEEK < 5 * DAY]
    weekends = [value for at, value in readings if (at - MONDAY) % WEEK >= 5 * DAY]
    assert mean(weekdays) > mean(weekends)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_days_are_busiest_around_noon(seed: int) -> None:
    readings = usual(seed, "cpu", MONDAY, MONDAY + 8 * WEEK, HOUR)
    by_hour = {hour: mean([value for at, value in readings if at % DAY // HOUR == hour]) for hour in range(24)}
    assert max(by_hour, key=by_hour.__getitem__) in range(9, 16)
    assert min(by_hour, key=by_hour.__getitem__) in {21, 22, 23, 0, 1, 2, 3}
    assert max(by_hour.values()) - min(by_hour.values()) > 10


def incidents(kind: MetricType, count: int) -> list[tuple[str, float, float]]:
    found: dict[tuple[str, float], tuple[str, float, float]] = {}
    for name in Fleet(60, 7).names():
        for at in range(MONDAY, MONDAY + 3 * WEEK, 3 * HOUR):
            one = incident(7, name, kind, at)
            if one is not None:
                found[name, one.began_at] = (name, one.began_at, one.ended_at)
    return list(found.values())[:count]


@pytest.mark.parametrize("kind", KINDS)
def test_incidents_last_for_hours_and_have_an_end(kind: MetricType) -> None:
    found = incidents(kind, 10)
    assert len(found) == 10
    for name, began_at, ended_at in found:
        assert 9 * HOUR <= ended_at - began_at <= 24 * HOUR
        assert incident(7, name, kind, began_at) is not None
        assert incident(7, name, kind, ended_at) is None
        assert incident(7, name, kind, began_at - 1) is None


@pytest.mark.parametrize("kind", ["cpu", "memory"])
@pytest.mark.parametrize("minute", range(0, 180, 20))
def test_collections_every_three_hours_see_each_incident_twice_in_a_row(kind: MetricType, minute: int) -> None:
    for name, began_at, ended_at in incidents(kind, 10):
        first = int(began_at // (3 * HOUR)) * 3 * HOUR + minute * 60
        above = [read(7, name, kind, at).value > THRESHOLDS[kind] for at in range(first, int(ended_at), 3 * HOUR)]
        assert any(one and two for one, two in pairwise(above))


def test_a_leak_grows_and_is_gone_after_the_restart() -> None:
    for name, began_at, ended_at in incidents("memory", 10):
        third = (ended_at - began_at) / 3
        values = [read(7, name, "memory", began_at + share * third).value for share in (0, 0.5, 1)]
        assert values == sorted(values)
        assert values[2] - values[0] > 10
        assert read(7, name, "memory", ended_at).value < 90


def test_how_many_instances_have_an_incident() -> None:
    drawn = 0
    for name in Fleet(200, 3).names():
        for week in range(10):
            # No incident is shorter than nine hours: such steps miss none.
            start = (MONDAY // WEEK + week) * WEEK
            drawn += any(incident(3, name, "disk", at) for at in range(start, start + WEEK, 9 * HOUR))
    assert 0.11 < drawn / 2000 < 0.19


GIVEN: list[tuple[Any, str, Fleet | None]] = [
    (None, "", None),
    ({}, "", None),
    ({"interval_seconds": 1}, "", None),
    ({"fleet": {"instances": 20, "seed": 7}}, "", Fleet(20, 7)),
    ({"fleet": {"instances": 20, "seed": 7}}, "3:1", Fleet(20, 7)),
    ({"fleet": {}}, "", Fleet(20, 0)),
    ({}, "20:7", Fleet(20, 7)),
    ([1], "20", Fleet(20, 0)),
]


@pytest.mark.parametrize(("event", "environment", "expected"), GIVEN)
def test_a_fleet_is_asked_for(event: Any, environment: str, expected: Fleet | None) -> None:
    assert parse_fleet(event, environment) == expected


NONSENSE: list[tuple[Any, str]] = [
    ({"fleet": "20:7"}, ""),
    ({"fleet": {"instances": "20"}}, ""),
    ({"fleet": {"instances": 2.5}}, ""),
    ({"fleet": {"instances": 20, "sed": 7}}, ""),
    ({"fleet": {"instances": 0}}, ""),
    ({"fleet": {"instances": 10_001}}, ""),
    ({"fleet": []}, ""),
    ({}, "many"),
    ({}, "20:x"),
    ({}, ":7"),
    ({}, "-1:7"),
]


@pytest.mark.parametrize(("event", "environment"), NONSENSE)
def test_what_is_no_fleet_is_said_so(event: Any, environment: str) -> None:
    with pytest.raises(TaskError, match="fleet") as caught:
        parse_fleet(event, environment)
    assert caught.value.error == "InvalidInput"
    assert "PENSTOCK_FLEET=20:7" in caught.value.hint
