"""The model: what it learns from leads whose truth is known, how it is judged, and that SQL says what Python says."""

import hashlib
import math
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import msgspec
import pytest

from penstock.errors import UsageError
from penstock.pipelines.leads.features import Feature, features_of
from penstock.pipelines.leads.model import GRADES, Model, model_steps, read_model
from penstock.pipelines.leads.training import Example, train

sklearn_metrics = pytest.importorskip("sklearn.metrics")

AS_OF = date(2026, 2, 20)
COLUMNS = {
    "lead_id": "VARCHAR", "seniority": "VARCHAR", "department": "VARCHAR", "email_kind": "VARCHAR",
    "country_iso2": "VARCHAR", "industry": "VARCHAR", "source": "VARCHAR", "employees": "BIGINT",
    "annual_revenue": "DECIMAL(18,2)", "downloads": "BIGINT", "visits": "BIGINT", "page_views": "BIGINT",
    "email_opens": "BIGINT", "email_clicks": "BIGINT", "events_attended": "BIGINT", "demo_requested": "BOOLEAN",
    "phone_e164": "VARCHAR", "last_activity_at": "TIMESTAMPTZ",
}  # fmt: skip


def make_lead(chance: random.Random, number: int) -> dict[str, Any]:
    days = chance.randrange(1, 200)
    return {
        "lead_id": hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest(),
        "seniority": chance.choice(["owner", "vp", "staff", None]),
        "department": chance.choice(["sales", "it", None]),
        "email_kind": chance.choice(["business", "free"]),
        "country_iso2": chance.choice(["US", "DE", "FR"]),
        "industry": chance.choice(["Software", "Food", None]),
        "source": chance.choice(["Referral", "list", 'Bob\'s "web"']),
        "employees": chance.choice([None, 5, 50, 500]),
        "annual_revenue": chance.choice([None, 1_000_000]),
        "downloads": chance.randrange(4),
        "visits": chance.randrange(20),
        "page_views": chance.randrange(50),
        "email_opens": chance.randrange(9),
        "email_clicks": chance.randrange(4),
        "events_attended": chance.randrange(2),
        "demo_requested": chance.random() < 0.2,
        "phone_e164": chance.choice(["+33639981234", None]),
        "last_activity_at": chance.choice([None, datetime(2026, 2, 20, 12, tzinfo=UTC) - timedelta(days=days)]),
    }


def truth(lead: dict[str, Any]) -> float:
    """The chance that a lead of this world buys."""
    odds = -2.5 + 1.5 * lead["demo_requested"] + 1.2 * (lead["seniority"] == "vp") + 0.5 * lead["downloads"]
    return 1 / (1 + math.exp(-odds - 0.8 * (lead["email_kind"] == "business")))


def make_examples(count: int, seed: int = 1) -> list[Example]:
    chance = random.Random(seed)
    leads = [make_lead(chance, number) for number in range(count)]
    return [Example(lead, AS_OF, chance.random() < truth(lead), rules_score=50.0 * lead["downloads"]) for lead in leads]


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return make_examples(6000)


@pytest.fixture(scope="module")
def model(examples: list[Example]) -> Model:
    return train(examples, trained_on=AS_OF)


def held_out(examples: list[Example]) -> list[Example]:
    return [one for one in examples if int(one.lead["lead_id"][-8:], 16) % 4 == 0]


def probability(model: Model, lead: dict[str, Any]) -> float:
    """By the formula of the model's docstring."""
    odds = model.intercept + sum(one.weight * (one.feature.of(lead, AS_OF) - one.mean) for one in model.features)
    return 1 / (1 + math.exp(model.slope * odds + model.offset))


def test_it_ranks_leads_nearly_as_well_as_who_knows_the_truth(model: Model, examples: list[Example]) -> None:
    unseen = held_out(examples)
    best = sklearn_metrics.roc_auc_score([one.bought for one in unseen], [truth(dict(one.lead)) for one in unseen])
    assert best - 0.02 < model.evaluation.auc <= 1
    assert model.evaluation.leads == len(unseen)
    assert model.leads == len(examples) - len(unseen)


def test_its_probabilities_are_what_they_say(model: Model, examples: list[Example]) -> None:
    unseen = held_out(examples)
    error = sum(abs(probability(model, dict(one.lead)) - truth(dict(one.lead))) for one in unseen) / len(unseen)
    assert error < 0.05
    assert model.evaluation.calibration_error < 0.05
    assert sum(one.leads for one in model.evaluation.calibration) == len(unseen)
    expected = [one.expected for one in model.evaluation.calibration]
    assert expected == sorted(expected)


def test_it_is_judged_as_the_reference_judges(model: Model, examples: list[Example]) -> None:
    unseen = held_out(examples)
    outcomes = [one.bought for one in unseen]
    probabilities = [probability(model, dict(one.lead)) for one in unseen]
    judged = model.evaluation
    assert judged.auc == pytest.approx(sklearn_metrics.roc_auc_score(outcomes, probabilities), abs=1e-4)
    assert judged.brier == pytest.approx(sklearn_metrics.brier_score_loss(outcomes, probabilities), abs=1e-4)
    by_rules = sklearn_metrics.roc_auc_score(outcomes, [one.rules_score for one in unseen])
    assert judged.rules_auc == pytest.approx(by_rules, abs=1e-4)
    ranked = [bought for _, bought in sorted(zip(probabilities, outcomes, strict=True), key=lambda one: -one[0])]
    tenth = ranked[: round(len(ranked) / 10)]
    assert judged.lift["10%"] == pytest.approx((sum(tenth) / len(tenth)) / (sum(ranked) / len(ranked)), rel=0.05)


def test_the_same_leads_make_the_same_model_in_any_order(examples: list[Example], model: Model) -> None:
    shuffled = list(examples)
    random.Random(7).shuffle(shuffled)
    assert train(shuffled, trained_on=AS_OF) == model
    assert model.version.startswith("2026-02-20.")
    assert read_model(msgspec.json.encode(model)) == model


def test_sql_scores_as_the_formula_does(model: Model, examples: list[Example]) -> None:
    leads = [dict(one.lead) for one in examples[:400]]
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    connection.execute(f"CREATE TABLE lead({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")
    connection.executemany(
        f"INSERT INTO lead VALUES ({', '.join('?' * len(COLUMNS))})", [[lead[one] for one in COLUMNS] for lead in leads]
    )
    for name, sql in model_steps(model, run_id="r", as_of=AS_OF).items():
        connection.execute(f"CREATE VIEW {name} AS {sql}")
    rows = connection.execute(
        "SELECT lead_id, score, grade, probability, fit + intent + recency + engagement, scorer, reasons "
        "FROM model_score"
    ).fetchall()
    found = {row[0]: row for row in rows}
    assert len(found) == len(leads)
    for lead in leads:
        _, score, grade, chance, odds, scorer, reasons = found[lead["lead_id"]]
        assert chance == pytest.approx(probability(model, lead), abs=5e-6)
        assert odds == pytest.approx(
            (math.log(1 / chance - 1) - model.offset) / model.slope - model.intercept, abs=0.05
        )
        # A lead at the very edge of a percentile may be on either side of it.
        assert abs(score - sum(chance >= edge for edge in model.percentiles)) <= 1
        assert grade == next((one for one, least in GRADES.items() if score >= least), "D")
        assert scorer == f"model@{model.version}"
        assert 1 <= len(msgspec.json.decode(reasons)) <= 5


def test_what_speaks_for_a_lead_is_told() -> None:
    """A world in which nothing but a demo counts."""
    chance = random.Random(3)
    leads = [make_lead(chance, number) for number in range(3000)]
    made = [Example(lead, AS_OF, chance.random() < (0.8 if lead["demo_requested"] else 0.1)) for lead in leads]
    model = train(made, trained_on=AS_OF)
    heaviest = max(
        model.features, key=lambda one: abs(one.weight) * (one.mean * (1 - one.mean)) ** 0.5 if one.mean < 1 else 0
    )
    assert heaviest.feature.column == "demo_requested"
    assert model.evaluation.rules_auc is None


@pytest.mark.parametrize(("count", "bought"), [(0, 0), (199, 60), (1000, 29), (1000, 971)])
def test_too_few_outcomes_are_refused(count: int, bought: int) -> None:
    chance = random.Random(0)
    made = [Example(make_lead(chance, number), AS_OF, number < bought) for number in range(count)]
    with pytest.raises(UsageError, match="a model needs 200 leads with a known outcome, 30 of each"):
        train(made, trained_on=AS_OF)


def test_texts_become_features_where_enough_leads_have_them() -> None:
    leads = [{"source": "Referral"}] * 20 + [{"source": "Rare"}] * 19
    assert [one.value for one in features_of(leads) if one.column == "source"] == ["Referral"]


@pytest.mark.parametrize(
    ("feature", "lead", "value"),
    [
        (Feature(kind="is", column="source", part="intent", value="a"), {"source": "a"}, 1.0),
        (Feature(kind="is", column="source", part="intent", value="a"), {"source": None}, 0.0),
        (Feature(kind="log", column="visits", part="engagement"), {"visits": math.e - 1}, 1.0),
        (Feature(kind="log", column="employees", part="fit"), {"employees": None}, 0.0),
        (Feature(kind="missing", column="employees", part="fit"), {"employees": None}, 1.0),
        (Feature(kind="fresh", column="last_activity_at", part="recency"), {"last_activity_at": date(2026, 1, 21)},
         0.5),
        (Feature(kind="fresh", column="last_activity_at", part="recency"), {"last_activity_at": date(2026, 3, 1)}, 1.0),
        (Feature(kind="fresh", column="last_activity_at", part="recency"), {"last_activity_at": None}, 0.0),
    ],
)  # fmt: skip
def test_a_feature_by_hand(feature: Feature, lead: dict[str, Any], value: float) -> None:
    assert feature.of(lead, AS_OF) == pytest.approx(value)


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"version": 1}'])
def test_what_is_no_model_is_refused(text: bytes) -> None:
    with pytest.raises(UsageError, match="the model cannot be used"):
        read_model(text)
