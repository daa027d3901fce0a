"""The JSONata library's parts, imported in one place.

Only the modules that evaluate import this one, and those are imported when the first expression is met.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def _imported(*names: str) -> list[Any]:
    """Imports modules of the library, which sets Python's limit to 10,000 for everybody when it is imported."""
    before = sys.getrecursionlimit()
    try:
        return [importlib.import_module(f"jsonata.{name}") for name in names]
    finally:
        sys.setrecursionlimit(before)


_jsonata, _functions, _errors, _parser, _signature, _utils = _imported(
    "jsonata", "functions", "jexception", "parser", "signature", "utils"
)

Jsonata: Any = _jsonata.Jsonata
Builtin: Any = _functions.Functions
JException: Any = _errors.JException
Parser: Any = _parser.Parser
LaxSignature: Any = _signature.Signature
Utils: Any = _utils.Utils
