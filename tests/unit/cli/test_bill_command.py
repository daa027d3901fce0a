"""``penstock bill``: the bill of a home that was metered, for people, as JSON and as CSV; and ``--budget`` for CI."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from penstock.adapters.local.meter import SqliteMeter
from penstock.cli.main import app
from penstock.cli.options import Options, hoist
from penstock.errors import PenstockError

DAY = 86_400.0
START = 1_788_912_000.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which three days were measured: 24 collections, and 3,000,000 writes into a hot table."""
    path = tmp_path / "home"
    path.mkdir()
    meter = SqliteMeter(path / "meter.sqlite")
    meter.observe(START)
    for number in range(24):
        at = START + number * 3 * 3600
        meter.count("transitions", 6, at=at, operation="state transitions", resource="metrics/metrics")
        meter.count("s3-put", 4, at=at, operation="PutObject", resource="infra_metrics")
        meter.touch("metrics", at=at, operation="PutMetricData", resource="InfraMonitoring/CPUUtilization")
    meter.count("dynamodb-write", 3_000_000, at=START, operation="BatchWriteItem", resource="InfraMetrics")
    meter.observe(START + 3 * DAY)
    meter.close()
    return path


def run(home: Path, *arguments: str) -> Any:
    return CliRunner().invoke(app, hoist(["--home", str(home), "bill", *arguments]), obj=Options())


def test_it_says_what_a_month_costs(home: Path) -> None:
    text = run(home, "--json").stdout
    told = json.loads(text)
    lines = {line["price"]: line for line in told["lines"]}
    assert lines["dynamodb-write"]["quantity"] == 30_000_000
    assert lines["dynamodb-write"]["monthly_usd"] == pytest.approx(18.75)
    assert lines["transitions"]["quantity"] == 24 * 6 * 10
    assert told["measured"]["days"] == 3
    # 18.75 of writes, 960 objects at 0.005 for 1,000, and five alarms past the free ten
    assert told["monthly_usd"] == pytest.approx(18.75 + 0.0048 + 0.50)
    assert told["pipelines"] == {"metrics": pytest.approx(told["monthly_usd"], abs=0.0001)}
    assert told["prices"]["dynamodb-write"]["dated"] == "2024-11-15"
    assert len(told["changes"]) == 3


def test_people_see_a_table_with_its_sum(home: Path) -> None:
    shown = run(home, "--explain", "--against", "metrics")
    assert shown.exit_code == 0
    assert "3 days" in shown.stdout
    assert "$18.75" in shown.stdout
    assert "BatchWriteItem" in shown.stdout
    assert "its own lines add up to $0.73" in shown.stdout
    assert "one index less of InfraMetrics" in shown.stdout


@pytest.mark.parametrize(("budget", "code"), [("19.25", 1), ("19.26", 0)])
def test_a_budget_fails_in_ci(home: Path, budget: str, code: int) -> None:
    ended = run(home, "--budget", budget)
    assert ended.exit_code == code
    assert ("over budget" in ended.stderr) is (code == 1)


def test_programs_get_rows(home: Path) -> None:
    rows = [*csv.DictReader(io.StringIO(run(home, "--csv", "--explain").stdout))]
    (writes,) = (row for row in rows if row["price"] == "dynamodb-write")
    assert (writes["pipeline"], writes["operation"], writes["resource"]) == (
        "metrics",
        "BatchWriteItem",
        "InfraMetrics",
    )
    assert float(writes["monthly_usd"]) == pytest.approx(18.75)
    total = json.loads(run(home, "--json").stdout)["monthly_usd"]
    assert sum(float(row["monthly_usd"]) for row in rows) == pytest.approx(total, abs=0.0001)


def test_without_what_is_free(home: Path) -> None:
    full = json.loads(run(home, "--json", "--without-free-tier").stdout)
    # 1,440 transitions; ten of 15 alarms and a dashboard are free otherwise
    assert full["monthly_usd"] == full["monthly_usd_without_free_tier"]
    assert full["monthly_usd"] > 18.75 + 1.50 + 3.00 + 0.036


def test_prices_of_ones_own_and_of_another_region(home: Path, tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text('region = "us-east-1"\n[prices.dynamodb-write]\nusd = 0.5\nsource = "our contract"\n', "utf-8")
    lines = {line["price"]: line for line in json.loads(run(home, "--json", "--prices", str(own)).stdout)["lines"]}
    assert lines["dynamodb-write"]["monthly_usd"] == pytest.approx(15.00)
    ireland = json.loads(run(home, "--json", "--region", "eu-west-1").stdout)
    lines = {line["price"]: line for line in ireland["lines"]}
    assert lines["dynamodb-write"]["monthly_usd"] == pytest.approx(30 * 0.705)
    assert lines["metrics"]["region"] == "us-east-1"
    assert "metrics" in ireland["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--instances", "many"), "are no numbers of instances"),
        (("--instances", "0"), "are no numbers of instances"),
        (("--against", "absent"), "there is no cost table"),
        (("--without-free-tier", "--first-year"), "or with more of it"),
        (("--prices", "absent.toml"), "cannot read the prices"),
        (("absent",), "absent"),
    ],
)
def test_what_makes_no_sense_is_refused(home: Path, arguments: tuple[str, ...], said: str) -> None:
    raised = run(home, *arguments).exception
    assert isinstance(raised, PenstockError)
    assert said in str(raised)
    assert raised.hint


def test_the_home_of_the_simulation_is_found(home: Path) -> None:
    found = json.loads(run(home, "--json").stdout)
    home.rename(home.with_name("other-simulated"))
    assert json.loads(run(home.with_name("other"), "--json").stdout)["monthly_usd"] == found["monthly_usd"]


def test_a_home_that_was_not_metered_says_how_to(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    raised = run(tmp_path / "home").exception
    assert isinstance(raised, PenstockError)
    assert "penstock simulate" in raised.hint
