"""Operators of JSONata that differ in the library from JSONata 2.0.6, or know no bounds there. https://docs.jsonata.org"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

from penstock.states.jsonata.functions import string
from penstock.states.jsonata.library import JException, Jsonata, LaxSignature, Utils
from penstock.states.jsonata.limits import ITEM_BYTES, NODE_WORK, ExpressionFailedError, Run
from penstock.states.jsonata.values import EXACT, NULL, identity, is_function

if TYPE_CHECKING:
    Base: Any = object
    SignatureBase: Any = object
else:
    Base, SignatureBase = Jsonata, LaxSignature


COSTLY_SIGNATURE = "The signature of a function leaves too many parameters open"
RANGE_LIMIT = 10_000_000
REPEATED_PARAMETERS, OPTIONAL_PARAMETERS = 2, 8


def is_costly(signature: Any) -> bool:
    """Tells whether arguments would take long to be matched to a signature, which is done by a regular expression."""
    pattern = "" if signature is None else str(getattr(signature, "_signature", ""))
    return pattern.count("+") > REPEATED_PARAMETERS or pattern.count("?") > OPTIONAL_PARAMETERS


class Signature(SignatureBase):  # type: ignore[misc]
    """The types of a function's parameters. To the library, null is as good as nothing, which fits any type."""

    def get_symbol(self, value: Any) -> Any:
        """Returns the letter of a value's type."""
        return "l" if value is NULL else super().get_symbol(value)


def strict(signature: Any) -> Any:
    """Returns a signature that takes null for what it is."""
    made = copy.copy(signature)
    if made is not None:
        made.__class__ = Signature
    return made


class Operators(Base):  # type: ignore[misc]
    """Evaluates the nodes of a syntax tree. What it is given it never changes."""

    run: Run

    def evaluate_step(self, expr: Any, input: Any, environment: Any, last_step: bool) -> Any:  # noqa: A002
        """Evaluates a step for each item."""
        if expr.type == "sort":
            return super().evaluate_step(expr, input, environment, last_step)
        found = []
        size = 0
        for item in input:
            made = self.eval(expr, item, environment)
            for stage in expr.stages or ():
                made = self.evaluate_filter(stage.expr, made, environment)
            if made is not None:
                found.append(made)
                size += len(made) if isinstance(made, list) else 1
                self.run.hold(size * ITEM_BYTES)
        if last_step and len(found) == 1 and isinstance(found[0], list) and not Utils.is_sequence(found[0]):
            return found[0]
        sequence = Utils.create_sequence()
        for made in found:
            if isinstance(made, list) and not (isinstance(made, Utils.JList) and made.cons):
                sequence.extend(made)
            else:
                sequence.append(made)
        return sequence

    def evaluate_filter(self, predicate: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Picks items by number, from the end if it is negative, or by a condition."""
        if predicate.type == "number":
            items = input if isinstance(input, list) else [] if input is None else [input]
            index = math.floor(predicate.value)
            if not -len(items) <= index < len(items):
                return Utils.create_sequence()
            return items[index] if isinstance(items[index], list) else Utils.create_sequence(items[index])
        if input is None:
            self.eval(predicate, None, environment)
            return Utils.create_sequence()
        sequence = input if isinstance(input, list) else Utils.create_sequence(input)
        results = Utils.create_sequence()
        results.tuple_stream = isinstance(sequence, Utils.JList) and sequence.tuple_stream
        for number, item in enumerate(sequence):
            frame = self.create_frame_from_tuple(environment, item) if results.tuple_stream else environment
            found = self.eval(predicate, item["@"] if results.tuple_stream else item, frame)
            if Utils.is_numeric(found):
                found = [found]
            if Utils.is_array_of_numbers(found):
                picked = [math.floor(index) for index in found]
                results.extend([item] * sum(index in {number, number - len(sequence)} for index in picked))
            elif Jsonata.boolize(found):
                results.append(item)
        return results

    def evaluate_unary(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Negates a number, or makes an array or an object."""
        if expr.value == "-":
            value = self.eval(expr.expression, input, environment)
            if value is None:
                return None
            if not Utils.is_numeric(value):
                raise JException("D1002", expr.position, None if is_function(value) else value)
            return -value
        if expr.value == "[":
            return self._array(expr, input, environment)
        return super().evaluate_unary(expr, input, environment)

    def _array(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        array = Utils.JList()
        for number, item in enumerate(expr.expressions):
            environment.is_parallel_call = number > 0
            value = self.eval(item, input, environment)
            if value is None:
                continue
            if isinstance(value, list) and str(item.value) != "[":
                array.extend(value)
            else:
                array.append(value)
            self.run.hold(len(array) * ITEM_BYTES)
        array.cons = bool(expr.consarray)
        return array

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: Any) -> Any:
        """Calculates as IEEE 754 does."""
        if lhs is not None and not Utils.is_numeric(lhs):
            raise JException("T2001", -1, op, lhs)
        if rhs is not None and not Utils.is_numeric(rhs):
            raise JException("T2002", -1, op, rhs)
        if lhs is None or rhs is None:
            return None
        result = _calculated(float(lhs), float(rhs), op)
        return int(result) if result.is_integer() and abs(result) <= EXACT else result

    def evaluate_equality_expression(self, lhs: Any, rhs: Any, op: Any) -> Any:
        """Compares two values of any type; what is undefined equals nothing."""
        if lhs is None or rhs is None:
            return False
        return (identity(lhs, self.run) == identity(rhs, self.run)) is (op == "=")

    def evaluate_includes_expression(self, lhs: Any, rhs: Any) -> bool:
        """Tells whether a value is in an array; arrays and objects are in none but as themselves."""
        items = rhs if isinstance(rhs, list) else [] if rhs is None else [rhs]
        self.run.spend(len(items) * 2)
        if lhs is None or isinstance(lhs, list | dict):
            return lhs is not None and any(item is lhs for item in items)
        return any(item == lhs and isinstance(item, bool) is isinstance(lhs, bool) for item in items)

    def evaluate_string_concat(self, lhs: Any, rhs: Any) -> str:
        """Joins two values as text."""
        left, right = string(lhs) or "", string(rhs) or ""
        self.run.make(len(left) + len(right))
        return left + right

    def evaluate_range_expression(self, lhs: Any, rhs: Any) -> Any:
        """Makes an array of integers."""
        for code, bound in (("T2003", lhs), ("T2004", rhs)):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
                raise JException(code, -1, bound)
        if lhs is None or rhs is None or lhs > rhs:
            return None
        size = rhs - lhs + 1
        if size > RANGE_LIMIT:
            raise JException("D2014", -1, size)
        self.run.make(size * ITEM_BYTES)
        return Utils.create_sequence_from_iter(range(lhs, rhs + 1))

    def evaluate_group_expression(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Makes an object. The library puts an item into an empty array that is to be grouped."""
        return super().evaluate_group_expression(expr, input if input != [] else Utils.JList(), environment)

    def evaluate_wildcard(self, expr: Any, input: Any) -> Any:  # noqa: A002
        """Finds the values of all fields."""
        found = Utils.create_sequence()
        values = input.values() if isinstance(input, dict) else input if isinstance(input, list) else ()
        for value in values:
            if isinstance(value, list):
                found.extend(self.flatten(value, None))
                found.sequence = False
            else:
                found.append(value)
            self.run.hold(len(found) * ITEM_BYTES)
        return found

    def flatten(self, arg: Any, flattened: Any) -> Any:
        """Returns the members of nested arrays."""
        flattened = [] if flattened is None else flattened
        self.run.spend(NODE_WORK)
        if isinstance(arg, list):
            for item in arg:
                self.flatten(item, flattened)
        else:
            flattened.append(arg)
        return flattened

    def recurse_descendants(self, input: Any, results: Any) -> None:  # noqa: A002
        """Finds a value and everything below it."""
        self.run.spend(NODE_WORK)
        super().recurse_descendants(input, results)

    def evaluate_lambda(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Makes a function."""
        if is_costly(expr.signature):
            raise ExpressionFailedError(COSTLY_SIGNATURE)
        procedure = super().evaluate_lambda(expr, input, environment)
        procedure.signature = strict(expr.signature)
        return procedure

    def evaluate_transform_expression(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Makes the function of ``| … | … |``."""
        function = Jsonata.JFunction(Transformer(self, expr, environment), "<(oa):o>")
        function.signature = strict(function.signature)
        function.signature.set_function_name(None)
        return function


class Transformer(Jsonata.Transformer):  # type: ignore[misc]
    """Changes a copy of a value. The library's own way of copying loses nulls."""

    def call(self, input: Any, args: Any) -> Any:  # noqa: A002
        """Returns the changed copy."""
        if args[0] is None:
            return None
        engine, expr, frame = self._jsonata, self._expr, self._environment
        result = copied(args[0], engine.run)
        found = engine.eval(expr.pattern, result, frame)
        for match in found if isinstance(found, list) else [] if found is None else [found]:
            update = engine.eval(expr.update, match, frame)
            if update is not None and not isinstance(update, dict):
                raise JException("T2011", -1, update)
            if isinstance(match, dict):
                match.update(update or {})
            elif update and not isinstance(match, list):
                raise TypeError("fields of what has none")
            if expr.delete is not None:
                self._delete(match, engine.eval(expr.delete, match, frame))
        return result

    @staticmethod
    def _delete(match: Any, names: Any) -> None:
        listed = names if isinstance(names, list) else [] if names is None else [names]
        if not Utils.is_array_of_strings(listed):
            raise JException("T2012", -1, names)
        for name in listed if isinstance(match, dict) else ():
            match.pop(name, None)


def copied(value: Any, run: Run) -> Any:
    run.spend(NODE_WORK)
    if isinstance(value, list):
        return [copied(inner, run) for inner in value]
    if isinstance(value, dict):
        return {name: copied(inner, run) for name, inner in value.items()}
    return value


def _calculated(left: float, right: float, op: str) -> float:
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    if right == 0 or math.isinf(left):
        if op == "%" or left == 0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    return left / right if op == "/" else math.fmod(left, right)
