"""What a pipeline will cost in an account: ``cost``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from penstock.cli.options import Options


def cost(context: typer.Context, pipeline: Annotated[str, typer.Argument(help="The pipeline's name.")]) -> None:
    """Estimate what a pipeline costs a month in AWS: each line, and where its price was read."""
    from penstock.cli import output
    from penstock.cost.estimate import estimate
    from penstock.cost.prices import book

    options: Options = context.obj
    definition = options.catalog().load(pipeline)
    known = book(definition.region)
    found = estimate(definition, prices=known)
    prices = {code: known[code] for code in dict.fromkeys(line.price for line in found.lines)}
    if options.as_json:
        output.emit_json(
            {
                "pipeline": pipeline, "prices_of": found.region, "monthly_usd": round(found.monthly_usd, 2),
                "monthly_usd_without_free_tier": round(found.full_usd, 2), "lines": found.lines,
                "unpriced": found.unpriced,
                "prices": {code: {"source": one.source, "dated": one.dated, "page": one.page, "region": one.region}
                           for code, one in prices.items()},
            }
        )  # fmt: skip
        return
    rows: list[list[Any]] = [
        [one.service, one.what, round(one.quantity, 3), one.unit, f"${one.unit_price_usd:g} / {one.per:,.0f}",
         f"{one.free:,.0f}" if one.free else "-", f"${one.monthly_usd:.2f}", f"${one.full_usd:.2f}"]
        for one in found.lines
    ]  # fmt: skip
    rows.append(["total", "", "", "", "", "", f"${found.monthly_usd:.2f}", f"${found.full_usd:.2f}"])
    output.table(["service", "what", "a month", "unit", "price", "free", "cost", "without free tier"], rows)
    for one in found.unpriced:
        typer.echo(f"not counted, as its price is not known here: {one}")
    typer.echo(f"\nprices of {found.region}, without tax, as they were read:")
    read = dict.fromkeys((one.service, one.source, one.dated) for one in prices.values())
    output.table(["service", "source", "dated"], [list(one) for one in read])
    foreign = dict.fromkeys(price.code for price in prices.values() if price.region != found.region)
    if foreign:
        typer.echo(f"note: no price of {found.region} is known for {', '.join(foreign)}: they are those of us-east-1")
