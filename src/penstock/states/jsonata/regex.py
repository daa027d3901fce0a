"""Regular expressions of JSONata: those of JavaScript, with a bound on their time.

https://docs.jsonata.org/regex. Python's own expressions differ in small ways and cannot be stopped once they run, so a
pattern is translated and handed to an engine that takes a timeout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from penstock.states.jsonata.limits import TIMEOUT_CAUSE

# The one bound of the language's that is of time, as its engine can keep no other.
TIMEOUT_SECONDS = 1.0
GROUP_OPENINGS = re.compile(r"\(\?(?::|=|!|<=|<!|<[A-Za-z_$][\w$]*>)")
QUANTIFIER = re.compile(r"\{\d{1,4}(?:,\d{0,4})?\}")
CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r"\s"}
NEGATED = {"D": "^0-9", "W": "^A-Za-z0-9_", "S": r"^\s"}
KEPT_ESCAPES = frozenset("bBfnrtv0123456789")


class RegexError(ValueError):
    """A pattern that JavaScript would not take, or one without an end in sight. ``code`` is JSONata's, or empty."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Pattern:
    """A compiled expression in the form that the JSONata library asks for."""

    def __init__(self, pattern: str, *, ignore_case: bool, multiline: bool) -> None:
        import regex  # type: ignore[import-untyped]

        flags = regex.VERSION0 | (regex.IGNORECASE if ignore_case else 0) | (regex.MULTILINE if multiline else 0)
        try:
            self._compiled = regex.compile(translate(pattern, multiline=multiline), flags)
        except (regex.error, OverflowError, RecursionError) as error:
            raise RegexError(f"Invalid regular expression: {error!s:.100}") from error

    def finditer(self, text: str) -> Iterator[Any]:
        """Yields the matches from left to right.

        Raises:
            RegexError: the expression matches nothing at all somewhere (D1004), or takes too long.
        """
        try:
            for found in self._compiled.finditer(text, timeout=TIMEOUT_SECONDS):
                if found.end() == found.start():
                    raise RegexError("Regular expression matches zero length string", "D1004")
                yield found
        except TimeoutError:
            raise RegexError(TIMEOUT_CAUSE) from None

    def search(self, text: str) -> Any:
        """Returns the first match, or None."""
        return next(self.finditer(text), None)

    def split(self, text: str, maxsplit: int = 0) -> list[str]:
        """Returns what lies between the matches."""
        pieces, position = [], 0
        for found in self.finditer(text):
            pieces.append(text[position : found.start()])
            position = found.end()
            if maxsplit and len(pieces) == maxsplit:
                break
        return [*pieces, text[position:]]

    def sub(self, replacement: Any, text: str, count: int = 0) -> str:
        """The library asks for it; replacing is done with ``finditer``."""
        raise NotImplementedError


def compile_regex(pattern: str, flags: Any) -> Pattern:
    """Compiles a regular expression's literal for the JSONata library."""
    return Pattern(pattern, ignore_case=flags.case_insensitive, multiline=flags.multiline)


def translate(pattern: str, *, multiline: bool) -> str:
    """Returns the pattern as Python writes it.

    ``\\d`` and ``\\w`` mean ASCII, ``$`` only the very end, ``.`` no line's end, and a brace or an escaped letter that
    means nothing is itself.
    """
    parts: list[str] = []
    position, in_class = 0, False
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            part, position = _escape(pattern, position, in_class=in_class)
        elif in_class:
            in_class = char != "]"
            part, position = (char if char not in "[&|~" else f"\\{char}"), position + 1
        elif char == "[":
            in_class = True
            part, position = _class_opening(pattern, position)
        else:
            part, position = _plain(pattern, position, multiline=multiline)
        parts.append(part)
    return "".join(parts)


def _class_opening(pattern: str, position: int) -> tuple[str, int]:
    end = position + (2 if pattern.startswith("[^", position) else 1)
    if pattern.startswith("]", end):
        raise RegexError("Invalid regular expression: an empty class")
    return pattern[position:end], end


def _plain(pattern: str, position: int, *, multiline: bool) -> tuple[str, int]:
    char = pattern[position]
    if char == "$":
        return (r"(?=\n|\Z)" if multiline else r"\Z"), position + 1
    if char == ".":
        return r"[^\n\r\u2028\u2029]", position + 1
    if char == "(" and pattern.startswith("(?", position):
        opening = GROUP_OPENINGS.match(pattern, position)
        if opening is None:
            raise RegexError("Invalid regular expression: invalid group")
        return opening[0].replace("(?<", "(?P<") if opening[0].endswith(">") else opening[0], opening.end()
    if char in "*+?" or (char == "{" and QUANTIFIER.match(pattern, position)):
        return _quantifier(pattern, position)
    return (char if char not in "{}#" else f"\\{char}"), position + 1


def _quantifier(pattern: str, position: int) -> tuple[str, int]:
    """JavaScript knows no possessive quantifiers, and none without something to repeat."""
    braces = QUANTIFIER.match(pattern, position)
    end = position + 1 if braces is None else braces.end()
    if position == 0 or pattern[position - 1 : position] in {"(", "|"}:
        raise RegexError("Invalid regular expression: nothing to repeat")
    if pattern.startswith("?", end):
        end += 1
    if pattern.startswith(("*", "+", "?"), end):
        raise RegexError("Invalid regular expression: nothing to repeat")
    return pattern[position:end], end


def _escape(pattern: str, position: int, *, in_class: bool) -> tuple[str, int]:
    char = pattern[position + 1 : position + 2]
    end = position + 2
    if not char:
        raise RegexError("Invalid regular expression: \\ at end of pattern")
    if char in CLASSES:
        return (CLASSES[char] if in_class else f"[{CLASSES[char]}]"), end
    if char in NEGATED:
        return (f"\\{char}" if in_class else f"[{NEGATED[char]}]"), end
    digits = {"x": 2, "u": 4}.get(char)
    if digits is not None and re.fullmatch(r"[0-9a-fA-F]+", pattern[end : end + digits]):
        code = pattern[end : end + digits]
        return (re.escape(chr(int(code, 16))), end + digits) if len(code) == digits else (char, end)
    if char == "k" and (name := re.match(r"<([A-Za-z_]\w*)>", pattern[end:])):
        return f"(?P={name[1]})", end + name.end()
    if char in KEPT_ESCAPES or not char.isalnum():
        return f"\\{char}", end
    return char, end
