"""Price books: what the files say, which sources they have, and what is refused."""

import datetime
from pathlib import Path

import pytest

from penstock.cost.prices import REGIONS, UNDATED, Price, Tier, book, read_book
from penstock.errors import UsageError

BASE = book()


@pytest.mark.parametrize("region", REGIONS)
def test_every_price_says_whose_it_is_and_where_it_was_read(region: str) -> None:
    prices = book(region).prices
    assert prices.keys() == BASE.prices.keys()
    for code, price in prices.items():
        assert price.code == code
        assert price.source
        assert price.region in {region, BASE.region}
        if price.dated != UNDATED:
            assert datetime.date(2024, 1, 1) <= datetime.date.fromisoformat(price.dated)


def test_ireland_has_prices_of_its_own_and_says_which_are_not() -> None:
    ireland = book("eu-west-1")
    # An audit of 2026-08-27 against AWS's price list, in a public repository.
    assert ireland["dynamodb-write"].usd == 0.705
    assert ireland["dynamodb-read"].usd == 0.1415
    assert ireland["logs"].usd == 0.57
    assert ireland["logs"].free == 5
    assert ireland["logs"].region == "eu-west-1"
    foreign = {price.code for price in ireland.foreign}
    assert "metrics" in foreign
    assert not foreign & {"dynamodb-write", "logs", "s3-storage", "lambda-arm64"}
    assert BASE.foreign == []


def test_a_region_without_a_book_has_the_prices_of_another() -> None:
    tokyo = book("ap-northeast-1")
    assert tokyo.region == "ap-northeast-1"
    assert len(tokyo.foreign) == len(tokyo.prices)


def test_tiers_are_charged_one_after_the_other() -> None:
    price = Price(
        code="x", service="X", usd=3, per=10, unit="things", free=5, page="", source="",
        tiers=(Tier(usd=3, up_to=100), Tier(usd=2, up_to=300), Tier(usd=1)),
    )  # fmt: skip
    # 5 are free; of the other 995 100 cost 30, 200 cost 40, 695 cost 69.50
    assert price.charge(1000) == pytest.approx(139.5)
    assert price.charge(105) == pytest.approx(30)
    assert price.charge(5) == 0
    assert price.charge(50, free_tier=False) == pytest.approx(15)


def test_the_first_year_adds_to_what_is_free() -> None:
    price = BASE["s3-storage"]
    assert price.charge(5) == pytest.approx(0.115)
    assert price.charge(5, first_year=True) == 0
    assert price.charge(6, first_year=True) == pytest.approx(0.023)


def written(folder: Path, text: str) -> Path:
    path = folder / "prices.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_book_of_ones_own_changes_what_it_names(tmp_path: Path) -> None:
    made = read_book(
        written(
            tmp_path,
            """
            region = "eu-west-1"
            [prices.metrics]
            usd = 0.25
            source = "our contract"
            [prices."db.r6g.large"]
            usd = 0.3
            per = 1
            service = "RDS"
            unit = "hours of a database"
            page = "https://aws.amazon.com/rds/postgresql/pricing/"
            source = "our contract"
            """,
        )
    )
    assert (made["metrics"].usd, made["metrics"].free, made["metrics"].region) == (0.25, 10, "eu-west-1")
    # The tiers of the book below are not those of this price.
    assert made["metrics"].charge(20_010) == pytest.approx(5000)
    assert made["dynamodb-write"].usd == 0.705
    assert made["db.r6g.large"].charge(720) == pytest.approx(216)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("region = ", "is no price book"),
        ('region = "x"\n[prices.metrics]\nusd = "much"\nsource = "s"', "is no price book"),
        ('region = "x"\n[prices.metrics]\nusd = 1.0\nsource = "s"\nfrei = 3', "is no price book"),
        ('region = "x"\n[prices.metrics]\nusd = -1.0\nsource = "s"', "none of a price"),
        ('region = "x"\n[prices.metrics]\nusd = nan\nsource = "s"', "none of a price"),
        ('region = "x"\n[prices.metrics]\nusd = 1.0\nper = 0.0\nsource = "s"', "none of a price"),
        ('region = "x"\n[prices.new]\nusd = 1.0\nsource = "s"', "has no service, unit, per, page"),
        ('region = "x"\ncurrency = "EUR"\n[prices.metrics]\nusd = 1.0\nsource = "s"', "prices in EUR"),
        ('region = "x"\n[prices.logs]\nusd = 1.0\nsource = "s"\nfree_with = "nothing"', "is not there"),
        (
            'region = "x"\n[prices.metrics]\nusd = 1.0\nsource = "s"\ntiers = [{ up_to = 5.0, usd = 1.0 }]',
            "tiers that do not go upwards",
        ),
        (
            'region = "x"\n[prices.metrics]\nusd = 2.0\nsource = "s"\ntiers = [{ usd = 1.0 }]',
            "another price than its first tier",
        ),
    ],
)
def test_a_book_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        read_book(written(tmp_path, text))
    assert raised.value.hint


def test_a_book_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the prices"):
        read_book(tmp_path / "absent.toml")
