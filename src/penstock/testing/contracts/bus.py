"""What every bus promises."""

from __future__ import annotations

import msgspec

from penstock.ports.bus import Bus, ObjectCreated


def event(key: str, *, execution: str = "e", at: float = 0.0) -> ObjectCreated:
    """Returns an event for a test."""
    return ObjectCreated(pipeline="p", table="t", key=key, size=3, at=at, execution=execution)


class BusContract:
    """Subclass it with a ``bus`` fixture."""

    def test_an_event_is_due_once_it_is_confirmed(self, bus: Bus) -> None:
        bus.announce(event("a"), writer="w")
        assert bus.due(["p"], 9) == []
        bus.confirm(msgspec.structs.replace(event("a"), size=7))
        assert bus.due(["p"], 9) == [msgspec.structs.replace(event("a"), size=7)]
        assert bus.due(["other"], 9) == []

    def test_an_event_is_due_until_it_is_dispatched_and_never_again(self, bus: Bus) -> None:
        bus.announce(event("a"), writer="w")
        bus.confirm(event("a"))
        bus.dispatched(["a"])
        bus.announce(event("a"), writer="again")
        bus.confirm(event("a"))
        assert bus.due(["p"], 9) == []
        assert bus.announced() == []

    def test_a_confirmation_without_its_announcement_counts(self, bus: Bus) -> None:
        bus.announce(event("a"), writer="w")
        bus.withdraw("a")
        bus.confirm(event("a"))
        assert [e.key for e in bus.due(["p"], 9)] == ["a"]

    def test_announcements_of_the_dead_are_found(self, bus: Bus) -> None:
        bus.announce(event("a"), writer="dead")
        bus.announce(event("b", execution="f"), writer="alive")
        assert [e.key for e in bus.announced(alive=["alive"])] == ["a"]
        assert [e.key for e in bus.announced(execution="f")] == ["b"]

    def test_the_newest_writer_answers_for_an_announcement(self, bus: Bus) -> None:
        bus.announce(event("a"), writer="dead")
        bus.announce(event("a"), writer="alive")
        assert bus.announced(alive=["alive"]) == []

    def test_a_withdrawn_announcement_is_gone_but_a_confirmed_event_stays(self, bus: Bus) -> None:
        bus.announce(event("a"), writer="w")
        bus.withdraw("a")
        bus.announce(event("b"), writer="w")
        bus.confirm(event("b"))
        bus.withdraw("b")
        assert bus.known(["a", "b"]) == {"b"}

    def test_the_oldest_events_come_first_and_what_waits_is_counted(self, bus: Bus) -> None:
        for key, at in (("new", 2.0), ("old", 1.0)):
            bus.announce(event(key, at=at), writer="w")
        bus.confirm(event("new", at=2.0))
        bus.confirm(event("old", at=1.0))
        assert [e.key for e in bus.due(["p"], 1)] == ["old"]
        assert bus.waiting("e") == 2
        bus.dispatched(["old", "new"])
        assert bus.waiting("e") == 0
