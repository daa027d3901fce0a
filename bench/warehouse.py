"""Rows with 25 columns upserted into a private PostgreSQL, MariaDB or SQLite: new, again, and changed.

    python -m bench.warehouse [postgresql|mariadb|sqlite …] [--rows 1000000] [--peer]

``--peer`` does the first by ``pandas.DataFrame.to_sql`` as well, which makes a table without a key. Servers run
without waiting for the disk, on this machine, and take part of its processors.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import decimal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from tests.database_servers import MariadbServer, PostgresqlServer, running

from penstock import Precision
from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.adapters.local.warehouse import locate, open_warehouses
from penstock.model.warehouses import Relation, RunRecord, Warehouse

AT = datetime.datetime(2026, 2, 20, 7, 57, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 2, 20)


class Row(msgspec.Struct):
    """25 columns, as leads have them."""

    row_id: str
    first_name: str
    last_name: str
    email: str
    email_domain: str
    phone: str | None
    company: str
    title: str | None
    country: str
    city: str
    website: str | None
    source: str
    industry: str
    employees: int
    visits: int
    opens: int
    clicks: int
    revenue: Annotated[decimal.Decimal, Precision(18, 2)] | None
    fit: float
    consent: bool
    born: datetime.date | None
    seen_at: datetime.datetime
    created_at: datetime.datetime
    notes: str | None
    tags: list[str]


WAREHOUSE = Warehouse(
    name="bench",
    relations={
        "rows": Relation(name="rows", record=Row, key=("row_id",), indexes=(("email_domain",),)),
        "pipeline_runs": Relation(name="pipeline_runs", record=RunRecord, key=("run_id",)),
    },
)
REVENUE, TAGS = decimal.Decimal("1250000.00"), ["a", "b"]


def rows(count: int, clicks: int) -> Iterator[Row]:
    """Yields rows whose keys have no order."""
    for number in range(count):
        yield Row(
            f"{number * 2_654_435_761 % 2**32:032x}", "Ada", "Lovelace", f"ada{number}@example{number % 5000}.com",
            f"example{number % 5000}.com", "+4930123456", "Example GmbH", "Head of Sales", "DE", "Köln", None, "web",
            "Software", number % 500, number % 7, 3, clicks, REVENUE, 0.5, number > 0, DAY, AT, AT,
            "a few words of a note", TAGS,
        )  # fmt: skip


def measure(url: str, count: int) -> None:
    """Prints how long each upsert takes."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PENSTOCK_WAREHOUSE_BENCH": url} if url else {}
        store = open_warehouses(Path(folder), EnvironmentAndFileSecrets(Path(folder) / "none", environment))
        store.schema.upgrade(WAREHOUSE)
        for name, clicks in (("into an empty table", 0), ("all unchanged", 0), ("all changed", 1)):
            began, cpu = time.perf_counter(), time.process_time()
            with store.transaction(WAREHOUSE, name) as tables:
                counts = tables.upsert("rows", rows(count, clicks))
                tables.finish(counts={})
            spent, own = time.perf_counter() - began, time.process_time() - cpu
            print(f"  {name}: {spent:.1f} s, {count / spent:,.0f} rows/s, {own:.1f} s of this process; {counts}")


def measure_peer(url: str, count: int) -> None:
    """Prints how long pandas takes."""
    import pandas
    import sqlalchemy

    with tempfile.TemporaryDirectory() as folder:
        environment = {"PENSTOCK_WAREHOUSE_BENCH": url} if url else {}
        location = locate(WAREHOUSE, Path(folder), EnvironmentAndFileSecrets(Path(folder) / "none", environment))
        frame = pandas.DataFrame(
            [{**msgspec.structs.asdict(row), "tags": '["a","b"]', "revenue": 1250000.0} for row in rows(count, 0)]
        )
        began = time.perf_counter()
        engine = sqlalchemy.create_engine(location.url)
        frame.to_sql("peer", engine, if_exists="append", index=False, chunksize=10_000)
        engine.dispose()
        spent = time.perf_counter() - began
        print(f"  pandas.to_sql into an empty table: {spent:.1f} s, {count / spent:,.0f} rows/s")


def main() -> None:
    """Measures what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="*", default=["postgresql", "mariadb", "sqlite"])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer", action="store_true")
    chosen = parser.parse_args()
    kinds = {"postgresql": (PostgresqlServer, "postgres"), "mariadb": (MariadbServer, "mariadbd")}
    for name in chosen.servers:
        print(f"{name}, {chosen.rows:,} rows of 25 columns")
        with contextlib.ExitStack() as closing:
            url = ""
            if name in kinds:
                server = closing.enter_context(running(*kinds[name]))
                url = server.url(server.new_database())
            measure(url, chosen.rows)
            if chosen.peer:
                measure_peer(url, chosen.rows)


if __name__ == "__main__":
    main()
