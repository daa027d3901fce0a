"""What a pipeline itself says of a run: its summary on the screen, its report in a file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.cli import output
from penstock.errors import PenstockError, UsageError

if TYPE_CHECKING:
    from penstock.model.pipeline import Definition
    from penstock.model.showing import Report
    from penstock.ports.journal import Execution
    from penstock.runtime.context import Context
    from penstock.runtime.machine.home import Home


def check_report(definition: Definition, path: Path) -> None:
    """Refuses a report that could not be written, before anything runs.

    Raises:
        UsageError: the pipeline has none, or the file cannot be written.
    """
    if definition.shown.report is None:
        raise UsageError(
            f"pipeline {definition.name!r} has no report", hint="declare one by `pipeline.report(function)`"
        )
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(f"cannot write {path}", hint="give a file in a folder that you may write")


def summary_of(definition: Definition, execution: Execution, home: Home) -> str:
    """Returns what the pipeline says of an execution that succeeded; nothing where it has nothing to say."""
    function = definition.shown.summary
    if function is None or execution.output is None or not _is_main(definition, execution):
        return ""
    try:
        return str(function(*_given(definition, execution, home)))
    except Exception as error:  # noqa: BLE001 - the border between a user's code and ours
        return f"(the pipeline's summary failed: {type(error).__name__}: {error})"


def print_lines(text: str) -> None:
    """Prints a summary as it is, without what a terminal would take for a command."""
    if text:
        out = output.console()
        out.print()
        for line in text.splitlines():
            out.print(output.clean(line), markup=False, highlight=False, soft_wrap=True)


def write_report(definition: Definition, execution: Execution, home: Home, path: Path) -> bool:
    """Writes the pipeline's report, whole or not at all; False where the execution came to nothing to report.

    Raises:
        UsageError: it cannot be written.
    """
    function = definition.shown.report
    if function is None or execution.output is None:
        return False
    page = _page(definition, function, *_given(definition, execution, home))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_text(page, "utf-8", "replace")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="give a file that you may write") from error
    return True


def _given(definition: Definition, execution: Execution, home: Home) -> tuple[Any, Context]:
    """Returns what the functions of a pipeline get: the output of an execution, and a look at everything."""
    from penstock.runtime.reading import reading_context

    context = reading_context(definition, home.ports("reader"), execution=execution.id)
    return msgspec.json.decode(execution.output or b"null"), context


def _page(definition: Definition, function: Report, value: Any, context: Context) -> str:
    try:
        return str(function(value, context))
    except PenstockError:
        raise
    except Exception as error:
        raise UsageError(
            f"the report of {definition.name!r} failed: {type(error).__name__}: {error}",
            hint="mend the function that `pipeline.report(…)` was given; the run itself is done",
        ) from error


def _is_main(definition: Definition, execution: Execution) -> bool:
    from penstock.runtime.machine.app import main_workflow

    started = {trigger.workflow for trigger in definition.inbox_triggers.values()}
    try:
        return execution.workflow in started or execution.workflow == main_workflow(definition)
    except UsageError:
        return False
