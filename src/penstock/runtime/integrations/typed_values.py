"""DynamoDB's typed values as JSON has them (``{"N": "1.5"}``, bytes in base64), and as the store has them.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from penstock.errors import ValidationError
from penstock.model.items import DIGITS_LIMIT, NESTING_LIMIT, Tagged, encode_number, number, text_size

INVALID = "One or more parameter values were invalid"
_SETS = {"SS": ("S", "string"), "NS": ("N", "number"), "BS": ("B", "binary")}


def tagged_item(item: Any, field: str) -> dict[str, Tagged]:
    """Returns the attributes of a JSON object in the store's notation, numbers in their one form.

    Raises:
        ValidationError: as DynamoDB words it; ``data["unusable"]`` where no request could be made of it.
    """
    if not isinstance(item, dict):
        raise _unusable(f"The value for the field '{field}' must be an OBJECT")
    for name in item:
        text_size(name)
    return {name: tagged(value, name) for name, value in item.items()}


def tagged(value: Any, field: str, level: int = 1) -> Tagged:
    """Returns one typed value in the store's notation. Raises as ``tagged_item``."""
    if not isinstance(value, dict):
        raise _unusable(f"The value for the field '{field}' must be an OBJECT")
    unknown = [tag for tag in value if tag not in _READERS]
    if unknown:
        raise _unusable(f"The field '{unknown[0][:80]}' is not supported by Step Functions")
    if len(value) != 1:
        how = "has more than one datatypes set" if value else "is empty"
        raise ValidationError(f"Supplied AttributeValue {how}, must contain exactly one of the supported datatypes")
    if level > NESTING_LIMIT:
        raise ValidationError("Nesting Levels have exceeded supported limits")
    ((tag, content),) = value.items()
    kind, name = _SHAPES[tag]
    if not isinstance(content, kind):
        raise _unusable(f"The value for the field '{tag}' must be {name}")
    return {tag: _READERS[tag](content, level)}


def json_item(item: Mapping[str, Tagged]) -> dict[str, Any]:
    """Returns attributes of the store as JSON has them."""
    return {name: json_value(value) for name, value in item.items()}


def json_value(value: Mapping[str, Any]) -> dict[str, Any]:
    """Returns one value of the store as JSON has it."""
    ((tag, content),) = value.items()
    match tag:
        case "B":
            return {"B": base64.b64encode(content).decode()}
        case "BS":
            return {"BS": [base64.b64encode(one).decode() for one in content]}
        case "L":
            return {"L": [json_value(one) for one in content]}
        case "M":
            return {"M": json_item(content)}
        case _:
            return {tag: content}


def _unusable(problem: str) -> ValidationError:
    return ValidationError(problem, unusable=True)


def _text(content: str, _: int) -> str:
    text_size(content)
    return content


def _number(content: str, _: int = 1) -> str:
    try:
        exact = Decimal(content)
    except InvalidOperation:
        exact = Decimal("NaN")
    if not exact.is_finite() or content != content.strip() or "_" in content:
        raise ValidationError(f"The parameter cannot be converted to a numeric value: {content[:100]}")
    try:
        return encode_number(number(exact))
    except ValidationError as error:
        if "digits" in error.message:
            raise ValidationError(f"Attempting to store more than {DIGITS_LIMIT} significant digits in a Number") \
                from None  # fmt: skip
        how = "overflow. Attempting to store a number with magnitude larger" if exact.adjusted() > 0 else \
            "underflow. Attempting to store a number with magnitude smaller"  # fmt: skip
        raise ValidationError(f"Number {how} than supported range") from None


def _bytes(content: str, _: int = 1) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise _unusable("The value for the field 'B' must be base64") from None


def _null(content: bool, _: int) -> bool:
    if not content:
        raise ValidationError(f"{INVALID}: Null attribute value types must have the value of true")
    return True


def _list(content: list[Any], level: int) -> list[Tagged]:
    return [tagged(one, "L", level + 1) for one in content]


def _map(content: dict[str, Any], level: int) -> dict[str, Tagged]:
    return {name: tagged(one, name, level + 1) for name, one in content.items()}


def _set_of(tag: str) -> Callable[[list[Any], int], list[Any]]:
    member, noun = _SETS[tag]

    def read(content: list[Any], level: int) -> list[Any]:
        if not content:
            raise ValidationError(f"{INVALID}: An {noun} set  may not be empty")
        members = []
        for one in content:
            if not isinstance(one, str):
                raise _unusable(f"The value for the field '{tag}' must be an ARRAY of STRINGs")
            members.append(_READERS[member](one, level))
        if len(set(members)) != len(members):
            shown = ", ".join(str(one) for one in content)
            raise ValidationError(f"{INVALID}: Input collection [{shown[:200]}] contains duplicates.")
        return sorted(members)

    return read


_READERS: dict[str, Callable[[Any, int], Any]] = {
    "S": _text, "N": _number, "B": _bytes, "BOOL": lambda content, _: content, "NULL": _null, "L": _list, "M": _map,
    **{tag: _set_of(tag) for tag in _SETS},
}  # fmt: skip
_SHAPES: dict[str, tuple[type, str]] = {
    "S": (str, "a STRING"), "N": (str, "a STRING"), "B": (str, "a STRING"), "BOOL": (bool, "a BOOLEAN"),
    "NULL": (bool, "a BOOLEAN"), "L": (list, "an ARRAY"), "M": (dict, "an OBJECT"),
    **dict.fromkeys(_SETS, (list, "an ARRAY")),
}  # fmt: skip
