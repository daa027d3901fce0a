"""`status`, `logs` and `cost`, as they are typed; moto is AWS, and Terraform plays what it is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.shipping import REGION, FakeTerraform, Line

from penstock.adapters.aws.session import client

PENSTOCK = [sys.executable, "-m", "penstock", "-f", "shop.py"]


def commands(terraform: FakeTerraform) -> list[str]:
    return [one[0] for one in terraform.calls()]


@pytest.fixture
def shop(line: Line, terraform: FakeTerraform, aws: str) -> dict[str, Any]:
    """A deployed pipeline: what Terraform says of it, and what is there."""
    made: dict[str, Any] = {"region": REGION, "name_prefix": "dev-", "functions": {"take": "dev-shop-take"}}
    queue = client("sqs", region=REGION).create_queue(QueueName="dev-shop-dead-letters")["QueueUrl"]
    machine = client("stepfunctions", region=REGION).create_state_machine(
        name="dev-shop", definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/r",
    )["stateMachineArn"]  # fmt: skip
    client("logs", region=REGION).create_log_group(logGroupName="/aws/lambda/dev-shop-take")
    client("logs", region=REGION).create_log_stream(logGroupName="/aws/lambda/dev-shop-take", logStreamName="s")
    for name in ("dev-TooLate", "dev-shop-killed", "dev-shop-europe-killed", "dev-other"):
        alarm(name, "OK")
    line("synth", "shop")
    (line.release / ".terraform").mkdir()
    made |= {"dead_letters": queue, "state_machines": {"shop": machine}}
    terraform.gives(made)
    return made


def alarm(name: str, state: str) -> None:
    watch = client("cloudwatch", region=REGION)
    watch.put_metric_alarm(
        AlarmName=name, MetricName="m", Namespace="n", Period=60, EvaluationPeriods=1, Statistic="Sum", Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    watch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="because")


def write(*messages: str, at: float | None = None) -> None:
    events = [{"timestamp": int((at or time.time()) * 1000), "message": message} for message in messages]
    client("logs", region=REGION).put_log_events(
        logGroupName="/aws/lambda/dev-shop-take", logStreamName="s", logEvents=events
    )


class TestStatus:
    def test_all_is_well(self, line: Line, shop: dict[str, Any], terraform: FakeTerraform) -> None:
        said = line("status", "shop")
        assert "nothing ran yet" in said
        assert "2 alarms, all OK" in said
        assert "dead letters: 0" in said
        assert commands(terraform) == ["output"]

    def test_what_ran_is_shown(self, line: Line, shop: dict[str, Any]) -> None:
        arn = shop["state_machines"]["shop"]
        client("stepfunctions", region=REGION).start_execution(stateMachineArn=arn, name="e-1", input='{"key": "pw"}')
        (ran,) = line.json("status", "shop")["executions"]
        assert (ran["workflow"], ran["name"], ran["input"]) == ("shop", "e-1", None)
        assert "e-1" in line("status", "shop")

    def test_what_failed_has_its_reason_and_shows_no_data(self, line: Line, shop: dict[str, Any]) -> None:
        service, arn = client("stepfunctions", region=REGION), shop["state_machines"]["shop"]
        begun = service.start_execution(stateMachineArn=arn, name="e-1", input='{"key": "hunter2"}')
        service.stop_execution(executionArn=begun["executionArn"], error="Late", cause="it was too late")
        (ran,) = line.json("status", "shop")["executions"]
        assert (ran["status"], ran["input"]) == ("ABORTED", None)
        assert "hunter2" not in line("status", "shop")

    def test_alarms_and_dead_letters_are_a_failure(self, line: Line, shop: dict[str, Any]) -> None:
        alarm("dev-shop-europe-killed", "ALARM")
        line("status", "shop")
        alarm("dev-shop-killed", "ALARM")
        assert "shop-killed  because" in line("status", "shop", code=1)
        alarm("dev-shop-killed", "OK")
        client("sqs", region=REGION).send_message(QueueUrl=shop["dead_letters"], MessageBody="x")
        assert "dead letters: 1" in line("status", "shop", code=1)

    def test_a_workflow_that_is_not_deployed_yet_does_no_harm(self, line: Line, shop: dict[str, Any]) -> None:
        with (line.folder / "shop.py").open("a") as file:
            file.write("\npipeline.every(hours(5), take, name='more')\n")
        line("status", "shop")

    def test_a_folder_that_was_never_initialized(
        self, line: Line, shop: dict[str, Any], terraform: FakeTerraform
    ) -> None:
        """As after a clone of the repository."""
        (line.release / ".terraform").rmdir()
        line("status", "shop")
        assert commands(terraform) == ["init", "output"]

    @pytest.mark.parametrize("command", ["status", "logs"])
    def test_what_is_not_there(
        self, line: Line, terraform: FakeTerraform, command: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "did you mean 'shop'" in line(command, "shopp", code=4)
        assert "there is no release" in line(command, "shop", code=4)
        line("synth", "shop")
        assert "penstock deploy shop" in line(command, "shop", code=4)
        terraform.gives({"region": REGION})
        assert "has no functions" in line(command, "shop", code=1)
        with monkeypatch.context() as without:
            without.setenv("PATH", str(line.folder))
            assert "Terraform is not installed" in line(command, "shop", code=2)
        monkeypatch.setitem(sys.modules, "boto3", None)
        assert "pip install 'penstock[aws]'" in line(command, "shop", code=2)


class TestLogs:
    def test_lines_with_their_task(self, line: Line, shop: dict[str, Any]) -> None:
        write("hello", "\x1b[31mred")
        said = line("logs", "shop")
        assert "dev-shop-take hello\n" in said
        assert "\x1b" not in said
        assert [one["message"] for one in line.json("logs", "shop", "take")] == ["hello", "\x1b[31mred"]
        assert [one["message"] for one in line.json("logs", "shop", "--filter", "hello")] == ["hello"]

    def test_how_far_back(self, line: Line, shop: dict[str, Any]) -> None:
        write("old", at=time.time() - 7200)
        write("new")
        assert [one["message"] for one in line.json("logs", "shop")] == ["new"]
        assert [one["message"] for one in line.json("logs", "shop", "--since", "3h")] == ["old", "new"]
        assert [one["message"] for one in line.json("logs", "shop", "--since", "90000d")] == ["old", "new"]

    @pytest.mark.parametrize("span", ["", "m", "1", "-1h", "²m", "1y", "1e9h", "h1"])
    def test_spans_that_are_none(self, line: Line, shop: dict[str, Any], span: str) -> None:
        assert "no span of time" in line("logs", "shop", f"--since={span}", code=2)

    def test_no_such_task(self, line: Line, shop: dict[str, Any]) -> None:
        assert "its tasks are: take" in line("logs", "shop", "nope", code=4)

    def test_following_until_it_is_interrupted(self, line: Line, shop: dict[str, Any]) -> None:
        write("hello")
        with subprocess.Popen(
            [*PENSTOCK, "logs", "shop", "--follow", "--json"], cwd=line.folder, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        ) as running:  # fmt: skip
            assert running.stdout is not None
            assert json.loads(running.stdout.readline())["message"] == "hello"
            write("again")
            assert json.loads(running.stdout.readline())["message"] == "again"
            running.send_signal(signal.SIGINT)
            rest, errors = running.communicate(timeout=30)
        assert (running.returncode, rest, errors) == (130, "", "")


class TestCost:
    def test_lines_add_up_and_prices_have_a_source(self, line: Line) -> None:
        found = line.json("cost", "shop")
        # Every three hours, in a month of 30 days.
        (calls,) = [one for one in found["lines"] if one["price"] == "lambda-requests"]
        assert calls["quantity"] == 240
        assert found["monthly_usd"] == pytest.approx(sum(one["monthly_usd"] for one in found["lines"]), abs=0.01)
        assert found["monthly_usd_without_free_tier"] == pytest.approx(
            sum(one["full_usd"] for one in found["lines"]), abs=0.01
        )
        assert {one["price"] for one in found["lines"]} == set(found["prices"])
        assert all(one["source"] and one["dated"] and one["page"] for one in found["prices"].values())

    def test_people_get_a_table(self, line: Line) -> None:
        found = line.json("cost", "shop")
        said = line("cost", "shop")
        (total,) = [one for one in said.splitlines() if one.startswith("total")]
        assert total.split() == [
            "total", f"${found['monthly_usd']:.2f}", f"${found['monthly_usd_without_free_tier']:.2f}",
        ]  # fmt: skip
        assert "prices of us-east-1" in said
        assert found["prices"]["lambda-requests"]["source"] in said
        assert found["prices"]["lambda-requests"]["dated"] in said

    def test_other_regions_have_other_prices(self, line: Line) -> None:
        path = Path("shop.py")
        path.write_text(path.read_text().replace('Pipeline("shop")', 'Pipeline("shop", region="eu-central-1")'))
        assert "no price of eu-central-1 is known for" in line("cost", "shop")

    def test_no_such_pipeline(self, line: Line) -> None:
        assert "did you mean 'shop'" in line("cost", "shopp", code=4)
