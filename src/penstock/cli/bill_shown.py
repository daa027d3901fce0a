"""A bill as it is printed: for people, as JSON, as CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import typer

from penstock.cli import output
from penstock.cost.advice import Change
from penstock.cost.bill import Bill, BillLine
from penstock.cost.prices import PriceBook
from penstock.cost.published import Compared
from penstock.runtime.simulation.growth import Grown

DAY_SECONDS = 86_400
CAUSES_SHOWN = 8
COLUMNS = (
    "service", "price", "pipeline", "operation", "resource", "measured", "quantity", "unit", "unit_price_usd", "per",
    "free", "monthly_usd", "full_usd", "region", "source", "dated",
)  # fmt: skip


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed.

    Attributes:
        said: what a published table says of so many instances.
    """

    bill: Bill
    prices: PriceBook
    changes: list[Change]
    compared: tuple[Compared, ...]
    grown: tuple[Grown, ...]
    said: dict[str, float]
    budget_usd: float | None

    @property
    def is_over_budget(self) -> bool:
        return self.budget_usd is not None and self.bill.monthly_usd > self.budget_usd

    def print_json(self) -> None:
        """Prints one JSON document."""
        made = self.bill
        output.emit_json(
            {
                "region": made.region,
                "measured": {"began": made.began, "ended": made.ended, "days": (made.ended - made.began) / DAY_SECONDS},
                "monthly_usd": round(made.monthly_usd, 4),
                "monthly_usd_without_free_tier": round(made.full_usd, 4),
                "services": made.services,
                "pipelines": made.pipelines,
                "lines": made.lines,
                "unpriced": made.unpriced,
                "notes": made.notes,
                "changes": self.changes,
                "compared": self.compared,
                "instances": self.grown,
                "budget": {"usd": self.budget_usd, "exceeded": self.is_over_budget},
                "prices": {
                    line.price: {"source": price.source, "dated": price.dated, "page": price.page}
                    for line in made.lines
                    for price in (self.prices[line.price],)
                },
            }
        )

    def print_csv(self, *, explain: bool) -> None:
        """Prints one row a line; with ``explain`` one row a cause."""
        import csv

        sys.stdout.flush()
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        for line in self.bill.lines:
            writer.writerows(self._rows(line, explain=explain))

    def print_text(self, *, explain: bool) -> None:
        """Prints tables for people."""
        made = self.bill
        days = (made.ended - made.began) / DAY_SECONDS
        typer.echo(
            f"measured from {output.moment(made.began)} to {output.moment(made.ended)}, {days:.3g} days; "
            f"as a month of 30 days, at the prices of {made.region}, without tax:\n"
        )
        self._print_lines()
        if explain:
            self._print_causes()
        if len(made.pipelines) > 1:
            output.table(["pipeline", "cost"], [[name, _usd(usd)] for name, usd in made.pipelines.items()])
        self._print_grown()
        self._print_compared()
        self._print_changes()
        for one in made.unpriced:
            typer.echo(f"not counted, as its price is not known here: {one}")
        for note in made.notes:
            typer.echo(f"note: {note}")

    def _print_lines(self) -> None:
        rows: list[list[Any]] = [
            [one.service, one.unit, _number(one.measured), _number(one.quantity),
             f"${one.unit_price_usd:g} / {one.per:,.0f}", f"{one.free:,.0f}" if one.free else "-",
             _usd(one.monthly_usd), _usd(one.full_usd)]
            for one in self.bill.lines
        ]  # fmt: skip
        rows.append(["total", "", "", "", "", "", _usd(self.bill.monthly_usd), _usd(self.bill.full_usd)])
        output.table(["service", "what", "measured", "a month", "price", "free", "cost", "without free tier"], rows)

    def _print_causes(self) -> None:
        typer.echo("")
        rows = [
            [line.service, line.unit, cause.pipeline, cause.operation, cause.resource, _number(cause.quantity),
             _usd(cause.full_usd)]
            for line in self.bill.lines
            for cause in line.causes[:CAUSES_SHOWN]
        ]  # fmt: skip
        output.table(["service", "what", "pipeline", "operation", "of", "a month", "without free tier"], rows)
        hidden = sum(max(0, len(line.causes) - CAUSES_SHOWN) for line in self.bill.lines)
        if hidden:
            typer.echo(f"{hidden} smaller ones are left out here: --json and --csv have all")

    def _print_grown(self) -> None:
        if not self.grown:
            return
        typer.echo("\nwith more instances, a day of each played:")
        headings = ["instances", "a month", "without free tier", "of that each", "with a metric for each instance"]
        rows: list[list[Any]] = [
            [one.instances, _usd(one.monthly_usd), _usd(one.full_usd), f"${one.full_usd / one.instances:.4f}",
             _usd(one.each_usd)]
            for one in self.grown
        ]  # fmt: skip
        if self.said:
            headings.append("the published table says")
            for row, one in zip(rows, self.grown, strict=True):
                said = self.said.get(str(one.instances))
                row.append("-" if said is None else _usd(said))
        output.table(headings, rows)

    def _print_compared(self) -> None:
        if self.compared:
            typer.echo("\nagainst the published table:")
            rows = [
                [one.service, one.usage or "-", "-" if one.said_usd is None else f"${one.said_usd:.3f}",
                 f"${one.billed_usd:.3f}", one.verdict or "as it says"]
                for one in self.compared
            ]  # fmt: skip
            output.table(["service", "its usage", "it says", "billed", "verdict"], rows)

    def _print_changes(self) -> None:
        if self.changes:
            typer.echo("\nwhat would save most, a month:")
            rows = [[one.what, _usd(one.saves_usd), _usd(one.saves_full_usd)] for one in self.changes]
            output.table(["change", "saves", "without free tier"], rows)

    def _rows(self, line: BillLine, *, explain: bool) -> Iterator[list[Any]]:
        price = self.prices[line.price]
        parts = line.causes if explain else ()
        for pipeline, operation, resource, quantity, usd in [
            (one.pipeline, one.operation, one.resource, one.quantity, one.full_usd) for one in parts
        ] or [("", "", "", line.quantity, line.full_usd)]:
            share = quantity / line.quantity
            yield [
                line.service, line.price, pipeline, operation, resource, line.measured * share, quantity, line.unit,
                line.unit_price_usd, line.per, line.free, line.monthly_usd * share, usd, line.region, price.source,
                price.dated,
            ]  # fmt: skip


def _usd(value: float) -> str:
    if value >= 0.01 or value == 0:
        return f"${value:,.2f}"
    return f"${value:.4f}" if value >= 0.0001 else "<$0.0001"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 or value == round(value) else f"{value:.4g}"
