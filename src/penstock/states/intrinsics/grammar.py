"""How a call of an intrinsic function is written, and what a text of one means.

SPEC: https://states-language.net/spec.html#intrinsic-functions,
GUIDE: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from penstock.states.intrinsics.functions import FUNCTIONS
from penstock.states.paths import path_mistake

# GUIDE: "You can nest up to 10 intrinsic functions within a field"; its example of nine is five deep, so it counts all.
CALL_LIMIT = 10
# SPEC, "State Machine Variables": a name begins with ID_Start, which has no underscore.
VARIABLE_NAME_LIMIT = 80
NUMBER_LIMIT = 300
SHOWN_CHARACTERS = 60

SPACE = re.compile(r"[ \t\r\n]*")
NAME = re.compile(r"[A-Za-z0-9._]+")
STRING = re.compile(r"'((?:[^'\\]|\\.)*+)'", re.DOTALL)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
CONSTANTS = {"true": True, "false": False, "null": None}
RESERVED = "'{}\\"
# What member-name-shorthand of JSONPath has (RFC 9535, section 2.5.1.1), and the dots and stars between names.
SHORTHAND = re.compile(r"[A-Za-z0-9_.*\u0080-\U0010ffff]+")
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"", re.DOTALL)
CLOSING = {"[": "]", "(": ")"}
BRACKETED = re.compile(r"[^'\"\[\]()]+")


class IntrinsicSyntaxError(ValueError):
    """A text is no call of an intrinsic function.

    Attributes:
        position: the character where it goes wrong, counted from 0.
        hint: what to write instead.
    """

    def __init__(self, message: str, hint: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.position = position


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, a number, a boolean or null. The first string of States.Format keeps its escapes."""

    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A path into the input (``$.a``), the context object (``$$.a``) or a variable (``$name.a``)."""

    text: str


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """A call of an intrinsic function."""

    name: str
    arguments: tuple[Argument, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that the call and those within it ask for, in the order of the text."""
        return tuple(dict.fromkeys(_paths(self)))


Argument = Literal | Path | Intrinsic


def _paths(intrinsic: Intrinsic) -> Iterator[str]:
    for argument in intrinsic.arguments:
        if isinstance(argument, Path):
            yield argument.text
        elif isinstance(argument, Intrinsic):
            yield from _paths(argument)


class Parser:
    """Reads one text from left to right, once. How deep it goes is bounded by how many calls there may be."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._calls = 0

    def whole(self) -> Intrinsic:
        """Returns the call that the text makes.

        Raises:
            IntrinsicSyntaxError: it makes none.
        """
        found = NAME.match(self._text)
        if found is None:
            raise self._mistake("this is neither a path nor an intrinsic function", "begin with $ or with States.")
        intrinsic = self._call(found[0])
        self._space()
        if self._at < len(self._text):
            raise self._mistake(f"there is {self._here()} after the closing parenthesis", "remove it")
        return intrinsic

    def _call(self, name: str) -> Intrinsic:
        start = self._at
        function = FUNCTIONS.get(name)
        if function is None:
            raise self._mistake(f"there is no intrinsic function {name[:SHOWN_CHARACTERS]!r}", _near(name))
        self._calls += 1
        if self._calls > CALL_LIMIT:
            raise self._mistake(f"there are more than {CALL_LIMIT} functions", "compute a part in a state before")
        self._at += len(name)
        if not self._take("("):
            raise self._mistake(f"no parenthesis follows {name}", f"write {name}({function.parameters})")
        arguments = tuple(self._arguments(name))
        if not function.takes(len(arguments)):
            message = f"{name} takes {function.arity}, not {len(arguments)}"
            raise self._mistake(message, f"write {name}({function.parameters})", start)
        # SPEC, "States.JsonToString": the argument MUST be a Path.
        if name == "States.JsonToString" and isinstance(arguments[0], Literal):
            raise self._mistake("States.JsonToString takes a path, not a constant", "write the text itself", start)
        return Intrinsic(name, arguments)

    def _arguments(self, name: str) -> Iterator[Argument]:
        self._space()
        if self._take(")"):
            return
        is_template = name == "States.Format"
        while True:
            self._space()
            yield self._argument(is_template=is_template)
            is_template = False
            self._space()
            if self._take(")"):
                return
            if not self._take(","):
                raise self._mistake(
                    f"there is {self._here()} where a comma or a parenthesis is expected",
                    f"separate by , and end {name} by )",
                )

    def _argument(self, *, is_template: bool) -> Argument:
        first = self._text[self._at : self._at + 1]
        if first == "'":
            return Literal(self._string(is_template=is_template))
        if first == "$":
            return Path(self._path())
        if first == "-" or ("0" <= first <= "9"):
            return Literal(self._number())
        found = NAME.match(self._text, self._at)
        if found is None:
            message = f"there is {self._here()} where an argument is expected"
            raise self._mistake(message, "write a path, a function, a number, true, false, null or a text in ' '")
        if found[0] in CONSTANTS:
            self._at = found.end()
            return Literal(CONSTANTS[found[0]])
        return self._call(found[0])

    def _string(self, *, is_template: bool) -> str:
        found = STRING.match(self._text, self._at)
        if found is None:
            raise self._mistake("the text has no closing apostrophe", r"end it with ', and write \' for one within")
        for escape in ESCAPE.finditer(found[1]):
            if escape[1] not in RESERVED:
                position = self._at + 1 + escape.start()
                hint = r"write \\ for a backslash (\\\\ in JSON), or the character itself"
                raise self._mistake(r"a backslash escapes only ' { } and \ ", hint, position)
        self._at = found.end()
        return found[1] if is_template else ESCAPE.sub(r"\1", found[1])

    def _number(self) -> int | float:
        found = NUMBER.match(self._text, self._at)
        if found is None or len(found[0]) > NUMBER_LIMIT:
            raise self._mistake("this is no number of JSON", "such as 12, -0.5 or 1e3")
        number = float(found[0]) if found[1] or found[2] else int(found[0])
        if not math.isfinite(number):
            raise self._mistake("the number is too large", "such as 12, -0.5 or 1e3")
        self._at = found.end()
        return number

    def _path(self) -> str:
        start = self._at
        self._at += 2 if self._text.startswith("$$", start) else 1
        while self._at < len(self._text):
            following = self._text[self._at]
            if following == "[":
                self._bracket()
                continue
            found = SHORTHAND.match(self._text, self._at)
            if found is None:
                break
            self._at = found.end()
        if self._text[self._at : self._at + 1] not in {"", " ", "\t", "\r", "\n", ",", ")"}:
            hint = "write a name with other characters than letters, digits and _ as ['name']"
            raise self._mistake(f"there is {self._here()} in a path", hint)
        text = self._text[start : self._at]
        mistake = _path_mistake(text)
        if mistake:
            raise self._mistake(mistake, "such as $.order.id, $$.Execution.Id or $total", start)
        return text

    def _bracket(self) -> None:
        start, closing = self._at, ""
        while self._at < len(self._text):
            following = self._text[self._at]
            if following in CLOSING:
                closing += CLOSING[following]
            elif following in "])":
                if not closing.endswith(following):
                    break
                closing = closing[:-1]
            is_quote = following in "'\""
            found = (QUOTED if is_quote else BRACKETED).match(self._text, self._at)
            if is_quote and found is None:
                break
            self._at = found.end() if found else self._at + 1
            if not closing:
                return
        raise self._mistake("a bracket or a quote of the path is not closed", "close it", start)

    def _space(self) -> None:
        found = SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _take(self, character: str) -> bool:
        is_there = self._text.startswith(character, self._at)
        self._at += is_there
        return is_there

    def _here(self) -> str:
        return repr(self._text[self._at]) if self._at < len(self._text) else "an end"

    def _mistake(self, message: str, hint: str, position: int | None = None) -> IntrinsicSyntaxError:
        return IntrinsicSyntaxError(message, hint, self._at if position is None else position)


def _path_mistake(text: str) -> str | None:
    variable = re.match(r"\$([^$.\[*][^.\[*]*)", text)
    if variable is None:
        return path_mistake(text)
    name = variable[1]
    if not name.isidentifier() or name.startswith("_") or len(name) > VARIABLE_NAME_LIMIT:
        return f"{name[:SHOWN_CHARACTERS]!r} is no name of a variable"
    return path_mistake("$" + text[variable.end() :])


def _near(name: str) -> str:
    names = list(FUNCTIONS)
    same = [known for known in names if known.casefold() == name.casefold()]
    near = same or difflib.get_close_matches(name[:SHOWN_CHARACTERS], names, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
