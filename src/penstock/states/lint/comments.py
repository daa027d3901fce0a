"""Comments, which everything may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding


def check_comment(body: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yields a finding if a Comment is not text."""
    if not isinstance(body.get("Comment", ""), str):
        yield Finding(f"{where}.Comment", "type", "Comment is text", "put it into quotes")
