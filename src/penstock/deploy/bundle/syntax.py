"""What the text of a module says: what loading it imports, and what each of its definitions uses when it runs."""

from __future__ import annotations

import ast
import importlib.util
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from penstock.errors import LoadError

FORGIVING = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
DYNAMIC = {"import_module", "__import__"}
# A name with its attributes: `host.read` is ("host", "read"). What is no name comes first as "".
Chain = tuple[str, ...]


class Import(msgspec.Struct, frozen=True):
    """An import of a module, or of names from it.

    Attributes:
        module: absolute.
        names: what ``from module import`` names; each can be a module, too.
        optional: the code goes on without it.
    """

    module: str
    line: int
    names: tuple[str, ...] = ()
    optional: bool = False


class Part(msgspec.Struct):
    """A definition at the top of a module, or a method of a class there: what it uses, and the imports in it."""

    uses: set[Chain] = msgspec.field(default_factory=set)
    imports: list[Import] = msgspec.field(default_factory=list)


class Source(msgspec.Struct):
    """A module.

    Attributes:
        imports: what loading it imports.
        called: what is called when it is loaded.
        parts: its definitions, by name; a class with all that is in it; lambdas, wherever they are.
        methods: by name, of all classes.
        bound: what the names mean that its imports bind, as absolute names.
        stars: modules that it takes all names of.
    """

    imports: list[Import] = msgspec.field(default_factory=list)
    called: set[Chain] = msgspec.field(default_factory=set)
    parts: dict[str, Part] = msgspec.field(default_factory=lambda: defaultdict(Part))
    methods: dict[str, Part] = msgspec.field(default_factory=lambda: defaultdict(Part))
    bound: dict[str, set[str]] = msgspec.field(default_factory=lambda: defaultdict(set))
    stars: list[str] = msgspec.field(default_factory=list)


def read_source(path: Path, package: str) -> Source:
    """Reads a module.

    Args:
        package: what relative imports in it are relative to.

    Raises:
        LoadError: it is no Python.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise LoadError(f"{path}:{line}: {getattr(error, 'msg', error)}", hint="mend the line") from error
    return _Reader(path, package).read(tree)


def nameless(line: int) -> str:
    """Returns what the part of a lambda is called."""
    return f"<lambda>:{line}"


class _Reader:
    def __init__(self, path: Path, package: str) -> None:
        self._path = path
        self._package = package
        self._source = Source()

    def read(self, tree: ast.Module) -> Source:
        for statement in tree.body:
            self._load(statement, self._source.parts)
        for node in ast.walk(tree):
            if isinstance(node, ast.Lambda):
                self._use(node, self._source.parts[nameless(node.lineno)])
        return self._source

    def _load(self, node: ast.AST, parts: dict[str, Part], *, optional: bool = False) -> None:
        """Notes what happens when a statement at the top of the module, or of a class there, is executed."""
        for name in _defined(node):
            self._use(node, parts[name])
        match node:
            case ast.Import() | ast.ImportFrom():
                self._source.imports += self._imports(node, optional=optional)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._call([*node.args.defaults, *filter(None, node.args.kw_defaults)])
                self._call(node.decorator_list, itself=True)
            case ast.ClassDef():
                self._call([*node.decorator_list, *node.bases, *node.keywords], itself=True)
                for statement in node.body:
                    self._load(statement, self._source.methods, optional=optional)
            case _:
                for child, forgiven in _children(node, optional=optional):
                    if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                        self._load(child, parts, optional=forgiven)
                    else:
                        self._call([child], optional=forgiven)

    def _call(self, nodes: list[ast.AST] | list[ast.expr], *, itself: bool = False, optional: bool = False) -> None:
        for node in nodes:
            if itself:
                self._source.called.add(_chain(node))
            waiting: list[ast.AST] = [node]
            while waiting:
                inner = waiting.pop()
                if isinstance(inner, ast.Call):
                    self._source.called.add(_chain(inner.func))
                    self._source.imports += self._dynamic(inner, optional=optional)
                if not isinstance(inner, ast.Lambda):
                    waiting += ast.iter_child_nodes(inner)

    def _use(self, node: ast.AST, part: Part) -> None:
        waiting: list[tuple[ast.AST, bool]] = [(node, False)]
        while waiting:
            inner, optional = waiting.pop()
            match inner:
                case ast.Name() | ast.Attribute():
                    part.uses.add(_chain(inner))
                case ast.Import() | ast.ImportFrom():
                    part.imports += self._imports(inner, optional=optional)
                case ast.Call():
                    part.imports += self._dynamic(inner, optional=optional)
            waiting += _children(inner, optional=optional)

    def _imports(self, node: ast.Import | ast.ImportFrom, *, optional: bool) -> list[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                self._source.bound[alias.asname or top].add(alias.name if alias.asname else top)
            return [Import(alias.name, node.lineno, optional=optional) for alias in node.names]
        module = self._absolute(node)
        for alias in node.names:
            if alias.name == "*":
                self._source.stars.append(module)
            else:
                self._source.bound[alias.asname or alias.name].add(f"{module}.{alias.name}")
        names = tuple(alias.name for alias in node.names if alias.name != "*")
        return [Import(module, node.lineno, names, optional)]

    def _absolute(self, node: ast.ImportFrom) -> str:
        try:
            return importlib.util.resolve_name("." * node.level + (node.module or ""), self._package)
        except ImportError as error:
            raise LoadError(
                f"{self._path}:{node.lineno}: a relative import leads out of its package",
                hint="import it by its whole name",
            ) from error

    def _dynamic(self, call: ast.Call, *, optional: bool) -> Iterator[Import]:
        if _chain(call.func)[-1] in DYNAMIC and call.args and isinstance(call.args[0], ast.Constant):
            name = call.args[0].value
            if isinstance(name, str) and name and not name.startswith("."):
                yield Import(name, call.lineno, optional=optional)


def _defined(node: ast.AST) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target) if isinstance(target, ast.Name):
            return {target.id}
        case _:
            return set()


def _children(node: ast.AST, *, optional: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Yields what is inside a node, and whether the code goes on when an import there fails."""
    match node:
        case ast.If(test=test, orelse=orelse) if _is_false_there(test):
            yield from ((child, optional) for child in orelse)
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            forgiven = optional or any(_forgives(handler) for handler in handlers)
            yield from ((child, forgiven) for child in body)
            yield from ((child, optional) for child in (*handlers, *orelse, *finalbody))
        case ast.With(items=items, body=body):
            forgiven = optional or any(_suppresses(item.context_expr) for item in items)
            yield from ((child, optional) for child in items)
            yield from ((child, forgiven) for child in body)
        case ast.AnnAssign(target=target, value=value):
            yield from ((child, optional) for child in (target, value) if child is not None)
        case ast.arg():
            return
        case _:
            yield from ((child, optional) for child in ast.iter_child_nodes(node))


def _is_false_there(test: ast.expr) -> bool:
    """Says whether a condition holds only for a type checker, or for a file that is run by itself."""
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return True
        case _:
            return _chain(test)[-1] == "TYPE_CHECKING"


def _suppresses(context: ast.expr) -> bool:
    return (
        isinstance(context, ast.Call)
        and _chain(context.func)[-1] == "suppress"
        and any(_chain(error)[-1] in FORGIVING for error in context.args)
    )


def _forgives(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or any(_chain(node)[-1] in FORGIVING for node in ast.walk(handler.type))


def _chain(node: ast.AST) -> Chain:
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id if isinstance(node, ast.Name) else "", *reversed(attributes))
