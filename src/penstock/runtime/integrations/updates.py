"""Update expressions: how an item changes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

import copy
import decimal
import itertools
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from penstock.errors import ValidationError
from penstock.model.items import Tagged, encode_number, number
from penstock.runtime.integrations.conditions import TYPE_NAMES
from penstock.runtime.integrations.expression import Path, Placeholders, Reader, at_path, check_overlaps, element

Item = Mapping[str, Tagged]
Value = Callable[[Item], Tagged]
SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
SETS = ("SS", "NS", "BS")
NOT_THERE = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
WRONG_PATH = "The document path provided in the update expression is invalid for update"


class Update(msgspec.Struct, frozen=True):
    """An update expression, read.

    Attributes:
        sets: what is put at paths.
        removed: paths that are emptied.
        added, deleted: top-level attributes and what is added to them, or taken from them.
    """

    sets: list[tuple[Path, Value]] = []
    removed: list[Path] = []
    added: list[tuple[Path, Tagged]] = []
    deleted: list[tuple[Path, Tagged]] = []

    @property
    def paths(self) -> list[Path]:
        """Every path that the expression changes."""
        changed = [path for path, _ in (*self.sets, *self.added, *self.deleted)]
        return [*changed, *self.removed]

    def written(self, item: Item) -> list[Path]:
        """Returns where what the expression writes will be: what is put beyond a list's end is appended to it."""
        found: list[Path] = []
        appended: dict[Path, int] = {}
        for path, _ in (*self.sets, *self.added, *self.deleted):
            holder, last = at_path(item, path[:-1]) if len(path) > 1 else None, path[-1]
            if isinstance(last, int) and holder is not None and last >= len(holder.get("L", ())):
                number = appended.get(path[:-1], len(holder.get("L", ())))
                appended[path[:-1]] = number + 1
                found.append((*path[:-1], number))
            else:
                found.append(path)
        return found

    def apply(self, item: Item) -> dict[str, Tagged]:
        """Returns what becomes of an item. Every value is made of the item as it was.

        Raises:
            ValidationError: the item does not have what the expression needs.
        """
        values = [(path, value(item)) for path, value in self.sets]
        values += [(path, _sum(at_path(item, path), more)) for path, more in self.added]
        changed = copy.deepcopy(dict(item))
        for path, content in values:
            _put(changed, path, content)
        for path, less in self.deleted:
            left = _difference(at_path(item, path), less)
            if left is None:
                changed.pop(str(path[0]), None)
            else:
                _put(changed, path, left)
        # From the end of a list to its beginning: elements are named by where they were.
        for path in sorted(self.removed, key=_from_the_end, reverse=True):
            _remove(changed, path)
        return changed


def update(text: Any, placeholders: Placeholders) -> Update:
    """Returns an UpdateExpression, read.

    Raises:
        ValidationError: it is none that DynamoDB takes.
    """
    reader = Reader("UpdateExpression", text, placeholders)
    found = Update([], [], [], [])
    seen: set[str] = set()
    while reader.peek():
        section = reader.take_if(*SECTIONS)
        if not section:
            reader.fail_here()
        if section in seen:
            reader.fail(f'The "{section}" section can only be used once in an update expression;')
        seen.add(section)
        _section(reader, section, found)
        while reader.take_if(","):
            _section(reader, section, found)
    check_overlaps(reader, found.paths)
    return found


def _section(reader: Reader, section: str, found: Update) -> None:
    path = reader.path()
    match section:
        case "SET":
            reader.expect("=")
            found.sets.append((path, _assigned(reader)))
        case "REMOVE":
            found.removed.append(path)
        case "ADD":
            found.added.append((_top_level(reader, path, section), _literal(reader, section, ("N", *SETS))))
        case _:
            found.deleted.append((_top_level(reader, path, section), _literal(reader, section, SETS)))


def _top_level(reader: Reader, path: Path, section: str) -> Path:
    if len(path) > 1:
        reader.fail(f"{section} can only be used on top-level attributes, not nested attributes;")
    return path


def _literal(reader: Reader, section: str, tags: tuple[str, ...]) -> Tagged:
    if reader.kind_of_next() != "value":
        reader.fail_here()
    value = reader.value()
    (tag,) = value
    if tag not in tags:
        reader.fail("Incorrect operand type for operator or function; operator: "
                    f"{section}, operand type: {TYPE_NAMES[tag]}")  # fmt: skip
    return value


def _assigned(reader: Reader) -> Value:
    left = _operand(reader)
    sign = reader.take_if("+", "-")
    if not sign:
        return left
    right = _operand(reader)
    return lambda item: _arithmetic(left(item), sign, right(item))


def _operand(reader: Reader) -> Value:
    if reader.take_if("("):
        reader.deeper()
        inner = _assigned(reader)
        reader.expect(")")
        reader.shallower()
        return inner
    if reader.kind_of_next() == "value":
        literal = reader.value()
        return lambda _: literal
    if reader.kind_of_next() == "word" and reader.peek(1) == "(":
        return _function(reader)
    path = reader.path()
    return lambda item: _there(item, path)


def _function(reader: Reader) -> Value:
    name = reader.take()
    reader.deeper()
    reader.expect("(")
    if name == "if_not_exists":
        path = reader.path()
        reader.expect(",")
        default = _operand(reader)
        result: Value = lambda item: found if (found := at_path(item, path)) is not None else default(item)  # noqa: E731
    elif name == "list_append":
        first = _operand(reader)
        reader.expect(",")
        second = _operand(reader)
        result = lambda item: _appended(first(item), second(item))  # noqa: E731
    else:
        reader.fail(f"Invalid function name; function: {name}")
    reader.expect(")")
    reader.shallower()
    return result


def _there(item: Item, path: Path) -> Tagged:
    found = at_path(item, path)
    if found is None:
        raise ValidationError(NOT_THERE)
    return found


def _arithmetic(left: Tagged, sign: str, right: Tagged) -> Tagged:
    if "N" not in left or "N" not in right:
        raise ValidationError(WRONG_TYPE)
    one, other = Decimal(left["N"]), Decimal(right["N"])
    return {"N": encode_number(number(_exactly(one, other if sign == "+" else -other)))}


def _exactly(one: Decimal, other: Decimal) -> Decimal:
    """Adds without rounding, so that a sum with too many digits is seen to have them."""
    with decimal.localcontext() as context:
        context.prec = 400
        return one + other


def _appended(first: Tagged, second: Tagged) -> Tagged:
    if "L" not in first or "L" not in second:
        raise ValidationError(WRONG_TYPE)
    return {"L": [*first["L"], *second["L"]]}


def _sum(value: Tagged | None, more: Tagged) -> Tagged:
    if value is None:
        return more
    if value.keys() != more.keys():
        raise ValidationError(WRONG_TYPE)
    if "N" in more:
        return _arithmetic(value, "+", more)
    (tag,) = more
    return {tag: sorted({*value[tag], *more[tag]})}


def _difference(value: Tagged | None, less: Tagged) -> Tagged | None:
    if value is None:
        return None
    if value.keys() != less.keys():
        raise ValidationError(WRONG_TYPE)
    (tag,) = less
    left = [one for one in value[tag] if one not in less[tag]]
    return {tag: left} if left else None


def _holder(item: dict[str, Any], path: Path) -> Any:
    """Returns the map or list that holds what a path names, to be changed; None where there is none of its kind."""
    holder: Any = item
    for part, following in itertools.pairwise(path):
        value = element(holder, part)
        holder = None if value is None else value.get("M" if isinstance(following, str) else "L")
        if holder is None:
            return None
    return holder


def _put(item: dict[str, Any], path: Path, content: Tagged) -> None:
    holder, last = _holder(item, path), path[-1]
    if holder is None:
        raise ValidationError(WRONG_PATH)
    if isinstance(last, str) or last < len(holder):
        holder[last] = content
    else:
        holder.append(content)


def _remove(item: dict[str, Any], path: Path) -> None:
    holder, last = _holder(item, path), path[-1]
    if holder is None:
        raise ValidationError(WRONG_PATH)
    if isinstance(last, str):
        holder.pop(last, None)
    elif last < len(holder):
        del holder[last]


def _from_the_end(path: Path) -> list[tuple[int, str | int]]:
    return [(isinstance(part, int), part) for part in path]
