"""Embedded metrics conform to CloudWatch's format, and nothing of the data is lost.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import ValidationError
from penstock.model.metrics import Datapoint, Metric, Unit
from penstock.runtime.aws.emf import EmbeddedMetrics, documents

NOW = 1_771_574_400.0
EVENT_LIMIT_BYTES = 1024 * 1024
UNITS = set(get_args(Unit))
NAMES = st.text('abcXYZ09_ .é"\\', min_size=1, max_size=8)
METRICS = st.builds(
    lambda namespace, name, dimensions, unit: Metric(
        namespace, f"metric {name}", tuple(sorted(dimensions.items())), unit
    ),
    st.sampled_from(["A", "B"]),
    st.sampled_from([str(number) for number in range(5)]),
    st.dictionaries(NAMES, NAMES, max_size=3),
    st.sampled_from(["Count", "Percent", "None"]),
)
POINTS = st.builds(
    Datapoint,
    METRICS,
    st.sampled_from([NOW, NOW + 0.0004, NOW - 60, NOW - 60.5]),
    st.integers(-(10**9), 10**9).map(lambda number: number / 8),
    st.integers(1, 5).map(float),
)


class Clock:
    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def check(text: str) -> dict[str, Any]:
    """Checks a line by the specification's JSON schema and its text, and returns it."""
    assert "\n" not in text
    assert len(text.encode()) <= EVENT_LIMIT_BYTES
    root: dict[str, Any] = json.loads(text)
    assert root["_aws"].keys() == {"Timestamp", "CloudWatchMetrics"}
    assert type(root["_aws"]["Timestamp"]) is int
    targets = {"_aws"}
    for directive in root["_aws"]["CloudWatchMetrics"]:
        assert directive.keys() == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert len(directive["Dimensions"]) >= 1
        for dimension_set in directive["Dimensions"]:
            assert len(dimension_set) <= 30
            for name in dimension_set:
                assert 1 <= len(name) <= 250
                assert isinstance(root[name], str)
                assert 1 <= len(root[name]) <= 1024
                targets.add(name)
        assert 1 <= len(directive["Metrics"]) <= 100
        names = [definition["Name"] for definition in directive["Metrics"]]
        assert len(names) == len(set(names))
        for definition in directive["Metrics"]:
            assert definition.keys() <= {"Name", "Unit", "StorageResolution"}
            assert definition["Unit"] in UNITS
            value = root[definition["Name"]]
            values = value if isinstance(value, list) else [value]
            assert 1 <= len(values) <= 100
            assert all(type(one) in {int, float} for one in values)
            targets.add(definition["Name"])
    assert root.keys() == targets
    return root


def extracted(root: dict[str, Any]) -> Counter[Any]:
    """Returns what CloudWatch reads out of a line: how many times which value of which series at which moment."""
    found: Counter[Any] = Counter()
    for directive in root["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = tuple((name, root[name]) for name in names)
            for one in directive["Metrics"]:
                value = root[one["Name"]]
                series = directive["Namespace"], one["Name"], dimensions, one["Unit"], root["_aws"]["Timestamp"]
                found.update((*series, number) for number in (value if isinstance(value, list) else [value]))
    return found


def published(points: list[Datapoint]) -> list[str]:
    lines: list[str] = []
    assert EmbeddedMetrics(Clock(), lines.append).publish(points) is True
    return lines


@settings(max_examples=100, deadline=None)
@given(st.lists(POINTS, max_size=30))
def test_every_datapoint_is_read_back_from_lines_that_conform(points: list[Datapoint]) -> None:
    read: Counter[Any] = Counter()
    for line in published(points):
        read += extracted(check(line))
    wanted: Counter[Any] = Counter()
    for point in points:
        metric = point.metric
        series = metric.namespace, metric.name, metric.dimensions, metric.unit, round(point.at * 1000)
        wanted[(*series, point.value)] += int(point.count)
    assert read == wanted


def test_the_line_of_one_value() -> None:
    metric = Metric("shop", "Latency", (("Shop", "north"),), "Milliseconds")
    assert [json.loads(line) for line in published([Datapoint(metric, NOW, 12.5)])] == [
        {
            "_aws": {
                "Timestamp": 1_771_574_400_000,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "shop",
                        "Dimensions": [["Shop"]],
                        "Metrics": [{"Name": "Latency", "Unit": "Milliseconds"}],
                    }
                ],
            },
            "Shop": "north",
            "Latency": 12.5,
        }
    ]


def test_a_metric_without_dimensions_has_one_empty_set() -> None:
    [document] = documents([Datapoint(Metric("shop", "Late"), NOW, 1.0)])
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]


@pytest.mark.parametrize(("count", "lines"), [(100, 1), (101, 2), (250, 3)])
def test_a_line_holds_a_hundred_values_of_a_metric(count: int, lines: int) -> None:
    metric = Metric("shop", "Late")
    made = published([Datapoint(metric, NOW, float(number)) for number in range(count)])
    assert len(made) == lines
    assert sum(extracted(check(made[0])).values()) == 100


@pytest.mark.parametrize(("count", "lines"), [(100, 1), (101, 2)])
def test_a_line_holds_a_hundred_metrics(count: int, lines: int) -> None:
    made = published([Datapoint(Metric("shop", f"M{number}"), NOW, 1.0) for number in range(count)])
    assert len([check(line) for line in made]) == lines


def test_units_of_one_name_are_not_mixed() -> None:
    points = [Datapoint(Metric("shop", "Size", (), unit), NOW, 1.0) for unit in ("Bytes", "Kilobytes")]
    units = [
        m["Unit"] for line in published(points) for m in json.loads(line)["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    ]
    assert units == ["Bytes", "Kilobytes"]


@pytest.mark.parametrize(
    "metric",
    [
        Metric("shop", "Late", (("Late", "x"),)),
        Metric("shop", "_aws"),
        Metric("shop", "Late", (("_aws", "x"),)),
    ],
)
def test_names_that_fall_together_are_refused_before_anything_is_written(metric: Metric) -> None:
    lines: list[str] = []
    good = Datapoint(Metric("shop", "Good"), NOW, 1.0)
    with pytest.raises(ValidationError, match="cannot be embedded"):
        EmbeddedMetrics(Clock(), lines.append).publish([good, Datapoint(metric, NOW, 1.0)])
    assert lines == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused_before_anything_is_written(value: float) -> None:
    lines: list[str] = []
    points = [Datapoint(Metric("shop", "Late"), NOW, one) for one in (1.0, value)]
    with pytest.raises(ValidationError):
        EmbeddedMetrics(Clock(), lines.append).publish(points)
    assert lines == []


def test_a_prefix_is_before_the_namespace_and_nothing_else() -> None:
    lines: list[str] = []
    EmbeddedMetrics(Clock(), lines.append, "dev-").publish([Datapoint(Metric("shop", "Late"), NOW, 1.0)])
    [root] = map(check, lines)
    assert extracted(root) == Counter([("dev-shop", "Late", (), "None", 1_771_574_400_000, 1.0)])


def test_nothing_is_written_for_nothing() -> None:
    assert published([]) == []
