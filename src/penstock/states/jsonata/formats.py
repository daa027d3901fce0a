"""Numbers and times as text, where the library differs from JSONata 2.0.6 or knows no bounds.

https://docs.jsonata.org/numeric-functions and https://docs.jsonata.org/date-time-functions
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from penstock.states.jsonata.functions import round_, run
from penstock.states.jsonata.library import Builtin, JException
from penstock.states.jsonata.limits import ExpressionFailedError

PICTURE_LIMIT_CHARACTERS = 500
# A width of a thousand or more in a picture of a time, as in [Y,9999].
WIDE = re.compile(r"\[[^\]]*,[^\]]*[0-9]{4}")
ROMAN_LIMIT = 100_000
PARTS = {
    "Y": "[Y0001]", "M": "[M01]", "D": "[D01]", "H": "[H01]", "m": "[m01]", "s": "[s01]", "f": "[f001]",
}  # fmt: skip
TIMESTAMP = re.compile(
    r"(\d{4})(?:-([01]\d))?(?:-([0-3]\d))?(?:T([0-2]\d):([0-5]\d):([0-5]\d))?(?:\.(\d+))?(?:([+-][0-2]\d):?([0-5]\d)|Z)?",
    re.ASCII,
)


def to_millis(text: Any, picture: Any) -> Any:
    """Reads a time. https://docs.jsonata.org/date-time-functions#tomillis"""
    if text is None:
        return None
    if picture is not None:
        return pictured(Builtin.datetime_to_millis)(*_completed(text, picture))
    found = TIMESTAMP.fullmatch(text)
    if found is None:
        raise JException("D3110", -1, text)
    year, month, day, hour, minute, second, fraction, zone_hours, zone_minutes = found.groups()
    try:
        at = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError:
        raise JException("D3110", -1, text) from None
    offset = int(f"{(zone_hours or '+')[0]}{int((zone_hours or '+0')[1:]) * 60 + int(zone_minutes or 0)}")
    since = at - datetime(1970, 1, 1, tzinfo=UTC) - timedelta(minutes=offset)
    return (since // timedelta(seconds=1)) * 1000 + int(f"{fraction or '':0<3.3}")


def _completed(text: str, picture: str) -> tuple[str, str]:
    """Returns a text and its picture with what they leave open in front, from the year on, taken from the moment.

    The library would take it from a clock, and a replay would differ.
    """
    given = set(re.findall(r"\[\s*([A-Za-z])", picture.replace("[[", "")))
    open_parts = []
    for part, shape in PARTS.items():
        if part in given or (part in "MD" and "d" in given) or (part == "H" and given & {"h", "P"}):
            break
        open_parts.append(shape)
    if not open_parts or given & set("XxWw"):
        return text, picture
    front = " ".join(open_parts)
    return f"{Builtin.datetime_from_millis(run().millis, front, None)} {text}", f"{front} {picture}"


def format_base(value: Any, radix: Any) -> Any:
    """Writes an integer in another base."""
    if value is None:
        return None
    base = 10 if radix is None else int(radix)
    if not 2 <= base <= 36:
        raise JException("D3100", -1, base)
    return Builtin.base_repr(int(round_(value, 0)), base).lower()


def format_integer(value: Any, picture: Any) -> Any:
    """Writes an integer as a picture shows it."""
    if isinstance(value, int | float) and abs(value) > ROMAN_LIMIT and str(picture)[:1] in {"i", "I"}:
        run().hold(abs(int(value)) // 500)
    return pictured(Builtin.format_integer)(value, picture)


def format_number(value: Any, picture: Any, options: Any) -> Any:
    """Writes a number as a picture shows it, halves rounded to the even side.

    The library rounds binary fractions, and away from zero or towards it: here it gets the rounded size of the number.
    """
    if value is None or picture is None:
        return Builtin.format_number(value, picture or "0", options)
    given = options or {}
    parts = picture.split(given.get("pattern-separator", ";"))
    if len(parts) > 2 or (isinstance(value, float) and not math.isfinite(value)):
        return Builtin.format_number(value, picture, options)
    part = parts[-1] if value < 0 else parts[0]
    sign = given.get("minus-sign", "-") if value < 0 and len(parts) == 1 else ""
    first_digit = ord(given.get("zero-digit", "0")[:1] or "0")
    digits = {chr(first_digit + number) for number in range(10)} | {given.get("digit", "#")}
    if digits.isdisjoint(part):
        raise JException("D3085" if set(part) <= {".", ","} else "D3086", -1)
    exact = abs(Decimal(str(value)))
    if given.get("exponent-separator", "e") not in part:
        fraction = part.partition(given.get("decimal-separator", "."))[2]
        places = sum(character in digits for character in fraction)
        places += 2 * (given.get("percent", "%") in part) + 3 * (given.get("per-mille", "‰") in part)
        if -int(exact.as_tuple().exponent) > places:
            exact = round(exact, places)
    return sign + str(Builtin.format_number(exact, part, options))


def pictured(function: Callable[..., Any]) -> Callable[..., Any]:
    """Bounds the pictures of numbers and times: theirs are a few characters, widths of a few digits."""

    def bounded(*arguments: Any) -> Any:
        for argument in arguments:
            if isinstance(argument, str):
                run().spend(len(argument))
                if len(argument) > PICTURE_LIMIT_CHARACTERS or WIDE.search(argument):
                    raise ExpressionFailedError("The picture or the text that it describes is too long")
        return function(*arguments)

    return bounded
