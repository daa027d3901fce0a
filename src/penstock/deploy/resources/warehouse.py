"""Warehouses: what an account would need for them is not written yet."""

from __future__ import annotations

from penstock.deploy.hcl import Block
from penstock.deploy.kit import Capability, Concern, Site
from penstock.errors import Finding
from penstock.model.pipeline import Definition


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns nothing: ``limits`` refuses what would need something."""
    return {}


def limits(definition: Definition) -> list[Finding]:
    """Returns what cannot be deployed."""
    found = [
        Finding(
            warehouse.place,
            "no-warehouse",
            f"warehouse {warehouse.name!r} cannot be put into an account yet",
            "run this pipeline on a machine, with the URL of a database in PENSTOCK_WAREHOUSE_"
            f"{warehouse.name.upper()}",
        )
        for warehouse in definition.warehouses.values()
    ]
    if definition.deployment.compute != "lambda":
        found.append(
            Finding(
                "aws(…)",
                "no-instance",
                f"compute={definition.deployment.compute!r} cannot be put into an account yet",
                'leave compute="lambda"',
            )
        )
    return found


CAPABILITY = Capability(
    name="warehouse",
    purpose="Relational tables for people and their tools",
    blocks=blocks,
    limits=limits,
)
