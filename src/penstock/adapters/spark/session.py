"""A Spark session that means the same by SQL as DuckDB does."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from penstock.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# In ANSI mode what does not fit is an error: https://spark.apache.org/docs/3.5.6/sql-ref-ansi-compliance.html
MEANING = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
}


def local_session(*, cores: str = "*", memory_mb: int = 1024, partitions: int | None = None) -> SparkSession:
    """Returns the session of this process, made when there is none; it listens to this machine only.

    Args:
        cores: how many are used, all with ``*``.
        memory_mb: of the Java process that does the work.
        partitions: into how many parts rows are divided that have to meet; Spark's own number when absent.

    Raises:
        UsageError: PySpark or Java is not installed.
    """
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise UsageError("PySpark is not installed", hint="pip install 'penstock[spark]'") from error
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = (
        SparkSession.builder.master(f"local[{cores}]")
        .appName("penstock")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", f"{memory_mb}m")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "ERROR")
    )
    if partitions is not None:
        builder = builder.config("spark.sql.shuffle.partitions", str(partitions))
    try:
        session: SparkSession = builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise UsageError("Spark does not start: there is no Java", hint="install Java 17, or set JAVA_HOME") from error
    return session


def job_session(archive: str | None = None) -> SparkSession:
    """Returns the session of a job, as whoever submitted it has set it up.

    Args:
        archive: a zip of modules that Python functions are imported from, on the workers as well.
    """
    from pyspark.sql import SparkSession

    session: SparkSession = SparkSession.builder.getOrCreate()
    if archive:
        session.sparkContext.addPyFile(archive)
    return session


def same_meaning(session: SparkSession) -> SparkSession:
    """Returns a session beside another, with its own views, in which SQL means what it does in DuckDB."""
    own = session.newSession()
    for name, value in MEANING.items():
        own.conf.set(name, value)
    return own
