"""What every journal promises."""

from __future__ import annotations

import math

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
        found = journal.claim("me", ["p"], 10, 9.0)[0]
        assert (found.redrives, found.dead_letter, found.error, found.started_at) == (1, False, None, 5.0)

    def test_an_execution_has_one_owner(self, journal: Journal) -> None:
        for name, at in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
            journal.create(execution(name, at=at))
        assert [e.id for e in journal.claim("one", ["p"], 2, 9.0)] == ["a", "b"]
        assert [e.id for e in journal.claim("two", ["p"], 9, 9.0)] == ["c"]
        assert journal.claim("three", ["p"], 9, 9.0) == []
        assert sorted(journal.owners()) == ["one", "two"]

    def test_a_parked_execution_is_claimed_when_it_is_due(self, journal: Journal) -> None:
        for name, wake_at in (("late", 30.0), ("soon", 20.0), ("never", math.inf)):
            journal.create(execution(name, owner="me"))
            journal.start(name, 1.0)
            assert journal.park(name, wake_at)
        assert journal.get("soon").owner is None
        assert (journal.get("soon").status, journal.get("soon").wake_at) == (Status.RUNNING, 20.0)
        assert journal.next_wake_at(["p"]) == 20.0
        assert journal.claim("you", ["p"], 9, 19.9) == []
        assert [(e.id, e.owner, e.wake_at) for e in journal.claim("you", ["p"], 9, 20.0)] == [("soon", "you", None)]
        assert journal.next_wake_at(["p"]) == 30.0
        assert [e.id for e in journal.claim("you", ["p"], 9, 1e12)] == ["late"]
        assert journal.next_wake_at(["p"]) is None

    def test_the_longest_claimable_is_claimed_first(self, journal: Journal) -> None:
        for name, at in (("parked", 1.0), ("new", 12.0), ("newer", 25.0)):
            journal.create(execution(name, at=at))
        journal.park("parked", 20.0)
        assert [e.id for e in journal.claim("me", ["p"], 2, 30.0)] == ["new", "parked"]
        assert [e.id for e in journal.claim("me", ["p"], 2, 30.0)] == ["newer"]

    def test_only_the_named_pipelines_wake(self, journal: Journal) -> None:
        journal.create(execution("a", pipeline="other"))
        journal.park("a", 5.0)
        assert journal.next_wake_at(["p"]) is None
        assert journal.claim("me", ["p"], 9, 9.0) == []
        assert journal.next_wake_at(["p", "other"]) == 5.0

    def test_what_is_over_is_neither_parked_nor_woken(self, journal: Journal) -> None:
        journal.create(execution("a"))
        journal.park("a", 5.0)
        journal.finish("a", Outcome(Status.ABORTED, 1.0))
        assert not journal.park("a", 5.0)
        assert journal.next_wake_at(["p"]) is None
        assert journal.claim("me", ["p"], 9, 9.0) == []
        journal.reopen("a")
        assert [e.id for e in journal.claim("me", ["p"], 9, 0.0)] == ["a"]

    def test_mail_reaches_the_owner_once_and_in_order(self, journal: Journal) -> None:
        for name, owner in (("a", "me"), ("b", "me"), ("c", "you")):
            journal.create(execution(name, owner=owner))
        for name, event in (("b", b"one"), ("a", b"two"), ("c", b"hers"), ("b", b"three")):
            assert journal.post(name, event)
        assert [one.event for one in journal.mailbox("b")] == [b"one", b"three"]
        mail = journal.mail("me")
        assert [(one.execution, one.event) for one in mail] == [("b", b"one"), ("a", b"two"), ("b", b"three")]
        assert [journal.take(one) for one in mail] == [True, True, True]
        assert [journal.take(one) for one in mail] == [False, False, False]
        assert journal.mail("me") == []
        assert [one.event for one in journal.mail("you")] == [b"hers"]

    def test_mail_is_taken_with_the_transaction_that_takes_it(self, journal: Journal) -> None:
        journal.create(execution("a", owner="me"))
        journal.post("a", b"event")
        with pytest.raises(ZeroDivisionError), journal.transaction():
            journal.take(journal.mail("me")[0])
            raise ZeroDivisionError
        assert [one.event for one in journal.mail("me")] == [b"event"]

    def test_mail_wakes_a_parked_execution(self, journal: Journal) -> None:
        journal.create(execution("a", owner="me"))
        journal.park("a", math.inf)
        assert journal.post("a", b"event")
        assert [e.id for e in journal.claim("you", ["p"], 9, 1.0)] == ["a"]
        assert [one.event for one in journal.mail("you")] == [b"event"]

    def test_nothing_is_parked_over_its_mail(self, journal: Journal) -> None:
        journal.create(execution("a", owner="me"))
        journal.post("a", b"event")
        assert not journal.park("a", math.inf)
        assert journal.get("a").owner == "me"
        journal.take(journal.mail("me")[0])
        assert journal.park("a", math.inf)

    def test_mail_for_what_is_over_is_dropped(self, journal: Journal) -> None:
        journal.create(execution("a", owner="me"))
        journal.post("a", b"too late")
        journal.finish("a", Outcome(Status.SUCCEEDED, 1.0))
        assert not journal.post("a", b"later still")
        assert not journal.post("unknown", b"event")
        journal.reopen("a")
        journal.claim("me", ["p"], 9, 1.0)
        assert journal.mail("me") == []

    def test_posting_counts_as_a_change(self, journal: Journal) -> None:
        journal.create(execution("a", owner="me"))
        journal.has_changed()
        assert not journal.has_changed()
        assert not journal.has_posted()
        journal.post("a", b"event")
        assert journal.has_posted()
        assert not journal.has_posted()
        assert journal.has_changed()
        assert not journal.has_changed()

    def test_who_waits_for_an_end_is_told_once(self, journal: Journal) -> None:
        for token in ("p/2#0", "p/1#0", "p/2#0"):
            journal.await_end("child", token)
        journal.await_end("other", "p/3#0")
        assert journal.take_waiters("child") == ["p/1#0", "p/2#0"]
        assert journal.take_waiters("child") == []
        assert journal.take_waiters("other") == ["p/3#0"]

    def test_only_the_named_pipelines_are_claimed(self, journal: Journal) -> None:
        journal.create(execution("a", pipeline="other"))
        assert journal.claim("me", ["p"], 9, 9.0) == []

    def test_what_is_released_can_be_claimed_again(self, journal: Journal) -> None:
        journal.create(execution("a", owner="dead"))
        journal.create(execution("b", owner="dead"))
        journal.finish("b", Outcome(Status.SUCCEEDED, 1.0))
        assert journal.release("dead") == 1
        assert [e.id for e in journal.claim("me", ["p"], 9, 9.0)] == ["a"]

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

    def test_items_of_distributed_maps_are_listed_when_they_are_asked_for(self, journal: Journal) -> None:
        journal.create(execution("parent", at=1.0))
        item = execution("item", at=2.0)
        item.source = "map:run"
        journal.create(item)
        assert [e.id for e in journal.find(Filter())] == ["parent"]
        assert [e.id for e in journal.find(Filter(with_map_children=True))] == ["item", "parent"]
        assert [e.id for e in journal.find(Filter(source="map:run"))] == ["item"]

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
