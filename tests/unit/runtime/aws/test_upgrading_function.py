"""The function that upgrades warehouses: tables before users, and what was done is told."""

import json

import pytest

from penstock.errors import UnavailableError
from penstock.model.pipeline import Definition
from penstock.model.warehouses import Warehouse
from penstock.runtime.aws.upgrading import UpgradingFunction

SHOP = Definition(
    name="shop",
    namespace="Shop",
    warehouses={name: Warehouse(name=name, relations={}) for name in ("crm", "stock", "late")},
)


class Schemas:
    def __init__(self, broken: str = "") -> None:
        self.done: list[tuple[str, str]] = []
        self.broken = broken

    def upgrade(self, warehouse: Warehouse) -> list[str]:
        if warehouse.name == self.broken:
            raise UnavailableError("the database is down", hint="wait")
        self.done.append(("upgrade", warehouse.name))
        return ["0001"] if warehouse.name == "crm" else []

    def provide(self, warehouse: Warehouse) -> None:
        self.done.append(("provide", warehouse.name))


def test_each_warehouse_is_upgraded_and_then_gets_its_users() -> None:
    schemas, lines = Schemas(), list[str]()
    answer = UpgradingFunction(SHOP, schemas, lines.append)({}, None)
    assert answer == {"crm": ["0001"], "stock": [], "late": []}
    assert schemas.done == [(what, name) for name in ("crm", "stock", "late") for what in ("upgrade", "provide")]
    assert [(line["warehouse"], line["applied"]) for line in map(json.loads, lines)] == list(answer.items())


def test_a_failure_fails_the_deployment() -> None:
    schemas = Schemas(broken="stock")
    with pytest.raises(UnavailableError, match="down"):
        UpgradingFunction(SHOP, schemas, lambda line: None)({}, None)
    assert schemas.done == [("upgrade", "crm"), ("provide", "crm")]
