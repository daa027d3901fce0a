"""What the configuration refers to: from an expression to resources, through modules, variables and ``for_each``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.deploy.doctor.resource import mapping, sequence

_KEY = r'\[(?:"(?:[^"\\]|\\.)*"|\d+)\]'
_RESOURCE = re.compile(rf"((?:data\.)?[a-z][a-z0-9_]*\.[A-Za-z_][\w-]*)({_KEY})?")
_MODULE = re.compile(rf"module\.([\w-]+)(?:{_KEY})?\.([\w-]+)")
_HARMLESS = ("path.", "terraform.", "count.", "self.", "each.key")
DEPTH_LIMIT = 20


class Reference(msgspec.Struct, frozen=True):
    """A resource of the configuration that an expression speaks of.

    Attributes:
        address: without keys.
        key: of one instance, with its brackets; empty for all.
    """

    address: str
    key: str = ""


class Referred(msgspec.Struct, frozen=True):
    """Everything that an expression refers to.

    Attributes:
        is_whole: False when some of it cannot be followed, such as a local value.
    """

    found: frozenset[Reference] = frozenset()
    is_whole: bool = True

    def __or__(self, other: Referred) -> Referred:
        return Referred(self.found | other.found, self.is_whole and other.is_whole)


NOTHING = Referred()
LOST = Referred(is_whole=False)


class _Module(msgspec.Struct, frozen=True):
    prefix: str
    body: Mapping[str, Any]
    call: Mapping[str, Any]
    parent: str | None


class Configuration:
    """The configuration part of a plan.

    Args:
        document: the plan's ``configuration``; anything else counts as empty.
    """

    def __init__(self, document: Any) -> None:
        self._modules: dict[str, _Module] = {}
        self._resources: dict[str, tuple[str, Mapping[str, Any]]] = {}
        root = mapping(mapping(document).get("root_module"))
        self._enter(root, "", {}, None, 0)

    def expressions(self, configured_at: str) -> Mapping[str, Any] | None:
        """Returns a resource's arguments as written; None when they are not at hand."""
        found = self._resources.get(configured_at)
        return None if found is None else mapping(found[1].get("expressions"))

    def refer(self, configured_at: str, *path: str) -> Referred:
        """Returns what an argument of a resource refers to.

        Args:
            path: names of nested blocks, then of the argument.
        """
        found = self._resources.get(configured_at)
        if found is None:
            return LOST
        module, body = found
        return self._follow_all(_references(body.get("expressions"), path), module, body, 0)

    def _enter(
        self, body: Mapping[str, Any], prefix: str, call: Mapping[str, Any], parent: str | None, depth: int
    ) -> None:
        self._modules[prefix] = _Module(prefix, body, call, parent)
        for one in sequence(body.get("resources")):
            if isinstance(one, Mapping) and isinstance(one.get("address"), str):
                self._resources[prefix + one["address"]] = (prefix, one)
        if depth >= DEPTH_LIMIT:
            return
        for name, inner in mapping(body.get("module_calls")).items():
            if isinstance(inner, Mapping):
                self._enter(mapping(inner.get("module")), f"{prefix}module.{name}.", inner, prefix, depth + 1)

    def _follow_all(self, words: Iterator[str], module: str, body: Mapping[str, Any], depth: int) -> Referred:
        total, specific = NOTHING, set[str]()
        for word in words:
            # Terraform names the whole path first, then every shorter one that it goes through.
            if any(longer.startswith((f"{word}.", f"{word}[")) for longer in specific):
                continue
            specific.add(word)
            total |= self._follow(word, module, body, depth)
        return total

    def _follow(self, word: str, module: str, body: Mapping[str, Any], depth: int) -> Referred:
        if depth > DEPTH_LIMIT:
            return LOST
        if word.startswith("each."):
            return self._follow_all(_references(body, ("for_each_expression",)), module, {}, depth + 1)
        if word.startswith(_HARMLESS):
            return NOTHING
        if word.startswith("var."):
            return self._variable(re.split(r"[.\[]", word)[1], module, depth)
        if word.startswith("module."):
            return self._output(word, module, depth)
        match = _RESOURCE.match(word)
        if match and module + match[1] in self._resources:
            return Referred(frozenset({Reference(module + match[1], match[2] or "")}))
        return LOST

    def _variable(self, name: str, module: str, depth: int) -> Referred:
        here = self._modules[module]
        if here.parent is None:
            return NOTHING
        words = _references(here.call.get("expressions"), (name,))
        return self._follow_all(words, here.parent, here.call, depth + 1)

    def _output(self, word: str, module: str, depth: int) -> Referred:
        match = _MODULE.match(word)
        inner = f"{module}module.{match[1]}." if match else None
        if match is None or inner not in self._modules:
            return LOST
        output = mapping(mapping(self._modules[inner].body.get("outputs")).get(match[2]))
        return self._follow_all(_references(output, ("expression",)), inner, {}, depth + 1)


def _references(expression: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yields the references of an expression, or of the blocks below it."""
    if path and isinstance(expression, Mapping):
        yield from _references(expression.get(path[0]), path[1:])
    elif isinstance(expression, list):
        for one in expression:
            yield from _references(one, path)
    elif isinstance(expression, Mapping):
        own = expression.get("references")
        if isinstance(own, list):
            yield from (word for word in own if isinstance(word, str))
        else:
            for one in expression.values():
                yield from _references(one, ())
