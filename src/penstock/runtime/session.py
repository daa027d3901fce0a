"""Looking into a home from outside a task: what a pipeline's own commands begin with."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.define.pipeline import Pipeline
    from penstock.model.access import Grant
    from penstock.runtime.context import Context

# Named by a text alone, so that the zips of tasks do not hold all that opens a home.
OPENING_MODULE = "penstock.runtime.machine.opening"


def session(
    pipeline: Pipeline, home: Path, *, may: Sequence[Grant] = (), create: bool = False
) -> AbstractContextManager[Context]:
    """Returns, for a ``with`` block, a context as of a task that may read everything of a pipeline.

    Args:
        home: the folder that holds the state, as ``--home`` names it.
        may: what it may do beside reading.
        create: makes the home where there is none.

    Raises:
        DefinitionError: the pipeline has mistakes.
        NotFoundError: there is no such home, and none is to be made.
        UsageError: the pipeline was promoted from this home, and something was to be written.
    """
    opened: AbstractContextManager[Context] = importlib.import_module(OPENING_MODULE).opened(
        pipeline.build(), home, may=may, create=create
    )
    return opened
