"""What each type of state may be, rule by rule.

SPEC: https://states-language.net/spec.html. DG: the AWS Step Functions developer guide. MEASURED: what AWS answered to
others, in the public issue that is named.
"""

import json
from typing import Any

import pytest

from penstock.states import lint, parse

TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
PASS = {"Type": "Pass", "End": True}
WAIT = {"Type": "Wait", "End": True}
JSONATA = {"QueryLanguage": "JSONata"}


def rule(**fields: Any) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": [{"Variable": "$.v", "Next": "Z", **fields}]}


def rules(*choices: Any, **fields: Any) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": list(choices), **fields}


def condition(value: Any, **fields: Any) -> dict[str, Any]:
    return {**JSONATA, "Type": "Choice", "Choices": [{"Condition": value, "Next": "Z", **fields}]}


def resource(text: Any, **fields: Any) -> dict[str, Any]:
    return {**TASK, "Resource": text, **fields}


def retry(*errors: str, **fields: Any) -> dict[str, Any]:
    return {**TASK, "Retry": [{"ErrorEquals": list(errors) or ["E"], **fields}]}


def catch(*errors: str, **fields: Any) -> dict[str, Any]:
    return {**TASK, "Catch": [{"ErrorEquals": list(errors) or ["E"], "Next": "Z", **fields}]}


def findings(state: Any) -> list[tuple[str, str]]:
    document = {"StartAt": "S", "States": {"S": state, "Z": {"Type": "Succeed"}}}
    text = json.dumps(document)
    found = [(one.where.removeprefix("$.States.S").removeprefix("."), one.code) for one in lint(text)]
    found = [one for one in found if one != ("$.States.Z", "unreachable")]
    if not found and not lint(text):
        parse(text)
    return found


ARN = "arn:aws:states:::"
ACCEPTED: list[tuple[str, Any]] = [
    ("SPEC, Pass State", {**PASS, "Result": {"x": [1]}, "ResultPath": "$.r"}),
    ("SPEC, Pass State", {**PASS, "Parameters": {"a.$": "$.b", "c": "d"}, "InputPath": None, "OutputPath": None}),
    ("DG, context object: where it can be read", {**PASS, "InputPath": "$$.Execution.Input", "OutputPath": "$$"}),
    ("DG, variables in JSONPath", {**PASS, "InputPath": "$order.items[0]", "Assign": {"n.$": "$.n", "m": 1}}),
    ("SPEC, ResultPath: null", {**PASS, "ResultPath": None}),
    ("SPEC, Intrinsic Functions", {**PASS, "Parameters": {"a.$": "States.Format('{}', $.b)"}}),
    ("SPEC, Payload Template: arrays", {**PASS, "Parameters": {"a": [{"b.$": "$.c"}]}}),
    *(("MEASURED, amazon-states-language-service pull request 83: any JSON", {**PASS, "Parameters": value})
      for value in (1, [{"a.$": "$.b"}], {}, True, "$", None)),
    ("MEASURED, aws-local-stepfunctions pull request 83: any JSON", {**TASK, "ResultSelector": [1, {"a.$": "$.b"}]}),
    ("SPEC, Task State", {**TASK, "TimeoutSeconds": 99_999_999, "HeartbeatSeconds": 1, "Comment": "c"}),
    ("SPEC, Task State", {**TASK, "TimeoutSecondsPath": "$.t", "HeartbeatSecondsPath": "$.h"}),
    ("DG, Task: Credentials", {**TASK, "Credentials": {"RoleArn": "arn:aws:iam::123456789012:role/R"}}),
    ("DG, Task: Credentials", {**TASK, "Credentials": {"RoleArn.$": "$.role"}}),
    ("DG, Task: Credentials", {**JSONATA, **TASK, "Credentials": {"RoleArn": "{% $states.input.role %}"}}),
    ("DG, Task: a function", resource("arn:aws:lambda:us-east-1:123456789012:function:F")),
    ("DG, Task: a version", resource("arn:aws:lambda:us-east-1:123456789012:function:F:$LATEST")),
    ("DG, Task: an activity", resource("arn:aws:states:us-east-1:123456789012:activity:Get-Name")),
    ("DG, Task: partitions", resource("arn:aws-cn:states:::lambda:invoke")),
    ("DG, service integration patterns", resource(ARN + "sqs:sendMessage.waitForTaskToken")),
    ("DG, service integration patterns", resource(ARN + "glue:startJobRun.sync")),
    ("DG, StartExecution", resource(ARN + "states:startExecution.sync:2")),
    ("DG, SDK integrations", resource(ARN + "aws-sdk:dynamodb:getItem.waitForTaskToken")),
    ("DG, HTTP tasks", resource(ARN + "http:invoke")),
    ("SPEC, Retrying", retry("E", IntervalSeconds=1, MaxAttempts=0, BackoffRate=1, MaxDelaySeconds=31_622_400)),
    ("SPEC, Retrying", retry("States.ALL", JitterStrategy="NONE", MaxAttempts=99_999_999, BackoffRate=1.5)),
    ("SPEC, Retrying: a list may be empty", {**TASK, "Retry": [], "Catch": []}),
    ("SPEC, Appendix A: names", retry("States.Timeout", "States.TaskFailed", "States.Permissions", "My.Error")),
    ("DG, Error names", retry("States.ItemReaderFailed", "States.ResultWriterFailed", "States.Runtime")),
    ("DG, Error names", retry("States.ExceedToleratedFailureThreshold", "States.DataLimitExceeded")),
    ("DG, HTTP tasks: errors", retry("States.Http.StatusCode.429", "States.Http.Socket")),
    ("SPEC, Fallback States", catch("States.ALL", ResultPath="$.error", Assign={"e.$": "$.Cause"}, Comment="c")),
    ("SPEC, Fallback States", {**JSONATA, **catch("E", Output="{% $states.errorOutput %}", Assign={"e": 1})}),
    ("SPEC, Choice State: no Default", rule(StringEquals="x")),
    ("SPEC, Choice State: And, Or, Not", rules({"Not": {"Variable": "$.x", "IsNull": True}, "Next": "Z"}, {
        "And": [{"Or": [{"Variable": "$.x", "IsPresent": False}]}], "Next": "Z"})),
    ("SPEC, Choice State: StringMatches", rule(StringMatches="a\\*b*\\\\")),
    ("SPEC, Choice State: Path forms", rule(TimestampGreaterThanEqualsPath="$.other")),
    ("DG, context object: Variable", rule(Variable="$$.Execution.Name", StringEqualsPath="$$.State.Name")),
    ("SPEC, Choice State: timestamps", rule(TimestampEquals="2016-08-18T17:33:00.123Z")),
    ("SPEC, Choice State: Assign", rule(IsNull=True, Assign={"x": 1}, Comment="c")),
    ("DG, Choice: Condition", condition(True)),
    ("DG, Choice: Condition", condition("{% $states.input.n > 1 %}", Output={}, Assign={"a": 1}, Comment="c")),
    ("SPEC, Wait State", {**WAIT, "Seconds": 0}),
    ("SPEC, Wait State", {**WAIT, "Seconds": 99_999_999}),
    ("SPEC, Wait State", {**WAIT, "SecondsPath": "$.s"}),
    ("SPEC, Wait State", {**WAIT, "Timestamp": "2016-03-14T01:59:00Z"}),
    ("SPEC, Wait State", {**WAIT, "TimestampPath": "$.t", "Assign": {"a": 1}}),
    ("DG, Wait: JSONata", {**JSONATA, **WAIT, "Seconds": "{% $states.input.s %}", "Output": "{% 1 %}"}),
    ("SPEC, Succeed State", {"Type": "Succeed", "InputPath": "$.a", "OutputPath": "$.b"}),
    ("DG, Succeed: JSONata", {**JSONATA, "Type": "Succeed", "Output": "{% $states.input %}"}),
    ("SPEC, Fail State", {"Type": "Fail"}),
    ("SPEC, Fail State", {"Type": "Fail", "Error": "E", "CausePath": "States.Format('{}', $.c)"}),
    ("DG, Fail: JSONata", {**JSONATA, "Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "c"}),
    ("DG, Task: JSONata", {**JSONATA, **TASK, "Arguments": {"a": "{% $states.input %}"}, "TimeoutSeconds": "{% 5 %}",
                           "Output": "{% $states.result %}", "Assign": {"x": "{% $states.result.y %}"}}),
]  # fmt: skip

REFUSED: list[tuple[str, Any, str, str]] = [
    ("SPEC, Paths", {**PASS, "InputPath": "a"}, "InputPath", "path"),
    ("SPEC, Paths", {**PASS, "OutputPath": 1}, "OutputPath", "path"),
    ("statelint: InputPath takes no function", {**PASS, "InputPath": "States.UUID()"}, "InputPath", "path"),
    ("SPEC, Reference Paths", {**PASS, "ResultPath": "$.a[*]"}, "ResultPath", "path"),
    ("SPEC, Reference Paths", {**PASS, "ResultPath": "$..a"}, "ResultPath", "path"),
    ("SPEC, ResultPath: no context object", {**PASS, "ResultPath": "$$.Map"}, "ResultPath", "path"),
    ("DG, variables: not in ResultPath", {**PASS, "ResultPath": "$var.x"}, "ResultPath", "path"),
    ("SPEC, Payload Template", {**PASS, "Parameters": {"a.$": 1}}, "Parameters.a.$", "path"),
    ("SPEC, Payload Template", {**PASS, "Parameters": {"a.$": "b"}}, "Parameters.a.$", "path"),
    ("SPEC, Payload Template", {**PASS, "Parameters": {"x": [{"a.$": "$.["}]}}, "Parameters.x[0].a.$", "path"),
    ("SPEC, Payload Template: a field twice", {**PASS, "Parameters": {"a": 1, "a.$": "$.b"}}, "Parameters.a.$", "both"),
    ("SPEC, Intrinsic Functions", {**PASS, "Parameters": {"a.$": "States.format('')"}}, "Parameters.a.$", "intrinsic"),
    ("SPEC, ResultSelector", {**TASK, "ResultSelector": [{"a.$": "b"}]}, "ResultSelector[0].a.$", "path"),
    ("SPEC, state fields: ResultSelector", {**PASS, "ResultSelector": {}}, "ResultSelector", "unknown-field"),
    ("SPEC, state fields: Parameters", {**WAIT, "Seconds": 1, "Parameters": {}}, "Parameters", "unknown-field"),
    ("SPEC, state fields: ResultPath", {**WAIT, "Seconds": 1, "ResultPath": None}, "ResultPath", "unknown-field"),
    ("SPEC, Task State: Resource MUST be there", {"Type": "Task", "End": True}, "", "required"),
    ("SPEC, Task State: Resource", resource(1), "Resource", "type"),
    ("SPEC, Task State: Resource", resource(""), "Resource", "value"),
    ("API, INVALID_RESOURCE", resource("collect"), "Resource", "resource"),
    ("API, INVALID_RESOURCE", resource("${FunctionArn}"), "Resource", "resource"),
    ("API, INVALID_RESOURCE", resource("arn:aws:sns:us-east-1:123456789012:topic"), "Resource", "resource"),
    ("API, INVALID_RESOURCE", resource(ARN + "lambda"), "Resource", "resource"),
    ("DG, service integration patterns", resource(ARN + "sqs:sendMessage.wait"), "Resource", "resource"),
    ("DG, service integration patterns", resource(ARN + "glue:startJobRun.sync:2"), "Resource", "resource"),
    ("DG, SDK integrations: no .sync", resource(ARN + "aws-sdk:glue:startJobRun.sync"), "Resource", "resource"),
    ("DG, Task: TimeoutSeconds", {**TASK, "TimeoutSeconds": 0}, "TimeoutSeconds", "value"),
    ("DG, Task: HeartbeatSeconds", {**TASK, "HeartbeatSeconds": True}, "HeartbeatSeconds", "value"),
    ("SPEC, Timeouts: heartbeat < timeout", {**TASK, "TimeoutSeconds": 5, "HeartbeatSeconds": 5}, "HeartbeatSeconds",
     "value"),
    ("SPEC, Timeouts: one of both", {**TASK, "TimeoutSeconds": 5, "TimeoutSecondsPath": "$.t"}, "", "both"),
    ("SPEC, Timeouts: a reference path", {**TASK, "TimeoutSecondsPath": "$.t[*]"}, "TimeoutSecondsPath", "path"),
    ("DG, context object: not in times", {**TASK, "HeartbeatSecondsPath": "$$.x"}, "HeartbeatSecondsPath", "path"),
    ("DG, Task: Credentials", {**TASK, "Credentials": "arn"}, "Credentials", "type"),
    ("DG, Task: Credentials", {**TASK, "Credentials": {}}, "Credentials", "required"),
    ("DG, Task: Credentials", {**TASK, "Credentials": {"RoleArn": "R"}}, "Credentials.RoleArn", "value"),
    ("SPEC, Retrying: ErrorEquals", {**TASK, "Retry": [{}]}, "Retry[0].ErrorEquals", "required"),
    ("SPEC, Retrying: ErrorEquals", {**TASK, "Retry": [{"ErrorEquals": []}]}, "Retry[0].ErrorEquals", "required"),
    ("SPEC, Retrying: ErrorEquals", {**TASK, "Retry": [{"ErrorEquals": "E"}]}, "Retry[0].ErrorEquals", "required"),
    ("SPEC, Retrying: an array", {**TASK, "Retry": {}}, "Retry", "type"),
    ("SPEC, Retrying: IntervalSeconds", retry(IntervalSeconds=0), "Retry[0].IntervalSeconds", "value"),
    ("SPEC, Retrying: IntervalSeconds", retry(IntervalSeconds=1.5), "Retry[0].IntervalSeconds", "value"),
    ("SPEC, Retrying: MaxAttempts", retry(MaxAttempts=-1), "Retry[0].MaxAttempts", "value"),
    ("DG, Retry: MaxAttempts", retry(MaxAttempts=100_000_000), "Retry[0].MaxAttempts", "value"),
    ("SPEC, Retrying: BackoffRate", retry(BackoffRate=0.9), "Retry[0].BackoffRate", "value"),
    ("DG, Retry: MaxDelaySeconds", retry(MaxDelaySeconds=31_622_401), "Retry[0].MaxDelaySeconds", "value"),
    ("SPEC, Retrying: MaxDelaySeconds", retry(IntervalSeconds=5, MaxDelaySeconds=5), "Retry[0].MaxDelaySeconds",
     "value"),
    ("SPEC, Retrying: JitterStrategy", retry(JitterStrategy="HALF"), "Retry[0].JitterStrategy", "value"),
    ("SPEC, Retrying: States.ALL alone", retry("States.ALL", "E"), "Retry[0].ErrorEquals", "all"),
    ("SPEC, Retrying: States.ALL last", {**TASK, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]},
     "Retry[0].ErrorEquals", "all"),
    ("SPEC, Error names: reserved", retry("States.Timedout"), "Retry[0].ErrorEquals[0]", "error-name"),
    ("SPEC, Error names: reserved", catch("E", "States.Mine"), "Catch[0].ErrorEquals[1]", "error-name"),
    ("SPEC, Fallback States: Next", {**TASK, "Catch": [{"ErrorEquals": ["E"]}]}, "Catch[0]", "required"),
    ("SPEC, Fallback States: ResultPath", catch(ResultPath="$.a[*]"), "Catch[0].ResultPath", "path"),
    ("MEASURED, floci issue 2968: Output in JSONPath", catch(Output=1), "Catch[0].Output", "query-language"),
    ("SPEC, Choice State: Choices", {"Type": "Choice", "Choices": []}, "Choices", "type"),
    ("SPEC, Choice State: Choices", rules("x"), "Choices[0]", "type"),
    ("SPEC, Choice State: Next", rules({"Variable": "$.v", "IsNull": True}), "Choices[0]", "required"),
    ("SPEC, Choice State: one operator", rule(IsNull=True, IsString=True), "Choices[0]", "rule"),
    ("SPEC, Choice State: one operator", rule(), "Choices[0]", "rule"),
    ("SPEC, Choice State: no Next in inner rules", rules(
        {"Not": {"Variable": "$.v", "IsNull": True, "Next": "Z"}, "Next": "Z"}), "Choices[0].Not.Next",
     "unknown-field"),
    ("SPEC, Choice State: And is not empty", rules({"And": [], "Next": "Z"}), "Choices[0].And", "type"),
    ("SPEC, Choice State: Variable", rule(Variable="v", IsNull=True), "Choices[0].Variable", "path"),
    ("DG, Choice: Variable is a reference path", rule(Variable="$.v[*]", IsNull=True), "Choices[0].Variable", "path"),
    ("SPEC, Choice State: operands", rule(NumericEquals="1"), "Choices[0].NumericEquals", "type"),
    ("SPEC, Choice State: operands", rule(NumericEquals=True), "Choices[0].NumericEquals", "type"),
    ("SPEC, Choice State: operands", rule(StringLessThan=1), "Choices[0].StringLessThan", "type"),
    ("SPEC, Choice State: operands", rule(IsPresent="true"), "Choices[0].IsPresent", "type"),
    ("SPEC, Choice State: operands", rule(TimestampEquals="2016-08-18"), "Choices[0].TimestampEquals", "type"),
    ("SPEC, Timestamps: T and Z", rule(TimestampEquals="2016-08-18t17:33:00z"), "Choices[0].TimestampEquals", "type"),
    ("SPEC, Choice State: operands", rule(NumericEqualsPath="x"), "Choices[0].NumericEqualsPath", "type"),
    ("SPEC, Choice State: open escape", rule(StringMatches="a\\b"), "Choices[0].StringMatches", "value"),
    ("DG, Choice: JSONata rules", condition("{% true %}", Variable="$.x"), "Choices[0].Variable", "query-language"),
    ("DG, Choice: Condition", condition("true"), "Choices[0].Condition", "type"),
    ("DG, Choice: Condition", rules({"Next": "Z"}, **JSONATA), "Choices[0]", "required"),
    ("SPEC, Wait State: exactly one", WAIT, "", "wait"),
    ("SPEC, Wait State: exactly one", {**WAIT, "Seconds": 1, "SecondsPath": "$.s"}, "", "wait"),
    ("SPEC, Wait State", {**WAIT, "Seconds": -1}, "Seconds", "value"),
    ("API, Maximum value is 99999999 (cfn-lint issue 4075)", {**WAIT, "Seconds": 10**8}, "Seconds", "value"),
    ("SPEC, Wait State", {**WAIT, "Seconds": "5"}, "Seconds", "value"),
    ("SPEC, Wait State", {**WAIT, "Timestamp": "2016-03-14T01:59:00"}, "Timestamp", "value"),
    ("SPEC, Wait State", {**WAIT, "TimestampPath": "$..t"}, "TimestampPath", "path"),
    ("DG, Wait: JSONata", {**JSONATA, **WAIT, "Timestamp": None}, "Timestamp", "value"),
    ("SPEC, Fail State: one of both", {"Type": "Fail", "Error": "e", "ErrorPath": "$.e"}, "", "both"),
    ("SPEC, Fail State", {"Type": "Fail", "Error": 1}, "Error", "type"),
    ("SPEC, Fail State", {"Type": "Fail", "CausePath": "$.c[*]"}, "CausePath", "path"),
    ("SPEC, Fail State: no InputPath", {"Type": "Fail", "InputPath": "$"}, "InputPath", "unknown-field"),
    ("SPEC, Succeed State: no ResultPath", {"Type": "Succeed", "ResultPath": "$"}, "ResultPath", "unknown-field"),
    ("MEASURED, floci issue 2968: JSONata's fields", {**PASS, "Output": 1}, "Output", "query-language"),
    ("SPEC, JSONata: JSONPath's fields", {**JSONATA, **PASS, "Parameters": {}}, "Parameters", "query-language"),
    ("SPEC, JSONata: JSONPath's fields", {**JSONATA, **PASS, "Result": 1}, "Result", "query-language"),
    ("DG, Task: Arguments", {**JSONATA, **TASK, "Arguments": [1]}, "Arguments", "type"),
    ("DG, Task: Arguments", {**JSONATA, **TASK, "Arguments": "text"}, "Arguments", "type"),
    ("DG, JSONata: expressions", {**JSONATA, **PASS, "Output": "{% 1 + %}"}, "Output", "jsonata"),
    ("DG, JSONata: no spaces around", {**JSONATA, **PASS, "Output": {"a": " {% 1 %}"}}, "Output.a", "jsonata"),
    ("DG, JSONata: $states.result", {**JSONATA, **TASK, "Arguments": "{% $states.result %}"}, "Arguments", "jsonata"),
    ("DG, JSONata: $states.errorOutput", {**JSONATA, **TASK, "Output": "{% $states.errorOutput %}"}, "Output",
     "jsonata"),
    ("DG, JSONata: top-level names", {**JSONATA, **PASS, "Output": "{% phone %}"}, "Output", "jsonata"),
    ("DG, variables: names", {**PASS, "Assign": {"a-b": 1}}, "Assign.a-b", "variable"),
    ("DG, variables: names", {**PASS, "Assign": {"_a": 1}}, "Assign._a", "variable"),
    ("DG, variables: states is reserved", {**PASS, "Assign": {"states": 1}}, "Assign.states", "variable"),
    ("DG, variables: 80 characters", {**PASS, "Assign": {"a" * 81: 1}}, f"Assign.{'a' * 81}", "variable"),
    ("DG, variables: an object", {**PASS, "Assign": []}, "Assign", "variable"),
    ("DG, variables: not in Succeed", {"Type": "Succeed", "Assign": {"a": 1}}, "Assign", "unknown-field"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "state"), ACCEPTED)
def test_what_is_accepted(section: str, state: Any) -> None:
    assert findings(state) == [], section


@pytest.mark.parametrize(("section", "state", "where", "code"), REFUSED)
def test_what_is_refused(section: str, state: Any, where: str, code: str) -> None:
    assert findings(state) == [(where, code)], section
