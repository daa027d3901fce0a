"""Followed files: whatever happens to them and to the process, every line is stored once, in the order of its file."""

from __future__ import annotations

import bz2
import gzip
import logging
import lzma
import os
import random
import shutil
from collections.abc import Callable, Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from penstock import faultpoints
from penstock.adapters.local.bus import MIGRATION as BUS
from penstock.adapters.local.bus import SqliteBus
from penstock.adapters.local.database import Database
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.offsets import SqliteOffsetStore
from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.errors import UsageError
from penstock.logs.entry import LogEntry
from penstock.model.datasets import LakeTable
from penstock.runtime.machine.follower import Destination, Follower, LogSink, Watch

BEGAN = 1_771_574_220.0
FAULTS = (
    "follow.after_begin", "follow.before_create", "objects.before_link", "objects.after_link", "follow.after_create",
    "database.before_commit", "database.after_commit", "follow.after_commit",
)  # fmt: skip


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


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    faultpoints.disarm()
    made.follower.close()


def test_lines_are_stored_as_they_come(scene: Scene) -> None:
    scene.write("one", "two")
    scene.tick()
    scene.tick(3.0)
    scene.write("three")
    scene.settle()
    assert scene.stored() == ["one", "two", "three"]
    assert {entry.source for entry in scene.entries()} == {str(scene.log)}
    assert {(entry.host, entry.service, entry.severity) for entry in scene.entries()} == {("here", "app", "UNKNOWN")}


def test_a_line_is_stored_once_its_end_is_written(scene: Scene) -> None:
    scene.write("be", end="")
    scene.settle()
    assert scene.stored() == []
    scene.write("gun")
    scene.settle()
    assert scene.stored() == ["begun"]


def test_the_last_line_of_a_rotated_file_needs_no_end(scene: Scene) -> None:
    scene.write("unended", end="")
    scene.tick()
    scene.rename()
    scene.write("next")
    scene.settle()
    assert sorted(scene.stored()) == ["next", "unended"]


def test_a_writer_may_go_on_in_a_renamed_file(scene: Scene) -> None:
    scene.write("one")
    scene.tick(3.0)
    with scene.log.open("a") as file:
        scene.rename()
        scene.write("new")
        scene.settle()
        file.write("late\n")
    scene.settle()
    assert sorted(scene.stored()) == ["late", "new", "one"]


def test_a_deleted_file_is_read_to_its_end(scene: Scene) -> None:
    scene.write("one")
    scene.tick()
    scene.write("two")
    scene.log.unlink()
    scene.write("three")
    scene.settle()
    assert scene.stored() == ["one", "two", "three"]


def test_generations_from_while_nobody_looked_are_read(scene: Scene) -> None:
    scene.write("one", "two")
    scene.tick(3.0)
    scene.restart()
    for line in ("three", "four", "five"):
        scene.write(line)
        scene.rename()
        scene.write(f"{line} and a half")
    scene.settle()
    assert sorted(scene.stored()) == sorted(scene.written)


def test_what_is_there_before_is_not_collected_but_the_log_is(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.log.with_name("app.log.1").write_text("long ago\n")
    scene.write("one")
    scene.settle()
    scene.rename()
    scene.settle()
    assert scene.stored() == ["one"]


def test_a_follower_may_begin_at_the_end(tmp_path: Path) -> None:
    scene = Scene(tmp_path, from_end=True)
    scene.write("old")
    scene.tick()
    scene.write("new")
    scene.settle()
    scene.restart()
    scene.settle()
    assert scene.stored() == ["new"]


def test_a_copy_that_is_being_made_is_not_read(scene: Scene) -> None:
    scene.write(*(f"line {n}" for n in range(100)))
    scene.tick()
    copy = scene.log.with_name("app.log.1")
    for size in (5, 300, scene.log.stat().st_size):
        copy.write_bytes(scene.log.read_bytes()[:size])
        scene.settle()
    with scene.log.open("r+") as file:
        file.truncate(0)
    scene.settle()
    scene.write("next")
    scene.settle()
    assert scene.stored() == scene.written


def test_a_file_whose_end_is_cut_off_is_not_read_again(scene: Scene) -> None:
    scene.write("one", "two", "three")
    scene.settle()
    with scene.log.open("r+") as file:
        file.truncate(len("one\ntwo\n"))
    scene.settle()
    scene.write("four")
    scene.settle()
    assert scene.stored() == ["one", "two", "three", "four"]


def test_a_wildcard_takes_files_that_appear(tmp_path: Path) -> None:
    scene = Scene(tmp_path, "*.log")
    scene.tick()
    scene.log.with_name("other.log").write_text("of another\n")
    scene.write("one")
    scene.rename()
    scene.write("two")
    scene.settle()
    assert sorted(scene.stored()) == ["of another", "one", "two"]
    assert {Path(entry.source).name for entry in scene.entries()} == {"app.log", "other.log"}


def test_a_wildcard_in_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="wildcard"):
        Scene(tmp_path, "*/x.log")


def test_a_table_that_is_not_of_logs_is_refused() -> None:
    class Other(msgspec.Struct):
        amount: int

    with pytest.raises(UsageError, match="amount"):
        LogSink(Destination(pipeline="p", table=LakeTable(name="t", record=Other)), objects=None, bus=None,  # type: ignore[arg-type]
                clock=VirtualClock(0.0), writer="")  # fmt: skip


def test_a_long_line_is_cut_and_nothing_of_it_is_lost(scene: Scene) -> None:
    scene.write("x" * 2_500_000, "next")
    scene.settle()
    assert "".join(scene.stored()) == "x" * 2_500_000 + "next"
    assert len(scene.stored()) == 4


def test_bytes_that_are_no_text_are_kept(scene: Scene) -> None:
    scene.log.write_bytes(b"caf\xe9 \x00\x1b[0m\r\n")
    scene.settle()
    assert scene.stored() == ["caf\\xe9 \x00\x1b[0m"]


def test_a_trace_is_one_entry_even_if_it_comes_in_parts(scene: Scene) -> None:
    scene.write("2026-02-20 07:57:00,123 ERROR shop: no stock", "Traceback (most recent call last):")
    scene.tick(1.0)
    scene.write('  File "a.py", line 1, in f', "ValueError: x")
    scene.tick(1.0)
    scene.write("2026-02-20 07:57:01,000 INFO shop: on")
    scene.settle()
    assert [entry.severity for entry in scene.entries()] == ["ERROR", "INFO"]
    assert scene.entries()[0].message.endswith("ValueError: x")


@pytest.mark.parametrize("suffix", sorted(PACK))
def test_a_generation_that_was_read_is_not_read_again_when_it_is_compressed(scene: Scene, suffix: str) -> None:
    scene.write("one", "two")
    scene.settle()
    scene.rename()
    scene.settle()
    scene.compress(suffix)
    scene.write("three")
    scene.settle()
    scene.shift()
    scene.restart()
    scene.settle()
    assert scene.stored() == ["one", "two", "three"]
    assert not scene.warnings


@pytest.mark.parametrize("suffix", sorted(PACK))
def test_generations_that_were_compressed_while_nobody_looked_are_read(scene: Scene, suffix: str) -> None:
    scene.write("one")
    scene.settle()
    scene.write("two")
    for number in range(3):
        scene.rename()
        scene.write(f"of {number}", "x" * 2000)
        scene.compress(suffix)
    scene.restart()
    scene.settle()
    scene.settle()
    assert scene.stored() == scene.written
    assert {entry.source for entry in scene.entries()} == {str(scene.log)}


@pytest.mark.parametrize("suffix", sorted(PACK))
def test_a_compressed_generation_may_be_of_several_parts(scene: Scene, suffix: str) -> None:
    """As `gzip -c more >> app.log.1.gz` makes one."""
    scene.tick()
    parts = [f"part {number}\n".encode() * 3000 for number in range(3)]
    scene.log.with_name(f"app.log.1{suffix}").write_bytes(b"".join(map(PACK[suffix], parts)))
    scene.settle()
    assert "".join(f"{line}\n" for line in scene.stored()).encode() == b"".join(parts)


def test_a_loggers_own_compression_of_the_live_log_is_read_once(scene: Scene) -> None:
    """As the rotator of the logging cookbook does: the compressed file is made of the log itself, which then goes.

    https://docs.python.org/3/howto/logging-cookbook.html#using-a-rotator-and-namer-to-customize-log-rotation-processing
    """
    scene.write("one", "two")
    scene.tick()
    packed = scene.log.with_name("app.log.1.gz")
    data = gzip.compress(scene.log.read_bytes())
    packed.write_bytes(data[:10])
    scene.tick(1.0)
    packed.write_bytes(data)
    scene.tick(1.0)
    scene.log.unlink()
    scene.tick(1.0)
    scene.write("three")
    scene.settle()
    scene.restart()
    scene.settle()
    assert scene.stored() == ["one", "two", "three"]


def test_a_compressed_generation_is_unpacked_once(scene: Scene) -> None:
    scene.tick()
    scene.write("one")
    scene.rename()
    scene.compress()
    scene.settle()
    # Of the same size and inode, it is not looked at again.
    (packed,) = scene.generations()
    packed.write_bytes(b"x" * packed.stat().st_size)
    scene.restart()
    scene.settle()
    assert scene.stored() == ["one"]
    assert not scene.warnings


def test_compressed_generations_that_are_there_before_are_not_collected(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.log.with_name("app.log.2.gz").write_bytes(gzip.compress(b"long ago\n"))
    scene.write("one")
    scene.settle()
    scene.rename()
    scene.settle()
    scene.restart()
    scene.settle()
    assert scene.stored() == ["one"]


def test_compressed_files_that_a_pattern_means_are_collected(tmp_path: Path) -> None:
    scene = Scene(tmp_path, "app.log*")
    scene.log.with_name("app.log.2.gz").write_bytes(gzip.compress(b"long ago\n"))
    scene.write("one")
    scene.settle()
    assert sorted(scene.stored()) == ["long ago", "one"]


def test_of_damaged_data_what_comes_before_is_read(scene: Scene) -> None:
    scene.tick()
    data = gzip.compress(b"".join(b"line %d\n" % number for number in range(50_000)))
    scene.log.with_name("app.log.1.gz").write_bytes(data[: len(data) // 2])
    os.utime(scene.log.with_name("app.log.1.gz"), (BEGAN, BEGAN))
    scene.tick(50.0)
    # It may still be written.
    assert scene.stored() == []
    scene.settle()
    stored = scene.stored()
    assert stored == [f"line {number}" for number in range(len(stored) - 1)] + stored[-1:]
    assert 20_000 < len(stored) < 30_000
    (warning,) = scene.warnings
    assert "app.log.1.gz" in warning


def test_pythons_own_rotation_is_followed(scene: Scene) -> None:
    """https://docs.python.org/3/library/logging.handlers.html#logging.handlers.RotatingFileHandler"""
    handler = RotatingFileHandler(scene.log, maxBytes=500, backupCount=1000)
    scene.tick()
    for number in range(300):
        handler.emit(logging.makeLogRecord({"msg": f"line {number}", "levelno": logging.INFO}))
        if number % 70 == 0:
            scene.tick(1.0)
        if number % 110 == 0:
            scene.restart()
    handler.close()
    scene.settle()
    assert scene.stored() == [f"line {number}" for number in range(300)]
    assert len(list(scene.log.parent.iterdir())) > 5


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_death_at_any_point_loses_and_repeats_nothing(scene: Scene, fault: str, nth: int) -> None:
    scene.write(*(f"first {n}" for n in range(50)))
    scene.tick()
    scene.write(*(f"second {n}" for n in range(50)))
    faultpoints.arm(fault, "raise", nth)
    for _ in range(3):
        try:
            scene.tick(3.0)
        except RuntimeError:
            scene.restart()
    scene.settle()
    assert scene.stored() == scene.written


@pytest.mark.parametrize("seed", range(60))
def test_lines_survive_everything_at_once(scene: Scene, seed: int) -> None:
    """Random writes, rotations, truncations and deaths: what was written is what is stored, in order."""
    chance = random.Random(seed)
    number = 0
    # Older generations that are there before the first look are not collected.
    scene.tick()
    for _ in range(60):
        match chance.choice(
            ["write"] * 5 + ["tick"] * 4 + ["rename", "copy", "seen copy", "die", "fault", "compress", "seen compress"]
        ):
            case "write":
                count = chance.choice([1, 3, 40])
                scene.write(*(f"{seed}/{number + n}" + "." * chance.randrange(40) for n in range(count)))
                number += count
            case "tick":
                tick(scene, chance.choice([0.0, 1.0, 10.0]))
            case "rename":
                scene.rename()
            case "copy":
                scene.copy_and_truncate()
            case "seen copy":
                scene.copy_and_truncate(lambda: tick(scene, chance.choice([0.0, 10.0])))
            case "compress":
                scene.compress(chance.choice(sorted(PACK)))
            case "seen compress":
                scene.compress(chance.choice(sorted(PACK)), lambda: tick(scene, chance.choice([0.0, 20.0, 100.0])))
            case "die":
                scene.restart()
            case "fault":
                faultpoints.arm(chance.choice(FAULTS), "raise", chance.randrange(1, 4))
    scene.restart()
    scene.settle()
    scene.settle()
    stored = scene.stored()
    assert sorted(stored) == sorted(scene.written)
    order = [int(line.partition("/")[2].rstrip(".")) for line in stored]
    assert order == sorted(order)


def tick(scene: Scene, seconds: float) -> None:
    try:
        scene.tick(seconds)
    except RuntimeError:
        scene.restart()
