"""Events on buses of EventBridge. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.adapters.aws.session import calling, client
from penstock.errors import AccessDeniedError, PortError, ThrottledError, UnavailableError, UsageError, ValidationError
from penstock.model.buses import EventBus
from penstock.ports.events import BusEvent, check_event

# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
_ERRORS: dict[str, type[PortError]] = {
    "ThrottlingException": ThrottledError,
    "InternalFailure": UnavailableError,
    "InternalException": UnavailableError,
    "InvalidArgument": ValidationError,
    "MalformedDetail": ValidationError,
    "NotAuthorizedForSourceException": ValidationError,
}
_DENIALS = frozenset({"NotAuthorizedForDetailTypeException", "AccessDeniedException", "RedactionFailure"})


class EventBridgePublisher:
    """Buses of EventBridge, by their names in the definition.

    EventBridge delivers at least once and knows no token: what is put again is another event.

    Args:
        names: of each bus in the account, or its ARN, by its name in the definition.
    """

    def __init__(self, names: Mapping[str, str], *, region: str | None = None) -> None:
        self._names = dict(names)
        self._client = client("events", region=region)

    def put(self, bus: EventBus, event: BusEvent, *, token: str = "") -> str:
        """Puts an event; ``event.execution`` and ``token`` stay behind."""
        detail = check_event(event)
        name = self._names.get(bus.name)
        if name is None:
            raise UsageError(f"event bus {bus.name!r} has no name here", hint="grant it in may=[…], then deploy again")
        entry: dict[str, Any] = {
            "EventBusName": name,
            "Source": event.source,
            "DetailType": event.detail_type,
            "Detail": detail.decode(),
        }
        if event.resources:
            entry["Resources"] = list(event.resources)
        if event.at is not None:
            entry["Time"] = event.at
        with calling(f"put an event on bus {bus.name}"):
            (answer,) = self._client.put_events(Entries=[entry])["Entries"]
        if "EventId" not in answer:
            raise _refused(bus, str(answer.get("ErrorCode", "")), str(answer.get("ErrorMessage", "")))
        return str(answer["EventId"])


def _refused(bus: EventBus, code: str, message: str) -> PortError | AccessDeniedError:
    text = f"cannot put an event on bus {bus.name}: {code}: {message}"
    if code in _DENIALS:
        return AccessDeniedError(text, hint="grant the action in may=[…], or to the role that asks", aws_code=code)
    return _ERRORS.get(code, PortError)(text, hint="see the message", aws_code=code)
