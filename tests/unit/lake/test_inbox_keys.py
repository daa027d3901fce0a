import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ValidationError
from penstock.lake.inbox_keys import InboxKey, inbox_key, parse_inbox_key
from penstock.ports.objects import check_key

DIGEST = "0123456789abcdef" * 4
AT = 1_771_631_999.75  # 2026-02-20T23:59:59.75Z
DAY = 1_771_545_600.0  # 2026-02-20T00:00:00Z


def test_a_key_says_the_day_the_content_and_the_name() -> None:
    key = inbox_key("leads", AT, DIGEST, "input_data.json")
    assert key == "inbox/leads/year=2026/month=02/day=20/0123456789abcdef0123456789abcdef-input_data.json"
    assert parse_inbox_key(key) == InboxKey("leads", "input_data.json", DIGEST[:32], DAY)


@given(st.text(max_size=300))
def test_any_name_makes_a_key_of_its_inbox(name: str) -> None:
    key = inbox_key("leads", AT, DIGEST, name)
    check_key(key)
    parsed = parse_inbox_key(key)
    assert (parsed.inbox, parsed.digest, parsed.day) == ("leads", DIGEST[:32], DAY)
    assert parsed.name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("inbox/leads/input_data.json", "input_data.json"),
        ("inbox/leads/from crm/Leads 2026.xlsx", "Leads 2026.xlsx"),
        ("inbox/leads/year=2026/month=02/day=20/by-hand.csv", "by-hand.csv"),
        (f"inbox/leads/year=2026/month=02/day=31/{DIGEST[:32]}-no-such-day.csv", f"{DIGEST[:32]}-no-such-day.csv"),
    ],
)
def test_whoever_puts_an_object_by_hand_calls_it_as_they_like(key: str, name: str) -> None:
    assert parse_inbox_key(key) == InboxKey("leads", name)


@pytest.mark.parametrize(
    "key", ["", "inbox", "inbox/leads", "inbox/leads/", "inbox//a", "raw/leads/a.csv", "x/leads/a"]
)
def test_what_is_no_key_of_an_inbox_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="no key of an inbox"):
        parse_inbox_key(key)
