"""Every format by its name, and lines whose format is to be found out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from penstock.errors import UsageError
from penstock.logs import access, application, journald, json_lines, logfmt, syslog, traces
from penstock.logs.entry import LogEntry, Origin, Parse, unknown

AUTO = "auto"
FORMATS: dict[str, tuple[Parse, ...]] = {
    "syslog": (syslog.parse_5424, syslog.parse_3164),
    "rfc5424": (syslog.parse_5424,),
    "rfc3164": (syslog.parse_3164,),
    "access": (access.parse,),
    "json": (json_lines.parse,),
    "journald": (journald.parse,),
    "logfmt": (logfmt.parse,),
    "application": (application.parse, application.parse_timed),
    # Lines that are kept as they are.
    "text": (),
}
_BRACED: tuple[Parse, ...] = (journald.parse, json_lines.parse)
_ANGLED: tuple[Parse, ...] = (syslog.parse_5424, syslog.parse_3164)
_OTHER: tuple[Parse, ...] = (
    access.parse, application.parse, syslog.parse_3164, logfmt.parse, application.parse_timed,
)  # fmt: skip
# Only what these say can go on in the next line: the others write one line an entry.
_GOING_ON = frozenset({application.parse, application.parse_timed})
# Longer ones are kept whole, unless they are JSON.
PARSED_LIMIT = 64 * 1024


class Line(msgspec.Struct, frozen=True):
    """A line of a file, without its end.

    Attributes:
        end: where the next line begins, in bytes from the file's beginning.
    """

    text: str
    end: int


class Group(msgspec.Struct, frozen=True):
    """Lines that are one entry.

    Attributes:
        end: where the next line begins, in bytes from the file's beginning.
        lines: how many lines they are.
    """

    entry: LogEntry
    end: int
    lines: int


def check_format(name: str) -> str:
    """Returns the name of a format.

    Raises:
        UsageError: there is none of this name.
    """
    if name != AUTO and name not in FORMATS:
        raise UsageError(f"there is no log format {name!r}", hint=f"the formats are: {AUTO}, {', '.join(FORMATS)}")
    return name


def parse(text: str, origin: Origin, name: str = AUTO) -> LogEntry:
    """Returns what a line says; an entry of severity UNKNOWN with the whole line where its format is not known.

    Args:
        text: a line without its end, or a line and the trace that follows it.
        name: the format; found out for each line when it is ``auto``.
    """
    return _parse(text, origin, name)[0]


def _parse(text: str, origin: Origin, name: str) -> tuple[LogEntry, Parse | None]:
    for candidate in _candidates(text, name):
        try:
            entry = candidate(text, origin)
        except (ValueError, OverflowError, RecursionError):
            continue
        if entry is not None:
            return entry, candidate
    return unknown(text, origin), None


def _candidates(text: str, name: str) -> tuple[Parse, ...]:
    first = text[:1]
    if len(text) > PARSED_LIMIT and first != "{":
        return ()
    if name != AUTO:
        return FORMATS[name]
    return _BRACED if first == "{" else _ANGLED if first == "<" else _OTHER


def group(lines: Iterable[Line], origin: Origin, name: str = AUTO, *, is_complete: bool = True) -> Iterator[Group]:
    """Yields the entries that lines are: one a line, and traces with what leads them in.

    Args:
        is_complete: what stands at the end is finished; otherwise an entry that could go on is left out, to be read
            again when more has been written.
    """
    held: list[Line] = []
    entry: LogEntry | None = None
    for line in lines:
        if held and _goes_on(held, line):
            held.append(line)
            continue
        if held:
            yield _closed(held, entry, origin, name)
            held = []
        entry, parsed_by = _parse(line.text, origin, name)
        if (parsed_by is None or parsed_by in _GOING_ON) and len(line.text) <= traces.BYTES_LIMIT:
            held = [line]
        else:
            yield Group(entry, line.end, 1)
    if held and is_complete:
        yield _closed(held, entry, origin, name)


def _goes_on(held: list[Line], line: Line) -> bool:
    if len(held) >= traces.LINES_LIMIT or line.end - held[0].end > traces.BYTES_LIMIT:
        return False
    first = line.text[:1]
    # Most lines begin an entry: this tells so at once.
    if first.isdigit() or first in {"<", "{", "["}:
        return False
    return traces.is_continuation([one.text for one in held], line.text)


def _closed(held: list[Line], entry: LogEntry | None, origin: Origin, name: str) -> Group:
    if len(held) > 1 or entry is None:
        entry = parse("\n".join(line.text for line in held), origin, name)
    return Group(entry, held[-1].end, len(held))
