"""Terraform's language as data, and its text as ``terraform fmt`` would leave it.

https://developer.hashicorp.com/terraform/language/syntax/configuration
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

INDENT = "  "
WIDTH = 110
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Expression(msgspec.Struct, frozen=True):
    """Terraform's own words, written as they are: ``aws_s3_bucket.lake.arn``."""

    text: str


class Template(msgspec.Struct, frozen=True):
    """Text in which ``${…}`` means something: ``${local.prefix}orders``."""

    text: str


class Call(msgspec.Struct, frozen=True):
    """A call, such as ``jsonencode({…})``, whose arguments may span lines."""

    function: str
    arguments: tuple[Any, ...]


class Block(msgspec.Struct, frozen=True):
    """A block: ``resource "aws_s3_bucket" "lake" { … }``.

    Attributes:
        body: attributes by name, in the order in which they are written.
        blocks: nested blocks.
        comment: what it is for; written above it.
    """

    type: str
    labels: tuple[str, ...] = ()
    body: Mapping[str, Any] = {}
    blocks: tuple[Block, ...] = ()
    comment: str = ""

    @property
    def address(self) -> str:
        """How others name it, such as ``aws_s3_bucket.lake``."""
        return ".".join((() if self.type == "resource" else (self.type,)) + self.labels)


def resource(kind: str, name: str, body: Mapping[str, Any], *blocks: Block, comment: str = "") -> Block:
    """Returns a resource."""
    return Block("resource", (kind, name), body, blocks, comment)


def nested(kind: str, body: Mapping[str, Any] | None = None, *blocks: Block) -> Block:
    """Returns a block for the inside of another."""
    return Block(kind, (), body or {}, blocks)


def reference(text: str) -> Expression:
    """Returns an expression, such as ``aws_s3_bucket.lake.arn``."""
    return Expression(text)


def json_of(value: Any) -> Call:
    """Returns ``jsonencode(value)``."""
    return Call("jsonencode", (value,))


def identifier(name: str) -> str:
    """Returns a name as Terraform can call a resource: the same letters and digits, and underscores for the rest."""
    plain = re.sub(r"[^A-Za-z0-9]", "_", name)
    return plain if plain[:1].isalpha() else f"r_{plain}"


def document(blocks: Iterable[Block], heading: str = "") -> str:
    """Returns blocks as the text of one file.

    Raises:
        ValueError: a number is not finite, or a text holds what is no character.
    """
    parts = [_comment(heading, 0)] if heading else []
    parts += ["\n".join(_block_lines(block, 0)) for block in blocks]
    return "\n\n".join(parts) + "\n"


def assignments(values: Mapping[str, Any]) -> str:
    """Returns the text of a ``.tfvars`` file."""
    return "\n".join(_attribute_lines(values, 0)) + "\n"


def _block_lines(block: Block, depth: int) -> list[str]:
    lines = [_comment(block.comment, depth)] if block.comment else []
    head = " ".join([block.type, *(_quoted(label) for label in block.labels)])
    inner = _attribute_lines({k: v for k, v in block.body.items() if v is not None}, depth + 1)
    for child in block.blocks:
        inner += [""] if inner else []
        inner += _block_lines(child, depth + 1)
    if not inner:
        return [*lines, f"{INDENT * depth}{head} {{}}"]
    return [*lines, f"{INDENT * depth}{head} {{", *inner, f"{INDENT * depth}}}"]


def _comment(text: str, depth: int) -> str:
    return "\n".join(f"{INDENT * depth}# {line}".rstrip() for line in text.splitlines())


def _attribute_lines(values: Mapping[str, Any], depth: int, *, spaced: bool = True) -> list[str]:
    """Neighbouring lines have their equals signs under each other; an attribute of several lines stands alone."""
    lines: list[str] = []
    run: list[tuple[str, str]] = []

    def close() -> None:
        width = max((len(name) for name, _ in run), default=0)
        lines.extend(f"{INDENT * depth}{name.ljust(width)} = {text}" for name, text in run)
        run.clear()

    previous_was_long = False
    for name, value in values.items():
        text = _value(value, depth)
        is_long = "\n" in text
        if spaced and (run or lines) and (is_long or previous_was_long):
            close()
            lines.append("")
        if is_long:
            close()
            lines.append(f"{INDENT * depth}{_key(name)} = {text}")
        else:
            run.append((_key(name), text))
        previous_was_long = is_long
    close()
    return lines


def _key(name: str) -> str:
    # A mapping whose first word is `for` would be read as a loop.
    return name if _NAME.fullmatch(name) and name != "for" else _quoted(name)


def _value(value: Any, depth: int) -> str:
    match value:
        case Expression(text=text):
            return text
        case Template(text=text):
            return f'"{_escape(text)}"'
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(_value(argument, depth) for argument in arguments)})"
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case int() | float():
            if not math.isfinite(value):
                raise ValueError(f"Terraform has no number {value}")
            return repr(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)
        case str():
            return _quoted(value)
        case Mapping():
            return _mapping(value, depth)
        case Sequence():
            return _sequence(value, depth)
    raise TypeError(f"Terraform cannot hold a {type(value).__name__}")


def _mapping(value: Mapping[str, Any], depth: int) -> str:
    if not value:
        return "{}"
    return "\n".join(["{", *_attribute_lines(value, depth + 1, spaced=False), f"{INDENT * depth}}}"])


def _sequence(value: Sequence[Any], depth: int) -> str:
    texts = [_value(item, depth + 1) for item in value]
    flat = f"[{', '.join(texts)}]"
    if not any("\n" in text for text in texts) and len(flat) + len(INDENT) * depth <= WIDTH:
        return flat
    return "\n".join(["[", *(f"{INDENT * (depth + 1)}{text}," for text in texts), f"{INDENT * depth}]"])


def _quoted(text: str) -> str:
    """Returns text as a string in which nothing is interpolated."""
    return f'"{_escape(text).replace("${", "$${").replace("%{", "%%{")}"'


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(c, c if c.isprintable() else _code(c)) for c in text)


def _code(character: str) -> str:
    number = ord(character)
    if 0xD800 <= number <= 0xDFFF:
        raise ValueError(f"Terraform cannot hold {character!r}: it is half of a pair")
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
