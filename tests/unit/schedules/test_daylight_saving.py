"""Local times that clocks skip have no slot; local times that they repeat have one, at their first passing.

Changes of 2026, by the rules of each zone: Berlin 29 March and 25 October at 01:00 UTC; New York 8 March at 07:00 UTC
and 1 November at 06:00 UTC; Lord Howe (half an hour) 4 April at 15:00 UTC and 3 October at 15:30 UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from penstock.errors import UsageError
from penstock.schedules import parse

DAY = 86_400


def at(text: str) -> float:
    return datetime.fromisoformat(f"2026-{text}" if text[2] == "-" else text).replace(tzinfo=UTC).timestamp()


CASES = [
    ("Europe/Berlin", "30 2 * * ? *", "03-28T00:00", ["03-28T01:30", "03-30T00:30"]),
    ("Europe/Berlin", "0 2 * * ? *", "03-28T12:00", ["03-30T00:00"]),
    ("Europe/Berlin", "0 3 * * ? *", "03-28T12:00", ["03-29T01:00", "03-30T01:00"]),
    ("Europe/Berlin", "30 2 * * ? *", "10-24T00:00", ["10-24T00:30", "10-25T00:30", "10-26T01:30"]),
    ("Europe/Berlin", "0 3 * * ? *", "10-24T12:00", ["10-25T02:00", "10-26T02:00"]),
    ("Europe/Berlin", "0/30 1-3 25 10 ? *", "10-24T12:00",
     ["10-24T23:00", "10-24T23:30", "10-25T00:00", "10-25T00:30", "10-25T02:00", "10-25T02:30"]),
    ("America/New_York", "30 2 * * ? *", "03-07T00:00", ["03-07T07:30", "03-09T06:30"]),
    ("America/New_York", "0 * 8 3 ? *", "03-08T04:00", ["03-08T05:00", "03-08T06:00", "03-08T07:00", "03-08T08:00"]),
    ("America/New_York", "30 1 * * ? *", "10-31T00:00", ["10-31T05:30", "11-01T05:30", "11-02T06:30"]),
    ("America/New_York", "0 * 1 11 ? *", "11-01T00:00", ["11-01T04:00", "11-01T05:00", "11-01T07:00", "11-01T08:00"]),
    ("Australia/Lord_Howe", "45 1 * * ? *", "04-03T00:00", ["04-03T14:45", "04-04T14:45", "04-05T15:15"]),
    ("Australia/Lord_Howe", "15 2 * * ? *", "10-02T00:00", ["10-02T15:45", "10-04T15:15"]),
    ("Australia/Lord_Howe", "30 2 * * ? *", "10-03T00:00", ["10-03T15:30", "10-04T15:30"]),
    # Clocks that go back over midnight (00:01 to 23:01), skip midnight, and skip a whole day.
    ("America/St_Johns", "0 0 * * ? *", "2010-11-06T12:00", ["2010-11-07T02:30", "2010-11-08T03:30"]),
    ("America/Sao_Paulo", "0 0 * * ? *", "2018-11-03T00:00", ["2018-11-03T03:00", "2018-11-05T02:00"]),
    ("Pacific/Apia", "0 12 * * ? *", "2011-12-29T12:00", ["2011-12-29T22:00", "2011-12-30T22:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("timezone", "fields", "after", "expected"), CASES)
def test_forward_and_back(timezone: str, fields: str, after: str, expected: list[str]) -> None:
    timetable = parse(f"cron({fields})", timezone)
    slots = [at(text) for text in expected]

    assert list(timetable.between(at(after), slots[-1])) == slots
    assert timetable.count(at(after), slots[-1]) == len(slots)
    for earlier, later in pairwise([at(after), *slots]):
        assert timetable.next(earlier) == later
        assert timetable.previous(later) == later
        assert timetable.next(later - 0.001) == later
    for earlier, later in pairwise(slots):
        assert timetable.previous(later - 0.001) == earlier


def test_within_the_repeated_hour_the_slots_of_its_first_passing_lie_behind() -> None:
    timetable = parse("cron(0/10 2 * * ? *)", "Europe/Berlin")
    second_passing = at("10-25T01:15")
    assert timetable.previous(second_passing) == at("10-25T00:50")
    assert timetable.next(second_passing) == at("10-26T01:00")


def test_after_clocks_went_back_over_midnight_the_slot_of_the_next_date_lies_behind() -> None:
    timetable = parse("cron(0 0 * * ? *)", "America/St_Johns")
    assert timetable.previous(at("2010-11-07T02:45")) == at("2010-11-07T02:30")


def test_a_whole_year_has_one_slot_for_each_local_time_that_exists() -> None:
    year = at("2026-01-01T00:00"), at("2027-01-01T00:00")
    every_minute = parse("cron(* * * * ? *)", "Europe/Berlin")
    # The repeated hour of October counts once, and the skipped hour of March leaves the rest without a gap.
    assert every_minute.count(*year) == 365 * 1440 - 60
    assert sum(1 for _ in every_minute.between(*year)) == 365 * 1440 - 60


def test_a_daily_cadence_knows_the_longest_day() -> None:
    assert parse("cron(0 8 * * ? *)", "Europe/Berlin").cadence(at("01-01T00:00")) == 25 * 3600
    assert parse("cron(0 8 * * ? *)").cadence(at("01-01T00:00")) == DAY


def test_a_single_moment_that_clocks_repeat_is_its_first_passing() -> None:
    assert parse("at(2026-10-25T02:30:00)", "Europe/Berlin").next(0.0) == at("10-25T00:30")


def test_a_single_moment_that_clocks_skip_is_refused_with_the_one_that_they_show() -> None:
    with pytest.raises(UsageError) as caught:
        parse("at(2026-03-29T02:30:00)", "Europe/Berlin")
    assert caught.value.hint == "write at(2026-03-29T03:30:00)"


def test_a_slot_that_only_falls_into_a_gap_never_comes() -> None:
    assert not parse("cron(30 2 29 3 ? 2026)", "Europe/Berlin").is_satisfiable
