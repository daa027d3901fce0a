"""What stops a promotion, and what it leaves then."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promoted import (
    ACCOUNT,
    BUCKET,
    OFF,
    ON,
    OUTPUTS,
    assert_all_is_there,
    bucket,
    digest,
    items,
    lake,
    promoter,
    states,
)

from penstock.adapters.aws.session import client
from penstock.adapters.local.owners import Owner
from penstock.deploy.destination import Destination, find_destination
from penstock.deploy.promotion_plan import make_plan
from penstock.errors import AlreadyExistsError, DeploymentError, UsageError
from penstock.model.pipeline import Definition
from penstock.model.queues import Queue
from penstock.ports.bus import ObjectCreated
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.promoted import refuse_promoted


def test_a_home_in_use_is_refused(definition: Definition, home: Home, folder: Path, account: Destination) -> None:
    other = Owner(folder / "owners", "other")
    with pytest.raises(UsageError, match=f"is in use by process {os.getpid()}"):
        promoter(definition, home, account).run()
    other.close()
    assert (states(), bucket(), items()) == (ON, {}, [])
    refuse_promoted(folder, ["metrics"])


def unfinished(home: Home) -> None:
    home.database.execute("UPDATE executions SET status='RUNNING' WHERE source='manual'")


def due(home: Home) -> None:
    home.bus.confirm(event("raw/infra_metrics/due"))


def announced(home: Home) -> None:
    home.bus.announce(event("raw/infra_metrics/announced"), writer="dead")


def arrived(home: Home) -> None:
    (home.inbox / "infra_metrics").mkdir(parents=True)
    (home.inbox / "infra_metrics" / "new.json").touch()


def event(key: str) -> ObjectCreated:
    return ObjectCreated(pipeline="metrics", table="infra_metrics", key=key, size=1, at=0.0)


@pytest.mark.parametrize(
    ("leave", "told"),
    [
        (unfinished, "1 executions are unfinished"),
        (due, "1 new objects wait"),
        (announced, "1 new objects wait"),
        (arrived, r"1 files wait in the inbox, such as .*new\.json"),
    ],
)
def test_work_that_is_left_is_done_here_first(
    definition: Definition, home: Home, folder: Path, account: Destination, leave: Any, told: str
) -> None:
    leave(home)
    assert len(make_plan(definition, home, account).obstacles) == 1
    with pytest.raises(UsageError, match=told) as refused:
        promoter(definition, home, account).run()
    assert "`penstock run metrics`" in refused.value.hint
    assert (states(), bucket(), items()) == (ON, {}, [])
    refuse_promoted(folder, ["metrics"])


def test_messages_in_queues_are_dealt_with_first_or_left(
    definition: Definition, home: Home, account: Destination
) -> None:
    jobs = Queue(name="jobs")
    queued = msgspec.structs.replace(definition, queues={"jobs": jobs})
    assert make_plan(queued, home, account).obstacles == []
    for number in range(3):
        home.queues.send(jobs, str(number))
    home.queues.receive(jobs, limit=1)
    assert make_plan(queued, home, account).obstacles == ["queue 'jobs' holds 3 messages"]
    with pytest.raises(UsageError, match="queue 'jobs' holds 3 messages") as refused:
        promoter(queued, home, account).run()
    assert "--leave-messages" in refused.value.hint
    left = make_plan(queued, home, account, leave_messages=True)
    assert left.obstacles == []
    assert any("3 messages of queue 'jobs' stay here" in line for line in left.staying)
    assert promoter(queued, home, account, leave_messages=True).run().promoted_at is not None


@pytest.mark.parametrize("other", [b"", b"x", None], ids=["empty", "short", "of the same size"])
def test_an_object_with_other_bytes_stops_everything_before_it_begins(
    definition: Definition, home: Home, folder: Path, account: Destination, other: bytes | None
) -> None:
    key = min(lake(folder))
    data = (folder / "lake" / key).read_bytes()
    data = bytes([data[0] ^ 1]) + data[1:] if other is None else other
    client("s3").put_object(Bucket=BUCKET, Key=key, Body=data)
    assert sum(len(one.different) for one in make_plan(definition, home, account).objects.values()) == 1
    with pytest.raises(AlreadyExistsError, match="with other bytes") as found:
        promoter(definition, home, account).run()
    assert found.value.data["keys"] == [key]
    assert bucket() == {key: digest(data)}
    assert (states(), items()) == (ON, [])
    refuse_promoted(folder, ["metrics"])
    client("s3").delete_object(Bucket=BUCKET, Key=key)
    promoter(definition, home, account).run()
    assert_all_is_there(folder)


def test_an_object_that_is_put_there_meanwhile_stops_it(
    definition: Definition, home: Home, folder: Path, account: Destination
) -> None:
    key = max(lake(folder))

    def interfere(seconds: float) -> None:
        client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"other")

    with pytest.raises(AlreadyExistsError, match="with other bytes"):
        promoter(definition, home, account, pause=interfere).run()
    assert bucket()[key] == digest(b"other")
    assert states() == OFF
    with pytest.raises(UsageError, match="is on its way"):
        refuse_promoted(folder, ["metrics"])


def test_a_deployment_without_a_part_is_refused(aws: str, definition: Definition) -> None:
    for name, told in (("rules", "log-processor"), ("hot_tables", "InfraMetrics"), ("lake_bucket", "the lake")):
        outputs = {key: value for key, value in OUTPUTS.items() if key != name}
        with pytest.raises(DeploymentError, match=f"does not have {told} among its {name}"):
            find_destination(definition, outputs)


def test_credentials_of_another_account_are_refused(aws: str, definition: Definition) -> None:
    machines = {name: arn.replace(ACCOUNT, "210987654321") for name, arn in OUTPUTS["state_machines"].items()}
    with pytest.raises(UsageError, match="deployed in account 210987654321, the credentials are of account 123456"):
        find_destination(definition, {**OUTPUTS, "state_machines": machines})
