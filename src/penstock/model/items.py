"""Items of a hot table: DynamoDB's values, sizes and limits.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from penstock.errors import ValidationError
from penstock.model.datasets import HotTable, Key

Item = Mapping[str, Any]

ITEM_LIMIT_BYTES = 400 * 1024
PARTITION_LIMIT_BYTES = 2048
SORT_LIMIT_BYTES = 1024
NESTING_LIMIT = 32
DIGITS_LIMIT = 38
LARGEST_EXPONENT, SMALLEST_EXPONENT = 125, -130


def number(value: float | Decimal) -> Decimal:
    """Returns a number exactly as it will be stored. A float stands for the shortest decimal that reads back as it.

    Raises:
        ValidationError: it is not finite, or has more digits or a larger exponent than DynamoDB keeps.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValidationError(f"{value} is no number that can be stored", hint="leave the attribute out")
        value = Decimal(repr(value))
    exact = Decimal(value)
    if not exact.is_finite():
        raise ValidationError(f"{value} is no number that can be stored", hint="leave the attribute out")
    if not exact:
        return Decimal(0)
    digits = exact.as_tuple().digits
    significant = len(digits) - next(i for i, digit in enumerate(reversed(digits)) if digit)
    if significant > DIGITS_LIMIT:
        raise ValidationError(
            f"{value} has {significant} digits, {DIGITS_LIMIT} can be kept", hint="round it, or store it as text"
        )
    if not SMALLEST_EXPONENT <= exact.adjusted() <= LARGEST_EXPONENT:
        raise ValidationError(f"{value} is too large or too small for a number", hint="store it as text")
    return exact


def encode_number(value: Decimal) -> str:
    """Returns a number as text that reads back exactly."""
    return format(value.normalize(_WIDE), "f") if abs(value.adjusted()) < DIGITS_LIMIT else str(value.normalize(_WIDE))


def _wide() -> Any:
    import decimal

    return decimal.Context(prec=DIGITS_LIMIT, Emin=-400, Emax=400)


_WIDE = _wide()


def decode_number(text: str) -> int | Decimal:
    """Returns a stored number: an int if it is whole, a Decimal otherwise."""
    value = Decimal(text)
    return int(value) if value == value.to_integral_value(context=_WIDE) else value


def encode(value: Any, depth: int = 0) -> dict[str, Any]:
    """Returns a value in DynamoDB's typed notation, bytes as Latin-1 text.

    Raises:
        ValidationError: it is of a type that no attribute has.
    """
    if depth > NESTING_LIMIT:
        raise ValidationError(f"the item is nested more than {NESTING_LIMIT} deep", hint="flatten it")
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, int | float | Decimal):
        return {"N": encode_number(number(value))}
    if isinstance(value, bytes | bytearray):
        return {"B": bytes(value).decode("latin-1")}
    if isinstance(value, list | tuple):
        return {"L": [encode(item, depth + 1) for item in value]}
    if isinstance(value, Mapping):
        return {"M": {_name(name): encode(item, depth + 1) for name, item in value.items()}}
    if isinstance(value, set | frozenset):
        return _encode_set(value)
    raise ValidationError(
        f"an attribute cannot be a {type(value).__name__}",
        hint="text, number, bytes, true, false, None, list, map or set",
    )


def _encode_set(values: set[Any] | frozenset[Any]) -> dict[str, Any]:
    tagged = [next(iter(encode(value).items())) for value in values]
    kinds = {tag for tag, _ in tagged}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise ValidationError("a set holds one kind of text, numbers or bytes, and is not empty", hint="use a list")
    return {f"{kinds.pop()}S": sorted(content for _, content in tagged)}


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise ValidationError(f"the attribute name {name!r} is no text", hint="attribute names are text")
    return name


def decode(tagged: Mapping[str, Any]) -> Any:
    """Returns the value of DynamoDB's typed notation."""
    ((tag, content),) = tagged.items()
    match tag:
        case "S" | "BOOL":
            return content
        case "N":
            return decode_number(content)
        case "NULL":
            return None
        case "B":
            return content.encode("latin-1")
        case "L":
            return [decode(item) for item in content]
        case "M":
            return {name: decode(item) for name, item in content.items()}
        case _:
            return {decode({tag[0]: item}) for item in content}


def size(tagged: Mapping[str, Any]) -> int:
    """Returns how many bytes DynamoDB counts for a value in its typed notation."""
    ((tag, content),) = tagged.items()
    match tag:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return number_size(content)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + size(item) for item in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + size(item) for name, item in content.items())
        case _:
            return sum(size({tag[0]: item}) for item in content)


def number_size(text: str) -> int:
    """About one byte for each two significant digits, and one more; another for a negative number."""
    value = Decimal(text)
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    return (len(digits) + 1) // 2 + 1 + (value < 0)


def item_size(encoded: Mapping[str, Mapping[str, Any]]) -> int:
    """Returns how many bytes DynamoDB counts for an item: names and values."""
    return sum(len(name.encode()) + size(value) for name, value in encoded.items())


def check_key_value(value: Any, key: Key, limit_bytes: int, where: str) -> None:
    """Checks the value of a key attribute.

    Raises:
        ValidationError: it is of another type than the key, empty, or too long.
    """
    fits = {
        "S": isinstance(value, str),
        "N": isinstance(value, int | float | Decimal) and not isinstance(value, bool),
        "B": isinstance(value, bytes | bytearray),
    }[key.type]
    kind = {"S": "text", "N": "a number", "B": "bytes"}[key.type]
    if not fits:
        raise ValidationError(f"{where}: key {key.name!r} is {kind}, not {value!r}"[:300], hint=f"give {kind}")
    if key.type == "N":
        number(value)
        return
    length = len(value.encode()) if isinstance(value, str) else len(value)
    if not 0 < length <= limit_bytes:
        raise ValidationError(
            f"{where}: key {key.name!r} has {length} bytes, 1 to {limit_bytes} are possible", hint="choose another key"
        )


def check_keys(table: HotTable, item: Item) -> None:
    """Checks an item's keys: those of the table are there, those of indexes fit if they are.

    Raises:
        ValidationError: a key is missing or does not fit.
    """
    where = f"hot table {table.name!r}"
    for key, limit in ((table.partition, PARTITION_LIMIT_BYTES), (table.sort, SORT_LIMIT_BYTES)):
        if key is None:
            continue
        if key.name not in item:
            raise ValidationError(f"{where}: the item has no {key.name!r}", hint="every item has the table's key")
        check_key_value(item[key.name], key, limit, where)
    for index in table.indexes:
        for key, limit in ((index.partition, PARTITION_LIMIT_BYTES), (index.sort, SORT_LIMIT_BYTES)):
            if key is not None and key.name in item:
                check_key_value(item[key.name], key, limit, f"{where}, index {index.name!r}")
