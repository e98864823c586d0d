"""System prompts with gaps, which the arguments of a request fill. A template can look at them, and do nothing else.

It is Jinja's language less whatever computes, calls, or includes: no template runs long, makes much, or reads what it
was not given. Arguments are put in as they are: what stands in them is never a template.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any

import msgspec
from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tropism.server.errors import InvalidRequest

LONGEST = 200_000
"""Characters of a system prompt that is filled in."""
LARGEST_ARGS = 65_536
MOST_NODES, MOST_TURNS, LONGEST_CONSTANT = 2_000, 1_000, 1_000
MOST_WORK = 2_000_000
"""Characters that filters, tests and comparisons read and make for one prompt: a few tenths of a second."""
_MARKS = ("{{", "{%", "{#")
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem),
    *(nodes.Filter, nodes.Test, nodes.If, nodes.CondExpr, nodes.For, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not),
)
_FILTERS = ("capitalize", "default", "first", "join", "last", "length", "lower", "title", "trim", "upper")
_TESTS = ("defined", "undefined", "none", "string", "number", "mapping", "sequence", "eq", "ne", "in")
_OF_LOOPS = ("index", "index0", "first", "last", "length")


class _Environment(ImmutableSandboxedEnvironment):
    """Where templates find what they may: the arguments' own fields, and nothing of Python's."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext):
            return getattr(obj, attribute) if attribute in _OF_LOOPS else self.undefined(obj=obj, name=attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping | list) and not isinstance(argument, slice):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        return self.undefined(obj=obj, name=argument)


def _text(value: Any) -> Any:
    """Texts as they are, everything else as JSON."""
    return value if isinstance(value, str | StrictUndefined) else msgspec.json.encode(value).decode()


_left: ContextVar[list[int]] = ContextVar("work_left")


def _weighed(value: Any) -> Any:
    """The value as it is, if there is work left for its length."""
    left = _left.get()
    if isinstance(value, str):
        left[0] -= len(value)
    elif isinstance(value, dict | list):
        left[0] -= len(msgspec.json.encode(value))
    if left[0] < 0:
        raise TemplateError(f"filters and comparisons would go through more than {MOST_WORK} characters")
    return value


def _weighing(function: Any) -> Callable[..., Any]:
    """A filter or a test that weighs what it is given, and what it makes."""

    @wraps(function)
    def weighs(*given: Any) -> Any:
        for each in given:
            _weighed(each)
        return _weighed(function(*given))

    return weighs


def _turns(values: Any) -> Any:
    """What a loop goes through, but not without end."""
    if len(values) > MOST_TURNS:
        raise TemplateError(f"a loop has {len(values)} turns, more than {MOST_TURNS}")
    return values


def _environment() -> _Environment:
    made = _Environment(undefined=StrictUndefined, keep_trailing_newline=True, finalize=_text, cache_size=0)
    made.globals.clear()
    made.filters = {name: _weighing(made.filters[name]) for name in _FILTERS} | {"tojson": _weighing(_text)}
    made.filters |= {"_turns": _turns, "_weighed": _weighed}
    made.tests = {name: _weighing(made.tests[name]) for name in _TESTS}
    return made


_ENVIRONMENT = _environment()


def check(text: str) -> None:
    """Raise unless the text is a template that may be used, or none at all."""
    if _is_template(text):
        try:
            _compiled(text)
        except (TemplateError, RecursionError, SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            where = f" (line {line})" if line else ""
            raise InvalidRequest(
                f"the system prompt is no template that can be used: {error}{where}; to have braces as they are, write "
                "{% raw %}{{ }}{% endraw %}",
                param="system_prompt",
            ) from None


def rendered(model: str, text: str, args: Mapping[str, Any]) -> str:
    """The system prompt of a model for one request."""
    if not _is_template(text):
        return text
    if len(msgspec.json.encode(args)) > LARGEST_ARGS:
        raise _refused(f"they are longer than {LARGEST_ARGS} bytes")
    template, names = _compiled(text)
    _left.set([MOST_WORK])
    try:
        return _joined(template.generate(args))
    except UndefinedError as error:
        raise _refused(f"the system prompt of {model!r} asks for {', '.join(names)}, but {error}") from None
    except (TemplateError, TypeError, ValueError, LookupError) as error:
        raise _refused(f"the system prompt of {model!r} cannot be filled in with them: {error}") from None


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"`system_prompt_args`: {why}", param="system_prompt_args")


def _joined(parts: Any) -> str:
    """The parts, as they come: one that grows too long is not made to its end."""
    made, size = [], 0
    for part in parts:
        made.append(part)
        size += len(part)
        if size > LONGEST:
            raise TemplateError(f"it becomes longer than {LONGEST} characters")
    return "".join(made)


def _is_template(text: str) -> bool:
    return any(mark in text for mark in _MARKS)


@lru_cache(1024)
def _compiled(text: str) -> tuple[Template, Sequence[str]]:
    """The template, and what it wants to know."""
    tree = _ENVIRONMENT.parse(text)
    names = sorted(find_undeclared_variables(tree))
    for number, node in enumerate(tree.find_all(nodes.Node)):
        if number > MOST_NODES:
            raise TemplateError("it has too many parts")
        if (problem := _problem(node)) is not None:
            raise TemplateError(f"{problem}, in line {node.lineno}")
    for loop in tree.find_all(nodes.For):
        loop.iter = _through("_turns", loop.iter)
    comparisons: list[Any] = [*tree.find_all(nodes.Compare), *tree.find_all(nodes.Operand)]
    for compared in comparisons:
        compared.expr = _through("_weighed", compared.expr)
    return _ENVIRONMENT.from_string(tree), names


def _through(filter: str, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(node, filter, [], [], None, None, lineno=node.lineno)


def _problem(node: nodes.Node) -> str | None:
    """Why a template may not have this, if it may not."""
    match node:
        case nodes.Filter() | nodes.Test():
            return _problem_of_filter(node)
        case nodes.For():
            return "a loop is within another one, or calls itself" if _is_deep(node) else None
        case nodes.Const(value=float(value)) if not math.isfinite(value):
            return "a number is too large"
        case nodes.Name() | nodes.Const() | nodes.Operand():
            return None
    kind = type(node).__name__.lower()
    return None if isinstance(node, _ALLOWED) else f"{kind!r} is more than a system prompt can do"


def _problem_of_filter(node: nodes.Filter | nodes.Test) -> str | None:
    known = (*_FILTERS, "tojson") if isinstance(node, nodes.Filter) else _TESTS
    if node.name not in known:
        return f"there is no {node.name!r} here; there are {', '.join(known)}"
    given = [*node.args, *(keyword.value for keyword in node.kwargs)]
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return f"what {node.name!r} is given must stand there one by one"
    if isinstance(node, nodes.Filter) and not all(isinstance(each, nodes.Const) for each in given):
        return f"what {node.name!r} is given must stand in the template"
    long = any(isinstance(each, nodes.Const) and len(str(each.value)) > LONGEST_CONSTANT for each in given)
    return f"what {node.name!r} is given is too long" if long else None


def _is_deep(loop: nodes.For) -> bool:
    return loop.recursive or any(loop.find_all(nodes.For))
