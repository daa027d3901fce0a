"""What states ask of services by themselves is billed as if a task had asked."""

from __future__ import annotations

import pytest
from tests.deployments import services

from penstock.cost.estimate import estimate
from penstock.cost.usage import Usage

RUNS = 1000.0


def quantities(**runs: float) -> dict[str, float]:
    made = estimate(services(), Usage(runs=runs, hot_reads=0, queries=0))
    return {f"{line.price}, {line.what}": line.quantity for line in made.lines}


def test_each_call_of_a_service_is_counted() -> None:
    """`serve` writes three items, reads one, writes, reads and lists an object, and says one thing."""
    without, found = quantities(), quantities(serve=RUNS)
    expected = {
        "dynamodb-write, items, with their indexes": 3 * RUNS,
        # Half a unit: a read need not be consistent.
        "dynamodb-read, reads": RUNS / 2,
        "s3-put, objects written": RUNS,
        "s3-get, objects read": RUNS,
        "s3-put, listings by workflows": RUNS,
        "sns-publish, messages": RUNS,
        "sns-mail, mails": RUNS,
        # A Parallel, seven states in it and six after it.
        "transitions, states of workflows": 14 * RUNS,
    }
    assert {what: found.get(what, 0.0) - without.get(what, 0.0) for what in expected} == expected


def test_calls_of_services_are_no_calls_of_functions() -> None:
    assert quantities(ask=RUNS).get("lambda-requests, calls of tasks", 0.0) == 0.0
    # `serve` calls one task.
    assert quantities(serve=RUNS)["lambda-requests, calls of tasks"] == RUNS


def test_a_query_of_a_workflow_scans_as_any_other() -> None:
    """`ask` asks two queries."""
    assert quantities(ask=RUNS)["athena, what queries scan"] == pytest.approx(2 * RUNS * Usage().query_gb)
