"""When schedules are due: EventBridge's expressions as timetables, and the rules of the slot ledger. No clock."""

from penstock.schedules.expression import parse
from penstock.schedules.slots import jitter
from penstock.schedules.timetable import Timetable

__all__ = ["Timetable", "jitter", "parse"]
