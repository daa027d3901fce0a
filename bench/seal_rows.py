"""The lake of ``bench.seal``, and one run of sealing or of bare DuckDB: ``python -m bench.seal_rows ours LAKE MB BAD``.

Rows are those of the logs pipeline's table, drawn from its own templates.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from bench.query_lake import LOGS, START, drawn_rows, make_slots
from penstock.adapters.local import sealer_sql as sql

PARTITION = "year=2026/month=02/day=01/hour=00"


def generate(lake: Path, rows: int, objects: int, bad: int) -> None:
    """Writes raw objects; every ``bad``-th line has a number where a text belongs."""
    folder = lake / "raw" / LOGS.name / PARTITION
    folder.mkdir(parents=True)
    with duckdb.connect(":memory:") as connection:
        make_slots(connection)
        for number in range(objects):
            path = folder / f"gen-{number:04}.json"
            connection.execute(f"COPY ({drawn_rows(LOGS, number, START, rows // objects)}) TO '{path}' (FORMAT json)")
            if bad:
                lines = path.read_text().splitlines(keepends=True)
                lines[::bad] = [line.replace('"service":"', '"service":7,"x":"', 1) for line in lines[::bad]]
                path.write_text("".join(lines))


def ours(lake: Path, memory_mb: int) -> int:
    """Seals; returns how many rows."""
    from penstock.adapters.local.objects import FileObjectStore
    from penstock.adapters.local.rows import DuckDbRowReader
    from penstock.adapters.local.sealer import DuckDbSealer
    from penstock.runtime.lake.seal import PartitionSealer

    sealer = PartitionSealer(FileObjectStore(lake), DuckDbSealer(lake, memory_limit_mb=memory_mb), DuckDbRowReader())
    return sealer.seal(LOGS, PARTITION, again=True).counts.good


def bare(lake: Path, memory_mb: int, bad: int) -> int:
    """Copies with DuckDB; returns how many rows."""
    paths = sorted(str(path) for path in (lake / "raw").rglob("*.json"))
    shape = sql.shape_of(LOGS)
    with tempfile.TemporaryDirectory(dir=lake) as scratch:
        config: dict[str, Any] = {"memory_limit": f"{memory_mb}MB", "temp_directory": f"{scratch}/spilled"}
        connection = duckdb.connect(":memory:", config=config)
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in shape.columns.items())
        lines = f"read_json({paths}, format='newline_delimited', columns={{{columns}}}, ignore_errors={bool(bad)})"
        found = connection.execute(
            f"COPY (SELECT * FROM {lines} ORDER BY {', '.join(shape.sort)}) TO '{scratch}/out.parquet'"
            " (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
    return int(found[0]) if found else 0


def main(kind: str, lake: str, memory_mb: str, bad: str) -> None:
    """Does the work, and says what it took. The imports are done before the clock is looked at."""
    import penstock.runtime.lake.seal  # noqa: F401

    duckdb.connect(":memory:").close()
    began, used = time.perf_counter(), time.process_time()
    rows = ours(Path(lake), int(memory_mb)) if kind == "ours" else bare(Path(lake), int(memory_mb), int(bad))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({
        "rows": rows, "seconds": seconds, "cpu_seconds": time.process_time() - used, "peak_mb": peak,
    }))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
