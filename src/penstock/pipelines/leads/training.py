"""Training and judging a model on leads whose outcome is known. Needs scikit-learn: ``pip install 'penstock[model]'``.

A quarter of the leads is held out: the model never sees them, and is judged on them alone. Which quarter follows from
the leads' ids, so that the same leads give the same model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from penstock.errors import UsageError
from penstock.pipelines.leads.features import Feature, features_of
from penstock.pipelines.leads.model import PERCENTILES, Bin, Evaluation, Model, Weighted

FEWEST_LEADS = 200
FEWEST_OF_AN_OUTCOME = 30
MOST_LEADS = 200_000
HELD_OUT_OF = 4
FOLDS = 5
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)
BINS = 10
SHARES = (0.1, 0.2, 0.5)


class Example(msgspec.Struct, frozen=True):
    """A lead whose outcome is known.

    Attributes:
        as_of: the day of its columns.
        rules_score: what the rules made of it.
    """

    lead: Mapping[str, Any]
    as_of: date
    bought: bool
    rules_score: float | None = None

    @property
    def is_held_out(self) -> bool:
        return int(str(self.lead["lead_id"])[-8:], 16) % HELD_OUT_OF == 0


def train(examples: Sequence[Example], *, trained_on: date) -> Model:
    """Returns a calibrated model, with how good it is on the leads that were held out.

    Raises:
        UsageError: there are too few leads, or too few of one outcome; or scikit-learn is not installed.
    """
    chosen = sorted(examples, key=lambda one: str(one.lead["lead_id"]))[:MOST_LEADS]
    seen = [one for one in chosen if not one.is_held_out]
    unseen = [one for one in chosen if one.is_held_out]
    _check_enough(seen, unseen)
    features = features_of(one.lead for one in seen)
    fitted = _fit(_table(features, seen), [one.bought for one in seen])
    expected = fitted.probabilities(_table(features, unseen))
    model = Model(
        version="",
        trained_on=trained_on,
        leads=len(seen),
        bought=sum(one.bought for one in seen),
        intercept=fitted.intercept,
        features=[Weighted(*one) for one in zip(features, fitted.weights, fitted.means, strict=True)],
        slope=fitted.slope,
        offset=fitted.offset,
        percentiles=_percentiles(fitted.probabilities(_table(features, seen))),
        evaluation=_evaluate(unseen, expected),
    )
    digest = hashlib.sha256(msgspec.json.encode(model)).hexdigest()[:6]
    return msgspec.structs.replace(model, version=f"{trained_on:%Y-%m-%d}.{digest}")


class _Fitted(msgspec.Struct, frozen=True):
    """A regression over features as they are; its intercept is of a lead at the means."""

    weights: list[float]
    means: list[float]
    intercept: float
    slope: float
    offset: float

    def probabilities(self, table: Any) -> Any:
        import numpy

        log_odds = self.intercept + (table - numpy.array(self.means)) @ numpy.array(self.weights)
        return 1 / (1 + numpy.exp(self.slope * log_odds + self.offset))


def _check_enough(seen: Sequence[Example], unseen: Sequence[Example]) -> None:
    bought = sum(one.bought for one in (*seen, *unseen))
    total = len(seen) + len(unseen)
    if total < FEWEST_LEADS or min(bought, total - bought) < FEWEST_OF_AN_OUTCOME:
        raise UsageError(
            f"a model needs {FEWEST_LEADS} leads with a known outcome, {FEWEST_OF_AN_OUTCOME} of each; there are "
            f"{bought} that bought and {total - bought} that did not",
            hint="give more by --outcomes FILE, or go on with the rules until there are more",
        )
    if len({one.bought for one in unseen}) < 2:
        raise UsageError("the leads that are held out all have one outcome", hint="give more leads by --outcomes FILE")


def _fit(table: Any, outcomes: Sequence[bool]) -> _Fitted:
    try:
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV, StratifiedKFold
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise UsageError("scikit-learn is not installed", hint="pip install 'penstock[model]'") from error
    folds = StratifiedKFold(n_splits=FOLDS, shuffle=True, random_state=0)
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    search = GridSearchCV(regression, {"logisticregression__C": STRENGTHS}, scoring="neg_log_loss", cv=folds)
    search.fit(table, outcomes)
    # The calibration is fitted on what each lead gets from a regression that has not seen it.
    calibrated = CalibratedClassifierCV(search.best_estimator_, method="sigmoid", cv=folds, ensemble=False)
    calibrated.fit(table, outcomes)
    (made,) = calibrated.calibrated_classifiers_
    (sigmoid,) = made.calibrators
    scaler, final = made.estimator.named_steps["standardscaler"], made.estimator.named_steps["logisticregression"]
    return _Fitted(
        weights=[float(one) for one in final.coef_[0] / scaler.scale_],
        means=[float(one) for one in scaler.mean_],
        intercept=float(final.intercept_[0]),
        slope=float(sigmoid.a_),
        offset=float(sigmoid.b_),
    )


def _table(features: Sequence[Feature], examples: Sequence[Example]) -> Any:
    import numpy

    return numpy.array([[feature.of(one.lead, one.as_of) for feature in features] for one in examples], dtype=float)


def _percentiles(probabilities: Any) -> list[float]:
    import numpy

    shares = numpy.linspace(1 / PERCENTILES, 1, PERCENTILES)
    return [float(one) for one in numpy.round(numpy.quantile(probabilities, shares), 6)]


# -- judging ----------------------------------------------------------------------------------------------------------


def _evaluate(examples: Sequence[Example], expected: Any) -> Evaluation:
    from sklearn.metrics import brier_score_loss, roc_auc_score

    outcomes = [one.bought for one in examples]
    by_rules = [one.rules_score for one in examples]
    known = [score for score in by_rules if score is not None]
    bins = _bins(expected, outcomes)
    return Evaluation(
        leads=len(examples),
        bought=sum(outcomes),
        auc=round(float(roc_auc_score(outcomes, expected)), 4),
        rules_auc=round(float(roc_auc_score(outcomes, known)), 4) if len(known) == len(examples) else None,
        brier=round(float(brier_score_loss(outcomes, expected)), 4),
        calibration=bins,
        calibration_error=round(
            sum(one.leads * abs(one.expected - one.observed) for one in bins) / max(1, len(examples)), 4
        ),
        lift={f"{share:.0%}": _lift(expected, outcomes, share) for share in SHARES},
    )


def _bins(expected: Any, outcomes: Sequence[bool]) -> list[Bin]:
    """Returns bins of equally many leads."""
    ranked = sorted(zip((float(one) for one in expected), outcomes, strict=True))
    found = []
    for number in range(BINS):
        part = ranked[len(ranked) * number // BINS : len(ranked) * (number + 1) // BINS]
        if part:
            mean = sum(one for one, _ in part) / len(part)
            found.append(Bin(len(part), round(mean, 4), round(sum(bought for _, bought in part) / len(part), 4)))
    return found


def _lift(expected: Any, outcomes: Sequence[bool], share: float) -> float:
    ranked = sorted(zip((float(one) for one in expected), outcomes, strict=True), key=lambda one: -one[0])
    best = ranked[: max(1, round(len(ranked) * share))]
    overall = sum(outcomes) / len(outcomes)
    return round(sum(bought for _, bought in best) / len(best) / overall, 3) if overall else 0.0
