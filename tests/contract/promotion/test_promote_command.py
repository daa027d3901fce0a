"""``penstock promote`` as a person types it, killed between any two effects."""

import json
import os
from pathlib import Path

import pytest
from promoted import (
    ACCOUNT,
    INSTANCES,
    ITEMS,
    OBJECTS,
    OFF,
    ON,
    REGION,
    SCHEDULE,
    assert_all_is_there,
    bucket,
    datapoints,
    items,
    penstock,
    samples,
    states,
)

from penstock.adapters.aws.session import client
from penstock.deploy.destination import Destination
from penstock.errors import UsageError
from penstock.runtime.machine.promoted import refuse_promoted


@pytest.mark.parametrize(
    ("point", "left", "counted"),
    [
        ("promotion.object_carried:kill:2", OFF, INSTANCES),
        ("promotion.items_carried:kill", OFF, INSTANCES),
        # CloudWatch cannot be asked whether it has heard: the batch is published again.
        ("promotion.datapoints_published:kill", OFF, 2 * INSTANCES),
        ("promotion.before_enable:kill", OFF, INSTANCES),
        ("promotion.after_enable:kill", ON, INSTANCES),
    ],
)
def test_what_was_killed_goes_on(
    folder: Path, account: Destination, release: Path, point: str, left: tuple[str, str], counted: int
) -> None:
    options = ("promote", "metrics", "--out", str(release.parent), "--yes", "--settle", "0", "--json")
    path = {"PATH": f"{release.parent}:{os.environ['PATH']}"}
    killed = penstock(folder, *options, PENSTOCK_FAULT=point, **path)
    assert killed.returncode == -9, killed.stderr
    assert states() == left
    with pytest.raises(UsageError, match="is on its way from this home"):
        refuse_promoted(folder, ["metrics"])
    done = penstock(folder, *options, **path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["carried"]["items"] == ITEMS
    assert_all_is_there(folder)
    assert samples("CPUUtilization") == counted


def test_what_was_promoted_does_not_run_here(folder: Path, account: Destination, release: Path) -> None:
    path = {"PATH": f"{release.parent}:{os.environ['PATH']}"}
    options = ("promote", "metrics", "--out", str(release.parent))
    schedule = client("scheduler").get_schedule(Name=SCHEDULE)
    kept = {name: schedule[name] for name in ("ScheduleExpression", "FlexibleTimeWindow", "Target")}
    client("scheduler").update_schedule(Name=SCHEDULE, State="DISABLED", **kept)
    unasked = penstock(folder, *options, **path)
    assert (unasked.returncode, "give --yes" in unasked.stderr) == (2, True)
    done = penstock(folder, *options, "--yes", "--settle", "0", **path)
    assert f"metrics goes on in account {ACCOUNT}, {REGION}" in done.stdout
    assert f"{SCHEDULE} was disabled before: set schedules_enabled = true in terraform.tfvars" in done.stdout
    assert states() == ON
    for command in (["run", "metrics"], ["up", "metrics"], ["put", "infra_metrics", __file__]):
        refused = penstock(folder, *command)
        assert (refused.returncode, "`penstock promote metrics --undo`" in refused.stderr) == (2, True)
    assert list((folder / "owners").iterdir()) == []
    undone = penstock(folder, *options, "--undo", "--yes", **path)
    assert "its rules and schedules are disabled there" in undone.stdout, undone.stderr
    refuse_promoted(folder, ["metrics"])
    assert states() == OFF


def test_a_plan_changes_nothing(folder: Path, account: Destination, release: Path) -> None:
    before = {path: path.read_bytes() for path in folder.glob("*.json")}
    options = ("promote", "metrics", "--out", str(release.parent), "--plan")
    path = {"PATH": f"{release.parent}:{os.environ['PATH']}"}
    shown = penstock(folder, *options, **path)
    assert shown.returncode == 0, shown.stderr
    assert "the history of executions stays on this machine" in shown.stdout
    plan = json.loads(penstock(folder, *options, "--json", **path).stdout)
    assert plan["objects"]["raw/infra_metrics/"]["missing"] == OBJECTS
    assert plan["items"]["InfraMetrics"] == {"items": ITEMS, "missing": ITEMS, "different": 0}
    assert (plan["datapoints"], plan["obstacles"]) == (datapoints(folder), [])
    assert (states(), bucket(), items()) == (ON, {}, [])
    assert {path: path.read_bytes() for path in folder.glob("*.json")} == before
