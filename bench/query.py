"""The seeds' queries over 30 days of sealed hours, against bare Parquet files of the same rows and against raw JSON.

    python -m bench.query [--rows 1000000 10000000] [--days 30] [--rounds 7] [--folder FOLDER] [--json]
    python -m bench.query --lake FOLDER [--sides days hours bare declared]     a lake that is there: time, memory, bytes

Rows are those of each of the two tables. ``days`` is the query engine over a lake that its own sealer sealed, and whose
days were put together, as ``penstock up`` and ``penstock lake seal`` do once they are over; how long that took is told.
``hours`` is the same without: a lake whose days are not over, or were never put together. ``bare`` is the same SQL by
DuckDB alone over Parquet files of the same rows in the same order, one an hour, with DuckDB's own choices; ``bare
days`` is DuckDB alone over the very files of the days. All have 512 MB and two threads, and take turns. Raw JSON is
asked in two ways. ``declared`` is what somebody who knows the lake would do: columns, types and partitions are told, so
that partitions that are not asked for are not read. ``as found`` is a folder of JSON: DuckDB finds the types, and time
is what the records say. It gets 4 GB, since 512 MB do not suffice. Bytes are what the operating system handed over
(``rchar`` of /proc/self/io). All files are in the page cache for everybody, as far as the memory goes.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from bench.query_lake import LOGS, METRICS, START, build
from penstock.model.datasets import LakeTable

HIVE = "hive_partitioning=true, hive_types={'year':'VARCHAR','month':'VARCHAR','day':'VARCHAR','hour':'VARCHAR'}"
HIVE_DAYS = "hive_partitioning=true, hive_types={'year':'VARCHAR','month':'VARCHAR','day':'VARCHAR'}"
MEMORY_MB, RAW_MEMORY_MB, THREADS = 512, 4096, 2
PIECES = "/*/*/*/*/*"
# The columns that the queries name.
COLUMNS = {
    "infra_metrics": "columns={timestamp: 'VARCHAR', instance_id: 'VARCHAR', metric_type: 'VARCHAR', value: 'DOUBLE'}",
    "logs": "columns={timestamp: 'TIMESTAMP', severity: 'VARCHAR', message: 'VARCHAR'}",
}
QUERIES: dict[str, tuple[LakeTable, str]] = {
    "cpu by instance, 8 days": (METRICS, """SELECT instance_id, AVG(value) as avg_cpu, MAX(value) as max_cpu,
        MIN(value) as min_cpu FROM infra_metrics WHERE metric_type = 'cpu' AND year = '2026' AND month = '02'
        AND day BETWEEN '13' AND '20' GROUP BY instance_id ORDER BY avg_cpu DESC"""),
    "peak memory by day": (METRICS, """SELECT DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP)) as date,
        MAX(value) as peak_memory FROM infra_metrics WHERE metric_type = 'memory' AND year = '2026' AND month = '02'
        GROUP BY DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP)) ORDER BY date"""),
    "total": (LOGS, "SELECT COUNT() as totallogs FROM raw_logs"),
    "by severity": (LOGS, """SELECT severity, COUNT(*) as count FROM raw_logs GROUP BY severity
        ORDER BY count DESC"""),
    "top errors": (LOGS, """SELECT message, COUNT(*) as count FROM raw_logs WHERE severity = 'ERROR'
        GROUP BY message ORDER BY count DESC LIMIT 10"""),
    "by hour": (LOGS, """SELECT DATE_TRUNC('hour', timestamp) as hour, COUNT() as count FROM raw_logs
        GROUP BY DATE_TRUNC('hour', timestamp) ORDER BY hour"""),
}  # fmt: skip
# The partitions of the seeds' conditions, as the records themselves say it.
BY_RECORD = (
    (re.compile(r"year = '2026' AND month = '02'\s+AND day BETWEEN '13' AND '20'"),
     "timestamp >= '2026-02-13' AND timestamp < '2026-02-21'"),
    (re.compile(r"year = '2026' AND month = '02'"), "timestamp >= '2026-02-01' AND timestamp < '2026-03-01'"),
)  # fmt: skip


class Taken(NamedTuple):
    """What a run took: seconds, seconds of all cores, and bytes read."""

    seconds: float
    cpu_seconds: float
    read_bytes: int


Run = Callable[[], Taken]


def read_bytes() -> int:
    """Returns how many bytes this process has read so far, from wherever they came."""
    told = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(told["rchar"])


def timed(work: Callable[[], Any]) -> Taken:
    """Returns what something took."""
    before, began, used = read_bytes(), time.perf_counter(), time.process_time()
    work()
    return Taken(time.perf_counter() - began, time.process_time() - used, read_bytes() - before)


def on_files(source: str, sql: str, memory_mb: int) -> Run:
    """Returns a run by DuckDB alone, each time in a new database."""
    import duckdb

    def work() -> None:
        config = {"memory_limit": f"{memory_mb}MB", "threads": str(THREADS)}
        with duckdb.connect(":memory:", config=dict(config)) as connection:
            connection.execute("SET TimeZone='UTC'")
            connection.execute(f"CREATE VIEW {'raw_logs' if 'raw_logs' in sql else 'infra_metrics'} AS FROM {source}")
            # As a table, since times with a zone cannot be fetched without another library.
            connection.execute(f"CREATE TEMP TABLE answer AS {sql}")

    return lambda: timed(work)


def put_together(lake: Path, days: int) -> dict[str, float]:
    """Puts the days of a lake together a quarter of an hour after the last, when none expires yet."""
    from penstock.adapters.local.compactor import DuckDbCompactor

    compactor = DuckDbCompactor(lake, days_of(lake))
    now = (START + timedelta(days=days)).timestamp() + 900
    began = time.perf_counter()
    made = [one for table in (METRICS, LOGS) for one in compactor.compact(table, now)]
    if any(one.problem for one in made):
        raise RuntimeError("; ".join(one.problem for one in made if one.problem))
    seconds = time.perf_counter() - began
    return {"days": len(made), "bytes": sum(one.size_bytes for one in made), "seconds": seconds}


def days_of(lake: Path) -> Path:
    """Returns where a home has the days of its lake."""
    return lake.parent / "cache" / "days"


def on_lake(lake: Path, sql: str, *, by_days: bool = True) -> Run:
    """Returns a run by the query engine."""
    from penstock.adapters.local.query import DuckDbQueryEngine
    from penstock.runtime.asking import ask

    days = days_of(lake) if by_days else None
    engine = DuckDbQueryEngine(lake, memory_limit_mb=MEMORY_MB, threads=THREADS, days_folder=days)

    def run() -> Taken:
        told: list[int] = []
        taken = timed(
            lambda: told.append(ask(engine, sql, tables=[METRICS, LOGS], timeout_seconds=3600)[0].scanned_bytes)
        )
        # What is listed and noted comes to it; what the engine tells is what it read of the files.
        if taken.read_bytes < told[0]:
            raise RuntimeError(f"the engine tells of {told[0]} bytes, the operating system of {taken.read_bytes}")
        return taken

    return run


def compare(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Returns the figures of each query."""
    figures = []
    for name, (table, sql) in QUERIES.items():
        raw_files = f"{folder}/lake/raw/{table.name}{PIECES}.json"
        found = sql
        for pattern, by_record in BY_RECORD:
            found = pattern.sub(by_record, found)
        days = on_lake(folder / "lake", sql)
        hours = on_lake(folder / "lake", sql, by_days=False)
        bare = on_files(f"read_parquet('{folder}/bare/{table.name}{PIECES}.parquet', {HIVE})", sql, MEMORY_MB)
        bare_days = on_files(
            f"read_parquet('{days_of(folder / 'lake')}/{table.name}/*/*/*/*', {HIVE_DAYS})", sql, MEMORY_MB
        )
        declared = on_files(f"read_json('{raw_files}', {HIVE}, {COLUMNS[table.name]})", sql, RAW_MEMORY_MB)
        as_found = on_files(f"read_json('{raw_files}', hive_partitioning=false)", found, RAW_MEMORY_MB)
        figures.append(
            _figures(name, _in_turns([days, hours, bare, bare_days], rounds), _in_turns([declared, as_found], 1))
        )
    return figures


def _figures(name: str, runs: list[list[Taken]], raws: list[list[Taken]]) -> dict[str, Any]:
    ours, hours, bare, bare_days, declared, as_found = *runs, *raws
    seconds = statistics.median(one.seconds for one in ours)
    cpu_seconds = statistics.median(one.cpu_seconds for one in ours)
    figures: dict[str, Any] = {"query": name}
    for side, own in {"days": ours, "hours": hours, "bare": bare, "bare_days": bare_days}.items():
        figures[f"{side}_ms"] = 1000 * statistics.median(one.seconds for one in own)
        figures[f"{side}_bytes"] = own[0].read_bytes
    # Of each pair, one right after the other: what else the machine does falls on both.
    for side, own in {"days": ours, "hours": hours}.items():
        pairs = list(zip(own, bare, strict=True))
        figures[f"{side}_to_bare"] = statistics.median(one.seconds / other.seconds for one, other in pairs)
        figures[f"{side}_cpu_to_bare"] = statistics.median(one.cpu_seconds / other.cpu_seconds for one, other in pairs)
    for side, (taken, *_) in {"declared": declared, "as_found": as_found}.items():
        figures[f"{side}_ms"] = 1000 * taken.seconds
        figures[f"to_{side}"] = taken.seconds / seconds
        figures[f"cpu_to_{side}"] = taken.cpu_seconds / cpu_seconds
        figures[f"fewer_than_{side}"] = 1 - ours[0].read_bytes / taken.read_bytes
    return figures


def _in_turns(sides: list[Run], rounds: int) -> list[list[Taken]]:
    taken: list[list[Taken]] = [[] for _ in sides]
    if rounds > 1:
        for run in sides:
            run()
    for number in range(rounds):
        order = range(len(sides)) if number % 2 == 0 else reversed(range(len(sides)))
        for side in order:
            taken[side].append(sides[side]())
    return taken


def alone(lake: Path, name: str, side: str) -> dict[str, Any]:
    """Asks one query once, in this process, which does nothing else; returns its figures and its peak memory.

    Args:
        side: ``days`` and ``hours``, the engine; ``bare``, DuckDB alone over the sealed files; ``declared``, over the
            raw ones.
    """
    import duckdb

    table, sql = QUERIES[name]
    sides: dict[str, Callable[[], Run]] = {
        "days": lambda: on_lake(lake, sql),
        "hours": lambda: on_lake(lake, sql, by_days=False),
        "bare": lambda: on_files(
            f"read_parquet('{lake}/sealed/{table.name}{PIECES}.parquet', {HIVE})", sql, MEMORY_MB
        ),
        "declared": lambda: on_files(
            f"read_json('{lake}/raw/{table.name}{PIECES}', {HIVE}, {COLUMNS[table.name]})", sql, RAW_MEMORY_MB
        ),
    }  # fmt: skip
    run = sides[side]()
    duckdb.connect(":memory:").close()
    taken = run()
    return {"query": name, "side": side, **taken._asdict(), "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Returns the most memory that this process has had; what rusage tells begins with that of its parent."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(told["VmHWM"].split()[0]) / 1024


def each_alone(lake: Path, sides: Sequence[str] = ("days",)) -> list[dict[str, Any]]:
    """Returns the figures of each query that the lake has a table for, each in a process of its own."""
    figures = []
    for name, (table, _) in QUERIES.items():
        if not (lake / "sealed" / table.name).is_dir():
            continue
        for side in sides:
            command = [sys.executable, "-m", "bench.query", "--lake", str(lake), "--only", name, "--sides", side]
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
            figures.append(dict(json.loads(done.stdout)))
    return figures


def measure(rows: list[int], days: int = 30, rounds: int = 7, folder: Path | None = None) -> dict[str, Any]:
    """Returns the figures for lakes of so many rows a table, and how they grow."""
    base = folder or Path(tempfile.mkdtemp(prefix="bench-query-"))
    answer: dict[str, Any] = {"days": days, "memory_mb": MEMORY_MB, "raw_memory_mb": RAW_MEMORY_MB}
    answer |= {"rows": {}, "put_together": {}}
    try:
        for count in rows:
            made = base / f"{count}-{days}"
            if not made.exists():
                build(made, 2 * count, days)
                # A folder that changed just now is not noted as settled.
                time.sleep(2.5)
            shutil.rmtree(days_of(made / "lake"), ignore_errors=True)
            together = put_together(made / "lake", days)
            figures = compare(made, rounds)
            for one, own in zip(figures, each_alone(made / "lake"), strict=True):
                one["peak_mb"] = own["peak_mb"]
            answer["rows"][count] = figures
            answer["put_together"][count] = together
            if folder is None:
                shutil.rmtree(made)
    finally:
        if folder is None:
            shutil.rmtree(base, ignore_errors=True)
    return answer


def show(answer: dict[str, Any]) -> None:
    """Prints the figures as a table."""
    for count, figures in answer["rows"].items():
        made = answer["put_together"][count]
        print(f"{count:,} rows a table, {answer['days']} days; {made['days']} days put together before"
              f" in {made['seconds']:.1f} s, {made['bytes'] / 1e6:.0f} MB")  # fmt: skip
        print(f"  {'':24}{'days':>10}{'hours':>10}{'bare':>10}{'bare days':>10}{'days to bare (CPU)':>20}"
              f"{'hours to bare':>16}{'JSON declared (CPU)':>24}{'JSON as found (CPU)':>24}{'fewer bytes':>20}"
              f"{'peak':>9}")  # fmt: skip
        for one in figures:
            print(f"  {one['query']:24}{one['days_ms']:7.0f} ms{one['hours_ms']:7.0f} ms{one['bare_ms']:7.0f} ms"
                  f"{one['bare_days_ms']:7.0f} ms{one['days_to_bare']:11.2f}x ({one['days_cpu_to_bare']:.2f}x)"
                  f"{one['hours_to_bare']:8.2f}x ({one['hours_cpu_to_bare']:.2f}x)"
                  f"{one['declared_ms']:9.0f} ms {one['to_declared']:4.0f}x ({one['cpu_to_declared']:.0f}x)"
                  f"{one['as_found_ms']:9.0f} ms {one['to_as_found']:4.0f}x ({one['cpu_to_as_found']:.0f}x)"
                  f"{one['fewer_than_declared']:10.2%} {one['fewer_than_as_found']:8.2%}"
                  f"{one['peak_mb']:6.0f} MB")  # fmt: skip


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where the lakes are, or are to be made and kept")
    parser.add_argument("--lake", type=Path, help="a lake that is there, sealed: nothing else is measured")
    parser.add_argument("--sides", nargs="+", default=["days", "hours", "bare"],
                        choices=["days", "hours", "bare", "declared"])  # fmt: skip
    parser.add_argument("--only", choices=list(QUERIES))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.only:
        print(json.dumps(alone(given.lake, given.only, given.sides[0])))
    elif given.lake:
        made = put_together(given.lake, given.days)
        print(f"{made['days']} days put together in {made['seconds']:.1f} s, {made['bytes'] / 1e6:.0f} MB", flush=True)
        for one in each_alone(given.lake, given.sides):
            print(f"{one['query']:24} {one['side']:9} {one['seconds']:8.2f} s   CPU {one['cpu_seconds']:8.2f} s"
                  f"   {one['read_bytes'] / 1e6:9.1f} MB read   peak {one['peak_mb']:.0f} MB", flush=True)  # fmt: skip
    else:
        answer = measure(given.rows, given.days, given.rounds, given.folder)
        print(json.dumps(answer)) if given.json else show(answer)


if __name__ == "__main__":
    main()
