"""Bills that others have calculated, to the cent: AWS's pricing pages, and infracost's tests from AWS's price list."""

import pytest

from penstock.cost.prices import book
from penstock.cost.units import athena_gb, express_gb_seconds, glue_dpu_hours, lambda_gb_seconds

PRICES = book()


def usd(code: str, quantity: float, *, free_tier: bool = True) -> float:
    return round(PRICES[code].charge(quantity, free_tier=free_tier), 2)


def test_lambda_a_mobile_backend() -> None:
    """https://aws.amazon.com/lambda/pricing/, example 1: 3 million requests of 120 ms with 1,536 MB: $2.33 + $0.40."""
    gb_seconds = 3e6 * lambda_gb_seconds(0.120, 1536)
    assert gb_seconds == pytest.approx(540_000)
    assert usd("lambda-x86_64", gb_seconds) == 2.33
    assert usd("lambda-requests", 3e6) == 0.40


def test_lambda_telemetry_without_what_is_free() -> None:
    """Example 2: 10,000 vehicles, once an hour for 31 days, 2 s with 1 GB: $1.49 + $248.00."""
    calls = 10_000 * 24 * 31
    assert usd("lambda-requests", calls, free_tier=False) == 1.49
    assert usd("lambda-x86_64", calls * lambda_gb_seconds(2, 1024), free_tier=False) == 248.00


def test_lambda_support_tickets() -> None:
    """Example 3: 6 million requests of 280 ms with 4,096 MB: $105.33 + $1.00, without its larger disk."""
    assert usd("lambda-x86_64", 6e6 * lambda_gb_seconds(0.280, 4096)) == 105.33
    assert usd("lambda-requests", 6e6) == 1.00


# infracost lambda_function_test: a month of 15 and of 37.5 thousand million GB-seconds, by tiers.
@pytest.mark.parametrize(
    ("code", "gb_seconds", "cost"),
    [
        ("lambda-x86_64", 3_072_000_000, 51_200.10),
        ("lambda-x86_64", 6_000_000_000 + 3_216_000_000, 100_000.20 + 48_240.00),
        ("lambda-x86_64", 30_000_000_000, 100_000.20 + 135_000.00 + 200_001.00),
        ("lambda-arm64", 3_840_000_000, 51_200.26),
        ("lambda-arm64", 7_500_000_000 + 4_020_000_000, 100_000.50 + 48_240.40),
        ("lambda-arm64", 37_500_000_000, 100_000.50 + 135_001.13 + 200_000.63),
    ],
)
def test_lambda_by_tiers(code: str, gb_seconds: float, cost: float) -> None:
    # Three lines there are rounded before they are added.
    assert usd(code, gb_seconds, free_tier=False) == pytest.approx(cost, abs=0.011)


def test_express_workflows_by_tiers() -> None:
    """Infracost sfn_state_machine_test: 100 million executions, and 29,687.5 GB-hours: 60.01 + 119.95 + 405.27."""
    assert usd("express-requests", 100e6) == 100.00
    assert usd("express-duration", 1000) == 60.01
    assert usd("express-duration", 1000 + 4000 + 24_687.5) == pytest.approx(60.01 + 119.95 + 405.27, abs=0.011)


def test_a_short_express_execution() -> None:
    """The same: 100,000 executions, 0.3472 GB-hours of duration: $0.10 and $0.02."""
    gb_hours = 100_000 * express_gb_seconds(0.2, 64) / 3600
    assert gb_hours == pytest.approx(0.3472, abs=0.0001)
    assert usd("express-requests", 100_000) == 0.10
    assert usd("express-duration", gb_hours) == 0.02


# infracost's other expected outputs, with the quantity and the cost that they print.
@pytest.mark.parametrize(
    ("code", "quantity", "cost"),
    [
        ("transitions", 10_000, 0.25),
        ("s3-archive-storage", 50_000, 180.00),
        ("s3-archive-transition", 50_000, 1.50),
        ("s3-ia-transition", 30_000, 0.30),
        ("alarms-high-resolution", 1, 0.30),
        ("kinesis-shard-hours", 2920, 43.80),
        ("kinesis-put", 6_500_000, 0.09),
        ("nat-hours", 730, 32.85),
        ("nat-data", 100, 4.50),
        ("transfer-regions", 750, 15.00),
        # eu-west-1's, which are the same: 10 TB, 40 TB, 100 TB, and 3,400 GB more
        ("transfer-out", 10_240, 921.60),
        ("transfer-out", 10_240 + 40_960 + 102_400 + 3_400, 921.60 + 3_481.60 + 7_168.00 + 170.00),
    ],
)
def test_what_infracost_prints(code: str, quantity: float, cost: float) -> None:
    assert usd(code, quantity, free_tier=False) == pytest.approx(cost, abs=0.0051)


def test_the_processor_of_glue() -> None:
    """https://aws.amazon.com/glue/pricing/: a job of 15 minutes with 6 DPUs costs $0.66."""
    assert usd("glue-dpu", glue_dpu_hours(15 * 60, 6)) == 0.66


def test_step_functions_a_workflow_of_four_transitions() -> None:
    """https://aws.amazon.com/step-functions/pricing/, example 1: 100,000 executions, 4,000 transitions free: $9.90."""
    assert usd("transitions", 4 * 100_000) == 9.90


@pytest.mark.parametrize(("scanned_tb", "cost"), [(3, 15.00), (1, 5.00), (1 / 3, 1.67)])
def test_athena_text_compressed_text_and_a_column(scanned_tb: float, cost: float) -> None:
    """https://aws.amazon.com/athena/pricing/: 3 TB of text, the same as gzip, and one of three columns of it."""
    assert usd("athena", athena_gb(scanned_tb * 1e12)) == cost


def test_detailed_monitoring_of_ten_instances() -> None:
    """https://aws.amazon.com/cloudwatch/pricing/, an example: seven metrics of each of ten instances: $21."""
    assert usd("metrics", 7 * 10, free_tier=False) == 21.00
