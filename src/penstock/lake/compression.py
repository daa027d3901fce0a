"""gzip and zstd, in pieces of bounded size: a small object cannot fill the memory.

https://www.rfc-editor.org/rfc/rfc1952
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from penstock.errors import ValidationError
from penstock.lake.outcome import BrokenError

Compression = Literal["", "gzip", "zstd"]
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
OUTPUT_BYTES = 1 << 20
ZSTD_INPUT_BYTES = 1024
GZIP_WINDOW = 31


def compression_of(beginning: bytes) -> Compression:
    """Returns how an object that begins so is compressed; empty for not at all."""
    if beginning.startswith(GZIP_MAGIC):
        return "gzip"
    return "zstd" if beginning.startswith(ZSTD_MAGIC) else ""


def compress(data: bytes) -> bytes:
    """Returns data as one zstd frame, with its size and a checksum.

    Raises:
        ValidationError: zstd is not here: the artifact of a task holds it when its table has ``compress=True``.
    """
    packed: bytes = _zstd().compress(data)
    return packed


def decompressed(pieces: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """Yields what was compressed, in pieces; several members or frames one after the other.

    Raises:
        BrokenError: the data are damaged or cut short; all that could be read was yielded before.
        ValidationError: zstd is not here.
    """
    match compression:
        case "gzip":
            return _members(pieces)
        case "zstd":
            return _frames(pieces, _zstd().ZstdFrame)
    return iter(pieces)


def _zstd() -> Any:
    # By a computed name, so that it is in those artifacts alone that need it.
    try:
        return importlib.import_module(f"{__package__}.zstd")
    except ImportError:
        raise ValidationError(
            "zstd cannot be read or written here", hint="declare the table with compress=True, or install zstandard"
        ) from None


def _members(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields what the members of a gzip file hold; zeros that pad its end are none."""
    member: Any = None
    for piece in pieces:
        rest = piece
        while rest := rest if member is not None else rest.lstrip(b"\0"):
            member = member or zlib.decompressobj(GZIP_WINDOW)
            try:
                yield member.decompress(rest, OUTPUT_BYTES)
            except zlib.error as error:
                raise BrokenError(f"the compressed data are damaged: {error}") from None
            rest = member.unused_data if member.eof else member.unconsumed_tail
            member = None if member.eof else member
    if member is not None:
        raise BrokenError("the compressed data are cut short")


def _frames(pieces: Iterable[bytes], make: Callable[[], Any]) -> Iterator[bytes]:
    frame: Any = None
    for piece in pieces:
        for start in range(0, len(piece), ZSTD_INPUT_BYTES):
            rest: bytes | None = piece[start : start + ZSTD_INPUT_BYTES]
            while rest:
                frame = frame or make()
                yield frame.feed(rest)
                rest = frame.rest
                frame = frame if rest is None else None
    if frame is not None:
        raise BrokenError("the compressed data are cut short")
