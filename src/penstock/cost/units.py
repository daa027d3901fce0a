"""What operations count as: AWS's rules for rounding, minimums and overheads, as pure functions."""

from __future__ import annotations

import math

GB = 1e9
GIB = 1024.0**3
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
# Beside each item, and each entry of an index.
ITEM_OVERHEAD_BYTES = 100
# https://aws.amazon.com/sqs/pricing/, https://aws.amazon.com/sns/pricing/, https://aws.amazon.com/eventbridge/pricing/
CHUNK_BYTES = 64 * 1024
# https://aws.amazon.com/athena/pricing/
ATHENA_LEAST_BYTES = 10e6
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
KEYS_IN_A_LISTING = 1000
# https://aws.amazon.com/step-functions/pricing/: express workflows
EXPRESS_STEP_SECONDS = 0.1
EXPRESS_CHUNK_MB = 64
# https://aws.amazon.com/s3/pricing/: by class, the least size, the least time, and what is kept beside each object.
LEAST_BYTES = {"standard": 0, "infrequent": 128 * 1024, "archive": 0}
LEAST_DAYS = {"standard": 0, "infrequent": 30, "archive": 90}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
# Smaller objects are not moved by lifecycle rules, unless a bucket says so.
ARCHIVE_INDEX_BYTES = 32 * 1024
LEAST_MOVED_BYTES = 128 * 1024
# How a meter calls, beside the zone, objects that are large enough to be moved.
LARGE = ", large"
# https://aws.amazon.com/glue/pricing/: a job is billed by the second, for a minute at least.
GLUE_LEAST_SECONDS = 60.0
# Of a task that is a job on Spark, as it is deployed: two workers of the type G.1X, a DPU each.
SPARK_DPUS = 2


def lambda_gb_seconds(seconds: float, memory_mb: float) -> float:
    """Returns what a call of a function is billed for: its time in whole milliseconds, upwards, times its memory.

    https://aws.amazon.com/lambda/pricing/
    """
    # A duration of 0.1 s, as a float, is a little more than 100 ms.
    return math.ceil(round(seconds * 1000, 6)) / 1000 * memory_mb / 1024


def express_gb_seconds(seconds: float, memory_mb: float) -> float:
    """Returns what an express execution is billed for: time by 100 ms, memory by 64 MB, both upwards.

    https://aws.amazon.com/step-functions/pricing/
    """
    steps = math.ceil(round(seconds / EXPRESS_STEP_SECONDS, 6))
    return steps * EXPRESS_STEP_SECONDS * math.ceil(memory_mb / EXPRESS_CHUNK_MB) * EXPRESS_CHUNK_MB / 1024


def write_units(size_bytes: float) -> int:
    """Returns the request units of writing an item, or an entry of an index, of a size."""
    return max(1, math.ceil(size_bytes / WRITE_UNIT_BYTES))


def read_units(size_bytes: float, *, consistent: bool) -> float:
    """Returns the request units of reading items of a size together; one that is absent counts like a small one."""
    return max(1, math.ceil(size_bytes / READ_UNIT_BYTES)) * (1.0 if consistent else 0.5)


def chunks(size_bytes: float) -> int:
    """Returns as how many requests a message, or an event, of a size is billed."""
    return max(1, math.ceil(size_bytes / CHUNK_BYTES))


def listings(keys: float) -> int:
    """Returns how many requests a listing of so many objects takes."""
    return max(1, math.ceil(keys / KEYS_IN_A_LISTING))


def athena_gb(scanned_bytes: float) -> float:
    """Returns what a query is billed for, in GB: whole megabytes, upwards, and 10 MB at least."""
    return max(ATHENA_LEAST_BYTES, math.ceil(scanned_bytes / 1e6) * 1e6) / GB


def early_deletion_days(storage_class: str, age_days: float) -> float:
    """Returns for how many more days an object is billed that is deleted at an age, in days."""
    return max(0.0, LEAST_DAYS[storage_class] - age_days)


def stored_bytes(storage_class: str, size_bytes: float) -> float:
    """Returns what an object counts as in its storage class."""
    billed = max(size_bytes, LEAST_BYTES[storage_class])
    return billed + (ARCHIVE_INDEX_BYTES if storage_class == "archive" else 0)


def glue_dpu_hours(seconds: float, dpus: float) -> float:
    """Returns what a run of a job is billed for."""
    return max(GLUE_LEAST_SECONDS, seconds) * dpus / 3600
