"""The function that brings warehouses up to date in an account: tables and views, then roles and their users.

It is called when it is deployed, as the user who owns the database, whose password RDS keeps in Secrets Manager. Tasks
log in by IAM instead, as users who may do what their roles may.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from penstock.model.pipeline import Definition
from penstock.model.warehouses import Warehouse
from penstock.runtime.aws.log import write_line


class Schemas(Protocol):
    """Brings the database of a warehouse up to date."""

    def upgrade(self, warehouse: Warehouse) -> list[str]: ...

    def provide(self, warehouse: Warehouse) -> None: ...


class UpgradingFunction:
    """Brings all warehouses of a pipeline up to date, as a Lambda function; what is up to date stays as it is.

    Args:
        schemas: where the databases are.
        write: takes a line of the log.
    """

    def __init__(self, definition: Definition, schemas: Schemas, write: Callable[[str], Any] = write_line) -> None:
        self._definition = definition
        self._schemas = schemas
        self._write = write

    def __call__(self, event: Any, context: Any) -> dict[str, list[str]]:
        """Answers one invocation with the revisions that were applied, by warehouse.

        Raises:
            PenstockError: a database could not be brought up to date. Those before it were.
        """
        answer = {}
        for warehouse in self._definition.warehouses.values():
            answer[warehouse.name] = self._schemas.upgrade(warehouse)
            self._schemas.provide(warehouse)
            line = {
                "level": "INFO",
                "message": "warehouse is up to date",
                "pipeline": self._definition.name,
                "warehouse": warehouse.name,
                "applied": answer[warehouse.name],
            }
            self._write(msgspec.json.encode(line).decode())
        return answer


def load(definition: Definition) -> Callable[[Any, Any], Any]:
    """Returns the function, over the databases that its environment names."""
    from penstock.adapters.aws.secrets import SecretsManagerSecrets
    from penstock.adapters.aws.warehouse import open_warehouses
    from penstock.runtime.aws.ports import LambdaClock

    @functools.cache
    def function() -> UpgradingFunction:
        secrets = SecretsManagerSecrets(LambdaClock())
        return UpgradingFunction(definition, open_warehouses(os.environ["PENSTOCK_WAREHOUSES"], secrets).schema)

    def handler(event: Any, context: Any) -> dict[str, list[str]]:
        return function()(event, context)

    return handler
