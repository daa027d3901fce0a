"""This machine's time and randomness."""

from __future__ import annotations

import secrets
import time


class SystemClock:
    """The clock of the system."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class SystemEntropy:
    """The system's source of randomness."""

    def token(self) -> str:
        return secrets.token_hex(8)
