"""The leads pipeline as a whole: a file arrives, and what is in the database, on the screen and in the alarms then."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import session
from penstock.pipelines.leads import RESOURCES, crm, failures, pipeline, processing, settings
from penstock.pipelines.leads.generator import write
from penstock.pipelines.leads.outcomes import examples_of
from penstock.pipelines.leads.processing import day_of
from penstock.pipelines.leads.rules import SHIPPED
from penstock.pipelines.leads.settings import Settings
from penstock.pipelines.leads.summary import summary
from penstock.testing.sandbox import Sandbox

TABLES = {
    "leads": "lead_id", "lead_scores": "lead_id, run_id, scorer", "lead_rejects": "run_id, line",
    "pipeline_runs": "run_id",
}  # fmt: skip
DAY = day_of(1_771_574_220.0)  # the sandbox's first day
PEOPLE = [
    {
        "First Name": "ANNA", "Last Name": "schmidt", "Email": "Anna.Schmidt@northwind.example.com",
        "Phone": "030 23125 150",
        "Country": "Germany", "Company": "Northwind GmbH", "Job Title": "VP Sales", "Employees": "300",
        "Demo Requested": "yes", "Notes": "wants a quote", "Lead Source": "Referral", "Last Activity": "2026-02-20",
    },
    {"First Name": "Anna", "Last Name": "Schmidt", "Email": "anna.schmidt@northwind.example.com", "Visits": "4"},
    {"First Name": "Bob", "Last Name": "Brown", "Email": "bob@mailinator.com", "Job Title": "Intern"},
    {"First Name": "Nobody", "Email": "not an address"},
    {"Robert'); DROP TABLE leads;--": "x"},
]  # fmt: skip


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(pipeline, tmp_path) as made:
        yield made


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.json"
    path.write_text(json.dumps(PEOPLE))
    return path


def ask(sandbox: Sandbox, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    return sandbox.home.warehouses.query(crm, sql, parameters or None).records()


def tables(sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    return {name: ask(sandbox, f"SELECT * FROM {name} ORDER BY {key}") for name, key in TABLES.items()}


def arrive(sandbox: Sandbox, file: Path) -> dict[str, Any]:
    """Returns what people are told of a file's run."""
    execution = sandbox.arrive(file)
    assert execution.status == "SUCCEEDED", execution.cause
    (run,) = msgspec.json.decode(execution.output or b"")["runs"]
    return dict(run)


def made_up(tmp_path: Path, count: int, seed: int) -> Path:
    path = tmp_path / f"leads-{count}-{seed}.ndjson"
    write(path, count, seed=seed, form="ndjson", outcomes=True, day=DAY)
    return path


def test_a_file_of_people(sandbox: Sandbox, people: Path) -> None:
    told = arrive(sandbox, people)
    found = tables(sandbox)
    assert (told["read"], told["stored"], told["merged"], told["rejected"]) == (5, 2, 1, 2)
    assert sum(told["grades"].values()) == sum(told["scores"]) == 2
    by_mail = {one["email"]: one for one in found["leads"]}
    anna = by_mail["anna.schmidt@northwind.example.com"]
    assert (anna["full_name"], anna["phone_e164"], anna["country_iso2"]) == ("Anna Schmidt", "+493023125150", "DE")
    assert (anna["merged_from"], anna["visits"], anna["seniority"]) == (2, 4, "vp")
    scores = {one["lead_id"]: one for one in found["lead_scores"]}
    best = scores[anna["lead_id"]]
    # 11 + 4 (sales) + 12 + 6 + 2 + 4 of 40; 14 + 8 + 5 of 25; 15 of 15; four visits at 0.8.
    assert (best["fit"], best["intent"], best["recency"], best["engagement"]) == (39, 25, 15, 3.2)
    assert (best["score"], best["grade"]) == (82, "A")
    assert best["as_of"] == DAY
    worst = scores[by_mail["bob@mailinator.com"]["lead_id"]]
    assert (worst["fit"], worst["grade"]) == (0, "D")
    assert [one["line"] for one in found["lead_rejects"]] == [4, 5]
    (run,) = found["pipeline_runs"]
    assert (run["grade_a"], run["grade_d"], run["status"], run["input_name"]) == (1, 1, "succeeded", "people.json")
    assert "2 leads" in summary({"runs": [told]})


def test_the_same_file_again_changes_nothing(sandbox: Sandbox, people: Path, tmp_path: Path) -> None:
    first, before = arrive(sandbox, people), tables(sandbox)
    sandbox.clock.advance(2 * 86_400)
    copy = tmp_path / "the same.txt"
    copy.write_bytes(people.read_bytes())
    again = arrive(sandbox, copy)
    assert tables(sandbox) == before
    assert again == {**first, "repeated": True}
    assert sandbox.values(failures) == [0, 0]


def test_every_record_is_somewhere(sandbox: Sandbox, tmp_path: Path) -> None:
    told = arrive(sandbox, made_up(tmp_path, 1500, 5))
    found = tables(sandbox)
    assert told["read"] == 1500 == told["stored"] + told["merged"] + told["rejected"]
    assert len(found["leads"]) == told["stored"] == len(found["lead_scores"])
    assert len(found["lead_rejects"]) == told["rejected"] == sum(told["reasons"].values())
    assert sum(one["merged_from"] for one in found["leads"]) == told["stored"] + told["merged"]
    lines = [line for one in found["leads"] for line in one["merged_lines"]]
    assert len(set(lines)) == told["stored"] + told["merged"]
    average = sum(one["score"] for one in found["lead_scores"]) / len(found["lead_scores"])
    assert told["average_score"] == pytest.approx(average, abs=0.006)
    grades = [one["grade"] for one in found["lead_scores"]]
    assert told["grades"] == {grade: grades.count(grade) for grade in "ABCD"}


def test_other_rules_are_another_run_and_both_scores_stay(sandbox: Sandbox, people: Path) -> None:
    first = arrive(sandbox, people)
    text = SHIPPED.read_text("utf-8").replace("A = 70", "A = 90")
    with session(pipeline, sandbox.home.path, may=[settings.put]) as context:
        rules = Settings(context, settings).keep_rules(text, "mine")
    second = arrive(sandbox, people)
    assert (first["scorer"], second["scorer"]) == ("rules@72882d79", f"rules@{rules.digest}")
    assert first["run_id"] != second["run_id"]
    assert (first["grades"]["A"], second["grades"]["A"]) == (1, 0)
    found = tables(sandbox)
    assert (len(found["leads"]), len(found["lead_scores"]), len(found["pipeline_runs"])) == (2, 4, 2)


def test_a_model_scores_beside_the_rules_once_it_is_chosen(sandbox: Sandbox, tmp_path: Path) -> None:
    training = pytest.importorskip("penstock.pipelines.leads.training")
    pytest.importorskip("sklearn")
    arrive(sandbox, made_up(tmp_path, 3000, 6))
    with session(pipeline, sandbox.home.path, may=[settings.put]) as context:
        examples = examples_of(context[RESOURCES.warehouse])
        model = training.train(examples, trained_on=DAY)
        kept = Settings(context, settings)
        kept.keep_model(model)
        assert kept.scorers().model is None
        assert kept.models() == [model]
        kept.use("model", model.version)
    assert {one.as_of for one in examples} == {DAY}
    assert model.evaluation.auc > 0.7
    told = arrive(sandbox, made_up(tmp_path, 400, 7))
    assert told["scorer"] == f"model@{model.version}"
    scores = ask(sandbox, "SELECT * FROM lead_scores WHERE run_id = :run", run=told["run_id"])
    assert {one["scorer"].partition("@")[0] for one in scores} == {"rules", "model"}
    assert len(scores) == 2 * told["stored"]
    by_model = [one for one in scores if one["scorer"].startswith("model")]
    assert all(0 < one["probability"] < 1 and json.loads(one["reasons"]) for one in by_model)
    ranked = sorted(by_model, key=lambda one: one["score"])
    assert ranked[-1]["probability"] > ranked[0]["probability"]
    (run,) = ask(sandbox, "SELECT * FROM pipeline_runs WHERE run_id = :run", run=told["run_id"])
    assert run["model_version"] == model.version


@pytest.mark.parametrize(
    "content", [b"", b"   \n", b"[]", b"\x00\x01\x02\xff" * 50, b"%PDF-1.7 ...", b'[{"a": 1', b"PK\x03\x04broken"]
)  # fmt: skip
def test_a_file_of_nothing_fails_and_is_heard_of(sandbox: Sandbox, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    execution = sandbox.arrive(path)
    assert (execution.status, execution.error) == ("FAILED", "Leads.UnreadableInput")
    assert "hint" in (execution.cause or "")
    assert all(rows == [] for rows in tables(sandbox).values())
    sandbox.advance(3600)
    assert sandbox.alarms()["LeadsPipelineFailure"] == "ALARM"
    assert any(message.subject == "Leads were not processed" for message in sandbox.messages())


def test_an_unusual_run_is_a_warning(sandbox: Sandbox, tmp_path: Path) -> None:
    for seed in range(4):
        told = arrive(sandbox, made_up(tmp_path, 300, seed))
        sandbox.advance(86_400)
        assert told["anomalies"] == []
    assert sandbox.alarms()["LeadsAnomaly"] == "OK"
    told = arrive(sandbox, made_up(tmp_path, 20, 9))
    assert len(told["anomalies"]) == 1
    assert told["anomalies"][0].startswith("20 records, fewer than the usual 300")
    statuses = ask(sandbox, "SELECT status, COUNT(*) AS n FROM pipeline_runs GROUP BY status ORDER BY status")
    assert [(one["status"], one["n"]) for one in statuses] == [("succeeded", 4), ("warning", 1)]
    sandbox.advance(3600)
    assert (sandbox.alarms()["LeadsAnomaly"], sandbox.alarms()["LeadsPipelineFailure"]) == ("ALARM", "OK")


def test_the_daily_run_takes_what_is_not_done(sandbox: Sandbox, tmp_path: Path) -> None:
    arrivals = sandbox.home.arrivals({"leads": sandbox.definition}, "test")
    names = [made_up(tmp_path, 40, seed) for seed in (1, 2)]
    for path in names:
        key = arrivals.take("leads", path).key
        # As an object that was there before anybody listened.
        sandbox.home.bus.dispatched([key])
    first = msgspec.json.decode(sandbox.run({}).output or b"")
    assert sorted(run["input"] for run in first["runs"]) == sorted(path.name for path in names)
    assert msgspec.json.decode(sandbox.run({}).output or b"") == {"runs": []}
    sandbox.advance(4 * 86_400)
    sandbox.run({})
    sandbox.advance(86_400)
    assert sandbox.alarms()["LeadsLate"] == "ALARM"


def test_a_database_that_is_down_loses_nothing(tmp_path: Path, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, Sandbox(pipeline, tmp_path) as sandbox:
        patch.setenv("PENSTOCK_WAREHOUSE_LEADS", "postgresql://leads:secret-word@127.0.0.1:1/leads")
        execution = sandbox.arrive(people)
        assert (execution.status, execution.error) == ("FAILED", "Warehouse.Unavailable")
        assert "secret-word" not in (execution.cause or "")
        events = b"".join(bytes(one.event) for one in sandbox.home.journal.events(execution.id))
        assert b"secret-word" not in events
        assert sandbox.values(failures) == [1.0] * 5
        path = sandbox.home.path
    with session(pipeline, path) as context:
        assert [one.name for one in context[RESOURCES.inbox].list()] == ["people.json"]


def test_a_large_file_is_dealt_with_as_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    path = tmp_path / "people.csv"
    write(path, 300, seed=7, form="csv", day=DAY)
    for limit in (processing.LARGE_BYTES, 0):
        monkeypatch.setattr(processing, "LARGE_BYTES", limit)
        with Sandbox(pipeline, tmp_path / f"home-{limit}") as sandbox:
            assert sandbox.arrive(path).status == "SUCCEEDED"
            found.append(tables(sandbox))
    assert found[0] == found[1]
    assert any(lead["phone_e164"] for lead in found[0]["leads"])
