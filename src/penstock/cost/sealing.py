"""What sealing adds to a month: starts, time, requests and storage."""

from __future__ import annotations

import math

import msgspec

from penstock.cost.traffic import MONTH_DAYS, MONTH_HOURS, Traffic
from penstock.cost.usage import Usage
from penstock.model.pipeline import Definition

# As they are deployed: penstock.deploy.functions, penstock.runtime.aws.sealing.
MEMORY_GB = 1769 / 1024
DAYS_LOOKED_AT = 3
ALARMS = 2
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
KEYS_IN_A_LISTING = 1000


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
    alarms: int = 0


def sealing(definition: Definition, usage: Usage, month: Traffic) -> Sealing:
    """Returns what sealing adds."""
    tables = definition.lake_tables
    if not (definition.deployment.sealing and tables):
        return Sealing()
    starts = MONTH_HOURS if any(table.partition == "hour" for table in tables.values()) else MONTH_DAYS
    puts = gets = 0.0
    for name, table in tables.items():
        objects = month.objects.get(name, 0.0)
        sealed = min(objects, MONTH_HOURS if table.partition == "hour" else MONTH_DAYS)
        pages = max(1, math.ceil(objects / MONTH_DAYS / KEYS_IN_A_LISTING))
        # A look at each day, in both zones; then the raw objects and the sealed file of what is due are listed.
        puts += starts * DAYS_LOOKED_AT * (pages + 1) + sealed * 3
        gets += objects
    return Sealing(
        starts=starts, gb_seconds=starts * usage.sealing_seconds * MEMORY_GB, puts=puts, gets=gets, alarms=ALARMS
    )
