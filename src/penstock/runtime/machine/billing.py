"""The bill of a home: what its meter has seen, priced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from penstock.cost.bill import NOBODY, Bill, bill
from penstock.cost.measured import Owners
from penstock.cost.prices import PriceBook
from penstock.cost.usage import Usage
from penstock.errors import NotFoundError
from penstock.model.pipeline import Definition
from penstock.ports.meter import Meter
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.loader import Catalog

NOTHING_MEASURED = "`penstock simulate` measures; or put `meter = true` into the home's config.toml and run"


def measured_home(path: Path) -> Path:
    """Returns a home if it was metered, else the one of its simulation, if there is one."""
    simulated = path.with_name(f"{path.name}-simulated")
    return simulated if not _is_metered(path) and _is_metered(simulated) else path


def _is_metered(path: Path) -> bool:
    return (path / "meter.sqlite").is_file()


@contextlib.contextmanager
def opened_meter(path: Path) -> Iterator[Meter]:
    """Gives the meter of a home.

    Raises:
        NotFoundError: nothing was measured there.
    """
    if not _is_metered(path):
        raise NotFoundError(f"nothing was measured in {path}", hint=NOTHING_MEASURED)
    home = Home(path, create=False, meter=True)
    try:
        if home.meter is None or home.meter.span() is None:
            raise NotFoundError(f"nothing was measured in {path}", hint=NOTHING_MEASURED)
        yield home.meter
    finally:
        home.close()


def measured_definitions(meter: Meter, catalog: Catalog, names: Sequence[str]) -> dict[str, Definition]:
    """Returns the pipelines of a bill: those that are named, or those of which something was measured.

    Raises:
        NotFoundError: nothing was measured of any pipeline that is known here.
    """
    if names:
        return catalog.load_all(names)
    known, _ = catalog.load_good()
    owners = Owners(known)
    found = {owners.of(one.resource) for one in meter.used()}
    measured = {name: definition for name, definition in known.items() if name in found}
    if not measured:
        raise NotFoundError("nothing was measured of a pipeline that is known here", hint=NOTHING_MEASURED)
    return measured


def measured_bill(
    meter: Meter, definitions: Mapping[str, Definition], prices: PriceBook, usage: Usage = NOBODY, **how: bool
) -> Bill:
    """Returns what a month costs that goes on as a home's meter has seen it.

    Args:
        usage: what no meter sees.
        how: ``free_tier`` and ``first_year``, as for ``penstock.cost.bill.bill``.

    Raises:
        NotFoundError: nothing was measured.
    """
    span = meter.span()
    if span is None:
        raise NotFoundError("nothing was measured here", hint=NOTHING_MEASURED)
    return bill(definitions, meter.used(), meter.held(), span, prices=prices, usage=usage, **how)
