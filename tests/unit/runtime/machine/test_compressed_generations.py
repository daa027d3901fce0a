"""Compressed generations of a followed log: each line is stored once, whether it was read before or not."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from tests.following import BEGAN, PACK, Scene


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
