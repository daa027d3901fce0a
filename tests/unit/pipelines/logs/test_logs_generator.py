"""The simulated lines: the same for the same seed, busy by day, rarely wrong, and then clearly."""

import hashlib
from collections.abc import Iterator

import msgspec
import pytest

from penstock import LogEntry, TaskError
from penstock.lake import records
from penstock.pipelines.logs.estate import SERVICES, TOUCHED, business, incidents
from penstock.pipelines.logs.generator import Simulation, generate, parse_simulation, window
from penstock.pipelines.logs.records import ERRORS
from penstock.pipelines.logs.templates import FIELDS, INCIDENTS, USUAL, Template, fill

FRIDAY = 1_771_545_600.0  # 2026-02-20T00:00:00Z
HOUR, DAY = 3600, 86_400
DEFAULT = Simulation(120, 7)


def lines(simulation: Simulation, begin: float, end: float) -> list[LogEntry]:
    return [one for minute in generate(simulation, begin, end) for one in minute]


def errors(found: list[LogEntry]) -> int:
    return sum(one.severity in ERRORS for one in found)


def five_minutes(begin: float, end: float) -> Iterator[float]:
    yield from range(int(begin), int(end), 300)


def test_a_seed_always_makes_the_same_lines() -> None:
    made = lines(DEFAULT, FRIDAY, FRIDAY + 300)
    assert lines(DEFAULT, FRIDAY, FRIDAY + 300) == made
    # Neither a release nor another Python may change what a seed stands for.
    said = "\n".join(f"{one.timestamp.isoformat()} {one.severity} {one.host} {one.message}" for one in made)
    assert hashlib.sha256(said.encode()).hexdigest()[:16] == "4e3caae6d1b09237"
    assert lines(Simulation(120, 8), FRIDAY, FRIDAY + 300) != made


def test_a_minute_is_the_same_in_every_window() -> None:
    assert lines(DEFAULT, FRIDAY, FRIDAY + 300)[-1] in lines(DEFAULT, FRIDAY + 240, FRIDAY + 540)


def test_lines_fit_the_table_and_their_time() -> None:
    found = lines(DEFAULT, FRIDAY, FRIDAY + HOUR)
    read = [*records.decode(records.encode(found), LogEntry)]
    assert all(isinstance(one, records.Good) for one in read)
    stamps = [one.timestamp.timestamp() for one in found]
    assert stamps == sorted(stamps)
    assert FRIDAY <= stamps[0] <= stamps[-1] < FRIDAY + HOUR
    assert {one.service for one in found} == {service.name for service in SERVICES}
    assert {one.device_type for one in found} == {"server", "application", "network"}
    assert not any("{" in one.message for one in found)


def test_an_average_weekday_has_the_rate() -> None:
    # 2026-02-24 to 2026-02-26, Tuesday to Thursday, with no incident.
    begin = FRIDAY + 4 * DAY
    assert incidents(7, begin, begin + 2 * DAY) == []
    count = len(lines(Simulation(40, 7), begin, begin + DAY))
    assert count == pytest.approx(40 * 1440, rel=0.02)


def test_the_afternoon_is_busiest_and_the_weekend_quiet() -> None:
    assert business(FRIDAY + 14 * HOUR) == pytest.approx(1.6)
    assert business(FRIDAY + 2 * HOUR) == pytest.approx(0.4)
    assert business(FRIDAY + DAY + 14 * HOUR) == pytest.approx(1.6 * 0.6)
    afternoon, night = (len(lines(DEFAULT, FRIDAY + at * HOUR, FRIDAY + (at + 1) * HOUR)) for at in (13, 1))
    assert afternoon > 3 * night


def test_shares_are_of_one_whole_and_every_service_has_all_that_it_can_say() -> None:
    assert sum(service.share for service in SERVICES) == pytest.approx(1.0)
    for service in SERVICES:
        assert {one.severity for one in USUAL[service.device_type]} == {"DEBUG", "INFO", "WARNING", "ERROR"}
    assert set(TOUCHED) == set(INCIDENTS)
    assert {name for names in TOUCHED.values() for name in names} <= {service.name for service in SERVICES}


@pytest.mark.parametrize("rate", [1, 120])
def test_every_incident_of_a_month_exceeds_the_alarm(rate: int) -> None:
    found = incidents(7, FRIDAY, FRIDAY + 30 * DAY)
    assert found
    for incident in found:
        assert 15 * 60 <= incident.ended_at - incident.began_at <= 60 * 60
        whole = list(five_minutes((incident.began_at // 300 + 1) * 300, incident.ended_at - 300))
        assert whole
        assert all(errors(lines(Simulation(rate, 7), at, at + 300)) > 10 for at in whole)


def test_no_ordinary_five_minutes_of_the_busiest_hours_exceed_the_alarm() -> None:
    for day in range(7):
        begin = FRIDAY + day * DAY + 13 * HOUR
        if not incidents(7, begin, begin + 2 * HOUR):
            assert all(errors(lines(DEFAULT, at, at + 300)) <= 10 for at in five_minutes(begin, begin + 2 * HOUR))


def test_an_incident_slows_what_it_touches_and_nothing_else() -> None:
    found = next(one for one in incidents(7, FRIDAY, FRIDAY + 90 * DAY) if one.kind == "release")
    at = (found.began_at // 300 + 1) * 300

    def median(service: str, begin: float) -> float:
        values = sorted(one.latency_ms for one in lines(DEFAULT, begin, begin + 300) if one.service == service
                        and one.latency_ms is not None)  # fmt: skip
        return values[len(values) // 2]

    assert median("catalog", at) > 4 * median("catalog", at - DAY)
    assert median("payments", at) < 2 * median("payments", at - DAY)


def test_a_template_knows_its_message_without_parameters() -> None:
    template = Template("INFO", "order {id} placed by {user}")
    assert template.pattern == "order <*> placed by <*>"
    every = [one for group in (*USUAL.values(), *INCIDENTS.values()) for one in group]
    assert {name for one in every for name in msgspec.structs.asdict(one)} >= {"severity", "text"}
    import random

    assert all(fill(one, random.Random(1)) == fill(one, random.Random(1)) for one in every)
    assert len(FIELDS) == 16


@pytest.mark.parametrize(
    ("event", "environment", "expected"),
    [
        ({}, "", Simulation(120, 0)),
        (None, "60:7", Simulation(60, 7)),
        ({}, "60", Simulation(60, 0)),
        ({"logs": {"seed": 9}}, "60:7", Simulation(120, 9)),
        ({"logs": {"rate": 1}}, "off", Simulation(1, 0)),
        ({}, "off", None),
    ],
)
def test_what_is_simulated(event: object, environment: str, expected: Simulation | None) -> None:
    assert parse_simulation(event, environment) == expected


@pytest.mark.parametrize(
    ("event", "environment"),
    [({"logs": 5}, ""), ({"logs": {"rate": 5001}}, ""), ({"logs": {"speed": 1}}, ""), ({}, "many"), ({}, "0:1")],
)
def test_what_cannot_be_simulated(event: object, environment: str) -> None:
    with pytest.raises(TaskError, match="cannot be simulated") as caught:
        parse_simulation(event, environment)
    assert caught.value.error == "InvalidInput"


def test_windows_follow_each_other() -> None:
    assert window(FRIDAY + 299.9) == (FRIDAY - 300, FRIDAY)
    assert window(FRIDAY + 300) == (FRIDAY, FRIDAY + 300)
