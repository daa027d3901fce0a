"""What people get to see: the summary, the page and the spreadsheet; nothing in a lead can make them do anything."""

import csv
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from penstock.pipelines.leads import charts
from penstock.pipelines.leads.processing import Resources
from penstock.pipelines.leads.report import page
from penstock.pipelines.leads.spreadsheet import COLUMNS, write_leads
from penstock.pipelines.leads.summary import because, summary

RUN: dict[str, Any] = {
    "run_id": "f00d", "input": "input_data.json", "as_of": "2026-02-20", "scorer": "rules@72882d79", "read": 1000,
    "stored": 900, "merged": 80, "rejected": 20, "reject_rate": 2.0, "average_score": 45.25,
    "grades": {"A": 90, "B": 270, "C": 360, "D": 180}, "reasons": {"email_invalid": 15, "empty": 5},
    "scores": [10, 80, 90, 200, 160, 140, 130, 60, 20, 10], "anomalies": [], "repeated": False,
}  # fmt: skip
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


class Answer:
    """Rows as a warehouse answers them."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self._rows]

    def records(self) -> list[dict[str, Any]]:
        return self._rows


class Warehouse:
    """Answers every question with what it was given for the table that the question names first."""

    def __init__(self, **tables: list[dict[str, Any]]) -> None:
        self._tables = tables
        self.asked: list[tuple[str, Any]] = []

    def query(self, sql: str, parameters: Any = None) -> Answer:
        self.asked.append((sql, parameters))
        table = sql.partition(" FROM ")[2].split()[0]
        return Answer(self._tables.get(table, []))


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_sales_manager_reads_how_many_how_good_and_why_not() -> None:
    lines = summary({"runs": [RUN]}).splitlines()
    assert lines[0] == "input_data.json: 1,000 records, 900 leads"
    assert "  Average score 45.2 of 100" in lines
    assert any(line.split()[:3] == ["A", "90", "10.0%"] and line.endswith("call today") for line in lines)
    assert any(line.split()[:3] == ["D", "180", "20.0%"] for line in lines)
    assert "  80 more named somebody who was in the file already, and were merged." in lines
    assert "  20 could not be used (2.0 %):" in lines
    assert any(line.split()[0] == "5" and "the record says nothing" in line for line in lines)
    assert lines[-2:] == [
        "  Scored by the rules, version 72882d79, as of 2026-02-20; run f00d",
        "  Whom to call today: penstock leads export today.csv --grade A",
    ]
    assert summary({"runs": [{**RUN, "scorer": "model@2026-02-20.743ef2"}]}).endswith("--grade A --model")


def test_a_file_that_comes_again_changes_nothing() -> None:
    assert "nothing has changed" in summary({"runs": [{**RUN, "repeated": True}]})
    assert "No new file" in summary({"runs": []})


def test_what_is_unusual_is_said() -> None:
    assert "Unusual: 20 records, fewer than the usual 900." in summary(
        {"runs": [{**RUN, "anomalies": ["20 records, fewer than the usual 900"]}]}
    )


def test_a_file_without_a_lead() -> None:
    empty = {**RUN, "read": 1, "stored": 0, "merged": 0, "rejected": 1, "average_score": None,
             "grades": dict.fromkeys("ABCD", 0), "reasons": {"empty": 1}, "reject_rate": 100.0}  # fmt: skip
    said = summary({"runs": [empty]})
    assert said.splitlines()[0] == "input_data.json: 1 record, 0 leads"
    assert "export" not in said


def make_page(run: dict[str, Any] = RUN, text: str = "Anna") -> tuple[str, Warehouse]:
    reasons = json.dumps([{"rule": "demo", "points": 14.0, "because": f"asked {text}"}])
    warehouse = Warehouse(
        lead_scores=[{
            "score": 91, "grade": "A", "reasons": reasons, "full_name": text, "company": text, "job_title": text,
            "email": text, "phone_e164": None, "lead_id": "1",
        }],
        leads=[{"name": text, "n": 3}],
        lead_rejects=[{"line": 7, "message": text, "raw": text * 100}],
        pipeline_runs=[{
            **dict.fromkeys(("records_read", "records_stored", "records_rejected"), 5), "as_of": "2026-02-19",
            "average_score": 40.0,
        }] * 3,
    )  # fmt: skip
    return page({"runs": [run]}, {"crm": warehouse}, Resources("inbox", "crm", "etl")), warehouse  # type: ignore[arg-type]


def test_the_page_has_charts_leads_and_rejects_and_loads_nothing() -> None:
    text, _ = make_page()
    found = Page(text)
    assert found.tags.count("svg") >= 8
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(found.tags)
    assert not {"src", "href", "action", "srcset"} & found.attributes
    assert "http" not in text.replace("http-equiv", "")
    for said in ("900", "Anna", "asked Anna (+14)", "Whom to call first", "The last runs", "45.2"):
        assert any(said in one for one in found.texts), said


def test_nothing_in_a_lead_is_markup() -> None:
    text, _ = make_page({**RUN, "input": HOSTILE, "anomalies": [HOSTILE], "reasons": {HOSTILE: 20}}, HOSTILE)
    found = Page(text)
    assert not {"script", "img"} & set(found.tags)
    assert not any(name.startswith("on") for name in found.attributes)
    assert any(HOSTILE in one for one in found.texts)


def test_what_people_say_is_never_part_of_the_sql() -> None:
    _, warehouse = make_page({**RUN, "run_id": HOSTILE, "scorer": HOSTILE})
    assert not any(HOSTILE in sql for sql, _ in warehouse.asked)
    assert any(parameters and parameters["run_id"] == HOSTILE for _, parameters in warehouse.asked)


def test_one_run_has_no_course() -> None:
    run = {**dict.fromkeys(("records_read", "records_stored", "records_rejected"), 5), "as_of": "2026-02-19",
           "average_score": 40.0}  # fmt: skip
    for count, is_said in ((1, True), (2, False)):
        warehouse = {"crm": Warehouse(pipeline_runs=[run] * count)}
        text = page({"runs": []}, warehouse, Resources("inbox", "crm", "etl"))  # type: ignore[arg-type]
        assert ("This is the first one" in text) is is_said
        assert ("polyline" in text) is not is_said


def test_the_weightiest_reasons() -> None:
    reasons = [{"because": str(number), "points": -1.504 * number} for number in range(5)]
    assert because(json.dumps(reasons)) == "0 (-0); 1 (-1.5); 2 (-3.01)"


@pytest.mark.parametrize("values", [{}, {"a": 0}, {"a": 1e9, "b" * 200: 3}])
def test_charts_of_anything(values: dict[str, float]) -> None:
    Page(charts.bars(values, title="t"))
    Page(charts.columns([*values.values()], [*values], title="t"))
    Page(charts.line([*values.values()], [*values], title="t"))


def test_a_bar_is_as_long_as_its_share() -> None:
    drawn = charts.bars({"a": 10, "b": 5}, title="t")
    assert 'width="340.0"' in drawn
    assert 'width="170.0"' in drawn


def test_a_spreadsheet_of_leads(tmp_path: Path) -> None:
    lead = dict.fromkeys(COLUMNS, "x") | {
        "score": 91,
        "full_name": '=HYPERLINK("http://x","y")',
        "company": 'A "B", C\n😀',
        "reasons": json.dumps([{"points": 14.0, "because": "asked for a demo"}]),
    }
    path, warehouse = tmp_path / "out.csv", Warehouse(v_leads_current=[lead])
    for exact, mark in ((False, "'"), (True, "")):
        assert write_leads(warehouse, path, "AB", exact=exact) == 1
        with path.open(encoding="utf-8-sig", newline="") as file:
            (row,) = csv.DictReader(file)
        assert row["full_name"] == f'{mark}=HYPERLINK("http://x","y")'
        assert (row["score"], row["company"]) == ("91", 'A "B", C\n😀')
        assert row["reasons"] == "asked for a demo (+14)"
        assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]
    write_leads(warehouse, path, "A", by="model")
    assert "WHERE model_grade IN (:g0) ORDER BY model_score DESC" in warehouse.asked[-1][0]
    assert "WHERE grade IN (:g0, :g1) ORDER BY score DESC" in warehouse.asked[0][0]
