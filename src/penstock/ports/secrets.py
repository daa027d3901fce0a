"""Secrets: values that are known by name in definitions and by content only where they are used."""

from __future__ import annotations

from typing import Protocol


class Secrets(Protocol):
    """Looks secrets up. A value never appears in an error, a log or a stored row."""

    def get(self, name: str) -> str:
        """Returns a secret's value.

        Raises:
            NotFoundError: nobody set it; the hint says where it was looked for.
        """
        ...
