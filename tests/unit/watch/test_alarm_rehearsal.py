"""What alarms would have done with what was recorded, counted by hand."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from penstock.model.alarms import Alarm, CompositeAlarm
from penstock.model.metrics import Metric
from penstock.model.pipeline import Definition
from penstock.model.topics import Subscription, Topic
from penstock.watch.advice import Rehearsed, rehearse
from penstock.watch.rehearsal import transitions

BEGAN = 1_771_545_600.0  # 2026-02-20T00:00:00Z
LOAD = Metric("Test", "Load", (), "Percent")
HOUR = 3600
ALARM = Alarm(
    name="high", metric=LOAD, threshold=80.0, period_seconds=600, on_alarm=("ops",), on_ok=("ops",),
    missing="notBreaching",
)  # fmt: skip
OPS = Topic(name="ops", subscriptions=(Subscription("mailto:a@example.com"), Subscription("mailto:b@example.com")))


def loads(*readings: float, every: int = 600) -> list[tuple[float, float, float]]:
    """Readings from the beginning on, ten minutes apart, each a second after."""
    return [(BEGAN + number * every + 1, reading, 1.0) for number, reading in enumerate(readings)]


def rehearsed(alarm: Alarm, values: Sequence[tuple[float, float, float]], *, topic: Topic = OPS) -> Rehearsed:
    definition = Definition(name="p", namespace="p", alarms={alarm.name: alarm}, topics={"ops": topic})
    return rehearse(definition, lambda _: values, BEGAN, BEGAN + 24 * HOUR)[0]


def test_each_change_is_at_the_minute_in_which_it_can_be_seen() -> None:
    # 50 at 00:00:01, 90 at 00:10:01, 50 at 00:20:01: the alarm holds from 00:11 until the 90 leaves the newest period.
    found = transitions([ALARM], {}, lambda _: loads(50, 90, 50), BEGAN, BEGAN + HOUR)
    assert [((change.at - BEGAN) / 60, change.state.value) for change in found] == [
        (1.0, "OK"), (11.0, "ALARM"), (21.0, "OK"),
    ]  # fmt: skip
    assert [change.notified for change in found] == [("ops",)] * 3


def test_a_composite_alarm_follows_the_alarms_that_it_speaks_of() -> None:
    both = CompositeAlarm(name="both", rule='ALARM("high")', on_alarm=("ops",))
    found = transitions([ALARM], {"both": both}, lambda _: loads(50, 90, 50), BEGAN, BEGAN + HOUR)
    changes = [((change.at - BEGAN) / 60, change.state.value) for change in found if change.alarm == "both"]
    assert changes == [(0.0, "OK"), (11.0, "ALARM"), (21.0, "OK")]


def test_mails_are_counted_for_every_subscriber_and_those_close_to_each_other_too() -> None:
    # OK at 00:01, ALARM at 00:11, OK at 00:21; and ALARM at 05:01, OK at 05:11: five messages, two people.
    readings = [50.0] * 32
    readings[1] = readings[30] = 90.0
    found = rehearsed(ALARM, loads(*readings))
    assert (found.fired, found.mails, found.close_mails) == (2, 10, 10)
    assert found.text == "10 mails in 1 day, 10 of them within an hour of another"
    assert found.alarm_seconds == 2 * 600
    alone = rehearsed(msgspec.structs.replace(ALARM, on_ok=()), loads(*readings))
    assert (alone.mails, alone.close_mails) == (4, 0)
    assert alone.text == "4 mails in 1 day"


def test_an_alarm_that_comes_back_again_and_again_flaps_and_another_setting_is_named() -> None:
    found = rehearsed(ALARM, loads(*[50, 90] * 12, *[50] * 6))
    assert found.flaps
    assert found.fired == 12
    settings = {advice.setting: advice.fired for advice in found.advice}
    # Of any two periods one is above: an alarm for one of two stays until it is over.
    assert settings["for_periods=2, datapoints=1"] == 1
    assert all(advice.mails < found.mails for advice in found.advice)


def test_one_long_alarm_does_not_flap() -> None:
    found = rehearsed(ALARM, loads(50, *[90] * 20, 50))
    assert (found.fired, found.flaps, found.advice) == (1, False, ())


@pytest.mark.parametrize(
    ("alarm", "values", "reason"),
    [
        (ALARM, [], "Load was never published in this time"),
        (msgspec.structs.replace(ALARM, threshold=100.0), loads(50), "no percentage is above 100"),
        (
            msgspec.structs.replace(ALARM, evaluation_periods=3, datapoints_to_alarm=3),
            loads(90, 90, 90, every=3 * HOUR),
            "Load is published every 10800 s: of periods of 600 s no 3 have data at a time",
        ),
    ],
)
def test_what_can_never_fire_is_told_with_the_reason(
    alarm: Alarm, values: list[tuple[float, float, float]], reason: str
) -> None:
    assert rehearsed(alarm, values).cannot_fire == reason


@pytest.mark.parametrize(
    ("alarm", "topic", "reason"),
    [
        (ALARM, Topic(name="ops"), "nobody has subscribed to ops"),
        (msgspec.structs.replace(ALARM, on_alarm=()), OPS, "it tells no topic"),
    ],
)
def test_an_alarm_that_nobody_hears_is_told_though_it_fires(alarm: Alarm, topic: Topic, reason: str) -> None:
    found = rehearsed(alarm, loads(50, 90, 50), topic=topic)
    assert (found.fired, found.cannot_fire, found.unheard) == (1, "", reason)


def test_what_could_fire_and_did_not_is_not_told() -> None:
    assert rehearsed(ALARM, loads(50, 60, 70)).cannot_fire == ""
