"""How data flow through a state: what its work begins with, what it gives on, and which variables it sets.

In JSONPath: InputPath and Parameters; then ResultSelector, ResultPath and OutputPath. In JSONata: Arguments; then
Output. Both: Assign. https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.states import jsonata
from penstock.states.choice import is_number
from penstock.states.missing import in_field, of_wait
from penstock.states.paths import Resolve, compile_reference_path, compile_result_path
from penstock.states.templates import compile_any_path, compile_path_or_call, compile_template
from penstock.states.variables import variable_reference

Finish = Callable[[Any, Any, Any], Any]
"""A function of (the state's input, its result, its surroundings)."""

# States whose result is their output where no Output says otherwise; the others pass their input on.
RESULTING = frozenset({"Task", "Parallel", "Map"})


class JsonPathFlow:
    """The fields of a JSONPath state, compiled."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self._kind = body["Type"]

    def begin(self) -> Resolve:
        """Returns what makes the effective input of a state's input."""
        found = compile_any_path(self._body.get("InputPath", "$"))
        # A Map's Parameters are for each item.
        template = None if self._kind == "Map" else self.template("Parameters")
        if template is None:
            return found
        return lambda value, around: template(found(value, around), around)

    def finish(self) -> Finish:
        """Returns what makes the output of a state's input and result."""
        select, place = self.template("ResultSelector"), compile_result_path(self._body.get("ResultPath", "$"))
        output = compile_any_path(self._body.get("OutputPath", "$"))

        def finished(value: Any, result: Any, around: Any) -> Any:
            chosen = result if select is None else select(result, around)
            return output(place(value, chosen), around)

        return finished

    def branch(self, rule: dict[str, Any], number: int) -> tuple[Finish | None, Finish | None]:
        """Returns a choice rule's own output, which JSONPath has none of, and its variables."""
        return None, _assign_of_result(rule)

    def caught(self, catcher: dict[str, Any], number: int) -> tuple[Finish, Finish | None]:
        """Returns a catcher's output and variables; the result is the error's description."""
        place = compile_result_path(catcher.get("ResultPath", "$"))
        return (lambda value, error, around: place(value, error)), _assign_of_result(catcher)

    def assign(self) -> Finish | None:
        """Returns the variables of a state; ``$`` is its result, or the effective input where it has none."""
        return _assign_of_result(self._body)

    def template(self, name: str) -> Resolve | None:
        """Returns a payload template, or None."""
        return compile_template(self._body[name]) if name in self._body else None

    def filled(self, template: Any, place: str) -> Resolve:
        """Returns what fills a template inside of a field."""
        return compile_template(template)

    def setting(self, name: str, value: Any, place: str) -> Resolve:
        """Returns a setting inside of a field: a constant, or what a path names if its own name ends in ``Path``."""
        return compile_any_path(value, in_field(name)) if name.endswith("Path") else lambda given, around: value

    def field(self, name: str, *, calls: bool = False) -> Resolve | None:
        """Returns ``Name`` as a constant, or what ``NamePath`` names after InputPath; None if there is neither."""
        if name in self._body:
            constant = self._body[name]
            return lambda value, around: constant
        path = self._body.get(f"{name}Path")
        if path is None:
            return None
        missing = of_wait(f"{name}Path") if name in {"Seconds", "Timestamp"} else in_field(f"{name}Path")
        found = compile_any_path(self._body.get("InputPath", "$"))
        named = compile_path_or_call(path, missing) if calls else compile_any_path(path, missing)
        return lambda value, around: named(found(value, around), around)

    def items(self) -> Resolve:
        """Returns what finds a Map's items in its effective input."""
        path = self._body.get("ItemsPath", "$")
        return compile_any_path(path) if variable_reference(path) is not None else compile_reference_path(path)

    def selector(self) -> Resolve | None:
        """Returns what makes an iteration's input of the Map's effective input."""
        return self.template("ItemSelector") or (self.template("Parameters") if self._kind == "Map" else None)


class JsonataFlow:
    """The fields of a JSONata state: each is evaluated when it is needed."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self._kind = body["Type"]

    def begin(self) -> Resolve:
        """Returns what makes the arguments of a state's input."""
        return self.template("Arguments") or (lambda value, around: value)

    def finish(self) -> Finish:
        """Returns what makes the output of a state's input and result."""
        if "Output" in self._body:
            return _of_result(self._body["Output"], "Output", has_result=self._kind in RESULTING)
        is_resulting = self._kind in RESULTING
        return lambda value, result, around: result if is_resulting else value

    def branch(self, rule: dict[str, Any], number: int) -> tuple[Finish | None, Finish | None]:
        """Returns a choice rule's own output and variables; ``number`` is its place among the rules."""
        output, assign = (
            _of_result(rule[name], f"Choices[{number}]/{name}", has_result=False) if name in rule else None
            for name in ("Output", "Assign")
        )
        return output, assign

    def caught(self, catcher: dict[str, Any], number: int) -> tuple[Finish, Finish | None]:
        """Returns a catcher's output and variables; the result is the error's description."""
        output, assign = (
            _of_error(catcher[name], f"Catch[{number}]/{name}") if name in catcher else None
            for name in ("Output", "Assign")
        )
        return output or (lambda value, error, around: error), assign

    def assign(self) -> Finish | None:
        """Returns the variables of a state."""
        if "Assign" not in self._body:
            return None
        return _of_result(self._body["Assign"], "Assign", has_result=self._kind in RESULTING)

    def template(self, name: str) -> Resolve | None:
        """Returns what evaluates a field's expressions, or None."""
        if name not in self._body:
            return None
        template = self._body[name]
        return lambda value, around: jsonata.evaluate(template, around.bindings(value), place=name)

    def filled(self, template: Any, place: str) -> Resolve:
        """Returns what evaluates the expressions in a part of a field."""
        return lambda value, around: jsonata.evaluate(template, around.bindings(value), place=place)

    def setting(self, name: str, value: Any, place: str) -> Resolve:
        """Returns a setting inside of a field, which may be an expression."""
        return self.filled(value, place)

    def field(self, name: str, *, calls: bool = False) -> Resolve | None:
        """Returns a field's value, or what its expression gives; None if there is no such field."""
        if name not in self._body:
            return None
        template = self._body[name]
        accepts, kind = (_is_text, "string") if name in TEXTS else (is_number, "number")
        return lambda value, around: jsonata.evaluate(
            template, around.bindings(value), place=name, accepts=accepts, kind=kind
        )

    def items(self) -> Resolve:
        """Returns what gives a Map's items; its input, where Items says nothing."""
        if "Items" not in self._body:
            return lambda value, around: value
        template = self._body["Items"]
        return lambda value, around: jsonata.evaluate(
            template,
            around.bindings(value),
            place="Items",
            accepts=_has_items,
            kind="array",
        )

    def selector(self) -> Resolve | None:
        """Returns what makes an iteration's input of the Map's input."""
        return self.template("ItemSelector")


TEXTS = frozenset({"Error", "Cause", "Timestamp"})
Flow = JsonPathFlow | JsonataFlow


def _has_items(value: Any) -> bool:
    return isinstance(value, list | dict)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _assign_of_result(body: dict[str, Any]) -> Finish | None:
    if "Assign" not in body:
        return None
    template = compile_template(body["Assign"])
    return lambda value, result, around: template(result, around)


def _of_result(template: Any, place: str, *, has_result: bool) -> Finish:
    if has_result:
        return lambda value, result, around: jsonata.evaluate(
            template, around.bindings(value, result=result), place=place
        )
    return lambda value, result, around: jsonata.evaluate(template, around.bindings(value), place=place)


def _of_error(template: Any, place: str) -> Finish:
    return lambda value, error, around: jsonata.evaluate(
        template, around.bindings(value, errorOutput=error), place=place
    )
