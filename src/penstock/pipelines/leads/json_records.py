"""Records of JSON text: an array, one object a line, or one object after another; piece by piece.

A piece is decoded at once when it can be. What the fast decoder refuses (a damaged record, a number beyond all bounds,
half a surrogate pair, a name that stands twice in one object) is taken apart record by record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from penstock.pipelines.leads.unreadable import unreadable

RECORD_BYTES_LIMIT = 64 * 1024 * 1024
_FAST = msgspec.json.Decoder()
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}"]', re.DOTALL)
_BORDER = re.compile(rb"\s*,\s*(?=[{\[])")
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_SPACE = re.compile(r"[\s]*")


class Damaged(msgspec.Struct, frozen=True):
    """The text of a record that is no JSON, and what is amiss."""

    text: str
    message: str


def lines(pieces: Iterator[bytes]) -> Iterator[tuple[int, list[Any]]]:
    """Yields the values of JSON lines with the number of the first; blank lines are ``None``."""
    number, rest = 1, b""
    for piece in pieces:
        whole = rest + piece
        end = whole.rfind(b"\n") + 1
        if not end:
            _check_length(whole, "line")
        rest = whole[end:]
        if end:
            values = _lines(_without_nul(whole[:end]))
            yield number, values
            number += len(values)
    if rest.strip():
        yield number, _lines(_without_nul(rest))


def array(pieces: Iterator[bytes], begin: bytes, *, wrapped: bool) -> Iterator[tuple[int, list[Any]]]:
    """Yields the elements of a JSON array with the number of the first.

    Args:
        pieces: what follows.
        begin: the text after the opening bracket, as far as it is read already.
        wrapped: whether something may follow the closing bracket.

    Raises:
        TaskError: the array ends in the middle, or something else follows it.
    """
    number, buffer = 1, _without_nul(begin)
    for piece in pieces:
        buffer = _without_nul(buffer + piece)
        values, end = _fast_elements(buffer)
        if values is None:
            values, end, closed = _elements(buffer.decode(), number)
            if closed:
                yield number, values
                _check_tail(buffer[end:], pieces, wrapped=wrapped)
                return
        if values:
            yield number, values
            number += len(values)
        buffer = buffer[end:]
        _check_length(buffer, "record")
    values, end, closed = _elements(buffer.decode(), number)
    if values:
        yield number, values
    if not closed:
        raise _cut_off(number + len(values))
    _check_tail(buffer[end:], pieces, wrapped=wrapped)


def stream(pieces: Iterator[bytes]) -> Iterator[tuple[int, list[Any]]]:
    """Yields the values of JSON texts that follow one another, such as objects written over several lines.

    Raises:
        TaskError: the last one ends in the middle.
    """
    number, buffer = 1, b""
    for piece in pieces:
        buffer = _without_nul(buffer + piece)
        values, end, _ = _elements(buffer.decode(), number, separated=False)
        if values:
            yield number, values
        number += len(values)
        buffer = buffer[end:]
        _check_length(buffer, "record")
    if buffer.strip():
        raise _cut_off(number)


def one(text: str) -> Any:
    """Returns one JSON value; a name that stands twice gets a number, and nothing that it says is lost."""
    try:
        return json.loads(text, object_pairs_hook=_pairs)
    except RecursionError:
        return Damaged(text, "it is nested too deeply")
    except ValueError as error:
        return Damaged(text, str(error))


def _without_nul(text: bytes) -> bytes:
    """Returns a text without the sign of code 0, which no database takes."""
    return _NUL.sub(rb"\1", text) if b"\\u0000" in text else text


def _lines(piece: bytes) -> list[Any]:
    try:
        values: list[Any] = _FAST.decode_lines(piece)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        values = []
    expected = piece.count(b"\n") + (not piece.endswith(b"\n"))
    if len(values) == expected and _names_once(piece, values):
        return values
    # Split at line feeds alone: other signs that end lines may stand in a text.
    texts = piece.decode().removesuffix("\n").split("\n")
    return [one(text) if text.strip() else None for text in texts]


def _fast_elements(buffer: bytes) -> tuple[list[Any] | None, int]:
    """Returns the elements up to the last border between two of them; ``None`` when that is not to be had fast."""
    place = len(buffer)
    for _ in range(64):
        place = buffer.rfind(b"}", 0, place)
        if place < 0:
            return [], 0
        border = _BORDER.match(buffer, place + 1)
        if border is None:
            continue
        # What decodes as an array ends where an element ends: a border inside of a text or of a list does not.
        text = b"[" + buffer[: place + 1] + b"]"
        try:
            values: list[Any] = _FAST.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None, 0
        return (values, border.end()) if _names_once(text, values) else (None, 0)
    return None, 0


def _elements(text: str, number: int, *, separated: bool = True) -> tuple[list[Any], int, bool]:
    """Returns the elements that are whole, how many bytes they take, and whether the array is closed."""
    values: list[Any] = []
    decoder = json.JSONDecoder(object_pairs_hook=_pairs)
    place, done = _after_space(text, 0), 0
    while place < len(text):
        if separated and text[place] == "]":
            return values, _size(text[: place + 1]), True
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            closing = _closing(text, place)
            if closing is None:
                break
            value, end = Damaged(text[place:closing], str(error)), closing
        after = _after_space(text, end)
        if separated:
            if after == len(text):
                break
            if text[after] not in ",]":
                raise unreadable(
                    f"the JSON array is damaged after record {number + len(values)}: a comma is missing",
                    "export the file again, or send one JSON object a line: then only damaged lines are left out",
                )
            after = _after_space(text, after + 1) if text[after] == "," else after
        values.append(value)
        place = done = after
    return values, _size(text[:done]), False


def _closing(text: str, begin: int) -> int | None:
    """Returns where the object or list that begins here ends by its brackets; ``None`` when it does not."""
    depth = 0
    for token in _TOKEN.finditer(text, begin):
        sign = token[0]
        if sign == '"':
            return None
        depth += 1 if sign in "[{" else -1 if sign in "]}" else 0
        if depth <= 0 and sign in "]}":
            return token.end() if depth == 0 else None
    return None


def sound(text: Any) -> Any:
    """Returns a text without halves of surrogate pairs, which no database takes, and all else as it is."""
    if text.__class__ is str and not text.isascii():
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    pairs = [(sound(name), sound(value)) for name, value in pairs]
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    named: dict[str, Any] = {}
    for name, value in pairs:
        place = 1
        while (free := name if place == 1 else f"{name} {place}") in named:
            place += 1
        named[free] = value
    return named


def _names_once(text: bytes, values: list[Any]) -> bool:
    """Whether no object names a value twice: there are as many names in the text as in the values."""
    in_text = text.count(b'":') - text.count(b'\\":')
    if {*map(type, values)} == {dict} and in_text == sum(map(len, values)):
        return True
    return in_text == sum(map(_names, values))


def _names(value: Any) -> int:
    if value.__class__ is dict:
        return len(value) + sum(_names(one) for one in value.values() if one.__class__ in {dict, list})
    return sum(map(_names, value)) if value.__class__ is list else 0


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return place if found is None else found.end()


def _size(text: str) -> int:
    return len(text.encode())


def _check_tail(rest: bytes, pieces: Iterator[bytes], *, wrapped: bool) -> None:
    if not wrapped and (rest.strip() or any(piece.strip() for piece in pieces)):
        raise unreadable("something follows the end of the JSON array", "send one array, or one JSON object a line")


def _check_length(buffer: bytes, what: str) -> None:
    if len(buffer) > RECORD_BYTES_LIMIT:
        limit = RECORD_BYTES_LIMIT // 1024 // 1024
        raise unreadable(f"a {what} of the file is longer than {limit} MB", "a quotation mark or a bracket is missing")


def _cut_off(number: int) -> Exception:
    return unreadable(
        f"the file ends in the middle of record {number}",
        "the upload or the export was cut off, or a quotation mark or bracket is missing: send the file again",
        record=number,
    )
