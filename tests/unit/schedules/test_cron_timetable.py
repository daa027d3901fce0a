"""Cron timetables against a reference implementation, a calendar, and each other's answers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import islice

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.schedules import Timetable, parse

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
MOMENTS = st.integers(min_value=0, max_value=4_000_000_000)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])


@st.composite
def values(draw: st.DrawFn, low: int, high: int) -> str:
    """A field that means the same in every dialect of cron."""
    # croniter reads a range of one value, such as 0-0, as the whole field.
    pair = st.lists(st.integers(low, high), min_size=2, max_size=2, unique=True).map(sorted)
    items = []
    for _ in range(draw(st.integers(1, 3))):
        first, second = draw(pair)
        step = draw(st.integers(1, high))
        items.append(draw(st.sampled_from([f"{first}", f"{first}-{second}", f"{first}-{second}/{step}"])))
    return draw(st.sampled_from(["*", f"*/{draw(st.integers(1, high))}", ",".join(items)]))


@st.composite
def plain_crons(draw: st.DrawFn) -> tuple[str, str]:
    """The same timetable as a five-field cron line and as EventBridge writes it."""
    minute, hour, month = draw(values(0, 59)), draw(values(0, 23)), draw(values(1, 12))
    if draw(st.booleans()):
        day = draw(values(1, 28))
        return f"{minute} {hour} {day} {month} *", f"cron({minute} {hour} {day} {month} ? *)"
    first, second = sorted(draw(st.lists(st.integers(0, 6), min_size=2, max_size=2, unique=True)))
    line = f"{minute} {hour} * {month} {first}-{second}"
    return line, f"cron({minute} {hour} ? {month} {first + 1}-{second + 1} *)"


@given(plain_crons(), MOMENTS)
@settings(max_examples=100, deadline=None)
def test_agrees_with_croniter(crons: tuple[str, str], moment: int) -> None:
    line, expression = crons
    timetable = parse(expression)
    forward = croniter(line, moment)
    backward = croniter(line, moment)
    after: float = moment
    for _ in range(5):
        found = timetable.next(after)
        assert found == forward.get_next(float)
        after = found
    before: float = moment
    for _ in range(3):
        expected = backward.get_prev(float)
        if expected < 0:
            break
        found = timetable.previous(before - 1)
        assert found == expected
        before = found


EXPRESSIONS = st.sampled_from(
    [
        "cron(0/7 * * * ? *)",
        "cron(0 8 ? * MON-FRI *)",
        "cron(30 1-3 * * ? *)",
        "cron(0 0 29 2 ? *)",
        "cron(15 10 L * ? *)",
        "cron(0 6 15W * ? *)",
        "cron(0 22-2/2 ? * 2#5 *)",
        "rate(7 minutes)",
        "rate(3 hours)",
        "at(2026-02-20T07:57:00)",
    ]
)


@given(EXPRESSIONS, ZONES, MOMENTS, st.integers(0, 40 * 86_400))
@settings(max_examples=100, deadline=None)
def test_its_answers_agree_with_each_other(expression: str, timezone: str, after: int, seconds: int) -> None:
    timetable = parse(expression, timezone)
    slots = list(timetable.between(after, after + seconds))

    assert slots == sorted(set(slots))
    assert all(after < slot <= after + seconds for slot in slots)
    assert timetable.count(after, after + seconds) == len(slots)
    walked, moment = [], float(after)
    while (found := timetable.next(moment)) is not None and found <= after + seconds:
        walked.append(found)
        moment = found
    assert walked == slots
    backward, moment = [], float(after + seconds)
    while (found := timetable.previous(moment)) is not None and found > after:
        backward.append(found)
        moment = found - 0.001
    assert backward[::-1] == slots


def month_and_days(fields: str, count: int) -> list[str]:
    found = islice(parse(f"cron({fields})").between(NEW_YEAR - 1, 5e9), count)
    return [datetime.fromtimestamp(slot, UTC).strftime("%m-%d") for slot in found]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # 2026: 31 January, 28 February and 15 August are Saturdays; 1 February, 15 February and 31 May are Sundays.
        ("0 0 15W * ? 2026", ["01-15", "02-16", "03-16", "04-15", "05-15", "06-15", "07-15", "08-14"]),
        ("0 0 1W * ? 2026", ["01-01", "02-02", "03-02", "04-01", "05-01", "06-01", "07-01", "08-03"]),
        ("0 0 31W * ? 2026", ["01-30", "03-31", "05-29", "07-31", "08-31", "10-30", "12-31"]),
        ("0 0 LW * ? 2026", ["01-30", "02-27", "03-31", "04-30", "05-29"]),
        ("0 0 L 2 ? 2027-2029", ["02-28", "02-29", "02-28"]),
        ("0 0 ? * 6L 2026", ["01-30", "02-27", "03-27", "04-24", "05-29"]),
        ("0 0 ? * FRIL 2026", ["01-30", "02-27", "03-27", "04-24", "05-29"]),
        ("0 0 ? * 3#2 2026", ["01-13", "02-10", "03-10", "04-14"]),
        ("0 0 ? * 1#5 2026", ["03-29", "05-31", "08-30", "11-29"]),
        ("0 0 ? * SUN#1 2026", ["01-04", "02-01", "03-01", "04-05"]),
        ("0 0 ? * FRI-MON 2026", ["01-02", "01-03", "01-04", "01-05", "01-09"]),
        ("0 0 30-2 * ? 2026", ["01-01", "01-02", "01-30", "01-31", "02-01", "02-02", "03-01"]),
        ("0 0 1 NOV-FEB ? 2026", ["01-01", "02-01", "11-01", "12-01"]),
        ("0 0 1 11-3/2 ? 2026", ["01-01", "03-01", "11-01"]),
        ("0 0 29 2 ? *", ["02-29", "02-29"]),
    ],
)
def test_days(fields: str, expected: list[str]) -> None:
    assert month_and_days(fields, len(expected)) == expected


def test_leap_days_leave_out_2100() -> None:
    assert parse("cron(0 0 29 2 ? *)").next(datetime(2096, 3, 1, tzinfo=UTC).timestamp()) == (
        datetime(2104, 2, 29, tzinfo=UTC).timestamp()
    )


def test_names_and_letters_are_read_in_any_case() -> None:
    assert month_and_days("0 0 lw jan ? 2026", 1) == ["01-30"]


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("cron(0 8 ? * MON-FRI *)", 3 * 86_400),
        ("cron(0 9-17 ? * MON-FRI *)", 64 * 3600),
        ("cron(0 0 1 * ? *)", 31 * 86_400),
        ("cron(0 0 29 2 ? *)", 1461 * 86_400),
        ("cron(0/15 * * * ? *)", 900),
        ("cron(0 6,20 * * ? *)", 14 * 3600),
        ("rate(3 hours)", 10_800),
        ("at(2026-02-20T07:57:00)", float("inf")),
        ("cron(0 0 1 1 ? 2026)", float("inf")),
    ],
)
def test_cadence_is_the_longest_gap(expression: str, seconds: float) -> None:
    assert parse(expression).cadence(NEW_YEAR) == seconds


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("cron(0 8 ? * MON-FRI *)", "at 08:00 on Monday to Friday, UTC"),
        ("cron(0 8 * * ? *)", "at 08:00 every day, UTC"),
        ("cron(0/15 * * * ? *)", "every 15 minutes, UTC"),
        ("cron(0 * * * ? *)", "every hour, UTC"),
        ("cron(0 0/3 * * ? *)", "every 3 hours, UTC"),
        ("cron(* * * * ? *)", "every minute, UTC"),
        ("cron(0/5 8-17 ? * 2-6 *)", "every 5 minutes from 08:00 to 17:55 on Monday to Friday, UTC"),
        ("cron(0 8-17 ? * SAT,SUN *)", "every hour from 08:00 to 17:00 on Saturday and Sunday, UTC"),
        ("cron(15 10 ? * 6L 2022-2023)", "at 10:15 on the last Friday of the month in 2022 and 2023, UTC"),
        ("cron(0 0 ? 1,6 3#2 *)", "at 00:00 on the second Tuesday of the month in January and June, UTC"),
        ("cron(0 6,18 1,15 * ? *)", "at 06:00 and 18:00 on days 1 and 15 of the month, UTC"),
        ("cron(0 0 L * ? *)", "at 00:00 on the last day of the month, UTC"),
        ("cron(0 0 LW * ? *)", "at 00:00 on the last weekday of the month, UTC"),
        ("cron(0 0 15W * ? *)", "at 00:00 on the weekday nearest to day 15 of the month, UTC"),
        ("cron(5,20 * * * ? *)", "at minutes 5 and 20 of every hour, UTC"),
        ("rate(1 hour)", "every hour"),
        ("rate(10 seconds)", "every 10 seconds"),
        ("at(2026-02-20T07:57:00)", "once, on 2026-02-20 at 07:57:00, UTC"),
    ],
)
def test_describe(expression: str, words: str) -> None:
    assert parse(expression).describe() == words


def test_describe_names_the_zone() -> None:
    assert parse("cron(0 8 * * ? *)", "Europe/Berlin").describe() == "at 08:00 every day, Europe/Berlin time"


@pytest.mark.parametrize(
    "expression", ["cron(0 0 29 2 ? *)", "cron(0 0 30 2 ? *)", "cron(0 0 ? 2 7#5 *)", "cron(59 23 31 12 ? 2199)"]
)
def test_rare_slots_are_found_at_once(expression: str) -> None:
    timetable: Timetable = parse(expression, "Europe/Berlin")
    started = time.perf_counter()
    for _ in range(10):
        timetable.next(NEW_YEAR)
        timetable.previous(NEW_YEAR)
    # Scanning the minutes of 173 years takes minutes; stepping over months takes milliseconds.
    assert time.perf_counter() - started < 1.0
