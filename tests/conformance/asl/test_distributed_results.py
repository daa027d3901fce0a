"""ItemBatcher, tolerated failures and ResultWriter of a distributed Map.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

import json
from typing import Any

import pytest

from penstock.states.distributed import (
    Child,
    Counts,
    ResultFiles,
    Tolerance,
    batches,
    outputs,
    threshold_exceeded,
    transformation,
)
from penstock.states.failures import StateFailedError


@pytest.mark.parametrize(
    ("batcher", "expected"),
    [
        (None, [1, 2, 3, 4, 5]),
        ({"MaxItemsPerBatch": 2}, [{"Items": [1, 2]}, {"Items": [3, 4]}, {"Items": [5]}]),
        ({"MaxItemsPerBatch": 9}, [{"Items": [1, 2, 3, 4, 5]}]),
        # {"Items":[1,2]} has 15 bytes
        ({"MaxInputBytesPerBatch": 15}, [{"Items": [1, 2]}, {"Items": [3, 4]}, {"Items": [5]}]),
        ({"MaxInputBytesPerBatch": 16}, [{"Items": [1, 2]}, {"Items": [3, 4]}, {"Items": [5]}]),
        ({"MaxInputBytesPerBatch": 17}, [{"Items": [1, 2, 3]}, {"Items": [4, 5]}]),
        # whichever limit is reached first
        ({"MaxInputBytesPerBatch": 17, "MaxItemsPerBatch": 1}, [{"Items": [n]} for n in (1, 2, 3, 4, 5)]),
        ({"MaxItemsPerBatch": 3, "BatchInput": {"f": 1}},
         [{"BatchInput": {"f": 1}, "Items": [1, 2, 3]}, {"BatchInput": {"f": 1}, "Items": [4, 5]}]),
        # {"BatchInput":1,"Items":[1]} has 28 bytes
        ({"MaxInputBytesPerBatch": 28, "BatchInput": 1}, [{"BatchInput": 1, "Items": [n]} for n in (1, 2, 3, 4, 5)]),
    ],
)  # fmt: skip
def test_items_are_put_together(batcher: dict[str, Any] | None, expected: list[Any]) -> None:
    made = list(batches([1, 2, 3, 4, 5], batcher))
    assert [batch.input for batch in made] == expected
    assert sum(batch.size for batch in made) == 5


def test_a_batch_never_grows_over_an_executions_input() -> None:
    """Quotas: maximum input size, 256 KiB."""
    sizes = [batch.size for batch in batches(["x" * 100_000] * 5, {"MaxItemsPerBatch": 100})]
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize(
    ("batcher", "error"),
    [
        ({}, "States.Runtime"),
        ({"BatchInput": {}}, "States.Runtime"),
        ({"MaxItemsPerBatch": 0}, "States.Runtime"),
        ({"MaxItemsPerBatch": True}, "States.Runtime"),
        ({"MaxItemsPerBatch": 1.5}, "States.Runtime"),
        ({"MaxInputBytesPerBatch": "9"}, "States.Runtime"),
        ({"MaxInputBytesPerBatch": 13}, "States.DataLimitExceeded"),
    ],
)
def test_a_batcher_that_cannot_hold_an_item_fails(batcher: dict[str, Any], error: str) -> None:
    with pytest.raises(StateFailedError) as caught:
        list(batches(["x"], batcher))
    assert caught.value.error == error


@pytest.mark.parametrize(
    ("count", "percentage", "failed", "total", "exceeded"),
    [
        # "The default percentage value is zero": any failure is one too many
        (None, None, 0, 10, False), (None, None, 1, 10, True), (None, None, 1, None, True),
        # "the maximum number of failed items"
        (5, None, 5, 10, False), (5, None, 6, 10, True), (0, None, 1, 10, True), (5, None, 6, None, True),
        # a share of all items
        (None, 50, 5, 10, False), (None, 50, 6, 10, True), (None, 100, 10, 10, False), (None, 33.3, 1, 3, True),
        (None, 34, 1, 3, False), (None, 0, 1, 10, True), (None, 0, 1, None, True), (None, 10, 9, None, False),
        # "If you specify both values, the workflow fails when it exceeds either value"
        (1, 90, 2, 10, True), (9, 10, 2, 10, True), (9, 90, 2, 10, False),
    ],
)  # fmt: skip
def test_the_tolerated_failures(
    count: int | None, percentage: float | None, failed: int, total: int | None, exceeded: bool
) -> None:
    tolerance = Tolerance(count=count, percentage=percentage)
    assert tolerance.is_exceeded(Counts(failed=failed), total=total) is exceeded
    # "the total number of failed or timed out items"; aborted ones do not count
    assert tolerance.is_exceeded(Counts(timed_out=failed), total=total) is exceeded
    assert not tolerance.is_exceeded(Counts(aborted=failed, succeeded=3), total=total)


def test_the_error_of_too_many_failures() -> None:
    failure = threshold_exceeded()
    assert failure.error == "States.ExceedToleratedFailureThreshold"
    assert failure.cause == "The specified tolerated failure threshold was exceeded"


def test_counts_follow_the_items() -> None:
    counts = Counts(pending=3).begun(4).ended("SUCCEEDED", 1).ended("FAILED", 1).ended("TIMED_OUT", 1)
    assert counts.to_dict() == {
        "pending": 3, "running": 1, "succeeded": 1, "failed": 1, "timedOut": 1, "aborted": 0, "total": 7,
        "resultsWritten": 0,
    }  # fmt: skip
    assert counts.resumed("FAILED", 1).ended("SUCCEEDED", 2) == Counts(pending=3, succeeded=3, timed_out=1)


def child(number: int, status: str = "SUCCEEDED", output: Any = None, **more: Any) -> Child:
    done = json.dumps(output).encode() if status == "SUCCEEDED" else None
    return Child(
        id=f"run:{number}", name=str(number), machine="m/Label", status=status, input=b'{"i":%d}' % number,
        output=done, started_at=1_668_061_964.0, stopped_at=1_668_061_965.5, **more,
    )  # fmt: skip


WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p/q"}}


def written(writer: dict[str, Any], *children: Child, limit: int = 1 << 20, redrives: int = 0) -> dict[str, bytes]:
    files = ResultFiles(writer, "run", limit_bytes=limit, redrives=redrives)
    made = [file for one in children for file in files.add(one)] + list(files.finish("arn"))
    assert [key for key, _ in made][-1] == files.key
    assert files.output("arn") == {"MapRunArn": "arn", "ResultWriterDetails": {"Bucket": "b", "Key": files.key}}
    return dict(made)


def test_the_files_of_results() -> None:
    """The manifest, and one group of files for each status; fields by DescribeExecution's names."""
    failed = child(1, "FAILED", error="Boom", cause="why", redrives=2)
    pending = Child(id="", name="", machine="m/Label", status="PENDING", input=b'"later"')
    found = written(WRITER, child(0, output={"o": 1}), failed, child(2, "TIMED_OUT", error="States.Timeout"), pending)
    assert list(found) == [
        f"p/q/run/{n}" for n in ("FAILED_0.json", "PENDING_0.json", "SUCCEEDED_0.json", "manifest.json")
    ]
    assert json.loads(found["p/q/run/SUCCEEDED_0.json"]) == [
        {
            "ExecutionArn": "run:0", "Input": '{"i":0}', "InputDetails": {"Included": True}, "Name": "0",
            "Output": '{"o": 1}', "OutputDetails": {"Included": True}, "RedriveCount": 0,
            "RedriveStatus": "NOT_REDRIVABLE",
            "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
            "StartDate": "2022-11-10T06:32:44.000Z", "StateMachineArn": "m/Label", "Status": "SUCCEEDED",
            "StopDate": "2022-11-10T06:32:45.500Z",
        }
    ]  # fmt: skip
    first, second = json.loads(found["p/q/run/FAILED_0.json"])
    assert (first["Error"], first["Cause"], first["Status"], first["RedriveCount"]) == ("Boom", "why", "FAILED", 2)
    assert first["RedriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    assert "Output" not in first
    assert (second["Status"], second["Error"]) == ("TIMED_OUT", "States.Timeout")
    assert json.loads(found["p/q/run/PENDING_0.json"]) == [
        {"Input": '"later"', "InputDetails": {"Included": True}, "Status": "PENDING"}
    ]
    assert json.loads(found["p/q/run/manifest.json"]) == {
        "DestinationBucket": "b",
        "MapRunArn": "arn",
        "ResultFiles": {
            group: [{"Key": key, "Size": len(found[key])}]
            for group in ("FAILED", "PENDING", "SUCCEEDED")
            for key in [f"p/q/run/{group}_0.json"]
        },
    }


@pytest.mark.parametrize(
    ("how", "expected"),
    [("COMPACT", [[1, 2], {"a": 1}, "x"]), ("FLATTEN", [1, 2, {"a": 1}, "x"])],
)
def test_results_are_transformed(how: str, expected: list[Any]) -> None:
    """ "Transformation"; what failed stays as by NONE."""
    children = (child(0, output=[1, 2]), child(1, output={"a": 1}), child(2, output="x"), child(3, "FAILED"))
    for kind in ("JSON", "JSONL"):
        found = written({**WRITER, "WriterConfig": {"Transformation": how, "OutputType": kind}}, *children)
        raw = found["p/q/run/SUCCEEDED_0.json"]
        lines = [json.loads(line) for line in raw.splitlines()]
        assert (lines if kind == "JSONL" else lines[0]) == expected
        failed = json.loads(found["p/q/run/FAILED_0.json"])
        assert (failed if kind == "JSONL" else failed[0])["Status"] == "FAILED"
    assert outputs(children, how, "M") == expected


def test_a_full_file_is_followed_by_the_next() -> None:
    writer = {**WRITER, "WriterConfig": {"Transformation": "COMPACT"}}
    found = written(writer, *(child(n, output="x" * 30) for n in range(3)), limit=70)
    assert [json.loads(found[f"p/q/run/SUCCEEDED_{n}.json"]) for n in (0, 1)] == [["x" * 30] * 2, ["x" * 30]]
    manifest = json.loads(found["p/q/run/manifest.json"])
    assert [file["Key"] for file in manifest["ResultFiles"]["SUCCEEDED"]] == [
        "p/q/run/SUCCEEDED_0.json", "p/q/run/SUCCEEDED_1.json",
    ]  # fmt: skip


def test_a_redrive_writes_beside_the_first_results() -> None:
    assert list(written(WRITER, redrives=1)) == ["p/q/run/Redrive-1/manifest.json"]


def test_how_results_are_transformed_by_default() -> None:
    assert transformation(None) == "COMPACT"
    assert transformation(WRITER) == "NONE"
    assert transformation({"WriterConfig": {"Transformation": "FLATTEN"}}) == "FLATTEN"


@pytest.mark.parametrize(
    "broken",
    [
        {"Resource": "arn:aws:states:::s3:getObject"}, {"Parameters": None}, {"Parameters": {"Prefix": "p"}},
        {"Parameters": {"Bucket": "b", "Prefix": 1}}, {"WriterConfig": {"OutputType": "CSV"}},
        {"WriterConfig": {"Transformation": "SHRINK"}}, {"WriterConfig": {"Transformation": []}},
        {"WriterConfig": {"OutputType": {}}}, {"WriterConfig": "x"},
    ],
)  # fmt: skip
def test_a_writer_that_makes_no_sense_fails(broken: dict[str, Any]) -> None:
    with pytest.raises(StateFailedError) as caught:
        ResultFiles({**WRITER, **broken}, "run")
    assert caught.value.error == "States.ResultWriterFailed"


def test_the_output_of_a_map_is_limited() -> None:
    """Quotas: maximum output size, 256 KiB. [x, x] with its commas has to fit."""
    half = "x" * (131_072 - 4)
    assert len(outputs([child(0, output=half), child(1, output=half)], "COMPACT", "M")) == 2
    with pytest.raises(StateFailedError) as caught:
        outputs([child(0, output=half), child(1, output=half + "x" * 3)], "COMPACT", "M")
    assert caught.value.error == "States.DataLimitExceeded"
    assert "'M' returned a result with a size exceeding the maximum number of bytes" in caught.value.cause
