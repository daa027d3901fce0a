"""Every format by its name, and lines whose format is to be found out."""

from __future__ import annotations

from collections.abc import Sequence

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
    first = text[:1]
    if len(text) > PARSED_LIMIT and first != "{":
        return unknown(text, origin), None
    candidates = FORMATS[name] if name != AUTO else _BRACED if first == "{" else _ANGLED if first == "<" else _OTHER
    for candidate in candidates:
        try:
            entry = candidate(text, origin)
        except (ValueError, OverflowError, RecursionError):
            continue
        if entry is not None:
            return entry, candidate
    return unknown(text, origin), None


def read(
    lines: Sequence[str], origin: Origin, name: str = AUTO, *, is_complete: bool = True
) -> tuple[list[LogEntry], int]:
    """Returns the entries that lines are, one a line, and traces with what leads them in; and how many lines they are.

    Args:
        lines: without their ends.
        is_complete: what stands at the end is finished; otherwise an entry that could go on is left out, to be read
            again when more has been written.
    """
    found: list[LogEntry] = []
    held: list[str] = []
    first = unknown("", origin)
    for line in lines:
        if held:
            if _goes_on(held, line):
                held.append(line)
                continue
            found.append(_closed(held, first, origin, name))
            held = []
        entry, parsed_by = _parse(line, origin, name)
        if (parsed_by is None or parsed_by in _GOING_ON) and len(line) <= traces.CHARACTERS_LIMIT:
            held, first = [line], entry
        else:
            found.append(entry)
    if held and is_complete:
        found.append(_closed(held, first, origin, name))
        held = []
    return found, len(lines) - len(held)


def _goes_on(held: list[str], line: str) -> bool:
    # Most lines begin an entry: this tells so at once.
    if traces.BEGINS_LIKE_MORE.match(line) is None:
        return False
    if len(held) >= traces.LINES_LIMIT or sum(map(len, held)) + len(line) > traces.CHARACTERS_LIMIT:
        return False
    return traces.is_continuation(held, line)


def _closed(held: list[str], first: LogEntry, origin: Origin, name: str) -> LogEntry:
    return first if len(held) == 1 else _parse("\n".join(held), origin, name)[0]
