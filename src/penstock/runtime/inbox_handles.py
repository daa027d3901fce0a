"""Handles on inboxes: files that arrived, read through a file on this machine's disk."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from penstock.errors import ValidationError
from penstock.lake.inbox_keys import InboxKey, inbox_prefix, parse_inbox_key
from penstock.model.inboxes import Inbox
from penstock.ports.objects import ObjectInfo

if TYPE_CHECKING:
    from penstock.runtime.handles import Scope


class InboxEntry(msgspec.Struct, frozen=True):
    """A file of an inbox.

    Attributes:
        name: what it was called, in the characters of a key.
        size: in bytes.
        arrived_at: in seconds since the epoch; the beginning of the day where the key tells it.
        digest: begins the SHA-256 of its content, in hexadecimal digits; empty where the key does not tell it.
    """

    key: str
    name: str
    size: int
    arrived_at: float
    digest: str = ""


class InboxFile(io.BufferedReader):
    """A file of an inbox, open for reading; it can be read again from its beginning. ``name`` is what it was called.

    Attributes:
        size: in bytes.
        digest: the SHA-256 of its content, in hexadecimal digits.
        arrived_at: in seconds since the epoch: the same whenever and wherever the same key is opened.
    """

    def __init__(self, raw: io.FileIO, entry: InboxEntry, digest: str) -> None:
        raw.name = entry.name
        super().__init__(raw, buffer_size=1 << 20)
        self.key = entry.key
        self.size = entry.size
        self.digest = digest
        self.arrived_at = entry.arrived_at


class InboxHandle:
    """An inbox, for one call."""

    def __init__(self, scope: Scope, inbox: Inbox) -> None:
        self._scope = scope
        self._inbox = inbox

    def open(self, key: str) -> InboxFile:
        """Opens a file; what it holds is copied to the disk first, never into memory as a whole.

        Raises:
            AccessDeniedError: the task may not read this inbox.
            NotFoundError: there is no such file.
            ValidationError: the key is not one of this inbox.
        """
        self._scope.require(self._inbox.read)
        parsed = self._own(key)
        ports = self._scope.ports
        digest, size = hashlib.sha256(), 0
        # It has no name from its first moment on: a process that dies leaves nothing behind.
        with tempfile.TemporaryFile(dir=ports.scratch, buffering=0) as file:
            for chunk in ports.objects.stream(key):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.seek(0)
            raw = io.FileIO(os.dup(file.fileno()), "rb")
        info = None if parsed.day is not None else ports.objects.head(key)
        return InboxFile(raw, _entry(parsed, key, size, info), digest.hexdigest())

    def list(self) -> list[InboxEntry]:
        """Returns the files of the inbox, in order of their keys, so by the day on which they arrived.

        Raises:
            AccessDeniedError: the task may not list this inbox.
        """
        self._scope.require(self._inbox.list)
        return list(self._entries())

    def _entries(self) -> Iterator[InboxEntry]:
        for info in self._scope.ports.objects.list(inbox_prefix(self._inbox.name)):
            # A console makes empty objects of this kind for folders.
            if not info.key.endswith("/"):
                yield _entry(parse_inbox_key(info.key), info.key, info.size, info)

    def _own(self, key: str) -> InboxKey:
        parsed = parse_inbox_key(key)
        if parsed.inbox != self._inbox.name:
            raise ValidationError(f"{key!r} is no file of inbox {self._inbox.name!r}", hint="give the event's key")
        return parsed


def _entry(parsed: InboxKey, key: str, size: int, info: ObjectInfo | None) -> InboxEntry:
    arrived_at = parsed.day if parsed.day is not None else info.modified_at if info is not None else 0.0
    return InboxEntry(key, parsed.name, size, arrived_at, parsed.digest)
