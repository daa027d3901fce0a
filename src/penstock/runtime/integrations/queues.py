"""SQS's SendMessage, to a queue of the pipeline.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-sqs.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

from penstock.errors import NotFoundError, ValidationError
from penstock.model.access import Kind, QueueAction
from penstock.runtime.integrations.request import Request


def send_message(request: Request) -> dict[str, Any]:
    """Sends a message; once, also when the request is made again."""
    name = request.text("QueueUrl") or ""
    request.require(Kind.QUEUE, QueueAction.SEND, name)
    queue = request.definition.queues.get(name)
    if queue is None:
        raise _no_queue(request)
    for parameter in ("MessageGroupId", "MessageDeduplicationId"):
        if parameter in request.arguments:
            raise request.refusal("InvalidParameterValue", f"The request includes {parameter}, which is not valid for "
                                  "this queue type: queues of a pipeline are standard ones")  # fmt: skip
    body, attributes = request.as_text("MessageBody"), _attributes(request)
    try:
        message_id = request.ports.queues.send(
            queue, body, delay_seconds=request.number("DelaySeconds") or 0, attributes=attributes,
            token=request.call.token,
        )  # fmt: skip
    except NotFoundError as error:
        raise _no_queue(request) from error
    except ValidationError as error:
        code = "InvalidMessageContents" if "holds" in error.message else "InvalidParameterValue"
        raise request.refusal(code, error.message) from error
    answered = {"MD5OfMessageBody": _md5(body.encode()), "MessageId": message_id}
    if attributes:
        answered["MD5OfMessageAttributes"] = _md5(_encoded(attributes))
    return request.answer(answered)


def _no_queue(request: Request) -> Exception:
    return request.refusal("QueueDoesNotExist", "The specified queue does not exist.")


def _attributes(request: Request) -> dict[str, str]:
    """Returns the attributes' texts. Those of other types than String are refused, which SQS takes."""
    found = {}
    for name, given in request.object("MessageAttributes").items():
        kind = given.get("DataType") if isinstance(given, dict) else None
        value = given.get("StringValue") if isinstance(given, dict) else None
        if not isinstance(kind, str) or not isinstance(value, str):
            raise request.unusable(f"The value for the field '{name}' must have a DataType and a StringValue")
        if kind != "String":
            raise request.refusal("InvalidParameterValue", f"The message attribute '{name}' is of type {kind}: a "
                                  "machine's queues take String")  # fmt: skip
        found[name] = value
    return found


def _encoded(attributes: dict[str, str]) -> bytes:
    """Returns what SQS makes a digest of.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
    """
    parts = []
    for name, value in sorted(attributes.items()):
        parts += [_with_length(name), _with_length("String"), b"\x01", _with_length(value)]
    return b"".join(parts)


def _with_length(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("!I", len(encoded)) + encoded


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


ACTIONS = {"sendMessage": send_message}
