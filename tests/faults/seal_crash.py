"""Seals one partition over and over, until it is killed: ``seal_crash.py LAKE SEED``."""

import random
import sys
from pathlib import Path

import msgspec

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.errors import ConditionFailedError
from penstock.model.datasets import LakeTable
from penstock.runtime.lake.seal import PartitionSealer

PARTITION = "year=2026/month=02/day=20/hour=07"


class Reading(msgspec.Struct):
    """A record that tells which one it is."""

    id: int
    text: str = ""


TABLE = LakeTable(name="readings", record=Reading, sort=("id",), unique=("id",))


def sealer(lake: Path) -> PartitionSealer:
    """Returns a sealer of the lake in a folder."""
    return PartitionSealer(FileObjectStore(lake), DuckDbSealer(lake, threads=1, memory_limit_mb=128), DuckDbRowReader())


def main(lake: str, seed: str) -> None:
    """Seals, from what is there and from raw objects anew by turns."""
    made = sealer(Path(lake))
    chance = random.Random(seed)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        try:
            made.seal(TABLE, PARTITION, again=chance.random() < 0.7)
        except ConditionFailedError:
            # Others are faster all the time.
            continue


if __name__ == "__main__":
    main(*sys.argv[1:])
