"""The page on the bill: its figures are those of the price book and of a month that is counted by hand."""

import re
from pathlib import Path

from penstock.cost.prices import book

PAGE = (Path(__file__).parents[2] / "docs/how-to/read-the-bill.md").read_text("utf-8")
NUMBERS = {"twenty-one": 21}


def test_every_service_with_a_price_is_on_the_page() -> None:
    services = {price.service for price in book().prices.values()} - {"Transfer"}
    missing = {service for service in services if service not in PAGE}
    assert not missing


def test_it_says_how_many_prices_of_ireland_are_known() -> None:
    ireland = book("eu-west-1")
    own = len(ireland.prices) - len(ireland.foreign)
    told = re.search(r"For eu-west-1 (\S+) prices have a source", PAGE)
    assert told is not None
    assert NUMBERS[told[1]] == own


def test_its_book_of_ones_own_can_be_read(tmp_path: Path) -> None:
    from penstock.cost.prices import read_book

    text = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert text is not None
    path = tmp_path / "prices.toml"
    path.write_text(text[1], "utf-8")
    made = read_book(path)
    assert made["metrics"].usd == 0.25
    assert made["db.r6g.large"].service == "RDS"


def test_the_quantities_of_its_month_are_those_of_the_pipeline() -> None:
    """240 collections by four collectors and one notifier, 960 objects, each processed once into three copies."""
    assert f"{240 * 5 + 960:,} requests" in PAGE
    assert f"{240 * 6 + 960:,} state transitions" in PAGE
    assert "960 objects written and 960 read" in PAGE
    assert f"{960 * 3:,} write request units" in PAGE
    # Fourteen series, one of them never: of the 15 that the estimate knows, throttles have no data.
    assert f"{14 * 240 / 720:.2f}" in PAGE
