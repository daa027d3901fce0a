"""SNS's Publish, to a topic of the pipeline.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from penstock.model.access import Kind, TopicAction
from penstock.ports.notify import Message
from penstock.runtime.integrations.request import Request

MESSAGE_LIMIT_BYTES = 262_144
_SUBJECT = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,98}")


def publish(request: Request) -> dict[str, Any]:
    """Publishes a message; each subscriber gets it once, also when the request is made again."""
    name = request.text("TopicArn")
    if name is None:
        raise request.refusal("InvalidParameter", "Invalid parameter: TopicArn or TargetArn Reason: no value for "
                              "required parameter; on a machine only topics can be published to")  # fmt: skip
    request.require(Kind.TOPIC, TopicAction.PUBLISH, name)
    topic = request.definition.topics.get(name)
    if topic is None:
        raise request.refusal("NotFound", "Topic does not exist", 404)
    for parameter in ("MessageGroupId", "MessageDeduplicationId"):
        if parameter in request.arguments:
            raise request.refusal("InvalidParameter", f"Invalid parameter: {parameter} Reason: The request includes "
                                  f"{parameter} parameter that is not valid for this topic type")  # fmt: skip
    body = _body(request)
    message = Message(
        id=request.id,
        topic=name,
        subject=_subject(request) or name,
        body=body,
        data=_data(request, body),
        created_at=request.ports.clock.now(),
    )
    request.ports.topics.publish(topic, message)
    return request.answer({"MessageId": request.id})


def _body(request: Request) -> str:
    body = request.as_text("Message")
    if not body:
        raise request.refusal("InvalidParameter", "Invalid parameter: Empty message")
    if len(body.encode()) > MESSAGE_LIMIT_BYTES:
        raise request.refusal("InvalidParameter", "Invalid parameter: Message too long")
    structure = request.text("MessageStructure")
    if structure is None:
        return body
    if structure != "json":
        raise request.refusal("InvalidParameter", "Invalid parameter: MessageStructure must be json")
    try:
        default = msgspec.json.decode(body)["default"]
    except (msgspec.DecodeError, KeyError, TypeError):
        default = None
    if not isinstance(default, str):
        raise request.refusal(
            "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body"
        )
    return default


def _subject(request: Request) -> str | None:
    subject = request.text("Subject")
    if subject is not None and not _SUBJECT.fullmatch(subject):
        raise request.refusal("InvalidParameter", "Invalid parameter: Subject")
    return subject


def _data(request: Request, body: str) -> dict[str, Any] | None:
    """Returns what programs get beside the text: the message if it is an object, and its attributes if it has any."""
    given, attributes = request.arguments["Message"], request.object("MessageAttributes")
    if attributes:
        return {"Message": given if isinstance(given, dict) else body, "MessageAttributes": attributes}
    return given if isinstance(given, dict) else None


ACTIONS = {"publish": publish}
