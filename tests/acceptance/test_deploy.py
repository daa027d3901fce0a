"""A pipeline's whole way in an account, as it is typed: with the real Terraform and provider, on moto's AWS."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.shipping import offline, write_wheels
from tests.terraform_cli import CONFIG, PLUGINS, configuration, skip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

REGION = "eu-central-1"
ACCOUNT = "123456789012"
SHOP = """
import msgspec
from penstock import Pipeline, days, hours, number

class Order(msgspec.Struct):
    id: str

pipeline = Pipeline("shop", region="eu-central-1")
orders = pipeline.lake("orders", Order)
stock = pipeline.hot_table("Stock", key=("item", number("day")), ttl=days(7))
# moto has no tags of budgets.
pipeline.aws(monthly_budget_usd=None, audit_trail=False)

@pipeline.task(may=[orders.append, stock.put])
def take(event, context):
    return 1

pipeline.every(hours(3), take)
"""
OVERRIDE = """
provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  max_retries                 = 2
}
"""
# An emulator is reached without TLS.
CHOICES = 'region = "eu-central-1"\nrequire_tls = false\n'
BUCKETS = {name: f"shop-{name}-{ACCOUNT}-{REGION}" for name in ("lake", "results", "logs")}


class Account:
    """A person's shell, and an AWS account that is moto's."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.release = folder / "deploy" / "shop"
        self.endpoint = f"http://127.0.0.1:{port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
        self.environment = {
            **kept,
            **offline(folder / "wheels"),
            CONFIG: str(configuration()),
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true", "CHECKPOINT_DISABLE": "1", "NO_COLOR": "1",
            "PENSTOCK_HOME": str(folder / "home"),
        }  # fmt: skip
        self.command = [sys.executable, "-m", "penstock", "-f", "shop.py"]
        self._clients: dict[str, Any] = {}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [*self.command, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True,
            check=False, timeout=600, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stdout + done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def terraform(self, *arguments: str) -> str:
        done = subprocess.run(
            ["terraform", *arguments], cwd=self.release, env=self.environment, capture_output=True, text=True,
            check=False, timeout=300, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def aws(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service, region_name=REGION, endpoint_url=self.endpoint, aws_access_key_id="test",
                aws_secret_access_key="test",
            )  # fmt: skip
        return self._clients[service]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    if shutil.which("terraform") is None:
        skip("terraform is not on PATH")
    if not Path(os.environ.get(CONFIG, "nowhere")).is_file() and os.environ.get(PLUGINS) is None:
        skip(f"neither {CONFIG} nor {PLUGINS} says where Terraform's AWS provider is")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    server = Path(__file__).parent / "moto_for_terraform.py"
    with subprocess.Popen([sys.executable, str(server), str(port)], stderr=subprocess.DEVNULL) as running:
        try:
            made = Account(tmp_path, port)
            _wait(made.endpoint)
            write_wheels(tmp_path / "wheels", "msgspec", "obstore")
            (tmp_path / "shop.py").write_text(SHOP)
            yield made
        finally:
            running.terminate()


def _wait(endpoint: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5).close()  # noqa: S310
        except OSError:
            assert time.monotonic() < end, "moto does not start"
            time.sleep(0.2)
        else:
            return


def names_of(account: Account) -> dict[str, list[str]]:
    """Returns what there is in the account."""
    return {
        "buckets": sorted(one["Name"] for one in account.aws("s3").list_buckets()["Buckets"]),
        "tables": account.aws("dynamodb").list_tables()["TableNames"],
        "functions": [one["FunctionName"] for one in account.aws("lambda").list_functions()["Functions"]],
        "machines": [one["name"] for one in account.aws("stepfunctions").list_state_machines()["stateMachines"]],
        "queues": account.aws("sqs").list_queues().get("QueueUrls", []),
        "alarms": [one["AlarmName"] for one in account.aws("cloudwatch").describe_alarms()["MetricAlarms"]],
        "roles": [one["RoleName"] for one in account.aws("iam").list_roles()["Roles"]],
    }


def write_and_look_at_the_release(account: Account) -> None:
    account("synth", "shop")
    (account.release / "override.tf").write_text(OVERRIDE)
    (account.release / "terraform.tfvars").write_text(CHOICES)
    (found,) = account.json("doctor", "--aws", "shop")
    assert "bucket-without-tls" in {one["code"] for one in found["findings"]}
    assert "aws_iam_role_policy.task_take" in found["unread"]
    planned = account.json("deploy", "shop", "--plan")
    assert planned["changes"]["created"]["s3_bucket"] == 3
    assert planned["applied"] is False
    assert names_of(account)["buckets"] == []
    assert not list(account.release.glob("*.tfplan"))
    assert not list(account.release.glob("*.tfstate"))


def interrupt_the_deployment(account: Account) -> None:
    with subprocess.Popen(
        [*account.command, "deploy", "shop", "--yes"], cwd=account.folder, env=account.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, start_new_session=True,
    ) as running:  # fmt: skip
        end = time.monotonic() + 300
        while not is_nearly_there(account):
            assert running.poll() is None
            assert time.monotonic() < end
            time.sleep(0.5)
        # As a terminal does: to every process of the group in front.
        os.killpg(running.pid, signal.SIGINT)
        _, errors = running.communicate(timeout=300)
    assert running.returncode == 130, errors
    assert "interrupted: Terraform ends what it has begun" in errors
    assert not (account.release / ".terraform.tfstate.lock.info").exists()
    assert not list(account.release.glob("*.tfplan"))
    known = account.terraform("state", "list").split()
    assert {f"aws_s3_bucket.{name}" for name in BUCKETS} < set(known)


def is_nearly_there(account: Account) -> bool:
    """Tells whether only the lifecycles of buckets are left, for which the provider waits most of a minute.

    A request that is cut off can have been heard: what it makes, Terraform does not know.
    """
    if not account.aws("scheduler").list_schedules()["Schedules"]:
        return False
    there = names_of(account)
    return "shop-dead-letters" in there["alarms"] and bool(there["functions"] and there["machines"])


def deploy_to_the_end(account: Account) -> None:
    made = account.json("deploy", "shop", "--yes")
    assert made["applied"] is True
    # Something was left to do.
    assert "s3_bucket_lifecycle_configuration" in made["changes"]["created"] | made["changes"]["replaced"]
    assert made["outputs"]["lake_bucket"] == BUCKETS["lake"]
    there = names_of(account)
    assert there["buckets"] == sorted(BUCKETS.values())
    assert there["tables"] == ["Stock"]
    assert there["functions"] == ["shop-take"]
    assert there["machines"] == ["shop"]


def look_at_what_is_deployed(account: Account) -> None:
    found = account.json("status", "shop")
    assert (found["executions"], found["dead_letters"]) == ([], 0)
    assert {one["alarm"] for one in found["alarms"]} >= {"shop-killed", "shop-dead-letters"}
    logs = account.aws("logs")
    logs.create_log_stream(logGroupName="/aws/lambda/shop-take", logStreamName="s")
    logs.put_log_events(
        logGroupName="/aws/lambda/shop-take", logStreamName="s",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "hello"}],
    )  # fmt: skip
    assert [one["message"] for one in account.json("logs", "shop", "take")] == ["hello"]
    queue = account.aws("sqs").get_queue_url(QueueName="shop-dead-letters")["QueueUrl"]
    account.aws("sqs").send_message(QueueUrl=queue, MessageBody="{}")
    assert "dead letters: 1" in account("status", "shop", code=1)
    (found,) = account.json("doctor", "--aws", "shop")
    assert found["unread"] == []


def try_to_destroy_data_that_is_not_named(account: Account) -> None:
    account.aws("s3").put_object(Bucket=BUCKETS["lake"], Key="raw/orders/one.json", Body=b"{}")
    account.aws("dynamodb").put_item(TableName="Stock", Item={"item": {"S": "bread"}, "day": {"N": "1"}})
    before = names_of(account)
    refused = account("destroy", "shop", "--yes", code=2)
    assert all(name in refused for name in (*BUCKETS.values(), "Stock"))
    account("destroy", "shop", "--yes", "--delete", "Stock", code=2)
    assert names_of(account) == before


def destroy_and_keep_the_data(account: Account) -> None:
    said = account("destroy", "shop", "--yes", "--keep-data")
    assert names_of(account) == {
        "buckets": sorted(BUCKETS.values()), "tables": ["Stock"],
        "functions": [], "machines": [], "queues": [], "alarms": [], "roles": [],
    }  # fmt: skip
    s3 = account.aws("s3")
    assert s3.get_object(Bucket=BUCKETS["lake"], Key="raw/orders/one.json")["Body"].read() == b"{}"
    assert len(account.aws("dynamodb").scan(TableName="Stock")["Items"]) == 1
    # What is kept is neither open nor unprotected.
    closed = s3.get_public_access_block(Bucket=BUCKETS["lake"])["PublicAccessBlockConfiguration"]
    assert all(closed.values())
    assert s3.get_bucket_versioning(Bucket=BUCKETS["lake"])["Status"] == "Enabled"
    assert account.aws("dynamodb").describe_table(TableName="Stock")["Table"]["DeletionProtectionEnabled"]
    assert account.terraform("state", "list") == ""
    assert "is not deployed" in account("status", "shop", code=4)
    assert f"import 'aws_s3_bucket.lake' '{BUCKETS['lake']}'" in said


def take_over_what_was_kept_and_destroy_it_by_name(account: Account) -> None:
    for name, bucket in BUCKETS.items():
        account.terraform("import", "-no-color", f"aws_s3_bucket.{name}", bucket)
    account.terraform("import", "-no-color", "aws_dynamodb_table.Stock", "Stock")
    account("deploy", "shop", "--yes")
    body = account.aws("s3").get_object(Bucket=BUCKETS["lake"], Key="raw/orders/one.json")["Body"].read()
    assert body == b"{}"
    named = [word for name in (*BUCKETS.values(), "Stock") for word in ("--delete", name)]
    found = account.json("destroy", "shop", "--yes", *named)
    assert found == {"pipeline": "shop", "destroyed": True, "kept": []}
    assert not any(names_of(account).values())
    assert account.json("destroy", "shop", "--yes")["destroyed"] is False


def test_the_whole_way(account: Account) -> None:
    """Each step begins with what the one before has left."""
    write_and_look_at_the_release(account)
    interrupt_the_deployment(account)
    deploy_to_the_end(account)
    look_at_what_is_deployed(account)
    try_to_destroy_data_that_is_not_named(account)
    destroy_and_keep_the_data(account)
    take_over_what_was_kept_and_destroy_it_by_name(account)
