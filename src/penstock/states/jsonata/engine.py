"""The JSONata library under bounds: an evaluation counts its work and its depth."""

from __future__ import annotations

import functools
from typing import Any

from penstock.states.jsonata.builtins import BASE, Frame
from penstock.states.jsonata.library import JException, Jsonata, Parser
from penstock.states.jsonata.limits import (
    DEPTH_CAUSE,
    DEPTH_LIMIT,
    EVALUATION_WORK,
    EXPRESSION_LIMIT_CHARACTERS,
    ITEM_BYTES,
    TUPLE_WORK,
    ExpressionFailedError,
    Run,
)
from penstock.states.jsonata.operators import Operators
from penstock.states.jsonata.regex import compile_regex

# Operators of JSONata 2.1, which AWS does not have.
LATER_OPERATORS = ("??", "?:")


@functools.lru_cache(maxsize=1024)
def parsed(text: str) -> Any:
    """Returns an expression's syntax tree.

    Raises:
        JException, ExpressionFailedError: it is not JSONata 2.0.6.
    """
    if len(text) > EXPRESSION_LIMIT_CHARACTERS:
        raise ExpressionFailedError(f"The expression is longer than {EXPRESSION_LIMIT_CHARACTERS} characters")
    parser = Parser()
    for operator in LATER_OPERATORS:
        # They stay tokens, as a function's signature may have them.
        parser.symbol_table[operator].led = functools.partial(_refused, operator)
    try:
        tree = parser.parse(text, compile_regex)
    except KeyError as error:
        raise JException("S0204", -1, error.args[0]) from None
    except RecursionError:
        raise ExpressionFailedError(DEPTH_CAUSE) from None
    except (IndexError, AttributeError, TypeError, NotImplementedError):
        raise JException("S0207", -1) from None
    return tree


def _refused(operator: str, left: Any) -> Any:
    # To JSONata 2.0.6 its second character is an operator without a left side.
    raise JException("S0211", -1, operator[1])


def evaluated(text: str, variables: dict[str, Any], run: Run) -> Any:
    """Returns what an expression evaluates to, as the library has it; None is undefined."""
    tree = parsed(text)
    frame = Frame(BASE)
    frame.bindings.update(variables)
    before = getattr(Jsonata.CURRENT, "jsonata", None)
    Jsonata.CURRENT.jsonata = engine = Engine(frame, run)
    try:
        return engine.eval(tree, None, frame)
    except RecursionError:
        raise ExpressionFailedError(DEPTH_CAUSE) from None
    finally:
        Jsonata.CURRENT.jsonata = before


class Engine(Operators):
    """One evaluation. It counts its work and its depth, and never changes what it is given."""

    def __init__(self, frame: Any, run: Run) -> None:
        self.parser = _RUNTIME_PARSER
        self.environment = frame
        self.input = None
        self.timestamp = run.millis
        self.regex_engine = compile_regex
        self.run = run
        self._depth = 0
        self._tuple_steps: list[Any] = []

    def eval(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Evaluates a node."""
        self.run.spend(EVALUATION_WORK)
        # JSONata's reference counts no depth for what it evaluates side by side: members after the first.
        counted = not environment.is_parallel_call
        self._depth += counted
        if self._depth > DEPTH_LIMIT:
            raise ExpressionFailedError(DEPTH_CAUSE)
        kept = self.input, self.environment
        try:
            result = self._eval(expr, input, environment)
        finally:
            self.input, self.environment = kept
            self._depth -= counted
        if isinstance(result, list):
            self.run.make(len(result) * ITEM_BYTES)
            if self._tuple_steps and self._tuple_steps[-1] is expr:
                self.run.spend(len(result) * TUPLE_WORK)
        elif isinstance(result, str):
            self.run.make(len(result))
        return result

    def evaluate_tuple_step(self, expr: Any, input: Any, tuple_bindings: Any, environment: Any) -> Any:  # noqa: A002
        """Makes the tuples of a step with ``@`` or ``#``: one for each pair."""
        self._tuple_steps.append(expr)
        try:
            return super().evaluate_tuple_step(expr, input, tuple_bindings, environment)
        finally:
            self._tuple_steps.pop()

    def create_frame(self, enclosing_environment: Any = None) -> Frame:
        """Returns an empty frame within another."""
        return Frame(enclosing_environment)

    def partial_apply_native_function(self, native: Any, args: Any) -> Any:
        """Makes a function of the parameters that are left open."""
        names = [f"$p{number}" for number in range(min(len(args), native.get_number_of_args()))]
        listed = ", ".join(names)
        return self.partial_apply_procedure(parsed(f"function({listed}){{${native.function_name}({listed})}}"), args)

    def evaluate_function(self, expr: Any, input: Any, environment: Any, applyto_context: Any) -> Any:  # noqa: A002
        """Calls a function. Its name goes with the error."""
        try:
            return super().evaluate_function(expr, input, environment, applyto_context)
        except JException as error:
            if not hasattr(error, "function_name"):
                error.function_name = getattr(expr.procedure, "value", None)
            raise

    def apply_inner(self, proc: Any, args: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        """Calls what is a function."""
        if not self.is_function_like(proc):
            raise JException("T1006", -1)
        return super().apply_inner(proc, args, input, environment)


_RUNTIME_PARSER = Parser()
