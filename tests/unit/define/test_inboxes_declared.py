from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Context, Invoke, Pipeline, days
from penstock.errors import DefinitionError
from penstock.model.access import Grant, InboxAction, Kind
from penstock.runtime.machine.arrivals import inbox_trigger


class Row(msgspec.Struct):
    """A row."""

    n: int


def findings(pipeline: Pipeline) -> set[str]:
    with pytest.raises(DefinitionError) as caught:
        pipeline.build()
    return {one["code"] for one in caught.value.data["findings"]}


def test_an_inbox_and_what_its_files_start() -> None:
    pipeline = Pipeline("p")
    inbox = pipeline.inbox("papers", retain=days(30))

    @pipeline.task(may=[inbox.read])
    def look(event: Any, context: Context) -> None:
        """Looks."""

    trigger = pipeline.on_object(inbox, Invoke(look), name="looking")
    definition = pipeline.build()
    assert definition.inbox_triggers == {"looking": trigger}
    assert definition.triggers == {}
    assert (trigger.inbox, trigger.workflow) == ("papers", "looking")
    assert definition.inboxes["papers"].retain_seconds == 30 * 86_400
    assert inbox.read == Grant(Kind.INBOX, "papers", InboxAction.READ)
    assert inbox_trigger(definition) is trigger


@pytest.mark.parametrize("name", ["Papers", "a b", "", "../up", "x" * 65])
def test_a_name_that_could_not_be_a_folder_or_a_prefix(name: str) -> None:
    pipeline = Pipeline("p")
    pipeline.inbox(name)
    assert "name" in findings(pipeline)


def test_an_inbox_is_not_called_as_a_lake_table_is() -> None:
    pipeline = Pipeline("p")
    pipeline.lake("papers", Row)
    pipeline.inbox("papers")
    assert findings(pipeline) == {"duplicate-name"}


def test_files_that_nobody_may_read_start_nothing() -> None:
    pipeline = Pipeline("p")
    inbox = pipeline.inbox("papers")

    @pipeline.task
    def look(event: Any, context: Context) -> None:
        """Looks away."""

    pipeline.on_object(inbox, look)
    assert findings(pipeline) == {"unread-inbox"}


def test_an_inbox_of_another_pipeline() -> None:
    pipeline, other = Pipeline("p"), Pipeline("q")
    inbox = other.inbox("papers")

    @pipeline.task(may=[inbox.read])
    def look(event: Any, context: Context) -> None:
        """Looks."""

    pipeline.on_object(inbox, look)
    assert findings(pipeline) == {"unknown-inbox", "unknown-resource"}


def test_an_example_needs_an_inbox() -> None:
    pipeline = Pipeline("p")
    pipeline.example(Path("a.json"))
    assert findings(pipeline) == {"useless-example"}
