"""What the pages of the logs pipeline say is so."""

import re
from pathlib import Path

from penstock import LogEntry
from penstock.model.schema import columns
from penstock.pipelines.logs import pipeline

DOCS = Path(__file__).parents[2] / "docs"
DEFINITION = pipeline.build()
REFERENCE = (DOCS / "reference/logs-pipeline.md").read_text("utf-8")


def test_the_tutorials_test_passes(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", (DOCS / "tutorial/logs.md").read_text("utf-8"), re.DOTALL)
    assert code is not None
    scope: dict[str, object] = {"__name__": "tutorial"}
    exec(compile(code[1], "logs.md", "exec"), scope)  # noqa: S102 - our own document
    (run,) = [thing for name, thing in scope.items() if name.startswith("test_")]
    run(tmp_path)  # type: ignore[operator]


def test_the_reference_names_everything() -> None:
    named = [
        *DEFINITION.lake_tables,
        *DEFINITION.hot_tables,
        *DEFINITION.metrics,
        *DEFINITION.queries,
        *DEFINITION.topics,
        *DEFINITION.dashboards,
        *(alarm.name for alarm in DEFINITION.alarms.values() if not alarm.derived),
        *(column.name for column in columns(LogEntry)),
    ]
    missing = [name for name in named if not re.search(rf"\b{re.escape(name)}\b", REFERENCE)]
    assert not missing


def test_the_costs_are_as_told() -> None:
    from penstock.cost.estimate import estimate

    told = re.search(r"`penstock cost logs` says \$(\d+\.\d\d) a month with the free tier", REFERENCE)
    assert told is not None
    assert f"{estimate(DEFINITION).monthly_usd:.2f}" == told[1]
