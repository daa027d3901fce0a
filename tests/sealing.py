"""A lake with one table, and what the tests of sealing ask of it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.lake.sealing import sealed_key
from penstock.model.datasets import LakeTable
from penstock.model.sealing import Footer
from penstock.runtime.lake.check import LakeCheck
from penstock.runtime.lake.line_files import LARGE_BYTES
from penstock.runtime.lake.seal import PartitionSealer

PARTITION = "year=2026/month=02/day=20/hour=07"


class Short(msgspec.Struct):
    """A record of which only the name must be there."""

    name: str
    count: int | None = None


class Strict(msgspec.Struct):
    """The same record, of which everything must be there."""

    name: str
    count: int


SHORT = LakeTable(name="short", record=Short, sort=("name",))
UNIQUE = LakeTable(name="short", record=Short, sort=("name",), unique=("name",))


class Lake:
    """The lake of a folder, as a sealer and its readers see it."""

    def __init__(
        self, root: Path, table: LakeTable, *, threads: int | None = 1, large_bytes: int = LARGE_BYTES
    ) -> None:
        self.root = root
        self.table = table
        self.objects = FileObjectStore(root)
        self.engine = DuckDbSealer(root, threads=threads, memory_limit_mb=256)
        self.sealer = PartitionSealer(self.objects, self.engine, DuckDbRowReader(), large_bytes=large_bytes)

    def add(self, name: str, data: bytes | Sequence[Any]) -> str:
        """Writes a raw object: bytes as they are, values one a line."""
        key = f"raw/{self.table.name}/{PARTITION}/{name}"
        lines = data if isinstance(data, bytes) else b"".join(msgspec.json.encode(one) + b"\n" for one in data)
        self.objects.create(key, lines)
        return key

    @property
    def sealed(self) -> Path:
        """The sealed file."""
        return self.root / sealed_key(self.table.name, PARTITION)

    def footer(self) -> Footer:
        """Returns what the sealed file says of itself."""
        found = self.engine.footer(sealed_key(self.table.name, PARTITION))
        assert found is not None
        return found

    def rows(self) -> list[tuple[Any, ...]]:
        """Returns the sealed rows in their order, as another reader sees them."""
        with duckdb.connect(":memory:") as connection:
            found = connection.execute("SELECT * FROM read_parquet(?, hive_partitioning=false)", [str(self.sealed)])
            return found.fetchall()

    def quarantined(self) -> list[dict[str, Any]]:
        """Returns all lines of the quarantine."""
        keys = [info.key for info in self.objects.list(f"quarantine/{self.table.name}/")]
        return [msgspec.json.decode(line) for key in keys for line in self.objects.get(key).splitlines()]

    def wrong(self) -> list[tuple[str, str]]:
        """Returns what the check of the lake finds."""
        check = LakeCheck(self.objects, self.engine, DuckDbRowReader())
        return [(one.key, one.message) for balance in check.check(self.table) for one in balance.wrong]


def unordered(rows: list[tuple[Any, ...]]) -> Counter[str]:
    """Returns rows in a form that compares without their order."""
    return Counter(map(repr, rows))
