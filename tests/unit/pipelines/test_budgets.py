"""What a shipped pipeline costs as it is stays below the budget that warns."""

from __future__ import annotations

import pytest
from tests.deployments import leads, logs, metrics

from penstock.cost.estimate import estimate
from penstock.model.pipeline import Definition
from penstock.pipelines.orders import pipeline


@pytest.mark.parametrize("definition", [metrics(), logs(), pipeline.build(), leads()], ids=lambda one: one.name)
def test_nobody_is_warned_of_an_ordinary_month(definition: Definition) -> None:
    budget = definition.deployment.monthly_budget_usd
    assert budget is not None
    assert estimate(definition).monthly_usd < 0.8 * budget
