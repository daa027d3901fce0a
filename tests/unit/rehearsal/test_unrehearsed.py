"""Workflows that the emulator cannot run, each with the reason; all others are rehearsed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.deployments import leads, metrics, services

from penstock import Pipeline
from penstock.errors import UsageError
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow
from penstock.rehearsal.drills import drill
from penstock.rehearsal.observed import Observed, Ran
from penstock.rehearsal.parity import compare
from penstock.rehearsal.scene import plan_scene
from penstock.rehearsal.unrehearsed import (
    NO_ANSWER,
    NO_ATHENA,
    NO_BATCHES,
    NO_CONVERSION,
    NO_RESULTS,
    unrehearsed,
)

NOW = 1_772_362_790.0


def task(resource: str, **given: Any) -> dict[str, Any]:
    body = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": given, "End": True}
    return {"StartAt": "A", "States": {"A": body}}


def each(mode: str = "DISTRIBUTED", **fields: Any) -> dict[str, Any]:
    processor = {"ProcessorConfig": {"Mode": mode}, "StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    return {"StartAt": "A", "States": {"A": {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}}}


def within(document: dict[str, Any]) -> dict[str, Any]:
    language = {name: document[name] for name in ("QueryLanguage",) if name in document}
    branch = {name: document[name] for name in ("StartAt", "States")}
    return {**language, "StartAt": "B", "States": {"B": {"Type": "Parallel", "Branches": [branch], "End": True}}}


def having(**documents: dict[str, Any]) -> Definition:
    made = {name: Workflow(name=name, definition=json.dumps(one).encode()) for name, one in documents.items()}
    return msgspec.structs.replace(services(), workflows=made, event_triggers={})


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (task("athena:startQueryExecution.sync", QueryString="q"), NO_ATHENA),
        (task("aws-sdk:athena:getQueryResults", QueryExecutionId="x"), NO_ATHENA),
        (task("sqs:sendMessage.waitForTaskToken", QueueUrl="jobs"), NO_ANSWER),
        (each(ResultWriter={"Resource": "arn:aws:states:::s3:putObject", "Parameters": {}}), NO_RESULTS),
        (each(ItemBatcher={"MaxItemsPerBatch": 2}), NO_BATCHES),
        ({"QueryLanguage": "JSONata", **each()}, NO_CONVERSION),
        (each(QueryLanguage="JSONata"), NO_CONVERSION),
    ],
)
def test_what_no_emulator_runs(document: dict[str, Any], reason: str) -> None:
    assert unrehearsed(having(w=document)) == {"w": reason}
    assert unrehearsed(having(w=within(document))) == {"w": reason}


@pytest.mark.parametrize(
    "document",
    [
        task("dynamodb:putItem", TableName="Stock"),
        task("aws-sdk:s3:putObject", Bucket="lake", Key="raw/orders/a"),
        task("states:startExecution.sync:2", StateMachineArn="other"),
        each(),
        each("INLINE", ItemSelector={}),
        {"QueryLanguage": "JSONata", **each("INLINE")},
    ],
)
def test_all_else_is_run(document: dict[str, Any]) -> None:
    other = task("lambda:invoke", FunctionName="shop-take")
    assert unrehearsed(having(w=document, other=other)) == {}


def test_who_starts_one_of_them_is_left_out_too() -> None:
    definition = having(
        first=task("states:startExecution", StateMachineArn="second"),
        second=task("states:startExecution.sync", StateMachineArn="third"),
        third=task("athena:getQueryResults", QueryExecutionId="x"),
        alone=task("states:startExecution", StateMachineArn="alone"),
    )
    assert unrehearsed(definition) == {
        "first": f"it starts second: it starts third: {NO_ATHENA}",
        "second": f"it starts third: {NO_ATHENA}",
        "third": NO_ATHENA,
    }


def test_the_pipelines_that_come_along_are_run() -> None:
    assert unrehearsed(metrics()) == {}


def test_they_are_not_played_and_not_compared() -> None:
    definition = having(ask=task("athena:getQueryResults", QueryExecutionId="x"), plain=task("lambda:invoke"))
    assert [one.workflow for one in plan_scene(definition, NOW).starts] == ["plain"]
    ran = Ran("plain", "SUCCEEDED", ("A",), "1")
    here = Observed(executions=[ran, Ran("ask", "SUCCEEDED", ("A",), "1")])
    executions = compare(here, Observed(executions=[ran]), {}, unrehearsed(definition))[0]
    assert (executions.compared, executions.differences) == (1, [])
    assert executions.left_out == [f"ask: {NO_ATHENA}"]


@pytest.mark.parametrize(
    ("choices", "reason"),
    [({"compute": "ec2", "architecture": "x86_64"}, "no emulator boots one"), ({"database": "mysql"}, "in MySQL")],
)
def test_what_no_emulator_has_is_refused(choices: dict[str, Any], reason: str) -> None:
    assert plan_scene(Pipeline("shop").build(), NOW).starts == ()
    assert plan_scene(leads(), NOW).starts
    with pytest.raises(UsageError, match=reason):
        plan_scene(leads(**choices), NOW)


def test_a_drill_has_no_database_to_lose(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no backups"):
        drill(leads(), "penstock.pipelines.leads", tmp_path)
