"""What the lake holds: ``tables``, ``describe``, ``partitions`` and ``crawl``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.lake_tables import TableName
from penstock.cli.options import Options
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.lake.catalog import Listing, Partition
    from penstock.lake.crawl import Crawled
    from penstock.model.datasets import LakeTable, Zone
    from penstock.runtime.machine.home import Home

STATES = ("open", "raw only", "late data", "sealed")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("tables")(tables)
    app.command("describe")(describe)
    app.command("partitions")(partitions)
    app.command("crawl")(crawl)


def tables(context: typer.Context) -> None:
    """List the lake tables: how many partitions are in which state, rows, quarantined records and size."""
    from penstock.cli import output
    from penstock.runtime.machine.lake_catalog import lake_tables

    options: Options = context.obj
    definitions, _ = options.catalog().load_good()
    home = _home(options)
    now = _now(home)
    found = [
        {"table": name, "pipeline": pipeline, **_summary(table, _listing(home, table), now)}
        for name, (pipeline, table) in lake_tables(definitions).items()
    ]
    if options.as_json:
        output.emit_json(found)
        return
    headings = ["table", "pipeline", "partitions", *STATES, "sealed rows", "quarantined", "size", "newest"]
    rows = [
        [one["table"], one["pipeline"], one["partitions"], *(one["states"][state] for state in STATES),
         one["rows"], one["quarantined"], output.size(one["size_bytes"]), one["newest"]]
        for one in found
    ]  # fmt: skip
    output.table(headings, rows, empty="no pipeline here declares a lake table")


def describe(context: typer.Context, table: TableName) -> None:
    """Show a lake table: its columns, its layout, its retention, and what it holds."""
    from penstock.cli import output
    from penstock.runtime.machine.lake_catalog import find_table

    options: Options = context.obj
    definitions, _ = options.catalog().load_good()
    pipeline, declared = find_table(definitions, table)
    home = _home(options)
    listing = _listing(home, declared)
    columns = _columns(declared)
    layout = _layout(declared)
    summary = _summary(declared, listing, _now(home))
    if options.as_json:
        output.emit_json({"table": table, "pipeline": pipeline, "columns": columns, **layout, **summary})
        return
    output.table(["column", "type", "nullable", "of"], [list(column.values()) for column in columns], title=table)
    print_facts({"pipeline": pipeline, **layout, **summary, "size_bytes": output.size(summary["size_bytes"])})


def partitions(
    context: typer.Context,
    table: TableName,
    prefix: Annotated[
        str, typer.Option("--partition", "-p", help="Only those that begin so: year=2026/month=02.")
    ] = "",
    state: Annotated[
        str, typer.Option("--state", help="Only those in a state: open, raw only, late data, sealed.")
    ] = "",
) -> None:
    """List a table's partitions: state, tier, objects, counts, and when each expires."""
    from penstock.cli import output
    from penstock.runtime.machine.lake_catalog import find_table

    if state and state not in STATES:
        raise UsageError(f"there is no state {state!r}", hint=f"the states are: {', '.join(STATES)}")
    options: Options = context.obj
    definitions, _ = options.catalog().load_good()
    _, declared = find_table(definitions, table)
    home = _home(options)
    now = _now(home)
    listing = _listing(home, declared, prefix)
    found = [_described(declared, one, now) for one in listing.partitions]
    chosen = [one for one in found if not state or one["state"] == state]
    if options.as_json:
        output.emit_json(chosen)
        return
    headings = ["partition", "state", "tier", "raw", "late", "archived", "rows", "quarantined", "duplicates", "size",
                "expires"]  # fmt: skip
    rows = [
        [one["partition"], one["state"], one["tier"], one["raw_objects"], one["late_objects"], one["archived_objects"],
         one["rows"], one["quarantined"], one["duplicates"], output.size(one["size_bytes"]),
         output.moment(one["expires_at"])]
        for one in chosen
    ]  # fmt: skip
    output.table(headings, rows, empty="no partition is like that" if found else "nothing has arrived yet")
    if listing.misplaced:
        told = output.count(len(listing.misplaced), "object")
        output.console(stderr=True).print(
            f"{told} in no partition of the table, such as {listing.misplaced[0].key}", style="dim"
        )


def crawl(
    context: typer.Context,
    prefix: Annotated[str, typer.Argument(help="A folder, or a prefix of the home's lake such as raw/orders.")],
    name: Annotated[str, typer.Option("--name", help="What the table is to be called.")] = "",
    python: Annotated[bool, typer.Option("--python", help="Print the Python that declares the table.")] = False,
) -> None:
    """Infer a table from files that Penstock did not write: columns over all files, partitions from folders."""
    from penstock.cli import output

    options: Options = context.obj
    crawled = _crawl(_folder(options, prefix), name)
    if python:
        from penstock.lake.declaration import declare

        typer.echo(declare(crawled), nl=False)
    elif options.as_json:
        output.emit_json(_crawled_facts(crawled))
    else:
        _print_crawled(crawled)


def print_facts(facts: dict[str, Any]) -> None:
    """Prints facts, one a line, below one another."""
    from penstock.cli import output

    output.table(["", ""], [[name.replace("_", " "), _fact_text(value)] for name, value in facts.items()])


def _fact_text(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items() if count) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return value


def _home(options: Options) -> Home | None:
    # A home that is not there yet holds nothing.
    return options.open_home() if options.home.is_dir() else None


def _now(home: Home | None) -> float:
    from penstock.adapters.local.clock import SystemClock

    return (home.clock if home else SystemClock()).now()


def _listing(home: Home | None, table: LakeTable, prefix: str = "") -> Listing:
    from penstock.lake.catalog import Listing

    return home.lake_catalog.listing(table, prefix) if home else Listing(())


def _summary(table: LakeTable, listing: Listing, now: float) -> dict[str, Any]:
    states = [one.state(table, now).value for one in listing.partitions]
    return {
        "partitions": len(states),
        "states": {state: states.count(state) for state in STATES},
        "rows": sum(one.sealed.rows for one in listing.partitions if one.sealed),
        "quarantined": sum(one.counts.quarantined for one in listing.partitions),
        "duplicates": sum(one.counts.duplicates for one in listing.partitions),
        "unsealed_objects": sum(len(one.uncovered) for one in listing.partitions),
        "misplaced_objects": len(listing.misplaced),
        "size_bytes": sum(one.size_bytes for one in listing.partitions),
        "newest": listing.partitions[-1].path if listing.partitions else None,
    }


def _described(table: LakeTable, partition: Partition, now: float) -> dict[str, Any]:
    from penstock.lake.retention import tier

    counts = partition.counts
    return {
        "partition": partition.path,
        "state": partition.state(table, now).value,
        "tier": tier(table, partition, now).value,
        "raw_objects": len(partition.raw),
        "late_objects": len(partition.uncovered) if partition.sealed else 0,
        "archived_objects": len(partition.archived),
        "quarantine_objects": len(partition.quarantine),
        # What is not sealed yet was not counted yet.
        "records": counts.records if partition.sealed else None,
        "rows": partition.sealed.rows if partition.sealed else None,
        "quarantined": counts.quarantined if partition.sealed else None,
        "duplicates": counts.duplicates if partition.sealed else None,
        "size_bytes": partition.size_bytes,
        "expires_at": None if table.retain_seconds is None else partition.end + table.retain_seconds,
    }


def _columns(table: LakeTable) -> list[dict[str, Any]]:
    from penstock.model.datasets import PARTITION_COLUMNS
    from penstock.model.schema import columns

    own = [{"name": c.name, "type": c.type, "nullable": c.nullable, "of": "record"} for c in columns(table.record)]
    parts = PARTITION_COLUMNS[table.partition]
    return [*own, *({"name": name, "type": "string", "nullable": False, "of": "partition"} for name in parts)]


def _layout(table: LakeTable) -> dict[str, Any]:
    from penstock.cli.output import duration
    from penstock.model.datasets import ZONES

    def span(seconds: int | None) -> str | None:
        return None if seconds is None else duration(seconds)

    def by_zone(ages: dict[Zone, int | None], never: str = "") -> str | None:
        """Returns the age of all zones, or else that of each; None where nothing ages and that has no word."""
        told = {zone: span(seconds) or never for zone, seconds in ages.items()}
        if len(set(told.values())) == 1:
            return told["sealed"] or None
        return ", ".join(f"{zone} {text}" for zone, text in told.items() if text)

    return {
        "record": table.record.__name__,
        "partition_by": table.partition,
        "sort": list(table.sort),
        "unique": list(table.unique),
        "time": table.time,
        "sealed_after": span(table.seal_after_seconds),
        "infrequent_after": by_zone({zone: table.infrequent_seconds(zone) for zone in ZONES}),
        "archived_after": span(table.archive_after_seconds),
        "kept_for": by_zone({zone: table.retained_seconds(zone) for zone in ZONES}, "ever"),
    }


def _folder(options: Options, prefix: str) -> Path:
    """Returns what a prefix means: a folder as it is, else one of the home's lake."""
    if "://" in prefix:
        raise UsageError(f"{prefix} is not on this machine", hint="copy the files into a folder, then crawl that")
    given = Path(prefix).expanduser()
    in_lake = options.open_home().lake / prefix.strip("/") if options.home.is_dir() else None
    if given.is_absolute() or prefix.startswith(".") or in_lake is None or not in_lake.is_dir():
        return given
    return in_lake


def _crawl(folder: Path, name: str) -> Crawled:
    import msgspec

    from penstock.adapters.local.crawler import DuckDbCrawler, find
    from penstock.lake.crawl import FileFacts, infer, table_name

    with DuckDbCrawler() as crawler:
        facts = [msgspec.convert(crawler.look(file), FileFacts) for file in find(folder)]
    return infer(facts, table_name(name or folder.resolve().name))


def _crawled_facts(crawled: Crawled) -> dict[str, Any]:
    return {
        "table": crawled.name,
        "columns": [
            {"name": c.name, "type": str(c.type), "nullable": c.nullable, "files": c.files} for c in crawled.columns
        ],
        "partition_columns": [{"name": name, "type": "string"} for name in crawled.partition_columns],
        "formats": dict(crawled.formats),
        "files": crawled.files,
        "rows": crawled.rows,
        "size_bytes": crawled.size_bytes,
        "problems": [{"where": one.where, "message": one.message} for one in crawled.problems],
    }


def _print_crawled(crawled: Crawled) -> None:
    from penstock.cli import output

    rows: list[list[Any]] = [
        [c.name, str(c.type), c.nullable, f"{c.files} of {crawled.files}"] for c in crawled.columns
    ]
    rows += [[name, "string", False, "folders"] for name in crawled.partition_columns]
    output.table(["column", "type", "nullable", "in files"], rows, title=crawled.name, empty="no file could be read")
    formats = ", ".join(f"{count} {kind}" for kind, count in crawled.formats.items()) or "none"
    output.table(
        ["files", "rows", "size"], [[formats, crawled.rows, output.size(crawled.size_bytes)]], empty="no files"
    )
    if crawled.problems:
        problems = [[one.where, one.message] for one in crawled.problems]
        output.table(["where", "what could not be reconciled"], problems)
