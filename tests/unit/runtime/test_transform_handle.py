"""What a task may give a transformation, and what it is told when it gives something else."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Pipeline
from penstock.model.transformations import Transformation
from penstock.testing.sandbox import Sandbox

KEY = "raw/visits/year=2026/month=02/day=20/hour=07/{}.json"


class Visit(msgspec.Struct):
    page: str
    seconds: int = 0


class Page(msgspec.Struct):
    page: str
    visits: int
    source: str


class Shop:
    """A pipeline whose task runs a transformation over what a test gives it."""

    def __init__(self, memory: int = 256) -> None:
        self.pipeline = Pipeline("shop")
        self.visits = self.pipeline.lake("visits", Visit)
        self.secrets = self.pipeline.lake("secrets", Visit)
        self.given: dict[str, Any] = {}
        self.found: list[Page] = []
        self.counting: Transformation = self.pipeline.transformation(
            "counting",
            inputs={"visits": Visit},
            steps={
                "pages": "SELECT page, count(*) AS visits, min(_source) AS source FROM visits GROUP BY page"
                " ORDER BY page"
            },
            outputs={"pages": Page},
        )

        @self.pipeline.task(memory=memory, may=[self.visits.read])
        def count(event: Any, context: Any) -> dict[str, int]:
            with context[self.counting].run(**self.given) as result:
                self.found = [page for batch in result.batches("pages") for page in batch]
                return {"good": result.count("visits"), "bad": result.bad_count("visits")}

        self.pipeline.workflow("count", count)

    def run(self, folder: Path, objects: dict[str, bytes] | None = None, **given: Any) -> Any:
        self.given = given
        with Sandbox(self.pipeline, folder) as sandbox:
            for name, data in (objects or {}).items():
                sandbox.home.objects.create(KEY.format(name), data)
            return sandbox.run(workflow="count")


def test_objects_of_any_form_are_one_input(tmp_path: Path) -> None:
    shop = Shop()
    objects = {
        "a": b'[{"page": "home"}, {"page": "shop"}]',
        "b": gzip.compress(b'{"page": "home", "seconds": 5}\n{"page": 1}\n'),
    }
    done = shop.run(tmp_path, objects, visits=[KEY.format("a"), KEY.format("b")])
    assert done.output == b'{"good":3,"bad":1}'
    assert shop.found == [Page("home", 2, KEY.format("a")), Page("shop", 1, KEY.format("a"))]


def test_a_file_of_csv_is_an_input(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("page,seconds\nhome,5\nhome,no number\n")
    shop = Shop()
    assert shop.run(tmp_path / "home", visits=path).output == b'{"good":1,"bad":1}'
    assert shop.found == [Page("home", 1, "visits.csv")]


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({}, "Usage", "needs input 'visits'"),
        ({"visits": [], "others": []}, "Usage", "has no input 'others'"),
        ({"visits": 5}, "Usage", "input 'visits' is a int"),
        ({"visits": {"page": "home"}}, "Usage", "input 'visits' is a dict"),
        ({"visits": KEY.format("absent")}, "NotFound", "absent"),
        ({"visits": "visits.json"}, "Validation", "is no key of the lake"),
        ({"visits": Path("nowhere.json")}, "NotFound", "there is no file nowhere.json"),
        ({"visits": KEY.format("x").replace("visits", "secrets")}, "AccessDenied", "may not read lake 'secrets'"),
    ],
)
def test_what_cannot_be_an_input_is_refused(tmp_path: Path, given: dict[str, Any], error: str, told: str) -> None:
    done = Shop().run(tmp_path, **given)
    assert done.status == "FAILED"
    assert error in (done.error or "")
    assert told in (done.cause or "")


def test_an_engine_that_was_not_declared_is_refused(tmp_path: Path) -> None:
    shop = Shop()
    shop.counting = msgspec.structs.replace(shop.counting, engines=("spark",))
    done = shop.run(tmp_path, visits=[Visit("home")])
    assert "was not declared for duckdb" in (done.cause or "")


def test_a_field_of_bigger_types_comes_back_as_it_was(tmp_path: Path) -> None:
    """A megabyte of text, ten thousand rows, and what Python and JSON escape."""
    shop = Shop()
    text = 'é"\\\u2028\t' * 200_000
    done = shop.run(tmp_path, visits=[Visit(text), *(Visit(f"page {number}") for number in range(10_000))])
    assert done.output == b'{"good":10001,"bad":0}'
    assert len(shop.found) == 10_001
    assert [page.page for page in shop.found if len(page.page) > 20] == [text]
