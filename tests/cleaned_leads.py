"""A file of leads through reading and cleaning, as the pipeline does it, without a home."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from penstock import Pipeline
from penstock.adapters.local.transform import DuckDbTransformer
from penstock.pipelines.leads.cleaning import FUNCTIONS, INPUTS, OUTPUTS, STEPS, tables
from penstock.pipelines.leads.reading import read
from penstock.pipelines.leads.records import Incoming, Lead, LeadReject
from penstock.runtime.transform_handle import TransformationHandle

AS_OF = date(2026, 2, 20)
ETL = Pipeline("cleaned-leads").transformation(
    "cleaned-leads", inputs=INPUTS, steps=STEPS, outputs=OUTPUTS, functions=FUNCTIONS, engines=["duckdb"]
)


def incoming(content: bytes | str) -> list[Incoming]:
    """Returns what is read of a file."""
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return [record for batch in read(stream, "leads") for record in batch.records]


def clean(content: bytes | str, **options: Any) -> tuple[list[Lead], list[LeadReject]]:
    """Returns the leads and the rejects of a file, in its order."""
    return clean_records(incoming(content), **options)


@contextlib.contextmanager
def cleaned(records: list[Incoming], etl: Any = ETL, **options: Any) -> Iterator[Any]:
    """Returns the result of the transformation, or of another with its inputs."""
    with tempfile.TemporaryDirectory() as folder:
        scope: Any = SimpleNamespace(ports=SimpleNamespace(transformer=DuckDbTransformer(Path(folder)), rows=None))
        with TransformationHandle(scope, etl, 1024).run(incoming=records, **tables("run", AS_OF, **options)) as result:
            yield result


def clean_records(records: list[Incoming], **options: Any) -> tuple[list[Lead], list[LeadReject]]:
    """Returns the leads and the rejects of records, in their order."""
    with cleaned(records, **options) as result:
        leads = [lead for batch in result.batches("lead") for lead in batch]
        rejects = [reject for batch in result.batches("reject") for reject in batch]
    return sorted(leads, key=lambda lead: lead.merged_lines), sorted(rejects, key=lambda reject: reject.line)
