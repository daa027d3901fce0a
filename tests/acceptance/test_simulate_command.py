"""`penstock simulate`, `alarms rehearse` and `backfill --from`, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.main import main

WEEK = ("--from", "2026-02-01", "--for", "2d", "--seed", "7")


class Shell:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as left:
            main(["--home", str(self.folder / "home"), *arguments])
        told = self._capsys.readouterr()
        assert (left.value.code or 0) == code, told.out + told.err
        return told.out if code == 0 else told.out + told.err

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def test_a_month_of_the_seed_has_its_figures(shell: Shell) -> None:
    # seeds/metrics-architecture.md: 8 executions a day, 4 objects each, one instance: 240, 960 and 960 a month.
    found = shell.json("simulate", "metrics", "--for", "30d", "--from", "2026-02-01", "--seed", "7")
    executions = {one["workflow"]: one["executions"] for one in found["executions"]}
    assert executions == {"metrics": 240, "log-processor": 960}
    assert {one["zone"]: (one["objects"], one["records"]) for one in found["lake"]} == {
        "raw": (960, 960), "sealed": (240, 960),
    }  # fmt: skip
    assert found["items"] == {"InfraMetrics": 960}
    assert found["problems"] == []
    assert found["bill"]["lines"]

    home = str(shell.folder / "home-simulated")
    asked = shell.json("--home", home, "query", "SELECT count(*) AS points FROM infra_metrics")
    assert asked == [{"points": 960}]


def test_it_is_shown_with_what_would_play_it_again(shell: Shell) -> None:
    shown = shell("simulate", "metrics", *WEEK, "--instances", "3", "--fault", "task-raises:collect_cpu,for=1d")
    assert "2 days of metrics from 2026-02-01 00:00:00Z" in shown
    assert "DataCollectorErrors" in shown
    again = "penstock simulate metrics --from 2026-02-01T00:00:00Z --for 2d --seed 7 --instances 3"
    assert f"{again} --fault task-raises:collect_cpu,for=86400s" in shown.replace("\n", " ")


def test_the_fingerprint_is_of_the_content(shell: Shell) -> None:
    first = shell.json("simulate", "metrics", *WEEK, "--fingerprint")["fingerprint"]
    again = shell.json("simulate", "metrics", *WEEK, "--fingerprint", "--into", str(shell.folder / "b"))["fingerprint"]
    other = shell.json("simulate", "metrics", *WEEK, "--instances", "2", "--fingerprint")["fingerprint"]
    assert first == again != other


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--for", "0s"), 2, "nothing happens"),
        (("--for", "soon"), 2, "no span of time"),
        (("--from", "sometime"), 2, "no day"),
        (("--fault", "flood"), 2, "there is no fault 'flood'"),
        (("--fault", "task-raises:collect_gpu"), 2, "has no 'collect_gpu'"),
        (("--instances", "0"), 2, "instances"),
    ],
)
def test_what_cannot_be_played_is_refused(shell: Shell, arguments: tuple[str, ...], code: int, told: str) -> None:
    assert told in shell("simulate", "metrics", *arguments, code=code)


def test_a_folder_that_no_simulation_made_is_left_alone(shell: Shell) -> None:
    folder = shell.folder / "mine"
    folder.mkdir()
    (folder / "kept.txt").write_text("mine")
    assert "no simulation made it" in shell("simulate", "metrics", "--into", str(folder), code=2)
    assert (folder / "kept.txt").read_text() == "mine"


TIDES = """
from penstock import Pipeline, hours, seconds

pipeline = Pipeline("tides")

@pipeline.task
def measure(event, context):
    return {"gauges": event.get("gauges", 0)}

pipeline.every(hours(1), measure)
"""
SIMULATED = 'pipeline.simulate(lambda instances, seed: {"gauges": instances}, instances=3, takes={measure: seconds(2)})'


def test_a_pipeline_says_what_its_instances_are_and_how_long_its_tasks_take(shell: Shell) -> None:
    file = shell.folder / "tides.py"
    file.write_text(TIDES)
    assert "what an instance is" in shell("-f", str(file), "simulate", "tides", "--instances", "2", code=2)
    file.write_text(TIDES + SIMULATED)
    found = shell.json("-f", str(file), "simulate", "tides", "--for", "5h", "--from", "2026-02-01", "--instances", "2")
    assert [one["executions"] for one in found["executions"]] == [5]
    home = str(shell.folder / "home-simulated")
    (execution,) = shell.json("--home", home, "executions", "--limit", "1")
    assert execution["output"] == {"gauges": 2}
    # Two seconds, a fifth more or less.
    assert 1.6 <= execution["stopped_at"] - execution["started_at"] <= 2.4


def test_nothing_runs_where_a_simulation_was(shell: Shell) -> None:
    shell("simulate", "metrics", "--for", "6h", "--fault", "mail-down")
    home = str(shell.folder / "home-simulated")
    # What waits for delivery there is about what never was.
    assert "was made by a simulation" in shell("--home", home, "run", "metrics", code=5)
    assert "was made by a simulation" in shell("--home", home, "backfill", "metrics", "--from", "6h", code=5)
    assert shell.json("--home", home, "notifications", "--limit", "1")


def test_the_faults_are_listed(shell: Shell) -> None:
    listed = shell.json("simulate", "metrics", "--fault", "list")
    assert "killed" in listed
    assert "random" in listed


def test_alarms_are_rehearsed_over_what_a_home_has_recorded(shell: Shell) -> None:
    shell("simulate", "metrics", *WEEK, "--instances", "3", "--fault", "task-raises:collect_cpu,from=6h,for=7h")
    home = str(shell.folder / "home-simulated")
    told = shell.json("--home", home, "alarms", "rehearse", "--pipeline", "metrics")
    by_name = {one["alarm"]: one for one in told["alarms"]}
    assert by_name["DataCollectorErrors"]["fired"] == 1
    # Two subscriptions.
    assert by_name["DataCollectorErrors"]["text"] == "2 mails in 2 days"
    assert "never published" in by_name["DynamoDBThrottling"]["cannot_fire"]
    shown = shell("--home", home, "alarms", "rehearse")
    assert "cannot fire" in shown
    # Of the pipelines that come with Penstock the others never ran in this home.
    assert "alarm of metrics" in shown
    assert "alarm of orders" not in shown


def test_without_a_recording_nothing_is_rehearsed(shell: Shell) -> None:
    (shell.folder / "home").mkdir()
    assert "no metric was recorded here" in shell("alarms", "rehearse", code=4)


def test_past_slots_are_run_once_each(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_FLEET", "2:7")
    listed = shell.json("backfill", "metrics", "--from", "12h", "--dry-run")
    assert len(listed) == 4
    first = shell.json("backfill", "metrics", "--from", "12h", "--concurrency", "2")
    assert (first["slots"], first["started"], first["known"], first["failed"]) == (4, 4, 0, [])
    again = shell.json("backfill", "metrics", "--from", "18h")
    assert (again["slots"], again["started"], again["known"]) == (6, 2, 4)
    executions = shell.json("executions", "--limit", "100")
    slots = [one["slot"] for one in executions if one["workflow"] == "metrics"]
    assert len(slots) == len(set(slots)) == 6


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "2d", "--to", "3d"), "there is no time between"),
        (("--from", "1d", "--to", "2126-01-01"), "run by themselves"),
        (("--from", "1d", "--schedule", "nightly"), "has no schedule 'nightly'"),
        (("--to", "1d"), "need --from"),
    ],
)
def test_slots_that_cannot_be_run_are_refused(shell: Shell, arguments: tuple[str, ...], told: str) -> None:
    code = 4 if "--schedule" in arguments else 2
    assert told in shell("backfill", "metrics", *arguments, code=code)
