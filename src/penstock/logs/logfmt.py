"""Logfmt: ``key=value`` pairs. https://brandur.org/logfmt · https://pkg.go.dev/github.com/kr/logfmt"""

from __future__ import annotations

import re

from penstock.logs import fields
from penstock.logs.entry import LogEntry, Origin

# A key is any text above a space without = and "; alone it is true. A value in quotes may hold escapes.
_PAIR = re.compile(r'\s*([^\s="\x00-\x20]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?=\s|\Z)', re.DOTALL)
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
    valued = sum(value is not None for value in found.values())
    if valued < LEAST_PAIRS or len(found) - valued > valued:
        return None
    named = {name: "true" if value is None else value for name, value in found.items()}
    return fields.entry_of(named, text, origin)


def pairs(text: str) -> dict[str, str | None] | None:
    """Returns the pairs of a line, of those of one key the last, a key alone with None; None where it is no logfmt."""
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
