"""Logs that are written, rotated and compressed, and homes that follow them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from penstock import faultpoints
from penstock.adapters.local.bus import MIGRATION as BUS
from penstock.adapters.local.bus import SqliteBus
from penstock.adapters.local.database import Database
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.offsets import SqliteOffsetStore
from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.logs.entry import LogEntry
from penstock.model.datasets import LakeTable
from penstock.runtime.machine.follower import Destination, Follower, LogSink, Watch

BEGAN = 1_771_574_220.0
PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.ZstdCompressor().compress,
}  # fmt: skip


class Scene:
    """A log that is written and rotated, a home that follows it, and what must have been stored."""

    def __init__(self, folder: Path, pattern: str = "app.log", **options: Any) -> None:
        self.log = folder / "logs" / "app.log"
        self.log.parent.mkdir()
        self.pattern = self.log.parent / pattern
        self.home = folder / "home"
        self.home.mkdir()
        self.watch = Watch(patterns=(self.pattern,), host="here", **options)
        self.clock = VirtualClock(BEGAN)
        self.objects = FileObjectStore(self.home / "lake")
        self.written: list[str] = []
        self.warnings: list[str] = []
        self._lives = 0
        self.follower = self.start()

    def start(self) -> Follower:
        self._lives += 1
        self.offsets = SqliteOffsetStore(self.home / "follow.sqlite")
        database = Database(self.home / "bus.sqlite", (BUS,))
        sink = LogSink(
            Destination(pipeline="logs", table=LakeTable(name="logs", record=LogEntry), is_watched=True),
            objects=self.objects, bus=SqliteBus(database), clock=self.clock, writer="w",
        )  # fmt: skip
        return Follower(
            [self.watch], sink, offsets=self.offsets, clock=self.clock, entropy=SeededEntropy(self._lives),
            warn=self.warnings.append, batch_bytes=400, flush_seconds=0.0,
        )  # fmt: skip

    def restart(self) -> None:
        """Begins anew with what is on the disk, as after a kill."""
        faultpoints.disarm()
        self.follower.close()
        self.offsets.close()
        self.follower = self.start()

    def write(self, *lines: str, end: str = "\n") -> None:
        with self.log.open("a") as file:
            for line in lines:
                file.write(line + end)
        self.written += lines

    def tick(self, seconds: float = 0.0) -> None:
        self.clock.advance(seconds)
        self.follower.tick()

    def settle(self) -> None:
        for _ in range(4):
            self.tick(10.0)

    def entries(self) -> list[LogEntry]:
        decoder = msgspec.json.Decoder(LogEntry)
        found = []
        for info in self.objects.list("raw/"):
            found += [decoder.decode(line) for line in self.objects.get(info.key).splitlines()]
        return found

    def stored(self) -> list[str]:
        return [entry.message for entry in self.entries()]

    def generations(self) -> list[Path]:
        """Returns the older generations, the oldest first."""
        return sorted(self.log.parent.glob("app.log.*"), key=lambda path: -int(path.name.split(".")[2]))

    def shift(self) -> None:
        """Makes room for a new older generation."""
        for path in self.generations():
            app, log, number, *packed = path.name.split(".")
            path.rename(path.with_name(".".join([app, log, str(int(number) + 1), *packed])))

    def compress(self, suffix: str = ".gz", between: Callable[[], None] = lambda: None) -> None:
        """Compresses the oldest generation that is not, as logrotate does: what it was made of goes last."""
        plain = next((path for path in self.generations() if path.suffix not in PACK), None)
        if plain is not None:
            packed = plain.with_name(plain.name + suffix)
            data = PACK[suffix](plain.read_bytes())
            packed.write_bytes(data[: len(data) // 2])
            between()
            packed.write_bytes(data)
            between()
            os.utime(packed, (plain.stat().st_mtime, plain.stat().st_mtime))
            plain.unlink()

    def rename(self) -> None:
        if self.log.exists():
            self.shift()
            self.log.rename(self.log.with_name("app.log.1"))

    def copy_and_truncate(self, between: Callable[[], None] = lambda: None) -> None:
        if self.log.exists():
            self.shift()
            shutil.copyfile(self.log, self.log.with_name("app.log.1"))
            between()
            with self.log.open("r+") as file:
                file.truncate(0)
