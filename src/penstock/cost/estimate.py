"""What a pipeline costs a month, from its definition: every line with its quantity, its price and what of it is free.

Nothing fails in the month that is estimated: no retries, no dead letters, no quarantine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from penstock.cost.by_states import asked, item_writes
from penstock.cost.lines import Line, Quantity, priced
from penstock.cost.prices import PriceBook, book
from penstock.cost.sealing import sealing
from penstock.cost.standing import standing, unpriced
from penstock.cost.traffic import MONTH_DAYS, MONTH_HOURS, Traffic, traffic
from penstock.cost.units import CHUNK_BYTES, GB, READ_UNIT_BYTES, SPARK_DPUS, WRITE_UNIT_BYTES, glue_dpu_hours
from penstock.cost.usage import Usage, check
from penstock.model.access import Grant, HotAction, Kind, LakeAction, QueueAction, TopicAction
from penstock.model.datasets import HotTable, LakeTable, Zone
from penstock.model.metrics import Metric
from penstock.model.pipeline import Definition
from penstock.model.task import Task

DAY_SECONDS = 86_400
CRAWLER_DPU = 2
JOB_DPU = 1 / 16


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A month of 30 days, at the prices of one region.

    Attributes:
        unpriced: what is not in the sums, because the price book does not know it.
    """

    region: str
    lines: tuple[Line, ...]
    unpriced: tuple[str, ...] = ()

    @property
    def monthly_usd(self) -> float:
        """The sum, when the whole free tier of the account is left to this pipeline."""
        return sum(line.monthly_usd for line in self.lines)

    @property
    def full_usd(self) -> float:
        """The sum, when other things in the account have used the free tier up."""
        return sum(line.full_usd for line in self.lines)


def estimate(definition: Definition, usage: Usage | None = None, prices: PriceBook | None = None) -> Estimate:
    """Returns what a pipeline costs a month in AWS.

    Args:
        usage: what the definition cannot tell; see there for what is assumed.
        prices: those of us-east-1 when absent.

    Raises:
        UsageError: the usage does not fit the pipeline.
    """
    assumed = usage or Usage()
    check(definition, assumed)
    month, known = traffic(definition, assumed), prices or book()
    found = [*(one for part in _PARTS for one in part(definition, assumed, month))]
    found += standing(definition, assumed, known)
    lines = tuple(priced(one, known) for one in found if one.quantity > 0)
    return Estimate(region=known.region, lines=lines, unpriced=unpriced(definition, known))


def _compute(definition: Definition, usage: Usage, month: Traffic) -> Iterator[Quantity]:
    sealed = sealing(definition, usage, month)
    gb_seconds = sealed.gb_seconds
    if _on_instance(definition):
        yield Quantity("lambda-requests", "calls of the function that seals", sealed.starts)
        yield Quantity(f"lambda-{definition.deployment.architecture}", "time of the function that seals", gb_seconds)
        return
    for name, calls in month.calls.items():
        task = definition.tasks.get(name)
        if task is not None:
            seconds = min(usage.task_seconds.get(name, usage.default_task_seconds), task.timeout_seconds)
            gb_seconds += calls * seconds * task.memory_mb / 1024
    yield Quantity("lambda-requests", "calls of tasks", _of_tasks(definition, month) + sealed.starts)
    yield Quantity(f"lambda-{definition.deployment.architecture}", "time of tasks", gb_seconds)


def _workflow(definition: Definition, usage: Usage, month: Traffic) -> Iterator[Quantity]:
    sealed = sealing(definition, usage, month)
    if _on_instance(definition):
        yield Quantity("schedules", "starts by schedules", sealed.starts)
        return
    yield Quantity("schedules", "starts by schedules", month.slots + sealed.starts)
    yield Quantity("transitions", "states of workflows", month.transitions)
    if definition.deployment.tracing:
        yield Quantity("traces", "traces of executions", sum(month.runs.values()))


def _storage(definition: Definition, usage: Usage, month: Traffic) -> Iterator[Quantity]:
    puts = sum(month.objects.values()) + asked(month, "s3:putObject")
    reads = sum(
        month.calls.get(task.name, 0.0) for task in definition.tasks.values() for _ in _of(task, LakeAction.READ)
    )
    reads += asked(month, "s3:getObject")
    tables = [(table, month.objects.get(name, 0.0)) for name, table in definition.lake_tables.items()]
    held = sum(lake_gb(table, objects, usage) for table, objects in tables)
    if definition.deployment.sealing:
        held += usage.sealed_share * sum(lake_gb(table, objects, usage, "sealed") for table, objects in tables)
    sealed = sealing(definition, usage, month)
    puts, reads = puts + sealed.puts, reads + sealed.gets
    yield Quantity("s3-put", "objects written", puts)
    yield Quantity("s3-get", "objects read", reads)
    yield Quantity("s3-storage", "the lake", held)
    if definition.deployment.replica_region is not None:
        yield Quantity("s3-ia-put", "objects copied to the other region", puts)
        yield Quantity("s3-ia-storage", "the lake's copy", held)


def lake_gb(table: LakeTable, objects: float, usage: Usage, zone: Zone = "raw") -> float:
    """Returns how much a zone of a table holds once it has reached its full age, in GB of raw records."""
    retained = table.retained_seconds(zone)
    age = usage.months_kept if retained is None else retained / DAY_SECONDS / MONTH_DAYS
    return objects * usage.records_per_object * usage.record_bytes * age / GB


def _hot(definition: Definition, usage: Usage, month: Traffic) -> Iterator[Quantity]:
    regions = 1 if definition.deployment.replica_region is None else 2
    units = -(-usage.record_bytes // WRITE_UNIT_BYTES)
    writes, held, kept = item_writes(definition, month) * units * regions, 0.0, 0.0
    for table in definition.hot_tables.values():
        items = _calls(definition, month, Grant(Kind.HOT_TABLE, table.name, HotAction.PUT)) * usage.records_per_object
        copies = 1 + len(table.indexes)
        # Every index is written, and billed, with the item.
        writes += items * copies * units * regions
        size = items * usage.record_bytes * _months(table, usage) / GB
        held += size * copies * regions
        kept += size * regions if table.point_in_time_recovery else 0.0
    yield Quantity("dynamodb-write", "items, with their indexes", writes)
    if definition.hot_tables:
        # Half a unit each: reads need not be consistent.
        reads = usage.hot_reads + asked(month, "dynamodb:getItem")
        yield Quantity("dynamodb-read", "reads", reads * -(-usage.record_bytes // READ_UNIT_BYTES) / 2)
    yield Quantity("dynamodb-storage", "hot tables, with their indexes", held)
    yield Quantity("dynamodb-pitr", "point-in-time recovery", kept)


def _months(table: HotTable, usage: Usage) -> float:
    return usage.months_kept if table.ttl_seconds is None else table.ttl_seconds / DAY_SECONDS / MONTH_DAYS


def _watch(definition: Definition, usage: Usage, month: Traffic) -> Iterator[Quantity]:
    known = {metric.key: metric for metric in definition.metrics.values()}
    known |= {alarm.metric.key: alarm.metric for alarm in definition.alarms.values()}
    hours = sum(metric_hours(definition, metric, month) for metric in known.values())
    yield Quantity("metrics", f"{len(known)} metrics, in the hours with data", hours / MONTH_HOURS)
    yield Quantity("logs", "logs of tasks", _of_tasks(definition, month) * usage.log_bytes_per_call / GB)


def metric_hours(definition: Definition, metric: Metric, month: Traffic) -> float:
    """Returns in how many hours of a month a metric gets data; CloudWatch bills a metric by these hours.

    A metric that no task is known to publish counts as if it got data all the time.
    """
    publishers = [task.name for task in definition.tasks.values() if _publishes(definition, task, metric)]
    if not publishers:
        return MONTH_HOURS
    workflows = frozenset[str]().union(*(month.callers.get(task, frozenset()) for task in publishers))
    return min(MONTH_HOURS, sum(month.starts.get(name, 0.0) for name in workflows))


def _publishes(definition: Definition, task: Task, metric: Metric) -> bool:
    beats = dict(metric.dimensions)
    if task.name == beats.get("Task") or metric in (task.errors, task.duration):
        return True
    for grant in task.grants:
        if grant == metric.publish or (grant.kind is Kind.NAMESPACE and grant.resource == metric.namespace):
            return True
        written = grant.action in {LakeAction.APPEND, HotAction.PUT} and grant.kind in {Kind.LAKE, Kind.HOT_TABLE}
        if written and grant.resource == beats.get("Dataset"):
            return True
        table = definition.hot_tables.get(grant.resource) if grant.kind is Kind.HOT_TABLE else None
        if table is not None and table.throttles == metric:
            return True
    return False


def _topics(definition: Definition, usage: Usage, month: Traffic) -> Iterator[Quantity]:
    messages = mails = 0.0
    for topic in definition.topics.values():
        published = _calls(definition, month, Grant(Kind.TOPIC, topic.name, TopicAction.PUBLISH))
        subscribers = usage.mail_subscribers
        if subscribers is None:
            subscribers = max(1, sum(one.endpoint.startswith("mailto:") for one in topic.subscriptions))
        messages += published
        mails += published * subscribers
    # Which topic is not told: each counts as one with one subscriber.
    messages, mails = (count + asked(month, "sns:publish") for count in (messages, mails))
    yield Quantity("sns-publish", "messages", messages + usage.alarm_mails)
    yield Quantity("sns-mail", "mails", mails + usage.alarm_mails)
    if definition.deployment.encryption_key:
        yield Quantity("kms-requests", "messages encrypted", messages + usage.alarm_mails)
    yield Quantity("secret-reads", "reads of secrets", usage.secrets * _of_tasks(definition, month))


def _messaging(definition: Definition, usage: Usage, month: Traffic) -> Iterator[Quantity]:
    # Every 64 KB of a message, or of an event, are billed as one.
    parts = -(-usage.record_bytes // CHUNK_BYTES)
    sent, received = _of_states(month, "sqs:sendMessage"), 0.0
    for queue in definition.queues.values():
        sent += _calls(definition, month, Grant(Kind.QUEUE, queue.name, QueueAction.SEND)) * usage.messages_per_call
        received += _calls(definition, month, Grant(Kind.QUEUE, queue.name, QueueAction.RECEIVE))
    # A message is sent, received and deleted; a call that receives asks once more, and gets nothing.
    yield Quantity("sqs-requests", "messages sent, received and deleted", sent * (2 * parts + 1) + received)
    put = sum(month.events.values()) + _of_states(month, "events:putEvents")
    yield Quantity("events", "events put on buses", put * parts)


def _catalog(definition: Definition, usage: Usage, month: Traffic) -> Iterator[Quantity]:
    if not definition.lake_tables:
        return
    queries = usage.queries + asked(month, "athena:startQueryExecution")
    yield Quantity("athena", "what queries scan", queries * usage.query_gb)
    # A view lists what is sealed, what is raw, and what is sealed of the same days.
    listings = 3 if definition.deployment.sealing else 1
    yield Quantity("s3-put", "partitions that queries look into", queries * usage.query_partitions * listings)
    yield Quantity("s3-put", "listings by workflows", asked(month, "s3:listObjectsV2"))
    dpu_hours = usage.crawler_hours * CRAWLER_DPU * definition.deployment.crawler
    dpu_hours += usage.job_hours * JOB_DPU * definition.deployment.backfill_job
    dpu_hours += asked(month, "glue:startJobRun") * glue_dpu_hours(usage.spark_seconds, SPARK_DPUS)
    yield Quantity("glue-dpu", "crawler and jobs", dpu_hours)


def _on_instance(definition: Definition) -> bool:
    return definition.deployment.compute == "ec2"


def _of(task: Task, action: str) -> list[Grant]:
    return [grant for grant in task.grants if grant.kind is Kind.LAKE and grant.action == action]


def _of_tasks(definition: Definition, month: Traffic) -> float:
    """Returns how many calls are of tasks; states call other services as well."""
    return sum(calls for name, calls in month.calls.items() if name in definition.tasks)


def _of_states(month: Traffic, action: str) -> float:
    """Returns how often states call another service by themselves."""
    resource = f":states:::{action}"
    return sum(calls for name, calls in month.calls.items() if name.partition(".")[0].endswith(resource))


def _calls(definition: Definition, month: Traffic, grant: Grant) -> float:
    return sum(month.calls.get(task.name, 0.0) for task in definition.tasks.values() if grant in task.grants)


_PARTS: tuple[Callable[[Definition, Usage, Traffic], Iterator[Quantity]], ...] = (
    _compute, _workflow, _storage, _hot, _watch, _topics, _messaging, _catalog,
)  # fmt: skip
