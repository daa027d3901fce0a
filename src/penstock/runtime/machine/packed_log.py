"""Older generations of logs that were compressed: unpacked, they are read as any other.

What is unpacked lies in a file without a name, which goes with the process: after a death it is unpacked again.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from penstock.lake.compression import decompressed
from penstock.lake.outcome import BrokenError
from penstock.ports.offsets import FileOffset
from penstock.runtime.machine.log_file import LogFile

# Ends the identity of what was unpacked: that of the file itself tells that all of it was stored.
UNPACKED = ":unpacked"
PIECE_BYTES = 1024 * 1024
# The disk is of others as well.
LEAST_FREE_BYTES = 256 * 1024 * 1024


class PackedLogFile(LogFile):
    """The content of a compressed file; positions are those of the content.

    Attributes:
        reason: why it could not be unpacked to its end; empty where it could.
        packed_at: when the compressed file was written, in seconds since the epoch.

    Args:
        id: names this generation.
        path: of the compressed file.
        source: under which name it was followed before it was compressed.
        folder: where there is room for what is in it.

    Raises:
        OSError: the file cannot be opened, or there is no room.
    """

    def __init__(self, id: str, path: Path, source: str, folder: Path) -> None:  # noqa: A002 - the field's name
        super().__init__(id, path, source)
        packed = self.fd
        try:
            self.packed_at = self.modified_at
            self.count_as_read(self.size)
            self._whole = self.offset(0.0)
            self.fd, self.reason = _unpacked(packed, path, folder)
            if os.fstat(packed).st_size != self._whole.position:
                self.reason = "it is being written"
            # Lines that do not say when they were logged were so at that time at the latest.
            os.utime(self.fd, (self.packed_at, self.packed_at))
        finally:
            os.close(packed)
        self.file += UNPACKED
        self.is_live = False
        self.position, self.head, self.tail = 0, b"", b""

    def ended(self, now: float) -> list[FileOffset]:
        """Returns the offsets once all of it is stored: the file's own, and the content's, should a copy turn up."""
        whole = msgspec.structs.replace(self._whole, id=f"{self.id}.packed", is_packed=True, seen_at=now)
        return [whole, self.offset(now, is_current=False)]


def _unpacked(packed: int, path: Path, folder: Path) -> tuple[int, str]:
    """Returns a file without a name that holds what a compressed one does, as far as that can be read, and why not."""
    reason = ""
    with tempfile.TemporaryFile(dir=folder) as content:
        try:
            for piece in _pieces(packed, path.suffix):
                if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                content.write(piece)
        except _Damaged as error:
            reason = str(error)
        content.flush()
        return os.dup(content.fileno()), reason


class _Damaged(Exception):  # noqa: N818 - it is what the data are
    """The compressed data cannot be read on."""


def _pieces(packed: int, suffix: str) -> Iterator[bytes]:
    import lzma

    with os.fdopen(os.dup(packed), "rb") as file:
        file.seek(0)
        try:
            yield from filter(None, _opened(_read(file), suffix))
        except (lzma.LZMAError, ValueError) as error:
            raise _Damaged(str(error)) from None
        except OSError as error:
            # bz2 tells so of data; a disk tells its number.
            if error.errno is not None:
                raise
            raise _Damaged(str(error)) from None


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def _opened(pieces: Iterator[bytes], suffix: str) -> Iterator[bytes]:
    match suffix:
        case ".bz2":
            import bz2

            return _streams(pieces, bz2.BZ2Decompressor)
        case ".xz":
            import lzma

            return _streams(pieces, lzma.LZMADecompressor)
    return decompressed(pieces, "gzip" if suffix == ".gz" else "zstd")


def _streams(pieces: Iterator[bytes], make: Callable[[], Any]) -> Iterator[bytes]:
    """Yields what the streams of a file hold, one after the other."""
    inner: Any = None
    for piece in pieces:
        rest = piece
        while rest:
            inner = inner or make()
            yield inner.decompress(rest, PIECE_BYTES)
            while not (inner.eof or inner.needs_input):
                yield inner.decompress(b"", PIECE_BYTES)
            rest = inner.unused_data if inner.eof else b""
            inner = None if inner.eof else inner
    if inner is not None:
        raise BrokenError("the compressed data are cut short")
