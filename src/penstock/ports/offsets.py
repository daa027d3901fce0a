"""How far files were followed, and the batch that is being stored.

Guarantees: what a method was given survives the death of the process, and a power cut, once the method returns; each
method happens whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class FileOffset(msgspec.Struct, frozen=True, kw_only=True):
    """How far one generation of a file was read.

    Attributes:
        id: names this generation; never used twice.
        file: the file's device and inode.
        path: under which name it was followed first.
        position: where the next line begins, in bytes.
        head: the first bytes, at most to the position: what tells this content from another under the same inode.
        tail: the last bytes before the position.
        is_current: whether the file holds this content still; otherwise a copy of it may.
        is_packed: whether all of this is said of a compressed file as it is, not of what is in it.
        seen_at: when this was noted, in seconds since the epoch.
    """

    id: str
    file: str
    path: str
    position: int
    head: bytes
    tail: bytes
    is_current: bool = True
    is_packed: bool = False
    seen_at: float = 0.0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that are being stored as one object.

    Attributes:
        key: the object's; when it exists, the batch is stored.
        offsets: how far the files are read once it is.
    """

    key: str
    offsets: list[FileOffset]


class OffsetStore(Protocol):
    """The offsets of streams. A stream is what goes to one lake table; one process at a time writes it."""

    def offsets(self, stream: str) -> list[FileOffset]:
        """Returns what is known of all files, oldest first."""
        ...

    def keep(self, stream: str, offsets: Sequence[FileOffset], forget: Sequence[str] = ()) -> None:
        """Writes offsets in place of those of the same ids, and forgets others by their ids."""
        ...

    def patterns(self, stream: str) -> set[str]:
        """Returns the patterns that were followed before."""
        ...

    def register(self, stream: str, pattern: str, offsets: Sequence[FileOffset]) -> None:
        """Notes that a pattern is followed from now on, and the offsets to begin with."""
        ...

    def sequence(self, stream: str) -> int:
        """Returns how many batches were begun."""
        ...

    def begin(self, stream: str, batch: Batch) -> None:
        """Notes a batch that is about to be stored."""
        ...

    def pending(self, stream: str) -> Batch | None:
        """Returns the batch that was begun and neither committed nor discarded."""
        ...

    def commit(self, stream: str) -> None:
        """Makes the pending batch's offsets those of the files."""
        ...

    def discard(self, stream: str) -> None:
        """Forgets the pending batch: it was not stored."""
        ...

    def close(self) -> None:
        """Frees everything."""
        ...
