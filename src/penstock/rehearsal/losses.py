"""What can be lost, and how it comes back: with the commands that an operator has, on a pipeline that is deployed.

The clock runs from the loss until everything is as it was. What was there before is compared with what is there after.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.deploy.documents import invoked_tasks
from penstock.deploy.recovery import Backfill, Outcome, filled_tables, starts
from penstock.deploy.undelete import deleted_objects, undelete
from penstock.rehearsal.drill_report import Recovery, same
from penstock.rehearsal.parity import Comparison
from penstock.rehearsal.site import Site, contents
from penstock.rehearsal.steps import Steps

LABEL = "drill"
# The emulator's clock is this machine's, but S3 tells whole seconds.
SLACK_SECONDS = 2.0
TABLE_POLLS = {"Delay": 1, "MaxAttempts": 60}


def lose_hot_tables(site: Site) -> list[Recovery]:
    """Hot tables are deleted; what triggered workflows wrote comes back from the raw objects."""
    found = [
        Recovery(loss=f"hot table {name} deleted", not_drilled="no triggered workflow writes it: only backups have it")
        for name in site.definition.hot_tables
        if name not in filled_tables(site.definition)
    ]
    names = filled_tables(site.definition)
    if not names:
        return found
    ways = [f"penstock deploy {site.definition.name}", f"penstock backfill {site.definition.name}"]
    region = site.definition.deployment.replica_region
    if region is not None:
        ways.insert(0, f"aws dynamodb update-table --region {region} --replica-updates …")
    recovery = Recovery(loss=f"hot tables deleted: {', '.join(names)}", way=", ".join(ways))
    before = {name: site.items(name) for name in names}
    objects = site.contents()
    tables = [site.outputs["hot_tables"][name] for name in names]
    gone = _delete_tables(tables)
    with site.recovering(recovery) as step:
        if region is not None:
            _add_region_again(tables, site.definition.region, region, step)
        site.apply(step)
        again = _backfill_that_is_stopped(site, step)
    recovery.comparisons = [
        same("tables that are gone", tables, gone),
        *(same(f"items of {name}", before[name], site.items(name)) for name in names),
        again,
        same("objects of the lake, with their bytes", objects, site.contents()),
    ]
    return [*found, recovery]


def _delete_tables(names: list[str]) -> list[str]:
    """Deletes tables; returns those that are not there afterwards."""
    service = client("dynamodb")
    for name in names:
        service.delete_table(TableName=name)
    for name in names:
        service.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig=TABLE_POLLS)
    left = service.list_tables()["TableNames"]
    return [name for name in names if name not in left]


def _add_region_again(names: list[str], home: str, region: str, step: Steps) -> None:
    """A table cannot be made where one of its name is a replica elsewhere: the replica is what it is made from.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ReplicationGroupUpdate.html
    """
    elsewhere = client("dynamodb", region=region)
    with step(f"tables copied back from {region}"):
        for name in names:
            elsewhere.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": home}}])
        for name in names:
            client("dynamodb").get_waiter("table_exists").wait(TableName=name, WaiterConfig=TABLE_POLLS)


def _backfill_that_is_stopped(site: Site, step: Steps) -> Comparison:
    """Puts all objects through their workflows again, in two runs: the first is stopped halfway."""
    wanted = starts(site.definition, site.deployed.objects, label=LABEL)
    half = wanted[: len(wanted) // 2]

    def run(number: int) -> Outcome:
        # One after the other: where several objects hold an item, the newest wins, as it did.
        backfill = Backfill(site.deployed.executions, concurrency=1)
        return backfill.run(half if number == 1 else wanted)

    with step("backfill, stopped halfway") as done:
        first = run(1)
        done(f"{first.started} of {len(wanted)} objects")
    with step("backfill, continued") as done:
        second = run(2)
        done(f"{second.started} of {len(wanted)} objects")
    differences = [f"{one.key}: {one.error}" for one in (*first.failures, *second.failures)]
    if (first.started, second.started, second.repeated) != (len(half), len(wanted) - len(half), len(half)):
        differences.append(f"started {first.started}, then {second.started}, and passed over {second.repeated}")
    return Comparison(what="objects put through again, each once", compared=len(wanted), differences=differences)


def lose_objects(site: Site) -> list[Recovery]:
    """Every object of the lake is deleted by mistake; versions are still there."""
    if not site.definition.lake_tables:
        return []
    name = site.definition.name
    recovery = Recovery(loss="every object of the lake deleted", way=f"penstock undelete {name} --since 1h")
    store = site.deployed.objects
    before, ran = site.contents(), site.executions()
    deleted_at = site.clock.now() - SLACK_SECONDS
    for one in list(store.list()):
        store.delete(one.key)
    gone = list(store.list())
    with site.recovering(recovery) as step, step("undelete") as done:
        restored = undelete(site.bucket, deleted_objects(site.bucket, since=deleted_at))
        done(f"{restored} objects")
    site.deployed.settle()
    recovery.comparisons = [
        same("objects left by the deletion", [], [one.key for one in gone]),
        same("objects of the lake, with their bytes", before, site.contents()),
        same("executions: nothing starts by it", ran, site.executions()),
    ]
    return [recovery]


def lose_function(site: Site) -> list[Recovery]:
    """The function of a task is deleted."""
    tasks = invoked_tasks(site.definition, site.definition.workflows[site.workflow]) if site.workflow else []
    if not tasks:
        return [Recovery(loss="a function deleted", not_drilled="no workflow that could be run calls one")]
    function = site.outputs["functions"][tasks[0]]
    return [
        _deployed_again(
            site, f"function {function} deleted", lambda: client("lambda").delete_function(FunctionName=function)
        )
    ]


def lose_state_machine(site: Site) -> list[Recovery]:
    """A state machine is deleted, and with it the history of its executions."""
    if not site.workflow:
        return [Recovery(loss="a state machine deleted", not_drilled="there is no workflow that could be run")]
    machine = site.outputs["state_machines"][site.workflow]
    return [
        _deployed_again(
            site,
            f"state machine {site.workflow} deleted",
            lambda: client("stepfunctions").delete_state_machine(stateMachineArn=machine),
        )
    ]


def _deployed_again(site: Site, loss: str, lose: Callable[[], object]) -> Recovery:
    recovery = Recovery(loss=loss, way=f"penstock deploy {site.definition.name}")
    usual, before = site.usual_end, site.contents()
    lose()
    with site.recovering(recovery) as step:
        made = site.apply(step)
        with step(f"run {site.workflow}") as done:
            status = site.run(f"drill-{hashlib.sha256(loss.encode()).hexdigest()[:8]}")
            done(status)
    kept = set(site.contents())
    recovery.comparisons = [
        Comparison(what="resources made again", compared=made, differences=[] if made else ["nothing was missing"]),
        same("how a run ends", [usual], [status]),
        same("objects that were there before", before, [one for one in before if one in kept]),
    ]
    return recovery


def lose_region(site: Site) -> list[Recovery]:
    """The lake's bucket is lost with all its versions; its copy in another region has them."""
    region = site.definition.deployment.replica_region
    loss = f"region {site.definition.region} lost"
    if region is None or not site.definition.lake_tables:
        reason = "there is no copy elsewhere: the definition has no replica_region"
        return [Recovery(loss=loss, not_drilled=reason)]
    replica = S3ObjectStore(_replica_bucket(site.terraform.state()), region=region)
    recovery = Recovery(loss=f"{loss}: the lake with all its versions", way="copying it back from the other region")
    before = site.contents()
    copied = contents(replica)
    _empty(site.bucket)
    known = set(site.executions())
    with site.recovering(recovery) as step:
        with step("copy the lake back") as done:
            for one in replica.list():
                site.deployed.objects.create(one.key, replica.get(one.key))
            done(f"{len(copied)} objects")
        with step("triggers"):
            site.deployed.settle()
    processed = [site.deployed.executions.describe(arn).input or b"" for arn in site.executions() if arn not in known]
    watched = starts(site.definition, site.deployed.objects, label=LABEL)
    recovery.comparisons = [
        same(f"objects in {region}, with their bytes", before, copied),
        same("objects of the lake, with their bytes", before, site.contents()),
        same("copied objects put through their workflows", _keys(one.document for one in watched), _keys(processed)),
    ]
    return [recovery]


def _keys(documents: Iterable[bytes]) -> list[str]:
    return [str(json.loads(one)["key"]) for one in documents]


def _replica_bucket(state: dict[str, Any]) -> str:
    resources = state["values"]["root_module"]["resources"]
    return str(next(one["values"]["bucket"] for one in resources if one["address"] == "aws_s3_bucket.replica"))


def _empty(bucket: str) -> None:
    service = client("s3")
    for page in service.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        for one in found:
            service.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])


LOSSES: tuple[Callable[[Site], list[Recovery]], ...] = (
    lose_hot_tables, lose_objects, lose_function, lose_state_machine, lose_region,
)  # fmt: skip
