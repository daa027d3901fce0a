"""Followed files: whatever happens to them and to the process, every line is stored once, in the order of its file."""

from __future__ import annotations

import logging
import random
from logging.handlers import RotatingFileHandler
from pathlib import Path

import msgspec
import pytest
from tests.following import PACK, Scene

from penstock import faultpoints
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import UsageError
from penstock.model.datasets import LakeTable
from penstock.runtime.machine.follower import Destination, LogSink

FAULTS = (
    "follow.after_begin", "follow.before_create", "objects.before_link", "objects.after_link", "follow.after_create",
    "database.before_commit", "database.after_commit", "follow.after_commit",
)  # fmt: skip


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
