"""What a lake table says of its sealed files: checked against its record."""

from datetime import datetime

import msgspec
import pytest

from penstock import Pipeline, days
from penstock.errors import DefinitionError
from penstock.model.datasets import ZONES

DAY = 86_400


class Place(msgspec.Struct):
    room: str


class Reading(msgspec.Struct):
    at: datetime
    sensor_id: str = msgspec.field(name="sensorId")
    value: float = 0.0
    place: Place | None = None
    tags: list[str] = []
    ok: bool = True


def test_the_options_are_on_the_table() -> None:
    table = Pipeline("p").lake("t", Reading, sort=["sensorId", "at"], unique="sensorId", time="at", compress=True)
    assert (table.sort, table.unique, table.time, table.compress) == (("sensorId", "at"), ("sensorId",), "at", True)


def test_ages_are_of_all_zones_or_of_each() -> None:
    one = Pipeline("p").lake("t", Reading, retain=days(90), infrequent_after=days(30))
    assert [one.retained_seconds(zone) for zone in ZONES] == [90 * DAY] * 3
    assert [one.infrequent_seconds(zone) for zone in ZONES] == [30 * DAY, 30 * DAY, None]
    each = Pipeline("p").lake(
        "t", Reading, retain={"raw": days(30), "sealed": days(365)}, infrequent_after={"sealed": days(60)}
    )
    # What is not named goes with the sealed file.
    assert [each.retained_seconds(zone) for zone in ZONES] == [30 * DAY, 365 * DAY, 365 * DAY]
    assert [each.infrequent_seconds(zone) for zone in ZONES] == [None, 60 * DAY, None]


def test_an_archive_may_be_kept_longer_than_what_is_sealed() -> None:
    pipeline = Pipeline("p")
    table = pipeline.lake("t", Reading, retain={"sealed": days(30), "raw": days(900)}, archive_after=days(10))
    pipeline.build()
    assert table.outlived_by_archive


def test_without_options_nothing_is_said() -> None:
    table = Pipeline("p").lake("t", Reading)
    assert (table.sort, table.unique, table.time, table.compress) == ((), (), None, False)


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ({"sort": "att"}, "unknown-column", "did you mean 'at'"),
        ({"sort": ["at", "sensor_id"]}, "unknown-column", "did you mean 'sensorId'"),
        ({"unique": "xyzzy"}, "unknown-column", "name one of at, sensorId"),
        ({"unique": ["at", "at"]}, "column-twice", "once"),
        ({"sort": "place"}, "column-type", "one value"),
        ({"unique": "tags"}, "column-type", "one value"),
        ({"time": "when"}, "unknown-column", "name one of"),
        ({"time": "ok"}, "column-type", "ISO 8601"),
        ({"retain": {"archive": days(9)}}, "zone", "archived objects are raw ones"),
        ({"infrequent_after": {"cold": days(30)}}, "zone", "raw, sealed, quarantine"),
        ({"retain": {"sealed": days(9), "quarantine": days(10)}}, "retention-order", "kept as long"),
        ({"retain": {"sealed": days(9), "raw": days(10)}}, "retention-order", "archive_after="),
        (
            {"retain": {"sealed": days(9), "raw": days(10)}, "archive_after": days(10)},
            "retention-order",
            "archive_after=",
        ),
    ],
)
def test_a_mistake_is_told_with_its_mend(options: dict[str, object], code: str, told: str) -> None:
    pipeline = Pipeline("p")
    pipeline.lake("t", Reading, **options)  # type: ignore[arg-type]
    with pytest.raises(DefinitionError) as refused:
        pipeline.build()
    (found,) = refused.value.data["findings"]
    assert found["code"] == code
    assert told in found["hint"]
    assert found["where"].startswith("tests/unit/define/test_lake_options.py:")


def test_a_column_is_not_called_as_the_partitions_are() -> None:
    pipeline = Pipeline("p")
    pipeline.lake("hourly", msgspec.defstruct("Hourly", [("Hour", int), ("hours", int)]))
    pipeline.lake("daily", msgspec.defstruct("Daily", [("hour", int)]), partition="day")
    with pytest.raises(DefinitionError) as refused:
        pipeline.build()
    (found,) = refused.value.data["findings"]
    assert (found["code"], "'hourly'" in found["message"]) == ("partition-column", True)
