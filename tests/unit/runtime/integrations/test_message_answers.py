"""What SNS, SQS and EventBridge answer to a workflow, and how they refuse.

Shapes and error codes: the API reference of the service.
"""

import hashlib
import json
from typing import Any

import pytest
from tests.unit.runtime.integrations.conftest import EVENT, Services

from penstock.runtime.machine.home import Home


class TestMessages:
    def test_a_message_to_a_topic(self, services: Services, home: Home) -> None:
        asked = {"TopicArn": "alerts", "Message": {"order": 7}, "Subject": "An order"}
        answered = services.call("sns:publish", asked, token="run/once")
        services.call("sns:publish", asked, token="run/once")
        (row,) = home.outbox.rows()
        assert answered == {"MessageId": row.message.id}
        assert (row.message.subject, row.message.body) == ("An order", '{"order":7}')
        assert row.message.data == {"order": 7}

    def test_a_message_for_each_protocol(self, services: Services, home: Home) -> None:
        text = json.dumps({"default": "plain", "email": "long"})
        services.call("sns:publish", {"TopicArn": "alerts", "Message": text, "MessageStructure": "json"})
        assert home.outbox.rows()[0].message.body == "plain"

    @pytest.mark.parametrize(
        "wrong",
        [{"Message": ""}, {"Subject": ""}, {"Subject": "two\nlines"}, {"Subject": "é"}, {"Subject": "x" * 101},
         {"Message": "x" * 262_145}, {"MessageStructure": "json"}, {"MessageStructure": "xml"}],
    )  # fmt: skip
    def test_what_sns_refuses(self, services: Services, wrong: dict[str, Any]) -> None:
        asked = {"TopicArn": "alerts", "Message": "hi"} | wrong
        assert services.error("sns:publish", asked)[0] == "SNS.InvalidParameterException"

    def test_a_message_to_a_queue(self, services: Services, home: Home) -> None:
        attributes = {"kind": {"DataType": "String", "StringValue": "new"}}
        asked = {"QueueUrl": "jobs", "MessageBody": {"order": 7}, "MessageAttributes": attributes}
        answered = services.call("sqs:sendMessage", asked, token="run/once")
        assert services.call("sqs:sendMessage", asked, token="run/once") == answered
        (received,) = home.queues.receive(services.definition.queues["jobs"])
        assert received.body == '{"order":7}'
        assert received.attributes["kind"] == "new"
        assert answered["MessageId"] == received.id
        assert answered["MD5OfMessageBody"] == hashlib.md5(b'{"order":7}', usedforsecurity=False).hexdigest()

    def test_what_sqs_refuses(self, services: Services) -> None:
        asked = {"QueueUrl": "jobs", "MessageBody": "hi"}
        wrong: dict[str, dict[str, Any]] = {
            "SQS.InvalidMessageContentsException": {"MessageBody": "\x00"},
            "SQS.AmazonSQSException": {"DelaySeconds": 901},
        }
        for expected, more in wrong.items():
            assert services.error("sqs:sendMessage", asked | more)[0] == expected
        assert services.error("sqs:sendMessage", asked | {"MessageGroupId": "g"})[0] == "SQS.AmazonSQSException"

    def test_an_event_for_a_bus(self, services: Services, home: Home) -> None:
        answered = services.call("events:putEvents", {"Entries": [EVENT]}, token="run/once")
        services.call("events:putEvents", {"Entries": [EVENT]}, token="run/once")
        (event,) = home.events.due(["happenings"], 10)
        assert answered == {"Entries": [{"EventId": event.id}], "FailedEntryCount": 0}
        assert json.loads(event.detail) == {"id": 7}
        # The guide: the ARNs of the execution and of the state machine are appended.
        assert [arn.split(":")[5] for arn in event.resources] == ["execution", "stateMachine"]

    def test_an_entry_that_fails(self, services: Services, home: Home) -> None:
        entries = {"Entries": [EVENT, EVENT | {"Detail": "no JSON"}, {"EventBusName": "happenings"}]}
        error, cause = services.error("events:putEvents", entries)
        assert error == "EventBridge.FailedEntry"
        assert json.loads(cause)["FailedEntryCount"] == 2
        sdk = services.call("aws-sdk:eventbridge:putEvents", entries)
        assert [entry.get("ErrorCode") for entry in sdk["Entries"]] == [None, "MalformedDetail", "InvalidArgument"]
        # The good entry was taken each time.
        assert len(home.events.due(["happenings"], 10)) == 2
