"""Numbers that JSON cannot hold, found before an encoder writes them as null."""

from __future__ import annotations

import math
from typing import Any

import msgspec


def not_finite(value: Any, path: str = "$", depth: int = 0) -> str | None:
    """Returns the path of a NaN or an infinity, which the encoder would write as null."""
    if isinstance(value, float):
        return None if math.isfinite(value) else path
    if depth > 100:
        return None
    if isinstance(value, dict):
        children: Any = ((f"{path}.{key}", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        children = ((f"{path}[{number}]", item) for number, item in enumerate(value))
    elif isinstance(value, msgspec.Struct):
        children = ((f"{path}.{name}", getattr(value, name)) for name in value.__struct_fields__)
    else:
        return None
    return next((found for where, item in children if (found := not_finite(item, where, depth + 1))), None)
