"""Condition expressions.

Rows: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html and
Expressions.ConditionExpressions.html (the examples of the product catalogue).
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import ValidationError
from penstock.runtime.integrations.conditions import condition
from penstock.runtime.integrations.expression import Placeholders
from penstock.runtime.integrations.typed_values import tagged_item

ITEM = tagged_item(
    {
        "Id": {"N": "456"}, "Price": {"N": "650"}, "Category": {"S": "Sporting Goods"}, "Title": {"S": "Ünder"},
        "InStock": {"BOOL": True}, "Sizes": {"NS": ["1", "2.50"]}, "Colors": {"SS": ["red", "black"]},
        "Notes": {"L": [{"S": "first"}, {"M": {"writer": {"S": "Ann"}}}]}, "Nothing": {"NULL": True},
        "Reviews": {"M": {"FiveStar": {"L": [{"S": "Excellent"}]}, "Amount": {"N": "3"}}}, "Bytes": {"B": "AAEC"},
    },
    "Item",
)  # fmt: skip
VALUES = {
    ":lo": {"N": "500"}, ":hi": {"N": "700.0"}, ":price": {"N": "6.5e2"}, ":cat": {"S": "Sporting Goods"},
    ":cat2": {"S": "Gardening"}, ":s": {"S": "S"}, ":n": {"S": "N"}, ":pre": {"S": "Sport"}, ":red": {"S": "red"},
    ":two": {"N": "2.5"}, ":five": {"N": "5"}, ":three": {"N": "3"}, ":true": {"BOOL": True}, ":ann": {"S": "Ann"},
    ":text650": {"S": "650"}, ":map": {"M": {"writer": {"S": "Ann"}}}, ":set": {"SS": ["black", "red"]},
    ":bytes": {"B": "AAE="}, ":list": {"L": [{"S": "Excellent"}]},
}  # fmt: skip

HOLDS = [
    ("Price = :price", True),
    ("Price = :text650", False),
    ("Price <> :text650", True),
    ("Absent = :price", False),
    ("Absent <> :price", True),
    ("Absent < :price", False),
    ("NOT Absent < :price", True),
    ("Price BETWEEN :lo AND :hi", True),
    ("Price BETWEEN :lo AND :lo", False),
    ("Category IN (:cat, :cat2)", True),
    ("Category IN (:cat2)", False),
    ("(Category IN (:cat, :cat2)) and (Price between :lo and :hi)", True),
    ("attribute_exists(Reviews.FiveStar)", True),
    ("attribute_not_exists(Reviews.OneStar)", True),
    ("attribute_exists(Notes[1].writer)", True),
    ("attribute_exists(Notes[2])", False),
    ("attribute_exists(Id.nothing)", False),
    ("attribute_type(Price, :n)", True),
    ("attribute_type(Price, :s)", False),
    ("begins_with(Category, :pre)", True),
    ("begins_with(Bytes, :bytes)", True),
    ("begins_with(Price, :pre)", False),
    ("contains(Colors, :red)", True),
    ("contains(Sizes, :two)", True),
    ("contains(Category, :pre)", True),
    ("contains(Notes, :map)", True),
    ("contains(Price, :pre)", False),
    ("size(Title) = :five", True),
    ("size(Bytes) = :three", True),
    ("size(Colors) < size(Reviews.Amount)", False),
    ("size(Price) = :three", False),
    ("Colors = :set", True),
    ("Reviews.FiveStar = :list", True),
    ("InStock = :true", True),
    ("Notes[1].#by = :ann", True),
    ("Price < Id", False),
    ("Price > Id", True),
    # NOT binds before AND, AND before OR.
    ("Price = :lo OR Price = :price AND Category = :cat", True),
    ("NOT Price = :lo AND Category = :cat2 OR InStock = :true", True),
    ("NOT (Price = :lo OR Price = :price)", False),
]  # fmt: skip

REFUSED = [
    ("", "The expression can not be empty;"),
    ("Price", "Syntax error"),
    ("Price = ", "Syntax error"),
    ("Price = :price Category = :cat", "Syntax error"),
    ("Price ! :price", "Syntax error"),
    ("(Price = :price", "Syntax error"),
    ("Price = :nope", "An expression attribute value used in expression is not defined; attribute value: :nope"),
    ("#nope = :price", "An expression attribute name used in the document path is not defined; attribute name: #nope"),
    ("Status = :price", "Attribute name is a reserved keyword; reserved keyword: Status"),
    ("exists(Price)", "Invalid function name; function: exists"),
    ("attribute_exists(:price)", "Operator or function requires a document path"),
    ("begins_with(Category)", "Incorrect number of operands"),
    ("attribute_type(Price, :cat)", "Invalid attribute type name found; type: Sporting Goods"),
    ("Price < :true", "Incorrect operand type for operator or function; operator: <, operand type: BOOL"),
    ("Price BETWEEN :hi AND :lo", "The BETWEEN operator requires upper bound"),
    ("Price = Price", "The first operand must be distinct"),
    ("(" * 500 + "Price = :price" + ")" * 500, "nested too deeply"),
]  # fmt: skip


def placeholders(text: str) -> Placeholders:
    values = {name: value for name, value in VALUES.items() if name in text} or {":true": {"BOOL": True}}
    return Placeholders(
        {
            "ConditionExpression": text,
            "ExpressionAttributeValues": values,
            "ExpressionAttributeNames": {"#by": "writer"},
        },
        ["ConditionExpression"],
    )


@pytest.mark.parametrize(("text", "expected"), HOLDS, ids=[text for text, _ in HOLDS])
def test_what_holds(text: str, expected: bool) -> None:
    assert condition(text, placeholders(text))(ITEM) is expected


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[text[:40] or "empty" for text, _ in REFUSED])
def test_what_is_no_condition(text: str, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        condition(text, placeholders(text))
    assert reason in caught.value.message
    assert caught.value.message.startswith("Invalid ConditionExpression: ")


def test_what_is_given_is_used() -> None:
    given = Placeholders(
        {"ConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": {"S": "x"}, ":b": {"S": "y"}}},
        ["ConditionExpression"],
    )
    condition("a = :a", given)
    with pytest.raises(ValidationError, match=r"unused in expressions: keys: \{:b\}"):
        given.check_all_used()


def test_placeholders_need_an_expression() -> None:
    with pytest.raises(ValidationError, match="can only be specified when using expressions"):
        Placeholders({"ExpressionAttributeNames": {"#a": "b"}}, ["ConditionExpression"])


WORDS = st.sampled_from(
    ["a", "#n", ":v", "=", "<>", "<", "(", ")", "AND", "or", "NOT", "IN", "BETWEEN", ",", ".", "[0]", "size",
     "attribute_exists", "contains", "1", "é", "-", "status"]
)  # fmt: skip


@given(text=st.lists(WORDS, max_size=12).map(" ".join))
@settings(max_examples=100, deadline=None)
def test_no_text_raises_anything_else(text: str) -> None:
    arguments: dict[str, Any] = {
        "ConditionExpression": text, "ExpressionAttributeNames": {"#n": "n"},
        "ExpressionAttributeValues": {":v": {"N": "1"}},
    }  # fmt: skip
    try:
        holds = condition(text, Placeholders(arguments, ["ConditionExpression"]))
    except ValidationError:
        return
    assert holds(ITEM) in {True, False}
