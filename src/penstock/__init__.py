"""Serverless data pipelines: one definition, the same on one machine, in a simulation, and in an AWS account."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from penstock.define.conditions import value as value
    from penstock.define.keys import index as index
    from penstock.define.keys import number as number
    from penstock.define.keys import string as string
    from penstock.define.pipeline import Pipeline as Pipeline
    from penstock.define.units import days as days
    from penstock.define.units import hours as hours
    from penstock.define.units import minutes as minutes
    from penstock.define.units import seconds as seconds
    from penstock.define.warehousing import relation as relation
    from penstock.define.workflow import Choice as Choice
    from penstock.define.workflow import DistributedMap as DistributedMap
    from penstock.define.workflow import Fail as Fail
    from penstock.define.workflow import Invoke as Invoke
    from penstock.define.workflow import Map as Map
    from penstock.define.workflow import Parallel as Parallel
    from penstock.define.workflow import Pass as Pass
    from penstock.define.workflow import Succeed as Succeed
    from penstock.define.workflow import Wait as Wait
    from penstock.errors import PenstockError as PenstockError
    from penstock.errors import TaskError as TaskError
    from penstock.lake.records import Bad as Bad
    from penstock.lake.records import Good as Good
    from penstock.logs.entry import DeviceType as DeviceType
    from penstock.logs.entry import LogEntry as LogEntry
    from penstock.logs.entry import LogSeverity as LogSeverity
    from penstock.model.dashboards import Widget as Widget
    from penstock.model.formulas import spreadsheet_cell as spreadsheet_cell
    from penstock.model.schema import Precision as Precision
    from penstock.model.transformations import Cells as Cells
    from penstock.model.transformations import DelimitedText as DelimitedText
    from penstock.runtime.context import Context as Context
    from penstock.runtime.session import session as session

# Loaded on first use: a command that needs no definition should not pay for the definition API.
_SOURCES = {
    "Pipeline": "penstock.define.pipeline",
    "index": "penstock.define.keys",
    "number": "penstock.define.keys",
    "string": "penstock.define.keys",
    "value": "penstock.define.conditions",
    "seconds": "penstock.define.units",
    "minutes": "penstock.define.units",
    "hours": "penstock.define.units",
    "days": "penstock.define.units",
    "Choice": "penstock.define.workflow",
    "Fail": "penstock.define.workflow",
    "Invoke": "penstock.define.workflow",
    "DistributedMap": "penstock.define.workflow",
    "Map": "penstock.define.workflow",
    "Parallel": "penstock.define.workflow",
    "Pass": "penstock.define.workflow",
    "Succeed": "penstock.define.workflow",
    "Wait": "penstock.define.workflow",
    "relation": "penstock.define.warehousing",
    "PenstockError": "penstock.errors",
    "TaskError": "penstock.errors",
    "Bad": "penstock.lake.records",
    "Good": "penstock.lake.records",
    "DeviceType": "penstock.logs.entry",
    "LogEntry": "penstock.logs.entry",
    "LogSeverity": "penstock.logs.entry",
    "Widget": "penstock.model.dashboards",
    "Precision": "penstock.model.schema",
    "spreadsheet_cell": "penstock.model.formulas",
    "Cells": "penstock.model.transformations",
    "DelimitedText": "penstock.model.transformations",
    "Context": "penstock.runtime.context",
    "session": "penstock.runtime.session",
}

__all__ = ["__version__", *_SOURCES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _SOURCES:
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    return getattr(importlib.import_module(_SOURCES[name]), name)


def __dir__() -> list[str]:
    return __all__
