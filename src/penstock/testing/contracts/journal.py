"""What every journal promises."""

from __future__ import annotations

import pytest

from penstock.errors import NotFoundError, UsageError
from penstock.model.workflow import Workflow
from penstock.ports.journal import Execution, Filter, Journal, Outcome, Recorded, Status


def execution(name: str, *, at: float = 0.0, owner: str | None = None, pipeline: str = "p") -> Execution:
    """Returns a new execution for a test."""
    return Execution(
        id=name, pipeline=pipeline, workflow="w", version="v", input=b"{}", source="manual", root=name,
        created_at=at, owner=owner,
    )  # fmt: skip


class JournalContract:
    """Subclass it with a ``journal`` fixture."""

    def test_an_execution_is_created_once(self, journal: Journal) -> None:
        assert journal.create(execution("a"))
        assert not journal.create(execution("a", at=9.0))
        assert journal.get("a").created_at == 0.0

    def test_what_is_written_is_read(self, journal: Journal) -> None:
        journal.create(execution("a", owner="me"))
        journal.start("a", 5.0)
        journal.append([("a", Recorded(0, b"zero")), ("a", Recorded(1, b"one", b"report"))])
        journal.finish("a", Outcome(Status.SUCCEEDED, 7.0, b"42"))
        found = journal.get("a")
        assert (found.status, found.started_at, found.stopped_at, found.output) == (Status.SUCCEEDED, 5.0, 7.0, b"42")
        assert found.owner is None
        assert journal.events("a") == [Recorded(0, b"zero"), Recorded(1, b"one", b"report")]

    def test_a_transaction_is_all_or_nothing(self, journal: Journal) -> None:
        with pytest.raises(ZeroDivisionError), journal.transaction():
            journal.create(execution("a"))
            raise ZeroDivisionError
        assert journal.find(Filter()) == []

    def test_a_started_execution_keeps_its_first_start(self, journal: Journal) -> None:
        journal.create(execution("a"))
        journal.start("a", 5.0)
        journal.start("a", 6.0)
        assert journal.get("a").started_at == 5.0

    @pytest.mark.parametrize(
        ("status", "dead"),
        [(Status.FAILED, True), (Status.TIMED_OUT, True), (Status.ABORTED, False), (Status.SUCCEEDED, False)],
    )
    def test_what_failed_becomes_a_dead_letter(self, journal: Journal, status: Status, dead: bool) -> None:
        journal.create(execution("a"))
        journal.finish("a", Outcome(status, 1.0, error="E"))
        assert journal.get("a").dead_letter is dead

    def test_a_reopened_execution_can_be_claimed(self, journal: Journal) -> None:
        journal.create(execution("a"))
        journal.start("a", 5.0)
        journal.finish("a", Outcome(Status.FAILED, 1.0, error="E", cause="why"))
        journal.reopen("a")
        found = journal.claim("me", ["p"], 10)[0]
        assert (found.redrives, found.dead_letter, found.error, found.started_at) == (1, False, None, 5.0)

    def test_an_execution_has_one_owner(self, journal: Journal) -> None:
        for name, at in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
            journal.create(execution(name, at=at))
        assert [e.id for e in journal.claim("one", ["p"], 2)] == ["a", "b"]
        assert [e.id for e in journal.claim("two", ["p"], 9)] == ["c"]
        assert journal.claim("three", ["p"], 9) == []
        assert sorted(journal.owners()) == ["one", "two"]

    def test_only_the_named_pipelines_are_claimed(self, journal: Journal) -> None:
        journal.create(execution("a", pipeline="other"))
        assert journal.claim("me", ["p"], 9) == []

    def test_what_is_released_can_be_claimed_again(self, journal: Journal) -> None:
        journal.create(execution("a", owner="dead"))
        journal.create(execution("b", owner="dead"))
        journal.finish("b", Outcome(Status.SUCCEEDED, 1.0))
        assert journal.release("dead") == 1
        assert [e.id for e in journal.claim("me", ["p"], 9)] == ["a"]

    def test_executions_are_found_by_the_beginning_of_their_id(self, journal: Journal) -> None:
        for name in ("metrics-1", "metrics-2", "metrics-20"):
            journal.create(execution(name))
        assert journal.get("metrics-1").id == "metrics-1"
        assert journal.get("metrics-2").id == "metrics-2"
        with pytest.raises(UsageError):
            journal.get("metrics")
        with pytest.raises(NotFoundError):
            journal.get("metrics-%")

    def test_filters_narrow_and_the_newest_comes_first(self, journal: Journal) -> None:
        for number in range(5):
            journal.create(execution(f"e{number}", at=float(number), pipeline="p" if number % 2 else "q"))
        journal.finish("e3", Outcome(Status.FAILED, 9.0, error="E"))
        assert [e.id for e in journal.find(Filter())] == ["e4", "e3", "e2", "e1", "e0"]
        assert [e.id for e in journal.find(Filter(pipelines=("p",)))] == ["e3", "e1"]
        assert [e.id for e in journal.find(Filter(dead_letter=True))] == ["e3"]
        assert [e.id for e in journal.find(Filter(statuses=(Status.PENDING,), limit=2))] == ["e4", "e2"]

    def test_unfinished_executions_are_counted(self, journal: Journal) -> None:
        journal.create(execution("a"))
        journal.create(execution("b"))
        journal.finish("b", Outcome(Status.SUCCEEDED, 1.0))
        assert journal.unfinished() == 1
        assert journal.unfinished(root="a", source="manual", pipeline="p") == 1
        assert journal.unfinished(root="b") == 0

    def test_definitions_are_kept_by_version(self, journal: Journal) -> None:
        workflow = Workflow(name="w", definition=b'{"StartAt": "A"}')
        journal.register("p", [workflow], 0.0)
        journal.register("p", [workflow], 1.0)
        assert journal.definition(workflow.version) == workflow.definition
        with pytest.raises(NotFoundError):
            journal.definition("unknown")
