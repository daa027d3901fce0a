"""JSON as text: where its strings and objects are, so that some can be exchanged while every other byte stays.

https://www.rfc-editor.org/rfc/rfc8259
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping

Path = tuple[str | int, ...]
"""The names and positions that lead to a value: ``("States", "Put", "Parameters", "TableName")``."""

_TOKEN = re.compile(r'[{}\[\],]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],":]+', re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def values(text: str) -> Iterator[tuple[Path, int, int]]:
    """Yields the path of every string and of every object, and what is between its marks: from where to where.

    An object's end is its beginning: the place where a first member can be written.

    Args:
        text: a JSON text that a parser has accepted.
    """
    path: list[str | int] = []
    is_name = False
    for token in _TOKEN.finditer(text):
        at = token.end()
        match token[0]:
            case "{":
                yield tuple(path), at, at
                path.append("")
                is_name = True
            case "[":
                path.append(0)
            case "}" | "]":
                path.pop()
                is_name = False
            case ",":
                last = path[-1]
                path[-1], is_name = (last + 1, False) if isinstance(last, int) else ("", True)
            case string if string.startswith('"') and is_name:
                path[-1], is_name = json.loads(string), False
            case string if string.startswith('"'):
                yield tuple(path), token.start() + 1, at - 1


def exchanged(text: str, written: Mapping[Path, str], kept: Callable[[str], str] = lambda part: part) -> str:
    """Returns a JSON text with other strings at some paths, and with more members in some objects.

    Args:
        written: what stands between a string's quotation marks instead, or first in an object.
        kept: told of every part of the text that stays; returns how it is written.
    """
    parts, end = [], 0
    for path, begin, after in values(text):
        if path in written:
            parts += [kept(text[end:begin]), written[path]]
            end = after
    return "".join([*parts, kept(text[end:])])


def shown(path: Path) -> str:
    """Returns a path as people read it: ``$.States.Put.Parameters.TableName``."""
    return "$" + "".join(_step(one) for one in path)


def _step(one: str | int) -> str:
    if isinstance(one, int):
        return f"[{one}]"
    return f".{one}" if _WORD.fullmatch(one) else f"['{one}']"
