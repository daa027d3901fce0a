"""The price book: each price has a source, and the arithmetic is AWS's own examples'."""

import pytest

from penstock.cost.prices import PRICES, UNDATED


@pytest.mark.parametrize("code", sorted(PRICES))
def test_a_price_says_where_it_was_read_and_when(code: str) -> None:
    price = PRICES[code]
    assert price.code == code
    assert price.page.startswith("https://aws.amazon.com/")
    assert price.source
    assert price.dated == UNDATED or len(price.dated) == len("2026-01-01")
    assert price.usd > 0
    assert price.per >= 1
    assert price.free >= 0


# Printed by infracost from AWS's price list: quantity, and what it costs a month without a free tier.
PRINTED = [
    ("s3-storage", 10_000, 230.00),
    ("s3-put", 10_000, 0.05),
    ("s3-ia-storage", 30_000, 375.00),
    ("s3-ia-put", 30_000, 0.30),
    ("dynamodb-write", 3_000_000, 1.875),
    ("dynamodb-read", 8_000_000, 1.00),
    ("secrets", 1, 0.40),
    ("secret-reads", 100_000, 0.50),
    ("kms-key", 1, 1.00),
    ("endpoint-hours", 730, 7.30),
    ("glue-catalog", 200_000, 2.00),
]


@pytest.mark.parametrize(("code", "quantity", "usd"), PRINTED)
def test_prices_give_what_is_printed_elsewhere(code: str, quantity: float, usd: float) -> None:
    assert PRICES[code].charge(quantity, free_tier=False) == pytest.approx(usd)


# What https://aws.amazon.com/lambda/pricing/ and others say is free in every month.
@pytest.mark.parametrize(
    ("code", "free"),
    [
        ("lambda-requests", 1_000_000),
        ("lambda-arm64", 400_000),
        ("lambda-x86_64", 400_000),
        ("transitions", 4_000),
        ("schedules", 14_000_000),
        ("dynamodb-storage", 25),
        ("metrics", 10),
        ("alarms", 10),
        ("dashboards", 3),
        ("logs", 5),
        ("sns-publish", 1_000_000),
        ("sns-mail", 1_000),
        ("sqs-requests", 1_000_000),
        ("events", 0),
        ("kms-requests", 20_000),
        ("traces", 100_000),
        ("s3-put", 0),
    ],
)
def test_what_is_free_is_free_up_to_its_end(code: str, free: float) -> None:
    price = PRICES[code]
    assert price.charge(free) == 0
    assert price.charge(free + price.per) == pytest.approx(price.usd)
    assert price.charge(0, free_tier=False) == 0


def test_an_example_of_aws() -> None:
    """148,800 traces, of which 100,000 are free: $0.24. https://aws.amazon.com/xray/pricing/"""
    assert round(PRICES["traces"].charge(2000 * 24 * 31 * 0.10), 2) == 0.24
