"""Opening a home of this machine for whoever looks into it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from penstock.model.access import Grant
from penstock.model.pipeline import Definition
from penstock.runtime.context import Context, Ports
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


class PortsOpener:
    """Opens a home's adapters anew, in the process that calls the tasks."""

    def __init__(self, path: Path, writer: str, *, meter: bool) -> None:
        self._path = path
        self._writer = writer
        self._meter = meter
        self._home: Home | None = None

    def __call__(self) -> Ports:
        self._home = Home(self._path, create=False, meter=self._meter)
        return self._home.ports(self._writer)

    def flush(self) -> None:
        """Writes what the meter of this process has taken."""
        if self._home is not None and self._home.meter is not None:
            self._home.meter.flush()
