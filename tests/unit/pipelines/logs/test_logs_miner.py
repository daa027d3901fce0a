"""The miner of templates: on cases done by hand, and on lines whose templates are known."""

from collections import defaultdict

import pytest

from penstock.pipelines.logs.generator import Simulation, generate
from penstock.pipelines.logs.miner import MOST_CHARACTERS, MOST_STRANGERS, MOST_TEMPLATES, WILDCARD, Miner, mask

FRIDAY = 1_771_545_600.0


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("order 17 placed", "order <*> placed"),
        ("Accepted publickey for user7 from 203.0.113.9 port 52011", "Accepted publickey for <*> from <*> port <*>"),
        ("took 12.5ms (limit 30s)", "took <*> (limit <*>)"),
        ("user=alice id=7 failed", "user=<*> id=<*> failed"),
        ('cannot open "a b.txt" now', "cannot open <*> now"),
        ("at 2026-02-20T07:57:00Z it broke", "at <*> it broke"),
        ("Traceback\n  File 1\nboom", "Traceback"),
        ("\n \nfirst  line\nsecond", "first line"),
        ("can't stat it, won't go on", "can't stat it, won't go on"),
        ("", "<*>"),
        ("   ", "<*>"),
    ],
)
def test_parameters_by_their_looks(message: str, masked: str) -> None:
    assert mask(message) == masked


def test_messages_that_share_half_their_words_are_one_template() -> None:
    miner = Miner()
    for name in ("alpha", "beta", "gamma"):
        miner.add(f"job started by {name} today", is_error=name == "beta")
    # It begins like the others but shares two words of five only.
    miner.add("job started without any plan")
    assert [(one.text, one.count, one.errors) for one in miner.templates()] == [
        ("job started by <*> today", 3, 1),
        ("job started without any plan", 1, 0),
    ]


def test_messages_of_other_lengths_are_other_templates() -> None:
    miner = Miner()
    miner.add("disk is full")
    miner.add("disk is full again")
    assert sorted(one.text for one in miner.templates()) == ["disk is full", "disk is full again"]


def test_the_first_message_is_the_example() -> None:
    miner = Miner()
    for number in (7, 8):
        miner.add(f"order {number} placed")
    (one,) = miner.templates()
    assert (one.example, one.count) == ("order 7 placed", 2)


def test_memory_is_bounded_whatever_comes() -> None:
    miner = Miner()
    for number in range(3 * MOST_TEMPLATES):
        miner.add(f"{letters(number)} {letters(number)}x " * (1 + number % 30) + "y" * 5000)
    found = miner.templates()
    assert sum(one.count for one in found) == 3 * MOST_TEMPLATES
    assert len(found) <= MOST_TEMPLATES + 1
    assert all(len(one.example) <= MOST_CHARACTERS for one in found)


def letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def test_what_is_known_is_counted_however_many_strangers_come() -> None:
    miner = Miner()
    miner.add("disk is full")
    count = MOST_TEMPLATES + MOST_STRANGERS + 100
    for number in range(count):
        miner.add(f"{letters(number)} {letters(number)}b")
    miner.add("disk is full")
    counts = {one.text: one.count for one in miner.templates()}
    assert counts["disk is full"] == 2
    assert sum(counts.values()) == count + 2
    # All but those that were learnt.
    assert counts[WILDCARD] == count - (MOST_TEMPLATES - 1)


def test_every_known_template_is_found_whole() -> None:
    """Each template of the generator's is mined as one, or as one for each of its words that is no number."""
    miner, truth = Miner(), defaultdict(set)
    known = [one for minute in generate(Simulation(600, 7), FRIDAY, FRIDAY + 1800) for one in minute]
    assert len({one.template for one in known}) > 20
    for one in known:
        miner.add(one.message)
    for one in known:
        mined = miner.add(one.message)
        truth[mined.text].add(one.template)
    # No mined template mixes messages of two known ones.
    assert all(len(templates) == 1 for templates in truth.values())
    assert "GET <*> answered <*> with <*> bytes" in truth
    assert "order <*> placed by <*>" in truth
    assert "Failed password for <*> from <*> port <*>" in truth
