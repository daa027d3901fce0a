"""Every function that an expression can call: the library's, those that replace some of them, and AWS's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from penstock.states.jsonata import aws, formats
from penstock.states.jsonata import functions as replaced
from penstock.states.jsonata.library import Builtin, Jsonata, Utils
from penstock.states.jsonata.operators import copied, strict
from penstock.states.jsonata.values import EXACT

if TYPE_CHECKING:
    FrameBase: Any = object
    FunctionBase: Any = object
else:
    FrameBase, FunctionBase = Jsonata.Frame, Jsonata.JFunction


class Frame(FrameBase):  # type: ignore[misc]
    """Names and their values. Functions keep their own names whatever they are bound to: they are everybody's."""

    bindings: dict[str, Any]

    def bind(self, name: str, val: Any) -> None:
        """Gives a name a value."""
        self.bindings[name] = val

    def lookup(self, name: str) -> Any:
        """Returns a name's value from here or the frames around."""
        frame: Any = self
        while frame is not None:
            if name in frame.bindings:
                return frame.bindings[name]
            frame = frame.parent
        return None


class Native(FunctionBase):  # type: ignore[misc]
    """A function written in Python. A call takes work in proportion to what it is given."""

    signature: Any

    def __init__(self, name: str, function: Callable[..., Any], signature: str | None, arity: int) -> None:
        super().__init__(None, signature)
        self.function = function
        self.function_name = name
        self._arity = arity
        if self.signature is not None:
            self.signature.set_function_name(name)
            self.signature = strict(self.signature)

    def call(self, input: Any, args: Sequence[Any]) -> Any:  # noqa: A002
        """Calls it with checked arguments."""
        size = sum(len(value) for value in args if isinstance(value, str | list | dict))
        replaced.run().spend(1 + (size >> 2))
        result = self.function(*args)
        if isinstance(result, float) and abs(result) <= EXACT:
            return Utils.convert_number(result)
        return result

    def get_number_of_args(self) -> int:
        """Returns how many parameters it has."""
        return self._arity


def _now(picture: Any, timezone: Any) -> Any:
    return Builtin.datetime_from_millis(replaced.run().millis, picture, timezone)


def _lowercase(text: Any) -> Any:
    return None if text is None else text.lower()


def _clone(value: Any) -> Any:
    return None if value is None else copied(value, replaced.run())


def _millis() -> int:
    return replaced.run().millis


def base_frame() -> Frame:
    """Returns the frame of all functions. ``$eval`` is none of them."""
    frame = Frame(None)
    for name, builtin in Jsonata.static_frame.bindings.items():
        native = Native(name, _calls(builtin), None, builtin.get_number_of_args())
        native.signature = strict(builtin.signature)
        frame.bind(name, native)
    made: dict[str, tuple[Callable[..., Any], str]] = {
        "partition": (aws.partition, "<an:a>"), "range": (aws.range_, "<nnn:a>"),
        "hash": (aws.hash_, "<ss:s>"), "random": (aws.random, "<n?:n>"),
        "uuid": (aws.uuid_, "<:s>"), "parse": (aws.parse, "<s:x>"),
        "string": (replaced.string, "<x-b?:s>"), "pad": (replaced.pad, "<s-ns?:s>"),
        "join": (replaced.join, "<a<s>s?:s>"), "split": (replaced.split, "<s-(sf)n?:a<s>>"),
        "match": (replaced.match, "<s-f<s:o>n?:a<o>>"),
        "contains": (replaced.contains, "<s-(sf):b>"), "replace": (replaced.replace, "<s-(sf)(sf)n?:s>"),
        "lowercase": (_lowercase, "<s-:s>"),
        "number": (replaced.number, "<(nsb)-:n>"), "power": (replaced.power, "<n-n:n>"),
        "round": (replaced.round_, "<n-n?:n>"), "formatInteger": (formats.format_integer, "<n-s:s>"),
        "formatNumber": (formats.pictured(formats.format_number), "<n-so?:s>"),
        "formatBase": (formats.format_base, "<n-n?:s>"),
        "base64decode": (replaced.base64decode, "<s-:s>"),
        "decodeUrl": (replaced.decode_url, "<s-:s>"),
        "decodeUrlComponent": (replaced.decode_url_component, "<s-:s>"),
        "parseInteger": (formats.pictured(Builtin.parse_integer), "<s-s:n>"),
        "fromMillis": (formats.pictured(Builtin.datetime_from_millis), "<n-s?s?:s>"),
        "toMillis": (formats.to_millis, "<s-s?:n>"),
        "now": (formats.pictured(_now), "<s?s?:s>"), "millis": (_millis, "<:n>"),
        "distinct": (replaced.distinct, "<x:x>"), "shuffle": (replaced.shuffle, "<a:a>"),
        "sort": (replaced.sort, "<af?:a>"), "spread": (replaced.spread, "<x-:a<o>>"),
        "clone": (_clone, "<(oa)-:o>"),
    }  # fmt: skip
    for name, (function, signature) in made.items():
        frame.bind(name, Native(name, function, signature, len(inspect.signature(function).parameters)))
    frame.bind("eval", None)
    return frame


def _calls(builtin: Any) -> Callable[..., Any]:
    return lambda *arguments: builtin.call(None, arguments)


BASE = base_frame()
