"""Items of a JSON file, and of JSON Lines, one at a time.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html, "ItemsPointer" and "Example data in
a JSON file". A pointer is of RFC 6901. Only the element that is being read is in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import msgspec

from penstock.states.distributed import text as texts
from penstock.states.distributed.items import ITEM_LIMIT_BYTES, NOT_ITERABLE, Item, reader_failed

# "The starting position of the target must be within the first 16 MB", and a pointer has fewer than 2,000 characters.
POINTER_REACH_BYTES = 16 << 20
POINTER_LIMIT = 2000
SPACE = re.compile(r"[ \t\r\n]*")
# What Python reads and nobody can write again: halves of surrogate pairs, and numbers beyond all doubles.
SUSPECT = re.compile(r"\\u[dD][89a-fA-F]|[eE]\+?[0-9]{3}|[0-9]{300}")
NUMERIC = re.compile(r"[0-9.eE+-]*")
INDEX = re.compile(r"0|[1-9][0-9]*")


def json_items(chunks: Iterable[str], source: str, pointer: str = "") -> Iterator[Item]:
    """Yields an array's elements, or an object's members with their keys.

    Args:
        pointer: leads to the array or object inside the file.

    Raises:
        StateFailedError: ``States.ItemReaderFailed``: it is no JSON, an element is too large, or nothing to go through
            is where the pointer leads.
    """
    document = _Document(chunks)
    steps = _steps(pointer)
    for step in steps:
        _follow(document, step, pointer)
    opening = document.peek()
    if opening == "[":
        yield from (Item(element, None, source) for element in _elements(document))
    elif opening == "{":
        yield from (Item(member, key, source) for key, member in _members(document))
    elif opening == "":
        raise reader_failed("The file is empty or its JSON is cut off")
    else:
        document.value(ITEM_LIMIT_BYTES)
        raise reader_failed(NOT_ITERABLE)
    if not steps and document.peek():
        document.refuse("there is something after its end")


def json_lines(chunks: Iterable[str], source: str) -> Iterator[Item]:
    """Yields the JSON value of each line. Lines of white space only are none.

    Raises:
        StateFailedError: ``States.ItemReaderFailed``: a line is no JSON, or too large.
    """
    for number, line in enumerate(texts.lines(chunks), start=1):
        try:
            value, end = DECODER.raw_decode(line)
            if end != len(line):
                raise ValueError("there is something after its value")
            _check(line)
        except (ValueError, RecursionError) as error:
            raise reader_failed(f"Line {number} is no JSON: {_reason(error)}") from None
        yield Item(value, None, source)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def _check(source: str) -> None:
    if SUSPECT.search(source):
        try:
            msgspec.json.decode(source.encode())
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from None


class _Document:
    """A JSON text of which only a window is in memory."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = iter(chunks)
        self._window = ""
        self._at = 0
        self._before = 0
        self._is_whole = False

    @property
    def position(self) -> int:
        """How many characters are behind."""
        return self._before + self._at

    def peek(self) -> str:
        """Returns the next character that is no white space; nothing at the end."""
        while True:
            self._at = SPACE.match(self._window, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._window):
                return self._window[self._at]
            if not self._read(1):
                return ""

    def take(self, expected: str) -> str:
        """Goes behind the next character, which has to be one of those expected."""
        found = self.peek()
        if not found or found not in expected:
            self.refuse(f"expected {' or '.join(expected)}")
        self._at += 1
        return found

    def value(self, limit: int) -> Any:
        """Goes behind the next value and returns it."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._window, self._at)
            except RecursionError as error:
                self.refuse(_reason(error))
            except ValueError as error:
                if not self._grow(limit):
                    self.refuse(_reason(error))
                continue
            # A number may go on in what is not read yet: 1 may be 1.5e3.
            if NUMERIC.match(self._window, end).end() == len(self._window) and self._grow(limit):  # type: ignore[union-attr]
                continue
            try:
                _check(self._window[self._at : end])
            except ValueError as error:
                self.refuse(_reason(error))
            if end - self._at > limit:
                raise texts.too_large()
            self._at = end
            return value

    def refuse(self, reason: str) -> NoReturn:
        """Raises the failure of a file that is no JSON."""
        raise reader_failed(f"The file is no JSON: {reason} at character {self.position}")

    def _grow(self, limit: int) -> bool:
        held = len(self._window) - self._at
        if held > limit:
            raise texts.too_large()
        # Twice as much each time: reading a large element again and again costs no more than reading it twice.
        return self._read(max(held, 1))

    def _read(self, least: int) -> bool:
        pieces = [self._window[self._at :]]
        self._before += self._at
        self._at = 0
        read = 0
        while read < least and not self._is_whole:
            piece = next(self._chunks, None)
            if piece is None:
                self._is_whole = True
            else:
                pieces.append(piece)
                read += len(piece)
        self._window = "".join(pieces)
        return read > 0


def _elements(document: _Document, limit: int = ITEM_LIMIT_BYTES) -> Iterator[Any]:
    document.take("[")
    if document.peek() == "]":
        document.take("]")
        return
    while True:
        yield document.value(limit)
        if document.take(",]") == "]":
            return


def _members(document: _Document, limit: int = ITEM_LIMIT_BYTES) -> Iterator[tuple[str, Any]]:
    document.take("{")
    if document.peek() == "}":
        document.take("}")
        return
    while True:
        key = _key(document)
        yield key, document.value(limit)
        if document.take(",}") == "}":
            return


def _key(document: _Document) -> str:
    if document.peek() != '"':
        document.refuse("expected a key")
    key: str = document.value(ITEM_LIMIT_BYTES)
    document.take(":")
    return key


def _steps(pointer: str) -> list[str]:
    if not pointer:
        return []
    if not pointer.startswith("/") or len(pointer) >= POINTER_LIMIT or re.search(r"~(?![01])", pointer):
        raise reader_failed(f"ItemsPointer {pointer[:100]!r} is no JSON Pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _skip(document: _Document, pointer: str) -> None:
    document.value(POINTER_REACH_BYTES)
    if document.position > POINTER_REACH_BYTES:
        raise reader_failed(f"The target of ItemsPointer {pointer!r} is beyond the first {POINTER_REACH_BYTES} bytes")


def _follow(document: _Document, step: str, pointer: str) -> None:
    """Goes to the beginning of the value that one step of a pointer leads to."""
    opening = document.peek()
    if opening == "{":
        document.take("{")
        while document.peek() == '"':
            if _key(document) == step:
                return
            _skip(document, pointer)
            if document.take(",}") == "}":
                break
    elif opening == "[" and INDEX.fullmatch(step):
        document.take("[")
        for _ in range(int(step)):
            if document.peek() == "]":
                break
            _skip(document, pointer)
            if document.take(",]") == "]":
                raise reader_failed(f"ItemsPointer {pointer!r} leads to nothing")
        if document.peek() != "]":
            return
    raise reader_failed(f"ItemsPointer {pointer!r} leads to nothing")
