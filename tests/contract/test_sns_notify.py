import json
from typing import Any

import pytest

from penstock.adapters.aws.notify import SnsPublisher, subject_line
from penstock.adapters.aws.session import client
from penstock.errors import NotFoundError, UsageError, ValidationError
from penstock.model.topics import Topic
from penstock.testing.contracts.notify import a_message

ALERTS = Topic(name="alerts")


@pytest.fixture
def arn(aws: str) -> str:
    return str(client("sns").create_topic(Name="prod-alerts")["TopicArn"])


@pytest.fixture
def queue(arn: str) -> str:
    sqs = client("sqs")
    url = str(sqs.create_queue(QueueName="inbox")["QueueUrl"])
    queue_arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    return url


def received(queue: str) -> list[dict[str, Any]]:
    found = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(one["Body"]) for one in found]


def test_a_program_gets_the_whole_message(arn: str, queue: str) -> None:
    SnsPublisher({"alerts": arn}).publish(ALERTS, a_message(1))
    (envelope,) = received(queue)
    assert envelope["Subject"] == "ALARM 1: HighCPUUtilization"
    assert envelope["MessageAttributes"]["severity"]["Value"] == "CRITICAL"
    assert envelope["MessageAttributes"]["message_id"]["Value"] == "alarm-1"
    # moto delivers the default text to a queue, AWS the text for its protocol.
    assert "Threshold Crossed" in envelope["Message"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"), ("  two\nlines\t", "two lines"), ("übergröße", "?bergr??e"), ("", "(no subject)"),
        ("\n", "(no subject)"), ("x" * 99, "x" * 99), ("x" * 100, "x" * 96 + "..."),
    ],
)  # fmt: skip
def test_a_subject_is_one_line_of_ascii(text: str, line: str) -> None:
    assert subject_line(text) == line


def test_what_cannot_be_sent_is_refused(arn: str, queue: str) -> None:
    publisher = SnsPublisher({"alerts": arn})
    with pytest.raises(ValidationError, match="cannot be sent as JSON"):
        publisher.publish(ALERTS, a_message(1, data={"x": object()}))
    with pytest.raises(ValidationError, match="262144 are possible"):
        publisher.publish(ALERTS, a_message(1, body="x" * 262_144))
    assert received(queue) == []


def test_a_topic_that_is_not_there(arn: str) -> None:
    with pytest.raises(UsageError, match="no ARN"):
        SnsPublisher({}).publish(ALERTS, a_message())
    with pytest.raises(NotFoundError, match="publish to topic alerts"):
        SnsPublisher({"alerts": arn + "-gone"}).publish(ALERTS, a_message())
