"""Workflow variables: what ``Assign`` sets, and who can see it.

https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html. The states of one ``States`` field share a
scope. A branch of a Parallel and an iteration of a Map have scopes of their own, which can read the outer ones and
assign none of their names; a distributed Map's iterations read none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from penstock.states.failures import DATA_LIMIT_EXCEEDED, RUNTIME, StateFailedError
from penstock.states.missing import Missing
from penstock.states.paths import Resolve, compile_path, path_mistake

VARIABLE_LIMIT_BYTES = ASSIGN_LIMIT_BYTES = 256 * 1024
EXECUTION_LIMIT_BYTES = 10 * 1024 * 1024
NAME_LIMIT_CHARACTERS = 80
RESERVED = frozenset({"states"})

START_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"})
CONTINUE_CATEGORIES = START_CATEGORIES | {"Mn", "Mc", "Nd", "Pc"}
# Unicode's Other_ID_Start and Other_ID_Continue: what identifiers kept when a character's category changed.
OTHER_START = frozenset("\u1885\u1886\u2118\u212e\u309b\u309c")
OTHER_CONTINUE = OTHER_START | frozenset(
    "\u00b7\u0387\u1369\u136a\u136b\u136c\u136d\u136e\u136f\u1370\u1371\u19da\u200c\u200d\u30fb\uff65"
)
# Letters of which Unicode says that patterns have them for themselves.
NEVER = frozenset("\u2e2f")

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables of one running machine: the whole, a branch or an iteration. It never changes.

    Attributes:
        values: this scope's own variables.
        outer: the scope around it, if it can be read.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    outer: Scope | None = None
    _sizes: Mapping[str, int] = field(default_factory=dict)

    def inner(self) -> Scope:
        """Returns the empty scope of a Parallel's branch or a Map's iteration in here."""
        return Scope(outer=self)

    def distributed(self) -> Scope:
        """Returns the empty scope of a distributed Map's iteration in here: it sees nothing of this one."""
        return Scope()

    def assign(self, values: Mapping[str, Any], *, elsewhere_bytes: int = 0) -> Scope:
        """Returns the scope with variables set. The values were all evaluated before: none of them sees another.

        Args:
            elsewhere_bytes: what variables of the execution's other scopes take, those around this one not counted.

        Raises:
            StateFailedError: States.DataLimitExceeded for what is too large, States.Runtime for a name that cannot be
                assigned here; a definition that lint accepts has none of those.
        """
        for name in values:
            mistake = name_mistake(name)
            if mistake is None and self.outer is not None and name in self.outer.names():
                mistake = f"the variable {_shown(name)} belongs to an outer scope"
            if mistake is not None:
                raise StateFailedError(RUNTIME, f"The variable cannot be assigned: {mistake}")
        sizes = {name: size_bytes(name, value) for name, value in values.items()}
        assigned = Scope({**self.values, **values}, self.outer, {**self._sizes, **sizes})
        if sum(sizes.values()) > ASSIGN_LIMIT_BYTES:
            raise StateFailedError(
                DATA_LIMIT_EXCEEDED,
                f"The variables of one Assign field are larger than {ASSIGN_LIMIT_BYTES} bytes together.",
            )
        if assigned.total_bytes() + elsewhere_bytes > EXECUTION_LIMIT_BYTES:
            raise StateFailedError(
                DATA_LIMIT_EXCEEDED, f"The variables of the execution are larger than {EXECUTION_LIMIT_BYTES} bytes."
            )
        return assigned

    def visible(self) -> dict[str, Any]:
        """Returns every variable that can be read here."""
        seen = {} if self.outer is None else self.outer.visible()
        seen.update(self.values)
        return seen

    def names(self) -> frozenset[str]:
        """Returns the names that have values here or around."""
        return frozenset(self.values) | (frozenset() if self.outer is None else self.outer.names())

    def own_bytes(self) -> int:
        """Returns what this scope's own values take."""
        return sum(self._sizes.values())

    def total_bytes(self) -> int:
        """Returns what this scope's values take, and those around."""
        return self.own_bytes() + (0 if self.outer is None else self.outer.total_bytes())


NO_VARIABLES = Scope()


def restored(values: Mapping[str, Any], outer: Scope | None = None) -> Scope:
    """Returns a scope with values that were assigned before, as a snapshot kept them."""
    return Scope(dict(values), outer, {name: size_bytes(name, value) for name, value in values.items()})


def size_bytes(name: str, value: Any) -> int:
    """Returns what a value takes as JSON in UTF-8.

    Raises:
        StateFailedError: it is more than a variable may take.
    """
    try:
        size = len(_encode(value))
    except (RecursionError, OverflowError, ValueError, TypeError) as error:
        raise StateFailedError(DATA_LIMIT_EXCEEDED, f"The variable {_shown(name)} cannot be kept as JSON.") from error
    if size > VARIABLE_LIMIT_BYTES:
        raise StateFailedError(
            DATA_LIMIT_EXCEEDED, f"The variable {_shown(name)} is larger than {VARIABLE_LIMIT_BYTES} bytes."
        )
    return size


# -- names ----------------------------------------------------------------------------------------------------------


def name_mistake(name: Any) -> str | None:
    """Returns why a text cannot name a variable, or None. Unicode Standard Annex 31, without its extensions."""
    if not isinstance(name, str) or not name:
        return "a variable has a name"
    if name in RESERVED:
        return f"${name} is reserved"
    if len(name) > NAME_LIMIT_CHARACTERS:
        return f"the variable name {_shown(name)} is longer than {NAME_LIMIT_CHARACTERS} characters"
    if any(character in name for character in ".[]"):
        return f"{_shown(name)} is a part of a variable: only a whole variable can be assigned"
    if not _starts(name[0]):
        return f"the variable name {_shown(name)} does not begin with a letter"
    if not all(map(_continues, name)):
        return f"the variable name {_shown(name)} has a character that is no letter, digit or underscore"
    return None


def _starts(character: str) -> bool:
    return (unicodedata.category(character) in START_CATEGORIES and character not in NEVER) or character in OTHER_START


def _continues(character: str) -> bool:
    in_category = unicodedata.category(character) in CONTINUE_CATEGORIES and character not in NEVER
    return in_category or character in OTHER_CONTINUE


def _shown(name: str) -> str:
    text = name[:NAME_LIMIT_CHARACTERS]
    return f"'{text}'" if text == name else f"'{text}…'"


def assigned_names(assign: Any, *, jsonpath: bool) -> list[str]:
    """Returns the names that an Assign field sets, as they are after ``.$`` has been taken off."""
    if not isinstance(assign, dict):
        return []
    return [name.removesuffix(".$") if jsonpath else name for name in assign]


def assign_mistakes(
    assign: Any, outer_names: Collection[str] = (), *, jsonpath: bool = False
) -> Iterator[tuple[str, str]]:
    """Yields (field, mistake) for the names of an Assign field.

    Args:
        outer_names: what any state of the scopes around assigns, whether or not it runs before.
        jsonpath: the state's query language, in which a field may end in ``.$``.
    """
    if not isinstance(assign, dict):
        yield "", "Assign is an object: a field for each variable"
        return
    seen: set[str] = set()
    for written, name in zip(assign, assigned_names(assign, jsonpath=jsonpath), strict=True):
        mistake = name_mistake(name)
        if mistake is None and name in outer_names:
            mistake = f"the variable {_shown(name)} is assigned in an outer scope too"
        if mistake is None and name in seen:
            mistake = f"the variable {_shown(name)} is assigned twice"
        seen.add(name)
        if mistake is not None:
            yield written, mistake


# -- in JSONPath states ---------------------------------------------------------------------------------------------


def variable_reference(text: Any) -> tuple[str, str] | None:
    """Returns the variable that a path begins with and the path into its value: ``$order.items`` is order, $.items.

    None if it begins with ``$.``, ``$[`` or ``$$`` or is no path at all.
    """
    if not isinstance(text, str) or len(text) < 2 or text[0] != "$" or not _starts(text[1]):
        return None
    end = 1
    while end < len(text) and _continues(text[end]):
        end += 1
    return text[1:end], f"${text[end:]}"


def reference_mistake(text: Any) -> str | None:
    """Returns what is wrong with a path that begins with a variable, or None."""
    reference = variable_reference(text)
    if reference is None:
        return "a variable is written `$` and its name"
    name, path = reference
    if name in RESERVED:
        return f"${name} is there in JSONata alone; a path takes the context from `$$`"
    return name_mistake(name) or (None if path == "$" else path_mistake(path))


def compile_reference(text: str, missing: Missing) -> Callable[[Mapping[str, Any]], Any]:
    """Returns a function of variables that finds what a checked path in a variable names.

    Args:
        missing: makes the error of a path that finds nothing, or of a variable without a value.
    """
    reference = variable_reference(text)
    if reference is None:
        raise ValueError(f"no variable: {text!r}")
    name, path = reference
    if path == "$":
        found: Resolve = lambda value, context: value  # noqa: E731
    else:
        found = compile_path(path, lambda _, value: missing(text, value))

    def find(variables: Mapping[str, Any]) -> Any:
        if name not in variables:
            raise missing(text, dict(variables))
        return found(variables[name], None)

    return find
