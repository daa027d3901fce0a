"""What a rehearsal makes of a schedule that starts a function, and of a role that may list."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.deployments import everything

from penstock.model.datasets import LakeTable
from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.sealing import calls_of_schedule, listings_of
from penstock.runtime.aws.sealing import SealingFunction

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:shop-sealing"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:shop"
ROLE = "arn:aws:iam::000000000000:role/shop-sealing-schedule"


def schedule(target: str) -> dict[str, Any]:
    return {
        "type": "aws_scheduler_schedule",
        "mode": "managed",
        "values": {"target": [{"arn": target, "role_arn": ROLE, "input": "{}"}]},
    }


STATE = {"values": {"root_module": {"resources": [schedule(FUNCTION), schedule(MACHINE)]}}}


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


class Nothing:
    """A lake without objects, and what would seal it."""

    def list(self, prefix: str) -> list[Any]:
        return []

    def seal(self, table: LakeTable, partition: str) -> Any:
        raise AssertionError(partition)


def logged() -> list[str]:
    """Returns what the function really writes when it is started."""
    lines: list[str] = []
    function: Any = SealingFunction(everything(sealing=True), Nothing(), Nothing(), lambda: 1e9, lines.append)  # type: ignore[arg-type]
    function({}, Context())
    return lines


def test_a_start_by_the_clock_is_a_call_of_the_schedules_role() -> None:
    found = calls_of_schedule(STATE, logged(), {FUNCTION: "role"})
    assert found == [RecordedCall("shop-sealing-schedule", "lambda:InvokeFunction", FUNCTION)]


@pytest.mark.parametrize("log", [[], [json.dumps({"message": "partition"})]])
def test_without_a_trace_in_the_log_nobody_came(log: list[str]) -> None:
    assert calls_of_schedule(STATE, log, {FUNCTION: "role"}) == []


def test_sealing_comes_with_the_right_to_list_each_table() -> None:
    definition = everything(sealing=True)
    assert listings_of(definition) == {table.list for table in definition.lake_tables.values()}
