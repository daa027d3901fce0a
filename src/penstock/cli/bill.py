"""What a pipeline costs, by what was measured: ``bill``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from penstock.cli.options import Options
from penstock.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.cost.prices import PriceBook
    from penstock.cost.usage import Usage
    from penstock.model.pipeline import Definition
    from penstock.runtime.simulation.growth import Grown

OVER_BUDGET = 1


def bill(
    context: typer.Context,
    pipelines: Annotated[list[str] | None, typer.Argument(help="Names of pipelines; all that were measured.")] = None,
    instances: Annotated[
        str | None, typer.Option("--instances", help="Show how the cost grows, such as 1,10,100: plays a day of each.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0.0, help="Leave with 1 when the month costs more US dollars.")
    ] = None,
    without_free_tier: Annotated[
        bool, typer.Option("--without-free-tier", help="As if other things in the account had used it up.")
    ] = False,
    first_year: Annotated[
        bool, typer.Option("--first-year", help="Take off what is free in an account's first year too.")
    ] = False,
    prices: Annotated[Path | None, typer.Option("--prices", help="A price book of your own, as a TOML file.")] = None,
    region: Annotated[str | None, typer.Option("--region", help="Whose prices; the pipeline's region.")] = None,
    queries: Annotated[float, typer.Option("--queries", min=0.0, help="Queries that people make in a month.")] = 0.0,
    query_gb: Annotated[float, typer.Option("--query-gb", min=0.0, help="What such a query scans, in GB.")] = 0.01,
    reads: Annotated[float, typer.Option("--reads", min=0.0, help="Reads of hot tables by people in a month.")] = 0.0,
    explain: Annotated[bool, typer.Option("--explain", help="Show the operations behind each line.")] = False,
    against: Annotated[
        str | None, typer.Option("--against", help="Compare with a published table: metrics, logs, or a TOML file.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Price a month of what was measured, in a simulation or with `meter = true`; say what would make it cheaper."""
    from penstock.cli.bill_shown import Shown
    from penstock.cost.advice import advice
    from penstock.cost.prices import book, read_book
    from penstock.cost.published import compare, published
    from penstock.runtime.machine.billing import measured_bill, measured_definitions, measured_home, opened_meter

    options: Options = context.obj
    if without_free_tier and first_year:
        raise UsageError("a bill is without what is free, or with more of it", hint="leave one of the two options out")
    table = None if against is None else published(against)
    usage = _usage(queries, query_gb, reads, {} if table is None else table.assumed)
    how = {"free_tier": not without_free_tier, "first_year": first_year}
    counts = _counts(instances)
    with opened_meter(measured_home(options.home)) as meter:
        found = measured_definitions(meter, options.catalog(), pipelines or [])
        chosen = read_book(prices) if prices else book(region or next(iter(found.values())).region)
        made = measured_bill(meter, found, chosen, usage, **how)
    shown = Shown(
        bill=made,
        prices=chosen,
        changes=advice(made, found, chosen),
        compared=() if table is None else tuple(compare(made, table, chosen)),
        grown=_grown(found, counts, chosen, usage, how),
        said={} if table is None else table.instances,
        budget_usd=budget,
    )
    if as_csv:
        shown.print_csv(explain=explain)
    elif options.as_json:
        shown.print_json()
    else:
        shown.print_text(explain=explain)
    if shown.is_over_budget:
        typer.echo(f"over budget: ${made.monthly_usd:.2f} a month, ${budget:.2f} is allowed", err=True)
        raise typer.Exit(OVER_BUDGET)


def _usage(queries: float, query_gb: float, reads: float, assumed: Mapping[str, float]) -> Usage:
    from penstock.cost.bill import NOBODY

    given = {name: value for name, value in (("queries", queries), ("hot_reads", reads)) if value}
    return msgspec.structs.replace(NOBODY, **{"query_gb": query_gb, **assumed, **given})


def _counts(instances: str | None) -> list[int]:
    try:
        counts = [int(part) for part in (instances or "").split(",") if part.strip()]
    except ValueError:
        counts = [0]
    if any(count < 1 for count in counts):
        raise UsageError(f"{instances!r} are no numbers of instances", hint="such as --instances 1,10,100")
    return counts


def _grown(
    definitions: Mapping[str, Definition], counts: list[int], prices: PriceBook, usage: Usage, how: Mapping[str, bool]
) -> tuple[Grown, ...]:
    if not counts:
        return ()
    from penstock.runtime.simulation.growth import growth

    if len(definitions) > 1:
        raise UsageError(f"{', '.join(definitions)} were measured", hint="name the one whose growth you ask for")
    (definition,) = definitions.values()
    return tuple(growth(definition, counts, prices, usage, **how))
