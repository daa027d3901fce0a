"""What people would be told: a queue that hears every topic of a deployment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from penstock.adapters.aws.session import calling, client

NAME = "penstock-rehearsal"


class TopicInbox:
    """Hears topics.

    Args:
        topics: the ARN of each, by its name in the definition.
    """

    def __init__(self, topics: Mapping[str, str]) -> None:
        self._topics = dict(topics)
        self._url = ""

    def open(self) -> None:
        """Makes the queue and subscribes it to every topic."""
        if not self._topics:
            return
        sqs, sns = client("sqs"), client("sns")
        with calling("listen to the topics"):
            self._url = sqs.create_queue(QueueName=NAME)["QueueUrl"]
            asked = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
            arn = asked["Attributes"]["QueueArn"]
            sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": _policy(arn)})
            for topic in self._topics.values():
                sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def read(self) -> list[tuple[str, str, str]]:
        """Returns topic, subject and text of what has been heard since the last time."""
        return list(self._read())

    def close(self) -> None:
        """Removes the queue; subscriptions end with their topics."""
        if self._url:
            with calling("remove the queue"):
                client("sqs").delete_queue(QueueUrl=self._url)
            self._url = ""

    def _read(self) -> Iterator[tuple[str, str, str]]:
        if not self._url:
            return
        sqs = client("sqs")
        names = {arn: name for name, arn in self._topics.items()}
        with calling("read what was heard"):
            while found := sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
                for one in found:
                    envelope = json.loads(one["Body"])
                    arn = envelope["TopicArn"]
                    name = names.get(arn, arn)
                    # A message without a subject is told of by its topic's name here.
                    yield name, envelope.get("Subject") or name, text_of(envelope["Message"])
                    sqs.delete_message(QueueUrl=self._url, ReceiptHandle=one["ReceiptHandle"])


def text_of(message: str) -> str:
    """Returns the text of a message: queues get it as a document."""
    try:
        return str(json.loads(message)["body"])
    except (ValueError, TypeError, KeyError):
        return message


def _policy(queue: str) -> str:
    allowed = {
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": queue,
    }  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
