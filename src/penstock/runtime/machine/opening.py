"""Opening a home of this machine for whoever looks into it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from penstock.model.access import Grant
from penstock.model.pipeline import Definition
from penstock.runtime.context import Context
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.promoted import refuse_promoted
from penstock.runtime.reading import reading_context


@contextlib.contextmanager
def opened(definition: Definition, home: Path, *, may: Sequence[Grant] = (), create: bool = False) -> Iterator[Context]:
    """Gives a context as of a task that may read everything of a pipeline. ``session`` says what the arguments are."""
    folder = Home(home, create=create)
    try:
        if may:
            refuse_promoted(folder.path, [definition.name])
        yield reading_context(definition, folder.ports("session"), more=tuple(may))
    finally:
        folder.close()
