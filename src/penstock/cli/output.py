"""One way to print: tables for people, one JSON document for programs, errors with their mend."""

from __future__ import annotations

import datetime
import decimal
import math
import re
import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import (
    AccessDeniedError,
    DefinitionError,
    HomeError,
    InvalidWorkflowError,
    LoadError,
    NotFoundError,
    PenstockError,
    PortError,
    QueryError,
    UsageError,
)

if TYPE_CHECKING:
    from rich.console import Console

# The first class that fits decides; docs/reference/cli.md prints the same table.
EXIT_CODES: tuple[tuple[type[PenstockError], int], ...] = (
    (UsageError, 2),
    (DefinitionError, 3),
    (InvalidWorkflowError, 3),
    (LoadError, 3),
    (NotFoundError, 4),
    (HomeError, 5),
    (QueryError, 6),
    (AccessDeniedError, 7),
    (PortError, 1),
    (PenstockError, 1),
)
INTERNAL_ERROR = 70
# C0 and C1 controls would let data move the cursor or recolour the terminal; newline and tab stay.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def console(*, stderr: bool = False) -> Console:
    """Returns a console; plain when its stream is no terminal, and then as wide as the text."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 200
    return Console(file=stream, highlight=False, width=width, soft_wrap=not stream.isatty(), emoji=False)


def clean(value: object) -> str:
    """Returns a value as text that cannot steer a terminal."""
    return CONTROLS.sub(lambda match: f"\\x{ord(match.group()):02x}", str(value))


def emit_json(document: Any) -> None:
    """Prints one JSON document, indented, without NaN."""
    encoded = msgspec.json.encode(plain(document))
    sys.stdout.write(msgspec.json.format(encoded, indent=2).decode() + "\n")


def plain(value: Any) -> Any:
    """Returns a value as JSON can hold it: times as ISO 8601 text, bytes as text, NaN as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, decimal.Decimal):
        # A JSON number has as many digits as it needs.
        return msgspec.Raw(str(value).encode()) if value.is_finite() else None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "", empty: str = "") -> None:
    """Prints a table for people. Cells are text or Rich's renderables; text is taken as it is, never as markup."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not rows:
        out.print(Text(empty or "nothing yet", style="dim"))
        return
    numeric = {
        i for i in range(len(headings)) if all(isinstance(row[i], int | float | decimal.Decimal) for row in rows)
    }
    made = Table(
        box=None, title=title or None, title_justify="left", title_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    for position, heading in enumerate(headings):
        made.add_column(
            heading, justify="right" if position in numeric else "left", header_style="bold", overflow="fold"
        )
    for row in rows:
        made.add_row(*(cell if _is_renderable(cell) else Text(clean(cell_text(cell))) for cell in row))
    out.print(made)


def _is_renderable(cell: Any) -> bool:
    return hasattr(cell, "__rich_console__")


def cell_text(value: Any) -> str:
    """Returns a value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.6g}" if math.isfinite(value) else "NaN"
    if isinstance(value, decimal.Decimal):
        return f"{value:f}" if abs(value.adjusted()) < 20 else str(value)
    if isinstance(value, Mapping | list | tuple):
        return msgspec.json.encode(plain(value)).decode()
    return str(plain(value))


def status_text(status: str) -> Any:
    """Returns a status in its colour, with a sign that does not need colour."""
    from rich.text import Text

    sign, style = {
        "SUCCEEDED": ("✔", "green"),
        "OK": ("✔", "green"),
        "delivered": ("✔", "green"),
        "RUNNING": ("●", "cyan"),
        "PENDING": ("○", "cyan"),
        "pending": ("○", "cyan"),
        "RETRYING": ("↻", "yellow"),
        "WAITING": ("◷", "cyan"),
        "INSUFFICIENT_DATA": ("?", "yellow"),
        "CAUGHT": ("↷", "yellow"),
        "FAILED": ("✘", "red"),
        "ALARM": ("▲", "red"),
        "TIMED_OUT": ("✘", "red"),
        "ABORTED": ("✘", "red"),
        "dead": ("✘", "red"),
    }.get(status, ("·", ""))
    return Text(f"{sign} {status}", style=style)


def short_source(source: str) -> str:
    """Returns what started an execution as a table shows it: of an object's key, the name only."""
    kind, _, name = source.partition(":")
    name = name.rpartition("/")[2]
    return f"{kind} {name[:20]}…" if len(name) > 21 else f"{kind} {name}".strip()


def moment(at: float | None) -> str:
    """Returns a time as people read it, in UTC."""
    if at is None:
        return "-"
    return f"{datetime.datetime.fromtimestamp(at, datetime.UTC):%Y-%m-%d %H:%M:%SZ}"


def duration(seconds: float | None) -> str:
    """Returns a span as people say it."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{count} {unit}" for count, unit in [part for part in parts if part[0]][:2])


def size(count: float) -> str:
    """Returns a number of bytes as people say it."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def fail(error: PenstockError, *, as_json: bool) -> int:
    """Prints an error and its mend to stderr; returns the exit code."""
    code = next(number for kind, number in EXIT_CODES if isinstance(error, kind))
    if as_json:
        sys.stderr.write(msgspec.json.encode(plain({**error.to_dict(), "exit_code": code})).decode() + "\n")
        return code
    _print_error(error.message, error.hint)
    return code


def fail_unexpected(error: BaseException, *, as_json: bool) -> int:
    """Prints what should not have happened; returns the exit code."""
    message = f"{type(error).__name__}: {error}"
    hint = "this is a defect of Penstock: please report it, with what PENSTOCK_DEBUG=1 prints"
    if as_json:
        document = {"error": "Internal", "message": message, "hint": hint, "exit_code": INTERNAL_ERROR}
        sys.stderr.write(msgspec.json.encode(document).decode() + "\n")
    else:
        _print_error(message, hint)
    return INTERNAL_ERROR


def _print_error(message: str, hint: str) -> None:
    from rich.text import Text

    out = console(stderr=True)
    out.print(Text.assemble(("error: ", "bold red"), clean(message)))
    if hint:
        out.print(Text.assemble(("    → ", "bold"), clean(hint)))
