"""Answers that were given before: the same question over the same files has the same answer."""

from __future__ import annotations

import base64
import contextlib
import datetime
import decimal
import hashlib
import secrets
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.local.query_request import Asking
from penstock.ports.query import Result

# A larger answer is not kept; beyond so many the oldest go.
SIZE_LIMIT_BYTES = 8 * 1024 * 1024
COUNT_LIMIT = 500
FORMAT = 1
TAG = "$"

_TO_TEXT: dict[type, tuple[str, Callable[[Any], str]]] = {
    decimal.Decimal: ("decimal", str),
    datetime.datetime: ("datetime", lambda value: value.isoformat()),
    datetime.date: ("date", lambda value: value.isoformat()),
    datetime.time: ("time", lambda value: value.isoformat()),
    datetime.timedelta: ("timedelta", lambda value: f"{value.days},{value.seconds},{value.microseconds}"),
    uuid.UUID: ("uuid", str),
    bytes: ("bytes", lambda value: base64.b64encode(value).decode()),
}
_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "decimal": decimal.Decimal,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timedelta": lambda text: datetime.timedelta(*map(int, text.split(","))),
    "uuid": uuid.UUID,
    "bytes": base64.b64decode,
    "int": int,
}


class _Kept(msgspec.Struct):
    result: Result
    rows: list[list[Any]]


class AnswerCache:
    """Keeps answers in a folder, one file each.

    A question is known by its text, its parameters and limit, the columns of its tables, and each file that it sees
    with its size and time. Nothing is kept of a question that depends on the clock or on chance.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, asking: Asking) -> Path:
        """Returns where the answer is, if it is known."""
        return self._folder / f"{_key(asking)}.msgpack"

    def load(self, path: Path) -> Result | None:
        """Returns a kept answer."""
        try:
            kept = msgspec.msgpack.decode(path.read_bytes(), type=_Kept)
            rows = [tuple(_value(value) for value in row) for row in kept.rows]
        except (OSError, msgspec.DecodeError, ValueError, KeyError):
            return None
        return msgspec.structs.replace(kept.result, rows=rows, cached=True, scanned_files=0, scanned_bytes=0)

    def keep(self, path: Path, result: Result) -> None:
        """Keeps an answer, if it is not too large. Where nothing can be written, queries are only slower."""
        try:
            rows = [[_plain(value) for value in row] for row in result.rows]
        except TypeError:
            return
        encoded = msgspec.msgpack.encode(_Kept(msgspec.structs.replace(result, rows=[]), rows))
        if len(encoded) > SIZE_LIMIT_BYTES:
            return
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(encoded)
            temporary.replace(path)
            self._sweep()

    def _sweep(self) -> None:
        found = sorted(self._folder.glob("*.msgpack"), key=lambda one: one.stat().st_mtime)
        for path in found[:-COUNT_LIMIT]:
            path.unlink(missing_ok=True)


def _key(asking: Asking) -> str:
    request, given = asking.request, asking.request.parameters
    values = sorted(given.items()) if isinstance(given, Mapping) else list(given)
    tables = [repr(one) for one in request.known.values()]
    asked = [FORMAT, asking.question.text, repr(values), request.limit, tables]
    files = [[name, one.partitions, sorted(one.seen.items())] for name, one in sorted(asking.held.items())]
    return hashlib.sha256(msgspec.msgpack.encode([asked, files])).hexdigest()


def _plain(value: Any) -> Any:
    """Returns a value as msgpack holds it. Raises TypeError for one that it cannot hold."""
    if type(value) in _TO_TEXT:
        name, write = _TO_TEXT[type(value)]
        return {TAG: name, "v": write(value)}
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else {TAG: "int", "v": str(value)}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {TAG: "dict", "v": [[_plain(key), _plain(one)] for key, one in value.items()]}
    if isinstance(value, tuple):
        return {TAG: "tuple", "v": [_plain(one) for one in value]}
    raise TypeError(f"{type(value)} is not kept")


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_value(one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    name, held = plain[TAG], plain["v"]
    if name == "dict":
        return {_value(key): _value(one) for key, one in held}
    if name == "tuple":
        return tuple(_value(one) for one in held)
    return _FROM_TEXT[name](held)
