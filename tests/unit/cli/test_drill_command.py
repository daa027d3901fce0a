"""Since when: a span before now, or a time."""

import pytest

from penstock.cli.drill import moment
from penstock.errors import UsageError

# 2026-02-20T07:00:00Z, counted by hand: 56 years with 14 leap days, then 50 days and 7 hours.
NOW = ((56 * 365 + 14) + 50) * 86_400 + 7 * 3600


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("90s", NOW - 90),
        ("30min", NOW - 1800),
        ("2d", NOW - 172_800),
        ("2026-02-20T07:00:00Z", NOW),
        ("2026-02-20T08:00+01:00", NOW),
        ("2026-02-20T07:00", NOW),
        ("2026-02-20", NOW - 7 * 3600),
    ],
)
def test_since_when(text: str, at: float) -> None:
    assert moment(text, NOW) == at


@pytest.mark.parametrize("text", ["yesterday", "", "5", "2026-13-01"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(UsageError):
        moment(text, NOW)
