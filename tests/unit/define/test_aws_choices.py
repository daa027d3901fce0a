"""``Pipeline.aws``: what is optional in an account, and what cannot be chosen."""

from __future__ import annotations

from typing import Any

import pytest

from penstock import Pipeline
from penstock.define.payload import FIELDS, PAYLOAD
from penstock.errors import DefinitionError
from penstock.model.deployment import Deployment


def shop(**choices: Any) -> Pipeline:
    made = Pipeline("shop")

    @made.task
    def take(event: Any, context: Any) -> None: ...

    made.aws(**choices)
    return made


def test_nothing_that_costs_much_is_chosen_unasked() -> None:
    assert shop().build().deployment == Deployment(
        architecture="arm64", runtime="python3.13", log_retention_days=30, tracing=False, streams=False,
        replica_region=None, vpc=False, crawler=False, backfill_job=False, encryption_key=False, audit_trail=True,
        monthly_budget_usd=5.0, scan_limit_mb=1024,
    )  # fmt: skip


def test_choices_add_up() -> None:
    made = shop(tracing=True, replica_region="eu-west-1")
    made.aws(architecture="x86_64", monthly_budget_usd=None)
    chosen = made.build().deployment
    assert (chosen.tracing, chosen.replica_region, chosen.architecture) == (True, "eu-west-1", "x86_64")
    assert chosen.monthly_budget_usd is None


@pytest.mark.parametrize(
    ("choices", "named"),
    [
        ({"traccing": True}, "traccing"),
        ({"tracing": "yes"}, "tracing"),
        ({"architecture": "riscv"}, "architecture"),
        ({"runtime": "nodejs22.x"}, "runtime"),
        ({"replica_region": "Ireland"}, "replica_region"),
        ({"scan_limit_mb": 9}, "scan_limit_mb"),
        ({"monthly_budget_usd": 0}, "monthly_budget_usd"),
    ],
)
def test_what_cannot_be_is_a_mistake_with_its_place(choices: dict[str, Any], named: str) -> None:
    with pytest.raises(DefinitionError, match=named) as caught:
        shop(**choices).build()
    [finding] = caught.value.data["findings"]
    assert finding["code"] == "deployment"
    assert "test_aws_choices.py:" in finding["where"]
    assert "replica_region" in finding["hint"]


def test_a_mistaken_choice_changes_nothing() -> None:
    made = shop(tracing=True)
    made.aws(tracing="yes")
    assert made.declared().deployment.tracing is True


def test_the_payload_has_a_path_for_each_of_its_fields() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    assert all(name.endswith(".$") and path.startswith("$") for name, path in FIELDS.items())
    assert len(PAYLOAD) == len(FIELDS) == 7
