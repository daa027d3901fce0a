"""What every timetable answers: which moments are slots. It knows no clock: all times are arguments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

# EventBridge's years are 1970 to 2199; the margins hold every UTC offset.
FIRST_MOMENT = -2 * 86_400.0
LAST_MOMENT = 7_258_291_200.0  # 2200-01-03T00:00:00Z


class Timetable(ABC):
    """The slots of one schedule expression: moments in seconds since the epoch, in order, each once.

    A timetable is immutable and gives the same answers for ever, up to changes of the IANA time zone data.
    """

    @abstractmethod
    def next(self, after: float) -> float | None:
        """Returns the first slot strictly after a moment; None when there is none before the year 2200."""

    @abstractmethod
    def previous(self, at: float) -> float | None:
        """Returns the last slot at or before a moment; None when there is none since 1970."""

    @abstractmethod
    def between(self, after: float, until: float) -> Iterator[float]:
        """Yields the slots with ``after < slot <= until``, in order, computing each when it is asked for."""

    @abstractmethod
    def count(self, after: float, until: float) -> int:
        """Returns how many slots ``between`` would yield, without visiting each."""

    @abstractmethod
    def cadence(self, at: float) -> float:
        """Returns the longest time between two consecutive slots, in seconds.

        Looks at the slots from the last one before ``at`` to the first one a year later. Infinite when there are no
        two slots in that time, as for ``at(...)``.
        """

    @abstractmethod
    def describe(self) -> str:
        """Returns the timetable in plain English, such as ``every 3 hours``."""

    @property
    def is_satisfiable(self) -> bool:
        """Whether there is any slot at all; false for the 30th of February."""
        return self.next(FIRST_MOMENT) is not None

    @property
    def machine_only(self) -> bool:
        """Whether EventBridge cannot express it, so that it runs on a machine or in a simulation only."""
        return False
