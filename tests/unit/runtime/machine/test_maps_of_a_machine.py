"""Distributed Maps in a whole machine, its tasks called in this process and its clock jumping over waits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from penstock import Pipeline, states
from penstock.ports.journal import Execution, Filter, Status
from penstock.ports.map_runs import MapRunStatus
from penstock.runtime.replay import history
from penstock.testing import Sandbox

INVOKE = "arn:aws:states:::lambda:invoke"


class Row(msgspec.Struct):
    """One row."""

    n: int


class Maps:
    """A pipeline whose task fails on some items, and a sandbox to run it in."""

    def __init__(self, folder: Path, document: dict[str, Any]) -> None:
        self.pipeline = Pipeline("maps")
        self.bad: set[int] = set()
        self.seen: list[int] = []
        rows = self.pipeline.lake("rows", Row)

        @self.pipeline.task()
        def work(event: Any, context: Any) -> Any:
            self.seen.append(event["n"])
            if event["n"] in self.bad:
                raise ValueError(f"{event['n']} is bad")
            return {"n": event["n"] * 10}

        path = folder / "maps.asl.json"
        path.write_text(json.dumps(document))
        self.pipeline.workflow("flow", path, may=[rows.read, rows.append])
        self.sandbox = Sandbox(self.pipeline, folder)

    def runs(self) -> list[Any]:
        ids = self.sandbox.home.database.rows("SELECT id FROM map_runs ORDER BY started_at, id")
        return [self.sandbox.home.map_runs.get(row[0]) for row in ids]

    def children(self) -> list[Execution]:
        return [child for run in self.runs() for child in self.sandbox.home.map_runs.children(run.id, "", 1000)]


TASK = {
    "StartAt": "Work",
    "States": {
        "Work": {
            "Type": "Task",
            "Resource": INVOKE,
            "Parameters": {"FunctionName": "maps-work", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "End": True,
        }
    },
}


def spread(processor: dict[str, Any] = TASK, **fields: Any) -> dict[str, Any]:
    config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    return {"Type": "Map", "ItemProcessor": {**config, **processor}, "End": True, **fields}


def machine(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"StartAt": "M", "States": {"M": state, **more}}


@pytest.fixture
def maps(tmp_path: Path) -> Any:
    made: list[Maps] = []

    def make(document: dict[str, Any]) -> Maps:
        made.append(Maps(tmp_path, document))
        return made[-1]

    yield make
    for each in made:
        each.sandbox.close()


Make = Callable[[dict[str, Any]], Maps]


def rows(*numbers: int) -> list[dict[str, int]]:
    return [{"n": number} for number in numbers]


def output(execution: Execution) -> Any:
    assert execution.status is Status.SUCCEEDED, (execution.error, execution.cause)
    return json.loads(execution.output or b"")


def test_each_items_task_runs_in_an_execution_of_its_own(maps: Make) -> None:
    here = maps(machine(spread(MaxConcurrency=2)))
    assert output(here.sandbox.run(rows(1, 2, 3, 4, 5))) == rows(10, 20, 30, 40, 50)
    assert sorted(here.seen) == [1, 2, 3, 4, 5]
    (run,) = here.runs()
    assert (run.status, run.executions.succeeded) == (MapRunStatus.SUCCEEDED, 5)


def test_a_child_has_a_history_of_its_own(maps: Make) -> None:
    """Each item of a distributed Map is a child workflow execution with its own history."""
    here = maps(machine(spread()))
    parent = here.sandbox.run(rows(7))
    (child,) = here.children()
    journal = here.sandbox.home.journal
    told = history(child, states.parse(journal.definition(child.version)), journal.events(child.id))
    assert [entry.type for entry in told][:2] == ["ExecutionStarted", "TaskStateEntered"]
    assert told[-1].type == "ExecutionSucceeded"
    told = history(parent, states.parse(journal.definition(parent.version)), journal.events(parent.id))
    kinds = [entry.type for entry in told]
    assert "MapRunStarted" in kinds
    assert "TaskScheduled" not in kinds


def test_waits_of_children_are_jumped_over_and_hold_no_memory(maps: Make) -> None:
    wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 86_400, "End": True}}}
    here = maps(machine(spread(wait)))
    began = here.sandbox.clock.now()
    assert output(here.sandbox.run(rows(*range(20)))) == rows(*range(20))
    assert here.sandbox.clock.now() - began >= 86_400


def test_too_many_failures_can_be_caught(maps: Make) -> None:
    catch = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Caught"}]
    here = maps(machine(spread(Catch=catch), Caught={"Type": "Pass", "End": True}))
    here.bad = {2}
    assert output(here.sandbox.run(rows(1, 2, 3))) == {
        "Error": "States.ExceedToleratedFailureThreshold",
        "Cause": "The specified tolerated failure threshold was exceeded",
    }


def test_a_retry_is_a_new_map_run(maps: Make) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    here = maps(machine(spread(Retry=retry)))
    here.bad = {2}
    assert here.sandbox.run(rows(1, 2)).error == "States.ExceedToleratedFailureThreshold"
    assert [run.status for run in here.runs()] == [MapRunStatus.FAILED] * 2
    assert len({run.arn for run in here.runs()}) == 2


def test_a_redrive_runs_only_what_failed_and_keeps_what_succeeded(maps: Make) -> None:
    here = maps(machine(spread()))
    here.bad = {2, 4}
    parent = here.sandbox.run(rows(1, 2, 3, 4))
    assert parent.status is Status.FAILED
    (before,) = here.runs()
    assert before.items.succeeded + before.items.failed + before.items.aborted == before.given
    here.bad, succeeded = set(), {child.id for child in here.children() if child.status is Status.SUCCEEDED}
    here.seen.clear()
    here.sandbox._machine.redrive(parent.id)
    while not here.sandbox._machine.step(parent.id):
        pass
    assert output(here.sandbox.home.journal.get(parent.id)) == rows(10, 20, 30, 40)
    (after,) = here.runs()
    assert (after.arn, after.redrives, after.status) == (before.arn, 1, MapRunStatus.SUCCEEDED)
    assert (after.items.succeeded, after.items.failed, after.items.aborted) == (4, 0, 0)
    assert len(here.seen) == 4 - len(succeeded)
    assert {child.redrives for child in here.children() if child.id in succeeded} == {0}


def test_stopping_the_parent_aborts_its_children(maps: Make) -> None:
    wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 86_400, "End": True}}}
    here = maps(machine(spread(wait)))
    machine_ = here.sandbox._machine
    parent = machine_.start("maps", rows(1, 2, 3), "flow")
    for _ in range(6):
        machine_.step(parent.id)
    event = states.Stopped(error="Stop", cause="enough", at=here.sandbox.clock.now())
    here.sandbox.home.journal.post(parent.id, msgspec.json.encode(event))
    while not machine_.step(parent.id):
        pass
    assert here.sandbox.home.journal.get(parent.id).status is Status.ABORTED
    assert {child.status for child in here.children()} == {Status.ABORTED}
    (run,) = here.runs()
    assert (run.status, run.items.aborted, run.items.running) == (MapRunStatus.ABORTED, 3, 0)


def test_a_timeout_of_the_parent_aborts_its_children(maps: Make) -> None:
    wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 86_400, "End": True}}}
    here = maps({"TimeoutSeconds": 60, **machine(spread(wait))})
    assert here.sandbox.run(rows(1, 2)).status is Status.TIMED_OUT
    assert {child.status for child in here.children()} == {Status.ABORTED}


def test_a_distributed_map_in_a_distributed_map(maps: Make) -> None:
    inner = machine(spread())
    inner["States"]["N"] = inner["States"].pop("M")
    here = maps(machine(spread({**inner, "StartAt": "N"})))
    assert output(here.sandbox.run([rows(1, 2), rows(3)])) == [rows(10, 20), rows(30)]
    assert len(here.runs()) == 3


def test_branches_with_a_map_each(maps: Make) -> None:
    branches = []
    for name in ("A", "B"):
        work = {"StartAt": f"{name}1", "States": {f"{name}1": TASK["States"]["Work"]}}
        branches.append({"StartAt": name, "States": {name: spread(work)}})
    here = maps(machine({"Type": "Parallel", "Branches": branches, "End": True}))
    assert output(here.sandbox.run(rows(1, 2))) == [rows(10, 20), rows(10, 20)]


def test_jsonata_selects_batches_and_counts(maps: Make) -> None:
    state = spread(
        {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True, "Output": "{% $sum($states.input.Items.v) %}"}}},
        Items="{% $states.input.list %}",
        ItemSelector={"v": "{% $states.context.Map.Item.Value + $states.input.plus %}"},
        ItemBatcher={"MaxItemsPerBatch": "{% $states.input.size %}"},
        MaxConcurrency="{% 1 %}",
        ToleratedFailurePercentage="{% 50 %}",
    )
    here = maps({"QueryLanguage": "JSONata", **machine(state)})
    assert output(here.sandbox.run({"list": [1, 2, 3], "plus": 10, "size": 2})) == [23, 13]


def test_items_and_results_are_in_the_lake(maps: Make) -> None:
    state = spread(
        ItemReader={
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "MaxItemsPath": "$.most"},
            "Parameters": {"Bucket": "lake", "Key.$": "$.key"},
        },
        ItemSelector={"n.$": "States.StringToJson($$.Map.Item.Value.n)"},
        ResultWriter={
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "lake", "Prefix": "raw/rows/results"},
            "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
        },
    )
    here = maps(machine(state))
    objects = here.sandbox.home.objects
    objects.put("raw/rows/in.csv", b"n,x\n1,a\n2,b\n3,c\n")
    found = output(here.sandbox.run({"key": "raw/rows/in.csv", "most": 2}))
    manifest = json.loads(objects.get(found["ResultWriterDetails"]["Key"]))
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    assert [json.loads(line) for line in objects.get(file["Key"]).splitlines()] == rows(10, 20)


def test_rows_of_a_parquet_file_are_items(maps: Make) -> None:
    """ItemReader, "Parquet files"."""
    parquet = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "PARQUET"},
        "Parameters": {"Bucket": "lake", "Key.$": "$.key"},
    }
    here = maps(machine(spread(ItemReader=parquet)))
    folder = here.sandbox.home.lake / "raw/rows"
    folder.mkdir(parents=True)
    duckdb.connect().execute(f"COPY (SELECT range AS n FROM range(3)) TO '{folder}/a.parquet' (FORMAT parquet)")
    (folder / "b.parquet").write_bytes(b"nothing")
    assert output(here.sandbox.run({"key": "raw/rows/a.parquet"})) == rows(0, 10, 20)
    for key in ("raw/rows/b.parquet", "raw/rows/c.parquet", "raw/other/a.parquet"):
        assert here.sandbox.run({"key": key}).error == "States.ItemReaderFailed"


def test_children_are_listed_only_when_they_are_asked_for(maps: Make) -> None:
    """ListExecutions names no children of Map Runs unless it is given a Map Run."""
    here = maps(machine(spread(ToleratedFailureCount=1)))
    here.bad = {1}
    parent = here.sandbox.run(rows(1, 2))
    journal = here.sandbox.home.journal
    assert [found.id for found in journal.find(Filter())] == [parent.id]
    (run,) = here.runs()
    assert len(journal.find(Filter(source=f"map:{run.id}"))) == 2
    assert journal.find(Filter(dead_letter=True)) == []
