"""What retention decides. Above all: nothing that is not both old and sealed ever goes."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.lake.catalog import Sealed, Stored, archive_key, arrange
from penstock.lake.retention import Action, Decision, Tier, decide, hindrance, plan, tier
from penstock.model.datasets import ZONES, LakeTable
from penstock.model.sealing import SourceCounts

HOUR = 3600
DAY = 86_400
MIDNIGHT = 1_771_545_600.0  # 2026-02-20T00:00:00Z


class Reading(msgspec.Struct):
    value: float


def table(retain: int | None = None, archive: int | None = None, infrequent: int | None = None) -> LakeTable:
    return LakeTable(
        name="readings",
        record=Reading,
        retain_seconds=retain,
        archive_after_seconds=archive,
        infrequent_after_seconds=infrequent,
    )


class Scenario(msgspec.Struct):
    """One partition, as the test made it.

    Attributes:
        covered, late, archived: names of raw objects: sealed ones, such as came later, and sealed ones in the archive.
        lacking: how many records the sealed file does not account for.
    """

    hour: int
    covered: list[str]
    late: list[str]
    archived: list[str]
    is_sealed: bool
    lacking: int
    quarantined: int

    @property
    def path(self) -> str:
        return f"year=2026/month=02/day=20/hour={self.hour:02}"

    def raw_key(self, name: str) -> str:
        return f"raw/readings/{self.path}/{name}.json"

    @property
    def sealed_key(self) -> str:
        return f"sealed/readings/{self.path}/readings.parquet"

    @property
    def may_go(self) -> bool:
        return self.is_sealed and not self.late and not self.lacking

    def objects(self) -> list[Stored]:
        held = [Stored(self.raw_key(name), 10) for name in self.covered + self.late]
        held += [Stored(archive_key(self.raw_key(name)), 3) for name in self.archived]
        held += [Stored(f"quarantine/readings/{self.path}/{n}.json", 2) for n in self.covered if self.quarantined]
        return [*held, Stored(self.sealed_key, 5)] if self.is_sealed else held

    def sealed(self) -> Sealed:
        keys = [self.raw_key(name) for name in self.covered + self.archived]
        good = 4
        sources = {
            key: SourceCounts(
                key=key, records=good + self.quarantined + self.lacking, good=good, quarantined=self.quarantined
            )
            for key in keys
        }
        lost = self.lacking if not keys else 0
        return Sealed(key=self.sealed_key, size_bytes=5, etag="e", rows=good * len(keys) + lost, sources=sources)


names = st.lists(st.sampled_from("abcdef"), max_size=3, unique=True)


@st.composite
def scenarios(draw: st.DrawFn) -> list[Scenario]:
    hours = draw(st.lists(st.integers(0, 23), min_size=1, max_size=5, unique=True))
    made = []
    for hour in hours:
        is_sealed = draw(st.booleans())
        made.append(
            Scenario(
                hour=hour,
                covered=[f"c{name}" for name in draw(names)] if is_sealed else [],
                late=[f"l{name}" for name in draw(names)],
                archived=[f"z{name}" for name in draw(names)] if is_sealed else [],
                is_sealed=is_sealed,
                lacking=draw(st.sampled_from([0, 0, 0, 1])) if is_sealed else 0,
                quarantined=draw(st.integers(0, 2)),
            )
        )
    return made


def zoned(sealed: int | None, archive: int | None = None, **zones: int) -> LakeTable:
    return msgspec.structs.replace(table(sealed, archive), retain_zones=tuple(zones.items()))


spans = st.none() | st.integers(0, 2 * DAY)


@settings(max_examples=100, deadline=None)
@given(made=scenarios(), retain=spans, archive=spans, now=st.integers(0, 4 * DAY))
def test_nothing_that_is_not_both_old_and_sealed_ever_goes(
    made: list[Scenario], retain: int | None, archive: int | None, now: int
) -> None:
    at = MIDNIGHT + now
    declared = table(retain, archive)
    objects = [stored for one in made for stored in one.objects()]
    found = arrange(declared, objects, [one.sealed() for one in made if one.is_sealed])
    by_path = {one.path: one for one in made}
    for decision in plan(declared, found.partitions, at):
        scenario = by_path[decision.partition]
        end = MIDNIGHT + (scenario.hour + 1) * HOUR
        if decision.action is Action.HOLD:
            assert not scenario.may_go
            assert decision.keys == ()
            continue
        span = retain if decision.action is Action.EXPIRE else archive
        assert span is not None
        assert end + span <= at
        assert scenario.may_go
        assert all(scenario.path in key for key in decision.keys)
        if decision.action is Action.ARCHIVE:
            assert sorted(decision.keys) == sorted(map(scenario.raw_key, scenario.covered))


@settings(max_examples=100, deadline=None)
@given(made=scenarios(), retain=st.integers(0, 2 * DAY), now=st.integers(0, 4 * DAY))
def test_what_is_old_and_sealed_goes_whole_and_the_sealed_file_last(
    made: list[Scenario], retain: int, now: int
) -> None:
    at = MIDNIGHT + now
    declared = table(retain)
    objects = [stored for one in made for stored in one.objects()]
    found = arrange(declared, objects, [one.sealed() for one in made if one.is_sealed])
    decided = {one.partition: one for one in plan(declared, found.partitions, at)}
    for scenario in made:
        is_old = MIDNIGHT + (scenario.hour + 1) * HOUR + retain <= at
        if is_old and scenario.may_go:
            decision = decided[scenario.path]
            assert decision.action is Action.EXPIRE
            assert sorted(decision.keys) == sorted(stored.key for stored in scenario.objects())
            assert decision.keys[-1] == scenario.sealed_key
            assert decision.size_bytes == sum(stored.size_bytes for stored in scenario.objects())


def one_sealed(**changes: object) -> Scenario:
    plain = Scenario(hour=7, covered=["a", "b"], late=[], archived=[], is_sealed=True, lacking=0, quarantined=0)
    return msgspec.structs.replace(plain, **changes)


def all_decided(scenario: Scenario, declared: LakeTable, seconds_after_end: float) -> list[Decision]:
    found = arrange(declared, scenario.objects(), [scenario.sealed()] if scenario.is_sealed else [])
    (partition,) = found.partitions
    return decide(declared, partition, MIDNIGHT + 8 * HOUR + seconds_after_end)


def decided(scenario: Scenario, declared: LakeTable, seconds_after_end: float) -> object:
    found = all_decided(scenario, declared, seconds_after_end)
    assert len(found) <= 1
    return found[0] if found else None


def test_a_partition_expires_at_the_second_at_which_its_time_is_over() -> None:
    declared = table(retain=30 * DAY)
    assert decided(one_sealed(), declared, 30 * DAY - 1) is None
    assert decided(one_sealed(), declared, 30 * DAY).action is Action.EXPIRE  # type: ignore[attr-defined]


def test_raw_objects_go_to_the_archive_and_the_sealed_file_stays() -> None:
    decision = decided(one_sealed(), table(archive=DAY), DAY)
    assert decision.action is Action.ARCHIVE  # type: ignore[attr-defined]
    assert decision.keys == (  # type: ignore[attr-defined]
        "raw/readings/year=2026/month=02/day=20/hour=07/a.json",
        "raw/readings/year=2026/month=02/day=20/hour=07/b.json",
    )


def test_what_expires_is_not_archived_first() -> None:
    assert decided(one_sealed(), table(retain=DAY, archive=DAY), DAY).action is Action.EXPIRE  # type: ignore[attr-defined]


def test_an_archived_partition_has_nothing_more_to_archive() -> None:
    assert decided(one_sealed(covered=[], archived=["a"]), table(archive=DAY), 2 * DAY) is None


def test_why_something_is_held_back_is_told() -> None:
    declared = table(retain=DAY)

    def reason(scenario: Scenario) -> str:
        decision = decided(scenario, declared, DAY)
        assert decision.action is Action.HOLD  # type: ignore[attr-defined]
        return str(decision.reason)  # type: ignore[attr-defined]

    assert "not sealed" in reason(one_sealed(is_sealed=False))
    assert "1 raw object has come" in reason(one_sealed(late=["late"]))
    assert "do not balance" in reason(one_sealed(lacking=1))


def test_an_archived_object_that_no_sealed_file_covers_holds_its_partition() -> None:
    scenario = one_sealed()
    stray = Stored(archive_key(scenario.raw_key("stray")), 1)
    (partition,) = arrange(table(), [*scenario.objects(), stray], [scenario.sealed()]).partitions
    assert stray.key in hindrance(partition)


def test_the_tier_follows_the_age_and_the_archive() -> None:
    declared = table(infrequent=DAY, archive=2 * DAY)
    (hot,) = arrange(declared, one_sealed().objects(), [one_sealed().sealed()]).partitions
    assert tier(declared, hot, hot.end + DAY - 1) is Tier.STANDARD
    assert tier(declared, hot, hot.end + DAY) is Tier.INFREQUENT
    moved = one_sealed(covered=[], archived=["a", "b"])
    (cold,) = arrange(declared, moved.objects(), [moved.sealed()]).partitions
    assert tier(declared, cold, cold.end) is Tier.ARCHIVED


def test_each_zone_goes_when_its_own_time_is_over() -> None:
    declared = zoned(30 * DAY, raw=5 * DAY, quarantine=10 * DAY)
    full = one_sealed(quarantined=1)
    assert all_decided(full, declared, 5 * DAY - 1) == []
    (raw,) = all_decided(full, declared, 5 * DAY)
    assert (raw.action, raw.zones, raw.due_at) == (Action.EXPIRE, ("raw",), MIDNIGHT + 8 * HOUR + 5 * DAY)
    assert raw.keys == (full.raw_key("a"), full.raw_key("b"))
    (both,) = all_decided(full, declared, 10 * DAY)
    assert both.zones == ("raw", "quarantine")
    assert [key.partition("/")[0] for key in both.keys] == ["raw", "raw", "quarantine", "quarantine"]
    (whole,) = all_decided(full, declared, 30 * DAY)
    assert sorted(whole.keys) == sorted(stored.key for stored in full.objects())
    assert whole.keys[-1] == full.sealed_key


def test_what_is_not_sealed_or_not_counted_is_held_in_every_zone() -> None:
    declared = zoned(None, raw=DAY, quarantine=DAY)
    for scenario in (one_sealed(late=["l"]), one_sealed(lacking=1), one_sealed(is_sealed=False, quarantined=1)):
        (held,) = all_decided(scenario, declared, DAY)
        assert (held.action, held.keys) == (Action.HOLD, ())
        assert "raw" in held.reason


def test_a_quarantine_expires_while_raw_objects_are_archived() -> None:
    found = all_decided(one_sealed(quarantined=1), zoned(None, DAY, quarantine=DAY), DAY)
    assert [(one.action, len(one.keys)) for one in found] == [(Action.EXPIRE, 2), (Action.ARCHIVE, 2)]


def test_an_archive_may_outlive_what_is_sealed() -> None:
    declared = zoned(5 * DAY, DAY, raw=90 * DAY)
    # They have to be in the archive before the file goes that says they were sealed.
    (first,) = all_decided(one_sealed(), declared, 5 * DAY)
    assert first.action is Action.ARCHIVE
    moved = one_sealed(covered=[], archived=["a", "b"])
    (second,) = all_decided(moved, declared, 5 * DAY)
    assert (second.action, second.keys) == (Action.EXPIRE, (moved.sealed_key,))
    rest = one_sealed(covered=[], archived=["a", "b"], is_sealed=False)
    assert all_decided(rest, declared, 90 * DAY - 1) == []
    (last,) = all_decided(rest, declared, 90 * DAY)
    assert last.keys == tuple(archive_key(rest.raw_key(name)) for name in "ab")


@settings(max_examples=100, deadline=None)
@given(
    made=scenarios(),
    ages=st.fixed_dictionaries(
        {}, optional={"raw": st.integers(0, 3 * DAY), "quarantine": st.integers(0, 3 * DAY), "sealed": spans}
    ),
    archive=spans,
    now=st.integers(0, 4 * DAY),
)
def test_nothing_of_any_zone_goes_before_its_time_or_unsealed(
    made: list[Scenario], ages: dict[str, int], archive: int | None, now: int
) -> None:
    declared = zoned(ages.pop("sealed", None), archive, **ages)
    objects = [stored for one in made for stored in one.objects()]
    found = arrange(declared, objects, [one.sealed() for one in made if one.is_sealed])
    by_path = {one.path: one for one in made}
    for decision in plan(declared, found.partitions, MIDNIGHT + now):
        scenario = by_path[decision.partition]
        age = now - (scenario.hour + 1) * HOUR
        if decision.action is not Action.EXPIRE:
            continue
        assert scenario.may_go
        whole = declared.retain_seconds is not None and declared.retain_seconds <= age
        for key in decision.keys:
            zone = key.removeprefix("archive/").partition("/")[0]
            own = declared.retained_seconds(zone)  # type: ignore[arg-type]
            assert (own is not None and own <= age) or whole
        if scenario.sealed_key in decision.keys:
            left = {one.key for one in scenario.objects()} - set(decision.keys)
            assert not {key for key in left if key.startswith("raw/")}


def test_what_is_infrequent_is_told_by_zone() -> None:
    plain, own = table(infrequent=DAY), msgspec.structs.replace(table(), infrequent_zones=(("sealed", 2 * DAY),))
    assert [plain.infrequent_seconds(zone) for zone in ZONES] == [DAY, DAY, None]
    assert [own.infrequent_seconds(zone) for zone in ZONES] == [None, 2 * DAY, None]
