"""What sealing adds to a month: starts, time, requests and storage."""

from __future__ import annotations

import msgspec

from penstock.cost.traffic import MONTH_DAYS, MONTH_HOURS, Traffic
from penstock.cost.units import listings
from penstock.cost.usage import Usage
from penstock.model.datasets import LakeTable
from penstock.model.pipeline import Definition

# As they are deployed: penstock.deploy.functions, penstock.runtime.aws.sealing.
MEMORY_GB = 1769 / 1024
DAYS_LOOKED_AT = 3
ALARMS = 2


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """Quantities of a month; all zero where nothing is sealed.

    Attributes:
        starts: of the function, by the clock.
        gb_seconds: that it takes.
        puts: sealed files written, and listings, which cost the same.
        gets: raw objects read, each once.
    """

    starts: float = 0.0
    gb_seconds: float = 0.0
    puts: float = 0.0
    gets: float = 0.0


def alarms_of_sealing(definition: Definition) -> int:
    """Returns how many alarms the function that seals has."""
    return ALARMS if definition.deployment.sealing and definition.lake_tables else 0


def starts_of_sealing(definition: Definition) -> float:
    """Returns how often the function that seals is started in a month, by the clock."""
    tables = definition.lake_tables
    if not (definition.deployment.sealing and tables):
        return 0.0
    return MONTH_HOURS if any(table.partition == "hour" for table in tables.values()) else MONTH_DAYS


def looks_of_sealing(table: LakeTable, starts: float, objects: float) -> float:
    """Returns the listings of a month by which it is found what is due: of each of some days, in both zones.

    Args:
        objects: of the table in a month.
    """
    return starts * DAYS_LOOKED_AT * (listings(objects / MONTH_DAYS) + 1)


def sealing(definition: Definition, usage: Usage, month: Traffic) -> Sealing:
    """Returns what sealing adds."""
    tables = definition.lake_tables
    if not (definition.deployment.sealing and tables):
        return Sealing()
    starts = starts_of_sealing(definition)
    puts = gets = 0.0
    for name, table in tables.items():
        objects = month.objects.get(name, 0.0)
        sealed = min(objects, MONTH_HOURS if table.partition == "hour" else MONTH_DAYS)
        # Of what is due the raw objects and the sealed file are listed, and the sealed file is written.
        puts += looks_of_sealing(table, starts, objects) + sealed * 3
        gets += objects
    return Sealing(starts=starts, gb_seconds=starts * usage.sealing_seconds * MEMORY_GB, puts=puts, gets=gets)
