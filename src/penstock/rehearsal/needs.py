"""Permissions that a request to AWS needs, read from the request as an SDK sends it.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from penstock.rehearsal import cbor, dynamodb_needs, glue_needs, s3_needs
from penstock.rehearsal.exchange import Exchange, Need, Place, Signature, text_at

# Services whose prefix in policies is not the name in their signatures.
_PREFIXES = {"monitoring": "cloudwatch", "email": "ses", "tagging": "tag"}
# Operations of many calls in one are allowed by the action of one call.
_SINGLE = {
    "sns:PublishBatch": "sns:Publish",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
_ARNS = {
    "states": ("stateMachineArn", "executionArn", "activityArn", "mapRunArn", "resourceArn"),
    "sns": ("TopicArn", "TargetArn", "SubscriptionArn", "ResourceArn"),
}
_RPC = re.compile(r"/service/[^/]+/operation/(\w+)")
_FUNCTION = re.compile(r"/20\d\d-\d\d-\d\d/functions/([^/]+)(/.*)?")
_INVOCATIONS = {"/invocations", "/response-streaming-invocations"}
_XRAY = {"/TraceSegments": "PutTraceSegments", "/TelemetryRecords": "PutTelemetryRecords"}


def needs(exchange: Exchange, signed: Signature, account: str) -> list[Need]:
    """Returns what a request needs.

    A request that is not known needs ``service:Operation`` on ``*``, so that none goes by unseen.
    """
    place = Place(signed.region, account)
    prefix = _PREFIXES.get(signed.service, signed.service)
    if prefix == "s3":
        return s3_needs.needs(exchange, place)
    if prefix == "lambda":
        return _lambda(exchange, place)
    operation = operation_of(exchange)
    if prefix == "dynamodb":
        return dynamodb_needs.needs(operation, exchange, place)
    if prefix == "glue":
        return glue_needs.needs(operation, exchange.document, place)
    action = f"{prefix}:{operation}"
    resource = _RESOURCES.get(prefix, _named)(exchange, place)
    return [Need(_SINGLE.get(action, action), resource, _context(prefix, exchange))]


def operation_of(exchange: Exchange) -> str:
    """Returns the operation that a request names by its protocol; method and path if it names none.

    https://smithy.io/2.0/aws/protocols/index.html
    """
    target = exchange.headers.get("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    rpc = _RPC.fullmatch(exchange.path)
    if rpc:
        return rpc[1]
    return exchange.form.get("Action") or _XRAY.get(exchange.path) or f"{exchange.method} {exchange.path}"


def _lambda(exchange: Exchange, place: Place) -> list[Need]:
    found = _FUNCTION.fullmatch(exchange.path)
    if found is None:
        return [Need(f"lambda:{exchange.method} {exchange.path}", "*")]
    name, rest = unquote(found[1]), found[2] or ""
    if not name.startswith("arn:"):
        name = place.arn("lambda", f"function:{name.rpartition('function:')[2]}")
    qualifier = exchange.query.get("Qualifier")
    if qualifier and name.count(":") == 6:
        name = f"{name}:{qualifier}"
    action = "InvokeFunction" if rest in _INVOCATIONS else "GetFunction" if not rest else f"{exchange.method} {rest}"
    return [Need(f"lambda:{action}", name)]


def _queue(exchange: Exchange, place: Place) -> str:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html"""
    parameters: Mapping[str, object] = exchange.document or exchange.form
    return queue_arn(text_at(parameters, "QueueUrl") or exchange.path, place, text_at(parameters, "QueueName"))


def queue_arn(url: str, place: Place, name: str = "") -> str:
    """Returns the ARN of a queue from its URL; ``"*"`` where that names none.

    Args:
        name: of the queue, where it is known otherwise.
    """
    account, _, last = urlsplit(url).path.strip("/").rpartition("/")
    account = account.rpartition("/")[2]
    owner = account if re.fullmatch(r"\d{12}", account) else place.account
    chosen = name or last
    return Place(place.region, owner).arn("sqs", chosen) if chosen else "*"


def _secret(exchange: Exchange, place: Place) -> str:
    """A secret's ARN ends in six characters that its name does not tell: the answer has it."""
    name = text_at(exchange.document, "SecretId")
    known = text_at(exchange.answered, "ARN") or name
    return place.arn("secretsmanager", known if known.startswith("arn:") else f"secret:{known}") if known else "*"


def _key(exchange: Exchange, place: Place) -> str:
    """Policies are about keys, never about their aliases: the answer has the key."""
    known = text_at(exchange.answered, "KeyId") or text_at(exchange.document, "KeyId")
    if not known:
        return "*"
    aliased = known.startswith("alias/")
    return place.arn("kms", known if aliased or known.startswith("arn:") else f"key/{known}")


def _parameter(exchange: Exchange, place: Place) -> str:
    name = text_at(exchange.document, "Name") or text_at(exchange.document, "Path")
    return place.arn("ssm", f"parameter/{name.removeprefix('/')}") if name else "*"


def _bus(exchange: Exchange, place: Place) -> str:
    entries = exchange.document.get("Entries") or [{}]
    name = text_at(entries[0], "EventBusName") or text_at(exchange.document, "EventBusName") or "default"
    return place.arn("events", name if name.startswith("arn:") else f"event-bus/{name}")


def _log(exchange: Exchange, place: Place) -> str:
    group, stream = text_at(exchange.document, "logGroupName"), text_at(exchange.document, "logStreamName")
    return place.arn("logs", f"log-group:{group}:log-stream:{stream}") if group else "*"


def _workgroup(exchange: Exchange, place: Place) -> str:
    if operation_of(exchange) == "GetDataCatalog":
        return place.arn("athena", f"datacatalog/{text_at(exchange.document, 'Name')}")
    if "QueryExecutionId" in exchange.document and "WorkGroup" not in exchange.document:
        return "*"
    return place.arn("athena", f"workgroup/{text_at(exchange.document, 'WorkGroup') or 'primary'}")


def _named(exchange: Exchange, _place: Place) -> str:
    """Requests that give the ARN themselves."""
    given: Mapping[str, object] = exchange.document or exchange.form
    service = exchange.headers.get("x-amz-target", "")
    keys = _ARNS["states"] if service.startswith("AWSStepFunctions") else _ARNS["sns"]
    return next((text_at(given, key) for key in keys if text_at(given, key)), "*")


def _nothing(_exchange: Exchange, _place: Place) -> str:
    return "*"


def _context(prefix: str, exchange: Exchange) -> dict[str, str | list[str]]:
    if prefix != "cloudwatch":
        return {}
    document = exchange.document or cbor.read(exchange.body) or exchange.form
    namespace = text_at(document, "Namespace") if isinstance(document, dict) else ""
    return {"cloudwatch:namespace": namespace} if namespace else {}


_RESOURCES: dict[str, Callable[[Exchange, Place], str]] = {
    "sqs": _queue,
    "secretsmanager": _secret,
    "kms": _key,
    "ssm": _parameter,
    "events": _bus,
    "logs": _log,
    "athena": _workgroup,
    "cloudwatch": _nothing,
    "sts": _nothing,
    "xray": _nothing,
}
