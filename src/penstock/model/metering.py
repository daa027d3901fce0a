"""What a meter has counted: what was used, and how what is kept changed, hour by hour."""

from __future__ import annotations

import msgspec

HOUR_SECONDS = 3600.0


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What was used of an item in one hour.

    Attributes:
        hour: when it began, in seconds since the epoch.
        item: the code of its price in the price book.
        operation: what caused it, such as ``PutObject``.
        resource: of what: a table, a task, a topic.
        quantity: in the units of the item's price.
    """

    hour: float
    item: str
    operation: str
    resource: str
    quantity: float


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How what is kept changed in one hour.

    Attributes:
        change: units that came, less those that went.
        moment: the changes, each times its seconds since the hour began: so that how long they were there is exact.
    """

    hour: float
    item: str
    operation: str
    resource: str
    change: float
    moment: float


class Span(msgspec.Struct, frozen=True):
    """From when to when was measured, in seconds since the epoch."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.ended - self.began
