"""Service integrations: request-response, ``.sync`` and ``.waitForTaskToken``."""

from __future__ import annotations

from typing import Any

from tests.differential.case import ECHO, Case, Fails, alone, chain
from tests.differential.cases.errors import QUEUE

LAMBDA = "connect-lambda"
INVOKE = "arn:aws:states:::lambda:invoke"
ITEM = {"pk": {"S": "one"}, "count": {"N": "1"}}


def calls(resource: str, parameters: dict[str, Any], **fields: Any) -> dict[str, Any]:
    name = resource if resource.startswith("arn:") else f"arn:aws:states:::{resource}"
    return alone(Type="Task", Resource=name, Parameters=parameters, **fields)


def asks(answer: str, fields: dict[str, Any] | None = None, **told: Any) -> dict[str, Any]:
    """Returns a machine whose task waits for its token, with what the answerer is asked to do with it."""
    body = {"token.$": "$$.Task.Token", "answer": answer, **told}
    parameters = {"QueueUrl": f"{QUEUE}/callbacks", "MessageBody": body}
    return calls("sqs:sendMessage.waitForTaskToken", parameters, **(fields or {}))


GOT = {"Item": ITEM}
TASKS = [
    Case("task/function", LAMBDA, alone(Type="Task", Resource=ECHO), {"x": [1, None]}),
    Case("task/function-parameters", LAMBDA, alone(Type="Task", Resource=ECHO, Parameters={"y.$": "$.x"}), {"x": 1}),
    Case("task/function-result-path", LAMBDA, alone(Type="Task", Resource=ECHO, ResultPath="$.r"), {"x": 1}),
    Case("task/function-of-text", LAMBDA, alone(Type="Task", Resource=ECHO), "text"),
    Case("task/invoke", LAMBDA, calls(INVOKE, {"FunctionName": "echo", "Payload.$": "$"}, OutputPath="$.Payload"),
         {"x": 1}),
    Case("task/invoke-selected", LAMBDA,
         calls(INVOKE, {"FunctionName": "echo", "Payload": {"a": 1}}, ResultSelector={"p.$": "$.Payload.a"})),
    Case("task/invoke-arn", LAMBDA, calls(INVOKE, {"FunctionName": ECHO, "Payload": {"a.$": "$.x"}},
                                          OutputPath="$.Payload"), {"x": 1}),
    Case("task/two", LAMBDA, chain(
        A={"Type": "Task", "Resource": ECHO, "Parameters": {"n.$": "$.x"}, "ResultPath": "$.first"},
        B={"Type": "Task", "Resource": ECHO, "InputPath": "$.first"}), {"x": 7}),
    Case("task/get-item", "connect-ddb",
         calls("dynamodb:getItem", {"TableName": "items", "Key": {"pk": {"S": "one"}}},
               ResultSelector={"i.$": "$.Item"}), answers={"S": [GOT]}),
    Case("task/get-item-key-of-path", "connect-ddb",
         calls("dynamodb:getItem", {"TableName": "items", "Key": {"pk": {"S.$": "$.k"}}},
               ResultSelector={"n.$": "$.Item.count.N"}), {"k": "one"}, {"S": [GOT]}),
    Case("task/put-item", "connect-ddb",
         calls("dynamodb:putItem", {"TableName": "items", "Item": {"pk": {"S": "two"}}}, ResultPath=None), {"x": 1},
         {"S": [{}]}),
    Case("task/update-item", "connect-ddb",
         calls("dynamodb:updateItem", {"TableName": "items", "Key": {"pk": {"S": "three"}},
               "UpdateExpression": "SET a = :a",
               "ExpressionAttributeValues": {":a": {"N": "1"}}}, ResultPath=None), {"x": 1}, {"S": [{}]}),
    Case("task/delete-item", "connect-ddb",
         calls("dynamodb:deleteItem", {"TableName": "items", "Key": {"pk": {"S": "four"}}}, ResultPath=None), {"x": 1},
         {"S": [{}]}),
    Case("task/no-table", "connect-ddb",
         calls("dynamodb:getItem", {"TableName": "nothing", "Key": {"pk": {"S": "one"}}}),
         answers={"S": [Fails("DynamoDB.ResourceNotFoundException")]}),
    Case("task/sdk-get-item", "supported-services-awssdk",
         calls("aws-sdk:dynamodb:getItem", {"TableName": "items", "Key": {"pk": {"S": "one"}}},
               ResultSelector={"i.$": "$.Item"}), answers={"S": [GOT]}),
    Case("task/sdk-no-table", "supported-services-awssdk",
         calls("aws-sdk:dynamodb:getItem", {"TableName": "nothing", "Key": {"pk": {"S": "one"}}}),
         answers={"S": [Fails("DynamoDb.ResourceNotFoundException")]}),
    Case("task/sdk-get-object", "supported-services-awssdk",
         calls("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": "items.json"}, ResultSelector={"b.$": "$.Body"}),
         answers={"S": [{"Body": "[1, 2, 3]"}]}),
    Case("task/sdk-no-object", "supported-services-awssdk",
         calls("aws-sdk:s3:getObject", {"Bucket": "lake", "Key": "nothing"}),
         answers={"S": [Fails("S3.NoSuchKeyException")]}),
    Case("task/send-message", "connect-sqs",
         calls("sqs:sendMessage", {"QueueUrl": f"{QUEUE}/work", "MessageBody.$": "$.m"}, ResultPath=None),
         {"m": {"x": 1}}, {"S": [{}]}),
    Case("task/publish", "connect-sns",
         calls("sns:publish", {"TopicArn": "arn:aws:sns:eu-central-1:123456789012:alerts", "Message.$": "$.m"},
               ResultPath=None), {"m": "hello"}, {"S": [{}]}),
    Case("task/put-events", "connect-eventbridge",
         calls("events:putEvents", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": {"x.$": "$.x"}}]},
               ResultSelector={"f.$": "$.FailedEntryCount"}), {"x": 1}, {"S": [{"FailedEntryCount": 0}]}),
    Case("token/succeed", "connect-to-resource", asks("succeed", output={"done": True}),
         answers={"S": [{"done": True}]}),
    Case("token/succeed-with-null", "connect-to-resource", asks("succeed", output=None), answers={"S": [None]}),
    Case("token/fail", "connect-to-resource", asks("fail", error="Bad", cause="why"),
         answers={"S": [Fails("Bad", "why")]}),
    Case("token/succeed-with-selector", "connect-to-resource",
         asks("succeed", {"ResultSelector": {"x.$": "$.a"}}, output={"a": 1, "b": 2}),
         answers={"S": [{"a": 1, "b": 2}]}),
]  # fmt: skip
