"""CBOR, as far as SDKs send it to AWS. https://www.rfc-editor.org/rfc/rfc8949.html

CloudWatch's newest protocol is RPC over CBOR: https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

from __future__ import annotations

import struct
from typing import Any

_BREAK = object()
_LENGTHS = {24: ">B", 25: ">H", 26: ">I", 27: ">Q"}
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_INDEFINITE = 31


def read(body: bytes) -> Any:
    """Returns the value that a body holds, or ``None`` if it holds none."""
    if not body:
        return None
    try:
        value = _Reader(body).value()
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        return None
    return None if value is _BREAK else value


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def value(self) -> Any:
        head = self._body[self._at]
        self._at += 1
        major, minor = head >> 5, head & 0x1F
        if major == 7:
            return self._simple(minor)
        if minor == _INDEFINITE:
            return self._indefinite(major)
        return self._definite(major, self._unpack(_LENGTHS[minor]) if minor >= 24 else minor)

    def _definite(self, major: int, count: int) -> Any:
        match major:
            case 0:
                return count
            case 1:
                return -1 - count
            case 2:
                return self._bytes(count)
            case 3:
                return self._bytes(count).decode()
            case 4:
                return [self.value() for _ in range(count)]
            case 5:
                return {self.value(): self.value() for _ in range(count)}
            case _:
                return self.value()

    def _indefinite(self, major: int) -> Any:
        found = []
        while (one := self.value()) is not _BREAK:
            found.append(one)
        if major == 5:
            return dict(zip(found[::2], found[1::2], strict=True))
        return found if major == 4 else (b"" if major == 2 else "").join(found)

    def _simple(self, minor: int) -> Any:
        if minor == _INDEFINITE:
            return _BREAK
        return self._unpack(_FLOATS[minor]) if minor in _FLOATS else _SIMPLE[minor]

    def _unpack(self, form: str) -> Any:
        return struct.unpack(form, self._bytes(struct.calcsize(form)))[0]

    def _bytes(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise IndexError(end)
        taken = self._body[self._at : end]
        self._at = end
        return taken
