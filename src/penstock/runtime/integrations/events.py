"""EventBridge's PutEvents, on buses of the pipeline.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.errors import NotFoundError, TaskError, ValidationError
from penstock.model.access import BusAction, Kind
from penstock.model.integrations import DEFAULT_BUS
from penstock.ports.events import BusEvent
from penstock.runtime.integrations.request import ACCOUNT, Request
from penstock.runtime.names import read_time

ENTRIES_LIMIT = 10
ENTRY_FIELDS = frozenset({"Detail", "DetailType", "EventBusName", "Resources", "Source", "Time", "TraceHeader"})


def put_events(request: Request) -> dict[str, Any]:
    """Puts events, each once, also when the request is made again. What is wrong with one does not stop the others.

    Raises:
        TaskError: ``EventBridge.FailedEntry`` of an optimised integration when an entry failed.
    """
    entries = _entries(request)
    for entry in entries:
        request.require(Kind.EVENT_BUS, BusAction.PUT, entry.get("EventBusName", DEFAULT_BUS))
    results = [_put(request, number, entry) for number, entry in enumerate(entries)]
    failed = sum("ErrorCode" in result for result in results)
    body = {"Entries": results, "FailedEntryCount": failed}
    if failed and not request.service.sdk:
        raise TaskError(msgspec.json.encode(body).decode(), error="EventBridge.FailedEntry")
    return request.answer(body)


def _entries(request: Request) -> list[dict[str, Any]]:
    entries = request.arguments["Entries"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise request.unusable("The value for the field 'Entries' must be an ARRAY of OBJECTs")
    unknown = [
        f"The field '{name}' is not supported by Step Functions"
        for entry in entries
        for name in entry
        if name not in ENTRY_FIELDS
    ]
    if unknown:
        raise request.unusable(*unknown)
    for entry in entries:
        for name in ("EventBusName", "Source", "DetailType"):
            if not isinstance(entry.get(name, ""), str):
                raise request.unusable(f"The value for the field '{name}' must be a STRING")
    if not 0 < len(entries) <= ENTRIES_LIMIT:
        raise request.refusal("ValidationException", f"{len(entries)} entries were sent, 1 to {ENTRIES_LIMIT} can be")
    return entries


def _put(request: Request, number: int, entry: dict[str, Any]) -> dict[str, Any]:
    """Returns the entry's id, or why it failed."""
    bus = request.definition.event_buses.get(entry.get("EventBusName", DEFAULT_BUS))
    if bus is None:
        return {"ErrorCode": "InvalidArgument", "ErrorMessage": "EventBus does not exist."}
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": f"Parameter {name} is not valid. Reason: {name} "
                    "is a required argument."}  # fmt: skip
    detail = _detail(entry["Detail"])
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    event = BusEvent(
        source=entry["Source"],
        detail_type=entry["DetailType"],
        detail=detail,
        resources=(*_resources(entry), *_own_arns(request)),
        at=read_time(entry.get("Time")),
        execution=request.call.execution,
    )
    try:
        return {"EventId": request.ports.events.put(bus, event, token=f"{request.call.token}/{number}")}
    except (ValidationError, NotFoundError) as error:
        return {"ErrorCode": "InvalidArgument", "ErrorMessage": error.message}


def _detail(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError):
        return None


def _resources(entry: dict[str, Any]) -> list[str]:
    given = entry.get("Resources", [])
    return [str(one) for one in given] if isinstance(given, list) else []


def _own_arns(request: Request) -> tuple[str, ...]:
    """Returns what an optimised integration appends: the execution's ARN and the state machine's."""
    if request.service.sdk:
        return ()
    where = f"arn:aws:states:{request.definition.region}:{ACCOUNT}"
    workflow = request.call.workflow
    return f"{where}:execution:{workflow}:{request.call.execution}", f"{where}:stateMachine:{workflow}"


ACTIONS = {"putEvents": put_events}
