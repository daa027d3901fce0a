"""Logfmt: ``key=value`` pairs. https://brandur.org/logfmt · https://pkg.go.dev/github.com/kr/logfmt"""

from __future__ import annotations

import re

from penstock.logs import fields
from penstock.logs.entry import LogEntry, Origin

# A key is any text above a space without = and "; alone it is true. A value in quotes may hold escapes.
_PAIR = re.compile(r'\s*([^\s="\x00-\x20]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?=\s|\Z)', re.DOTALL)
# A pair of the usual kind, with what divides it from the next: such a line is split in one step.
_PLAIN_PAIR = re.compile(r'([^="\x00-\x20]+)=(?:"([^"\\]*)"|([^"\t-\r\x1c-\x20]*))(?: |\Z)')
_ESCAPED = re.compile(r"\\(.)")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r"}
LEAST_PAIRS = 2


def parse(text: str, origin: Origin) -> LogEntry | None:
    """Returns what a line says that is of pairs, two at least, and of no more bare keys than pairs; None otherwise."""
    if "=" not in text:
        return None
    found = pairs(text)
    if found is None:
        return None
    bare = sum(value is None for value in found.values()) if None in found.values() else 0
    if len(found) - bare < LEAST_PAIRS or 2 * bare > len(found):
        return None
    if bare:
        found = {name: "true" if value is None else value for name, value in found.items()}
    return fields.entry_of(found, text, origin)


def pairs(text: str) -> dict[str, str | None] | None:
    """Returns the pairs of a line, of those of one key the last, a key alone with None; None where it is no logfmt."""
    parts = _PLAIN_PAIR.split(text) if text.isascii() else []
    # What stands between the pairs: nothing, if the line is of such pairs alone.
    if parts[1:] and not any(parts[::4]):
        return {
            key: plain if quoted is None else quoted
            for key, quoted, plain in zip(parts[1::4], parts[2::4], parts[3::4], strict=True)
        }
    return _any_pairs(text)


def _any_pairs(text: str) -> dict[str, str | None] | None:
    found: dict[str, str | None] = {}
    end, stop = 0, len(text.rstrip())
    while end < stop:
        pair = _PAIR.match(text, end)
        if pair is None:
            return None
        key, quoted, plain = pair.groups()
        found[key] = _unescape(quoted) if quoted is not None else plain
        end = pair.end()
    return found or None


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda one: _PLAIN.get(one[1], one[1]), text) if "\\" in text else text
