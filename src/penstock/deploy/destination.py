"""Where a promotion goes: the deployment of the same pipeline, in the account that the credentials are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.adapters.aws.session import calling, client
from penstock.deploy.kit import has_bucket, started_by_aws
from penstock.errors import DeploymentError, UsageError
from penstock.model.pipeline import Definition


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment, by the names in the account.

    Attributes:
        bucket: of the lake; empty when the pipeline has none.
        hot_tables, rules, schedules, state_machines: by the names in the definition.
    """

    account: str
    region: str
    bucket: str = ""
    hot_tables: dict[str, str] = {}
    rules: dict[str, str] = {}
    schedules: dict[str, str] = {}
    state_machines: dict[str, str] = {}

    @property
    def place(self) -> tuple[str, str, str]:
        return self.account, self.region, self.bucket


def find_destination(definition: Definition, outputs: Mapping[str, Any]) -> Destination:
    """Returns where a pipeline is deployed.

    Args:
        outputs: of its Terraform.

    Raises:
        DeploymentError: the deployment lacks something that the pipeline has.
        UsageError: the credentials are of another account.
    """
    definition = started_by_aws(definition)
    wanted = {
        "lake_bucket": ["the lake"] if has_bucket(definition) else [],
        "hot_tables": list(definition.hot_tables),
        "rules": [*definition.triggers, *definition.inbox_triggers],
        "schedules": list(definition.schedules),
        "state_machines": list(definition.workflows),
    }
    for output, names in wanted.items():
        there = outputs.get(output) or {}
        missing = [name for name in names if isinstance(there, Mapping) and name not in there]
        if missing:
            raise DeploymentError(
                f"the deployment of {definition.name!r} does not have {', '.join(missing)} among its {output}",
                hint=f"penstock deploy {definition.name}; then promote",
            )
    region = str(outputs["region"])
    return Destination(
        account=_account(definition.name, outputs.get("state_machines", {}), region),
        region=region,
        bucket=str(outputs.get("lake_bucket", "")) if has_bucket(definition) else "",
        **{name: dict(outputs.get(name) or {}) for name in ("hot_tables", "rules", "schedules", "state_machines")},
    )


def _account(pipeline: str, state_machines: Mapping[str, str], region: str) -> str:
    with calling("ask whose credentials these are"):
        own = str(client("sts", region=region).get_caller_identity()["Account"])
    for arn in state_machines.values():
        # arn:partition:service:region:account:resource
        deployed = arn.split(":")[4]
        if deployed != own:
            raise UsageError(
                f"pipeline {pipeline!r} is deployed in account {deployed}, the credentials are of account {own}",
                hint="log in to the other account, or set AWS_PROFILE",
            )
    return own
