"""Expressions that are not understood: which field, and how to mend it. Never another error, never a hang."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from penstock.errors import UsageError
from penstock.schedules import Timetable, parse


@pytest.mark.parametrize(
    ("expression", "timezone", "field", "mend"),
    [
        ("", "UTC", "expression", "cron(0 8 ? * MON-FRI *)"),
        ("0 8 * * *", "UTC", "expression", "cron(0 8 ? * MON-FRI *)"),
        (" rate(3 hours)", "UTC", "expression", "rate(3 hours)"),
        ("rate(3 hours) ", "UTC", "expression", "rate(3 hours)"),
        ("RATE(3 hours)", "UTC", "expression", "rate(3 hours)"),
        ("rate(3 hours", "UTC", "expression", "rate(3 hours)"),
        ("cron()", "UTC", "cron", "minutes hours day-of-month month day-of-week year"),
        ("cron(0 8 * *)", "UTC", "cron", "minutes hours day-of-month month day-of-week year"),
        ("cron(0 8 * * ? * *)", "UTC", "cron", "minutes hours day-of-month month day-of-week year"),
        ("cron(0 8 * * 1-5 *)", "UTC", "day-of-week", "write ? in one of day-of-month and day-of-week"),
        ("cron(61 8 * * ? *)", "UTC", "minutes", "minutes takes 0 to 59"),
        ("cron(x 8 * * ? *)", "UTC", "minutes", "minutes takes 0 to 59"),
        ("cron(1, 8 * * ? *)", "UTC", "minutes", "minutes takes 0 to 59"),
        ("cron(-1 8 * * ? *)", "UTC", "minutes", "minutes takes 0 to 59"),
        ("cron(1-2-3 8 * * ? *)", "UTC", "minutes", "minutes takes 0 to 59"),
        ("cron(0/90 8 * * ? *)", "UTC", "minutes", "at most 59"),
        ("cron(0/0 8 * * ? *)", "UTC", "minutes", "at least 1"),
        ("cron(0/ 8 * * ? *)", "UTC", "minutes", "at least 1"),
        ("cron(0 8 * JUN-JLY ? *)", "UTC", "month", "JAN to DEC"),
        ("cron(0 8 ? * 0 *)", "UTC", "day-of-week", "1 (SUN) to 7 (SAT)"),
        ("cron(0 8 ? * 2/2 *)", "UTC", "day-of-week", "2,4,6"),
        ("cron(0 8 1,L * ? *)", "UTC", "day-of-month", "stand alone"),
        ("cron(0 8 1W,15W * ? *)", "UTC", "day-of-month", "stands alone"),
        ("cron(0 8 L-3 * ? *)", "UTC", "day-of-month", "stand alone"),
        ("cron(0 8 ? * 2#0 *)", "UTC", "day-of-week", "3#2 is the second Tuesday"),
        ("cron(0 8 * * ? 2027-2026)", "UTC", "year", "write 2026-2027"),
        ("rate(3hours)", "UTC", "value", "rate(3 hours)"),
        ("rate(1 minutes)", "UTC", "unit", "rate(1 minute)"),
        ("rate(99999999999 days)", "UTC", "value", "shorter"),
        ("at(2026-02-20 07:57:00)", "UTC", "date and time", "at(2026-02-20T07:57:00)"),
        ("at(1969-12-31T23:59:59)", "UTC", "year", "1970 to 2199"),
        ("rate(3 hours)", "Europe/Berln", "timezone", "Europe/Berlin"),
        ("cron(0 8 * * ? *)", "europe/berlin ", "timezone", "Europe/Berlin"),
        ("cron(0 8 * * ? *)", "../etc/passwd", "timezone", "IANA"),
        ("cron(0 8 * * ? *)", "America", "timezone", "IANA"),
        ("cron(0 8 * * ? *)", "", "timezone", "IANA"),
        ("cron(0 8 * * ? *)", "UTC\x00", "timezone", "IANA"),
        (f"cron({'0,' * 200}0 8 * * ? *)", "UTC", "expression", "256"),
    ],
)
def test_refused_with_the_field_and_the_mend(expression: str, timezone: str, field: str, mend: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(expression, timezone)
    assert caught.value.data["field"] == field
    assert mend in caught.value.hint


def test_seconds_are_for_machines_only() -> None:
    assert parse("rate(10 seconds)").machine_only
    assert parse("rate(1 second)").cadence(0.0) == 1
    assert not parse("cron(0 8 * * ? *)").machine_only


def test_rates_count_from_the_epoch() -> None:
    timetable = parse("rate(7 minutes)", "Australia/Lord_Howe")
    assert timetable.next(-1000.0) == 0.0
    assert timetable.next(0.0) == 420.0
    assert timetable.next(1_000_000_000.0) == 1_000_000_260.0  # 420 * 2 380 953
    assert timetable.previous(419.999) == 0.0
    assert timetable.previous(-0.001) is None
    assert timetable.next(8e9) is None


PIECES = st.sampled_from(
    [*"0123456789*?,-/LW# ()", "cron(", "rate(", "at(", ")", "MON", "JAN", "FRIL", "LW", "2026", "T", ":", " ? *)", "²"]
)
ALMOST = st.lists(PIECES, max_size=24).map("".join)
FIELD = st.text(alphabet="0123456789*?,-/LW#MONJA", min_size=1, max_size=6)
CRONS = st.lists(FIELD, min_size=5, max_size=6).map(lambda fields: f"cron({' '.join(fields)})")


def understood(expression: str, timezone: str) -> Timetable | UsageError:
    try:
        return parse(expression, timezone)
    except UsageError as error:
        return error


@given(st.one_of(st.text(max_size=80), ALMOST, CRONS, ALMOST.map("cron({})".format)), st.just("UTC") | st.text())
@settings(max_examples=100, deadline=2000)
@example("cron(* * * * ? *)", "UTC")
@example(f"rate({'9' * 240} days)", "UTC")
@example("cron(²/² 0 * * ? *)", "UTC")
@example("at(9999-12-31T23:59:59)", "UTC")
def test_any_text_is_a_timetable_or_a_usage_error(expression: str, timezone: str) -> None:
    timetable = understood(expression, timezone)
    if isinstance(timetable, UsageError):
        assert timetable.hint
        assert timetable.data["field"]
        return
    timetable.next(0.0)
    timetable.previous(1e9)
    assert timetable.cadence(1e9) > 0
    assert timetable.describe()
