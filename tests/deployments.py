"""Definitions that are deployed in tests, and their synthesized folders."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from penstock import Invoke, Pipeline, Widget, days, hours, index, minutes, number, seconds, string
from penstock.deploy.functions import functions
from penstock.deploy.hcl import Block, Expression, Template
from penstock.deploy.kit import Artifact, Site
from penstock.deploy.registry import CAPABILITIES
from penstock.deploy.terraform import synthesize
from penstock.model.alarms import Alarm
from penstock.model.pipeline import Definition

HOSTILE = 'a "quoted" ${local.prefix} %{ if true } \\ word\nand a second line'
WORKFLOWS = Path(__file__).parent / "workflows"
LAYERS = {"libraries": "layers/libraries.zip"}


class Order(msgspec.Struct):
    """An order."""

    id: str
    amount: float


def metrics() -> Definition:
    """Returns the metrics pipeline."""
    from penstock.pipelines.metrics import pipeline

    return pipeline.build()


def logs() -> Definition:
    """Returns the logs pipeline."""
    from penstock.pipelines.logs import pipeline

    return pipeline.build()


def orders() -> Definition:
    """Returns the orders pipeline, with its ETL as a job on Spark."""
    from penstock.pipelines.orders import JOB, pipeline

    definition = pipeline.build()
    job = msgspec.structs.replace(definition.workflows["order-etl"], definition=JOB.read_bytes())
    return msgspec.structs.replace(
        definition,
        workflows={**definition.workflows, "order-etl": job},
        deployment=msgspec.structs.replace(definition.deployment, jobs=("order-etl",)),
    )


def leads(**choices: Any) -> Definition:
    """Returns the leads pipeline."""
    from penstock.pipelines.leads import pipeline

    definition = pipeline.build()
    return msgspec.structs.replace(definition, deployment=msgspec.structs.replace(definition.deployment, **choices))


def everything(**choices: Any) -> Definition:
    """Returns a pipeline that has one of each, with every grant, and text that is hostile to Terraform."""
    shop = Pipeline("shop", description=HOSTILE, tags={"for": "nobody", "a team's": HOSTILE})
    orders = shop.lake("orders", Order, infrequent_after=days(30), archive_after=days(60), retain=days(365))
    stock = shop.hot_table(
        "Stock", key=("item", number("day")), indexes=[index("BySeller", string("seller"))], ttl=days(7)
    )
    people = shop.topic("people", "mailto:ops@example.com", "file:people.jsonl")
    late = shop.metric("Late", "Count", Shop="north")

    @shop.task(may=[orders.append, orders.read, orders.quarantine, stock.put, stock.get, stock.query, stock.delete])
    def take(event: Any, context: Any) -> None:
        """Takes orders."""

    @shop.task(may=[people.publish, late.publish], errors=late, timeout=seconds(0.5))
    def tell(event: Any, context: Any) -> None:
        """Tells people."""

    jobs, told = shop.queue("jobs", visibility=minutes(2), retain=days(1)), shop.event_bus("shop-events")

    @shop.task(may=[jobs.send, jobs.receive, told.put])
    def hand_on(event: Any, context: Any) -> None:
        """Hands on what is to be done."""

    shop.on_event(told, hand_on, source=["shop.orders", HOSTILE], detail_type="Order placed")
    shop.cron(
        "0 8 ? * MON-FRI *",
        Invoke(take).then(Invoke(tell)),
        name="mornings",
        timezone="Europe/Berlin",
        jitter=minutes(5),
    )
    shop.every(hours(1), take, name="hourly", timezone="Asia/Kolkata", input={"note": 'a "quoted" word'})
    shop.on_object(orders, tell)
    high = shop.alarm("Late > 5", metric=late, above=5, period=hours(1), for_periods=3, datapoints=2, notify=people)
    low = shop.alarm("p99 of late", metric=late, below=1, statistic="p99", period=hours(1), notify=people)
    shop.composite_alarm(
        "Both", "NOT (ALARM(\"Late > 5\") AND OK('p99 of late')) OR FALSE", notify=people, suppressor=low
    )
    shop.dashboard(
        "shop",
        Widget(title="late", metrics=(late,)),
        Widget(title="alarms", view="alarms", alarms=(high.name, "Both")),
        Widget(title="what", view="text", text=HOSTILE),
    )
    chosen = {"tracing": True, "streams": True, "replica_region": "eu-west-1", "vpc": True, "encryption_key": True}
    shop.aws(**(chosen | choices))
    return shop.build()


def services() -> Definition:
    """Returns a pipeline whose workflows call services in every way that can be deployed, and text that is hostile."""
    shop = Pipeline("shop")
    orders = shop.lake("orders", Order)
    stock = shop.hot_table("Stock", key=("item", number("day")))
    people = shop.topic("people")
    jobs, told = shop.queue("jobs"), shop.event_bus("told")

    @shop.task
    def take(event: Any, context: Any) -> None:
        """Takes orders."""

    settle = shop.workflow("settle", Invoke(take))
    shop.workflow(
        "serve",
        WORKFLOWS / "serve.asl.json",
        may=[stock.put, stock.get, stock.update, stock.delete, people.publish, jobs.send, told.put, settle.start,
             orders.append, orders.read, orders.quarantine, orders.list],
    )  # fmt: skip
    shop.workflow("ask", WORKFLOWS / "ask.asl.json", may=[orders.query])
    shop.workflow("each", WORKFLOWS / "each.asl.json", may=[orders.read, orders.list, orders.append])
    shop.on_event(told, settle, source="shop")
    return shop.build()


def with_alarm(definition: Definition, **changes: Any) -> Definition:
    """Returns a definition with one more alarm, which no check has seen."""
    first = next(iter(definition.alarms.values()))
    alarm: Alarm = msgspec.structs.replace(first, **changes)
    return msgspec.structs.replace(definition, alarms={**definition.alarms, alarm.name: alarm})


def site(definition: Definition) -> Site:
    """Returns what capabilities are asked with: a zip a task, and one layer."""
    artifacts = {task: Artifact(path=f"artifacts/{task}.zip", layers=tuple(LAYERS)) for task in functions(definition)}
    return Site(definition=definition, artifacts=artifacts, layers=LAYERS)


def files(definition: Definition) -> dict[str, bytes]:
    """Returns what a definition is synthesized to."""
    placed = site(definition)
    return synthesize(definition, placed.artifacts, placed.layers)


def resources(definition: Definition, kind: str | None = None) -> list[Block]:
    """Returns the resources of a definition, of one kind or of all, in the order in which they are written."""
    placed = site(definition)
    blocks = [b for one in CAPABILITIES.values() for made in one.blocks(placed).values() for b in made]
    return [b for b in blocks if b.type == "resource" and kind in {None, b.labels[0]}]


def text(value: Any) -> str:
    """Returns what a value says in Terraform's words."""
    return value.text if isinstance(value, Expression | Template) else str(value)


def inner(block: Block, *path: str) -> list[Block]:
    """Returns the nested blocks that a path of names leads to."""
    found = [block]
    for name in path:
        found = [child for one in found for child in one.blocks if name in {child.type, *child.labels}]
    return found


def named(definition: Definition, kind: str) -> dict[str, Block]:
    """Returns the resources of a kind, by their names in Terraform."""
    return {block.labels[1]: block for block in resources(definition, kind)}


def write(definition: Definition, folder: Path) -> Path:
    """Writes a folder that Terraform can read, with zips that are empty but for one file."""
    placed = site(definition)
    for path, data in files(definition).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    jobs = [f"artifacts/{task}-job.zip" for task in definition.deployment.jobs]
    instance = ["artifacts/instance.zip"] if definition.deployment.compute == "ec2" else []
    for path in [*(artifact.path for artifact in placed.artifacts.values()), *placed.layers.values(), *jobs, *instance]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(_zip())
    return folder


def _zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo("empty.txt"), b"")
    return made.getvalue()
