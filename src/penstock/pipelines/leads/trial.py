"""Scoring a file without storing anything of it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock import session
from penstock.errors import UsageError
from penstock.pipelines.leads import RESOURCES, pipeline, processing, settings
from penstock.pipelines.leads.cleaning import tables as cleaning_tables
from penstock.pipelines.leads.plain_text import source
from penstock.pipelines.leads.settings import Settings
from penstock.pipelines.leads.summary import because


@contextlib.contextmanager
def _home(home: Path) -> Iterator[Path]:
    """Gives the home; where there is none yet, a folder for the time being."""
    if home.is_dir():
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="penstock-trial-") as folder:
        yield Path(folder)


def score_file(home: Path, file: Path, best: int) -> tuple[list[dict[str, Any]], processing.Tally]:
    """Returns the best leads of a file, by what is in use in a home, and what the file comes to.

    Raises:
        UsageError: the file cannot be read.
        TaskError: nothing can be made of it.
    """
    try:
        stream = file.open("rb")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", hint="give a file that you may read") from error
    with stream, _home(home) as folder, session(pipeline, folder, create=True) as context:
        scorers = Settings(context, settings).scorers()
        today = processing.day_of(context.now())
        made = processing.scored(RESOURCES.transformation, scorers, run_id="trial", as_of=today)
        given = cleaning_tables("trial", today, **scorers.rules.cleaning_options)
        with context[made].run(incoming=source(stream, file.name), **given) as result:
            ((tally,),) = result.batches("tally")
            ranked = sorted(
                (one for batch in result.batches("scores") for one in batch if one.scorer == scorers.main),
                key=lambda one: (-one.score, one.lead_id),
            )[:best]
            wanted = {one.lead_id for one in ranked}
            leads = {one.lead_id: one for batch in result.batches("lead") for one in batch if one.lead_id in wanted}
    rows = [
        {
            "score": one.score,
            "grade": one.grade,
            "name": leads[one.lead_id].full_name,
            "company": leads[one.lead_id].company,
            "email": leads[one.lead_id].email,
            "because": because(one.reasons),
        }
        for one in ranked
    ]
    return rows, tally
