"""What a function gives its task: the adapters of AWS, each opened when it is first used."""

from __future__ import annotations

import functools
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import UsageError
from penstock.ports.bus import ObjectCreated
from penstock.runtime.aws.emf import EmbeddedMetrics
from penstock.runtime.aws.log import write_line

if TYPE_CHECKING:
    from penstock.adapters.aws.events import EventBridgePublisher
    from penstock.adapters.aws.hot import DynamoDbHotStore
    from penstock.adapters.aws.notify import SnsPublisher
    from penstock.adapters.aws.objects import S3ObjectStore
    from penstock.adapters.aws.queues import SqsQueueStore
    from penstock.adapters.relational.store import RelationalWarehouseStore
    from penstock.ports.invoke import Call, Invoker, Reply
    from penstock.ports.rows import RowReader
    from penstock.ports.transform import Transformer


class LambdaClock:
    """The time of the function's host."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class S3Announcer:
    """S3 says itself what was created."""

    def announce(self, event: ObjectCreated, *, writer: str) -> None:
        """Nothing is lost when the writer dies: the event follows from the object."""

    def confirm(self, event: ObjectCreated) -> None:
        """S3 has sent the event already."""


class LambdaPorts:
    """Ports of a function, with the physical names that its environment holds."""

    writer = "lambda"

    def __init__(self) -> None:
        self.clock = LambdaClock()
        self.bus = S3Announcer()
        self.metrics = EmbeddedMetrics(self.clock, write_line, os.environ.get("PENSTOCK_METRICS_PREFIX", ""))

    @property
    def rows(self) -> RowReader:
        """DuckDB is in no artifact: an object in Parquet is one Bad."""
        from penstock.lake.columnar import unreadable

        return unreadable

    @property
    def scratch(self) -> Path:
        """The function's own disk."""
        return Path(tempfile.gettempdir())

    @functools.cached_property
    def transformer(self) -> Transformer:
        from penstock.adapters.local.transform import DuckDbTransformer

        return DuckDbTransformer(self.scratch)

    @functools.cached_property
    def objects(self) -> S3ObjectStore:
        from penstock.adapters.aws.objects import S3ObjectStore

        return S3ObjectStore(_variable("PENSTOCK_LAKE_BUCKET"))

    @functools.cached_property
    def hot(self) -> DynamoDbHotStore:
        from penstock.adapters.aws.hot import DynamoDbHotStore

        return DynamoDbHotStore(self.clock, names=json.loads(_variable("PENSTOCK_HOT_TABLES")))

    @functools.cached_property
    def topics(self) -> SnsPublisher:
        from penstock.adapters.aws.notify import SnsPublisher

        return SnsPublisher(json.loads(_variable("PENSTOCK_TOPICS")))

    @functools.cached_property
    def queues(self) -> SqsQueueStore:
        from penstock.adapters.aws.queues import SqsQueueStore

        return SqsQueueStore(json.loads(_variable("PENSTOCK_QUEUES")))

    @functools.cached_property
    def warehouses(self) -> RelationalWarehouseStore:
        from penstock.adapters.aws.warehouse import open_warehouses

        return open_warehouses(_variable("PENSTOCK_WAREHOUSES"))

    @functools.cached_property
    def events(self) -> EventBridgePublisher:
        from penstock.adapters.aws.events import EventBridgePublisher

        return EventBridgePublisher(json.loads(_variable("PENSTOCK_EVENT_BUSES")))


class LineFile:
    """A log that is a file, which several processes add lines to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, line: str) -> None:
        """Adds a line, in one write."""
        with self._path.open("ab", buffering=0) as file:
            file.write(line.encode("utf-8", "backslashreplace") + b"\n")


class InstancePorts(LambdaPorts):
    """Ports of a task on an instance: as a function's, with the log in a file.

    Args:
        lines: what metrics are written into.
    """

    writer = "instance"

    def __init__(self, lines: LineFile) -> None:
        super().__init__()
        self.metrics = EmbeddedMetrics(self.clock, lines.write, os.environ.get("PENSTOCK_METRICS_PREFIX", ""))


def open_invoker(perform: Callable[[Call], Reply]) -> Invoker:
    """Returns what calls tasks in processes of their own, so that what hangs is killed and what dies is answered for.

    Args:
        perform: calls a task, in such a process.
    """
    from penstock.adapters.local.invoke import ProcessInvoker

    return ProcessInvoker(perform, workers=os.cpu_count() or 1)


class GluePorts(LambdaPorts):
    """Ports of a Glue job: as a function's, with transformations on Spark."""

    writer = "glue"

    @functools.cached_property
    def transformer(self) -> Transformer:
        from penstock.adapters.spark.folders import LocalFolder, ObjectFolder
        from penstock.adapters.spark.session import job_session
        from penstock.adapters.spark.transform import SparkTransformer
        from penstock.sql.steps import to_spark

        session = job_session(os.environ.get("PENSTOCK_ARCHIVE"))
        address = os.environ.get("PENSTOCK_SPARK_ADDRESS", "")
        if not address:
            return SparkTransformer(session, self.scratch, to_spark, exchange=LocalFolder)
        prefix = _variable("PENSTOCK_SPARK_PREFIX")

        def exchange(scratch: Path) -> ObjectFolder:
            return ObjectFolder(scratch, self.objects, f"{prefix}/{scratch.name}", address)

        return SparkTransformer(session, self.scratch, to_spark, exchange=exchange)


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"the function's variable {name} is not set", hint="deploy what `penstock synth` wrote")
    return value
