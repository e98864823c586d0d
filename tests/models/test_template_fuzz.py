"""Templates that nobody should write, with arguments that nobody should send: text or a refusal, soon and in little."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tropism.server.domains.models import templates
from tropism.server.errors import InvalidRequest

SECONDS, MEGABYTES = 5.0, 200
"""Far more than anything here takes; what had no bound took minutes, or gigabytes."""
NAMES = ("x", "y", "l", "loop", "self", "config", "cycler", "lipsum", "namespace", "range", "dict", "_turns")
HIDDEN = (
    "__class__",
    "__mro__",
    "__subclasses__",
    "__globals__",
    "__init__",
    "format",
    "items",
    "func_globals",
    "gi_frame",
)
NUMBERS = st.integers() | st.floats() | st.sampled_from(["1e999", "9" * 5000, "0x" + "f" * 5000, "1_0", "-1"])
FILTERS = [*templates._FILTERS, "tojson", "_turns", "_weighed", "attr", "map", "format", "replace", "xmlattr", "safe"]
TEXTS = st.text(max_size=5) | st.sampled_from(["{{ x }}", "{% raw %}", "'", "\\", "\0"])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | st.sampled_from(HIDDEN), inner, max_size=3),
    max_leaves=12,
)
ARGS = st.dictionaries(st.sampled_from(NAMES) | TEXTS, JSON, max_size=4)


def literal(value: Any) -> str:
    return str(value) if isinstance(value, str) and value[:1].isdigit() else repr(value)


def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    given = st.lists(inner | TEXTS.map(repr), max_size=2).map(", ".join)
    return st.one_of(
        st.tuples(inner, st.sampled_from(HIDDEN)).map(".".join),
        st.tuples(inner, inner).map(lambda two: f"{two[0]}[{two[1]}]"),
        st.tuples(inner, st.sampled_from(FILTERS), given).map(lambda three: f"{three[0]} | {three[1]}({three[2]})"),
        st.tuples(inner, st.sampled_from(FILTERS), inner).map(lambda three: f"{three[0]} | {three[1]}(*{three[2]})"),
        st.tuples(inner, st.sampled_from(templates._TESTS), given).map(lambda it: f"{it[0]} is {it[1]}({it[2]})"),
        st.tuples(inner, st.sampled_from(["+", "*", "~", "==", "<", "in", "and", "or", "**", "//"]), inner).map(
            " ".join
        ),
        st.tuples(inner, given).map(lambda two: f"{two[0]}({two[1]})"),
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, inner, inner).map(lambda it: f"{it[0]} if {it[1]} else {it[2]}"),
    )


EXPRESSIONS = st.recursive(st.sampled_from(NAMES) | TEXTS.map(repr) | NUMBERS.map(literal), deeper, max_leaves=6)
PIECES = st.one_of(
    TEXTS,
    EXPRESSIONS.map(lambda it: "{{ " + it + " }}"),
    st.tuples(EXPRESSIONS, TEXTS).map(lambda two: "{% if " + two[0] + " %}" + two[1] + "{% endif %}"),
    st.tuples(EXPRESSIONS, EXPRESSIONS).map(
        lambda two: "{% for x in " + two[0] + " %}{{ " + two[1] + " }}{% endfor %}"
    ),
    st.sampled_from(
        ["{%", "%}", "{{", "}}", "{#", "#}", "{% set x = 1 %}", "{% include x %}", "{% endfor %}", "{%- raw -%}"]
    ),
)


def used(text: str, args: dict[str, Any]) -> str:
    """Written, and then filled in."""
    templates.check(text)
    return templates.rendered("m", text, args)


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES, max_size=6).map("".join), ARGS)
def test_a_template_is_refused_or_makes_text_of_its_arguments(text: str, args: dict[str, Any]) -> None:
    try:
        made = used(text, args)
    except InvalidRequest:
        return
    assert len(made) <= max(templates.LONGEST, len(text))
    for inside in ("<class", "<function", "<built-in", "object at 0x", "<bound method"):
        assert inside not in made, "it reached Python's own"


HAY = "ab " * 20_000
SLOW: dict[str, tuple[str, dict[str, Any]]] = {
    "title": ("{% for i in l %}" + "{% if (h | title) == 'x' %}{% endif %}" * 300 + "{% endfor %}", {"h": HAY}),
    "needle": (
        "{% for i in l %}" + "{% if n in h %}{% endif %}" * 300 + "{% endfor %}",
        {"h": HAY, "n": "ab " * 400 + "c"},
    ),
    "tested": ("{% for i in l %}" + "{% if h is in h %}{% endif %}" * 300 + "{% endfor %}", {"h": HAY}),
    "joined": (
        "{% for i in l %}" + "{% if m | join('" + "x" * 999 + "') %}{% endif %}" * 300 + "{% endfor %}",
        {"m": [1] * 29_000},
    ),
    "json": ("{% for i in l %}" + "{% if m | tojson %}{% endif %}" * 300 + "{% endfor %}", {"m": [1] * 29_000}),
    "equal": (
        "{% for i in l %}" + "{% if m == m2 %}{% endif %}" * 300 + "{% endfor %}",
        {"m": [1] * 14_000, "m2": [1] * 14_000},
    ),
    "spread": ("{{ m | join(*s) }}", {"m": [1] * 14_000, "s": ["x" * 30_000]}),
    "chained": ("{{ h" + " | title" * 120 + " }}", {"h": HAY}),
    "many": ("{{ h | title | length }}" * 400, {"h": HAY}),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_template_takes_long_or_much(name: str) -> None:
    text, args = SLOW[name]
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidRequest):
        used(text, {"l": [1] * 1_000, **args})
    assert time.process_time() - began < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES * 1024


@pytest.mark.parametrize(
    "text", ["{{ x[1e999] }}", "{{ x[" + "9" * 5_000 + "] }}", "{{ x | join(*y) }}", "{{ x is eq(*y) }}"]
)
def test_what_python_would_stumble_over_is_refused_when_it_is_written(text: str) -> None:
    with pytest.raises(InvalidRequest, match="no template that can be used"):
        templates.check(text)


def test_the_template_itself_is_nothing_to_look_into() -> None:
    with pytest.raises(InvalidRequest, match="cannot be filled in"):
        used("{{ self | first }}", {})


def test_a_prompt_of_ordinary_length_stays_far_from_the_bound() -> None:
    facts = [{"name": f"fact {number}", "text": "so it is " * 4} for number in range(900)]
    text = (
        "{% for f in facts if f.name | upper != 'FACT 3' %}{{ loop.index }}. {{ f.name | title }}: "
        "{% if f.text is defined and 'so' in f.text %}{{ f.text | trim | capitalize }}{% endif %}\n{% endfor %}"
    )
    assert used(text, {"facts": facts}).count("\n") == 899
