"""The warehouses of a home: a file of SQLite each, or the database that the environment names."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.adapters.local.secrets import EnvironmentAndFileSecrets, resolve
from penstock.errors import NotFoundError, UsageError
from penstock.model.warehouses import Warehouse

if TYPE_CHECKING:
    from penstock.adapters.relational.location import Location
    from penstock.adapters.relational.store import RelationalWarehouseStore

# Of the extra `warehouse`.
LIBRARIES = ("sqlalchemy", "alembic", "psycopg", "pymysql")
# In a URL's user part; elsewhere a dollar sign is what it is.
_SECRET = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


def variable_of(warehouse: Warehouse) -> str:
    """Returns the name of the environment variable with a warehouse's URL."""
    return f"PENSTOCK_WAREHOUSE_{warehouse.name.upper()}"


def open_warehouses(folder: Path, secrets: EnvironmentAndFileSecrets) -> RelationalWarehouseStore:
    """Returns the warehouses of a home.

    Args:
        folder: where the files are.
        secrets: knows URLs, and what ``${NAME}`` in one stands for.

    Raises:
        UsageError: what they need is not installed.
    """
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"{', '.join(missing)} is not installed", hint="pip install 'penstock[warehouse]'")
    from penstock.adapters.relational.store import RelationalWarehouseStore

    return RelationalWarehouseStore(lambda warehouse: locate(warehouse, folder, secrets))


def locate(warehouse: Warehouse, folder: Path, secrets: EnvironmentAndFileSecrets) -> Location:
    """Returns where a warehouse is.

    Raises:
        UsageError: the variable has no URL that can be used.
    """
    from urllib.parse import quote

    from penstock.adapters.relational.location import parse_location

    variable = variable_of(warehouse)
    try:
        text = secrets.get(variable)
    except NotFoundError:
        return parse_location(f"sqlite:///{folder.absolute() / warehouse.name}.db", "")
    return parse_location(_SECRET.sub(lambda found: quote(resolve(found[0], secrets), safe=""), text), variable)
