"""Values as JSON can hold them, and as people read them. Pure functions."""

from __future__ import annotations

import datetime
import decimal
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from penstock.ports.query import Result

# What would let data move the cursor, recolour the terminal or turn the order of letters round (C0 and C1 controls,
# Unicode's separators and directional marks), and halves of letters. Newline and tab stay.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(value: object) -> str:
    """Returns a value as text that cannot steer a terminal."""
    return CONTROLS.sub(_escaped, str(value))


def _escaped(found: re.Match[str]) -> str:
    number = ord(found.group())
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def result_json(result: Result) -> list[dict[str, Any]]:
    """Returns a query's answer as objects of plain values, one a row."""
    return records([column.name for column in result.columns], result.rows)


def records(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Returns rows as objects of plain values. A name that is there already gets a number: nothing is lost."""
    names: list[str] = []
    for name in columns:
        candidates = (name if number == 0 else f"{name}_{number}" for number in itertools.count())
        names.append(next(candidate for candidate in candidates if candidate not in names))
    return [dict(zip(names, map(plain, row), strict=True)) for row in rows]


def plain(value: Any) -> Any:
    """Returns a value as JSON can hold it.

    Times become ISO 8601 text (UTC with ``Z``), spans ISO 8601 durations, bytes text, NaN and infinities null;
    decimals stay numbers with all their digits; a half of a letter becomes its escape.
    """
    if value is None or isinstance(value, bool | msgspec.Raw):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, decimal.Decimal):
        # A JSON number has as many digits as it needs.
        return msgspec.Raw(str(value).encode()) if value.is_finite() else None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat().removesuffix("+00:00") + ("Z" if _is_utc(value) else "")
    if isinstance(value, datetime.timedelta):
        return str(msgspec.to_builtins(value))
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "backslashreplace")
    return _plain_container(value)


def _is_utc(value: datetime.date | datetime.time) -> bool:
    return isinstance(value, datetime.datetime) and value.utcoffset() == datetime.timedelta(0)


def _plain_container(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return plain(str(value))


def cell_text(value: Any) -> str:
    """Returns a value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, decimal.Decimal):
        return f"{value:f}" if value.is_finite() and abs(value.adjusted()) < 20 else str(value)
    if isinstance(value, datetime.datetime):
        return str(plain(value)).replace("T", " ", 1)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return msgspec.json.encode(plain(value)).decode()
    return str(plain(value))


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if abs(value) >= 1e15:
        return f"{value:.6g}"
    # Six digits that count, and never less than the whole number.
    return f"{value:.6g}" if abs(value) < 1e5 else f"{value:.2f}".rstrip("0").rstrip(".")


def short_source(source: str) -> str:
    """Returns what started an execution as a table shows it: of an object's key, the name only."""
    kind, _, name = source.partition(":")
    name = name.rpartition("/")[2]
    return f"{kind} {name[:20]}…" if len(name) > 21 else f"{kind} {name}".strip()


def moment(at: float | None) -> str:
    """Returns a time as people read it, in UTC."""
    if at is None:
        return "-"
    try:
        return f"{datetime.datetime.fromtimestamp(at, datetime.UTC):%Y-%m-%d %H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return f"@{at:g}"


def age(at: float | None, now: float) -> str:
    """Returns how long ago a time is, or how far ahead: ``3 s ago``, ``in 2 min 5 s``."""
    if at is None:
        return "-"
    seconds = math.floor(abs(now - at))
    if seconds == 0:
        return "now"
    span = f"{seconds} s" if seconds < 60 else duration(seconds)
    return f"{span} ago" if now > at else f"in {span}"


def duration(seconds: float | None) -> str:
    """Returns a span as people say it: ``420 ms``, ``1.24 s``, ``2 min 5 s``, ``3 h``, ``1 d 1 h``."""
    if seconds is None:
        return "-"
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if round(seconds * 1000) < 1000:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 2) < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{count} {unit}" for count, unit in [part for part in parts if part[0]][:2])


def size(count: float) -> str:
    """Returns a number of bytes as people say it, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(round(count, 1)) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def count(number: int, singular: str, plural: str = "") -> str:
    """Returns how many there are of something: ``1 row``, ``12,000 rows``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
