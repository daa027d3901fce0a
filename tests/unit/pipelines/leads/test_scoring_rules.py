"""The rules: what is refused, and what each kind gives. Expected points are worked out by hand."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from penstock.errors import UsageError
from penstock.pipelines.leads.rules import (
    SHIPPED,
    Cleaning,
    describe,
    describe_cleaning,
    kind_of,
    read_rules,
    shipped_rules,
)
from penstock.pipelines.leads.scoring import rules_steps

AS_OF = date(2026, 2, 20)
HEAD = """
version = 1
[grades]
A = 70
B = 50
C = 30
[parts.fit]
max = 40
[parts.intent]
max = 25
[parts.recency]
max = 15
[parts.engagement]
max = 20
"""
LEAD: dict[str, Any] = {
    "lead_id": "0" * 32, "seniority": None, "department": None, "employees": None, "annual_revenue": None,
    "email_kind": None, "phone_e164": None, "country_iso2": None, "industry": None, "demo_requested": False,
    "notes": None, "source": None, "downloads": 0, "status": "new", "last_activity_at": None, "visits": 0,
    "page_views": 0, "email_opens": 0, "email_clicks": 0, "events_attended": 0,
}  # fmt: skip
TYPES = {
    "employees": "BIGINT", "annual_revenue": "DECIMAL(18,2)", "demo_requested": "BOOLEAN", "downloads": "BIGINT",
    "last_activity_at": "TIMESTAMPTZ", "visits": "BIGINT", "page_views": "BIGINT", "email_opens": "BIGINT",
    "email_clicks": "BIGINT", "events_attended": "BIGINT",
}  # fmt: skip


def rule(text: str, name: str = "one", part: str = "fit") -> str:
    return f'{HEAD}\n[[rules]]\nname = "{name}"\npart = "{part}"\n{text}'


def cleaning(text: str) -> str:
    return f"{rule(VALUES)}\n[cleaning]\n{text}"


def score(text: str, **columns: Any) -> dict[str, Any]:
    """Scores one lead."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    lead = {**LEAD, **columns}
    declared = ", ".join(f"{name} {TYPES.get(name, 'VARCHAR')}" for name in lead)
    connection.execute(f"CREATE TABLE lead({declared})")
    connection.execute(f"INSERT INTO lead VALUES ({', '.join('?' * len(lead))})", list(lead.values()))
    steps = rules_steps(read_rules(text), run_id="r'1", as_of=AS_OF)
    for name, sql in steps.items():
        connection.execute(f"CREATE VIEW {name} AS {sql}")
    answer = connection.execute("SELECT * FROM rules_score")
    names = [one[0] for one in answer.description]
    (row,) = answer.fetchall()
    found = dict(zip(names, row, strict=True))
    found["reasons"] = json.loads(found["reasons"])
    return found


VALUES = 'column = "seniority"\nvalues = { vp = 11, student = -6 }\notherwise = 2\nmissing = 1\nbecause = "is {value}"'
RANGES = 'column = "employees"\nranges = [{ from = 10, points = 5 }, { from = 200, points = 12.5 }]\nmissing = 3'
EACH = 'column = "visits"\neach = 0.8\ncap = 6'
WORDS = 'column = "notes"\nwords = ["price", "no budget", "c++"]\npoints = 8'
FRESH = 'column = "last_activity_at"\nfresh = 12\nhalf_life_days = 10'
FADES = 'column = "visits"\neach = 1\ncap = 8\nfades = 10'
DAYS_10 = datetime(2026, 2, 10, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "columns", "points"),
    [
        (VALUES, {"seniority": "vp"}, 11),
        (VALUES, {"seniority": "student"}, -6),
        (VALUES, {"seniority": "staff"}, 2),
        (VALUES, {}, 1),
        ('column = "demo_requested"\nvalues = { true = 14 }', {"demo_requested": True}, 14),
        ('column = "demo_requested"\nvalues = { true = 14 }', {"demo_requested": False}, 0),
        (RANGES, {"employees": 9}, 0),
        (RANGES, {"employees": 10}, 5),
        (RANGES, {"employees": 199}, 5),
        (RANGES, {"employees": 200}, 12.5),
        (RANGES, {}, 3),
        ('column = "annual_revenue"\nranges = [{ from = 10.5, points = 4 }]', {"annual_revenue": Decimal("10.50")}, 4),
        (EACH, {"visits": 3}, 2.4),
        (EACH, {"visits": 8}, 6),
        (EACH.replace("0.8", "-0.5").replace("visits", "employees"), {"employees": 4}, -2),
        (EACH.replace("0.8", "-0.5").replace("visits", "employees"), {"employees": 400}, -6),
        (EACH.replace("visits", "employees"), {}, 0),
        (WORDS, {"notes": "What is the PRICE?"}, 8),
        (WORDS, {"notes": "priceless"}, 0),
        (WORDS, {"notes": "enterprise"}, 0),
        (WORDS, {"notes": "there is No Budget."}, 8),
        (WORDS, {"notes": "knows C++"}, 8),
        (WORDS, {"notes": "éprice"}, 0),
        (WORDS, {}, 0),
        ('column = "phone_e164"\npresent = 2', {"phone_e164": "+33639981234"}, 2),
        ('column = "phone_e164"\npresent = 2', {}, 0),
        (FRESH, {"last_activity_at": datetime(2026, 2, 20, tzinfo=UTC)}, 12),
        (FRESH, {"last_activity_at": DAYS_10}, 6),
        (FRESH, {"last_activity_at": datetime(2026, 1, 31, tzinfo=UTC)}, 3),
        (FRESH, {"last_activity_at": datetime(2026, 2, 21, tzinfo=UTC)}, 12),
        (FRESH, {}, 0),
        (FADES, {"visits": 4, "last_activity_at": DAYS_10}, 2),
        (FADES, {"visits": 40, "last_activity_at": DAYS_10}, 4),
        (FADES, {"visits": 4}, 4),
    ],
)  # fmt: skip
def test_each_kind_gives_what_it_says(text: str, columns: dict[str, Any], points: float) -> None:
    found = score(rule(text), **columns)
    assert [one["points"] for one in found["reasons"]] == ([points] if points else [])
    assert found["fit"] == max(0, points)


def test_a_part_never_counts_for_more_than_its_most_or_for_less_than_nothing() -> None:
    text = rule('column = "phone_e164"\npresent = 900', part="intent")
    text += '\n[[rules]]\nname = "two"\npart = "recency"\ncolumn = "email_kind"\nvalues = { free = -50 }'
    found = score(text, phone_e164="+1", email_kind="free")
    assert (found["intent"], found["recency"], found["score"], found["grade"]) == (25, 0, 25, "D")


@pytest.mark.parametrize(
    ("points", "score_", "grade"),
    [(70, 70, "A"), (69.4, 69, "B"), (69.6, 70, "A"), (50, 50, "B"), (30, 30, "C"), (29, 29, "D")],
)  # fmt: skip
def test_grades_begin_where_the_file_says(points: float, score_: int, grade: str) -> None:
    halves = HEAD.replace("max = 40", "max = 100").replace("max = 25", "max = 0").replace("max = 15", "max = 0")
    text = halves.replace("max = 20", "max = 0")
    text += f'[[rules]]\nname = "one"\npart = "fit"\ncolumn = "phone_e164"\npresent = {points}'
    found = score(text, phone_e164="+1")
    assert (found["score"], found["grade"]) == (score_, grade)


def test_half_a_point_counts_for_a_whole_one() -> None:
    # As binary numbers these add up to a little less than 43.5.
    text = HEAD
    for part, points in (("fit", 15.0), ("intent", 23.77), ("recency", 1.04), ("engagement", 3.69)):
        text += f'[[rules]]\nname = "{part}"\npart = "{part}"\ncolumn = "phone_e164"\npresent = {points}\n'
    assert 15.0 + 23.77 + 1.04 + 3.69 < 43.5
    assert score(text, phone_e164="+1")["score"] == 44


def test_reasons_are_the_weightiest_first_and_in_the_files_words() -> None:
    text = HEAD
    for number, points in enumerate((3, -9, 4, 3, 1, 2), start=1):
        because = 'says "{value}"\\\\ & <b>' if number == 2 else "{value} visits"
        column = "source" if number == 2 else "visits"
        kind = "present" if number == 2 else "each"
        text += f"[[rules]]\nname = 'r{number}'\npart = 'fit'\ncolumn = '{column}'\n{kind} = {points}\n"
        text += ("cap = 9\n" if kind == "each" else "") + f"because = '{because}'\n"
    found = score(text, visits=1, source='O\'Neil_"X"\n😀')
    assert [(one["rule"], one["points"]) for one in found["reasons"]] == [
        ("r2", -9), ("r3", 4), ("r1", 3), ("r4", 3), ("r6", 2),
    ]  # fmt: skip
    assert found["reasons"][0]["because"] == 'says "O\'Neil "X"\n😀"\\\\ & <b>'
    assert found["reasons"][1]["because"] == "1 visits"


def test_a_score_says_who_made_it_and_of_which_run() -> None:
    found = score(SHIPPED.read_text("utf-8"))
    assert found["scorer"] == f"rules@{shipped_rules().digest}"
    assert (found["run_id"], found["as_of"], found["probability"]) == ("r'1", AS_OF, None)


def test_the_shipped_rules_by_hand() -> None:
    found = score(
        SHIPPED.read_text("utf-8"), seniority="vp", department="sales", employees=300, email_kind="business",
        phone_e164="+4930231251", country_iso2="DE", industry="Software", demo_requested=True, notes="wants a quote",
        source="Referral", downloads=2, visits=5, last_activity_at=datetime(2026, 1, 30, tzinfo=UTC),
    )  # fmt: skip
    # 11 + 4 + 12 + 6 + 2 + 4 + 3 = 42, of 40; 14 + 8 + 5 + 3 faded by 21 of 60 days, of 25; 15 halved; 5 * 0.8 faded.
    assert (found["fit"], found["intent"], found["recency"]) == (40, 25, 7.5)
    assert found["engagement"] == pytest.approx(4 * 0.5 ** (21 / 60), abs=0.006)
    assert (found["score"], found["grade"]) == (76, "A")


def test_sql_in_rules_is_text() -> None:
    found = score(rule('column = "source"\nvalues = { "\'; DROP TABLE lead; --" = 5 }\nbecause = "\'||{value}"'),
                  source="'; DROP TABLE lead; --")  # fmt: skip
    assert found["reasons"] == [{"rule": "one", "points": 5.0, "because": "'||'; DROP TABLE lead; --"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = ", "no TOML"),
        (rule(VALUES) + "\nsurprise = 1", "unknown field `surprise`"),
        (rule('column = "colour"\npresent = 1'), "looks at 'colour'"),
        (rule('column = "visits"'), "one of values, ranges"),
        (rule('column = "visits"\npresent = 1\neach = 1\ncap = 1'), "not each, present"),
        (rule('column = "seniority"\neach = 1\ncap = 2'), "says each, which a text cannot have"),
        (rule('column = "visits"\nwords = ["a"]\npoints = 1'), "says words, which a number cannot have"),
        (rule('column = "visits"\neach = 1'), "each without cap"),
        (rule('column = "last_activity_at"\nfresh = 1'), "fresh without half_life_days"),
        (rule('column = "notes"\nwords = []\npoints = 1'), "words without any"),
        (rule('column = "visits"\nranges = [{from = 9, points = 1}, {from = 1, points = 2}]'),
         "ranges that do not rise"),
        (rule('column = "visits"\nranges = [{from = 9, points = nan}]'), "no number up to 1000"),
        (rule('column = "visits"\npresent = 1001'), "no number up to 1000"),
        (rule(VALUES, name="No"), "rules[0].name"),
        (rule(VALUES, part="luck"), "rules[0].part"),
        (rule(VALUES) + "\n[[rules]]\nname = 'one'\npart = 'fit'\n" + EACH, "is there twice"),
        (rule(VALUES).replace("max = 40", "max = 41"), "add up to 101"),
        (rule(VALUES).replace("B = 50", "B = 80"), "[grades] is A, B and C"),
        (HEAD, "rules"),
        (cleaning('default_country = "Germany"'), "default_country is 'Germany', which is no country; such as DE"),
        (cleaning('default_country = "ZZ"'), "'ZZ', which is no country"),
        (cleaning('free = ["a@example.com"]'), "free has 'a@example.com', which is no domain"),
        (cleaning('business = ["Example.com"]'), "in small letters"),
        (cleaning('disposable = ["localhost"]'), "which is no domain"),
        (cleaning('free = ["a.example"]\nbusiness = ["a.example"]'), "'a.example' is both business and free"),
        (cleaning('spam = []'), "unknown field `spam`"),
        (cleaning('free = "a.example"'), "Expected `array`"),
        ("x" * 300_000, "more than 200,000 bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_rules(text)
    assert said in caught.value.message
    assert caught.value.hint


def test_every_mistake_is_said_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        read_rules(rule('column = "colour"\npresent = 2000').replace("max = 40", "max = 41"))
    assert [line[:2] for line in caught.value.message.splitlines()[1:]] == ["1.", "2.", "3."]


def test_the_version_follows_from_what_the_rules_say() -> None:
    text = SHIPPED.read_text("utf-8")
    assert read_rules(text + "\n# a comment\n").digest == shipped_rules().digest
    assert read_rules(text.replace("A = 70", "A = 71")).digest != shipped_rules().digest


def test_what_is_said_about_cleaning_belongs_to_the_version() -> None:
    text = SHIPPED.read_text("utf-8")
    told = '[cleaning]\ndefault_country = "AT"\nbusiness = ["web.de"]\nfree = ["sub.bücher.xn--p1ai"]\n'
    rules = read_rules(text.replace("# [cleaning]", told))
    assert rules.digest != shipped_rules().digest == "72882d79"
    assert rules.cleaning_options == {
        "default_country": "AT", "business": ["web.de"], "free": ["sub.bücher.xn--p1ai"], "disposable": [],
    }  # fmt: skip
    assert describe_cleaning(rules) == "default_country: AT; business: web.de; free: sub.bücher.xn--p1ai"
    assert (shipped_rules().cleaning_options, describe_cleaning(shipped_rules())) == ({}, "")


def test_the_example_of_cleaning_in_the_file_can_be_used() -> None:
    lines = SHIPPED.read_text("utf-8").splitlines()
    begin = lines.index("# [cleaning]")
    wanted = [line.removeprefix("# ") if begin <= place < begin + 5 else line for place, line in enumerate(lines)]
    assert read_rules("\n".join(wanted)).cleaning == Cleaning(
        default_country="DE", business=["online.example"], free=["mail.example"], disposable=["minutes.example"]
    )


def test_people_see_every_rule() -> None:
    rows = describe(shipped_rules())
    assert len(rows) == len(shipped_rules().rules)
    assert all(row["points"] for row in rows)


def test_what_a_column_holds() -> None:
    assert [kind_of(one) for one in ("visits", "annual_revenue", "last_activity_at", "demo_requested", "notes")] == [
        "number", "number", "time", "flag", "text",
    ]  # fmt: skip
    assert (kind_of("merged_lines"), kind_of("nothing")) == ("", "")
