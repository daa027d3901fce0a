"""The tables on which a hot store is tried, what it may promise beyond DynamoDB, and how its answers are read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from penstock.model.datasets import HotTable, Index, Key
from penstock.ports import hot

READINGS = HotTable(
    name="contract-readings",
    partition=Key("device"),
    sort=Key("at", "N"),
    indexes=(Index("by-room", Key("room"), Key("level", "N")), Index("by-owner", Key("owner"))),
    ttl_attribute="expires_at",
    ttl_seconds=3600,
)
PLAIN = HotTable(name="contract-plain", partition=Key("id"))
TEXTS = HotTable(name="contract-texts", partition=Key("id"), sort=Key("text"))
BINARY = HotTable(name="contract-binary", partition=Key("id", "B"), sort=Key("content", "B"))
CONTRACT_TABLES = (READINGS, PLAIN, TEXTS, BINARY)

FIVE_YEARS_SECONDS = 5 * 366 * 86_400
SETTLE_SECONDS = 20.0


@dataclass(frozen=True)
class HotCapabilities:
    """What DynamoDB does not promise, but a store may.

    Attributes:
        index_reads_are_consistent: a query by index sees the newest write; DynamoDB's lag behind.
        expired_items_are_hidden: an item past its TTL is not read; DynamoDB may show it for days.
        expire_deletes: ``expire`` deletes at once; DynamoDB does by itself, later.
    """

    index_reads_are_consistent: bool = True
    expired_items_are_hidden: bool = True
    expire_deletes: bool = True


class MovableClock(Protocol):
    """A clock that a test sets."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...

    def advance(self, seconds: float) -> None: ...


def pages(read: Callable[[Any], hot.Page]) -> Iterator[dict[str, Any]]:
    """Yields the items of all pages."""
    after = None
    while True:
        page = read(after)
        yield from page.items
        after = page.after
        if after is None:
            return


def reading(at: Any, device: str = "d", **attributes: Any) -> dict[str, Any]:
    """Returns an item of ``READINGS``."""
    return {"device": device, "at": at, "expires_at": 9_000_000_000, **attributes}


def nested(levels: int) -> Any:
    """Returns a value of so many levels; text is one."""
    value: Any = "leaf"
    for _ in range(levels - 1):
        value = {"n": value}
    return value


def settled(capabilities: HotCapabilities, read: Callable[[], Any], expected: Any) -> None:
    """Asserts what a query by index returns, at once or, where indexes lag behind, in time."""
    end = time.monotonic() + SETTLE_SECONDS
    while not capabilities.index_reads_are_consistent and read() != expected and time.monotonic() < end:
        time.sleep(0.2)
    assert read() == expected
