"""Permissions that a state needs which calls a service, or that starts an execution for each of its items.

What a state asks for is read from its document, as it is deployed. A resource that the running execution computes is
not known here; then nothing is said of it.
https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from penstock.rehearsal import dynamodb_needs
from penstock.rehearsal.exchange import Exchange, Need, Place, text_at
from penstock.rehearsal.needs import queue_arn

_INTEGRATION = re.compile(r"arn:[^:]+:states:::(?:aws-sdk:)?(\w+):(\w+)(?:\..+)?")
# Services whose prefix in policies is not the name in AWS SDK integrations.
_PREFIXES = {"sfn": "states", "eventbridge": "events"}
_S3 = {"getObject": "s3:GetObject", "putObject": "s3:PutObject"}
Given = Mapping[str, Any]


def needs(state: Given, place: Place, machine: str) -> list[Need]:
    """Returns what a state needs.

    Args:
        machine: ARN of its state machine.
    """
    if state.get("Type") == "Map":
        return _map(state, place, machine)
    resource = text_at(state, "Resource")
    return list(_called(resource, _given(state), place))


def _map(state: Given, place: Place, machine: str) -> list[Need]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html"""
    processor = state.get("ItemProcessor") or {}
    if (processor.get("ProcessorConfig") or {}).get("Mode") != "DISTRIBUTED":
        return []
    made = [Need("states:StartExecution", machine)]
    reader, writer = state.get("ItemReader") or {}, state.get("ResultWriter") or {}
    made += _called(text_at(reader, "Resource"), _given(reader), place)
    prefix = _static(_given(writer), "Prefix")
    if text_at(writer, "Resource") and prefix:
        written = {**_given(writer), "Key": f"{prefix.rstrip('/')}/manifest.json"}
        made += _called(text_at(writer, "Resource"), written, place)
    return made


def _called(resource: str, given: Given, place: Place) -> Iterator[Need]:
    found = _INTEGRATION.fullmatch(resource)
    if found is None:
        if ":lambda:" in resource:
            yield Need("lambda:InvokeFunction", resource)
        return
    service = _PREFIXES.get(found[1], found[1])
    special = _SPECIAL.get(service)
    if special is not None:
        yield from special(found[2], given, place)
    else:
        action = f"{service}:{found[2][0].upper()}{found[2][1:]}"
        yield Need(action, _static(given, _ARNS.get(action, "")) or "*")


def _given(body: Given) -> Given:
    given = body.get("Parameters") or body.get("Arguments") or {}
    return given if isinstance(given, Mapping) else {}


def _static(given: Given, name: str) -> str:
    """Returns a parameter that is no expression; a path is under another name."""
    value = text_at(given, name)
    return "" if value.startswith("{%") else value


def _function(_action: str, given: Given, place: Place) -> Iterator[Need]:
    name = _static(given, "FunctionName") or "*"
    known = name == "*" or name.startswith("arn:")
    yield Need("lambda:InvokeFunction", name if known else place.arn("lambda", f"function:{name}"))


def _items(action: str, given: Given, place: Place) -> Iterator[Need]:
    exchange = Exchange(method="POST", target="/", headers={}, body=json.dumps(given).encode())
    yield from dynamodb_needs.needs(f"{action[0].upper()}{action[1:]}", exchange, place)


def _message(action: str, given: Given, place: Place) -> Iterator[Need]:
    url = _static(given, "QueueUrl")
    if url:
        yield Need(f"sqs:{action[0].upper()}{action[1:]}", queue_arn(url, place))


def _events(action: str, given: Given, place: Place) -> Iterator[Need]:
    entries = given.get("Entries")
    for entry in entries if isinstance(entries, list) else ():
        bus = _static(entry, "EventBusName") or "default"
        arn = place.arn("events", bus if bus.startswith("arn:") else f"event-bus/{bus}")
        yield Need(f"events:{action[0].upper()}{action[1:]}", arn)


def _objects(action: str, given: Given, place: Place) -> Iterator[Need]:
    bucket = f"arn:{place.partition}:s3:::{_static(given, 'Bucket')}"
    key = _static(given, "Key")
    if action == "listObjectsV2":
        prefix = _static(given, "Prefix")
        yield Need("s3:ListBucket", bucket, {"s3:prefix": prefix} if prefix else {})
    elif action in _S3 and key:
        yield Need(_S3[action], f"{bucket}/{key}")


def _queries(action: str, given: Given, place: Place) -> Iterator[Need]:
    workgroup = _static(given, "WorkGroup")
    if workgroup:
        yield Need(f"athena:{action[0].upper()}{action[1:]}", place.arn("athena", f"workgroup/{workgroup}"))


def _job(action: str, given: Given, place: Place) -> Iterator[Need]:
    name = _static(given, "JobName")
    if name:
        yield Need(f"glue:{action[0].upper()}{action[1:]}", place.arn("glue", f"job/{name}"))


_ARNS = {"sns:Publish": "TopicArn", "states:StartExecution": "StateMachineArn"}
_SPECIAL: dict[str, Callable[[str, Given, Place], Iterator[Need]]] = {
    "lambda": _function,
    "dynamodb": _items,
    "sqs": _message,
    "events": _events,
    "s3": _objects,
    "athena": _queries,
    "glue": _job,
}
