"""What every group of declarations shares: a place to record them, and what is wrong with them."""

from __future__ import annotations

from typing import Any, TypeVar

from penstock.errors import Finding

Named = TypeVar("Named")


class Parts:
    """Declared things by kind and name, and the mistakes that were found while declaring them."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._findings: list[Finding] = []
        self._parts: dict[str, dict[str, Any]] = {}

    def _add(self, kind: str, thing: Named, *, name: str | None = None) -> Named:
        part: Any = thing
        parts = self._parts.setdefault(kind, {})
        key = name or part.name
        if key in parts:
            message = f"{noun_of(kind)} {key!r} is defined twice, first at {parts[key].place}"
            self._find(part.place, "duplicate-name", message, "give one of them another name")
        parts[key] = thing
        return thing

    def _find(self, where: str, code: str, message: str, hint: str) -> None:
        self._findings.append(Finding(where, code, message, hint))


def noun_of(kind: str) -> str:
    """Returns what one thing of a kind is called: ``event_buses`` are each an event bus."""
    if kind == "queries":
        return "query"
    return kind.replace("_", " ").removesuffix("es" if kind.endswith(("buses", "inboxes")) else "s")
