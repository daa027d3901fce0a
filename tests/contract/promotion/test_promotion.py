"""A home of the metrics pipeline goes on in an account: moto's."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard
from promoted import (
    ACCOUNT,
    BUCKET,
    FLEET,
    INSTANCES,
    ITEMS,
    OBJECTS,
    OFF,
    ON,
    OUTPUTS,
    REGION,
    SCHEDULE,
    TABLE,
    assert_all_is_there,
    bucket,
    datapoints,
    items,
    lake,
    penstock,
    promoter,
    samples,
    states,
)

from penstock import faultpoints
from penstock.adapters.aws.session import client
from penstock.deploy.destination import Destination, find_destination
from penstock.deploy.promotion import undo
from penstock.deploy.promotion_plan import make_plan
from penstock.errors import NotFoundError, PortError, UsageError
from penstock.lake.catalog import archive_key
from penstock.model.pipeline import Definition
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.promoted import read_promotions, refuse_promoted


def test_everything_is_carried_and_goes_on_there(
    definition: Definition, home: Home, folder: Path, account: Destination
) -> None:
    told: list[str] = []
    done = promoter(definition, home, account, say=told.append).run()
    assert_all_is_there(folder)
    with sqlite3.connect(folder / "hot.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (ITEMS,)
    sizes = sum(path.stat().st_size for path in (folder / "lake").rglob("*.json"))
    assert (done.carried.objects, done.carried.bytes, done.carried.items) == (OBJECTS, sizes, ITEMS)
    assert (done.carried.items_kept, done.carried.datapoints) == (0, datapoints(folder))
    assert samples("CPUUtilization") == INSTANCES
    assert f"lake: {OBJECTS} objects carried, {sizes} bytes" in told
    assert (done.account, done.region, done.bucket) == (ACCOUNT, REGION, BUCKET)
    assert read_promotions(folder)["metrics"] == done
    with pytest.raises(UsageError, match="was promoted from this home to account 123456789012"):
        refuse_promoted(folder, ["metrics"])
    refuse_promoted(folder, ["orders"])


def test_what_is_in_the_archive_is_carried_to_the_same_key(
    definition: Definition, home: Home, folder: Path, account: Destination
) -> None:
    key = min(lake(folder))
    target = archive_key(key)
    home.objects.create(target, zstandard.ZstdCompressor().compress(home.objects.get(key)))
    home.objects.delete(key)
    assert make_plan(definition, home, account).objects["archive/raw/infra_metrics/"].objects == 1
    done = promoter(definition, home, account).run()
    assert done.carried.objects == OBJECTS
    assert client("s3").get_object(Bucket=BUCKET, Key=target)["Body"].read() == home.objects.get(target)
    assert key not in bucket()


def test_an_item_comes_with_all_its_attributes(definition: Definition, home: Home, account: Destination) -> None:
    table = definition.hot_tables["InfraMetrics"]
    one = home.hot.scan(table, limit=1).items[0]
    promoter(definition, home, account).run()
    key = {"metric_id": {"S": one["metric_id"]}, "timestamp": {"N": str(one["timestamp"])}}
    there = client("dynamodb").get_item(TableName=TABLE, Key=key)["Item"]
    assert there.keys() == one.keys()
    assert there["instance_id"] == {"S": one["instance_id"]}
    assert float(there["value"]["N"]) == float(one["value"])
    assert int(there[str(table.ttl_attribute)]["N"]) == one[str(table.ttl_attribute)]


def test_nothing_starts_workflows_until_the_end(definition: Definition, home: Home, account: Destination) -> None:
    pauses: list[tuple[float, tuple[str, str], int]] = []

    def pause(seconds: float) -> None:
        pauses.append((seconds, states(), len(bucket())))

    promoter(definition, home, account, pause=pause, settle_seconds=120.0).run()
    (first, *before), (last, *after) = pauses
    assert first == 120.0
    assert 100 < last <= 121
    assert before == [OFF, 0]
    assert after == [OFF, OBJECTS]


def test_a_schedule_keeps_everything_but_its_state(definition: Definition, home: Home, account: Destination) -> None:
    def shown() -> dict[str, Any]:
        found = client("scheduler").get_schedule(Name=SCHEDULE)
        return {
            name: value for name, value in found.items() if name not in {"ResponseMetadata", "LastModificationDate"}
        }

    before = shown()
    promoter(definition, home, account).run()
    assert shown() == before


def test_to_promote_again_changes_nothing(
    definition: Definition, home: Home, folder: Path, account: Destination
) -> None:
    first = promoter(definition, home, account).run()
    assert promoter(definition, home, account).run() == first
    assert samples("CPUUtilization") == INSTANCES
    assert_all_is_there(folder)


def test_an_object_that_is_there_already_is_left_alone(
    definition: Definition, home: Home, folder: Path, account: Destination
) -> None:
    key = min(lake(folder))
    put = {"Bucket": BUCKET, "Key": key, "Body": (folder / "lake" / key).read_bytes()}
    client("s3").put_object(**put, Metadata={"by": "hand"})
    client("s3").put_object(Bucket=BUCKET, Key="raw/infra_metrics/year=2020/own.json", Body=b"own")
    promoter(definition, home, account).run()
    assert client("s3").head_object(Bucket=BUCKET, Key=key)["Metadata"] == {"by": "hand"}
    assert len(bucket()) == OBJECTS + 1


def test_the_accounts_own_item_wins(definition: Definition, home: Home, account: Destination) -> None:
    one = home.hot.scan(definition.hot_tables["InfraMetrics"], limit=1).items[0]
    key = {"metric_id": {"S": one["metric_id"]}, "timestamp": {"N": str(one["timestamp"])}}
    client("dynamodb").put_item(TableName=TABLE, Item={**key, "value": {"N": "-1"}})
    client("dynamodb").put_item(TableName=TABLE, Item={**key, "timestamp": {"N": "1"}})
    done = promoter(definition, home, account).run()
    assert (done.carried.items, done.carried.items_kept) == (ITEMS, 1)
    assert client("dynamodb").get_item(TableName=TABLE, Key=key)["Item"] == {**key, "value": {"N": "-1"}}
    assert len(items()) == ITEMS + 1


def test_what_is_lost_on_the_way_is_found_at_the_end(
    definition: Definition, home: Home, folder: Path, account: Destination
) -> None:
    def lose(told: str) -> None:
        if told.startswith("metrics:"):
            client("s3").delete_object(Bucket=BUCKET, Key=min(lake(folder)))
            one = items()[0]
            client("dynamodb").delete_item(
                TableName=TABLE, Key={name: one[name] for name in ("metric_id", "timestamp")}
            )

    with pytest.raises(PortError, match="1 objects, 1 items of InfraMetrics are not in the account after all"):
        promoter(definition, home, account, say=lose).run()
    assert states() == OFF
    promoter(definition, home, account).run()
    assert_all_is_there(folder)


def test_it_waits_for_what_runs_in_the_account(definition: Definition, home: Home, account: Destination) -> None:
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:metrics"
    started = client("stepfunctions").start_execution(stateMachineArn=arn, name="scheduled")["executionArn"]
    told: list[str] = []
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            assert bucket() == {}
            client("stepfunctions").stop_execution(executionArn=started)

    promoter(definition, home, account, say=told.append, pause=pause, settle_seconds=9.0).run()
    assert told.count("waiting for 1 executions in the account, such as scheduled") == 2
    assert pauses[:3] == [9.0, 5.0, 5.0]


def test_what_is_too_old_for_cloudwatch_stays(
    definition: Definition, home: Home, folder: Path, account: Destination
) -> None:
    with sqlite3.connect(folder / "metrics.sqlite") as connection:
        sql = "UPDATE datapoints SET at=? WHERE series=(SELECT id FROM series WHERE name='CPUUtilization')"
        connection.execute(sql, (time.time() - 14 * 86_400 + 60,))
    every = datapoints(folder)
    plan = make_plan(definition, home, account)
    assert (plan.datapoints, plan.old_datapoints) == (every - INSTANCES, INSTANCES)
    assert promoter(definition, home, account).run().carried.datapoints == every - INSTANCES
    assert (samples("CPUUtilization"), samples("MemoryUtilization")) == (0, INSTANCES)


def test_other_pipelines_stay(definition: Definition, home: Home, folder: Path, account: Destination) -> None:
    home.objects.create("raw/orders/year=2026/month=01/day=01/hour=00/o.json", b"{}")
    home.database.execute("UPDATE executions SET status='RUNNING', pipeline='orders' WHERE source='manual'")
    promoter(definition, home, account).run()
    assert len(bucket()) == OBJECTS
    refuse_promoted(folder, ["orders"])


def test_undone_it_runs_here_again_and_can_be_promoted_once_more(
    definition: Definition, home: Home, folder: Path, account: Destination
) -> None:
    promoter(definition, home, account).run()
    undo(definition, home, account)
    assert states() == OFF
    with pytest.raises(NotFoundError, match="was not promoted"):
        undo(definition, home, account)
    assert penstock(folder, "run", "metrics", "--input", FLEET).returncode == 0
    done = promoter(definition, home, account).run()
    assert (done.carried.objects, done.carried.items, states()) == (2 * OBJECTS, 2 * ITEMS, ON)
    assert bucket() == lake(folder)
    assert samples("CPUUtilization") == 2 * INSTANCES
    assert done.carried.datapoints == datapoints(folder)


def test_it_is_undone_where_it_was_promoted_to(definition: Definition, home: Home, account: Destination) -> None:
    faultpoints.arm("promotion.object_carried", "raise")
    with pytest.raises(RuntimeError, match=r"promotion\.object_carried"):
        promoter(definition, home, account).run()
    other = find_destination(definition, {**OUTPUTS, "lake_bucket": "another"})
    with pytest.raises(UsageError, match="goes from this home to account 123456789012"):
        promoter(definition, home, other).run()
    with pytest.raises(UsageError, match="was promoted to account 123456789012"):
        undo(definition, home, other)
    undo(definition, home, None)
