"""``backfill`` and ``undelete`` as an operator types them; the account is moto, and Terraform's outputs are given."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_backfill import KEYS, MACHINE, ROLE, configure

from penstock.adapters.aws.executions import StepFunctionsExecutions
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.cli.main import main
from penstock.deploy.release import RECORD

DEFINITION = """
import msgspec

from penstock import Pipeline


class Order(msgspec.Struct):
    id: str


pipeline = Pipeline("shop")
orders = pipeline.lake("orders", Order)
stock = pipeline.hot_table("Stock", key="item")
people = pipeline.topic("people", "console:")


@pipeline.task(may=[orders.read, stock.put, people.publish])
def book(event, context):
    '''Books.'''


pipeline.on_object(orders, book)
"""
# Of Terraform, the outputs are all that these commands ask for.
TERRAFORM = """#!/bin/sh
case "$1" in
  output) cat outputs.json ;;
  version) echo '{"terraform_version": "1.11.4"}' ;;
esac
"""
Type = Callable[..., int]


@pytest.fixture
def machine(aws: str) -> Iterator[str]:
    configure(aws, executes=True)
    made = client("stepfunctions").create_state_machine(name="book", definition=json.dumps(MACHINE), roleArn=ROLE)
    yield str(made["stateMachineArn"])
    configure(aws, executes=False)


@pytest.fixture
def type_in(machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types a command, and returns its exit code."""
    s3 = client("s3")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    for key in KEYS:
        S3ObjectStore("lake").create(key, b"{}\n")
    release = tmp_path / "deploy" / "shop"
    (release / ".terraform").mkdir(parents=True)
    (release / RECORD).write_text('{"pipeline": "shop", "files": {}}')
    outputs = {"region": "eu-central-1", "functions": {}, "state_machines": {"book": machine}, "dead_letters": "",
               "lake_bucket": "lake"}  # fmt: skip
    (release / "outputs.json").write_text(json.dumps({name: {"value": value} for name, value in outputs.items()}))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "terraform").write_text(TERRAFORM)
    (tmp_path / "bin" / "terraform").chmod(0o755)
    (tmp_path / "shop.py").write_text(DEFINITION)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)

    def typed(*words: str) -> int:
        with pytest.raises(SystemExit) as left:
            main(["-f", "shop.py", *words])
        return int(left.value.code or 0)

    return typed


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def count(machine: str) -> int:
    return sum(1 for _ in StepFunctionsExecutions({"book": machine}).list("book"))


def test_a_backfill_in_rehearsal_starts_nothing(
    type_in: Type, machine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in("backfill", "shop", "--dry-run", "--json") == 0
    told = answer(capsys)
    assert (told["objects"], told["started"], told["dry_run"], sorted(told["keys"])) == (4, 0, True, sorted(KEYS))
    assert count(machine) == 0


def test_a_backfill_says_what_failed_and_goes_on_under_its_label(
    type_in: Type, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in("backfill", "shop", "--yes", "--label", "june", "--json") == 1
    told = answer(capsys)
    assert (told["label"], told["started"], told["succeeded"], told["repeated"]) == ("june", 4, 3, 0)
    assert [(one["key"], one["error"]) for one in told["failures"]] == [(KEYS[2], "Bad")]
    assert type_in("backfill", "shop", "--yes", "--label", "june") == 1
    told = capsys.readouterr()
    assert "1 started, 3 had been put through before, 1 failed" in told.out
    assert "--label june" in told.out
    assert "fills the hot tables Stock" in told.out
    assert "sends messages again to people" in told.out


def test_without_a_label_everything_is_put_through_again(type_in: Type, machine: str) -> None:
    assert type_in("backfill", "shop", "--yes", "--label", "a") == 1
    assert type_in("backfill", "shop", "--yes", "--since", "1h") == 1
    assert count(machine) == 8


def test_nothing_starts_unless_somebody_agrees(type_in: Type, machine: str) -> None:
    assert type_in("backfill", "shop") == 2
    assert count(machine) == 0


def test_a_table_that_is_not_there(type_in: Type, capsys: pytest.CaptureFixture[str]) -> None:
    assert type_in("backfill", "shop", "--table", "returns", "--yes") == 4
    assert "tables that trigger one: orders" in capsys.readouterr().err


def test_deleted_objects_come_back(type_in: Type, machine: str, capsys: pytest.CaptureFixture[str]) -> None:
    lake = S3ObjectStore("lake")
    for key in KEYS[:3]:
        lake.delete(key)
    assert type_in("undelete", "shop", "--dry-run", "--json") == 0
    told = answer(capsys)
    assert (told["objects"], told["bytes"], told["restored"], told["keys"]) == (3, 9, 0, sorted(KEYS[:3]))
    assert len(list(lake.list())) == 1
    assert type_in("undelete", "shop") == 2, "nobody agreed"
    capsys.readouterr()
    assert type_in("undelete", "shop", "--prefix", KEYS[0], "--yes", "--json") == 0
    assert answer(capsys)["restored"] == 1
    assert type_in("undelete", "shop", "--yes") == 0
    assert "2 objects are there again" in capsys.readouterr().out
    assert [one.key for one in lake.list()] == sorted(KEYS)
    assert count(machine) == 0


def test_what_was_deleted_before_stays_deleted(type_in: Type, capsys: pytest.CaptureFixture[str]) -> None:
    S3ObjectStore("lake").delete(KEYS[0])
    assert type_in("undelete", "shop", "--since", "2100-01-01", "--yes") == 0
    assert "nothing was deleted in lake since then" in capsys.readouterr().out
    assert S3ObjectStore("lake").head(KEYS[0]) is None
