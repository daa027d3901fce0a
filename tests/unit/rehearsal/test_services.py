"""What services did in the name of roles, and whose an access key is."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.rehearsal.access_keys import role_name, roles_by_access_key
from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.services import Starter, calls_of_execution, calls_of_starts, starters_of

MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:m"
FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function"


def invoke(name: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": name}}


DEFINITION = {
    "StartAt": "Both",
    "States": {
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "A", "States": {"A": {**invoke("a"), "Next": "Later"}, "Later": invoke("later")}},
                {
                    "StartAt": "Inner",
                    "States": {
                        "Inner": {"Type": "Parallel", "Branches": [{"StartAt": "B", "States": {"B": invoke("b")}}]}
                    },
                },
            ],
        },
        "Each": {"Type": "Map", "ItemProcessor": {"States": {"C": invoke(f"{FUNCTION}:c:live")}}},
        "Direct": {"Type": "Task", "Resource": f"{FUNCTION}:d"},
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish.waitForTaskToken",
            "Parameters": {"TopicArn": "arn:aws:sns:eu-west-1:111122223333:t"},
        },
        "Put": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "Arguments": {"TableName": "Hot"}},
        "Other": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:listStateMachines"},
        "Never": invoke("never"),
    },
}


def entered(name: str) -> dict[str, Any]:
    return {"type": "TaskStateEntered", "timestamp": 7.0, "stateEnteredEventDetails": {"name": name}}


STARTED = {
    "type": "ExecutionStarted",
    "timestamp": datetime(2026, 1, 1, tzinfo=UTC),
    "executionStartedEventDetails": {"input": "{}", "roleArn": "arn:aws:iam::111122223333:role/p/m-workflow"},
}


@pytest.mark.parametrize("definition", [DEFINITION, json.dumps(DEFINITION)])
def test_the_task_states_that_were_entered(definition: Any) -> None:
    history = [STARTED, *(entered(name) for name in ("A", "B", "C", "Direct", "Tell", "Put", "Other"))]
    history.append({"type": "PassStateEntered", "timestamp": 7.0, "stateEnteredEventDetails": {"name": "P"}})
    made = calls_of_execution(definition, history, machine=MACHINE)
    assert [(call.action, call.resource) for call in made] == [
        ("lambda:InvokeFunction", f"{FUNCTION}:a"),
        ("lambda:InvokeFunction", f"{FUNCTION}:b"),
        ("lambda:InvokeFunction", f"{FUNCTION}:c:live"),
        ("lambda:InvokeFunction", f"{FUNCTION}:d"),
        ("sns:Publish", "arn:aws:sns:eu-west-1:111122223333:t"),
        ("dynamodb:PutItem", "arn:aws:dynamodb:eu-west-1:111122223333:table/Hot"),
        ("states:ListStateMachines", "*"),
    ]
    assert {(call.role, call.at) for call in made} == {("m-workflow", 7.0)}


def test_a_map_of_executions_starts_them_in_its_own_name() -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html"""
    items = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "C", "States": {"C": invoke("c")}}
    document = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": items}}}
    entered_map = {"type": "MapStateEntered", "timestamp": 7.0, "stateEnteredEventDetails": {"name": "Each"}}
    (made,) = calls_of_execution(document, [STARTED, entered_map], machine=MACHINE)
    assert (made.role, made.action, made.resource) == ("m-workflow", "states:StartExecution", MACHINE)
    # One within the same execution starts none.
    assert calls_of_execution(DEFINITION, [STARTED, entered_map], machine=MACHINE) == []


def test_a_parallel_state_enters_the_first_state_of_each_branch() -> None:
    """https://states-language.net/#parallel-state"""
    both = {"type": "ParallelStateEntered", "timestamp": 7.0, "stateEnteredEventDetails": {"name": "Both"}}
    made = calls_of_execution(DEFINITION, [STARTED, both], machine=MACHINE)
    assert [call.resource for call in made] == [f"{FUNCTION}:a", f"{FUNCTION}:b"]


def managed(kind: str, **values: Any) -> dict[str, Any]:
    return {"address": f"{kind}.x", "mode": "managed", "type": kind, "name": "x", "values": values}


STATE = {
    "values": {
        "root_module": {
            "resources": [
                managed(
                    "aws_scheduler_schedule",
                    target=[
                        {
                            "arn": MACHINE,
                            "role_arn": "arn:aws:iam::111122223333:role/by-clock",
                            "input": '{"slot": "<aws.scheduler.scheduled-time>"}',
                        }
                    ],
                )
            ],
            "child_modules": [
                {
                    "resources": [
                        managed(
                            "aws_cloudwatch_event_target",
                            arn=MACHINE,
                            role_arn="arn:aws:iam::111122223333:role/by-object",
                            input_transformer=[{"input_template": '{"table": "t", "key": <key>, "size": <size>}'}],
                        )
                    ]
                }
            ],
        }
    }
}


def test_schedules_and_rules() -> None:
    assert starters_of(STATE) == [
        Starter("by-clock", MACHINE, '{"slot": "<aws.scheduler.scheduled-time>"}'),
        Starter("by-object", MACHINE, '{"table": "t", "key": <key>, "size": <size>}'),
    ]


@pytest.mark.parametrize(
    ("machine", "value", "expected"),
    [
        (MACHINE, '{"slot":"2026-01-01T00:00:00Z"}', ["by-clock"]),
        (MACHINE, '{"table": "t", "key": "raw/t/a b.json", "size": 7}', ["by-object"]),
        (MACHINE, '{"table": "other", "key": "raw/t/1.json", "size": 7}', []),
        (MACHINE, "{}", []),
        (f"{MACHINE}2", '{"slot":"2026-01-01T00:00:00Z"}', []),
    ],
)
def test_an_execution_is_of_whom_its_input_fits(machine: str, value: str, expected: list[str]) -> None:
    execution = {"stateMachineArn": machine, "input": value, "startDate": 5.0}
    assert calls_of_starts(starters_of(STATE), [execution]) == [
        RecordedCall(role, "states:StartExecution", MACHINE, {}, 5.0) for role in expected
    ]


def test_the_role_behind_an_access_key() -> None:
    """The key was seen in MiniStack 1.5.33, in the environment of such a function."""
    function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    role = "arn:aws:iam::000000000000:role/task"
    assert roles_by_access_key({function: role}) == {"ASIA1071AD99E3C837A8": "task"}


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::111122223333:role/task", "task"),
        ("arn:aws:iam::111122223333:role/path/task", "task"),
        ("arn:aws:sts::111122223333:assumed-role/task/session", "task"),
        ("", ""),
    ],
)
def test_the_name_of_a_role(arn: str, name: str) -> None:
    assert role_name(arn) == name


def test_the_proof_does_not_know_what_derives_the_policies() -> None:
    code = (
        "import sys, penstock.rehearsal.proof, penstock.rehearsal.grants, penstock.rehearsal.recorder,"
        " penstock.rehearsal.services\n"
        "print([name for name in sys.modules if name.startswith(('penstock.deploy', 'penstock.model', 'boto'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
