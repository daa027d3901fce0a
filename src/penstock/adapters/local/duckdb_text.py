"""Names, texts and paths as DuckDB's SQL takes them."""

from __future__ import annotations

import re

_EXACT = {ord(character): f"[{character}]" for character in "*?["}


def identifier(name: str) -> str:
    """Returns a name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Returns a text as SQL takes it, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"


def exact(path: str) -> str:
    """Returns a pattern that only this path fits: what reads files takes patterns."""
    return path.translate(_EXACT)


def path_of(pattern: str) -> str:
    """Returns the path that only an exact pattern fits."""
    return re.sub(r"\[([*?\[])\]", r"\1", pattern)
