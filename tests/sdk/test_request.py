"""What goes over the wire for the arguments of a both."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tropism.sdk.errors import TropismError
from tropism.sdk.request import encode, prepare
from tropism.wire import ab_tests, feedback, interactions, models
from tropism.wire.api import ENDPOINTS

NAN, INFINITY = float("nan"), float("inf")


class NumpyLikeBool:
    def item(self) -> bool:
        return True


class NumpyLikeNaN:
    def item(self) -> float:
        return NAN


def test_path_fields_are_quoted_and_left_out_of_the_body() -> None:
    takes = models.ModelServiceUpdate(use_case="a/b ü?#", model="m", is_default=True)
    request = prepare(models.UPDATE, takes)
    assert request.path == "/api/v1/use_cases/a%2Fb%20%C3%BC%3F%23/models/m"
    assert json.loads(request.content or b"") == {"is_default": True}


def test_a_get_sends_the_rest_as_its_query() -> None:
    request = prepare(ab_tests.LIST, ab_tests.ABTestFilter(use_case="u", active=False))
    assert (request.path, request.query, request.content) == (
        "/api/v1/ab_tests",
        {"use_case": "u", "active": "false"},
        None,
    )


def test_none_is_not_sent() -> None:
    request = prepare(feedback.REGISTER_KEY, feedback.FeedbackKeyCreate(key="k"))
    assert json.loads(request.content or b"") == {
        "key": "k",
        "kind": "scalar",
        "scoring_type": "higher_is_better",
    }


def test_renamed_fields_go_by_their_names_on_the_wire() -> None:
    takes = interactions.InteractionQuery(
        use_case="u", filters=interactions.InteractionFilter(timerange=interactions.TimeRange(from_=5))
    )
    sent = json.loads(prepare(interactions.QUERY, takes).content or b"")
    assert sent["filters"]["timerange"]["from"] == 5


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_a_path_field_that_leads_elsewhere_is_an_error(key: str) -> None:
    with pytest.raises(TropismError, match="model is"):
        prepare(models.GET, models.ModelReference(model=key))


@pytest.mark.parametrize("number", [NAN, INFINITY, -INFINITY])
@pytest.mark.parametrize(
    ("wrap", "place"),
    [
        (lambda x: {"value": x}, "value"),
        (lambda x: {"a": {"b": [1, x]}}, r"a\.b\[1\]"),
        (lambda x: {"config": models.Parameters(temperature=x)}, r"config\.temperature"),
        (lambda x: {"text": "null", "pair": (x,)}, r"pair\[0\]"),
    ],
)
def test_nan_and_infinity_are_refused_wherever_they_are(number: float, wrap: Any, place: str) -> None:
    with pytest.raises(TropismError, match=rf"^{place} is NaN or infinite"):
        encode(wrap(number))


def test_nan_of_another_library_is_refused() -> None:
    with pytest.raises(TropismError, match="NaN or infinite"):
        encode({"value": NumpyLikeNaN()})


def test_words_like_null_are_no_nan() -> None:
    assert encode({"text": "null", "nothing": [None]}) == b'{"text":"null","nothing":[null]}'


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (NumpyLikeBool(), True),
        (Fraction(1, 2), 0.5),
        (Path("/models/x.gguf"), "/models/x.gguf"),
        (UUID(int=7), str(UUID(int=7))),
        (("a", "b"), ["a", "b"]),
    ],
)
def test_values_of_other_libraries_arrive_as_plain_ones(value: object, sent: object) -> None:
    assert json.loads(encode({"value": value})) == {"value": sent}


@pytest.mark.parametrize("value", [object(), "\ud800"])
def test_what_json_cannot_carry_is_a_clear_error(value: object) -> None:
    with pytest.raises(TropismError, match="cannot be sent as JSON"):
        encode({"value": value})


def test_every_name_in_a_path_is_a_field_that_has_no_default() -> None:
    for row in ENDPOINTS:
        fields = row.takes.__struct_fields__
        assert set(row.path_names) <= set(fields), row.path
