"""What the pages of the orders pipeline, and of transformations, say is so."""

import re
from pathlib import Path
from typing import Any

from penstock.model.schema import columns
from penstock.pipelines.orders import EXAMPLE, pipeline, transformation
from penstock.pipelines.orders.generator import CUSTOMERS, DEFECTS, DUPLICATES, LATE, PRODUCTS
from penstock.pipelines.orders.records import DailySales, Order, RawOrder

DOCS = Path(__file__).parents[2] / "docs"
DEFINITION = pipeline.build()
REFERENCE = (DOCS / "reference/orders-pipeline.md").read_text("utf-8")


def test_the_tutorials_test_passes(tmp_path: Path) -> None:
    page = (DOCS / "tutorial/orders.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    scope: dict[str, Any] = {"__name__": "tutorial"}
    exec(compile(code[1], "orders.md", "exec"), scope)  # noqa: S102 - our own document
    (run,) = [thing for name, thing in scope.items() if name.startswith("test_")]
    run(tmp_path)
    assert f"{len(EXAMPLE.read_bytes().splitlines())} records" in page


def test_the_reference_names_everything() -> None:
    named = [
        *DEFINITION.lake_tables,
        *DEFINITION.hot_tables,
        *DEFINITION.metrics,
        *DEFINITION.queries,
        *DEFINITION.topics,
        *DEFINITION.dashboards,
        *DEFINITION.transformations,
        *(alarm.name for alarm in DEFINITION.alarms.values() if not alarm.derived),
        *(column.name for record in (RawOrder, Order, DailySales) for column in columns(record)),
    ]
    missing = [name for name in named if not re.search(rf"\b{re.escape(name)}\b", REFERENCE)]
    assert not missing


def test_the_shares_are_as_told() -> None:
    assert round(sum(share for _, share, _ in DEFECTS), 6) == 0.03
    assert (DUPLICATES, LATE, CUSTOMERS, PRODUCTS) == (0.02, 0.03, 400, 60)
    assert "Of 100 orders 3 cannot be kept" in REFERENCE
    assert ", ".join(name for name, _, _ in DEFECTS) in REFERENCE.replace("\n", " ")


def test_the_guides_transformation_runs(tmp_path: Path) -> None:
    from penstock.testing import Sandbox

    page = (DOCS / "how-to/transform.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    scope: dict[str, Any] = {"__name__": "guide"}
    exec(compile(code[1], "transform.md", "exec"), scope)  # noqa: S102 - our own document
    with Sandbox(scope["shop"], tmp_path) as sandbox:
        key = "raw/visits/year=2026/month=02/day=20/hour=07/one.json"
        lines = [b'{"page": " Home ", "at_time": "2026-02-20T07:00:00Z", "paid": "1.25"}', b"rubbish"]
        sandbox.home.objects.create(key, b"\n".join([*lines, lines[0]]))
        assert sandbox.run({"key": key}, workflow="add").output == b'{"read":2,"pages":1}'
        (item,) = sandbox.items(scope["pages"])
        assert (item["page"], item["visits"], str(item["paid"])) == ("home", 2, "2.5")
        assert [bad["line"] for bad in sandbox.quarantined(scope["visits"])] == [2]


def test_the_guide_speaks_of_spark_as_it_is() -> None:
    assert transformation.engines == ("duckdb", "spark")
