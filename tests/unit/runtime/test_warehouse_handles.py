"""A warehouse in a task: what it was granted, and the names by which Retry knows what can pass."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Pipeline, TaskError, relation
from penstock.errors import PenstockError, StorageFullError, ThrottledError, UnavailableError
from penstock.runtime.warehouse_handles import _named_errors
from penstock.testing.sandbox import Sandbox


class Lead(msgspec.Struct):
    lead_id: str
    points: int = 0


def pipeline(*actions: str) -> Pipeline:
    made = Pipeline("shop")
    crm = made.warehouse("crm", tables=[relation("leads", Lead, key="lead_id")])

    @made.task(may=[getattr(crm, action) for action in actions])
    def work(event: Any, context: Any) -> Any:
        if event["what"] == "read":
            return context[crm].query("SELECT lead_id, points FROM leads ORDER BY lead_id").records()
        with context[crm].transaction(event["run_id"]) as tables:
            if tables.done:
                return tables.run
            counts = tables.upsert("leads", [Lead("a", event["points"]), Lead("b")])
            tables.finish(counts={"inserted": counts.inserted, "updated": counts.updated})
        return "written"

    made.workflow("shop", work)
    return made


def test_a_task_writes_runs_and_reads(tmp_path: Path) -> None:
    with Sandbox(pipeline("read", "write"), tmp_path) as sandbox:
        outputs = [
            sandbox.run(value).output
            for value in (
                {"what": "write", "run_id": "r1", "points": 1},
                {"what": "write", "run_id": "r1", "points": 1},
                {"what": "write", "run_id": "r2", "points": 2},
                {"what": "read"},
            )
        ]
    assert [msgspec.json.decode(one or b"null") for one in outputs] == [
        "written", {"run_id": "r1", "counts": {"inserted": 2, "updated": 0}}, "written",
        [{"lead_id": "a", "points": 2}, {"lead_id": "b", "points": 0}],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("granted", "value", "action"),
    [("read", {"what": "write", "run_id": "r1", "points": 1}, "write"), ("write", {"what": "read"}, "read")],
)
def test_what_was_not_granted_is_denied(granted: str, value: dict[str, Any], action: str, tmp_path: Path) -> None:
    with Sandbox(pipeline(granted), tmp_path) as sandbox:
        ended = sandbox.run(value)
    assert ended.error == "AccessDeniedError"
    assert f"may not {action} warehouse 'crm'" in (ended.cause or "")


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (UnavailableError("down", warehouse="crm"), "Warehouse.Unavailable"),
        (ThrottledError("busy", warehouse="crm"), "Warehouse.Busy"),
        (StorageFullError("full", warehouse="crm"), "Warehouse.Full"),
    ],
)
def test_what_can_pass_has_a_name_for_retry(error: PenstockError, name: str) -> None:
    with pytest.raises(TaskError) as raised, _named_errors():
        raise error
    assert raised.value.error == name
    assert raised.value.message == error.message


def test_an_error_of_something_else_keeps_its_name() -> None:
    with pytest.raises(ThrottledError), _named_errors():
        raise ThrottledError("the hot table is busy")
