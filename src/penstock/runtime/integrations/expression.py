"""What DynamoDB's expressions are made of: words, placeholders, document paths.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from penstock.errors import ValidationError
from penstock.model.items import Tagged
from penstock.runtime.integrations.reserved_words import RESERVED_WORDS
from penstock.runtime.integrations.typed_values import tagged_item

EXPRESSION_LIMIT_BYTES = 4096
# Deeper than any expression that a person writes, and far from what Python can stand.
DEPTH_LIMIT = 60
Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<name>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>[0-9]+)|(?P<sign><>|<=|>=|[=<>().,+\-\[\]]))"
)
_KEYS = {"#": re.compile(r"#[A-Za-z0-9_]+"), ":": re.compile(r":[A-Za-z0-9_]+")}


class Placeholders:
    """The names and values that expressions of one request stand for.

    Raises:
        ValidationError: there are some, and no expression; or one is no placeholder.
    """

    def __init__(self, arguments: Mapping[str, Any], expressions: Iterable[str]) -> None:
        self._names: dict[str, str] = self._given(arguments, "ExpressionAttributeNames", "#")
        values = self._given(arguments, "ExpressionAttributeValues", ":")
        self._values = tagged_item(values, "ExpressionAttributeValues")
        self._unused = {*self._names, *self._values}
        if not any(name in arguments for name in expressions):
            for given, field in ((self._names, "Names"), (self._values, "Values")):
                if given:
                    raise ValidationError(f"ExpressionAttribute{field} can only be specified when using expressions")
        for name in self._names.values():
            if not isinstance(name, str):
                raise ValidationError("The value for the field 'ExpressionAttributeNames' must be a STRING",
                                      unusable=True)  # fmt: skip

    def name(self, placeholder: str) -> str | None:
        """Returns the attribute name that a placeholder stands for, if it does."""
        self._unused.discard(placeholder)
        return self._names.get(placeholder)

    def value(self, placeholder: str) -> Tagged | None:
        """Returns the value that a placeholder stands for, if it does."""
        self._unused.discard(placeholder)
        return self._values.get(placeholder)

    def check_all_used(self) -> None:
        """Raises ValidationError when a placeholder is in no expression."""
        for given, field in ((self._names, "Names"), (self._values, "Values")):
            left = [key for key in given if key in self._unused]
            if left:
                raise ValidationError(f"Value provided in ExpressionAttribute{field} unused in expressions: "
                                      f"keys: {{{', '.join(left)}}}")  # fmt: skip

    def _given(self, arguments: Mapping[str, Any], field: str, mark: str) -> dict[str, Any]:
        given = arguments.get(field)
        if given is None:
            return {}
        if not isinstance(given, dict):
            raise ValidationError(f"The value for the field '{field}' must be an OBJECT", unusable=True)
        if not given:
            raise ValidationError(f"{field} must not be empty")
        for key in given:
            if not _KEYS[mark].fullmatch(key):
                raise ValidationError(f'{field} contains invalid key: Syntax error; key: "{key[:80]}"')
        return given


class Reader:
    """Reads an expression word by word.

    Args:
        kind: its parameter's name, which begins every error.
    """

    def __init__(self, kind: str, text: Any, placeholders: Placeholders) -> None:
        self.kind = kind
        self.placeholders = placeholders
        if not isinstance(text, str):
            raise ValidationError(f"The value for the field '{kind}' must be a STRING", unusable=True)
        if not text.strip():
            self.fail("The expression can not be empty;")
        if len(text.encode()) > EXPRESSION_LIMIT_BYTES:
            self.fail("Expression size has exceeded the maximum allowed size;")
        self._tokens = self._split(text)
        self._at = 0
        self._depth = 0

    def fail(self, problem: str) -> NoReturn:
        """Raises ValidationError for the expression."""
        raise ValidationError(f"Invalid {self.kind}: {problem}")

    def fail_here(self) -> NoReturn:
        """Raises ValidationError for the next word."""
        token = self.peek() or "<EOF>"
        near = " ".join(word for _, word in self._tokens[max(0, self._at - 1) : self._at + 2])
        self.fail(f'Syntax error; token: "{token}", near: "{near}"')

    def peek(self, ahead: int = 0) -> str:
        """Returns the next word, or ``""`` at the end."""
        return self._tokens[self._at + ahead][1] if self._at + ahead < len(self._tokens) else ""

    def kind_of_next(self) -> str:
        """Returns what the next word is: word, name, value, number, sign, or ``""`` at the end."""
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        """Returns the next word and goes on."""
        word = self.peek()
        if not word:
            self.fail_here()
        self._at += 1
        return word

    def take_if(self, *words: str) -> str:
        """Goes on if the next word is one of these (in any case of letters); returns it in capitals."""
        if self.peek() and self.peek().upper() in words:
            return self.take().upper()
        return ""

    def expect(self, word: str) -> None:
        """Goes on if the next word is this one; it is a syntax error otherwise."""
        if not self.take_if(word):
            self.fail_here()

    def deeper(self) -> None:
        """Counts a level of nesting."""
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            self.fail("The expression is nested too deeply;")

    def shallower(self) -> None:
        """Leaves a level of nesting."""
        self._depth -= 1

    def path(self) -> Path:
        """Returns the document path that comes next."""
        parts: list[str | int] = [self._attribute()]
        while True:
            if self.take_if("."):
                parts.append(self._attribute())
            elif self.take_if("["):
                if self.kind_of_next() != "number":
                    self.fail_here()
                parts.append(int(self.take()))
                self.expect("]")
            else:
                return tuple(parts)

    def value(self) -> Tagged:
        """Returns what the value placeholder that comes next stands for."""
        placeholder = self.take()
        found = self.placeholders.value(placeholder)
        if found is None:
            self.fail(f"An expression attribute value used in expression is not defined; attribute value: "
                      f"{placeholder}")  # fmt: skip
        return found

    def _attribute(self) -> str:
        kind, word = self.kind_of_next(), self.peek()
        if kind == "name":
            name = self.placeholders.name(self.take())
            if name is None:
                self.fail("An expression attribute name used in the document path is not defined; attribute name: "
                          f"{word}")  # fmt: skip
            return name
        if kind != "word":
            self.fail_here()
        if word.upper() in RESERVED_WORDS:
            self.fail(f"Attribute name is a reserved keyword; reserved keyword: {word}")
        return self.take()

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens, at, end = [], 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                wrong = text[at:].strip()
                self.fail(f'Syntax error; token: "{wrong[:1]}", near: "{text[max(0, at - 5) : at + 5].strip()}"')
            tokens.append((str(found.lastgroup), str(found[str(found.lastgroup)])))
            at = found.end()
        return tokens


def at_path(item: Mapping[str, Tagged], path: Path) -> Tagged | None:
    """Returns the value at a document path; None where there is none."""
    found: Any = {"M": item}
    for part in path:
        inner = found.get("M") if isinstance(part, str) else found.get("L")
        if inner is None:
            return None
        found = element(inner, part)
        if found is None:
            return None
    return dict(found)


def element(holder: Any, part: str | int) -> Any:
    """Returns a map's value or a list's element; None where there is none."""
    if isinstance(part, str):
        return holder.get(part)
    return holder[part] if part < len(holder) else None


def project(item: Mapping[str, Tagged], paths: Iterable[Path]) -> dict[str, Tagged]:
    """Returns of an item what is at some paths; of lists, the elements that were named, one after the other."""
    wanted = [path for path in paths if at_path(item, path) is not None]
    return dict(_project({"M": item}, wanted)["M"])


def _project(value: Mapping[str, Any], paths: list[Path]) -> dict[str, Any]:
    if () in paths:
        return dict(value)
    heads = dict.fromkeys(path[0] for path in paths)
    below = {head: [path[1:] for path in paths if path[0] == head] for head in heads}
    if "M" in value:
        return {"M": {str(head): _project(value["M"][head], below[head]) for head in heads}}
    return {"L": [_project(value["L"][head], below[head]) for head in sorted(heads, key=int)]}


def projection(text: Any, placeholders: Placeholders) -> list[Path]:
    """Returns the paths of a ProjectionExpression.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
    """
    reader = Reader("ProjectionExpression", text, placeholders)
    paths = [reader.path()]
    while reader.take_if(","):
        paths.append(reader.path())
    if reader.peek():
        reader.fail_here()
    check_overlaps(reader, paths)
    return paths


def check_overlaps(reader: Reader, paths: list[Path]) -> None:
    """Raises ValidationError when a path is, or is within, another."""
    for number, one in enumerate(paths):
        for other in paths[number + 1 :]:
            shorter = min(len(one), len(other))
            if one[:shorter] == other[:shorter]:
                reader.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; "
                            f"path one: {shown(one)}, path two: {shown(other)}")  # fmt: skip


def shown(path: Path) -> str:
    """Returns a path as DynamoDB's errors write it."""
    return f"[{', '.join(str(part) if isinstance(part, str) else f'[{part}]' for part in path)}]"
