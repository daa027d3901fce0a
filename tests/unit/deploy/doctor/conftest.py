"""A good deployment, to be spoilt.

`plan.json` is what `terraform show -json` says of a first plan of the metrics pipeline with a subscription and a budget
mail in terraform.tfvars; `replan.json` is a second plan, after the apply, when every ARN is known. Both were made with
Terraform 1.11 and provider 5.100 on an emulator, and hold what the doctor reads; the configuration is in the first.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.deploy.doctor import Finding, examine

HERE = Path(__file__).parent


class Deployment:
    """A plan's document, and edits of it."""

    def __init__(self, name: str) -> None:
        self.document: dict[str, Any] = json.loads((HERE / "plan.json").read_text())
        self.document |= json.loads((HERE / f"{name}.json").read_text())

    def __getitem__(self, address: str) -> dict[str, Any]:
        return next(one for one in self.document["resource_changes"] if one["address"] == address)

    def configuration(self, address: str) -> dict[str, Any]:
        """Returns a resource as it is written."""
        return next(
            one for one in self.document["configuration"]["root_module"]["resources"] if one["address"] == address
        )

    def edit(self, address: str, **attributes: Any) -> str:
        """Writes known values into a resource."""
        change = self[address]["change"]
        for name, value in attributes.items():
            change["after"][name] = value
            change["after_unknown"].pop(name, None)
            self.configuration(_bare(address)).setdefault("expressions", {})[name] = {"constant_value": value}
        return address

    def add(self, address: str, unknown: dict[str, Any] | None = None, **attributes: Any) -> str:
        """Adds a resource; an unknown value is given as the addresses that it refers to."""
        kind, name = address.removeprefix("data.").split(".")
        mode = "data" if address.startswith("data.") else "managed"
        expressions: dict[str, Any] = {key: {"constant_value": value} for key, value in attributes.items()}
        expressions |= {key: {"references": value} for key, value in (unknown or {}).items()}
        known_later = dict.fromkeys(unknown or {}, True)
        change = {"actions": ["create"], "after": attributes, "after_unknown": known_later}
        body = {"address": address, "mode": mode, "type": kind, "name": name}
        self.document["resource_changes"].append({**body, "change": change})
        self.document["configuration"]["root_module"]["resources"].append({**body, "expressions": expressions})
        return address

    def remove(self, address: str) -> None:
        """Removes a resource, from the configuration too."""
        changes, resources = (
            self.document["resource_changes"],
            self.document["configuration"]["root_module"]["resources"],
        )
        changes.remove(self[address])
        resources.remove(self.configuration(_bare(address)))

    def as_state(self) -> dict[str, Any]:
        """Returns what the state says once this is applied."""
        resources = [
            {**{key: one[key] for key in ("address", "mode", "type", "name")}, "values": one["change"]["after"]}
            for one in self.document["resource_changes"]
            if one["change"]["after"] is not None
        ]
        return {"format_version": "1.0", "values": {"root_module": {"resources": resources}}}

    def findings(self) -> list[Finding]:
        """Returns what the doctor finds."""
        return examine(self.document)

    def found(self) -> set[tuple[str, str]]:
        """Returns (code, address) of what the doctor finds."""
        return {(one.code, one.address) for one in self.findings()}


def _bare(address: str) -> str:
    return address.partition("[")[0]


@pytest.fixture
def plan() -> Deployment:
    """A first plan: ARNs and policies are not known yet."""
    return Deployment("plan")


@pytest.fixture
def replan() -> Deployment:
    """A plan after the apply: everything is known."""
    return Deployment("replan")
