"""Where data live: lake tables (immutable objects) and hot tables (key-value items)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from penstock.model.access import Grant, HotAction, Kind, LakeAction
from penstock.model.metrics import Metric

Partition = Literal["hour", "day"]
Zone = Literal["raw", "sealed", "quarantine"]
ZONES: tuple[Zone, ...] = ("raw", "sealed", "quarantine")
PARTITION_COLUMNS: dict[str, tuple[str, ...]] = {
    "hour": ("year", "month", "day", "hour"),
    "day": ("year", "month", "day"),
}


class LakeTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the lake: raw objects, partitioned by time of arrival.

    Attributes:
        record: the type of one record.
        partition: the width of a partition.
        seal_after_seconds: how long after its end a partition counts as closed.
        retain_seconds: when a partition expires, with all that is left of it; None keeps it for ever.
        retain_zones: zones whose objects expire at another time: raw ones, in the archive too, and the quarantine.
        infrequent_after_seconds: when raw and sealed objects move to the infrequent-access tier.
        infrequent_zones: when those of each zone do, where that is said by zone; the others do not move.
        archive_after_seconds: when raw objects move to the archive tier.
        sort: the columns by which a sealed partition is sorted, most significant first.
        unique: the columns that tell records apart; of several that are equal in all of them the first is kept.
        time: the column that holds when the record came about.
        compress: whether ``append`` writes raw objects with zstd.
    """

    name: str
    record: type[Any]
    partition: Partition = "hour"
    seal_after_seconds: int = 600
    retain_seconds: int | None = None
    retain_zones: tuple[tuple[str, int], ...] = ()
    infrequent_after_seconds: int | None = None
    infrequent_zones: tuple[tuple[str, int], ...] = ()
    archive_after_seconds: int | None = None
    sort: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    time: str | None = None
    compress: bool = False
    place: str = ""

    def retained_seconds(self, zone: Zone) -> int | None:
        """Returns after how long the objects of a zone expire; None for never."""
        return dict(self.retain_zones).get(zone, self.retain_seconds)

    def infrequent_seconds(self, zone: Zone) -> int | None:
        """Returns after how long the objects of a zone move to the infrequent-access tier; None for never."""
        if self.infrequent_zones:
            return dict(self.infrequent_zones).get(zone)
        return None if zone == "quarantine" else self.infrequent_after_seconds

    @property
    def outlived_by_archive(self) -> bool:
        """Whether archived raw objects are kept longer than what is sealed of them."""
        raw, sealed = self.retained_seconds("raw"), self.retain_seconds
        return self.archive_after_seconds is not None and sealed is not None and raw is not None and raw > sealed

    @property
    def append(self) -> Grant:
        return Grant(Kind.LAKE, self.name, LakeAction.APPEND)

    @property
    def read(self) -> Grant:
        return Grant(Kind.LAKE, self.name, LakeAction.READ)

    @property
    def quarantine(self) -> Grant:
        return Grant(Kind.LAKE, self.name, LakeAction.QUARANTINE)

    @property
    def list(self) -> Grant:
        return Grant(Kind.LAKE, self.name, LakeAction.LIST)

    @property
    def query(self) -> Grant:
        return Grant(Kind.LAKE, self.name, LakeAction.QUERY)


KeyType = Literal["S", "N", "B"]


class Key(msgspec.Struct, frozen=True):
    """A key attribute: its name and DynamoDB type (``S`` string, ``N`` number, ``B`` bytes)."""

    name: str
    type: KeyType = "S"


class Index(msgspec.Struct, frozen=True):
    """A global secondary index. Items without its key attributes are not in it (sparse)."""

    name: str
    partition: Key
    sort: Key | None = None


class HotTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of key-value items, after DynamoDB's model.

    Attributes:
        ttl_attribute: the number attribute that holds an item's expiry, in epoch seconds.
        ttl_seconds: how long an item lives when the writer sets no expiry.
        throttles: the metric that counts throttled requests.
    """

    name: str
    partition: Key
    sort: Key | None = None
    indexes: tuple[Index, ...] = ()
    ttl_attribute: str | None = None
    ttl_seconds: int | None = None
    point_in_time_recovery: bool = True
    throttles: Metric | None = None
    place: str = ""

    @property
    def put(self) -> Grant:
        return Grant(Kind.HOT_TABLE, self.name, HotAction.PUT)

    @property
    def get(self) -> Grant:
        return Grant(Kind.HOT_TABLE, self.name, HotAction.GET)

    @property
    def query(self) -> Grant:
        return Grant(Kind.HOT_TABLE, self.name, HotAction.QUERY)

    @property
    def delete(self) -> Grant:
        return Grant(Kind.HOT_TABLE, self.name, HotAction.DELETE)

    @property
    def update(self) -> Grant:
        return Grant(Kind.HOT_TABLE, self.name, HotAction.UPDATE)
