"""How a bill grows with the number of instances: a day of each is played, and priced as a month."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from penstock.cost.advice import with_metrics_of_each
from penstock.cost.prices import PriceBook
from penstock.cost.usage import Usage
from penstock.model.pipeline import Definition
from penstock.runtime.machine.billing import measured_bill, opened_meter
from penstock.runtime.simulation.app import simulate
from penstock.runtime.simulation.plan import DAY_SECONDS, Plan

# A Wednesday: neither a weekend nor a change of clocks.
START = 1_788_912_000.0  # 2026-09-09T00:00:00Z


class Grown(msgspec.Struct, frozen=True, kw_only=True):
    """What a month costs with so many instances.

    Attributes:
        each_usd: if each instance had series of its own of the metrics that all share.
    """

    instances: int
    monthly_usd: float
    full_usd: float
    each_usd: float


def growth(definition: Definition, counts: Sequence[int], prices: PriceBook, usage: Usage, **how: bool) -> list[Grown]:
    """Returns what a month costs with each number of instances.

    Args:
        how: ``free_tier`` and ``first_year``, as for ``penstock.cost.bill.bill``.
    """
    found = []
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="penstock-bill-") as folder:
            home = Path(folder) / "home"
            simulate(definition, home, Plan(start=START, seconds=DAY_SECONDS, instances=count))
            with opened_meter(home) as meter:
                made = measured_bill(meter, {definition.name: definition}, prices, usage, **how)
        each = with_metrics_of_each(made, definition, prices, count)
        found.append(Grown(instances=count, monthly_usd=made.monthly_usd, full_usd=made.full_usd, each_usd=each))
    return found
