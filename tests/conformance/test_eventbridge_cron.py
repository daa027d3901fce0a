"""EventBridge Scheduler's documented schedule expressions.

Sources:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (fields, wildcards, time zones, DST)
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html (examples, limits)

Each expected moment is read off a calendar: 1 January 2026 is a Thursday.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from penstock.errors import UsageError
from penstock.schedules import parse


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def slots_after(expression: str, after: str, count: int, timezone: str = "UTC") -> list[str]:
    timetable = parse(expression, timezone)
    found = islice(timetable.between(at(after), at("2200-01-01T00:00")), count)
    return [datetime.fromtimestamp(slot, UTC).strftime("%Y-%m-%dT%H:%M") for slot in found]


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # The examples of the rules page, in its words: "at 10:00 am (UTC) every day", and so on.
        ("cron(0 10 * * ? *)", "2026-01-01T10:00", ["2026-01-02T10:00", "2026-01-03T10:00"]),
        ("cron(15 12 * * ? *)", "2026-01-01T00:00", ["2026-01-01T12:15", "2026-01-02T12:15"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-02T00:00", ["2026-01-02T18:00", "2026-01-05T18:00"]),
        ("cron(0 8 1 * ? *)", "2026-01-01T08:00", ["2026-02-01T08:00", "2026-03-01T08:00"]),
        ("cron(0/15 * * * ? *)", "2026-01-01T00:50", ["2026-01-01T01:00", "2026-01-01T01:15"]),
        ("cron(0/10 * ? * MON-FRI *)", "2026-01-02T23:45", ["2026-01-02T23:50", "2026-01-05T00:00"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-01-02T17:50", ["2026-01-02T17:55", "2026-01-05T08:00"]),
        # "Runs from 12:00 am to 2:00 am on Monday morning": the hours wrap within each day that is named.
        (
            "cron(0/30 20-2 ? * MON-FRI *)",
            "2026-01-05T02:00",
            ["2026-01-05T02:30", "2026-01-05T20:00", "2026-01-05T20:30"],
        ),
        ("cron(0/30 20-2 ? * MON-FRI *)", "2026-01-02T23:30", ["2026-01-05T00:00"]),
        # "the last Friday of each month during the years 2022 to 2023"
        ("cron(15 10 ? * 6L 2022-2023)", "2022-01-01T00:00", ["2022-01-28T10:15", "2022-02-25T10:15"]),
        ("cron(15 10 ? * 6L 2022-2023)", "2023-11-25T00:00", ["2023-12-29T10:15"]),
        # Wildcards, each by the sentence that explains it.
        ("cron(0 0 1 JAN,FEB,MAR ? *)", "2026-02-01T00:00", ["2026-03-01T00:00", "2027-01-01T00:00"]),
        ("cron(0 0 1-15 * ? *)", "2026-01-14T00:00", ["2026-01-15T00:00", "2026-02-01T00:00"]),
        ("cron(1/10 * * * ? *)", "2026-01-01T00:01", ["2026-01-01T00:11", "2026-01-01T00:21", "2026-01-01T00:31"]),
        ("cron(0 0 7 * ? *)", "2026-01-01T00:00", ["2026-01-07T00:00", "2026-02-07T00:00"]),
        ("cron(0 0 L * ? *)", "2026-01-31T00:00", ["2026-02-28T00:00", "2026-03-31T00:00", "2026-04-30T00:00"]),
        ("cron(0 0 ? * L *)", "2026-01-01T00:00", ["2026-01-03T00:00", "2026-01-10T00:00"]),
        ("cron(0 0 3W * ? *)", "2026-01-01T00:00", ["2026-01-02T00:00", "2026-02-03T00:00"]),
        ("cron(0 0 ? * 3#2 *)", "2026-01-01T00:00", ["2026-01-13T00:00", "2026-02-10T00:00", "2026-03-10T00:00"]),
        # "five required fields ... and one optional field, year"
        ("cron(0 8 * * ?)", "2026-01-01T08:00", ["2026-01-02T08:00"]),
        ("cron(0 0 1 1 ? 2199)", "2026-01-01T00:00", ["2199-01-01T00:00"]),
        ("cron(0 0 1 1 ? 1970-2199/100)", "1971-01-01T00:00", ["2070-01-01T00:00", "2170-01-01T00:00"]),
    ],
)
def test_documented_meaning(expression: str, after: str, expected: list[str]) -> None:
    assert slots_after(expression, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "after", "expected", "timezone"),
    [
        # "8:30 a.m. in America/New_York" and "1pm UTC-8 on November 20, 2022"
        ("cron(30 8 * * ? *)", "2026-01-01T00:00", ["2026-01-01T13:30"], "America/New_York"),
        ("cron(30 8 * * ? *)", "2026-07-01T00:00", ["2026-07-01T12:30"], "America/New_York"),
        ("at(2022-11-20T13:00:00)", "2022-01-01T00:00", ["2022-11-20T21:00"], "America/Los_Angeles"),
        # The page's own example: skipped on 8 March 2026, once on 1 November 2026.
        ("cron(30 2 * * ? *)", "2026-03-07T00:00", ["2026-03-07T10:30", "2026-03-09T09:30"], "America/Los_Angeles"),
        (
            "cron(30 2 * * ? *)",
            "2026-10-31T00:00",
            ["2026-10-31T09:30", "2026-11-01T10:30", "2026-11-02T10:30"],
            "America/Los_Angeles",
        ),
        # "days represents a 24-hour duration on the clock"
        ("rate(1 day)", "2026-03-27T12:00", ["2026-03-28T00:00", "2026-03-29T00:00", "2026-03-30T00:00"], "UTC"),
        ("rate(1 day)", "2026-03-28T12:00", ["2026-03-29T00:00", "2026-03-30T00:00"], "Europe/Berlin"),
    ],
)
def test_documented_time_zones(expression: str, after: str, expected: list[str], timezone: str) -> None:
    assert slots_after(expression, after, len(expected), timezone) == expected


@pytest.mark.parametrize(
    ("expression", "field"),
    [
        # Values and wildcards of each field, by the table.
        ("cron(60 0 * * ? *)", "minutes"),
        ("cron(? 0 * * ? *)", "minutes"),
        ("cron(L 0 * * ? *)", "minutes"),
        ("cron(0 24 * * ? *)", "hours"),
        ("cron(0 0 0 * ? *)", "day-of-month"),
        ("cron(0 0 32 * ? *)", "day-of-month"),
        ("cron(0 0 2#1 * ? *)", "day-of-month"),
        ("cron(0 0 * 13 ? *)", "month"),
        ("cron(0 0 * 0 ? *)", "month"),
        ("cron(0 0 * ? ? *)", "month"),
        ("cron(0 0 * JANUARY ? *)", "month"),
        ("cron(0 0 ? * 0 *)", "day-of-week"),
        ("cron(0 0 ? * 8 *)", "day-of-week"),
        ("cron(0 0 ? * 1W *)", "day-of-week"),
        ("cron(0 0 ? * 1/2 *)", "day-of-week"),
        ("cron(0 0 ? * 3#6 *)", "day-of-week"),
        ("cron(0 0 * * ? 1969)", "year"),
        ("cron(0 0 * * ? 2200)", "year"),
        ("cron(0 0 * * ? ?)", "year"),
        # "You can't use * in both the Day-of-month and Day-of-week fields."
        ("cron(0 0 * * * *)", "day-of-week"),
        ("cron(0 0 1 * MON *)", "day-of-week"),
        ("cron(0 0 ? * ? *)", "day-of-week"),
        # "3#1,6#3 is not valid because it is interpreted as two expressions."
        ("cron(0 0 ? * 3#1,6#3 *)", "day-of-week"),
        # "rate(1 hours) and rate(5 hour) aren't valid, but rate(1 hour) and rate(5 hours) are valid."
        ("rate(1 hours)", "unit"),
        ("rate(5 hour)", "unit"),
        ("rate(0 minutes)", "value"),
        ("rate(-5 minutes)", "value"),
        ("rate(1.5 hours)", "value"),
        ("rate(2 weeks)", "unit"),
        ("at(2022-11-20)", "date and time"),
        ("at(2022-11-20T13:00:00Z)", "date and time"),
        ("at(2022-02-29T13:00:00)", "date and time"),
    ],
)
def test_documented_limits(expression: str, field: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(expression)
    assert caught.value.data["field"] == field
    assert caught.value.hint


@pytest.mark.parametrize(
    ("expression", "interval_seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(5 minutes)", 300),
        ("rate(1 hour)", 3600),
        ("rate(5 hours)", 18_000),
        ("rate(1 day)", 86_400),
        ("rate(7 days)", 604_800),
    ],
)
def test_documented_rates(expression: str, interval_seconds: int) -> None:
    timetable = parse(expression)
    assert timetable.cadence(0.0) == interval_seconds
    assert list(timetable.between(0.0, 2.5 * interval_seconds)) == [interval_seconds, 2 * interval_seconds]
    assert not timetable.machine_only
