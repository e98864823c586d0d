"""The shapes that a line may have, and the one in which it is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropism.server.domains.datasets.shapes import BadLine, Line, Turn, normalised, shown, written

Q = [{"role": "user", "content": "Q"}]
PAIR = {"preferred_completion": "A", "other_completion": "B"}


def of(**line: Any) -> Line:
    return normalised(json.dumps(line).encode())


@pytest.mark.parametrize(
    "prompt",
    [
        {"messages": Q},
        {"input": Q},
        {"prompt": [["user", "Q"]]},
        {"prompt": Q},
        {"messages": [["user", "Q"]]},
        {"prompt": "Q"},
        {"messages": Q, "completion": None, "metrics": None, "metadata": {}, "labels": None, "feedback_key": None},
    ],
)
def test_a_prompt_has_many_shapes(prompt: dict[str, Any]) -> None:
    assert of(**prompt) == Line(messages=[Turn("user", "Q")])
    assert of(**prompt).kind == "PROMPT"


@pytest.mark.parametrize("completion", ["A", ["assistant", "A"]])
def test_a_completion_is_a_text_or_a_pair(completion: Any) -> None:
    line = of(messages=Q, completion=completion)
    assert (line.completion, line.kind) == ("A", "PROMPT_COMPLETION")


@pytest.mark.parametrize("name", ["feedbacks", "metrics"])
def test_feedback_has_two_names(name: str) -> None:
    line = of(messages=Q, completion="", **{name: {"stars": 4, "thumbs": True}})
    assert line.feedbacks == {"stars": 4.0, "thumbs": 1.0}
    assert line.kind == "PROMPT_COMPLETION_FEEDBACK"


@pytest.mark.parametrize("name", ["feedback_key", "metric"])
def test_a_preference_has_two_sides_and_a_key(name: str) -> None:
    line = of(messages=Q, preferred_completion="A", other_completion=["assistant", "B"], **{name: "better"})
    assert (line.preferred_completion, line.other_completion, line.feedback_key) == ("A", "B", "better")
    assert line.kind == "PREFERENCE"


def test_documents_are_shown_apart_and_kept_in_their_place() -> None:
    prompt = [["system", "S"], ["document", "D1"], ["user", "Q"], ["document", "D2"]]
    line = of(prompt=prompt)
    assert [turn.role for turn in line.messages] == ["system", "document", "user", "document"]
    assert shown(line).documents == ["D1", "D2"]
    assert [message.content for message in shown(line).messages] == ["S", "Q"]


def test_metadata_and_labels_are_kept() -> None:
    line = of(messages=Q, metadata={"a": [1, {"b": None}]}, labels={"channel": "web"})
    assert (line.metadata, line.labels) == ({"a": [1, {"b": None}]}, {"channel": "web"})


BAD: list[tuple[bytes, str]] = [
    (b"{}", "exactly one of `messages`, `input` and `prompt`"),
    (b'{"messages": [], "prompt": "Q"}', "exactly one of"),
    (b'{"messages": []}', "there is no message"),
    (b'{"messages": [["document", "D"]]}', "no message besides documents"),
    (b'{"messages": [["human", "Q"]]}', "Invalid enum value 'human' - at `\\$.messages"),
    (b'{"messages": [{"role": "user"}]}', "missing required field `content`"),
    (b'{"messages": [["user", "Q"]], "answer": "A"}', "unknown field `answer`"),
    (b'{"prompt": "Q", "completion": 3}', "got `int` - at `\\$.completion`"),
    (b'{"prompt": "Q", "completion": ["user", "A"]}', "Invalid enum value 'user'"),
    (b'{"prompt": "Q", "feedbacks": {"stars": 1}}', "no `completion` that they speak of"),
    (b'{"prompt": "Q", "completion": "A", "feedbacks": {"stars": "4"}}', "got `str` - at `\\$.feedbacks"),
    (b'{"prompt": "Q", "completion": "A", "feedbacks": {"a b": 4}}', "regex"),
    (b'{"prompt": "Q", "completion": "A", "feedbacks": {"s": 1e999}}', "out of range"),
    (b'{"prompt": "Q", "completion": "A", "feedbacks": {"s": NaN}}', "NaN or Infinity"),
    (b'{"prompt": "Q", "completion": "A", "feedbacks": {"s": -Infinity}}', "NaN or Infinity"),
    (b'{"prompt": "Q", "completion": "A", "feedbacks": {"s": 1}, "metrics": {"s": 1}}', "mean the same"),
    (b'{"prompt": "Q", "preferred_completion": "A", "metric": "m"}', "a preference needs"),
    (b'{"prompt": "Q", "metric": "m"}', "a preference needs"),
    (
        b'{"prompt": "Q", "completion": "C", "preferred_completion": "A", "other_completion": "B", "metric": "m"}',
        "besides its two sides",
    ),
    (b'{"prompt": "Q", "labels": {"a": 1}}', "labels"),
    (b'{"prompt": "Q", "metadata": []}', "metadata"),
    (b'"Q"', "Expected `object`"),
    (b'{"prompt": "Q"', "truncated"),
    (b'{"prompt": "Q"} {"prompt": "Q"}', "malformed"),
    (b'{"prompt": "\xff"}', "not UTF-8"),
    (b'{"prompt": "a\\u0000b"}', "NUL character"),
    (b'{"prompt": "a\0b"}', "NUL byte"),
    (b'{"prompt": "\\ud800"}', "truncated"),
    (b'{"prompt": "Q", "metadata": {"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "nested too deeply"),
]


@pytest.mark.parametrize(("line", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_a_line_of_no_shape_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    with pytest.raises(BadLine, match=reason):
        normalised(line)


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert normalised(rb'{"prompt": "C:\\u0000"}').messages == [Turn("user", r"C:\u0000")]


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
KEY = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,10}", fullmatch=True)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
TURNS = st.lists(st.builds(Turn, st.sampled_from(["system", "user", "assistant", "document"]), TEXT), max_size=4)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    kind = draw(st.sampled_from(["prompt", "completion", "preference"]))
    more: dict[str, Any] = {}
    if kind == "completion":
        more = {"completion": draw(TEXT), "feedbacks": draw(st.dictionaries(KEY, NUMBERS, max_size=3))}
    if kind == "preference":
        more = {"preferred_completion": draw(TEXT), "other_completion": draw(TEXT), "feedback_key": draw(KEY)}
    return Line(
        messages=[*draw(TURNS), Turn("user", draw(TEXT))],
        metadata=draw(st.none() | st.dictionaries(TEXT, JSON, min_size=1, max_size=3)),
        labels=draw(st.none() | st.dictionaries(TEXT.filter(bool), TEXT, min_size=1, max_size=3)),
        **more,
    )


@given(lines())
def test_what_is_kept_is_taken_again_as_it_is(line: Line) -> None:
    text = written(line)
    assert text.count(b"\n") == 1
    assert normalised(text) == line
    assert written(normalised(text)) == text
