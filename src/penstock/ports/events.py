"""Events of event buses: what was put on a bus, for whatever it starts.

At least once: an event that was taken starts each workflow whose trigger matches it, when its pipeline runs.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from penstock.errors import ValidationError
from penstock.model.buses import DETAIL_TYPE_LIMIT, SOURCE_LIMIT, EventBus

# Of the whole event: Step Functions takes no longer input, and to start a workflow is what events are for here.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EVENT_LIMIT_BYTES = 256 * 1024
_LONGEST_REGION = "ap-southeast-1"


class BusEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What is put on a bus.

    Attributes:
        detail: a JSON object.
        resources: ARNs, or other names, of what it is about.
        at: when it happened, in seconds since the epoch; when it was put where that is None.
        execution: the execution that put it; empty for one from outside. A machine knows by it what follows from what.
    """

    source: str
    detail_type: str
    detail: dict[str, Any]
    resources: tuple[str, ...] = ()
    at: float | None = None
    execution: str = ""


class PutEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is on a bus.

    Attributes:
        at: when it happened, or was put, in seconds since the epoch.
    """

    id: str
    bus: str
    source: str
    detail_type: str
    detail: bytes
    resources: tuple[str, ...]
    at: float
    execution: str = ""

    def envelope(self, *, region: str, account: str) -> dict[str, Any]:
        """Returns the event as EventBridge hands it to a workflow."""
        return {
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": account,
            "time": f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "region": region,
            "resources": list(self.resources),
            "detail": msgspec.json.decode(self.detail),
        }


class EventPublisher(Protocol):
    """Where tasks and workflows put events."""

    def put(self, bus: EventBus, event: BusEvent, *, token: str = "") -> str:
        """Takes an event; returns its id.

        Args:
            token: of one putting. A machine's bus takes an event with the same token once; EventBridge takes it again.

        Raises:
            ValidationError: no bus could take it: see ``check_event``.
            NotFoundError: there is no such bus.
        """
        ...


class EventStore(EventPublisher, Protocol):
    """A machine's events."""

    def due(self, buses: Sequence[str], limit: int) -> list[PutEvent]:
        """Returns the events of some buses that are not dispatched, oldest first."""
        ...

    def dispatched(self, ids: Sequence[str]) -> None:
        """Marks events as dispatched."""
        ...

    def forget_dispatched(self, before: float) -> int:
        """Deletes dispatched events that were put before a time; returns how many."""
        ...


def check_event(event: BusEvent) -> bytes:
    """Returns an event's detail as JSON, when every home's buses can take the event.

    Raises:
        ValidationError: it has no source or detail type, a detail that is no JSON object, or is too long.
    """
    mistake, detail = "", b""
    for name, value, most in (
        ("source", event.source, SOURCE_LIMIT), ("detail type", event.detail_type, DETAIL_TYPE_LIMIT)
    ):  # fmt: skip
        if not isinstance(value, str) or not 0 < len(value) <= most:
            mistake = f"has the {name} {value!r}; it has 1 to {most} characters"
    if not mistake and event.source.startswith("aws."):
        mistake = f"has the source {event.source!r}, as only AWS's own have"
    if not mistake:
        mistake, detail = _encoded(event)
    if mistake:
        raise ValidationError(
            f"the event {mistake}", hint="such as source='shop.orders', detail_type='OrderPlaced', detail={'id': 7}"
        )
    return detail


def _encoded(event: BusEvent) -> tuple[str, bytes]:
    given: Any = event.detail
    if not isinstance(given, dict):
        return "has a detail that is no JSON object", b""
    try:
        detail = msgspec.json.encode(given)
        size = len(detail) - len(b"{}") + len(msgspec.json.encode(_shell(event)))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return f"cannot be JSON: {error}", b""
    if size > EVENT_LIMIT_BYTES:
        return f"has {size} bytes, {EVENT_LIMIT_BYTES} are possible", b""
    return "", detail


def _shell(event: BusEvent) -> dict[str, Any]:
    """Returns the longest envelope that an event can get, without its detail."""
    put = PutEvent(
        id="0" * 36,
        bus="",
        source=event.source,
        detail_type=event.detail_type,
        detail=b"{}",
        resources=event.resources,
        at=0.0,
    )
    return put.envelope(region=_LONGEST_REGION, account="0" * 12)
