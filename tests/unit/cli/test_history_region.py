"""An execution's history tells where its tasks run, as Step Functions' does."""

from __future__ import annotations

import json

import pytest
from tests.shipping import Line

HERE = """
from penstock import Pipeline, hours

pipeline = Pipeline("shop", region="eu-west-1")

@pipeline.task
def take(event, context):
    return 1

pipeline.every(hours(3), take)
"""


@pytest.mark.parametrize("is_there", [True, False])
def test_a_task_is_told_as_of_its_pipelines_region(line: Line, is_there: bool) -> None:
    path = line.folder / "shop.py"
    path.write_text(HERE)
    line("run", "shop")
    (execution,) = json.loads(line("executions", "--json"))
    if not is_there:
        path.write_text("from penstock import Pipeline\n")
    told = json.loads(line("executions", execution["id"], "--history", "--json"))
    (scheduled,) = [one["taskScheduledEventDetails"] for one in told["events"] if one["type"] == "TaskScheduled"]
    assert scheduled.get("region") == ("eu-west-1" if is_there else None)
