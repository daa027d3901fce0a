"""Bytes of an object, in pieces, as text: decompressed, in UTF-8, and no line longer than an item may be."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable, Iterator

from penstock.states.distributed.items import ITEM_LIMIT_BYTES, reader_failed

GZIP_SUFFIXES = (".gz", ".gzip")
ZSTD_SUFFIXES = (".zst", ".zstd")
# How much text one piece may make, so that a small hostile archive does not fill the memory.
PIECE_BYTES = 1 << 20


def decompressed(chunks: Iterable[bytes], key: str) -> Iterator[bytes]:
    """Yields what an object holds; one whose key ends in ``.gz`` is unpacked on the way.

    Raises:
        StateFailedError: ``States.ItemReaderFailed``: it is damaged, or packed in a way that cannot be read here.
    """
    if key.endswith(ZSTD_SUFFIXES):
        raise reader_failed(f"{key}: Zstandard compression cannot be read here; use GZIP")
    return _gunzip(chunks, key) if key.endswith(GZIP_SUFFIXES) else iter(chunks)


def decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yields text of UTF-8 bytes, without a byte order mark.

    Raises:
        StateFailedError: ``States.ItemReaderFailed``: it is not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for chunk in chunks:
            if text := decoder.decode(chunk):
                yield text
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise reader_failed(f"The file is not encoded in UTF-8: {error.reason}") from None


def lines(texts: Iterable[str]) -> Iterator[str]:
    """Yields lines without their ends. Empty ones are left out.

    Raises:
        StateFailedError: ``States.ItemReaderFailed``: a line is longer than an item may be.
    """
    rest: list[str] = []
    length = 0
    for text in texts:
        *whole, last = text.split("\n")
        for line in whole:
            if complete := "".join((*rest, line)).strip():
                yield _checked(complete)
            rest, length = [], 0
        rest.append(last)
        length += len(last)
        if length > ITEM_LIMIT_BYTES:
            raise too_large()
    if complete := "".join(rest).strip():
        yield _checked(complete)


def too_large() -> Exception:
    """Returns the failure of an item over the limit."""
    return reader_failed(f"An item is larger than the limit of {ITEM_LIMIT_BYTES} bytes")


def _checked(line: str) -> str:
    if len(line) > ITEM_LIMIT_BYTES or (len(line) * 4 > ITEM_LIMIT_BYTES and len(line.encode()) > ITEM_LIMIT_BYTES):
        raise too_large()
    return line


def _gunzip(chunks: Iterable[bytes], key: str) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        for chunk in chunks:
            rest, is_full = chunk, False
            while rest or is_full:
                if unpacker.eof:
                    # A file may be several archives, one after another (RFC 1952, section 2.2).
                    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
                if piece := unpacker.decompress(rest, PIECE_BYTES):
                    yield piece
                # A full piece may have left some behind, even where all input was taken.
                is_full = len(piece) == PIECE_BYTES and not unpacker.eof
                rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    except zlib.error as error:
        raise reader_failed(f"{key} is no GZIP file: {error}") from None
    if not unpacker.eof:
        raise reader_failed(f"{key} is no GZIP file, or is cut off")
