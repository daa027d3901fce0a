"""Items of a hot table: DynamoDB's values, sizes and limits.

Values are text, numbers, bytes, True, False, None, lists, maps, and sets of text, numbers or bytes. No number loses a
digit: a float is kept as the shortest decimal that reads back as it (``0.1`` as 0.1), and what cannot be kept exactly
is refused. A number comes back as an int if it is whole, as a Decimal otherwise.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from penstock.errors import ValidationError
from penstock.model.datasets import HotTable, Index, Key

Item = Mapping[str, Any]
Tagged = dict[str, Any]

ITEM_LIMIT_BYTES = 400 * 1024
PARTITION_LIMIT_BYTES = 2048
SORT_LIMIT_BYTES = 1024
NAME_LIMIT_BYTES = 64 * 1024 - 1
NESTING_LIMIT = 32
DIGITS_LIMIT = 38
LARGEST_EXPONENT, SMALLEST_EXPONENT = 125, -130

_EXACT = decimal.Context(prec=DIGITS_LIMIT, Emin=-400, Emax=400)
_LARGEST_WHOLE = 10**DIGITS_LIMIT
_KINDS = {"S": "text", "N": "a number", "B": "bytes"}
_KEY_TYPES: dict[str, tuple[type, ...]] = {"S": (str,), "N": (int, float, Decimal), "B": (bytes, bytearray)}


def number(value: float | Decimal) -> Decimal:
    """Returns a number exactly as it will be stored. A float stands for the shortest decimal that reads back as it.

    Raises:
        ValidationError: it is not finite, has more than 38 significant digits, or is outside 1E-130 to 9.9…E+125.
    """
    if isinstance(value, int) and abs(value) < _LARGEST_WHOLE:
        return Decimal(value)
    exact = Decimal(float.__repr__(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise ValidationError(f"{exact} is no number that can be stored", hint="leave the attribute out")
    if not exact:
        return Decimal(0)
    digits = exact.as_tuple().digits
    significant = len(digits) - next(i for i, digit in enumerate(reversed(digits)) if digit)
    if significant > DIGITS_LIMIT:
        raise ValidationError(
            f"{str(exact)[:60]} has {significant} digits, {DIGITS_LIMIT} can be kept",
            hint="round it, or store it as text",
        )
    if not SMALLEST_EXPONENT <= exact.adjusted() <= LARGEST_EXPONENT:
        raise ValidationError(
            f"{str(exact)[:60]} is too large or too small for a number",
            hint=f"store it as text: numbers go from 1E{SMALLEST_EXPONENT} to 9.9E+{LARGEST_EXPONENT}",
        )
    return exact


def encode_number(value: Decimal) -> str:
    """Returns a number as text that reads back exactly; equal numbers have equal texts."""
    canonical = value.normalize(_EXACT)
    return format(canonical, "f") if abs(value.adjusted()) < DIGITS_LIMIT else str(canonical)


def decode_number(text: str) -> int | Decimal:
    """Returns a stored number: an int if it is whole, a Decimal otherwise."""
    if text.isdigit():
        return int(text)
    value = Decimal(text)
    return int(value) if value == value.to_integral_value(context=_EXACT) else value


def encode(value: Any, level: int = 1) -> Tagged:
    """Returns a value in DynamoDB's typed notation, as boto3's client takes it: ``{"N": "1.5"}``, ``{"B": b"…"}``.

    Raises:
        ValidationError: no attribute can hold it, or it is nested deeper than 32 levels.
    """
    if level > NESTING_LIMIT:
        raise ValidationError(f"the item is nested more than {NESTING_LIMIT} levels deep", hint="flatten it")
    if isinstance(value, str):
        text_size(value)
        return {"S": str(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, int | float | Decimal):
        return {"N": encode_number(number(value))}
    if isinstance(value, bytes | bytearray):
        return {"B": bytes(value)}
    if isinstance(value, list | tuple):
        return {"L": [encode(item, level + 1) for item in value]}
    if isinstance(value, Mapping):
        return {"M": {attribute_name(name): encode(item, level + 1) for name, item in value.items()}}
    if isinstance(value, set | frozenset):
        return _encode_set(value)
    raise ValidationError(
        f"an attribute cannot be a {type(value).__name__}",
        hint="text, number, bytes, True, False, None, list, map or set",
    )


def encode_item(item: Item) -> dict[str, Tagged]:
    """Returns an item's attributes in DynamoDB's typed notation.

    Raises:
        ValidationError: a name or a value breaks one of DynamoDB's rules.
    """
    if not isinstance(item, Mapping):
        raise ValidationError(f"an item is a map, not a {type(item).__name__}", hint="give a dict")
    encoded = {}
    for name, value in item.items():
        try:
            encoded[attribute_name(name)] = encode(value)
        except ValidationError as error:
            raise ValidationError(f"attribute {str(name)[:60]!r}: {error.message}", hint=error.hint) from None
    return encoded


def _encode_set(values: set[Any] | frozenset[Any]) -> Tagged:
    tagged = [next(iter(encode(value).items())) for value in values]
    kinds = {tag for tag, _ in tagged}
    if len(kinds) != 1 or not kinds <= _KINDS.keys():
        raise ValidationError("a set holds one kind of text, numbers or bytes, and is not empty", hint="use a list")
    contents = sorted({content for _, content in tagged})
    if len(contents) != len(tagged):
        # 0.1 and Decimal("0.1") are two values to Python and one number here.
        raise ValidationError("a set holds one number twice", hint="give all its numbers as Decimal")
    return {f"{kinds.pop()}S": contents}


def attribute_name(name: Any) -> str:
    """Returns the name of an attribute. Raises ValidationError when it is none."""
    if not isinstance(name, str) or not 0 < text_size(name) <= NAME_LIMIT_BYTES:
        raise ValidationError(
            f"{str(name)[:60]!r} is no attribute name", hint=f"names are text of 1 to {NAME_LIMIT_BYTES} bytes"
        )
    return str(name)


def text_size(text: str) -> int:
    """Returns the bytes of a text in UTF-8.

    Raises:
        ValidationError: it has half a surrogate pair, which UTF-8 cannot hold.
    """
    try:
        return len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise ValidationError(
            "the text has half of a surrogate pair, which UTF-8 cannot hold", hint="store it as bytes"
        ) from None


def decode(tagged: Mapping[str, Any]) -> Any:
    """Returns the value of DynamoDB's typed notation."""
    ((tag, content),) = tagged.items()
    match tag:
        case "S" | "BOOL" | "B":
            return content
        case "N":
            return decode_number(content)
        case "NULL":
            return None
        case "L":
            return [decode(item) for item in content]
        case "M":
            return {name: decode(item) for name, item in content.items()}
        case _:
            return {decode({tag[0]: item}) for item in content}


def decode_item(encoded: Mapping[str, Tagged]) -> dict[str, Any]:
    """Returns the item of attributes in DynamoDB's typed notation."""
    return {name: decode(value) for name, value in encoded.items()}


def size(tagged: Mapping[str, Any]) -> int:
    """Returns how many bytes DynamoDB counts for a value in its typed notation."""
    ((tag, content),) = tagged.items()
    match tag:
        case "S":
            return text_size(content)
        case "B":
            return len(content)
        case "N":
            return number_size(content)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + size(item) for item in content)
        case "M":
            return 3 + sum(1 + text_size(name) + size(item) for name, item in content.items())
        case _:
            return sum(size({tag[0]: item}) for item in content)


def number_size(text: str) -> int:
    """About one byte for each two significant digits, and one more; another for a negative number.

    AWS calls its own rule approximate and is silent about the sign: this one never counts less.
    """
    mantissa = text.partition("E")[0]
    digits = mantissa.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + mantissa.startswith("-")


def item_size(encoded: Mapping[str, Mapping[str, Any]]) -> int:
    """Returns how many bytes DynamoDB counts for an item: names and values."""
    return sum(text_size(name) + size(value) for name, value in encoded.items())


def check_size(table: HotTable, encoded: Mapping[str, Mapping[str, Any]]) -> int:
    """Returns an item's size in bytes. Raises ValidationError when it is more than 400 KB."""
    found = item_size(encoded)
    if found > ITEM_LIMIT_BYTES:
        raise ValidationError(
            f"hot table {table.name!r}: the item has {found} bytes, {ITEM_LIMIT_BYTES} are possible",
            hint="put large content into the lake, and its key into the item",
        )
    return found


def index_of(table: HotTable, name: str) -> Index:
    """Returns an index of a table. Raises ValidationError when there is none of this name."""
    for index in table.indexes:
        if index.name == name:
            return index
    names = ", ".join(one.name for one in table.indexes) or "none"
    raise ValidationError(f"hot table {table.name!r} has no index {name!r}", hint=f"its indexes are: {names}")


def check_key_value(value: Any, key: Key, limit_bytes: int, where: str) -> None:
    """Checks the value of a key attribute.

    Raises:
        ValidationError: it is of another type than the key, empty, or too long.
    """
    fits = isinstance(value, _KEY_TYPES[key.type]) and not isinstance(value, bool)
    if not fits:
        kind = _KINDS[key.type]
        raise ValidationError(f"{where}: key {key.name!r} is {kind}, not {type(value).__name__}", hint=f"give {kind}")
    if key.type == "N":
        number(value)
        return
    length = text_size(value) if isinstance(value, str) else len(value)
    if not 0 < length <= limit_bytes:
        raise ValidationError(
            f"{where}: key {key.name!r} has {length} bytes, 1 to {limit_bytes} are possible", hint="choose another key"
        )


def key_limits(keyed: HotTable | Index) -> list[tuple[Key, int]]:
    """Returns the keys of a table or an index, each with the bytes that it may have."""
    partition = (keyed.partition, PARTITION_LIMIT_BYTES)
    return [partition] if keyed.sort is None else [partition, (keyed.sort, SORT_LIMIT_BYTES)]


def check_keys(table: HotTable, item: Item) -> None:
    """Checks an item's keys: those of the table are there, those of indexes fit if they are.

    Raises:
        ValidationError: a key is missing or does not fit.
    """
    where = f"hot table {table.name!r}"
    for key, limit in key_limits(table):
        if key.name not in item:
            raise ValidationError(f"{where}: the item has no {key.name!r}", hint="every item has the table's key")
        check_key_value(item[key.name], key, limit, where)
    for index in table.indexes:
        for key, limit in key_limits(index):
            if key.name in item:
                check_key_value(item[key.name], key, limit, f"{where}, index {index.name!r}")


def check_key(table: HotTable, key: Item, index: Index | None = None) -> None:
    """Checks the key of an item, or its position in an index: those attributes, all of them and no other.

    Raises:
        ValidationError: an attribute is missing, does not fit, or is none of the key.
    """
    where = f"hot table {table.name!r}"
    wanted = {part.name: (part, limit) for part, limit in key_limits(table) + (key_limits(index) if index else [])}
    if not isinstance(key, Mapping) or key.keys() != wanted.keys():
        raise ValidationError(f"{where}: the key is {', '.join(wanted)}", hint="give these attributes and no other")
    for part, limit in wanted.values():
        check_key_value(key[part.name], part, limit, where)
