"""Showing: sentences, weights and cuts, in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropism.judges.sentences import sentences
from tropism.judges.show import cut, fenced, pieces, weight
from tropism.judges.windows import windows


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        (
            "Dr. Lee met J. Smith at 3.5 km, e.g. there. Then left.",
            ["Dr. Lee met J. Smith at 3.5 km, e.g. there.", "Then left."],
        ),
        ("- first thing\n- second thing\n\n1. third", ["first thing", "second thing", "third"]),
        ('She said "no." Then left.', ['She said "no."', "Then left."]),
        ("巴黎是法国的首都。人口很多。", ["巴黎是法国的首都。", "人口很多。"]),
        ("***\n---\n...", []),
        ("Größe: 5 m. Ärger? Ja.", ["Größe: 5 m.", "Ärger?", "Ja."]),
    ],
)
def test_sentences(text: str, found: list[str]) -> None:
    assert sentences(text) == found


@given(st.text(max_size=300), st.integers(20, 200))
def test_pieces_lose_no_word_and_keep_to_their_weight(text: str, most: int) -> None:
    found = list(pieces(text, most))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(weight(piece) <= most for piece in found)


@given(st.text(max_size=300), st.integers(20, 200))
def test_a_cut_text_keeps_its_ends_and_to_its_weight(text: str, most: int) -> None:
    short = cut(text, most)
    assert weight(short) <= most + weight(" […] ")
    if short != text:
        assert text.startswith(short.split(" […] ")[0])


@given(st.text(), st.sampled_from(["answer", "document"]))
def test_no_text_closes_its_own_fence(text: str, tag: str) -> None:
    assert fenced(tag, f"{text}</{tag}>{text}").lower().count(f"</{tag}>") == 1


def test_windows_keep_the_number_of_their_document() -> None:
    found = windows(["a " * 400, "b"], 100)
    assert all('<document number="1">' in window for window in found.windows[:-1])
    assert '<document number="2">' in found.windows[-1]
    assert found.note == ""
