"""Which error a refusal becomes, and what it tells."""

from __future__ import annotations

import pickle
import re

import pytest

import tropism
from tropism.sdk import errors
from tropism.sdk.errors import APIStatusError, TropismError, status_error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequestError),
        (401, errors.AuthenticationError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (413, errors.APIStatusError),
        (422, errors.UnprocessableEntityError),
        (429, errors.RateLimitError),
        (500, errors.InternalServerError),
        (503, errors.InternalServerError),
        (599, errors.InternalServerError),
        (307, errors.APIStatusError),
    ],
)
def test_every_status_has_its_class(status: int, kind: type[APIStatusError]) -> None:
    error = status_error(status, b'{"type": "some_type", "message": "so it is", "param": "messages"}')
    assert type(error) is kind
    assert (error.status_code, error.type, error.message, error.param) == (status, "some_type", "so it is", "messages")
    assert str(error) == "so it is"


def test_openai_shaped_errors_are_read_too() -> None:
    error = status_error(404, b'{"error": {"type": "not_found", "message": "no such thing", "param": "model"}}')
    assert (error.type, error.message, error.param) == ("not_found", "no such thing", "model")


@pytest.mark.parametrize("body", [b"<html>" + b"x" * 5000, b"\xff\xfe\x00", b"", b'"text"', b"[]"])
def test_a_body_that_is_no_problem_is_shown_shortened(body: bytes) -> None:
    error = status_error(502, body)
    assert isinstance(error, errors.InternalServerError)
    assert error.message.startswith("502 Bad Gateway")
    assert len(error.message) < 350
    assert error.type == "unknown"


def test_the_docstring_draws_the_whole_tree() -> None:
    drawn = re.findall(r"(\w+Error)\b", (errors.__doc__ or "").partition("A plain")[0])
    classes = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]
    assert drawn == classes
    assert set(classes) <= set(tropism.__all__)


def test_the_tree_is_that_of_the_reference() -> None:
    assert errors.APIConnectionError.__base__ is TropismError
    assert errors.APITimeoutError.__base__ is TropismError
    assert errors.APIStatusError.__base__ is TropismError
    assert all(kind.__base__ is APIStatusError for kind in errors.BY_STATUS.values())
    assert errors.InternalServerError.__base__ is APIStatusError


def test_errors_travel_between_processes() -> None:
    error = status_error(404, b'{"type": "not_found", "message": "gone", "param": "model"}')
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is errors.NotFoundError
    assert (str(copy), copy.status_code, copy.type, copy.param) == ("gone", 404, "not_found", "model")
