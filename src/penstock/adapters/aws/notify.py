"""Messages to the subscribers of SNS topics.

People get text, programs the message as JSON. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from penstock.adapters.aws.session import calling, client
from penstock.errors import UsageError, ValidationError
from penstock.model.topics import Topic
from penstock.ports.notify import Message

SUBJECT_LIMIT = 99
MESSAGE_LIMIT_BYTES = 256 * 1024
PROGRAM_PROTOCOLS = ("http", "https", "lambda", "sqs", "firehose")


class SnsPublisher:
    """Topics of SNS.

    SNS delivers at least once and knows no repeated message: the message's id is in the attribute ``message_id``, and
    in the JSON, for receivers to tell by. Subscriptions can be filtered by the attribute ``severity``.

    Args:
        arns: the ARN of each topic, by its name in the definition.
    """

    def __init__(self, arns: Mapping[str, str], *, region: str | None = None) -> None:
        self._arns = dict(arns)
        self._client = client("sns", region=region)

    def publish(self, topic: Topic, message: Message) -> None:
        arn = self._arns.get(topic.name)
        if arn is None:
            raise UsageError(f"topic {topic.name!r} has no ARN here", hint="grant it in may=[…], then deploy again")
        attributes = {"message_id": message.id, "severity": message.severity}
        body = _body(message)
        with calling(f"publish to topic {topic.name}"):
            self._client.publish(
                TopicArn=arn,
                Subject=subject_line(message.subject),
                Message=body,
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )


def subject_line(text: str) -> str:
    """Returns a text as a subject that SNS takes: ASCII, one line, less than 100 characters, no blank at its ends."""
    printable = "".join(one if " " <= one <= "~" else "?" if one.isprintable() else " " for one in text)
    line = " ".join(printable.split())
    return (line if len(line) <= SUBJECT_LIMIT else line[: SUBJECT_LIMIT - 3] + "...") or "(no subject)"


def _body(message: Message) -> str:
    try:
        data = msgspec.json.encode(message).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValidationError(
            f"message {message.id!r} cannot be sent as JSON: {error}",
            hint="publish strings, numbers, booleans, lists and dictionaries with string keys",
        ) from error
    body = json.dumps({"default": message.body or message.subject, **dict.fromkeys(PROGRAM_PROTOCOLS, data)})
    if len(body.encode()) > MESSAGE_LIMIT_BYTES:
        raise ValidationError(
            f"message {message.id!r} has {len(body.encode())} bytes, {MESSAGE_LIMIT_BYTES} are possible",
            hint="put large content into the lake, and its key into the message",
        )
    return body
