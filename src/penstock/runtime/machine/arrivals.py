"""Files that arrive in an inbox: each content is one object, however often and under whatever name it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from penstock.errors import ConditionFailedError, NotFoundError, StorageFullError, UsageError
from penstock.faultpoints import fault_point
from penstock.lake.inbox_keys import inbox_key, inbox_prefix, parse_inbox_key
from penstock.model.inboxes import Inbox
from penstock.model.pipeline import Definition
from penstock.model.workflow import InboxTrigger
from penstock.ports.bus import Bus, ObjectCreated
from penstock.ports.clock import Clock
from penstock.ports.objects import ObjectInfo, ObjectStore

CHUNK_BYTES = 1 << 20
DAY_SECONDS = 86_400


class Arrived(msgspec.Struct, frozen=True):
    """A file that is in an inbox. ``created`` is False when the same content was there before."""

    inbox: str
    key: str
    size: int
    created: bool

    @property
    def event(self) -> dict[str, str | int]:
        """The input of what the file starts."""
        return {"inbox": self.inbox, "key": self.key, "size": self.size}


class Arrivals:
    """Takes files into inboxes.

    Args:
        copies: gives folders on the lake's disk, for copies under way; those of processes that died go with the next.
        writer: names the process that answers for announced objects.
    """

    def __init__(
        self,
        *,
        copies: Callable[[], AbstractContextManager[Path]],
        objects: ObjectStore,
        bus: Bus,
        clock: Clock,
        definitions: Mapping[str, Definition],
        writer: str,
    ) -> None:
        self._copies = copies
        self._objects = objects
        self._bus = bus
        self._clock = clock
        self._writer = writer
        self.inboxes: dict[str, tuple[str, Inbox]] = {
            inbox.name: (name, inbox)
            for name, definition in definitions.items()
            for inbox in definition.inboxes.values()
        }

    def take(self, inbox: str, path: Path) -> Arrived:
        """Copies a file into an inbox, whatever its size; it is a no-op where its content is there already.

        Raises:
            NotFoundError: no pipeline has this inbox.
            UsageError: the file cannot be read.
        """
        if inbox not in self.inboxes:
            names = ", ".join(sorted(self.inboxes)) or "none yet"
            raise NotFoundError(f"there is no inbox {inbox!r}", hint=f"the inboxes are: {names}")
        with self._copies() as folder:
            copy = folder / "file"
            digest, size = _copy(path, copy)
            known = self._find(inbox, digest)
            if known is not None:
                # Its event may have been lost with a process that died; where it was not, this changes nothing.
                self._bus.confirm(self._created(inbox, known.key, known.size))
                return Arrived(inbox, known.key, known.size, created=False)
            key = inbox_key(inbox, self._clock.now(), digest, path.name)
            event = self._created(inbox, key, size)
            self._bus.announce(event, writer=self._writer)
            created = True
            fault_point("arrivals.before_create")
            try:
                self._objects.replace(key, copy, if_match=None)
            except ConditionFailedError:
                # What exists already is this very content: the name holds its digest.
                created = False
            fault_point("arrivals.after_create")
            self._bus.confirm(event)
            return Arrived(inbox, key, size, created=created)

    def expire(self) -> int:
        """Deletes files that are kept no longer; returns how many. A day's files go when the last of them may."""
        gone = 0
        for _, inbox in self.inboxes.values():
            if inbox.retain_seconds is None:
                continue
            for info in self._objects.list(inbox_prefix(inbox.name)):
                day = parse_inbox_key(info.key).day
                arrived_at = info.modified_at if day is None else day + DAY_SECONDS
                if arrived_at + inbox.retain_seconds <= self._clock.now():
                    fault_point("arrivals.before_delete")
                    self._objects.delete(info.key)
                    gone += 1
        return gone

    def _created(self, inbox: str, key: str, size: int) -> ObjectCreated:
        pipeline, _ = self.inboxes[inbox]
        return ObjectCreated(pipeline=pipeline, table=inbox, key=key, size=size, at=self._clock.now())

    def _find(self, inbox: str, digest: str) -> ObjectInfo | None:
        for info in self._objects.list(inbox_prefix(inbox)):
            found = parse_inbox_key(info.key).digest
            if found and digest.startswith(found):
                return info
        return None


def inbox_trigger(definition: Definition, workflow: str | None = None) -> InboxTrigger:
    """Returns the trigger that a file for a pipeline means.

    Raises:
        UsageError: there is more than one that it could be, or none.
    """
    found = [one for one in definition.inbox_triggers.values() if workflow in {None, one.workflow}]
    if len(found) == 1:
        return found[0]
    main = [one for one in found if one.workflow == definition.name]
    if len(main) == 1:
        return main[0]
    if not found:
        whose = f"pipeline {definition.name!r}" if workflow is None else f"workflow {workflow!r}"
        raise UsageError(f"{whose} takes no files", hint="give JSON, or @FILE for a file of JSON")
    names = ", ".join(one.workflow for one in found)
    raise UsageError(
        f"a file can start {len(found)} workflows of {definition.name!r}", hint=f"choose one by --workflow: {names}"
    )


def _copy(source: Path, target: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    try:
        with source.open("rb") as read, target.open("xb", buffering=0) as written:
            while chunk := read.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                _write(cast(BinaryIO, written), chunk, source)
    except IsADirectoryError:
        raise UsageError(f"{source} is a folder", hint="give a file") from None
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}", hint="give a file that you may read") from error
    return digest.hexdigest(), size


def _write(file: BinaryIO, data: bytes, source: Path) -> None:
    try:
        written = 0
        while written < len(data):
            written += file.write(data[written:])
    except OSError as error:
        raise StorageFullError(
            f"cannot keep a copy of {source} in the home: {error.strerror}", hint="free some space; nothing was kept"
        ) from error
