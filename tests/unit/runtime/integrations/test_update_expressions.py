"""Update expressions.

Rows: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html (the examples
of the product catalogue) and https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
"""

import copy

import pytest

from penstock.errors import ValidationError
from penstock.runtime.integrations.expression import Placeholders, at_path, project
from penstock.runtime.integrations.typed_values import tagged_item
from penstock.runtime.integrations.updates import NOT_THERE, WRONG_PATH, WRONG_TYPE, update

ITEM = tagged_item(
    {
        "Id": {"N": "789"}, "Price": {"N": "0.1"}, "Brand": {"S": "Acme"}, "Color": {"SS": ["Red", "Black"]},
        "Sizes": {"NS": ["1", "2"]}, "Related": {"L": [{"S": "Hammer"}, {"S": "Saw"}, {"S": "Nails"}]},
        "Reviews": {"M": {"Stars": {"N": "5"}}},
    },
    "Item",
)  # fmt: skip
VALUES = {
    ":p": {"N": "0.2"}, ":new": {"S": "new"}, ":list": {"L": [{"S": "Screwdriver"}]}, ":empty": {"L": []},
    ":colors": {"SS": ["Red", "Blue"]}, ":both": {"SS": ["Red", "Black"]}, ":sizes": {"NS": ["2.0", "3"]},
    ":tiny": {"N": "1E-130"}, ":big": {"N": "99999999999999999999999999999999999999"}, ":map": {"M": {}},
}  # fmt: skip
S = {name: {"S": name} for name in ("Hammer", "Saw", "Nails", "Screwdriver")}

CHANGES = [
    ("SET Price = :p", ("Price",), {"N": "0.2"}),
    # 0.1 + 0.2 is 0.3, digit by digit.
    ("SET Price = Price + :p", ("Price",), {"N": "0.3"}),
    ("SET Price = Price - :p", ("Price",), {"N": "-0.1"}),
    ("SET Price = if_not_exists(Price, :p)", ("Price",), {"N": "0.1"}),
    ("SET Cost = if_not_exists(Cost, :p) + :p", ("Cost",), {"N": "0.4"}),
    ("SET Cost = if_not_exists(Cost, Price)", ("Cost",), {"N": "0.1"}),
    ("SET Related[1] = :new", ("Related",), {"L": [S["Hammer"], {"S": "new"}, S["Nails"]]}),
    # Beyond the end the element is appended.
    ("SET Related[10] = :new", ("Related",), {"L": [S["Hammer"], S["Saw"], S["Nails"], {"S": "new"}]}),
    ("SET Related = list_append(Related, :list)", ("Related",), {"L": [*list(S.values())]}),
    ("SET Related = list_append(:list, Related)", ("Related",), {"L": [S["Screwdriver"], *list(S.values())[:3]]}),
    ("SET Earlier = list_append(if_not_exists(Earlier, :empty), :list)", ("Earlier",), {"L": [S["Screwdriver"]]}),
    ("SET Reviews.Stars = :p, Reviews.#by = :new", ("Reviews",), {"M": {"Stars": {"N": "0.2"}, "by": {"S": "new"}}}),
    # Every value is of the item as it was.
    ("SET Brand = Price, Price = :p", ("Brand",), {"N": "0.1"}),
    ("REMOVE Brand", ("Brand",), None),
    ("REMOVE Absent", ("Id",), {"N": "789"}),
    ("REMOVE Related[1], Related[2]", ("Related",), {"L": [S["Hammer"]]}),
    ("REMOVE Related[7]", ("Related",), {"L": [S["Hammer"], S["Saw"], S["Nails"]]}),
    ("ADD Price :p", ("Price",), {"N": "0.3"}),
    ("ADD Visits :p", ("Visits",), {"N": "0.2"}),
    ("ADD Color :colors", ("Color",), {"SS": ["Black", "Blue", "Red"]}),
    ("ADD Fresh :colors", ("Fresh",), {"SS": ["Blue", "Red"]}),
    ("ADD Sizes :sizes", ("Sizes",), {"NS": ["1", "2", "3"]}),
    ("DELETE Color :colors", ("Color",), {"SS": ["Black"]}),
    # A set is never empty: its last element takes the attribute with it.
    ("DELETE Color :both", ("Color",), None),
    ("DELETE Absent :colors", ("Absent",), None),
    ("set Price = :p remove Brand add Visits :p delete Color :colors", ("Visits",), {"N": "0.2"}),
]  # fmt: skip

REFUSED = [
    ("", "The expression can not be empty;"),
    ("Price = :p", "Syntax error"),
    ("SET Price", "Syntax error"),
    ("SET Price = :p SET Brand = :new", 'The "SET" section can only be used once in an update expression;'),
    ("SET Price = :p REMOVE Price", "Two document paths overlap with each other"),
    ("SET Reviews = :map, Reviews.Stars = :p", "Two document paths overlap with each other"),
    ("SET Price = sum(:p)", "Invalid function name; function: sum"),
    ("ADD Price :new", "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"),
    ("DELETE Color :p", "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"),
    ("ADD Reviews.Stars :p", "top-level attributes"),
    ("SET Name = :new", "reserved keyword: Name"),
    ("SET Price = " + "(" * 300 + ":p" + ")" * 300, "nested too deeply"),
]  # fmt: skip

IMPOSSIBLE = [
    ("SET Price = Cost + :p", NOT_THERE),
    ("SET Price = Brand + :p", WRONG_TYPE),
    ("SET Related = list_append(Brand, :list)", WRONG_TYPE),
    ("SET Absent.deep = :p", WRONG_PATH),
    ("SET Brand.deep = :p", WRONG_PATH),
    ("SET Brand[0] = :p", WRONG_PATH),
    ("REMOVE Absent.deep", WRONG_PATH),
    ("ADD Brand :p", WRONG_TYPE),
    ("DELETE Sizes :colors", WRONG_TYPE),
    # The sum would have 168 digits, 38 can be kept.
    ("SET Price = :big + :tiny", "digits"),
]  # fmt: skip


def placeholders(text: str) -> Placeholders:
    values = {name: value for name, value in VALUES.items() if name in text} or {":p": {"N": "1"}}
    return Placeholders(
        {"UpdateExpression": text, "ExpressionAttributeValues": values, "ExpressionAttributeNames": {"#by": "by"}},
        ["UpdateExpression"],
    )


@pytest.mark.parametrize(("text", "path", "expected"), CHANGES, ids=[text for text, *_ in CHANGES])
def test_what_becomes_of_an_item(text: str, path: tuple[str | int, ...], expected: dict[str, object] | None) -> None:
    before = copy.deepcopy(ITEM)
    after = update(text, placeholders(text)).apply(ITEM)
    assert at_path(after, path) == expected
    assert before == ITEM, "the item that was there is as it was"


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[text[:40] or "empty" for text, _ in REFUSED])
def test_what_is_no_update(text: str, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        update(text, placeholders(text))
    assert reason in caught.value.message


@pytest.mark.parametrize(("text", "reason"), IMPOSSIBLE, ids=[text for text, _ in IMPOSSIBLE])
def test_what_an_item_does_not_allow(text: str, reason: str) -> None:
    read = update(text, placeholders(text))
    with pytest.raises(ValidationError) as caught:
        read.apply(ITEM)
    assert reason in caught.value.message


def test_projections_keep_the_way_to_what_they_name() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html"""
    assert project(ITEM, [("Reviews", "Stars"), ("Related", 2), ("Related", 0), ("Absent",)]) == {
        "Reviews": {"M": {"Stars": {"N": "5"}}},
        "Related": {"L": [{"S": "Hammer"}, {"S": "Nails"}]},
    }
