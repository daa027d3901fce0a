"""A trained model: numbers that a person can read, and SQL that scores by them. Nothing of it is a program.

The model is a logistic regression whose answer is calibrated by Platt's method, so that of the leads to which it gives
20 percent about one in five buys. https://en.wikipedia.org/wiki/Platt_scaling
"""

from __future__ import annotations

from datetime import date

import msgspec

from penstock.errors import UsageError
from penstock.pipelines.leads.features import Feature, columns_of, label, weighted_sql
from penstock.pipelines.leads.scoring import Scale, Term, literal, number, shown, steps

# A model's score is the share of the leads it was trained on that are less likely to buy.
GRADES = {"A": 90.0, "B": 70.0, "C": 40.0}
PERCENTILES = 100


class Weighted(msgspec.Struct, frozen=True):
    """A feature with its weight in log-odds, and its mean over the leads that the model was trained on."""

    feature: Feature
    weight: float
    mean: float


class Bin(msgspec.Struct, frozen=True):
    """Leads with about one probability: what the model expected of them, and what became of them."""

    leads: int
    expected: float
    observed: float


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """How good a model is, on leads that it has not seen.

    Attributes:
        leads, bought: how many leads, and how many of them bought.
        auc: the probability that a buyer gets a higher score than another: 0.5 is chance, 1 is perfect.
        rules_auc: that of the rules on the same leads, where they have scored them.
        brier: the mean squared error of the probability; 0 is perfect.
        calibration: bins of the probability, the lowest first.
        calibration_error: how far expected and observed shares are apart, on the average over the leads.
        lift: of the best tenth, fifth and half of the leads, how many times as often they buy as all do.
    """

    leads: int
    bought: int
    auc: float
    rules_auc: float | None
    brier: float
    calibration: list[Bin]
    calibration_error: float
    lift: dict[str, float]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the model.

    Attributes:
        trained_on: the day whose leads it was trained on.
        leads, bought: how many it was trained on, and how many of them bought.
        intercept: the log-odds of a lead whose features are all at their mean.
        slope, offset: of the calibration: the probability is 1 / (1 + exp(slope * log-odds + offset)).
        percentiles: the probabilities that 1 %, 2 %, … 100 % of the leads have at most.
    """

    version: str
    trained_on: date
    leads: int
    bought: int
    intercept: float
    features: list[Weighted]
    slope: float
    offset: float
    percentiles: list[float]
    evaluation: Evaluation


def read_model(text: str | bytes) -> Model:
    """Returns a model as it was stored.

    Raises:
        UsageError: it is none, or one of another version of Penstock.
    """
    try:
        return msgspec.json.decode(text, type=Model)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"the model cannot be used: {error}", hint="train it anew: penstock leads train") from error


def model_steps(model: Model, *, run_id: str, as_of: date) -> dict[str, str]:
    """Returns the steps that score the rows of the step ``lead`` by a model; the last of them has the scores."""
    log_odds = f"{number(model.intercept)} + total"
    ranks = " ".join(
        f"WHEN probability >= {number(edge)} THEN {percent}"
        for percent, edge in reversed(list(enumerate(model.percentiles, start=1)))
    )
    scale = Scale(
        limits=None,
        score=f"CASE {ranks} ELSE 0 END",
        grade_of="score",
        grades=GRADES,
        probability=f"round(1 / (1 + exp({number(model.slope)} * ({log_odds}) + {number(model.offset)})), 6)",
        points="round({}, 6)",
        hundredths="round({}, 2)",
    )
    terms = [_term(model, column, as_of) for column in columns_of([one.feature for one in model.features])]
    return steps("model", terms, scale, scorer=f"model@{model.version}", run_id=run_id, as_of=as_of)


def _term(model: Model, column: str, as_of: date) -> Term:
    """Returns what a column adds to the log-odds, against a lead of which nothing stands out."""
    own = [one for one in model.features if one.feature.column == column]
    usual = sum(one.weight * one.mean for one in own)
    points = f"{weighted_sql([(one.feature, one.weight) for one in own], as_of)} - {number(usual)}"
    because = f"{literal(label(column) + ': ')} || coalesce({shown(column)}, 'not known')"
    if own[0].feature.kind == "present":
        because = f"CASE WHEN {column} IS NULL THEN {literal(f'no {label(column)}')} ELSE {literal(label(column))} END"
    return Term(column, own[0].feature.part, points, because)
