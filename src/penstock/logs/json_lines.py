"""One JSON object a line, as structured loggers write it: bunyan, pino, zap, structlog, ECS, python-json-logger."""

from __future__ import annotations

import msgspec

from penstock.logs import fields
from penstock.logs.entry import LogEntry, Origin

_DECODER = msgspec.json.Decoder()


def parse(text: str, origin: Origin) -> LogEntry | None:
    """Returns what a line says that is one JSON object; None for any other."""
    if text[:1] != "{" and not text.lstrip().startswith("{"):
        return None
    try:
        found = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return fields.entry_of(flatten(found), text, origin) if isinstance(found, dict) else None


def flatten(found: dict[str, object]) -> dict[str, object]:
    """Returns nested objects' fields under dotted names, one level deep: ECS writes ``{"log": {"level": …}}``."""
    if dict not in map(type, found.values()):
        return found
    flat: dict[str, object] = {}
    for name, value in found.items():
        if isinstance(value, dict) and value:
            flat |= {f"{name}.{inner}": one for inner, one in value.items()}
        else:
            flat[name] = value
    return flat
