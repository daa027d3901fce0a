"""AWS's rules for rounding, minimums and overheads, each against a figure of AWS's own pages or by hand."""

import pytest

from penstock.cost.units import (
    athena_gb,
    chunks,
    early_deletion_days,
    express_gb_seconds,
    glue_dpu_hours,
    lambda_gb_seconds,
    listings,
    read_units,
    stored_bytes,
    write_units,
)

KB = 1024


# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html: an item of up to 1 KB is
# one unit; of 3 KB, three.
@pytest.mark.parametrize(("size", "units"), [(1, 1), (0, 1), (KB, 1), (KB + 1, 2), (3 * KB, 3), (400 * KB, 400)])
def test_writes_go_by_kilobytes(size: int, units: int) -> None:
    assert write_units(size) == units


# There: a strongly consistent read of 8 KB is two units, an eventually consistent one is one; of an absent item, one.
@pytest.mark.parametrize(
    ("size", "consistent", "units"),
    [(0, True, 1), (4 * KB, True, 1), (8 * KB, True, 2), (8 * KB, False, 1), (1, False, 0.5), (8 * KB + 1, False, 1.5)],
)
def test_reads_go_by_four_kilobytes(size: int, consistent: bool, units: float) -> None:
    assert read_units(size, consistent=consistent) == units


# https://aws.amazon.com/sqs/pricing/: a payload of 256 KB is billed as four requests.
@pytest.mark.parametrize(("size", "requests"), [(0, 1), (64 * KB, 1), (64 * KB + 1, 2), (256 * KB, 4)])
def test_messages_go_by_64_kilobytes(size: int, requests: int) -> None:
    assert chunks(size) == requests


# https://aws.amazon.com/athena/pricing/: rounded up to the megabyte, with a minimum of 10 MB a query.
@pytest.mark.parametrize(("scanned", "gb"), [(0, 0.01), (9e6, 0.01), (10e6, 0.01), (10e6 + 1, 0.011), (3e12, 3000)])
def test_queries_scan_ten_megabytes_at_least(scanned: float, gb: float) -> None:
    assert athena_gb(scanned) == pytest.approx(gb)


# https://aws.amazon.com/lambda/pricing/: rounded up to the millisecond.
@pytest.mark.parametrize(
    ("seconds", "memory_mb", "gb_seconds"),
    [(1, 1024, 1), (0.120, 1536, 0.18), (0.0001, 1024, 0.001), (0.1, 128, 0.0125), (0.1001, 1024, 0.101), (0, 128, 0)],
)
def test_functions_go_by_milliseconds(seconds: float, memory_mb: float, gb_seconds: float) -> None:
    assert lambda_gb_seconds(seconds, memory_mb) == pytest.approx(gb_seconds, abs=1e-12)


# https://aws.amazon.com/step-functions/pricing/: 100 ms and 64 MB, both upwards.
@pytest.mark.parametrize(
    ("seconds", "memory_mb", "gb_seconds"),
    [(30, 64, 30 * 64 / 1024), (0.05, 1, 0.1 * 64 / 1024), (0.3, 65, 0.3 * 128 / 1024)],
)
def test_express_executions_go_by_steps(seconds: float, memory_mb: float, gb_seconds: float) -> None:
    assert express_gb_seconds(seconds, memory_mb) == pytest.approx(gb_seconds)


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html: up to 1,000 keys.
@pytest.mark.parametrize(("keys", "requests"), [(0, 1), (1000, 1), (1001, 2), (2500, 3)])
def test_a_listing_has_pages(keys: int, requests: int) -> None:
    assert listings(keys) == requests


# https://aws.amazon.com/s3/pricing/: 30 days and 128 KB in infrequent access; 90 days in the archive, 32 KB beside it.
def test_colder_classes_have_minimums() -> None:
    assert stored_bytes("standard", 10) == 10
    assert stored_bytes("infrequent", 10) == 128 * KB
    assert stored_bytes("infrequent", 200 * KB) == 200 * KB
    assert stored_bytes("archive", 10) == 10 + 32 * KB
    assert early_deletion_days("infrequent", 12) == 18
    assert early_deletion_days("archive", 89) == 1
    assert early_deletion_days("archive", 91) == early_deletion_days("standard", 0) == 0


# https://aws.amazon.com/glue/pricing/: six DPUs for 15 minutes are 1.5 DPU-hours; a minute at least.
def test_jobs_run_a_minute_at_least() -> None:
    assert glue_dpu_hours(15 * 60, 6) == pytest.approx(1.5)
    assert glue_dpu_hours(1, 1) == pytest.approx(1 / 60)
