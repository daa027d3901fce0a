"""What every store of map runs promises."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import NotFoundError
from penstock.ports.journal import Execution, Journal, Outcome, Status
from penstock.ports.map_runs import Ends, MapRun, MapRunStatus, MapRunStore


def map_run(name: str, *, at: float = 0.0, owner: str | None = "me", **more: Any) -> MapRun:
    """Returns a new map run for a test."""
    return MapRun(
        id=name, token=f"parent/{name}#0", execution="parent", arn=f"p.w/M:{name}", pipeline="p", workflow="w",
        version="v", root="parent", label="M", started_at=at, owner=owner, **more,
    )  # fmt: skip


class MapRunStoreContract:
    """Subclass it with a ``map_runs`` fixture, and a ``journal`` fixture over the same home."""

    def test_what_is_written_is_read(self, map_runs: MapRunStore) -> None:
        run = map_run("r", at=5.0, is_batched=True)
        assert map_runs.create(run, b"command")
        assert map_runs.get("r") == map_runs.by_token("parent/r#0") == run
        assert map_runs.command("r") == b"command"
        assert map_runs.by_token("parent/other#0") is None
        with pytest.raises(NotFoundError):
            map_runs.get("other")
        with pytest.raises(NotFoundError):
            map_runs.command("other")

    def test_a_token_begins_one_map_run(self, map_runs: MapRunStore) -> None:
        assert map_runs.create(map_run("r"), b"first")
        assert not map_runs.create(map_run("r", at=9.0), b"second")
        assert (map_runs.get("r").started_at, map_runs.command("r")) == (0.0, b"first")

    def test_a_transaction_of_the_journal_holds_for_map_runs_too(self, map_runs: MapRunStore, journal: Journal) -> None:
        with pytest.raises(ZeroDivisionError), journal.transaction():
            map_runs.create(map_run("r"), b"")
            raise ZeroDivisionError
        assert map_runs.by_token("parent/r#0") is None

    def test_a_map_run_has_one_owner(self, map_runs: MapRunStore) -> None:
        map_runs.create(map_run("b", at=2.0, owner=None), b"")
        map_runs.create(map_run("a", at=1.0, owner=None), b"")
        assert map_runs.claim("one", ["other"]) == 0
        assert map_runs.claim("one", ["other", "p"]) == 2
        assert map_runs.claim("two", ["p"]) == 0
        assert [run.id for run in map_runs.due("one")] == ["a", "b"]
        assert map_runs.owners() == ["one"]
        map_runs.finish("a", MapRunStatus.SUCCEEDED, 3.0)
        assert map_runs.release("one") == 1
        assert map_runs.owners() == []
        assert map_runs.claim("two", ["p"]) == 1
        assert [run.id for run in map_runs.due("two")] == ["b"]
        assert map_runs.due("one") == []

    def test_a_map_run_rests_until_anything_changes(self, map_runs: MapRunStore) -> None:
        map_runs.create(map_run("r"), b"")
        map_runs.begun("r", children=1, items=1, is_read=True)
        read = map_runs.get("r")
        map_runs.rest(read)
        assert map_runs.due("me") == []
        map_runs.ended("r", Status.SUCCEEDED, 1)
        assert [run.id for run in map_runs.due("me")] == ["r"]
        map_runs.rest(read)
        assert [run.id for run in map_runs.due("me")] == ["r"]
        map_runs.rest(map_runs.get("r"))
        map_runs.release("me")
        assert map_runs.claim("you", ["p"]) == 1
        assert [run.id for run in map_runs.due("you")] == ["r"]

    def test_items_and_children_are_counted(self, map_runs: MapRunStore) -> None:
        map_runs.create(map_run("r"), b"")
        map_runs.begun("r", children=3, items=7, is_read=False)
        map_runs.begun("r", children=1, items=1, is_read=True)
        assert map_runs.ended("r", Status.SUCCEEDED, 3)
        assert map_runs.ended("r", Status.FAILED, 2)
        assert map_runs.ended("r", Status.TIMED_OUT, 2)
        assert map_runs.ended("r", Status.ABORTED, 1)
        run = map_runs.get("r")
        assert (run.given, run.children, run.is_read) == (8, 4, True)
        assert run.items == Ends(succeeded=3, failed=2, timed_out=2, aborted=1)
        assert run.executions == Ends(succeeded=1, failed=1, timed_out=1, aborted=1)
        map_runs.resumed("r", Status.FAILED, 2)
        assert map_runs.get("r").items == Ends(running=2, succeeded=3, timed_out=2, aborted=1)

    def test_a_map_run_ends_once(self, map_runs: MapRunStore) -> None:
        map_runs.create(map_run("r"), b"")
        assert map_runs.finish("r", MapRunStatus.FAILED, 4.0)
        assert not map_runs.finish("r", MapRunStatus.SUCCEEDED, 5.0)
        assert not map_runs.ended("r", Status.SUCCEEDED, 1)
        assert not map_runs.stop("r", MapRunStatus.ABORTING)
        run = map_runs.get("r")
        assert (run.status, run.stopped_at, run.owner, run.items) == (MapRunStatus.FAILED, 4.0, None, Ends())
        assert map_runs.due("me") == []

    def test_a_map_run_is_stopped_for_its_first_reason_or_aborted(self, map_runs: MapRunStore) -> None:
        map_runs.create(map_run("r"), b"")
        assert map_runs.stop("r", MapRunStatus.STOPPING, "E", "why")
        assert not map_runs.stop("r", MapRunStatus.STOPPING, "F", "later")
        assert (map_runs.get("r").error, map_runs.get("r").cause) == ("E", "why")
        assert map_runs.stop("r", MapRunStatus.ABORTING)
        assert not map_runs.stop("r", MapRunStatus.STOPPING, "F", "later")
        assert [run.status for run in map_runs.due("me")] == [MapRunStatus.ABORTING]

    def test_children_are_found_in_their_order(self, map_runs: MapRunStore, journal: Journal) -> None:
        self.make_children(map_runs, journal)
        assert [child.id for child in map_runs.children("r", "", 2)] == ["r-000000000", "r-000000001"]
        assert [child.id for child in map_runs.children("r", "r-000000001", 9)] == ["r-000000002", "r-000000003"]
        assert [child.id for child in map_runs.unfinished("r", "", 9)] == ["r-000000003"]
        assert map_runs.unfinished("r", "r-000000003", 9) == []
        assert map_runs.children("q", "", 9) == []

    def test_a_redrive_runs_what_failed_again(self, map_runs: MapRunStore, journal: Journal) -> None:
        self.make_children(map_runs, journal)
        journal.finish("r-000000003", Outcome(Status.ABORTED, 1.0))
        map_runs.stop("r", MapRunStatus.STOPPING, "E", "why")
        map_runs.finish("r", MapRunStatus.FAILED, 2.0)
        map_runs.redrive("r", token="parent/again#0", owner="you", command=b"again")
        run = map_runs.get("r")
        assert (run.status, run.redrives, run.waiting, run.error) == (MapRunStatus.RUNNING, 1, 3, "")
        assert (run.owner, run.stopped_at) == ("you", None)
        assert map_runs.by_token("parent/r#0") is None
        assert map_runs.by_token("parent/again#0") == run
        assert map_runs.command("r") == b"again"
        assert [child.id for child in map_runs.redriven("r", 2)] == ["r-000000001", "r-000000002"]
        assert map_runs.get("r").waiting == 1
        assert [child.status for child in map_runs.redriven("r", 2)] == [Status.ABORTED]
        assert map_runs.redriven("r", 2) == []

    @staticmethod
    def make_children(map_runs: MapRunStore, journal: Journal) -> None:
        """Makes a map run with a child that succeeded, one that failed, one that timed out, and one that runs."""
        map_runs.create(map_run("r"), b"command")
        for number in range(4):
            journal.create(
                Execution(
                    id=f"r-{number:09d}", pipeline="p", workflow="w", version="v", input=b"{}", source="map:r",
                    root="parent", created_at=0.0,
                )
            )  # fmt: skip
        journal.create(
            Execution(id="ra", pipeline="p", workflow="w", version="v", input=b"", source="", root="", created_at=0.0)
        )
        for number, status in enumerate((Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT)):
            journal.finish(f"r-{number:09d}", Outcome(status, 1.0))
