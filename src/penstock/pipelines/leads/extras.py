"""The libraries that leads need beside Penstock's own."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from penstock.errors import UsageError

CLEANING = {"phonenumbers": "phonenumbers", "email_validator": "email-validator"}
# Of the warehouse, what every server needs.
STORING = {"numpy": "numpy", "sqlalchemy": "sqlalchemy"}
WORKBOOKS = {"openpyxl": "openpyxl"}


def check_installed(modules: dict[str, str]) -> None:
    """Refuses to begin without a library.

    Args:
        modules: each module with the name by which it is installed.

    Raises:
        UsageError: one of them is missing.
    """
    missing = list(_missing(modules))
    if missing:
        names = ", ".join(modules[module] for module in missing)
        raise UsageError(f"leads need {names}, not installed here", hint="pip install 'penstock[leads]'")


def _missing(modules: Iterable[str]) -> Iterable[str]:
    return (module for module in modules if find_spec(module) is None)
