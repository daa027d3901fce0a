"""What a record's type lets pass and no column can hold: NaN, whole numbers beyond 64 bits, decimals too long.

The check is compiled once a type, and visits only the fields that could fail it.
"""

from __future__ import annotations

import decimal
import functools
import math
import re
import typing
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import msgspec

from penstock.model.column_types import ColumnType
from penstock.model.schema import SCALARS, unwrap

# Takes a value and its path; returns what is wrong with it.
Check = Callable[[Any, str], str | None]
MIN_BIGINT, MAX_BIGINT = -(2**63), 2**63 - 1


def misfit(record: Any) -> Callable[[Any], str | None]:
    """Returns the check of a type: it takes a record and says why no row can hold it, or None.

    A type that has no columns is checked for numbers that are not finite only.
    """
    return _misfit(record)


def not_finite(value: Any, path: str = "$") -> str | None:
    """Returns the path of the first NaN or infinity in a value, or None."""
    if isinstance(value, float):
        return None if math.isfinite(value) else path
    if isinstance(value, msgspec.Struct):
        children: Iterable[tuple[str, Any]] = ((f"{path}.{n}", getattr(value, n)) for n in value.__struct_fields__)
    elif isinstance(value, dict):
        children = ((f"{path}.{key}", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        children = ((f"{path}[{number}]", item) for number, item in enumerate(value))
    else:
        return None
    try:
        return next((found for where, item in children if (found := not_finite(item, where))), None)
    except RecursionError:
        return path


@functools.lru_cache(maxsize=256)
def _misfit(record: Any) -> Callable[[Any], str | None]:
    try:
        check = _compile(record)
    except TypeError:
        check = _generic
    if check is None:
        return lambda _: None
    return functools.partial(_checked, check)


def _checked(check: Check, record: Any) -> str | None:
    try:
        return check(record, "$")
    except (TypeError, AttributeError, ArithmeticError) as error:
        # A default or a record that was made here is of any type.
        return f"a value is not of its field's type: {error}"


def _generic(value: Any, path: str) -> str | None:
    found = not_finite(value, path)
    return None if found is None else f"the number at {found} is not finite"


def _whole(value: Any, path: str) -> str | None:
    return None if MIN_BIGINT <= value <= MAX_BIGINT else f"the whole number at {path} has more than 64 bits"


def _real(value: Any, path: str) -> str | None:
    return None if math.isfinite(value) else f"the number at {path} is not finite"


def _compile(annotation: Any) -> Check | None:
    plain, precision, nullable = unwrap(annotation)
    check = _of_type(plain) if plain is not decimal.Decimal else _of_decimal(precision.type if precision else None)
    if check is None or not nullable:
        return check
    inner = check
    return lambda value, path: None if value is None or value is msgspec.UNSET else inner(value, path)


def _of_type(plain: Any) -> Check | None:
    if plain is int:
        return _whole
    if plain is float:
        return _real
    arguments = [one for one in typing.get_args(plain) if one is not Ellipsis]
    origin = typing.get_origin(plain) or plain
    if origin in {list, tuple, set, frozenset} and arguments:
        return _of_elements(_compile(arguments[0]))
    if origin is dict and arguments:
        return _of_map(_compile(arguments[0]), _compile(arguments[1]))
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        return _of_struct(plain)
    if plain in SCALARS or origin is typing.Literal or (isinstance(plain, type) and issubclass(plain, Enum)):
        return None
    return _generic


def _of_struct(record: type[msgspec.Struct]) -> Check | None:
    fields = [(one.name, one.encode_name, _compile(one.type)) for one in msgspec.structs.fields(record)]
    checks = [(name, f".{shown}", check) for name, shown, check in fields if check is not None]
    if not checks:
        return None

    reals = [name for name, _, check in checks if check is _real]
    others = [(name, check) for name, _, check in checks if check is not _real]

    def is_fitting(value: Any) -> bool:
        """Tells, fast, of most values that they fit; False where it has to be looked at."""
        try:
            for name in reals:
                held = getattr(value, name)
                if held is not None and not math.isfinite(held):
                    return False
            for name, check in others:
                held = getattr(value, name)
                if held is not None and check(held, "") is not None:
                    return False
        except (TypeError, AttributeError, ArithmeticError):
            return False
        return True

    def check_struct(value: Any, path: str) -> str | None:
        if is_fitting(value):
            return None
        for name, shown, check in checks:
            held = getattr(value, name)
            # A default may be null whatever the field's type.
            if held is not None and (found := check(held, path + shown)) is not None:
                return found
        return None

    return check_struct


def _of_elements(check: Check | None) -> Check | None:
    if check is None:
        return None

    def check_elements(value: Any, path: str) -> str | None:
        found = (check(item, f"{path}[{number}]") for number, item in enumerate(value))
        return next((one for one in found if one is not None), None)

    return check_elements


def _of_map(key_check: Check | None, check: Check | None) -> Check | None:
    if key_check is None and check is None:
        return None
    are_reals = key_check is None and check is _real

    def check_map(value: Any, path: str) -> str | None:
        if are_reals and all(map(math.isfinite, value.values())):
            return None
        for key, item in value.items():
            found = key_check(key, f"{path}.{key}") if key_check else None
            found = found or (check(item, f"{path}.{key}") if check else None)
            if found:
                return found
        return None

    return check_map


def _of_decimal(text: str | None) -> Check:
    digits, scale = ColumnType(text or SCALARS[decimal.Decimal]).digits
    before_point = f"\\d{{1,{digits - scale}}}" if digits > scale else "0"
    is_short = re.compile(rf"-?{before_point}(?:\.\d{{0,{scale}}})?").fullmatch

    def check_decimal(value: Any, path: str) -> str | None:
        if type(value) is decimal.Decimal and is_short(str(value)):
            return None
        if not value.is_finite():
            return f"the number at {path} is not finite"
        _, shown, exponent = value.as_tuple()
        if not value:
            return None
        # Zeros at the end take no place after the point.
        while exponent < 0 and shown[-1] == 0:
            shown, exponent = shown[:-1], exponent + 1
        if -exponent > scale or len(shown) + exponent > digits - scale:
            return f"the number at {path} does not fit decimal({digits},{scale})"
        return None

    return check_decimal
