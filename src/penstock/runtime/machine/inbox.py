"""Files from outside: those of a lake table become raw objects, those of an inbox are kept as they are."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from penstock.errors import AlreadyExistsError, NotFoundError, PenstockError
from penstock.faultpoints import fault_point
from penstock.lake import formats, layout
from penstock.model.pipeline import Definition
from penstock.ports.bus import Bus, ObjectCreated
from penstock.ports.clock import Clock
from penstock.ports.objects import ObjectStore
from penstock.runtime.machine.arrivals import Arrivals
from penstock.runtime.machine.lake_catalog import lake_tables

Stamp = tuple[int, int]
EXPIRE_SECONDS = 3600.0
RETRY_SECONDS = 60.0


class Inbox:
    """Takes files from ``<folder>/<table>/`` into the lake, and from ``<folder>/<inbox>/`` into the inbox.

    A file is taken when it looks the same in two scans. A raw object's name follows from its name, time and content,
    so that a file that is taken twice, because the process died in between, is one object. A file that cannot be taken
    stays where it is, and is tried again every minute; the others are taken all the same.

    Args:
        arrivals: takes those of inboxes.
        warn: told of a file that cannot be taken.
    """

    def __init__(
        self,
        folder: Path,
        *,
        arrivals: Arrivals,
        objects: ObjectStore,
        bus: Bus,
        clock: Clock,
        definitions: Mapping[str, Definition],
        writer: str,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._arrivals = arrivals
        self._folder = folder
        self._objects = objects
        self._bus = bus
        self._clock = clock
        self._writer = writer
        self._tables = lake_tables(definitions)
        self._warn = warn
        self._seen: dict[Path, Stamp] = {}
        self._again_at: dict[Path, float] = {}
        self._expire_at = float("-inf")

    def scan(self) -> list[str]:
        """Takes the files that have settled; returns the keys of their objects. Now and then, expires old ones."""
        if self._clock.now() >= self._expire_at:
            self._expire_at = self._clock.now() + EXPIRE_SECONDS
            self._arrivals.expire()
        found: dict[Path, Stamp] = {}
        taken = []
        for table in (*self._tables, *self._arrivals.inboxes):
            folder = self._folder / table
            if not folder.is_dir():
                continue
            for path in sorted(folder.iterdir()):
                stamp = _stamp(path)
                if stamp is None:
                    continue
                found[path] = stamp
                if self._seen.get(path) == stamp and self._clock.now() >= self._again_at.get(path, float("-inf")):
                    taken += self._settled(table, path)
        self._seen = found
        self._again_at = {path: at for path, at in self._again_at.items() if path in found}
        return taken

    def _settled(self, table: str, path: Path) -> list[str]:
        """Takes a file that grows no longer, and takes it away; returns its key, or nothing."""
        try:
            key = self.take(table, path)
            fault_point("inbox.before_unlink")
            path.unlink(missing_ok=True)
        except (OSError, PenstockError) as error:
            if path not in self._again_at and path.exists():
                self._warn(f"{path} stays in the inbox, and is tried again each minute: {error}")
            self._again_at[path] = self._clock.now() + RETRY_SECONDS
            return []
        return [key]

    def take(self, table: str, path: Path) -> str:
        """Copies a file into a table's raw zone, or into an inbox; returns the object's key.

        Raises:
            NotFoundError: no pipeline has this table, or this inbox.
        """
        if table in self._arrivals.inboxes:
            return self._arrivals.take(table, path).key
        if table not in self._tables:
            names = ", ".join(sorted([*self._tables, *self._arrivals.inboxes])) or "none yet"
            raise NotFoundError(f"there is no lake table or inbox {table!r}", hint=f"there are: {names}")
        pipeline, lake_table = self._tables[table]
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()[:16]
        arrived_at = min(path.stat().st_mtime, self._clock.now())
        # Its end says what is in it.
        key = layout.raw_key(
            lake_table, arrived_at, layout.sanitise(path.name), digest, formats.extension_of(path.name)
        )
        event = ObjectCreated(pipeline=pipeline, table=table, key=key, size=len(data), at=self._clock.now())
        self._bus.announce(event, writer=self._writer)
        # What exists already is this very file: the name holds its content's digest.
        with contextlib.suppress(AlreadyExistsError):
            self._objects.create(key, data)
        self._bus.confirm(event)
        return key


def _stamp(path: Path) -> Stamp | None:
    """Returns what changes while a file grows; None for what is hidden, a link, no file, or gone."""
    if path.name.startswith(".") or path.is_symlink() or not path.is_file():
        return None
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
