"""What a rule raises when there is nothing to write that means the same."""

from __future__ import annotations


class NoTranslationError(Exception):
    """Caught by the gate, which says where in the query, and by which rule."""

    def __init__(self, hint: str, reason: str = "") -> None:
        super().__init__(reason)
        self.hint = hint
        self.reason = reason
