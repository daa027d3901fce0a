import csv
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from penstock.pipelines.leads.generator import Form, form_of, records, write

DAY = date(2026, 2, 20)


@pytest.mark.parametrize("form", ["csv", "ndjson", "json"])
def test_the_same_seed_and_day_make_the_same_file(tmp_path: Path, form: Form) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, 300, seed=7, form=form, day=DAY)
    write(tmp_path / "c", 300, seed=8, form=form, day=DAY)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_each_form_is_what_it_says(tmp_path: Path) -> None:
    for form in ("csv", "ndjson", "json"):
        write(tmp_path / form, 200, seed=1, form=form, day=DAY)
    with (tmp_path / "csv").open(encoding="utf-8", newline="") as file:
        by_csv = list(csv.DictReader(file))
    by_lines = [json.loads(line) for line in (tmp_path / "ndjson").read_text("utf-8").splitlines()]
    assert json.loads((tmp_path / "json").read_text("utf-8")) == by_lines
    assert len(by_csv) == len(by_lines) == 200
    assert [one["Email"] for one in by_csv] == [one.get("Email", "") for one in by_lines]


def test_it_has_the_mistakes_of_real_files() -> None:
    made = list(records(5000, seed=3, day=DAY, outcomes=True))
    as_text = [json.dumps(one, sort_keys=True) for one in made]
    doubles = len(as_text) - len(set(as_text))
    assert 0.01 < doubles / 5000 < 0.04
    assert 0.001 < sum(not any(one.values()) for one in made) / 5000 < 0.02
    assert any(one["Notes"].startswith("=") for one in made)
    assert any("DROP TABLE" in one["Last Name"] for one in made)
    outcomes = Counter(one["Outcome"] for one in made)
    assert set(outcomes) == {"", "won", "lost"}
    assert 0.1 < outcomes["won"] / (outcomes["won"] + outcomes["lost"]) < 0.5


def test_addresses_are_nobodys() -> None:
    companies = {one["Email"].rpartition("@")[2] for one in records(3000, seed=1, day=DAY) if "@" in one["Email"]}
    assert all(one.lower().endswith(".example.com") or one.count(".") == 1 for one in companies)


@pytest.mark.parametrize(
    ("name", "form"), [("a.csv", "csv"), ("a.JSON", "json"), ("a.ndjson", "ndjson"), ("a", "ndjson")]
)
def test_the_name_says_the_form(name: str, form: str) -> None:
    assert form_of(Path(name)) == form
